"""Read members from a CSV: a row a member, with its bus, devices, margins and profile."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import TYPE_CHECKING

import numpy as np

from ..network.feeder import Feeder
from ..network.number_text import number_from_text
from .files import inside
from .loads import home_pairs, run_dates, scenario_loads, week_offsets
from .members import Members
from .names import nearest
from .problems import ScenarioError, problem

if TYPE_CHECKING:
    from .schema import Scenario

# Column: (least, most, value where the column or cell is empty).
_NUMBERS: dict[str, tuple[float, float, float]] = {
    "pv_kwp": (0.0, math.inf, 0.0),
    "tilt_deg": (0.0, 90.0, 10.0),
    "azimuth_deg": (0.0, 360.0, 180.0),
    "battery_kwh": (0.0, math.inf, 0.0),
    "battery_kw": (0.0, math.inf, math.nan),
    "inverter_kw": (0.0, math.inf, math.nan),
    "ask_margin_per_kwh": (0.0, math.inf, 0.0),
    "bid_margin_per_kwh": (0.0, math.inf, 0.0),
}
_TEXTS = ("member", "bus", "profile", "week_offset", "phases")
_USUAL_HOURS = 2.0  # energy over power of a battery whose power is not given


def read_members(scenario: Scenario, feeder: Feeder) -> Members:
    """Members that a scenario lists in its `members.file`.

    Columns: ``member, bus`` and, where wanted, ``pv_kwp, tilt_deg`` (default 10), ``azimuth_deg``
    (180), ``battery_kwh, battery_kw`` (half the kWh), ``inverter_kw`` (PV size plus battery power),
    ``ask_margin_per_kwh, bid_margin_per_kwh, profile`` (a home of the load data; a free pair of
    home and week offset where empty), ``week_offset`` (whole weeks, 0) and ``phases`` of the
    connection (1 or 3; 1 where empty).

    Parameters
    ----------
    scenario : Scenario
        With `members.file`.
    feeder : Feeder
        Whose buses the members stand on.

    Returns
    -------
    Members
        In the file's order.

    Raises
    ------
    ScenarioError
        With every problem of every row.
    """
    place = str(scenario.members.file)
    rows = _rows(scenario, place)
    problems: list[str] = []
    numbers = {key: np.zeros(len(rows)) for key in _NUMBERS}
    for i, row in enumerate(rows):
        line = f"line {i + 2}"
        for key, (least, most, empty) in _NUMBERS.items():
            numbers[key][i] = _number(row, key, least, most, empty, place, line, problems)
    problems += _batteries(numbers["battery_kwh"], numbers["battery_kw"], place)
    names = _names(rows, place, problems)
    bus = np.array([_bus(row, i, feeder, place, problems) for i, row in enumerate(rows)], np.int64)
    three_phase = np.array([_phases(row, i, place, problems) == 3 for i, row in enumerate(rows)])
    profile, week_offset = _profiles(scenario, rows, place, problems)
    if problems:
        raise ScenarioError(problems)
    has_pv = numbers["pv_kwp"] > 0.0
    battery_kw = np.where(
        np.isnan(numbers["battery_kw"]),
        numbers["battery_kwh"] / _USUAL_HOURS,
        numbers["battery_kw"],
    )
    inverter_kw = np.where(
        np.isnan(numbers["inverter_kw"]), numbers["pv_kwp"] + battery_kw, numbers["inverter_kw"]
    )
    return Members(
        names=names,
        bus=bus,
        pv_kwp=numbers["pv_kwp"],
        tilt_deg=np.where(has_pv, numbers["tilt_deg"], np.nan),
        azimuth_deg=np.where(has_pv, numbers["azimuth_deg"], np.nan),
        battery_kwh=numbers["battery_kwh"],
        battery_kw=battery_kw,
        inverter_kw=inverter_kw,
        ask_margin_per_kwh=numbers["ask_margin_per_kwh"],
        bid_margin_per_kwh=numbers["bid_margin_per_kwh"],
        profile=profile,
        week_offset=week_offset,
        three_phase=three_phase,
    )


def _batteries(kwh: np.ndarray, kw: np.ndarray, place: str) -> list[str]:
    """Batteries that cannot be: energy without power, or power without energy."""
    found = []
    for i in np.flatnonzero((kwh > 0.0) & (kw == 0.0)):
        wrong = f"a battery of {kwh[i]:g} kWh without power"
        remedy = "give more than 0, or leave it empty for half its kWh"
        found.append(problem(place, f"line {i + 2} battery_kw", float(kw[i]), wrong, remedy))
    for i in np.flatnonzero((kw > 0.0) & (kwh == 0.0)):
        wrong, remedy = "power without a battery", "give battery_kwh, or 0"
        found.append(problem(place, f"line {i + 2} battery_kw", float(kw[i]), wrong, remedy))
    return found


def given_columns(scenario: Scenario) -> tuple[str, ...]:
    """Columns that the members' CSV of a scenario has; none where members are drawn.

    Raises
    ------
    ScenarioError
        If the file cannot be read.
    """
    place = scenario.members.file
    return () if place is None else tuple(_rows(scenario, place)[0])


def _rows(scenario: Scenario, place: str) -> list[dict[str, str]]:
    path = inside(scenario.folder, place, "members.file", scenario.allow_outside_files)
    remedy = "give a CSV with the columns member, bus, ..."
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ScenarioError(
            [problem("scenario", "members.file", place, "no such file", remedy)]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        wrong = "cannot be read as UTF-8 text"
        raise ScenarioError([problem(place, "top", "", wrong, remedy)]) from error
    try:
        table = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise ScenarioError([problem(place, "top", "", f"is no CSV ({error})", remedy)]) from error
    table = [[cell.strip() for cell in row] for row in table if any(cell.strip() for cell in row)]
    if len(table) < 2:
        raise ScenarioError([problem(place, "top", "", "has no member", remedy)])
    header, body = table[0], table[1:]
    known = (*_TEXTS, *_NUMBERS)
    problems = []
    for key in dict.fromkeys(header):
        if key not in known:
            near = nearest(key, known)
            wrong = "unknown column" + (f", perhaps {near}" if near else "")
            problems.append(problem(place, "line 1", key, wrong, f"use {', '.join(known)}"))
        elif header.count(key) > 1:
            problems.append(problem(place, "line 1", key, "stands twice", "keep one column"))
    problems += [
        problem(place, "line 1", key, "is missing", "add the column")
        for key in ("member", "bus")
        if key not in header
    ]
    for i, row in enumerate(body):
        if len(row) != len(header):
            wrong = f"has {len(row)} cells, the header {len(header)}"
            problems.append(
                problem(place, f"line {i + 2}", ",".join(row), wrong, "correct the row")
            )
    if problems:
        raise ScenarioError(problems)
    return [dict(zip(header, row, strict=True)) for row in body]


def _number(
    row: dict[str, str],
    key: str,
    least: float,
    most: float,
    empty: float,
    place: str,
    line: str,
    problems: list[str],
) -> float:
    text = row.get(key, "")
    if not text:
        return empty
    try:
        value = number_from_text(text)
    except ValueError:
        value = math.nan
    remedy = f"give a number of at least {least:g}"
    if math.isfinite(most):
        remedy = f"give a number from {least:g} to {most:g}"
    if not math.isfinite(value):
        problems.append(problem(place, f"{line} {key}", text, "is no finite number", remedy))
    elif not least <= value <= most:
        wrong = "is negative" if value < 0.0 else f"is above {most:g}"
        problems.append(problem(place, f"{line} {key}", text, wrong, remedy))
    return value


def _names(rows: list[dict[str, str]], place: str, problems: list[str]) -> tuple[str, ...]:
    first: dict[str, int] = {}
    for i, row in enumerate(rows):
        name = row["member"]
        if not name:
            problems.append(problem(place, f"line {i + 2} member", "", "no name", "name it"))
        elif name in first:
            wrong = f"stands a second time (first on line {first[name] + 2})"
            problems.append(
                problem(place, f"line {i + 2} member", name, wrong, "give each its own name")
            )
        first.setdefault(name, i)
    return tuple(row["member"] for row in rows)


def _bus(row: dict[str, str], i: int, feeder: Feeder, place: str, problems: list[str]) -> int:
    try:
        return feeder.bus_names.index(row["bus"])
    except ValueError:
        some = ", ".join(feeder.bus_names[:8]) + (", ..." if feeder.n_buses > 8 else "")
        wrong = f"feeder {feeder.name} has no such bus"
        problems.append(
            problem(place, f"line {i + 2} bus", row["bus"], wrong, f"use one of {some}")
        )
        return 0


def _phases(row: dict[str, str], i: int, place: str, problems: list[str]) -> int:
    text = row.get("phases", "") or "1"
    if text not in ("1", "3"):
        wrong = "is no number of phases of a home's connection"
        problems.append(problem(place, f"line {i + 2} phases", text, wrong, "give 1 or 3"))
        return 1
    return int(text)


def _profiles(
    scenario: Scenario, rows: list[dict[str, str]], place: str, problems: list[str]
) -> tuple[tuple[str, ...], np.ndarray]:
    """Homes and week offsets as given; members without one get pairs that nobody else has."""
    series = scenario_loads(scenario)
    dates = run_dates(scenario.start, scenario.days, scenario.history_days)
    possible = set(week_offsets(series, dates))
    given: dict[int, tuple[str, int]] = {}
    for i, row in enumerate(rows):
        home, text = row.get("profile", ""), row.get("week_offset", "") or "0"
        week = int(text) if re.fullmatch("[-+]?[0-9]{1,6}", text) else None
        if home and home not in series.names:
            near = nearest(home, series.names)
            wrong = f"{series.place} has no such home" + (f", perhaps {near}" if near else "")
            remedy = f"use one of {', '.join(series.names[:8])}, ..."
            problems.append(problem(place, f"line {i + 2} profile", home, wrong, remedy))
        if week is None or week not in possible:
            wrong = "is no whole number of weeks that the load data allow"
            some = f"{min(possible)} to {max(possible)}" if possible else "longer data"
            problems.append(problem(place, f"line {i + 2} week_offset", text, wrong, f"use {some}"))
        elif home:
            given[i] = (home, week)
    if not possible or problems:
        n = len(rows)
        if not possible and not problems:
            home_pairs(series, dates, n, scenario.seed)  # raises with the reason
        return ("",) * n, np.zeros(n, dtype=np.int64)
    taken = set(given.values())
    most = min(len(rows) + len(taken), len(series.names) * len(possible))
    homes, weeks = home_pairs(series, dates, most, scenario.seed)
    free = (pair for pair in zip(homes, weeks.tolist(), strict=True) if pair not in taken)
    pairs = []
    for i in range(len(rows)):
        pair = given.get(i) or next(free, None)
        if pair is None:
            wrong = f"{series.place} has no pair of home and week left"
            problems.append(problem(place, f"line {i + 2} profile", "", wrong, "give a profile"))
            pair = (series.names[0], 0)
        pairs.append(pair)
    return tuple(home for home, _ in pairs), np.array([week for _, week in pairs], np.int64)
