"""Measured loads of a scenario, and who of its members lives in which measured home."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .calendar import LOOK_AHEAD_DAYS, matching_days
from .files import inside
from .names import nearest
from .problems import ScenarioError, problem
from .series import Series
from .series_files import read_series
from .streams import stream

if TYPE_CHECKING:
    from .schema import Scenario

MOST_WEEKS = 25  # of a year's data, a home moved by up to half a year each way

_SUFFIXES = (".csv", ".parquet")


@lru_cache(maxsize=1)
def nsw_homes_2013() -> Series:
    """33 measured homes of New South Wales, the whole of 2013, half-hourly, gross load.

    Local clock time, daylight saving included (ahead by an hour until 7 April and from 6 October):
    households live by the clock, so the clock is kept, and the data have 48 slots on every day.
    Whether a label is the start or the end of its half-hour is not documented at the source:
    times are sure to half an hour.

    Returns
    -------
    Series
        365 days of 48 slots [kWh].

    Examples
    --------
    >>> homes = nsw_homes_2013()
    >>> per_day = homes.kwh.sum(axis=2).mean(axis=1)
    >>> len(homes.names), homes.n_days, float(np.median(per_day).round(2))
    (33, 365, 9.97)
    """
    path = files(__package__) / "data" / "nsw_real_2013_30min.parquet"
    with path.open("rb") as file:
        table = pd.read_parquet(file).drop(columns="pv_w_per_kwp")
    kwh = np.ascontiguousarray(table.to_numpy(np.float64).T / 1000.0)
    kwh = kwh.reshape(table.shape[1], -1, 48)
    kwh.flags.writeable = False
    return Series("nsw-homes-2013", tuple(table.columns), np.datetime64("2013-01-01", "D"), kwh)


LOADS = {"nsw-homes-2013": nsw_homes_2013}


def series_of(
    name: str,
    known: tuple[str, ...],
    path: str,
    folder: Path,
    allow_outside: bool,
    kind: str,
    stated_minutes: int | None,
) -> Series:
    """Read the series file that a scenario names, or say which names are known.

    Raises
    ------
    ScenarioError
        If `name` is no ``.csv`` or ``.parquet`` file, or with all the file's problems.
    """
    if not name.lower().endswith(_SUFFIXES):
        near = nearest(name, known)
        wrong = "unknown profile" + (f", perhaps {near}" if near else "")
        remedy = f"use {', '.join(known)}, or a .csv or .parquet file"
        raise ScenarioError([problem("scenario", path, name, wrong, remedy)])
    file = inside(folder, name, path, allow_outside)
    return read_series(file, name, "pv" if kind == "pv" else "load", stated_minutes)


def scenario_loads(scenario: Scenario) -> Series:
    """Measured loads that a scenario names.

    Raises
    ------
    ScenarioError
        With all problems of the name or file.
    """
    profiles = scenario.profiles
    if profiles.load in LOADS:
        return LOADS[profiles.load]()
    return series_of(
        profiles.load,
        tuple(LOADS),
        "profiles.load",
        scenario.folder,
        scenario.allow_outside_files,
        "load",
        profiles.load_resolution_minutes,
    )


def run_dates(start: dt.date, days: int, history_days: int) -> NDArray[np.datetime64]:
    """Civil dates that a run may touch, from its history to its look-ahead."""
    first = np.datetime64(start, "D") - history_days
    return np.arange(first, np.datetime64(start, "D") + days + LOOK_AHEAD_DAYS + 1)


def week_offsets(series: Series, dates: NDArray[np.datetime64]) -> list[int]:
    """Whole-week offsets at which a series covers all dates, the smallest first.

    Examples
    --------
    >>> dates = run_dates(dt.date(2025, 11, 1), 30, 28)
    >>> week_offsets(nsw_homes_2013(), dates)[:5]
    [0, 1, -1, 2, -2]
    """
    most = min(MOST_WEEKS, series.n_days // 7)
    ordered = [0, *(week for size in range(1, most + 1) for week in (size, -size))]
    return [
        week
        for week in ordered
        if (matching_days(dates, series.first, series.n_days, week) >= 0).all()
    ]


def too_short(series: Series, dates: NDArray[np.datetime64], path: str) -> str:
    """The problem of a series that does not cover the dates of a run."""
    days = matching_days(dates, series.first, series.n_days)
    missing = dates[days < 0]
    held = f"{series.first} to {series.first + (series.n_days - 1)}"
    return problem(
        series.place,
        path,
        held,
        f"lacks {len(missing)} of the {len(dates)} days that the run needs, {missing[0]} first",
        "give a longer file, or change start, days or history_days",
    )


def home_pairs(
    series: Series, dates: NDArray[np.datetime64], n_members: int, seed: int
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """A (home, week offset) pair for each member, no pair twice, offsets as small as possible.

    All homes are used at one offset, in an order drawn for it, before any is used at the next;
    so a further member leaves the pairs of the others as they were.

    Parameters
    ----------
    series : Series
        Measured homes.
    dates : ndarray of datetime64[D]
        Dates to cover.
    n_members : int
        Pairs wanted.
    seed : int
        The scenario's.

    Returns
    -------
    tuple
        Homes, length n_members, and week offsets (n_members,).

    Raises
    ------
    ScenarioError
        If the series is too short or has too few homes.
    """
    offsets = week_offsets(series, dates)
    if 0 not in offsets:
        raise ScenarioError([too_short(series, dates, "profiles.load")])
    n_homes = len(series.names)
    if n_members > n_homes * len(offsets):
        most = f"{n_homes} homes at {len(offsets)} week offsets make {n_homes * len(offsets)}"
        remedy = "give fewer homes or more data"
        raise ScenarioError(
            [problem("scenario", "members", n_members, f"too many: {most}", remedy)]
        )
    homes: list[str] = []
    weeks: list[int] = []
    for week in offsets:
        if len(homes) >= n_members:
            break
        order = stream(seed, "home-order", str(week)).permutation(n_homes)
        homes += [series.names[i] for i in order]
        weeks += [week] * n_homes
    return tuple(homes[:n_members]), np.array(weeks[:n_members], dtype=np.int64)
