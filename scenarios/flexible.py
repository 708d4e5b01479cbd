"""Flexible load of a scenario: how much of whose load may move, and when."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from .calendar import IntervalGrid
from .schema import Scenario
from .streams import stream

Floats = NDArray[np.float64]
MINUTES_PER_DAY = 24 * 60


@dataclass(frozen=True, eq=False)
class FlexibleShare:
    """Load split into what stays where it is and what may move.

    Attributes
    ----------
    fixed_kwh : ndarray (n_members, n_intervals)
        Load that stays.
    energy_kwh : ndarray (n_members, n_days)
        Load of each market day that may move.
    habit : ndarray (n_members,)
        In [0, 1): which of equally cheap times each member takes.
    """

    fixed_kwh: Floats
    energy_kwh: Floats
    habit: Floats


def split_load(scenario: Scenario, load_kwh: Floats, grid: IntervalGrid) -> FlexibleShare | None:
    """Take the flexible share out of the load, day by day; None where there is none.

    Parameters
    ----------
    scenario : Scenario
        Its `flexible_load` section and seed.
    load_kwh : ndarray (n_members, n_intervals)
        Whole load.
    grid : IntervalGrid
        Its intervals: whole market days.

    Returns
    -------
    FlexibleShare or None
        Day by day and member by member, fixed and flexible energy add up to the whole load.
    """
    section = scenario.flexible_load
    if section.share <= 0.0:
        return None
    n = len(load_kwh)
    draw = np.stack([stream(scenario.seed, "flexible", str(i + 1)).random(2) for i in range(n)])
    has = np.zeros(n)
    has[np.argsort(draw[:, 0], kind="stable")[: floor(section.homes_share * n + 0.5)]] = 1.0
    share = section.share * has
    daily = load_kwh.reshape(n, -1, grid.per_day).sum(axis=2)
    return FlexibleShare(
        load_kwh * (1.0 - share)[:, None], daily * share[:, None], np.asarray(draw[:, 1])
    )


def window_minutes(earliest: str, latest: str, day_start_minute: int) -> tuple[int, int]:
    """Window of a flexible load in minutes from the beginning of the market day.

    A `latest` that is the beginning of the market day is its end.

    Examples
    --------
    >>> window_minutes("18:00", "06:00", 360)
    (720, 1440)
    """

    def since(clock: str) -> int:
        hours, minutes = clock.split(":")
        return (int(hours) * 60 + int(minutes) - day_start_minute) % MINUTES_PER_DAY

    return since(earliest), since(latest) or MINUTES_PER_DAY
