"""Feeders as pairs of CSV files, one row a bus, one row a branch; and other loads for a feeder."""

from __future__ import annotations

import csv
import math
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .feeder import Feeder
from .number_text import number_from_text
from .problems import FeederError, bus_problems, load_problems
from .table import BranchRow, BusRow, FeederTable, feeder_from_table

Floats = NDArray[np.float64]

BUS_COLUMNS = ("bus", "p_kw", "q_kvar", "base_kv")
BRANCH_COLUMNS = ("from", "to", "r_ohm", "x_ohm")
BUS_OPTIONS = ("n_customers", "slack")
BRANCH_OPTIONS = ("closed", "i_max_a")
# Other tools' names, which must not be passed over: an open branch would be taken as closed.
ALIASES = {
    "status": "closed",
    "in_service": "closed",
    "open": "closed",
    "ampacity": "i_max_a",
    "ampacity_a": "i_max_a",
    "max_i_ka": "i_max_a",
}
# 1.0 and 0.0 is how pandas writes a column with gaps.
TRUTH = {"1": True, "1.0": True, "true": True, "yes": True}
TRUTH |= {"0": False, "0.0": False, "false": False, "no": False}


def read_csv_feeder(buses: Path, branches: Path, name: str, source: str) -> Feeder:
    """Read a feeder from its two CSV files.

    Buses: ``bus, p_kw, q_kvar, base_kv`` and perhaps ``n_customers``; the first row is the slack
    bus unless a column ``slack`` marks one row with 1. Branches: ``from, to, r_ohm, x_ohm`` and
    perhaps ``closed`` (1 or 0, default 1) and ``i_max_a`` (empty where unknown). Capital letters
    do not matter; other columns are passed over, unless they may mean one of these.

    Parameters
    ----------
    buses, branches : Path
        The two files.
    name, source : str
        What to call the feeder, and where its numbers come from.

    Returns
    -------
    Feeder
        The feeder; branches with ``closed = 0`` are its open ties.

    Raises
    ------
    FeederError
        With every problem as ``file: line N: value: what is wrong: what to do``.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "buses.csv").write_text("bus,p_kw,q_kvar,base_kv\\n1,0,0,0.4\\n2,5,1,0.4\\n")
    >>> _ = (folder / "branches.csv").write_text("from,to,r_ohm,x_ohm\\n1,2,0.1,0.05\\n")
    >>> feeder = read_csv_feeder(folder / "buses.csv", folder / "branches.csv", "lane", "me")
    >>> feeder.bus_names, feeder.load_kw.tolist()
    (('1', '2'), [0.0, 5.0])
    """
    table = FeederTable(name, source, str(buses))
    bus_rows = _rows(buses, BUS_COLUMNS, BUS_OPTIONS, table.problems)
    branch_rows = _rows(branches, BRANCH_COLUMNS, BRANCH_OPTIONS, table.problems)
    for place, row in bus_rows:
        table.buses.append(
            BusRow(
                place,
                row["bus"],
                _number(row, "p_kw", place, table.problems),
                _number(row, "q_kvar", place, table.problems),
                _number(row, "base_kv", place, table.problems),
                _count(row, place, table.problems),
            )
        )
        if _flag(row, "slack", False, place, table.problems):
            table.slack_buses.append(row["bus"])
    if not any("slack" in row for _, row in bus_rows):
        table.slack_buses += [row.name for row in table.buses[:1]]
    for place, row in branch_rows:
        table.branches.append(
            BranchRow(
                place,
                row["from"],
                row["to"],
                _number(row, "r_ohm", place, table.problems),
                _number(row, "x_ohm", place, table.problems),
                _flag(row, "closed", True, place, table.problems),
                _number(row, "i_max_a", place, table.problems) if row.get("i_max_a") else math.nan,
            )
        )
    if table.problems and not (bus_rows and branch_rows):
        raise FeederError(table.problems)
    return feeder_from_table(table)


def read_csv_loads(path: Path, feeder: Feeder) -> tuple[Floats, Floats]:
    """Read other loads for a feeder's buses from a table of buses.

    Parameters
    ----------
    path : Path
        A table with the columns ``bus, p_kw, q_kvar`` and perhaps the others of a feeder's own
        table of buses; every bus of the feeder once, in any order. A ``base_kv`` must be the
        feeder's.
    feeder : Feeder
        The feeder.

    Returns
    -------
    load_kw, load_kvar : ndarray (n_buses,)
        Loads [kW, kvar] in the feeder's bus order.

    Raises
    ------
    FeederError
        With every problem: unknown, missing and repeated buses, cells that are no numbers.

    Examples
    --------
    >>> import tempfile
    >>> lane = Feeder("lane", "an example", ("a", "b"), 0, 0.4, [0], [1], [0.1], [0.0])
    >>> file = Path(tempfile.mkdtemp()) / "evening.csv"
    >>> _ = file.write_text("bus,p_kw,q_kvar\\nb,7,2\\na,0,0\\n")
    >>> read_csv_loads(file, lane)[0].tolist()
    [0.0, 7.0]
    """
    problems: list[str] = []
    rows = _rows(path, BUS_COLUMNS[:3], BUS_OPTIONS, problems)
    names = [row["bus"] for _, row in rows]
    given = np.array(
        [[_number(row, key, place, problems) for key in ("p_kw", "q_kvar")] for place, row in rows],
        dtype=np.float64,
    ).reshape(-1, 2)
    problems += bus_problems(names, lambda i: rows[i][0])
    problems += load_problems(given[:, 0], given[:, 1], lambda i: rows[i][0])
    load = np.zeros((feeder.n_buses, 2))
    index = {name: i for i, name in enumerate(feeder.bus_names)}
    for (place, row), loads in zip(rows, given, strict=True):
        if row["bus"] in index:
            load[index[row["bus"]]] = loads
        else:
            problems.append(
                f"{place}: {row['bus']!r}: feeder {feeder.name!r} has no such bus: correct the "
                "name or remove the row"
            )
        if row.get("base_kv") and _number(row, "base_kv", place, problems) != feeder.base_kv:
            problems.append(
                f"{place}: {row['base_kv']}: base_kv is not the feeder's {feeder.base_kv:g} kV: "
                "correct it or leave it empty"
            )
    missing = [name for name in feeder.bus_names if name not in names]
    if rows and missing:
        some = ", ".join(map(repr, missing[:5]))
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        problems.append(
            f"{path}: {some}{more}: no row for the feeder's bus(es): give one row a bus (0 for no "
            "load)"
        )
    if problems:
        raise FeederError(problems)
    return load[:, 0].copy(), load[:, 1].copy()


def _rows(
    path: Path, columns: tuple[str, ...], options: tuple[str, ...], problems: list[str]
) -> list[tuple[str, dict[str, str]]]:
    """The file's rows with their places; unreadable files and unusable headers are noted."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True)
            head = [cell.strip().lower() for cell in next(reader, [])]
            wrong = _head_problems(head, columns, options)
            if wrong:
                problems += [f"{path}: line 1: {what}" for what in wrong]
                return []
            rows = []
            for cells in reader:
                place = f"{path}: line {reader.line_num}"
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(head):
                    problems.append(
                        f"{place}: {len(cells)} cells: the header has {len(head)}: give one cell a "
                        "column"
                    )
                    continue
                rows.append(
                    (place, {key: cell.strip() for key, cell in zip(head, cells, strict=True)})
                )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        problems.append(f"{path}: {why}: the file cannot be read: give a CSV file in UTF-8")
        return []
    if not rows:
        problems.append(f"{path}: no rows: the file is empty: give at least one row")
    return rows


def _head_problems(
    head: list[str], columns: tuple[str, ...], options: tuple[str, ...]
) -> list[str]:
    """Missing and repeated columns, and what looks like an optional column but is called else."""
    found = []
    missing = [column for column in columns if column not in head]
    if missing:
        found.append(
            f"{', '.join(missing)}: missing column(s): the columns must be {', '.join(columns)}"
        )
    found += [
        f"{name}: the column stands {head.count(name)} times: keep one"
        for name in dict.fromkeys(head)
        if name and head.count(name) > 1
    ]
    absent = [option for option in options if option not in head]
    for name in dict.fromkeys(head):
        if name in columns or name in options:
            continue
        near = [ALIASES[name]] if name in ALIASES else get_close_matches(name, absent, 1, 0.75)
        if near and near[0] in absent:
            found.append(
                f"{name}: no known column, but it may mean {near[0]}: call it {near[0]} or remove "
                "it"
            )
    return found


def _number(row: dict[str, str], key: str, place: str, problems: list[str]) -> float:
    """The cell as a number; NaN, which a later check reports, where the cell is empty."""
    text = row[key]
    if not text:
        return math.nan
    try:
        return number_from_text(text)
    except ValueError:
        problems.append(f"{place}: {text!r}: {key} is not a number: give a number")
        return 0.0 if key != "base_kv" else math.nan


def _flag(row: dict[str, str], key: str, default: bool, place: str, problems: list[str]) -> bool:
    text = row.get(key, "").lower()
    if text and text not in TRUTH:
        problems.append(f"{place}: {text!r}: {key} is neither 1 nor 0: give 1 or 0")
    return TRUTH.get(text, default)


def _count(row: dict[str, str], place: str, problems: list[str]) -> int:
    text = row.get("n_customers", "")
    try:
        count = number_from_text(text or "0")
    except ValueError:
        count = -1.0
    if not (count.is_integer() and count >= 0.0):
        problems.append(
            f"{place}: {text!r}: n_customers is not a whole number >= 0: give a count or leave it "
            "empty"
        )
        return 0
    return int(count)
