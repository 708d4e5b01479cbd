"""Measured cloudiness: what share of its clear-sky output a real rooftop gave, day by day.

The record is one rooftop in Sydney, half-hourly, of a whole year. It is divided by what pvlib says
the same rooftop gives under a clear sky; tilt, direction, clock and performance were fitted to the
upper edge (95th percentile of 41 days about each date) of the record itself, root mean square
residual 36 W per kWp. Near sunrise and sunset, where a quotient of two small numbers means little,
the nearest slot of the same day with enough sun stands in. Daily energy is then held to
the record's published daily clear-sky index.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .calendar import Times, minute_of_day, same_date_in
from .sun import Site, clear_sky, daylight, plane_irradiance, sun_path

Floats = NDArray[np.float64]

RECORD_YEAR = 2013
RECORD_DAYS = 365
SLOTS_PER_DAY = 48
# Fitted to the upper edge of the record (least squares over all slots above 150 W/m2).
ROOFTOP = Site("Sydney", -33.87, 151.20, 50.0, 10.0)
ROOFTOP_TILT_DEG = 21.6
ROOFTOP_AZIMUTH_DEG = 330.2
ROOFTOP_PERFORMANCE = 0.777  # W per kWp for each W/m2 on the plane
CLOCK_LAG_MINUTES = 10  # slots are centred this much before the middle that their label says
# The record's clock has daylight saving: ahead by an hour outside these two moments of 2013.
STANDARD_FROM, STANDARD_TO = np.datetime64("2013-04-07T03:00"), np.datetime64("2013-10-06T02:00")

_LEAST_CLEAR_W_PER_KWP = 60.0
_MOST_CLEARNESS = 1.25  # cloud edges can lift a half-hour above clear sky


def measured_trace() -> Floats:
    """Measured rooftop output, (365, 48) mean AC W per kWp of each half-hour of the clock."""
    path = files(__package__) / "data" / "nsw_real_2013_30min.parquet"
    with path.open("rb") as file:
        column = pd.read_parquet(file, columns=["pv_w_per_kwp"])["pv_w_per_kwp"]
    return column.to_numpy(np.float64).reshape(RECORD_DAYS, SLOTS_PER_DAY)


def daily_index() -> Floats:
    """Published daily clear-sky index of the record: energy over clear-sky energy, (365,)."""
    path = files(__package__) / "data" / "measured_daily_clearsky_index_sydney.csv"
    with path.open("rb") as file:
        return pd.read_csv(file)["k_day"].to_numpy(np.float64)


def record_times_utc() -> Times:
    """Middle of each half-hour of the record in UTC, (365 * 48,)."""
    clock = np.datetime64(f"{RECORD_YEAR}-01-01T00:15", "m") + 30 * np.arange(
        RECORD_DAYS * SLOTS_PER_DAY
    )
    standard = (clock >= STANDARD_FROM) & (clock < STANDARD_TO)
    lag = np.where(standard, 600, 660) + CLOCK_LAG_MINUTES
    return np.asarray(clock - lag.astype("timedelta64[m]"))


def rooftop_clear_sky() -> Floats:
    """What the rooftop of the record gives under a clear sky, (365, 48) W per kWp."""
    sun = sun_path(ROOFTOP, record_times_utc())
    irradiance = plane_irradiance(
        sun,
        clear_sky(ROOFTOP, sun),
        np.array([ROOFTOP_TILT_DEG]),
        np.array([ROOFTOP_AZIMUTH_DEG]),
    )[0]
    return (ROOFTOP_PERFORMANCE * irradiance).reshape(RECORD_DAYS, SLOTS_PER_DAY)


@lru_cache(maxsize=1)
def half_hourly_index() -> Floats:
    """Clear-sky index of the record's half-hours, (365, 48), read-only.

    Returns
    -------
    ndarray
        Measured over clear-sky output, 0 to 1.25; before dawn and after dusk the day's first and
        last value that is sure.

    Examples
    --------
    >>> index = half_hourly_index()
    >>> index.shape, bool((index >= 0).all() and (index <= 1.25).all())
    ((365, 48), True)
    """
    measured, clear = measured_trace(), rooftop_clear_sky()
    sure = clear >= _LEAST_CLEAR_W_PER_KWP
    slots = np.arange(SLOTS_PER_DAY)
    index = np.empty_like(measured)
    for day in range(RECORD_DAYS):
        known = slots[sure[day]]
        index[day] = np.interp(slots, known, measured[day, known] / clear[day, known])
    index = np.clip(index, 0.0, _MOST_CLEARNESS)
    index.flags.writeable = False
    return index


def record_day(dates: Times, shift_days: int) -> NDArray[np.int64]:
    """Day of the record whose weather each date gets.

    Parameters
    ----------
    dates : ndarray of datetime64[D]
        Dates of the scenario.
    shift_days : int
        Days to go back in the record: 182 turns a southern year into a northern one.

    Returns
    -------
    ndarray of int64
        0 to 364. Weather knows no weekdays: the same month and day, shifted.

    Examples
    --------
    >>> record_day(np.array(["2025-11-01"], "datetime64[D]"), 182)
    array([122])
    """
    same = same_date_in(dates, RECORD_YEAR)
    day = (same - np.datetime64(f"{RECORD_YEAR}-01-01", "D")).astype(np.int64)
    return (day - shift_days) % RECORD_DAYS


def clearness_at(site: Site, times_utc: Times, shift_days: int, clear: Floats) -> Floats:
    """Clear-sky index at a site: the record's weather, told by the sun instead of the clock.

    Days differ in length between the two places. An instant at some share of the site's daylight
    gets the record's index at the same share of the record's daylight, linear between half-hours.
    Each day is then scaled so that its energy is the published daily index times clear-sky energy
    (the 1.25 limit on a half-hour comes after, and can take away a little).

    Parameters
    ----------
    site : Site
        Where.
    times_utc : ndarray of datetime64[m] (n_times,)
        Ascending instants.
    shift_days : int
        See `record_day`.
    clear : ndarray (n_times,)
        Clear-sky global irradiance at the instants [W/m2], the weights of a day's energy.

    Returns
    -------
    ndarray (n_times,)
        Index, 0 to 1.25; 0 at night.
    """
    local = times_utc + np.timedelta64(round(site.utc_offset_hours * 60), "m")
    dates, day_of_time = np.unique(local.astype("datetime64[D]"), return_inverse=True)
    source = record_day(dates, shift_days)
    rise, fall = daylight(site, dates)
    minute = minute_of_day(local)
    share = (minute - rise[day_of_time]) / (fall - rise)[day_of_time]

    record_dates = np.datetime64(f"{RECORD_YEAR}-01-01", "D") + source
    their_rise, their_fall = daylight(ROOFTOP, record_dates)
    times = record_times_utc() + np.timedelta64(600, "m")  # the rooftop's standard time
    slot_minute = minute_of_day(times).reshape(RECORD_DAYS, SLOTS_PER_DAY)
    index = half_hourly_index()
    there = their_rise[day_of_time] + share * (their_fall - their_rise)[day_of_time]
    # Slots are 30 min apart; the first of the day may belong to the evening before by the sun.
    first = slot_minute[:, 0]
    first = np.where(first > 720.0, first - 1440.0, first)
    position = np.clip((there - first[source][day_of_time]) / 30.0, 0.0, SLOTS_PER_DAY - 1.0)
    before = np.minimum(position.astype(np.int64), SLOTS_PER_DAY - 2)
    weight = position - before
    row = source[day_of_time]
    k = (1.0 - weight) * index[row, before] + weight * index[row, before + 1]
    k = np.where((share > 0.0) & (share < 1.0), k, 0.0)

    clear_energy = np.bincount(day_of_time, clear, len(dates))
    energy = np.bincount(day_of_time, clear * k, len(dates))
    wanted = daily_index()[source] * clear_energy
    scale = np.divide(wanted, energy, out=np.ones_like(wanted), where=energy > 0.0)
    return np.minimum(k * scale[day_of_time], _MOST_CLEARNESS)
