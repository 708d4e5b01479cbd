"""Indicators under rules that pay beside prices, and under one that has no price."""

import numpy as np
import pandas as pd
import pytest

from gridbazaar.analysis.compare import compare
from gridbazaar.analysis.comparison_figures import says_trade_of_runs, trade_of_runs
from gridbazaar.analysis.figures.prices import prices, says_prices
from gridbazaar.analysis.headline import headline_figures, headline_rows
from gridbazaar.analysis.report_tables import frame_sheet
from gridbazaar.sim.results import read_results

POOLS = ("supply-demand-ratio", "mid-market-rate", "bill-sharing")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Two days under a rule with payments either way, and under the pools."""
    over = ("market.mechanism", ("agv", *POOLS))
    return compare("kerala-village", over, ["days=2"], out=tmp_path_factory.mktemp("kpi") / "all")


def value(compared, name, kpi):
    table = compared.indicators
    return float(table[(table.setting == name) & (table.kpi == kpi)].market.iloc[0])


def test_payments_beside_prices_count_on_the_side_of_the_order(compared):
    results = read_results(compared.runs["agv"])
    minor = 1.0 / results.manifest["minor_per_major"]
    orders = results.orders.astype({"frame_id": str, "prosumer": str, "side": str})
    key = ["frame_id", "prosumer"]
    orders = orders.set_index(key)
    deals = results.trades.astype({"frame_id": str, "buyer": str, "seller": str})
    paid = (deals.energy_kwh * deals.buyer_price_per_kwh).sum()
    worth = sum(
        orders.price_per_kwh[(row.frame_id, row.buyer)] * row.energy_kwh
        for row in deals.itertuples()
    )
    beside = results.ledger[results.ledger.purpose == "market_transfer"].astype(str)
    got = 0.0
    to_sellers_from_sellers = set()
    for row in beside.itertuples():
        member, sign = (row.payer, -1) if row.payee == "clearing" else (row.payee, 1)
        side = orders.side[(row.frame_id, member)]
        to_sellers_from_sellers.add((side, sign))
        got += sign * int(row.amount_minor) * minor * (side == "bid")
    assert to_sellers_from_sellers == {(side, sign) for side in ("ask", "bid") for sign in (1, -1)}
    assert value(compared, "agv", "buyers_surplus") == pytest.approx(worth - paid + got, abs=1.0)


@pytest.mark.parametrize("name", ["agv", *POOLS[:2]])
def test_both_sides_and_the_budget_are_the_surplus(compared, name):
    sides = [value(compared, name, kpi) for kpi in ("buyers_surplus", "sellers_surplus", "budget")]
    assert sum(sides) == pytest.approx(value(compared, name, "surplus"), abs=0.5)


def test_a_rule_without_a_price_has_none_anywhere(compared):
    results = read_results(compared.runs["bill-sharing"])
    row = compared.table.set_index("setting").loc["bill-sharing"]
    for kind in ("mean", "least", "greatest"):
        assert np.isnan(row[f"{kind}_price_per_kwh"])
    for kpi in ("deviation_cost", "buyers_surplus", "sellers_surplus"):
        assert np.isnan(value(compared, "bill-sharing", kpi)), kpi
    assert headline_figures(results)["mean_price_per_kwh"] is None
    assert ("mean price of traded energy", "n/a") in headline_rows(results)
    assert "no price" in says_prices(results) and prices(results) is not None
    both = [(name, read_results(compared.runs[name])) for name in POOLS]
    assert trade_of_runs(both) is not None
    said = says_trade_of_runs(both).split("; ")
    assert ["INR/kWh" in part for part in said] == [True, True, False]
    sheet = frame_sheet(results)
    column = sheet.columns.index("mean price")
    assert {line[column] for line in sheet.rows} == {"n/a"}
    written = pd.read_csv(compared.out / "comparison.csv").set_index("market.mechanism")
    assert written.mean_price_per_kwh.isna().to_dict() == {
        "agv": False, "supply-demand-ratio": False, "mid-market-rate": False, "bill-sharing": True
    }  # fmt: skip
