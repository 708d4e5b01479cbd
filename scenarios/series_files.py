"""Read users' own series: wide CSV and Parquet, the Ausgrid solar-home CSV, the CEEW CSV."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from .problems import ScenarioError, problem
from .series import Series, series_from_table

Kind = Literal["load", "pv"]

_AUSGRID_FIXED = 5  # Customer, Generator Capacity, Postcode, Consumption Category, date
_AUSGRID_SLOTS = 48
_MOST_COLUMNS = 10_000  # pandas takes minutes for 100,000, and a broken line easily has them


def read_series(path: Path, place: str, kind: Kind, stated_minutes: int | None) -> Series:
    """Read a file of series; the layout is told from its content.

    Parameters
    ----------
    path : Path
        A ``.csv`` or ``.parquet`` file.
    place : str
        How messages name it.
    kind : {"load", "pv"}
        What to take from a layout that holds both: the load [kWh], or the PV [kWh per kWp].
    stated_minutes : int or None
        Length of a row, if the user states it.

    Returns
    -------
    Series
        Whole days of every home of the file.

    Raises
    ------
    ScenarioError
        With all problems of the file; see `series.series_from_table`.

    Notes
    -----
    Wide: the first column (or the Parquet index) is the start of each interval in local civil
    time, each other column the kWh of one home. Ausgrid: ``GC`` and ``CL`` are the load, ``GG``
    over the generator's capacity the PV; its labels are ends of half-hours. CEEW: one row a meter
    and 3 minutes; zero voltage is an outage, its energy counts as zero.
    """
    try:
        stat = path.stat()
    except (OSError, ValueError) as error:
        wrong = "no such file" if isinstance(error, FileNotFoundError) else "cannot be read"
        remedy = "give a .csv or .parquet file beside the scenario"
        raise ScenarioError([problem(place, "top", path, wrong, remedy)]) from error
    return _read(path, place, kind, stated_minutes, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _read(
    path: Path, place: str, kind: Kind, stated_minutes: int | None, changed: int, size: int
) -> Series:
    if path.suffix.lower() == ".parquet":
        table = _guarded(place, lambda: pd.read_parquet(path))
        if not isinstance(table.index, pd.RangeIndex):
            table = table.reset_index()
        return _wide(place, table, stated_minutes, first_line=1)
    text = _text(path, place)
    head = text[:4096].splitlines()
    if not head:
        raise ScenarioError([problem(place, "top", "", "is empty", "give a table")])
    most = max(line.count(",") for line in text.splitlines())
    if most > _MOST_COLUMNS:
        wrong = f"has a row of {most + 1:,} cells, more than {_MOST_COLUMNS:,} homes"
        raise ScenarioError([problem(place, "top", "", wrong, "correct the row")])
    for skip in (0, 1):
        if len(head) > skip and head[skip].replace('"', "").lower().startswith("customer,"):
            table = _csv(place, text, skiprows=skip)
            return _ausgrid(place, table, kind, skip + 2)
    if _is_headerless_ausgrid(head[0]):
        return _ausgrid(place, _csv(place, text, header=None), kind, 1)
    table = _csv(place, text)
    if {"x_Timestamp", "t_kWh", "meter"} <= set(table.columns):
        return _ceew(place, table, stated_minutes)
    return _wide(place, table, stated_minutes, first_line=2)


def _guarded(place: str, read: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Run a reader of pandas; whatever it makes of a broken file becomes a problem."""
    try:
        with warnings.catch_warnings():
            # Else pandas drops the cells of a row that is longer than the header, and goes on.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return read()
    except pd.errors.ParserWarning as error:
        wrong = "a row has more cells than the header"
        raise ScenarioError([problem(place, "top", "", wrong, "correct the rows")]) from error
    except (ValueError, TypeError, KeyError, IndexError, OSError, OverflowError, ArithmeticError,
            NotImplementedError) as error:  # fmt: skip
        wrong = f"cannot be read as a table ({str(error).splitlines()[0] if str(error) else '?'})"
        raise ScenarioError([problem(place, "top", "", wrong, "save it anew")]) from error


def _text(path: Path, place: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"byte {error.start}"
        raise ScenarioError(
            [problem(place, where, "", "is not UTF-8 text", "save it as UTF-8 CSV")]
        ) from error
    except OSError as error:
        raise ScenarioError(
            [problem(place, "top", path, f"cannot be read ({error.strerror})", "give a file")]
        ) from error


def _csv(place: str, text: str, skiprows: int = 0, header: int | None = 0) -> pd.DataFrame:
    return _guarded(
        place,
        lambda: pd.read_csv(
            io.StringIO(text), skiprows=skiprows, header=header, index_col=False, low_memory=False
        ),
    )


def _wide(place: str, table: pd.DataFrame, stated_minutes: int | None, first_line: int) -> Series:
    if table.shape[1] < 2 or not len(table):
        wrong = "has no rows or fewer than two columns"
        remedy = "give a timestamp column and one column of kWh a home"
        raise ScenarioError(
            [problem(place, "top", ", ".join(map(str, table.columns)), wrong, remedy)]
        )
    return series_from_table(place, table.iloc[:, 0], table.iloc[:, 1:], stated_minutes, first_line)


def _ceew(place: str, table: pd.DataFrame, stated_minutes: int | None) -> Series:
    times = pd.to_datetime(table["x_Timestamp"], errors="coerce")
    bad = np.flatnonzero(times.isna().to_numpy())
    if bad.size:
        some = f"line {bad[0] + 2} {table['x_Timestamp'].iloc[bad[0]]!r}, {bad.size} in all"
        remedy = "write YYYY-MM-DD HH:MM:SS"
        raise ScenarioError([problem(place, "x_Timestamp", some, "is not a time", remedy)])
    energy = pd.to_numeric(table["t_kWh"], errors="coerce")
    volts = next((name for name in table.columns if str(name).startswith("z_Avg Voltage")), None)
    if volts is not None:
        energy = energy.where(pd.to_numeric(table[volts], errors="coerce") != 0.0, 0.0)
    tidy = pd.DataFrame({"time": times, "meter": table["meter"].astype(str), "kwh": energy})
    twice = tidy.duplicated(["time", "meter"])
    if twice.any():
        row = int(np.argmax(twice.to_numpy()))
        some = f"line {row + 2}, {int(twice.sum())} in all"
        remedy = "keep one row a meter and time"
        raise ScenarioError([problem(place, "x_Timestamp", some, "stands twice", remedy)])
    wide = tidy.set_index(["time", "meter"])["kwh"].unstack().reset_index()  # noqa: PD010
    return series_from_table(place, wide["time"], wide.drop(columns="time"), stated_minutes)


def _is_headerless_ausgrid(line: str) -> bool:
    parts = line.split(",")
    return len(parts) >= _AUSGRID_FIXED + _AUSGRID_SLOTS and parts[3] in ("GC", "CL", "GG")


def _ausgrid(place: str, table: pd.DataFrame, kind: Kind, first_line: int) -> Series:
    if table.shape[1] < _AUSGRID_FIXED + _AUSGRID_SLOTS:
        wrong = f"has {table.shape[1]} columns"
        remedy = "the Ausgrid layout has 5 columns, 48 half-hours and a row quality"
        raise ScenarioError([problem(place, "columns", "", wrong, remedy)])
    customer = table.iloc[:, 0].astype(str)
    capacity = pd.to_numeric(table.iloc[:, 1], errors="coerce")
    category = table.iloc[:, 3].astype(str).str.strip()
    date = pd.to_datetime(table.iloc[:, 4].astype(str), format="%d/%m/%Y", errors="coerce")
    bad = np.flatnonzero(date.isna().to_numpy())
    if bad.size:
        some = f"line {bad[0] + first_line} {table.iloc[bad[0], 4]!r}, {bad.size} in all"
        raise ScenarioError([problem(place, "date", some, "is not a date", "write d/mm/yyyy")])
    wanted = category.isin(["GG"] if kind == "pv" else ["GC", "CL"])
    if not wanted.any():
        remedy = "keep the rows GG (PV), GC and CL (load)"
        raise ScenarioError([problem(place, "Consumption Category", "", f"no {kind} row", remedy)])
    key = pd.DataFrame({"customer": customer, "category": category, "date": date})[wanted]
    twice = key.duplicated()
    if twice.any():
        row = int(twice.index.to_numpy()[int(np.argmax(twice.to_numpy()))])
        some = f"line {row + first_line}, {int(twice.sum())} in all"
        remedy = "keep one row a customer, category and date"
        raise ScenarioError([problem(place, "date", some, "stands twice", remedy)])
    slots = table.iloc[:, _AUSGRID_FIXED : _AUSGRID_FIXED + _AUSGRID_SLOTS][wanted]
    slots = slots.apply(pd.to_numeric, errors="coerce")
    if kind == "pv":
        slots = slots.div(capacity[wanted].where(capacity[wanted] > 0.0), axis=0)
    unread = np.flatnonzero(slots.isna().any(axis=1).to_numpy())
    if unread.size:
        some = f"line {slots.index[unread[0]] + first_line}, {unread.size} in all"
        wrong = "a half-hour (or, for PV, the capacity) is no number"
        raise ScenarioError([problem(place, "half-hours", some, wrong, "give kWh in every cell")])
    slots.columns = pd.RangeIndex(_AUSGRID_SLOTS)
    homes = sorted(customer[wanted].unique())
    home, day = customer[wanted].to_numpy(), date[wanted].to_numpy().astype("datetime64[D]")
    days = np.unique(day)
    kwh = np.full((len(days), _AUSGRID_SLOTS, len(homes)), np.nan)
    at = np.searchsorted(days, day), np.searchsorted(homes, home)
    kwh[at[0], :, at[1]] = 0.0
    for row, values in enumerate(slots.to_numpy(np.float64)):
        kwh[at[0][row], :, at[1][row]] += values
    times = days[:, None] + np.arange(_AUSGRID_SLOTS) * np.timedelta64(30, "m")
    wide = pd.DataFrame(kwh.reshape(-1, len(homes)), columns=homes)
    return series_from_table(place, pd.Series(times.ravel()), wide, 30, first_line)
