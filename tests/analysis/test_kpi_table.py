"""The indicators of a run: a tiny run worked out by hand, and a real one against its own books."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gridbazaar.analysis.kpis import KPIS, kpi_table, kpi_values
from gridbazaar.analysis.kpis.case import Book, Case, Figures
from gridbazaar.sim.results import read_results
from gridbazaar.sim.run_directory import RunError

DOCS = Path(__file__).parents[2] / "docs"


def case(net, curtailed, bill, over, account):
    """Two intervals of half an hour in a community of three homes on two buses."""
    net = np.array(net)
    return Case(
        load_kwh=np.array([4.0, 4.0]),
        unserved_kwh=np.zeros(2),
        generated_kwh=np.array([5.0 - curtailed, 0.0]),
        curtailed_kwh=np.array([curtailed, 0.0]),
        ordered_kwh=np.array([0.5 * curtailed, 0.0]),
        import_kwh=np.maximum(-net, 0.0),
        export_kwh=np.maximum(net, 0.0),
        net_export_kwh=net,
        substation_kw=-2.0 * net + 0.5,
        substation_kvar=np.array([1.0, 1.0]),
        loss_kw=np.array([0.5, 0.5]),
        v_min_pu=np.array([0.98, 0.97]),
        v_max_pu=np.array([1.02 + 0.02 * net[0], 1.0]),
        over_minutes=np.array(over),
        under_minutes=np.array([0.0, 0.0]),
        bill=np.array(bill),
        utility=account,
    )


@pytest.fixture
def tiny():
    """One frame: the first home sells 2 kWh of 3 at 5 to the second; the third loses 1."""
    items = ("revenue", "network_income", "purchases", "network_curtailment", "market_balance")
    market = dict.fromkeys(items, 0.0) | {"revenue": 30.0, "net": 12.0, "banked_value": 5.0}
    without = dict.fromkeys(items, 0.0) | {"revenue": 40.0, "net": 20.0, "banked_value": 9.0}
    return Figures(
        market=case([1.0, -4.0], 0.0, [-6.0, 14.0, 10.0], [0.0, 30.0], market),
        no_p2p=case([0.5, -4.0], 0.5, [-4.0, 18.0, 9.0], [60.0, 15.0], without),
        hours=0.5,
        lower_pu=0.95,
        upper_pu=1.03,
        minor=0.01,
        saving=np.array([2.0, 4.0, -1.0]),
        price_effect=np.array([2.0, 3.0, 0.0]),
        operation_effect=np.array([0.0, 1.0, -1.0]),
        book=Book(
            frame=np.array([0, 0, 0]),
            ask=np.array([True, False, False]),
            price_per_kwh=np.array([4.0, 6.0, 5.0]),
            quantity_kwh=np.array([3.0, 2.0, 2.0]),
            traded_kwh=np.array([2.0, 2.0, 0.0]),
        ),
        paid=10.0,
        received=10.0,
        sold_kwh=np.array([[2.0, 0.0, 0.0]]),
        bought_kwh=np.array([[0.0, 2.0, 0.0]]),
        net_kwh=np.array([[1.0, -3.0, -1.0]]),
        ordered_kwh=np.array([[0.5, 0.0, 0.0]]),
        deviation_kwh=np.array([[-0.5, -1.0, 0.0]]),
        retail_per_kwh=np.array([7.0]),
        feed_in_per_kwh=np.array([3.0]),
        price_per_kwh=np.array([5.0]),
        trade_kwh=np.array([2.0]),
        trade_per_kwh=np.array([5.0]),
        scheduled_v_max_pu=np.array([1.03]),
        unchecked_v_max_pu=np.array([1.04]),
        capped_kwh=1.0,
        withheld_kwh=0.25,
        one_price=True,
        coincident_kwh=1.5,
        peak_current_a=np.array([40.0]),
        ampacity_a=np.array([50.0]),
    )


#: (with the market, without): the arithmetic is written out, nothing is copied from an output.
BY_HAND = {
    "traded_kwh": (2.0, 0.0),
    "p2p_share_of_consumption": (2 / 8, 0.0),
    "p2p_share_of_export": (2 / 1, 0.0),  # sold twice what it could feed: not hidden
    "mean_price_per_kwh": (5.0, None),
    "seller_concentration": (1.0, None),
    "fulfilment": ((1.5 + 2.0) / 4, None),  # the ordered half kWh counts as kept
    "deviation_kwh": (1.5, None),
    "deviation_cost": (0.5 * (7 - 5), 0.0),
    "deviation_cost_share": (1.0 / 18, None),
    "surplus": (2 * 6 - 2 * 4, 0.0),
    "greatest_surplus": (2 * (6 - 4) + 1 * (5 - 4), None),
    "welfare_efficiency": (4 / 5, None),
    "volume_efficiency": (2 / 3, None),
    "buyers_surplus": (2 * 6 - 10, 0.0),
    "sellers_surplus": (10 - 2 * 4, 0.0),
    "budget": (0.0, 0.0),
    "value_tapping": (5 / ((7 - 3) * 1), 0.0),  # of 1 kWh fed and 4 drawn, 1 can be shared
    "bills": (18.0, 23.0),
    "saving": (5.0, None),
    "saving_share": (5 / 23, None),
    "median_saving": (2.0, None),
    "least_saving": (-1.0, None),
    "better_off": (2 / 3, None),
    "unaffected": (0.0, None),
    "worse_off": (1 / 3, None),
    "gini_of_savings": (2 * (2 + 5 + 3) / (2 * 3 * 7), None),
    "jain_of_savings": (None, None),
    "top_share_of_savings": (4 / 6, None),
    # incomes 6, -14, -10 and 4, -18, -9, shifted by 18: 24, 4, 8 and 22, 0, 9
    "equality": (1 - 2 * (20 + 16 + 4) / (6 * 36), 1 - 2 * (22 + 13 + 9) / (6 * 31)),
    "self_consumption": (1 - 1 / 5, 1 - 0.5 / 4.5),
    "self_sufficiency": (1 - 4 / 8, 1 - 4 / 8),
    "energy_balance": (1 - 5 / 13, 1 - 4.5 / 12.5),
    "exchange_peak_to_average": (4 / 2.5, 4 / 2.25),
    "power_flatness": (1 - (4 / 2.5) / (4 / 2.25), 0.0),
    "peak_import_kw": (8.5, 8.5),
    "peak_export_kw": (1.5, 0.5),
    "peak_apparent_kva": (np.hypot(8.5, 1.0), np.hypot(8.5, 1.0)),
    "peak_to_average": (2.0, 2.0),
    "load_factor": (0.5, 0.5),
    "ramping_kw_per_hour": (10.0 / 0.5, 9.0 / 0.5),
    "losses_kwh": (0.5, 0.5),
    "greatest_loading": (0.8, None),
    "violation_intervals": (1.0, 0.0),
    "over_bus_minutes": (30.0, 75.0),
    "violation_depth_pu": (0.01, 0.0),
    "violations_avoided": (60.0, None),
    "violations_caused": (15.0, None),
    "schedules_cured": (1.0, None),
    "schedules_over_limit": (0.0, None),
    "ordered_curtailment_kwh": (0.0, 0.25),
    "capped_kwh": (1.0, 0.0),
    "utility_revenue": (30.0, 40.0),
    "utility_net": (12.0, 20.0),
    "utility_banked_value": (5.0, 9.0),
    "utility_net_after_banked": (12.0 - 5.0, 20.0 - 9.0),
    "carbon_kg": ((8.5 - 1.5) * 0.5 * 0.727, (8.5 - 0.5) * 0.5 * 0.727),
}


def test_a_tiny_run_by_hand(tiny):
    values = kpi_values(tiny)
    for name, (market, no_p2p) in BY_HAND.items():
        assert values[name] == (pytest.approx(market), pytest.approx(no_p2p)), name


def test_value_tapping_has_no_meaning_where_prices_differ(tiny):
    assert kpi_values(replace(tiny, one_price=False))["value_tapping"][0] is None


def test_what_has_no_meaning_has_none_on_both_sides(tiny):
    nothing = replace(
        tiny,
        one_price=False,
        net_kwh=-np.abs(tiny.net_kwh),
        price_per_kwh=np.array([np.nan]),
        market=replace(tiny.market, load_kwh=np.zeros(2)),
        no_p2p=replace(tiny.no_p2p, load_kwh=np.zeros(2)),
    )
    values = kpi_values(nothing)
    names = ("value_tapping", "p2p_share_of_consumption", "p2p_share_of_export", "deviation_cost")
    for name in names:
        assert values[name] == (None, None), name


@pytest.fixture(scope="module")
def table(finished):
    return kpi_table(read_results(finished)).set_index("kpi")


def test_every_indicator_is_there_with_difference(table):
    assert list(table.index) == list(KPIS)
    both = table.market.notna() & table.no_p2p.notna()
    assert both.sum() > 40
    gap = (table.difference - (table.market - table.no_p2p))[both]
    assert gap.abs().max() == 0.0
    assert table.difference[~both].isna().all()


def test_indicators_of_a_run_agree_with_its_books(table, finished):
    results = read_results(finished)
    market, no_p2p = table.market, table.no_p2p
    assert market.surplus == pytest.approx(
        market.buyers_surplus + market.sellers_surplus + market.budget
    )
    assert market.saving == pytest.approx(no_p2p.bills - market.bills)
    assert market.saving == pytest.approx(
        market.saving_price_effect + market.saving_operation_effect
    )
    assert market.better_off + market.unaffected + market.worse_off == pytest.approx(1.0)
    utility = results.utility.groupby("case").sum(numeric_only=True)
    # What members hold in the bank is what the utility owes: both sides count it.
    assert market.utility_banked_value == pytest.approx(results.bills.bank_value.sum())
    assert no_p2p.utility_banked_value == pytest.approx(results.bills.no_p2p_bank_value.sum())
    assert market.utility_banked_value != 0.0
    for column, case_ in ((market, "market"), (no_p2p, "no-p2p")):
        assert column.utility_net == pytest.approx(utility.net[case_])
        bulk = utility.bulk_purchase_kwh[case_]
        assert column.carbon_kg == pytest.approx(0.727 * bulk)
        drawn = column.import_kwh - column.export_kwh
        assert bulk == pytest.approx(drawn + column.losses_kwh, rel=1e-6)
        stored = column.load_kwh - column.generated_kwh - drawn
        assert abs(stored) < results.members.battery_kwh.sum()
    assert 0.0 < market.coincident_kwh < market.traded_kwh
    assert 0.0 <= market.welfare_efficiency <= 1.0 + 1e-9


def test_the_counterfactual_closes_at_every_interval(finished):
    both = read_results(finished)
    for side in (both.community, both.no_p2p):
        balance = (
            side.pv_kwh - side.curtailed_kwh - side.load_kwh
            + side.battery_discharge_kwh - side.battery_charge_kwh - side.net_export_kwh
        )  # fmt: skip
        assert balance.abs().max() < 1e-9
        assert (side.export_kwh - side.import_kwh - side.net_export_kwh).abs().max() < 1e-9
    assert (both.no_p2p.load_kwh - both.community.load_kwh).abs().max() < 1e-9


def test_voltages_solved_again_are_those_that_were_kept(finished):
    results = read_results(finished)
    state = results.feeder_state
    assert state.v_pu.max(axis=1) == pytest.approx(results.network.v_max_pu.to_numpy(), abs=1e-6)
    assert state.v_pu.min(axis=1) == pytest.approx(results.network.v_min_pu.to_numpy(), abs=1e-6)


def test_meters_in_another_order_give_the_same_community(run):
    before = read_results(run).community
    meters = read_results(run).meters
    path = run / "meters.parquet"
    path.unlink()
    meters.sort_values(["prosumer", "start"]).to_parquet(path, index=False)
    after = read_results(run).community
    assert (after.load_kwh.sum(), len(after)) == (pytest.approx(before.load_kwh.sum()), len(before))
    path.unlink()
    meters.iloc[1:].to_parquet(path, index=False)
    with pytest.raises(RunError, match="missing or stand twice"):
        _ = read_results(run).community


def test_the_page_of_indicators_is_fresh():
    spec = importlib.util.spec_from_file_location("kpi_page", DOCS / "kpi_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "kpis.md").read_text("utf-8") == module.page(), "run python docs/kpi_page.py"
    for kpi in KPIS.values():
        if kpi.function is not None:
            for label in module.LABELS:
                assert module.labelled(kpi.function.__doc__.replace("\n    ", "\n"), label)
