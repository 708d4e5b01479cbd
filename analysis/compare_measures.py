"""What a comparison reports of each setting, with units in the names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..sim.results import Results
from .kpis import kpi_table
from .traded_prices import has_prices


@dataclass(frozen=True)
class Measure:
    """One column of a comparison.

    Attributes
    ----------
    name, title, unit : str
        Column of the table, heading for people, unit (`currency` stands for the runs').
    group : str
        Which of the printed tables it stands in.
    kpi, side : str
        The indicator and which of its values; empty where `of` reads the run itself.
    of : callable or None
        Reads a run.
    """

    name: str
    title: str
    unit: str
    group: str
    kpi: str = ""
    side: str = "market"
    of: Callable[[Results], float | None] | None = None


def _least_price(results: Results) -> float | None:
    prices = results.trades.price_per_kwh
    return float(prices.min()) if len(prices) and has_prices(results) else None


def _greatest_price(results: Results) -> float | None:
    prices = results.trades.buyer_price_per_kwh
    return float(prices.max()) if len(prices) and has_prices(results) else None


def _clearing_wall_seconds(results: Results) -> float:
    return float(results.timing["clearing_seconds"])


WELFARE, TRADE, MEMBERS, UTILITY = "welfare", "trade", "members", "utility"
GRID, ENERGY = "voltages", "energy"
_CHANGE = "difference"
_NET = "utility_net_after_banked"  # as savings count banked units, so does the utility's side
MEASURES: tuple[Measure, ...] = (
    Measure("surplus", "surplus", "currency", WELFARE, "surplus"),
    Measure("share_of_optimum", "of optimum", "share", WELFARE, "welfare_efficiency"),
    Measure("buyers_surplus", "buyers", "currency", WELFARE, "buyers_surplus"),
    Measure("sellers_surplus", "sellers", "currency", WELFARE, "sellers_surplus"),
    Measure("budget", "budget", "currency", WELFARE, "budget"),
    Measure("traded_kwh", "traded", "kWh", TRADE, "traded_kwh"),
    Measure("mean_price_per_kwh", "mean price", "currency/kWh", TRADE, "mean_price_per_kwh"),
    Measure("least_price_per_kwh", "least", "currency/kWh", TRADE, of=_least_price),
    Measure("greatest_price_per_kwh", "greatest", "currency/kWh", TRADE, of=_greatest_price),
    Measure("clearing_wall_seconds", "wall time", "s", TRADE, of=_clearing_wall_seconds),
    Measure("saving", "saving", "currency", MEMBERS, "saving"),
    Measure("median_saving", "median", "currency", MEMBERS, "median_saving"),
    Measure("least_saving", "least", "currency", MEMBERS, "least_saving"),
    Measure("losers_share", "losers", "share", MEMBERS, "worse_off"),
    Measure("gini_of_savings", "Gini", "index", MEMBERS, "gini_of_savings"),
    Measure("top_share_of_savings", "top 20 %", "share", MEMBERS, "top_share_of_savings"),
    Measure("utility_revenue", "revenue", "currency", UTILITY, "utility_revenue"),
    Measure("utility_revenue_change", "change", "currency", UTILITY, "utility_revenue", _CHANGE),
    Measure("utility_net_after_banked", "net", "currency", UTILITY, _NET),
    Measure("utility_net_after_banked_change", "change", "currency", UTILITY, _NET, _CHANGE),
    Measure("schedules_cured", "cured", "frames", GRID, "schedules_cured"),
    Measure("schedules_over_limit", "over limit", "frames", GRID, "schedules_over_limit"),
    Measure("violations_avoided_bus_minutes", "avoided", "bus-minutes", GRID, "violations_avoided"),
    Measure("violations_caused_bus_minutes", "caused", "bus-minutes", GRID, "violations_caused"),
    Measure("v_max_pu", "greatest", "p.u.", GRID, "v_max_pu"),
    Measure("curtailed_kwh", "curtailed", "kWh", ENERGY, "curtailed_kwh"),
    Measure("ordered_curtailment_kwh", "of it ordered", "kWh", ENERGY, "ordered_curtailment_kwh"),
    Measure("self_sufficiency", "self-sufficient", "share", ENERGY, "self_sufficiency"),
)


def measure(results: Results) -> dict[str, float | None]:
    """Return what a comparison reports of a run.

    Parameters
    ----------
    results : Results
        A finished run.

    Returns
    -------
    dict of str to float or None
        By measure; None where one has no meaning.
    """
    return read_measures(results, kpi_table(results))


def read_measures(results: Results, indicators: pd.DataFrame) -> dict[str, float | None]:
    """Return the measures from a run and its table of indicators."""
    table = indicators.set_index("kpi")
    found: dict[str, float | None] = {}
    for one in MEASURES:
        value = one.of(results) if one.of else table[one.side][one.kpi]
        found[one.name] = None if value is None or np.isnan(value) else float(value)
    return found
