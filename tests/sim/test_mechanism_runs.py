"""Runs under other mechanisms: they close, are audited, resume, and say what they fall back to."""

import filecmp

import pytest

from gridbazaar.analysis.audit import audit_run
from gridbazaar.scenarios.load import ScenarioError, load_scenario
from gridbazaar.sim.run import run_scenario

DAY = ["days=1"]


def run(tmp_path, name, *more):
    settings = [*DAY, f"market.mechanism={name}", *more]
    return run_scenario("kerala-village", settings, out=tmp_path / name)


def assert_audited(results):
    audit = audit_run(results.path)
    assert audit.ok, [check for check in audit.checks if not check.ok]


def posted(results, purpose):
    ledger = results.ledger
    return ledger[ledger.purpose.astype(str) == purpose]


def test_the_pivots_of_vcg_are_postings_that_the_utility_bears(tmp_path):
    results = run(tmp_path, "vcg")
    assert_audited(results)
    pivots, balance = posted(results, "market_transfer"), posted(results, "market_balance")
    assert len(pivots) and set(pivots.payer.astype(str)) == {"clearing"}
    assert set(balance.payer.astype(str)) == {"utility"}
    assert pivots.amount_minor.sum() == balance.amount_minor.sum() > 0
    bills = results.bills
    assert bills.market_transfer.sum() * 100 == pytest.approx(-pivots.amount_minor.sum())
    utility = results.utility.set_index("case").market_balance
    assert utility["market"] * 100 == pytest.approx(-balance.amount_minor.sum())
    lines = results.bill_lines[results.bill_lines.line == "market_transfer"]
    assert len(lines) == (bills.market_transfer != 0).sum()


def test_padding_leaves_the_utility_a_surplus(tmp_path):
    results = run(tmp_path, "competition-padding")
    assert_audited(results)
    balance = posted(results, "market_balance")
    assert set(balance.payee.astype(str)) == {"utility"} and balance.amount_minor.sum() > 0
    assert not len(posted(results, "market_transfer"))
    trades = results.trades
    assert (trades.buyer_price_per_kwh >= trades.price_per_kwh - 1e-9).mean() > 0.5
    assert results.frames.mcp_per_kwh.isna().all()


def test_bill_sharing_is_levelled_over_the_month(tmp_path):
    results = run(tmp_path, "bill-sharing")
    assert_audited(results)
    levelled = posted(results, "market_transfer")
    assert len(levelled) and levelled.frame_id.isna().all()
    assert results.bills.market_transfer.sum() == pytest.approx(0.0, abs=1e-9)
    assert results.bills[["p2p_bought", "p2p_sold"]].to_numpy().sum() == 0.0
    at = results.positions
    metered = (-at.metered_net_export_kwh).clip(lower=0.0).groupby(at.prosumer.astype(str)).sum()
    members = results.bills.merge(results.members, on="prosumer")
    inert = members[(members.pv_kwp == 0) & (members.battery_kwh == 0)]
    owed = inert.grid_energy + inert.export_credit + inert.market_transfer
    rate = owed / inert.prosumer.map(metered)
    assert rate.std() / rate.mean() < 1e-3  # one rate for all energy that is taken in the month


def test_agv_learns_over_days_and_resumes_to_the_same_files(tmp_path):
    settings = [
        "days=3",
        "market.mechanism=agv",
        "market.prior_samples=10",
        "market.prior_orders=2",
    ]
    whole = run_scenario("kerala-village", settings, out=tmp_path / "whole")
    assert_audited(whole)
    assert any("fallback" in note for note in whole.manifest["notes"])

    def stop(done, total, text):
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_scenario("kerala-village", settings, out=tmp_path / "cut", progress=stop)
    cut = run_scenario("kerala-village", settings, out=tmp_path / "cut", resume=True)
    names = ["ledger.parquet", "trades.parquet", "bills.csv", "manifest.json"]
    assert filecmp.cmpfiles(whole.path, cut.path, names, shallow=False)[1:] == ([], [])
    given = posted(whole, "market_transfer")
    to = given[given.payer.astype(str) == "clearing"].amount_minor.sum()
    assert to == given[given.payee.astype(str) == "clearing"].amount_minor.sum() > 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["market.mechanism=barter"], "mid-market-rate"),
        (
            ["market.mechanism=supply-demand-ratio", "tariff.feed_in_per_kwh=0.0"],
            "needs a feed-in price above 0, it is 0: use mid-market-rate",
        ),
        (["market.mechanism=vcg", "market.network=constrained"], "use adaptive-capping"),
        (["market.padding=-1"], "market.padding"),
    ],
)
def test_what_a_mechanism_needs_is_said_before_the_run(settings, said):
    with pytest.raises(ScenarioError, match=said) as caught:
        load_scenario("kerala-village", settings)
    assert len(caught.value.problems) == 1
