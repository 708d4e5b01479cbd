"""Make the tables of docs/network-cost.md again: python docs/network_cost.py (some minutes).

With the name of a table, `month` or `choices`, that one alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from doc_tables import markdown_table, replace_table

from gridbazaar import run
from gridbazaar.market.registry import CHOICE_RULES
from gridbazaar.sim.results import Results

PAGE = "network-cost.md"
SCENARIO = "kerala-village"
LARGE_TRADERS = "kerala-estates"
UPPER_PU = 1.05
WAYS = {
    "unchecked": ["market.network=ignore"],
    "adaptive capping (default)": [],
    "literal cap base": ["market.cap_base=offer"],
    "switch to any point": ["market.switch=front"],
    "any point, literal cap base": ["market.switch=front", "market.cap_base=offer"],
    "constrained": ["market.network=constrained"],
}
HEADER = (
    "method",
    "frames above 1.05 p.u. at first",
    "as scheduled",
    "traded, kWh",
    "given up, kWh",
    "surplus, INR",
    "given up, INR",
    "capping rounds",
    "clearing, s",
    "saving of members, INR",
    "hardest-hit seller keeps",
)


def surplus(results: Results) -> float:
    """Bids of what was bought less offers of what was sold, over the month [currency]."""
    folder = results.path
    orders = pd.read_parquet(folder / "orders.parquet")
    positions = pd.read_parquet(folder / "positions.parquet")
    both = orders.merge(positions, on=["frame_id", "prosumer"])
    return float((both.price_per_kwh * (both.bought_kwh - both.sold_kwh)).sum())


def sold_by_member(results: Results) -> pd.Series:
    """Energy that each member sold in the month [kWh]."""
    positions = pd.read_parquet(results.path / "positions.parquet")
    return positions.groupby("prosumer").sold_kwh.sum()


def measured(overrides: list[str], folder: Path) -> dict[str, Any]:
    """Run the month under some settings and read off what they did."""
    results = run(SCENARIO, overrides, out=folder)
    frames = results.frames
    capping = pd.read_parquet(folder / "capping.parquet")
    first = frames.v_max_unchecked_pu.fillna(frames.v_max_pu)
    return {
        "first": int((first > UPPER_PU + 1e-6).sum()),
        "above": int((frames.v_max_pu > UPPER_PU + 1e-6).sum()),
        "traded": float(frames.traded_kwh.sum()),
        "surplus": surplus(results),
        "rounds": int((capping.phase == "cap").sum()),
        "seconds": float(results.timing["clearing_seconds"]),
        "saving": float(results.bills.saving.sum()),
        "sold": sold_by_member(results),
    }


def month_table() -> str:
    """The village's month by network method, the unchecked one first."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, overrides in WAYS.items():
            found[name] = measured(overrides, Path(folder) / str(len(found)))
    free = found["unchecked"]
    return markdown_table(
        HEADER,
        (
            [
                name,
                f"{one['first']}",
                f"{one['above']}",
                f"{one['traded']:,.0f}",
                f"{free['traded'] - one['traded']:,.0f}",
                f"{one['surplus']:,.0f}",
                f"{free['surplus'] - one['surplus']:,.0f}",
                f"{one['rounds']}",
                f"{one['seconds']:.1f}",
                f"{one['saving']:,.0f}",
                f"{(one['sold'] / free['sold'])[free['sold'] > 1.0].min():.0%}",
            ]
            for name, one in found.items()
        ),
    )


def choices_table() -> str:
    """The estates' month by choice rule: what each rule makes of the same frames' fronts."""
    header = ["rule", "traded, kWh", "of demand", "frames unlike demand-first"]
    header += ["surplus, INR", "saving of members, INR"]
    rows, first = [], None
    with tempfile.TemporaryDirectory() as folder:
        for name in CHOICE_RULES:
            results = run(LARGE_TRADERS, [f"market.choose={name}"], out=Path(folder) / name)
            frames = results.frames
            traded = frames.traded_kwh.to_numpy()
            first = traded if first is None else first
            unlike = int((np.abs(traded - first) > 0.01 * np.maximum(first, 1.0)).sum())
            rows.append(
                [
                    name,
                    f"{traded.sum():,.0f}",
                    f"{traded.sum() / frames.demanded_kwh.sum():.0%}",
                    f"{unlike} of {len(frames)}",
                    f"{surplus(results):,.0f}",
                    f"{results.bills.saving.sum():,.0f}",
                ]
            )
    return markdown_table(header, rows)


TABLES = {"month": month_table, "choices": choices_table}

if __name__ == "__main__":
    for table in sys.argv[1:] or TABLES:
        replace_table(PAGE, table, TABLES[table]())
