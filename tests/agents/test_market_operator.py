"""The market operator: a frame's books balance, and its schedule keeps what it promises."""

import mesa
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridbazaar.agents.battery_plan import BatteryPlan
from gridbazaar.agents.feeder_check import FeederForecast
from gridbazaar.agents.frame_plan import FramePlan, FramePrices
from gridbazaar.agents.market_operator import Connection, MarketOperator
from gridbazaar.market.capping import CappingOptions
from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.order import Order
from gridbazaar.network import load_feeder, solve_power_flow
from gridbazaar.network.limits import VoltageLimits

FEEDER = load_feeder("kerala_village_lv").with_source_voltage(1.035)
MEMBERS, INTERVALS, HOURS = 14, 4, 1.0
TERMS = GridTerms(8.0, 3.0)


def operator_of(seed, method, may_trade=None):
    rng = np.random.default_rng(seed)
    bus = rng.choice(np.setdiff1d(np.arange(FEEDER.n_buses), [FEEDER.slack]), MEMBERS)
    rules = ClearingRules(population=30)
    return MarketOperator(
        mesa.Model(rng=1),
        build_mechanism(rules),
        CappingOptions(method=method),
        Connection(FEEDER, bus, VoltageLimits(), 0.95, HOURS),
        {f"h{i:02d}": i for i in range(MEMBERS)},
        may_trade,
    )


def plan_of(seed, scale):
    """Some have PV, some a battery with energy for sale, the others loads that match."""
    rng = np.random.default_rng(seed)
    sunny = np.arange(MEMBERS) % 2 == 0
    pv = scale * rng.random((MEMBERS, INTERVALS)) * sunny[:, None]
    load = np.where(sunny, 0.3, scale)[:, None] * rng.random((MEMBERS, INTERVALS))
    zero = np.zeros((MEMBERS, INTERVALS))
    for_sale = (
        0.3 * scale * rng.random((MEMBERS, INTERVALS)) * (np.arange(MEMBERS) % 4 == 0)[:, None]
    )
    return FramePlan(
        load, pv, BatteryPlan(zero, zero, for_sale), FramePrices(8.0, 3.0, 4.0, 0.0, 0.0)
    )


def orders_of(plan):
    orders = []
    for i, net in enumerate(plan.net_kwh):
        if net > 0.0:
            orders.append(Order(f"h{i:02d}", "ask", float(net), 3.0 + 0.1 * i))
        elif net < 0.0:
            orders.append(Order(f"h{i:02d}", "bid", float(-net), 8.0 - 0.05 * i))
    return orders


def frame(seed, scale, method, may_trade=None):
    operator = operator_of(seed, method, may_trade)
    plan = plan_of(seed, scale)
    orders = orders_of(plan)
    return operator, plan, operator.clear(orders, plan, TERMS, np.random.default_rng(seed))


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1.0, 6.0, 14.0]),
    method=st.sampled_from(["adaptive-capping", "constrained"]),
)
@example(seed=9038, scale=1.0, method="adaptive-capping")
def test_a_frame_adds_up_and_keeps_its_limits(seed, scale, method):
    operator, plan, result = frame(seed, scale, method)
    schedule, at = result.schedule, operator.connection
    offered = np.maximum(plan.net_kwh, 0.0)
    demand = np.maximum(-plan.net_kwh, 0.0)
    assert schedule.sold_kwh.sum() == pytest.approx(schedule.bought_kwh.sum())
    assert schedule.paid.sum() == pytest.approx(schedule.received.sum())
    # every offered kWh is sold, exported, withheld, capped, or stays in the battery
    surplus = offered - plan.battery_for_sale_kwh
    left = surplus - schedule.sold_kwh - schedule.capped_kwh
    spare = schedule.grid_export_kwh + schedule.withheld_kwh
    whole = schedule.sold_kwh <= surplus
    np.testing.assert_allclose(spare[whole], np.maximum(left, 0.0)[whole], atol=1e-7)
    assert np.all(spare[~whole] <= 1e-7) and np.all(schedule.sold_kwh <= offered * (1 + 1e-9))
    np.testing.assert_allclose(schedule.bought_kwh + schedule.grid_import_kwh, demand, atol=1e-7)
    # what the battery sold is discharged, and no more; where a part of what is for sale meets
    # needs of the home in other intervals, that part comes along
    discharged = (schedule.discharge_kwh - plan.battery.discharge_kwh).sum(axis=1)
    sold_of_it = np.maximum(schedule.sold_kwh - surplus, 0.0)
    for_sale = plan.battery.for_sale_kwh.sum(axis=1)
    along = np.divide(
        for_sale,
        plan.battery_for_sale_kwh,
        out=np.ones(MEMBERS),
        where=plan.battery_for_sale_kwh > 0.0,
    )
    np.testing.assert_allclose(discharged, along * sold_of_it, atol=1e-7)
    # voltages of the whole schedule, by a power flow of its own
    forecast = FeederForecast.of_plan(plan, FEEDER, at.bus, at.limits, at.power_factor, HOURS)
    flow = solve_power_flow(
        FEEDER,
        forecast.injection_kw(schedule.sold_kwh + schedule.grid_export_kwh),
        forecast.reactive_kvar,
    )
    assert result.v_max_pu == flow.v_pu.max() and result.v_min_pu == flow.v_pu.min()
    assert result.clearing.status == "cleared" and result.v_max_pu <= 1.05 + 1e-6
    # a bound meter may export what it was granted, interval by interval
    bound = np.isfinite(schedule.export_limit_kw).all(axis=1)
    held = (schedule.capped_kwh > 0.0) | (schedule.withheld_kwh > 0.0)
    np.testing.assert_array_equal(bound, held)
    granted = schedule.export_limit_kw[bound].sum(axis=1) * HOURS
    spent = (plan.self_netted_kwh + schedule.sold_kwh + schedule.grid_export_kwh)[bound]
    np.testing.assert_allclose(granted, spent, rtol=1e-9, atol=1e-9)


def test_the_feeder_binds_in_these_frames():
    capped = [frame(seed, 14.0, "adaptive-capping")[2].clearing for seed in range(4)]
    assert any(clearing.capping for clearing in capped)
    for seed, one in enumerate(capped):
        found = frame(seed, 14.0, "constrained")[2].clearing
        assert found.traded_kwh >= one.traded_kwh * (1 - 1e-4)


def test_who_may_not_trade_stays_out_of_the_book_and_still_imports():
    may_trade = np.arange(MEMBERS) % 3 != 1
    _, plan, result = frame(2, 4.0, "adaptive-capping", may_trade)
    members = {*result.book.sellers, *result.book.buyers}
    assert members == {f"h{i:02d}" for i in np.flatnonzero(may_trade & (plan.net_kwh != 0.0))}
    schedule = result.schedule
    assert not schedule.sold_kwh[~may_trade].any() and not schedule.bought_kwh[~may_trade].any()
    demand = np.maximum(-plan.net_kwh, 0.0)[~may_trade]
    np.testing.assert_allclose(schedule.grid_import_kwh[~may_trade], demand)


def test_round_off_left_unsold_binds_nobody():
    _, plan, result = frame(0, 14.0, "adaptive-capping")
    offered = np.maximum(plan.net_kwh, 0.0)
    schedule = result.schedule
    sold_out = (schedule.sold_kwh >= offered * (1 - 1e-12)) & (offered > 0.0)
    assert sold_out.any() and not schedule.withheld_kwh[sold_out].any()
    assert np.isinf(schedule.export_limit_kw[sold_out]).all()


def test_an_empty_frame():
    operator = operator_of(1, "constrained")
    zero = np.zeros((MEMBERS, INTERVALS))
    plan = FramePlan(zero, zero, BatteryPlan(zero, zero, zero), FramePrices(8.0, 3.0, 4.0, 0, 0))
    result = operator.clear([], plan, TERMS, np.random.default_rng(1))
    assert result.clearing.status == "no-trade" and not result.schedule.sold_kwh.any()
    assert np.isinf(result.schedule.export_limit_kw).all()
