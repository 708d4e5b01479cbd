"""`bill_lines.csv`: every line of every bill, with its words."""

from __future__ import annotations

import math

import numpy as np

from . import columns, files
from .bills import LINES, MONTH_END, Bill, LineEntries, frame_lines
from .check import Findings, Unusable
from .inputs import Run
from .settlement import Settlement
from .terms import Month

SAME_LINES = "the lines of every bill stand in its order, each with its words"
AMOUNTS = "amounts of bill lines follow from meters, contracts and tariff"
UNITS = "units and prices of bill lines are those that the bill was made from"
UNITS_KWH = 1e-6
PRICE = 1e-6

WORDS = {
    "p2p_bought": "Bought from neighbours (average price)",
    "p2p_sold": "Sold to neighbours (average price)",
    "market_transfer": "Paid (or given, -) by the market's rule beside the price of energy",
    "network_charge": "Network charge on energy from neighbours",
    "transaction_charge": "Transaction charge of the platform",
    "curtailed_energy": "Grid energy in place of your sale that the grid curtailed",
    "network_curtailment": "Given back, so that obeying costs you nothing",
    "imbalance": "Contracts not kept",
    "grid_energy": "Grid energy",
    "fixed_charge": "Fixed charge",
    "grid_support_charge": "Grid support charge on banked units",
    "export_credit": "Credit for energy fed into the grid",
    "bank_payout": "Payout of banked units",
}


def check_bill_lines(run: Run, found: Findings, settled: Settlement, bills: list[Bill]) -> None:
    """Derive the whole file and compare it row by row."""
    table = files.read_csv(run.path / "bill_lines.csv", columns.BILL_LINES, found)
    months = [
        _month_lines(run, settled, month, bill)
        for month, bill in zip(run.months, bills, strict=True)
    ]
    month = np.repeat(np.arange(len(months)), [len(part[0]) for part in months])
    home, line, part = _joined(months)
    n = len(home)
    found.holds(SAME_LINES, table.n == n, lambda: f"{table.n} lines recorded, {n} derived")
    if table.n != n:
        raise Unusable("bill_lines.csv: lines are missing or too many")
    step, tod = part["step"].astype(np.int64), part["tod"].astype(np.int64)
    frames = np.array([*run.terms.frames, ""], dtype=object)
    texts = _Words(run)
    derived = {
        "prosumer": np.array(run.homes, dtype=object)[home],
        "month": np.array([m.name for m in run.months], dtype=object)[month],
        "line": np.array(LINES, dtype=object)[line],
        "frame": frames[tod],
        "text": np.array(
            [
                texts.of(run.months[m], LINES[k], int(s), int(t))
                for m, k, s, t in zip(month, line, step, tod, strict=True)
            ],
            dtype=object,
        ),
    }

    def place(i: int) -> str:
        return f"line {i + 2}, {LINES[line[i]]} of {run.homes[home[i]]}"

    for column, wanted in derived.items():
        recorded = table.text(column)
        found.holds(
            SAME_LINES,
            np.asarray(recorded == wanted, dtype=np.bool_),
            lambda i, c=column, r=recorded, w=wanted: f"{c} of {place(i)}: {r[i]!r} for {w[i]!r}",
        )
    unit = run.terms.minor_per_major
    for name, column, values, tolerance in (
        (SAME_LINES, "slab", step + 1, 0.0),
        (UNITS, "energy_kwh", np.where(part["energy"] != 0.0, part["energy"], np.nan), UNITS_KWH),
        (UNITS, "rate_per_kwh", np.where(part["energy"] != 0.0, part["rate"], np.nan), PRICE),
    ):
        found.close(
            name, table[column], values, tolerance, lambda i, c=column: f"{c} of {place(i)}"
        )
    found.close(
        AMOUNTS,
        table["amount"] * unit,
        part["amount"],
        1e-6,
        lambda i: f"amount of {place(i)}",
        "minor units",
    )


def _month_lines(
    run: Run, settled: Settlement, month: Month, bill: Bill
) -> tuple[np.ndarray, np.ndarray, LineEntries]:
    """Return home, line and entry of each line of a month, home by home in the bill's order."""
    parts = {line: bill.entries[line] for line in MONTH_END if line in bill.entries}
    parts |= _traded_lines(run, settled, month, bill)
    order = [line for line in LINES if line in parts]
    kind = np.concatenate([np.full(len(parts[x].home), LINES.index(x)) for x in order])
    whole = LineEntries(
        *(
            np.concatenate([np.asarray(vars(parts[line])[name]) for line in order])
            for name in vars(parts[order[0]])
        )
    )
    at = np.lexsort((whole.tod, whole.step, kind, whole.home))
    return whole.home[at], kind[at], LineEntries(*(values[at] for values in vars(whole).values()))


def _traded_lines(
    run: Run, settled: Settlement, month: Month, bill: Bill
) -> dict[str, LineEntries]:
    """Return the lines that the frames posted, summed over the month."""
    frames, unit = month.frames, run.terms.minor_per_major
    bought, sold, replaced, unkept = (
        part[frames].sum(axis=0)
        for part in (settled.bought, settled.sold, settled.replaced, settled.unkept)
    )
    units = {
        "p2p_bought": bought,
        "p2p_sold": sold,
        "market_transfer": np.zeros_like(bought),
        "network_charge": bought,
        "transaction_charge": bought + sold,
        "curtailed_energy": replaced,
        "network_curtailment": replaced,
        "imbalance": unkept,
    }
    only_with_money = ("network_charge", "transaction_charge", "imbalance")
    lines = {}
    for line in frame_lines(settled):
        amount = bill.owed[line]
        energy = np.where(amount != 0, units[line], 0.0) if line in only_with_money else units[line]
        home = np.flatnonzero((amount != 0) | (energy != 0.0))
        energy, amount = energy[home], amount[home]
        rate = np.divide(
            np.abs(amount) / unit, energy, out=np.full(energy.shape, np.nan), where=energy > 0.0
        )
        none = np.full(home.shape, -1)
        lines[line] = LineEntries(home, energy, amount, rate, none, none)
    return lines


def _joined(
    months: list[tuple[np.ndarray, np.ndarray, LineEntries]],
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    home = np.concatenate([part[0] for part in months])
    line = np.concatenate([part[1] for part in months])
    names = vars(months[0][2])
    return home, line, {n: np.concatenate([vars(part[2])[n] for part in months]) for n in names}


class _Words:
    """What lines say, each text made once."""

    def __init__(self, run: Run) -> None:
        self._terms = run.terms
        self._known: dict[tuple[str, str, int, int], str] = {}

    def of(self, month: Month, line: str, step: int, tod: int) -> str:
        """Return the words of a line."""
        key = month.name, line, step, tod
        if key not in self._known:
            self._known[key] = self._make(month, line, step, tod)
        return self._known[key]

    def _make(self, month: Month, line: str, step: int, tod: int) -> str:
        text = WORDS[line]
        if line == "fixed_charge" and month.note:
            return f"{text} ({month.note})"
        if line != "grid_energy":
            return text
        terms = self._terms
        if tod >= 0 and len(terms.frames) > 1:
            span = _clock(terms.start_minute[tod]), _clock(terms.end_minute[tod])
            text += f", {terms.frames[tod]} {span[0]}-{span[1]}"
        steps = terms.steps
        if len(steps.edge) == 1:
            return text
        below = float(steps.edge[step - 1]) * month.share if step else 0.0
        above = float(steps.edge[step]) * month.share
        units = (
            f"above {_units(below)}" if math.isinf(above) else f"{_units(below)}-{_units(above)}"
        )
        if not steps.all_units[step]:
            return f"{text}, units {units}"
        return f"{text}, all units " + (
            f"({units})" if math.isinf(above) else f"(month of {units})"
        )


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _units(value: float) -> str:
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text
