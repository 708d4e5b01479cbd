"""Read the orders of one frame from two tables: sellers and buyers, as CSV files or rows."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..market.order import Order, OrderBook, OrderError
from ..network.number_text import number_from_text
from ..scenarios.names import nearest
from ..scenarios.problems import problem

Table = str | Path | Iterable[Mapping[str, Any]]
MOST = 1e12  # beyond it sums of squares lose the digits that a market needs


@dataclass(frozen=True)
class FrameOrders:
    """The orders of one frame, with what the files say beside them.

    Attributes
    ----------
    book : OrderBook
        The canonical book.
    frame : str or None
        Name of the frame; None where the files name none.
    rank : dict of str to int
        Place of each member in its file, which people expect to find again in the answer.
    bus_of : dict of str to str
        Bus of each member where the files have a column `bus`.
    place_of : dict of str to str
        ``file: line`` of each member, for problems found later.
    """

    book: OrderBook
    frame: str | None
    rank: dict[str, int]
    bus_of: dict[str, str]
    place_of: dict[str, str]


@dataclass(frozen=True)
class _Side:
    member: str
    quantity: str
    price: str
    file: str
    rows: list[dict[str, str]]
    lines: list[str]
    header: tuple[str, ...]


def read_orders(sellers: Table, buyers: Table, frame: str | None = None) -> FrameOrders:
    """Read the orders of one frame.

    Parameters
    ----------
    sellers : path or rows
        Columns `seller, capacity_kwh, offer_per_kwh` and, where wanted, `frame` and `bus`.
    buyers : path or rows
        Columns `buyer, demand_kwh, bid_per_kwh` and, where wanted, `frame` and `bus`.
    frame : str, optional
        Take the rows of this frame only; needed where the tables hold several.

    Returns
    -------
    FrameOrders
        The frame's book. A table may be empty but for its header.

    Raises
    ------
    OrderError
        With every problem of both tables: file, line and column, value, what is wrong, remedy.

    Examples
    --------
    >>> found = read_orders([{"seller": "s", "capacity_kwh": 4, "offer_per_kwh": 3}],
    ...                     [{"buyer": "b", "demand_kwh": 2, "bid_per_kwh": 6}])
    >>> found.book.m, found.book.n, found.frame
    (1, 1, None)
    """
    problems: list[str] = []
    sides = (
        _side(sellers, "sellers", ("seller", "capacity_kwh", "offer_per_kwh"), problems),
        _side(buyers, "buyers", ("buyer", "demand_kwh", "bid_per_kwh"), problems),
    )
    orders = [_orders(side, problems) for side in sides]
    _both_sides(sides, problems)
    if problems:
        raise OrderError(problems)
    wanted = _wanted_frame(sides, frame)
    taken: list[Order] = []
    rank: dict[str, int] = {}
    bus_of: dict[str, str] = {}
    place_of: dict[str, str] = {}
    for side, given in zip(sides, orders, strict=True):
        for row, line, order in zip(side.rows, side.lines, given, strict=True):
            if "frame" in side.header and wanted is not None and row["frame"] != wanted:
                continue
            taken.append(order)
            rank[order.member] = len(rank)
            place_of[order.member] = f"{side.file}: {line}"
            if "bus" in side.header:
                bus_of[order.member] = row["bus"]
    return FrameOrders(OrderBook.from_orders(taken), wanted, rank, bus_of, place_of)


def read_rows(
    table: Table, name: str, needed: Sequence[str], optional: Sequence[str], problems: list[str]
) -> tuple[str, tuple[str, ...], list[dict[str, str]], list[str]]:
    """Read a table's rows as text; problems are added to the list.

    Parameters
    ----------
    table : path or rows
        A CSV file in UTF-8, or mappings from column to value.
    name : str
        What the table is called where it is no file.
    needed, optional : sequence of str
        Columns that must and that may be there; others are refused.
    problems : list of str
        Filled with every problem found.

    Returns
    -------
    tuple
        What the table is called, its columns, its rows, and the place of each row.
    """
    remedy = f"give a CSV with the columns {', '.join(needed)}"
    nothing: tuple[str, tuple[str, ...], list[dict[str, str]], list[str]] = (name, (), [], [])
    if not isinstance(table, str | Path):
        rows = [{str(k): str(v).strip() for k, v in row.items()} for row in table]
        header = tuple(rows[0]) if rows else tuple(needed)
        cells = [list(row.values()) for row in rows]
        lines = [f"row {i + 1}" for i in range(len(rows))]
        file, head = name, "row 1"
    else:
        file, head = str(table), "line 1"
        try:
            text = Path(table).read_bytes().decode("utf-8-sig")
            reader = csv.reader(io.StringIO(text, newline=""), strict=True)
            found = [([c.strip() for c in row], f"line {reader.line_num}") for row in reader]
        except FileNotFoundError:
            problems.append(problem(file, name, file, "no such file", remedy))
            return nothing
        except (OSError, UnicodeDecodeError):
            problems.append(problem(file, name, file, "cannot be read as UTF-8 text", remedy))
            return nothing
        except csv.Error as error:
            problems.append(problem(file, name, file, f"is no CSV ({error})", remedy))
            return nothing
        found = [pair for pair in found if any(pair[0])]
        if not found:
            problems.append(problem(file, "line 1", "", "is empty", remedy))
            return nothing
        header, cells = tuple(found[0][0]), [row for row, _ in found[1:]]
        lines = [line for _, line in found[1:]]
    known = (*needed, *optional)
    before = len(problems)
    for key in dict.fromkeys(header):
        if key not in known:
            near = nearest(key, known)
            wrong = "unknown column" + (f", perhaps {near}" if near else "")
            problems.append(problem(file, head, key, wrong, f"use {', '.join(known)}"))
        elif header.count(key) > 1:
            problems.append(problem(file, head, key, "stands twice", "keep one column"))
    problems += [
        problem(file, head, key, "is missing", "add the column")
        for key in needed
        if key not in header
    ]
    for row, line in zip(cells, lines, strict=True):
        if len(row) != len(header):
            wrong = f"has {len(row)} cells, the header {len(header)}"
            problems.append(problem(file, line, ",".join(row), wrong, "correct the row"))
    if len(problems) > before:
        return nothing
    return file, header, [dict(zip(header, row, strict=True)) for row in cells], lines


def number(text: str, file: str, place: str, problems: list[str]) -> float:
    """Read one quantity or price; 0.0 and a problem where it is none."""
    remedy = "give a number >= 0"
    try:
        value = number_from_text(text)
    except ValueError:
        problems.append(problem(file, place, text, "is no number", remedy))
        return 0.0
    if not math.isfinite(value):
        problems.append(problem(file, place, text, "is not finite", remedy))
    elif value < 0.0:
        problems.append(problem(file, place, text, "is negative", remedy))
    elif value > MOST:
        problems.append(problem(file, place, text, f"is above {MOST:g}", "check the unit"))
    else:
        return value
    return 0.0


def _side(table: Table, name: str, columns: tuple[str, str, str], problems: list[str]) -> _Side:
    file, header, rows, lines = read_rows(table, name, columns, ("frame", "bus"), problems)
    return _Side(*columns, file, rows, lines, header)


def _orders(side: _Side, problems: list[str]) -> list[Order]:
    kind = "ask" if side.member == "seller" else "bid"
    seen: dict[tuple[str, str], str] = {}
    orders = []
    for row, line in zip(side.rows, side.lines, strict=True):
        quantity, price = (
            number(row[key], side.file, f"{line} {key}", problems)
            for key in (side.quantity, side.price)
        )
        member = row[side.member]
        key = row.get("frame", ""), member
        if not member:
            place = f"{line} {side.member}"
            problems.append(problem(side.file, place, "", "has no name", "name every member"))
        elif key in seen:
            wrong = f"stands a second time (first on {seen[key]})"
            remedy = "give one order a member and frame"
            problems.append(problem(side.file, f"{line} {side.member}", member, wrong, remedy))
        seen.setdefault(key, line)
        if "frame" in side.header and not row["frame"]:
            remedy = "name the frame, or leave the column out"
            problems.append(problem(side.file, f"{line} frame", "", "has no name", remedy))
        orders.append(Order(member, kind, quantity, price))  # type: ignore[arg-type]
    return orders


def _both_sides(sides: tuple[_Side, _Side], problems: list[str]) -> None:
    selling, buying = sides
    names: dict[str, list[tuple[str, str]]] = {}
    for row, line in zip(selling.rows, selling.lines, strict=True):
        names.setdefault(row["seller"], []).append((row.get("frame", ""), line))
    for row, line in zip(buying.rows, buying.lines, strict=True):
        for frame, other in names.get(row["buyer"], []) if row["buyer"] else []:
            if "" not in (frame, row.get("frame", "")) and frame != row["frame"]:
                continue
            wrong = f"sells too ({selling.file}: {other})"
            remedy = "give one order a member and frame"
            place = f"{line} buyer"
            problems.append(problem(buying.file, place, row["buyer"], wrong, remedy))
            break


def _wanted_frame(sides: tuple[_Side, _Side], frame: str | None) -> str | None:
    frames = list(
        dict.fromkeys(row["frame"] for side in sides if "frame" in side.header for row in side.rows)
    )
    files = " and ".join(side.file for side in sides)
    if frame is None:
        if len(frames) > 1:
            wrong = f"the files hold the frames {', '.join(frames)}"
            raise OrderError([problem(files, "--frame", "(not given)", wrong, "name one of them")])
        return frames[0] if frames else None
    if frame in frames or (not frames and any("frame" in side.header for side in sides)):
        return frame
    if not frames:
        wrong, remedy = "the files have no column frame", "leave --frame out or add the column"
    else:
        wrong, remedy = "no order is of this frame", f"use one of {', '.join(frames)}"
    raise OrderError([problem(files, "--frame", frame, wrong, remedy)])
