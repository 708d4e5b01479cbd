"""Batteries close exactly and keep their limits, whatever they are asked to do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.agents.battery import BatteryFleet
from gridbazaar.agents.battery_greedy import Greedy
from gridbazaar.agents.battery_plan import Outlook
from gridbazaar.agents.dispatch import dispatch

HOURS = 0.25
kwh = st.floats(0.0, 5.0)


def fleet(capacity: float = 8.0, power: float = 4.0, efficiency: float = 0.81) -> BatteryFleet:
    return BatteryFleet(np.array([capacity]), np.array([power]), efficiency, 0.1, 0.9, 0.5)


@settings(deadline=None, max_examples=300)
@given(
    load=kwh,
    pv=kwh,
    target=st.floats(-5.0, 5.0),
    soc=st.floats(0.1, 0.9),
    limit=st.one_of(kwh, st.just(np.inf)),
    from_grid=st.booleans(),
)
def test_every_interval_closes_and_keeps_limits(load, pv, target, soc, limit, from_grid):
    battery = fleet()
    stored = soc * battery.capacity_kwh
    one = np.ones(1)
    done = dispatch(
        load * one, pv * one, target * one, stored, battery, limit * one, HOURS, from_grid
    )
    balance = pv - load + done.discharge_kwh - done.charge_kwh - done.curtailed_kwh
    assert done.net_export_kwh == pytest.approx(balance, abs=1e-12)
    change = 0.9 * done.charge_kwh - done.discharge_kwh / 0.9
    assert done.stored_kwh - stored == pytest.approx(change, abs=1e-12)
    assert battery.empty_kwh - 1e-9 <= done.stored_kwh <= battery.full_kwh + 1e-9
    assert done.charge_kwh * done.discharge_kwh == 0.0
    assert max(done.charge_kwh, done.discharge_kwh) <= 4.0 * HOURS + 1e-12
    assert 0.0 <= done.curtailed_kwh <= pv
    assert done.net_export_kwh <= limit + 1e-12
    if not from_grid:
        assert done.charge_kwh <= max(pv - load, 0.0) + 1e-12


def test_export_above_the_limit_first_stops_discharge_then_charges_then_curtails():
    battery, one = fleet(capacity=20.0), np.ones(1)
    middle = 0.5 * battery.capacity_kwh
    less = dispatch(0.1 * one, 0.5 * one, 0.6 * one, middle, battery, 0.7 * one, HOURS, False)
    assert less.discharge_kwh == pytest.approx(0.3)
    assert less.curtailed_kwh == 0.0
    stores = dispatch(0.1 * one, 0.9 * one, 0.2 * one, middle, battery, 0.3 * one, HOURS, False)
    assert stores.charge_kwh == pytest.approx(0.5)
    assert stores.curtailed_kwh == pytest.approx(0.0, abs=1e-12)
    curtails = dispatch(0.1 * one, 2.0 * one, 0.2 * one, middle, battery, 0.3 * one, HOURS, False)
    assert curtails.charge_kwh == pytest.approx(1.0)
    assert curtails.curtailed_kwh == pytest.approx(0.6)


def day(cheap_first: bool = True) -> Outlook:
    """Twelve cheap hours with sun at noon, then four dear and eight middling ones."""
    net = np.full((1, 24), -0.3)
    net[0, 4:8] = 2.0
    price = np.array([6.0] * 12 + [8.4] * 4 + [6.75] * 8)
    if not cheap_first:
        net, price = np.roll(net, 12, axis=1), np.roll(price, 12)
    return Outlook(net, price, 12, 1.0)


def test_greedy_stores_own_surplus_and_never_discharges_when_power_is_cheapest():
    plan = Greedy().plan(fleet(), np.array([0.8]), day())
    assert plan.charge_kwh[0, :4].sum() == 0.0
    assert plan.charge_kwh[0, 4:8].sum() == pytest.approx((0.9 * 8.0 - 0.8) / 0.9)
    assert plan.discharge_kwh.sum() == 0.0
    assert plan.for_sale_kwh.sum() == 0.0


def test_greedy_offers_in_the_peak_what_exceeds_the_need_until_the_cheap_frame():
    outlook = day()
    peak = Outlook(
        np.roll(outlook.net_kwh, -12, axis=1), np.roll(outlook.retail_per_kwh, -12), 4, 1.0
    )
    plan = Greedy().plan(fleet(), np.array([7.2]), peak)
    assert plan.discharge_kwh.sum() == pytest.approx(4 * 0.3)
    # Inside 7.2, empty 0.8: own need of 12 hours at 0.3 over 0.9; the rest comes out times 0.9.
    assert plan.for_sale_kwh.sum() == pytest.approx((7.2 - 0.8 - 3.6 / 0.9) * 0.9)


@settings(deadline=None, max_examples=200)
@given(
    net=st.lists(st.floats(-2.0, 3.0), min_size=24, max_size=24),
    soc=st.floats(0.1, 0.9),
    shift=st.integers(0, 23),
    n_frame=st.sampled_from([4, 8, 12]),
)
def test_every_greedy_plan_can_be_carried_out(net, soc, shift, n_frame):
    battery = fleet()
    price = np.roll(np.array([6.0] * 12 + [8.4] * 4 + [6.75] * 8), shift)
    outlook = Outlook(np.array([net]), price, n_frame, 1.0)
    plan = Greedy().plan(battery, soc * battery.capacity_kwh, outlook)
    inside = soc * battery.capacity_kwh
    for t in range(n_frame):
        given_out = plan.discharge_kwh[:, t] + plan.for_sale_kwh[:, t]
        assert given_out <= battery.power_kw + 1e-9
        assert plan.charge_kwh[:, t] <= max(net[t], 0.0) + 1e-12
        inside = battery.after(inside, plan.charge_kwh[:, t], given_out)
        assert battery.empty_kwh - 1e-9 <= inside <= battery.full_kwh + 1e-9
