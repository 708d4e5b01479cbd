"""Every battery strategy keeps to the battery; the optimal one is optimal, member by member."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.agents.battery import BatteryFleet
from gridbazaar.agents.battery_optimal import Optimal
from gridbazaar.agents.battery_plan import Outlook
from gridbazaar.agents.battery_time_of_use import TimeOfUse
from gridbazaar.agents.dispatch import dispatch
from gridbazaar.agents.price_expectation import PriceExpectation, Published
from gridbazaar.agents.registry import BATTERY_STRATEGIES
from gridbazaar.market.order import OrderBook

HOURS = 1.0
N_FRAME = 6


def random_case(seed: int, n: int = 5) -> tuple[BatteryFleet, np.ndarray, Outlook]:
    """Fleet, content and a day: cheap, dear and middling hours, buying dearer than selling."""
    rng = np.random.default_rng(seed)
    capacity = rng.uniform(2.0, 10.0, n) * (rng.random(n) < 0.8)
    fleet = BatteryFleet(
        capacity, capacity / 2.0, rng.uniform(0.7, 1.0), 0.1, 0.95, rng.choice([0.0, 0.5])
    )
    stored = rng.uniform(fleet.empty_kwh, np.maximum(fleet.full_kwh, fleet.empty_kwh))
    net = rng.normal(0.0, 1.0, (n, 30))
    retail = np.repeat(rng.permutation([6.0, 8.4, 6.75]), 10)
    buy = retail - rng.uniform(0.0, 1.5, (n, 30))
    sell = np.minimum(rng.uniform(0.0, 4.0, (n, 30)), buy)
    return fleet, stored, Outlook(net, retail, N_FRAME, HOURS, buy, sell)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(list(BATTERY_STRATEGIES)))
def test_plans_keep_power_content_and_direction(seed, name):
    fleet, stored, outlook = random_case(seed)
    plan = BATTERY_STRATEGIES[name]().plan(fleet, stored, outlook)
    out = plan.discharge_kwh + plan.for_sale_kwh
    power = fleet.power_kw[:, None] * HOURS
    assert plan.charge_kwh.shape == (5, N_FRAME)
    for energy in (plan.charge_kwh, plan.discharge_kwh, plan.for_sale_kwh, plan.from_grid_kwh):
        assert (energy >= 0.0).all()
    assert (plan.charge_kwh <= power + 1e-9).all() and (out <= power + 1e-9).all()
    assert (plan.from_grid_kwh <= plan.charge_kwh + 1e-12).all()
    assert np.minimum(plan.charge_kwh, out).max() <= 1e-9
    eta = fleet.one_way_efficiency
    inside = stored[:, None] + np.cumsum(eta * plan.charge_kwh - out / eta, axis=1)
    assert (inside >= fleet.empty_kwh[:, None] - 1e-9).all()
    assert (inside <= fleet.full_kwh[:, None] + 1e-9).all()


def by_hand(fleet: BatteryFleet, stored: float, outlook: Outlook, row: int) -> float:
    """Least cost of one member's day, written the plain way: what is bought and what is sold."""
    horizon = 24
    net = outlook.net_kwh[row, :horizon]
    buy, sell = outlook.buy_per_kwh[row, :horizon], outlook.sell_per_kwh[row, :horizon]
    eta = fleet.one_way_efficiency
    charge, discharge, bought, sold = (cp.Variable(horizon, nonneg=True) for _ in range(4))
    inside = stored + cp.cumsum(eta * charge - discharge / eta)
    energy = fleet.power_kw[row] * HOURS
    cost = buy @ bought - sell @ sold + fleet.wear_cost_per_kwh * cp.sum(discharge)
    problem = cp.Problem(
        cp.Minimize(cost - sell.min() / eta * inside[horizon - 1]),
        [
            net + discharge - charge == sold - bought,
            charge <= energy,
            discharge <= energy,
            inside >= fleet.empty_kwh[row],
            inside <= fleet.full_kwh[row],
        ],
    )
    return float(problem.solve(solver=cp.CLARABEL))


@pytest.mark.parametrize("seed", range(12))
def test_the_optimal_plan_costs_what_a_plain_program_costs(seed):
    fleet, stored, outlook = random_case(seed, n=2)
    whole = Outlook(
        outlook.net_kwh, outlook.retail_per_kwh, 24, HOURS, outlook.buy_per_kwh,
        outlook.sell_per_kwh,
    )  # fmt: skip
    plan = Optimal().plan(fleet, stored, whole)
    out = plan.discharge_kwh + plan.for_sale_kwh
    net = outlook.net_kwh[:, :24] + out - plan.charge_kwh
    buy, sell = outlook.buy_per_kwh[:, :24], outlook.sell_per_kwh[:, :24]
    eta = fleet.one_way_efficiency
    left = stored + eta * plan.charge_kwh.sum(axis=1) - out.sum(axis=1) / eta
    cost = (buy * np.maximum(-net, 0.0) - sell * np.maximum(net, 0.0)).sum(axis=1)
    cost += fleet.wear_cost_per_kwh * out.sum(axis=1) - sell.min(axis=1) / eta * left
    for row in range(2):
        # The preference for earlier hours may cost up to a hundredth of a paisa a kWh.
        assert cost[row] == pytest.approx(by_hand(fleet, stored[row], outlook, row), abs=0.02)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_member_s_optimal_plan_does_not_depend_on_the_others(seed):
    fleet, stored, outlook = random_case(seed, n=8)
    together = Optimal().plan(fleet, stored, outlook)
    for row in (0, 5):
        pick = slice(row, row + 1)
        one = BatteryFleet(
            fleet.capacity_kwh[pick], fleet.power_kw[pick], fleet.round_trip_efficiency,
            0.1, 0.95, fleet.wear_cost_per_kwh,
        )  # fmt: skip
        alone = Optimal().plan(
            one,
            stored[pick],
            Outlook(
                outlook.net_kwh[pick], outlook.retail_per_kwh, N_FRAME, HOURS,
                outlook.buy_per_kwh[pick], outlook.sell_per_kwh[pick],
            ),
        )  # fmt: skip
        assert together.charge_kwh[pick] == pytest.approx(alone.charge_kwh, abs=1e-7)
        assert together.discharge_kwh[pick] == pytest.approx(alone.discharge_kwh, abs=1e-7)
        assert together.for_sale_kwh[pick] == pytest.approx(alone.for_sale_kwh, abs=1e-7)


def test_more_than_one_block_is_solved_alike():
    fleet, stored, outlook = random_case(3, n=120)
    plan = Optimal().plan(fleet, stored, outlook)
    backwards = BatteryFleet(
        fleet.capacity_kwh[::-1], fleet.power_kw[::-1], fleet.round_trip_efficiency, 0.1, 0.95,
        fleet.wear_cost_per_kwh,
    )  # fmt: skip
    mirrored = Optimal().plan(
        backwards,
        stored[::-1],
        Outlook(
            outlook.net_kwh[::-1], outlook.retail_per_kwh, N_FRAME, HOURS,
            outlook.buy_per_kwh[::-1], outlook.sell_per_kwh[::-1],
        ),
    )  # fmt: skip
    assert plan.net_kwh == pytest.approx(mirrored.net_kwh[::-1], abs=1e-7)


def test_time_of_use_fills_up_only_for_what_pays():
    fleet = BatteryFleet(np.array([10.0]), np.array([10.0]), 0.9, 0.0, 1.0, 0.5)
    net = np.array([[0.0, 0.0, -2.0, -3.0]])
    day = Outlook(net, np.array([6.0, 6.0, 8.4, 6.75]), 2, 1.0)
    plan = TimeOfUse().plan(fleet, np.array([0.0]), day)
    # 8.4 x 0.9 - 0.5 is more than 6, 6.75 x 0.9 - 0.5 is not: only the peak is bought ahead.
    assert plan.from_grid_kwh.sum() == pytest.approx(2.0 / 0.9)
    assert plan.from_grid_kwh[0, 0] == pytest.approx(plan.from_grid_kwh[0, 1])


def test_time_of_use_sells_in_the_dearest_frame_alone():
    fleet = BatteryFleet(np.array([4.0]), np.array([4.0]), 1.0, 0.0, 1.0, 0.0)
    net = np.zeros((1, 3))
    for prices, sells in (([8.0, 7.0, 6.0], True), ([7.0, 8.0, 6.0], False)):
        plan = TimeOfUse().plan(fleet, np.array([4.0]), Outlook(net, np.array(prices), 1, 1.0))
        assert (plan.for_sale_kwh.sum() > 0.0) == sells


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_energy_closes_in_any_day_of_dispatch(seed):
    """What went in less what came out is what is inside and what was lost, and never more."""
    rng = np.random.default_rng(seed)
    fleet, stored, _ = random_case(seed)
    begin, losses, eta = stored, np.zeros(5), fleet.one_way_efficiency
    given_, taken = np.zeros(5), np.zeros(5)
    for _ in range(48):
        done = dispatch(
            rng.uniform(0.0, 2.0, 5), rng.uniform(0.0, 2.0, 5), rng.normal(0.0, 3.0, 5), stored,
            fleet, rng.uniform(0.0, 2.0, 5), HOURS, rng.uniform(0.0, 1.0, 5),
        )  # fmt: skip
        losses += done.charge_kwh * (1 - eta) + done.discharge_kwh * (1 / eta - 1)
        given_, taken = given_ + done.discharge_kwh, taken + done.charge_kwh
        stored = done.stored_kwh
        assert (stored >= fleet.empty_kwh - 1e-9).all()
        assert (stored <= fleet.full_kwh + 1e-9).all()
    assert stored - begin == pytest.approx(taken - given_ - losses, abs=1e-9)


def test_expected_prices_lie_between_the_grid_s_and_the_market_s():
    memory = PriceExpectation.none(2, 1)
    for _ in range(60):
        memory.observe(0, np.array([2.0, -3.0]), np.array([2.0, 3.0]), Published(5.0, 0.0, 0.0))
    buy, sell = memory.prices(np.array([0]), np.array([8.0]), 3.0, 0.5, 0.25)
    assert buy[:, 0] == pytest.approx([8.0, 5.5], abs=1e-4)
    assert sell[:, 0] == pytest.approx([4.75, 3.0], abs=1e-4)


def test_without_a_market_the_tariff_is_expected():
    memory = PriceExpectation.none(1, 1)
    memory.observe(0, np.array([-2.0]), np.array([0.0]), Published(None, 0.0, 0.0))
    buy, sell = memory.prices(np.array([0]), np.array([8.0]), -1.0, 0.5, 0.25)
    assert (buy.item(), sell.item()) == (8.0, 0.0)  # nobody pays to export: PV can be curtailed


def test_an_evening_without_sellers_invites_the_first():
    """Nobody offered at the dear hour: it is published that somebody would have bought."""
    book = OrderBook((), np.zeros(0), np.zeros(0), ("a",), np.array([7.9]), np.array([3.0]))
    published = Published.of(book, 0.0, None)
    assert (published.price_per_kwh, published.sell_fill, published.buy_fill) == (7.9, 1.0, 0.0)
    memory = PriceExpectation.none(2, 1)
    memory.observe(0, np.array([-3.0, 0.0]), np.zeros(2), published)
    buy, sell = memory.prices(np.array([0]), np.array([8.4]), 3.0, 0.0, 0.0)
    assert buy[:, 0] == pytest.approx([8.4, 8.4])
    assert sell[:, 0] == pytest.approx([7.9, 7.9])
