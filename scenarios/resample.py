"""From whole days of data at one resolution to the metering intervals of a run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .calendar import IntervalGrid

Floats = NDArray[np.float64]


def change_resolution(daily_kwh: Floats, per_day: int) -> Floats:
    """Split or add up the slots of days; energy is preserved.

    Parameters
    ----------
    daily_kwh : ndarray (..., slots_per_day)
        Energy of each slot [kWh].
    per_day : int
        Slots wanted in a day. Coarser slots are split evenly, finer ones added up; where neither
        divides the other, each slot is first split evenly to the common step.

    Returns
    -------
    ndarray (..., per_day)
        The same energy in every day.

    Examples
    --------
    >>> change_resolution(np.array([2.0, 6.0]), 4).tolist()
    [1.0, 1.0, 3.0, 3.0]
    >>> change_resolution(np.array([1.0, 2.0, 3.0]), 2).tolist()
    [2.0, 4.0]
    """
    slots = daily_kwh.shape[-1]
    if slots == per_day:
        return daily_kwh
    common = int(np.lcm(slots, per_day))
    fine = np.repeat(daily_kwh / (common // slots), common // slots, axis=-1)
    shape = (*daily_kwh.shape[:-1], per_day, common // per_day)
    return np.asarray(fine.reshape(shape).sum(axis=-1))


def take_days(
    daily_kwh: Floats, rows: NDArray[np.int64], days: NDArray[np.int64], grid: IntervalGrid
) -> Floats:
    """Lay days of data along the grid.

    Parameters
    ----------
    daily_kwh : ndarray (n_series, n_days, slots_per_day)
        Data in whole civil days, from midnight.
    rows : ndarray (n_members,)
        Which series each member has.
    days : ndarray (n_members, n_dates)
        Which day of the data stands for each date of `grid.dates`.
    grid : IntervalGrid
        Where to.

    Returns
    -------
    ndarray (n_members, grid.n_intervals)
        Energy of each interval [kWh].
    """
    picked = change_resolution(daily_kwh[rows[:, None], days], grid.per_day)
    whole = picked.reshape(len(rows), -1)
    since_midnight = grid.first - grid.first.astype("datetime64[D]")
    lead = int(since_midnight / np.timedelta64(1, "m")) // grid.interval_minutes
    return np.ascontiguousarray(whole[:, lead : lead + grid.n_intervals])
