"""Measured series of many homes, in whole days, and the checks that every one of them passes."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .problems import ScenarioError, problem

Floats = NDArray[np.float64]

_SHOWN = 3


@dataclass(frozen=True)
class Series:
    """Energy of several homes in whole civil days.

    Attributes
    ----------
    place : str
        File or data set, for messages.
    names : tuple of str
        Homes, one a column.
    first : datetime64[D]
        The first whole day.
    kwh : ndarray (n_homes, n_days, slots_per_day)
        Energy of each slot [kWh], slots from midnight.
    """

    place: str
    names: tuple[str, ...]
    first: np.datetime64
    kwh: Floats

    @property
    def n_days(self) -> int:
        """Whole days."""
        return int(self.kwh.shape[1])


def _some(items: Sequence[str]) -> str:
    rest = len(items) - _SHOWN
    return ", ".join(items[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def series_from_table(
    place: str,
    times: pd.Series,
    values: pd.DataFrame,
    stated_minutes: int | None,
    first_line: int = 2,
) -> Series:
    """Check a wide table and cut it into whole days.

    Parameters
    ----------
    place : str
        Name of the file.
    times : Series
        Start of each row's interval, in any form that pandas reads as a time.
    values : DataFrame
        One column of kWh a home.
    stated_minutes : int or None
        Length of a row as the user states it; None takes the commonest step.
    first_line : int
        Line of the file that the first row stands on.

    Returns
    -------
    Series
        Whole days; a part of a day at either end is left out.

    Raises
    ------
    ScenarioError
        With all of: times that are none or carry a zone, duplicates, gaps, a step that does not
        divide the day, values that are missing, no numbers, negative or infinite, no whole day.
    """
    problems: list[str] = []

    def add(path: str, value: object, wrong: str, remedy: str) -> None:
        problems.append(problem(place, path, value, wrong, remedy))

    moments = _moments(place, times, first_line, problems)
    numbers = _numbers(place, values, first_line, problems)
    if values.shape[1] == 0:
        add("columns", "", "no home", "give one column of kWh a home beside the timestamp")
    names = [str(name) for name in values.columns]
    twice = sorted(name for name, times_named in Counter(names).items() if times_named > 1)
    if twice:
        add("columns", _some(twice), "name several homes", "give each home its own column name")
    if problems:
        raise ScenarioError(problems)

    order = np.argsort(moments, kind="stable")
    moments, numbers = moments[order], numbers[order]
    steps = np.diff(moments).astype("timedelta64[s]").astype(np.int64)
    same = np.flatnonzero(steps == 0)
    if same.size:
        some = _some([str(moments[i]) for i in same])
        add("timestamp", some, "stands more than once", "keep one row a time")
    ahead = steps[steps > 0]
    if not ahead.size:
        add("timestamp", "", "fewer than two different times", "give whole days")
        raise ScenarioError(problems)
    usual = int(np.bincount(np.minimum(ahead, 86_401)).argmax())
    seconds = usual if stated_minutes is None else 60 * stated_minutes
    if seconds != usual:
        add(
            "resolution",
            f"{stated_minutes} min",
            f"rows are {usual / 60:g} min apart",
            "state the resolution that the file has",
        )
    elif seconds % 60 or 86_400 % seconds:
        add(
            "resolution",
            f"{seconds / 60:g} min",
            "does not divide the day into whole minutes",
            "give 1, 3, 5, 15, 30 or 60 min data",
        )
    gaps = np.flatnonzero((steps != seconds) & (steps > 0))
    if gaps.size and seconds == usual:
        some = _some([f"{moments[i]} to {moments[i + 1]}" for i in gaps])
        remedy = "fill the gaps, or give a part of the file without them"
        add("timestamp", some, f"not {seconds / 60:g} min apart", remedy)
    if problems:
        raise ScenarioError(problems)
    return _whole_days(place, names, moments, numbers, seconds)


def _moments(
    place: str, times: pd.Series, first_line: int, problems: list[str]
) -> NDArray[np.datetime64]:
    try:
        with warnings.catch_warnings():
            # Times of no usual form are read one by one; what is none is listed below.
            warnings.filterwarnings("ignore", "Could not infer format", UserWarning)
            parsed = pd.to_datetime(times, errors="coerce")
    except (ValueError, TypeError, OverflowError) as error:
        wrong, remedy = f"cannot be read ({error})", "write YYYY-MM-DD HH:MM"
        problems.append(problem(place, "timestamp", times.iloc[0], wrong, remedy))
        return np.empty(0, "datetime64[s]")
    if getattr(parsed.dt if hasattr(parsed, "dt") else None, "tz", None) is not None:
        wrong, remedy = "carries a time zone", "give the feeder's local civil time without a zone"
        problems.append(problem(place, "timestamp", times.iloc[0], wrong, remedy))
        return np.empty(0, "datetime64[s]")
    bad = np.flatnonzero(parsed.isna().to_numpy())
    if bad.size:
        some = _some([f"line {i + first_line} {times.iloc[i]!r}" for i in bad])
        wrong, remedy = "is not a time", "write YYYY-MM-DD HH:MM"
        problems.append(problem(place, "timestamp", some, wrong, remedy))
    return parsed.to_numpy().astype("datetime64[s]")


def _numbers(place: str, values: pd.DataFrame, first_line: int, problems: list[str]) -> Floats:
    columns = []
    for position, name in enumerate(values.columns):
        column = values.iloc[:, position]
        if column.dtype.kind not in "iuf":
            column = pd.to_numeric(column.astype(str).str.strip(), errors="coerce")
        number = column.to_numpy(np.float64)
        bad = np.flatnonzero(~np.isfinite(number))
        if bad.size:
            raw = values.iloc[:, position]
            some = _some([f"line {i + first_line} {raw.iloc[i]!r}" for i in bad])
            wrong, remedy = "is missing or no finite number", "give kWh in every row"
            problems.append(problem(place, f"column {name}", some, wrong, remedy))
        low = np.flatnonzero(number < 0.0)
        if low.size:
            some = _some([f"line {i + first_line} {number[i]:g}" for i in low])
            wrong, remedy = "is negative", "give gross load and PV in columns or files of their own"
            problems.append(problem(place, f"column {name}", some, wrong, remedy))
        columns.append(number)
    return np.stack(columns, axis=1) if columns else np.empty((len(values), 0))


def _whole_days(
    place: str,
    names: Sequence[str],
    moments: NDArray[np.datetime64],
    numbers: Floats,
    seconds: int,
) -> Series:
    per_day = 86_400 // seconds
    day = moments.astype("datetime64[D]")
    since = (moments - day).astype("timedelta64[s]").astype(np.int64)
    if np.any(since % seconds):
        wrong, remedy = "rows do not start on the resolution's grid from midnight", "shift them"
        raise ScenarioError([problem(place, "timestamp", moments[0], wrong, remedy)])
    start = int(np.argmax(since == 0)) if np.any(since == 0) else len(since)
    n_days = (len(moments) - start) // per_day
    if n_days < 1:
        wrong, remedy = "holds no whole day from midnight", "give whole days"
        raise ScenarioError([problem(place, "timestamp", str(moments[0]), wrong, remedy)])
    kept = numbers[start : start + n_days * per_day]
    kwh = np.ascontiguousarray(kept.T).reshape(len(names), n_days, per_day)
    kwh.flags.writeable = False
    return Series(place, tuple(names), day[start], kwh)
