"""What clearing one frame leaves behind: a table for the terminal, files in a new directory."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .clear_money import PRICES, money_rows
from .cleared_orders import ClearedOrders
from .new_directory import new_directory

if TYPE_CHECKING:
    from rich.table import Table

_MOST_ROWS = 30  # more pairs than this are for the CSV


def write_clearing(cleared: ClearedOrders, out: Path) -> None:
    """Write `clearing.json`, `transactions.csv` and the figure `front` as SVG and PNG.

    The directory appears when it is complete.

    Parameters
    ----------
    cleared : ClearedOrders
        The outcome.
    out : Path
        A directory that is new or empty.
    """
    from .front_figure import front_figure

    with new_directory(out) as work:
        document = json.dumps(cleared.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        (work / "clearing.json").write_text(document + "\n", encoding="utf-8")
        with (work / "transactions.csv").open("w", newline="", encoding="utf-8") as file:
            columns = ("seller", "buyer", "energy_kwh", *PRICES)
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(cleared.transactions())
        figure = front_figure(cleared)
        figure.savefig(work / "front.svg", metadata={"Date": None})
        figure.savefig(work / "front.png", dpi=150)


def outcome_table(cleared: ClearedOrders) -> Table:
    """Return the outcome in figures, as people read it."""
    from rich.table import Table

    clearing, rules = cleared.clearing, cleared.rules
    said = cleared.as_dict()
    frame = cleared.orders.frame
    table = Table(
        title=f"Frame {frame}" if frame else "One frame", title_justify="left", show_header=False
    )
    table.add_column()
    table.add_column(justify="right")
    rows: list[tuple[str, str]] = [("status", clearing.status)]
    if clearing.mcp_per_kwh is not None:
        rows.append(("market clearing price, per kWh", f"{clearing.mcp_per_kwh:.4g}"))
    rows += [
        ("energy traded", f"{clearing.traded_kwh:,.2f} kWh"),
        ("demand left to the grid", f"{said['unserved_kwh']:,.2f} kWh"),
    ]
    if rules.mechanism != "pareto":
        rows.insert(0, ("mechanism", rules.mechanism))
        rows += money_rows(cleared)
    if clearing.front is not None and clearing.f1 is not None and clearing.f2 is not None:
        rows += [
            ("buyer welfare f1", f"{clearing.f1:,.2f}"),
            ("seller welfare f2", f"{clearing.f2:,.2f}"),
            (f"front by {rules.engine}", _front_words(cleared)),
            ("chosen by", said["choose"]),
        ]
    if cleared.compared is not None:
        other = cleared.compared
        rows.append(("published f1, f2", f"{other.f1:,.2f}, {other.f2:,.2f}"))
        if clearing.f1 is not None and abs(other.ours_f1 - clearing.f1) > 1e-9:
            words = f"{other.ours_f1:,.2f}, {other.ours_f2:,.2f}"
            rows.append(("ours over all pairs of the book, as the published", words))
    if clearing.v_max_pu is not None and clearing.v_min_pu is not None:
        rows += [
            ("voltages", f"{clearing.v_min_pu:.4f} to {clearing.v_max_pu:.4f} p.u."),
            ("clearings of the capping loop", str(len(clearing.capping))),
        ]
        if clearing.undervoltage_base:
            rows.append(("undervoltage without any sale", "yes: capping cannot cure it"))
    rows.append(("time", f"{cleared.seconds * 1e3:,.1f} ms"))
    for row in rows:
        table.add_row(*row)
    return table


def transactions_table(cleared: ClearedOrders) -> Table | None:
    """Return the pairs as a matrix of sellers and buyers [kWh]; None where there is none."""
    from rich.table import Table

    pairs = cleared.transactions()
    if not pairs:
        return None
    rank = cleared.orders.rank
    sellers = sorted({row["seller"] for row in pairs}, key=rank.__getitem__)
    buyers = sorted({row["buyer"] for row in pairs}, key=rank.__getitem__)
    if len(buyers) > 10 or len(sellers) > _MOST_ROWS:
        table = Table(title=f"Transactions, first of {len(pairs)}", title_justify="left")
        for name in ("seller", "buyer"):
            table.add_column(name)
        table.add_column("kWh", justify="right")
        for row in pairs[:_MOST_ROWS]:
            table.add_row(row["seller"], row["buyer"], f"{row['energy_kwh']:.2f}")
        return table
    energy = np.zeros((len(sellers), len(buyers)))
    for pair in pairs:
        energy[sellers.index(pair["seller"]), buyers.index(pair["buyer"])] = pair["energy_kwh"]
    table = Table(title="Transactions, kWh", title_justify="left", show_footer=True)
    table.add_column("seller", footer="total")
    for buyer, total in zip(buyers, energy.sum(axis=0), strict=True):
        table.add_column(buyer, footer=f"{total:.2f}", justify="right")
    table.add_column("total", footer=f"{energy.sum():.2f}", justify="right")
    for seller, sold in zip(sellers, energy, strict=True):
        table.add_row(seller, *(f"{value:.2f}" for value in sold), f"{sold.sum():.2f}")
    return table


def _front_words(cleared: ClearedOrders) -> str:
    front = cleared.clearing.front
    assert front is not None
    if front.collapsed:
        return "one point: the objectives do not conflict"
    return f"{front.f1.size} points"
