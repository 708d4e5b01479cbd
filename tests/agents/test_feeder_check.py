"""What the feeder answers the market, against the model's formulas written out in loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.agents.battery_plan import BatteryPlan
from gridbazaar.agents.feeder_check import IMMATERIAL_RISE_PU, FeederCheck, FeederForecast, bus_sum
from gridbazaar.agents.frame_plan import FramePlan, FramePrices
from gridbazaar.network import load_feeder, solve_power_flow
from gridbazaar.network.limits import VoltageLimits

FEEDER = load_feeder("kerala_village_lv")
LIMITS = VoltageLimits()
HOURS, POWER_FACTOR = 1.0, 0.95
MEMBERS, INTERVALS = 9, 3


def village(seed, source_pu=1.03, load_kw=1.0, pv_kw=9.0):
    """A plan of nine members in three hours, at random buses."""
    rng = np.random.default_rng(seed)
    feeder = FEEDER.with_source_voltage(source_pu)
    bus = rng.choice(np.setdiff1d(np.arange(feeder.n_buses), [feeder.slack]), MEMBERS)
    zero = np.zeros((MEMBERS, INTERVALS))
    plan = FramePlan(
        load_kw * rng.random((MEMBERS, INTERVALS)),
        pv_kw * rng.random((MEMBERS, INTERVALS)) * (rng.random((MEMBERS, 1)) < 0.7),
        BatteryPlan(zero, zero, zero),
        FramePrices(8.0, 3.0, 4.0, 0.0, 0.0),
    )
    return feeder, bus, plan


def forecast_of(feeder, bus, plan):
    return FeederForecast.of_plan(plan, feeder, bus, LIMITS, POWER_FACTOR, HOURS)


def flow_by_hand(feeder, bus, plan, exported_kwh):
    """phi n+ - n- and tan(acos pf) x load of every member, added up at the buses one by one."""
    kw, kvar = np.zeros((2, INTERVALS, feeder.n_buses))
    for k in range(MEMBERS):
        net = plan.pv_kwh[k] - plan.load_kwh[k]
        plus, minus = sum(max(x, 0.0) for x in net), sum(max(-x, 0.0) for x in net)
        own = min(plus, minus)
        phi = 1.0 if plus <= minus else (own + exported_kwh[k]) / plus
        for t in range(INTERVALS):
            kw[t, bus[k]] += (phi * max(net[t], 0.0) - max(-net[t], 0.0)) / HOURS
            kvar[t, bus[k]] -= np.tan(np.arccos(POWER_FACTOR)) * plan.load_kwh[k, t] / HOURS
    return solve_power_flow(feeder, kw, kvar).v_pu


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_injections_follow_the_model(seed):
    feeder, bus, plan = village(seed)
    offered = np.maximum(plan.net_kwh, 0.0)
    sold = offered * np.random.default_rng(seed + 1).random(MEMBERS)
    forecast = forecast_of(feeder, bus, plan)
    sellers = np.flatnonzero(offered > 0.0)
    ours = FeederCheck(forecast, sellers).voltages(sold[None, sellers])[0]
    by_hand = flow_by_hand(feeder, bus, plan, sold)
    np.testing.assert_allclose(ours, by_hand, rtol=0.0, atol=1e-9)
    given_kw = solve_power_flow(feeder, forecast.injection_kw(sold), forecast.reactive_kvar)
    np.testing.assert_allclose(given_kw.v_pu, by_hand, rtol=0.0, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    source=st.sampled_from([0.94, 0.97, 1.03, 1.046, 1.0499, 1.053]),
    load=st.sampled_from([1.0, 25.0]),
)
def test_judgement_follows_the_formula(seed, source, load):
    feeder, bus, plan = village(seed, source, load, 30.0)
    sellers = np.flatnonzero(plan.net_kwh > 0.0)
    check = FeederCheck(forecast_of(feeder, bus, plan), sellers)
    rng = np.random.default_rng(seed)
    shares = np.concatenate([[0.0, 1e-3, 1.0], rng.random(4)])[:, None]
    sold = shares * plan.net_kwh[sellers] * rng.random((7, sellers.size))
    seen = check.check(sold)
    base = flow_by_hand(feeder, bus, plan, np.zeros(MEMBERS))
    for one in range(len(sold)):
        exported = np.zeros(MEMBERS)
        exported[sellers] = sold[one]
        v = check.voltages(sold[one][None])[0]
        np.testing.assert_allclose(v, flow_by_hand(feeder, bus, plan, exported), atol=1e-9)
        violation, critical = 0.0, set()
        for t in range(INTERVALS):
            for b in range(feeder.n_buses):
                v0 = base[t, b]
                upper = 1.05 if v0 <= 1.05 else v0 + IMMATERIAL_RISE_PU
                lower = 0.95 if v0 >= 0.95 else v0 - IMMATERIAL_RISE_PU
                violation += max(0.0, v[t, b] - upper) + max(0.0, lower - v[t, b])
                if v[t, b] > upper + 1e-9:
                    critical.add(feeder.bus_names[b])
        assert seen.violation_pu[one] == pytest.approx(violation, abs=1e-7)
        if violation == 0.0 or violation > 1e-7:
            assert bool(seen.feasible[one]) == (violation == 0.0)
        assert critical <= set(seen.critical_buses[one])
        np.testing.assert_allclose([seen.v_min_pu[one], seen.v_max_pu[one]], [v.min(), v.max()])
        names = np.array(feeder.bus_names)[bus[sellers]]
        on = [name in seen.critical_buses[one] for name in names]
        np.testing.assert_array_equal(seen.on_critical_bus[one], on)
        assert bool(seen.undervoltage[one]) == bool((base < 0.95).any())
    bare = check.base()
    assert bool(bare.feasible[0]) == bool((base <= 1.05).all())


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_rows_are_all_limits_that_can_break_and_their_room_is_exact(seed):
    feeder, bus, plan = village(seed, 1.045, 1.0, 30.0)
    sellers = np.flatnonzero(plan.net_kwh > 0.0)
    check = FeederCheck(forecast_of(feeder, bus, plan), sellers)
    most = plan.net_kwh[sellers]
    rows = check.rows(most)
    sold = most * np.random.default_rng(seed).random((6, sellers.size))
    v = check.voltages(sold)
    if len(rows.upper_pu):
        exact = rows.upper_pu - v[:, rows.interval, rows.bus]
        np.testing.assert_allclose(rows.room_pu(sold), exact, rtol=0.0, atol=1e-12)
    over = np.maximum(-rows.room_pu(sold), 0.0).sum(axis=1)
    np.testing.assert_allclose(over, check.check(sold).violation_pu, rtol=0.0, atol=1e-9)
    # the forecast of a small move is near what the power flow says
    more = sold[:1] + 0.05 * most
    rise = check.voltages(more)[:, rows.interval, rows.bus] - v[:1, rows.interval, rows.bus]
    np.testing.assert_allclose((0.05 * most) @ rows.effect_pu_per_kwh.T, rise[0], rtol=0.15)


def test_voltages_without_a_solution_are_infeasible_and_no_error():
    feeder, bus, plan = village(3, 1.0, 5000.0)
    sellers = np.array([0, 1])
    check = FeederCheck(forecast_of(feeder, bus, plan), sellers)
    seen = check.check(np.ones((2, 2)))
    assert not seen.feasible.any() and np.isinf(seen.violation_pu).all()
    assert np.isneginf(check.rows(np.ones(2)).room_pu(np.ones((1, 2)))).any()


def test_parts_of_a_large_batch_give_the_same_voltages(monkeypatch):
    feeder, bus, plan = village(4)
    sellers = np.flatnonzero(plan.net_kwh > 0.0)
    check = FeederCheck(forecast_of(feeder, bus, plan), sellers)
    sold = np.random.default_rng(1).random((10, sellers.size))
    whole = check.voltages(sold)
    monkeypatch.setattr("gridbazaar.agents.feeder_check.LARGEST_BATCH", 3 * INTERVALS * 116)
    np.testing.assert_array_equal(check.voltages(sold), whole)


def test_members_of_one_bus_add_up():
    values = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    total = bus_sum(np.array([2, 0, 2]), values, 4)
    assert total.tolist() == [[3.0, 0.0, 6.0, 0.0], [4.0, 0.0, 8.0, 0.0]]
