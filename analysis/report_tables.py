"""The tables of a run's report: indicators, frames, members, the utility."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..sim.results import Results
from .headline import headline_rows
from .kpis.printing import three
from .page import Cell, Sheet
from .traded_prices import has_prices, traded_prices

_UTILITY = (
    ("all that members pay it: energy, fixed charges, network", "revenue"),
    ("of this network charges on trade between members", "network_income"),
    ("what the market mechanism leaves it (a deficit is negative)", "market_balance"),
    ("purchases: exports, banked units, bulk supply", "purchases"),
    ("given back for curtailed sales", "network_curtailment"),
    ("net", "net"),
    ("units banked for members over the run, a debt beside it", "banked_value"),
)


def headline_sheet(results: Results) -> Sheet:
    """Return the headline figures."""
    return Sheet(("figure", "value"), [list(row) for row in headline_rows(results)])


def indicator_sheets(table: pd.DataFrame) -> list[tuple[str, Sheet]]:
    """Return the indicators, a table a chapter."""
    columns = ("indicator", "unit", "with the market", "without", "difference")
    return [
        (
            str(group),
            Sheet(
                columns,
                [[row["title"], row["unit"], *three(row)] for row in part.to_dict("records")],
            ),
        )
        for group, part in table.groupby("group", sort=False)
    ]


def frame_sheet(results: Results) -> Sheet:
    """Return the market by Time-of-Day frame."""
    columns: tuple[str, ...] = (
        "frame",
        "frames",
        "with trade",
        "offered kWh",
        "demanded kWh",
        "traded kWh",
    )
    frames = results.frames.assign(
        price=traded_prices(results),
        void_kwh=results.frames.void_share * results.frames.traded_kwh,
    )
    dark = bool((frames.void_share > 0.0).any())  # then indicators count what is left
    columns += ("of it void by outage kWh",) if dark else ()
    columns += ("mean price", "capped frames", "withheld kWh", "curtailed kWh")
    priced = has_prices(results)
    rows: list[list[Cell]] = []
    for name, part in frames.groupby("name", sort=False):
        energy = part.traded_kwh.sum()
        price = (part.traded_kwh * part.price).sum() / energy if energy > 0.0 and priced else None
        rows.append(
            [
                str(name),
                number(len(part)),
                number((part.traded_kwh > 0).sum()),
                *(number(part[c].sum()) for c in ("offered_kwh", "demanded_kwh", "traded_kwh")),
                *([number(part.void_kwh.sum())] if dark else []),
                "n/a" if price is None else number(price, 2),
                number((part.capped_kwh > 0).sum()),
                number(part.withheld_kwh.sum()),
                number(part.curtailed_kwh.sum(), 1),
            ]
        )
    return Sheet(columns, rows)


def member_sheet(results: Results) -> Sheet:
    """Return every member's energy and bills over the run."""
    currency = results.manifest["currency"]
    columns: tuple[str, ...] = ("member", "bus", "PV kWp", "battery kWh", "bought kWh", "sold kWh")
    columns += (f"bill {currency}", "without market", "saving", "by price", "by operation")
    money = ["total", "no_p2p_total", "saving", "saving_price_effect", "saving_operation_effect"]
    bills = results.bills.groupby("prosumer", sort=False)[
        ["p2p_bought_kwh", "p2p_sold_kwh", *money]
    ].sum()
    homes = results.members.set_index("prosumer").join(bills)
    rows: list[list[Cell]] = []
    for name, home in homes.iterrows():
        rows.append(
            [
                str(name),
                str(home.bus),
                number(home.pv_kwp, 1),
                number(home.battery_kwh, 1),
                number(home.p2p_bought_kwh),
                number(home.p2p_sold_kwh),
                *(number(home[column], 2) for column in money),
            ]
        )
    return Sheet(columns, rows)


def utility_sheet(results: Results) -> Sheet:
    """Return the utility's account over the run: with the market, without, difference."""
    cases = results.utility.groupby("case")[[column for _, column in _UTILITY]].sum()
    shown = cases.reindex(["market", "no-p2p", "difference"])
    columns = ("income is positive, cost negative", "with the market", "without", "difference")
    rows: list[list[Cell]] = [
        [what, *(number(amount) for amount in shown[column].tolist())]
        for what, column in _UTILITY
        if shown[column].any() or column == "net"
    ]
    return Sheet(columns, rows)


def number(value: float, digits: int = 0) -> tuple[str, float]:
    """Return a cell: a number as people read it, and as it sorts.

    Examples
    --------
    >>> number(-1234.56, 1), number(-0.004, 1)
    (('−1,234.6', -1234.56), ('0.0', -0.004))
    """
    rounded = float(np.round(value, digits)) + 0.0
    return f"{rounded:,.{digits}f}".replace("-", "−"), float(value)
