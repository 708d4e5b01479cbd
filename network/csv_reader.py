"""Feeders as pairs of CSV files: one row a bus, one row a branch."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from .feeder import Feeder
from .problems import FeederError
from .table import BranchRow, BusRow, FeederTable, feeder_from_table

BUS_COLUMNS = ("bus", "p_kw", "q_kvar", "base_kv")
BRANCH_COLUMNS = ("from", "to", "r_ohm", "x_ohm")
TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def read_csv_feeder(buses: Path, branches: Path, name: str, source: str) -> Feeder:
    """Read a feeder from its two CSV files.

    Buses: ``bus, p_kw, q_kvar, base_kv`` and perhaps ``n_customers``; the first row is the slack
    bus unless a column ``slack`` marks one row with 1. Branches: ``from, to, r_ohm, x_ohm`` and
    perhaps ``closed`` (1 or 0, default 1) and ``i_max_a`` (empty where unknown).

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
    bus_rows = _rows(buses, BUS_COLUMNS, table.problems)
    branch_rows = _rows(branches, BRANCH_COLUMNS, table.problems)
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


def _rows(
    path: Path, columns: tuple[str, ...], problems: list[str]
) -> list[tuple[str, dict[str, str]]]:
    """The file's rows with their places; unreadable files and missing columns are noted."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True)
            head = [cell.strip() for cell in next(reader, [])]
            missing = [column for column in columns if column not in head]
            if missing:
                problems.append(
                    f"{path}: line 1: {', '.join(missing)}: missing column(s): the columns must be "
                    f"{', '.join(columns)}"
                )
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
        problems.append(f"{path}: {error}: the file cannot be read: give a CSV file in UTF-8")
        return []
    if not rows:
        problems.append(f"{path}: no rows: the file is empty: give at least one row")
    return rows


def _number(row: dict[str, str], key: str, place: str, problems: list[str]) -> float:
    """The cell as a number; NaN, which a later check reports, where the cell is empty."""
    text = row[key]
    if not text:
        return math.nan
    try:
        return float(text)
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
        count = int(text or 0)
    except ValueError:
        count = -1
    if count < 0:
        problems.append(
            f"{place}: {text!r}: n_customers is not a whole number >= 0: give a count or leave it "
            "empty"
        )
        return 0
    return count
