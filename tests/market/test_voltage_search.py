"""Voltages inside the search: water-filling under limits, repair, and what a frame then serves."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_network import LinearNetwork
from random_books import TERMS, book_of, household_book

from gridbazaar.market.capping import CappingOptions, clear_within_limits
from gridbazaar.market.frame_market import FrameMarket
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.objectives import OBJECTIVES
from gridbazaar.market.voltage_filling import filled_within
from gridbazaar.market.voltage_pull import pulled_back
from gridbazaar.market.voltage_rows import GRAIN_PU, VoltageRows, rounded_up, within
from gridbazaar.market.voltage_seeds import seeds_within

seeds = st.integers(0, 10_000)


def random_program(seed, m=7, q=5):
    rng = np.random.default_rng(seed)
    caps = rng.lognormal(1.0, 0.7, m)
    rows = rng.random((q, m)) * rng.random((1, m))
    return caps, rows, rng.uniform(0.2, 1.2, (1, q)) * (rows @ caps)


@settings(max_examples=20, deadline=None)
@given(seed=seeds, dear=st.floats(-3.0, 3.0))
def test_water_filling_under_limits_against_a_solver(seed, dear):
    caps, rows, room = random_program(seed)
    price = np.full(caps.size, dear / caps.mean())
    sold = cp.Variable(caps.size)
    worth = cp.sum(cp.log(sold)) - price @ sold
    best = cp.Problem(cp.Maximize(worth), [rows @ sold <= room[0], sold <= caps])
    best.solve(solver=cp.CLARABEL)
    ours = filled_within(caps, price[None], rows, room)[0]
    assert np.all(ours <= caps) and np.all(rows @ ours <= room[0] * (1 + 1e-6))
    assert np.log(ours).sum() - price @ ours >= best.value - 5e-3
    np.testing.assert_allclose(ours, sold.value, rtol=0.03)


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_rewarding_energy_reaches_the_linear_program(seed):
    from scipy.optimize import linprog

    caps, rows, room = random_program(seed)
    bounds = [(0.0, cap) for cap in caps]
    most = -linprog(-np.ones(caps.size), A_ub=rows, b_ub=room[0], bounds=bounds).fun
    ladder = np.repeat(-np.geomspace(0.1, 1e4, 9)[:, None] / caps.max(), caps.size, axis=1)
    total = filled_within(caps, ladder, rows, np.repeat(room, 9, axis=0)).sum(axis=1)
    assert np.all(np.diff(total) >= -2e-3 * most)
    assert (1 - 2e-3) * most <= total[-1] <= (1 + 1e-6) * most


@settings(max_examples=50, deadline=None)
@given(seed=seeds)
def test_repair_keeps_the_linear_limits_and_what_was_within_them(seed):
    rng = np.random.default_rng(seed)
    caps, rows, room = random_program(seed)
    parent = 0.3 * filled_within(caps, np.zeros((1, caps.size)), rows, room)
    child = rng.random((20, caps.size)) * caps * rng.choice([0.2, 1.0], (20, 1))
    parents = np.repeat(parent, 20, axis=0)
    left = room - parents @ rows.T
    fixed = within(child, parents, left, rows)
    assert np.all(fixed @ rows.T <= room * (1 + 1e-9)) and np.all(fixed >= 0.0)
    fine = np.all(child @ rows.T + 0.02 * np.abs(child - parents) @ rows.T <= room, axis=1)
    assert fine.any() and np.array_equal(fixed[fine], child[fine])
    np.testing.assert_array_equal(within(child, parents, left, rows[:0]), child)


@settings(max_examples=50, deadline=None)
@given(seed=seeds)
def test_rounding_up_fills_the_nearly_full_and_keeps_the_limits(seed):
    caps, rows, room = random_program(seed)
    sold = filled_within(caps, np.full((1, caps.size), -300.0 / caps.max()), rows, room)
    more = rounded_up(sold, caps, room - sold @ rows.T, rows)
    nearly = sold >= 0.998 * caps
    assert np.array_equal(more[nearly], np.broadcast_to(caps, sold.shape)[nearly])
    assert np.all(more[~nearly] <= sold[~nearly])
    if not nearly.all():
        assert np.all(more @ rows.T <= room + 1e-6 * np.abs(room) + 1e-9)


class BentRows:
    """Voltages that rise less and less with sales, and have no solution from some total on."""

    def __init__(self, effect, room, bend, last_kwh=np.inf):
        self.effect_pu_per_kwh, self.idle, self.bend, self.last = effect, room, bend, last_kwh

    def rows(self, most_kwh):
        return self

    def room_pu(self, sold_kwh):
        rise = sold_kwh @ self.effect_pu_per_kwh.T
        room = self.idle - self.bend * -np.expm1(-rise / self.bend)
        return np.where(sold_kwh.sum(axis=1)[:, None] > self.last, -np.inf, room)


def market_of(caps):
    book, _ = stressed(1, 1.0, caps.size)
    everybody = np.ones(book.m, bool), np.ones(book.n, bool)
    return FrameMarket.of(book.with_capacity(caps), *everybody, 5.0)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, over=st.floats(1e-9, 3.0), bend=st.floats(0.5, 20.0))
def test_pulled_back_points_pass_and_lose_no_more_than_they_must(seed, over, bend):
    caps, effect, room = random_program(seed)
    bent = BentRows(effect, room[0], bend * room.max())
    rows = VoltageRows(market_of(caps), bent, caps.size)
    inside = 0.9 * filled_within(caps, np.zeros((1, caps.size)), effect, room)
    beyond = np.minimum(inside / 0.9 * (1.0 + over), caps)
    sold = np.concatenate([inside, beyond, 50.0 * beyond])
    back = pulled_back(sold, rows, rows.room(sold))
    left = rows.room(back).min(axis=1)
    assert np.all(left >= 0.5 * GRAIN_PU) and np.array_equal(back[0], sold[0])
    assert np.all((back >= 0.0) & (back <= sold))
    broken = rows.room(sold).min(axis=1) < 0.0
    assert np.all(left[broken] <= 0.05 * room.max())  # none lands far inside
    if over <= 1e-3:  # a hair above costs a hair
        assert back[1].sum() >= (1.0 - 20.0 * over) * beyond.sum() - 1e-6


def test_points_without_a_power_flow_are_pulled_back_too():
    caps, effect, room = random_program(3)
    bent = BentRows(effect, room[0], 0.1 * room.min(), 0.3 * caps.sum())  # the limits never bind
    rows = VoltageRows(market_of(caps), bent, caps.size)
    back = pulled_back(caps[None], rows, rows.room(caps[None]))
    assert np.isfinite(rows.room(back)).all() and back.sum() >= 0.1 * caps.sum()
    idle = BentRows(effect, 0.0 * room[0], 1.0)  # at its limit without any sale: nothing passes
    rows = VoltageRows(market_of(caps), idle, caps.size)
    assert pulled_back(caps[None], rows, rows.room(caps[None])).sum() == 0.0


@pytest.mark.parametrize("objectives", ["published", "per-buyer", "surplus"])
def test_seeds_are_feasible_and_reach_the_best_corner(objectives):
    from scipy.optimize import linprog

    book, network = stressed(5, 2.5)
    everybody = np.ones(book.m, bool), np.ones(book.n, bool)
    price = np.nan if objectives == "surplus" else 5.0
    market = FrameMarket.of(book, *everybody, price, (2.0, 8.0))
    rows = VoltageRows(market, network, book.m)
    sold, bought, paid = seeds_within(market, OBJECTIVES[objectives], rows, 20)
    assert network.check(sold).feasible.all()
    np.testing.assert_allclose(sold.sum(axis=1), bought.sum(axis=1), rtol=1e-9, atol=1e-9)
    assert np.all(bought <= market.demand_kwh * (1 + 1e-9)) and np.isfinite(paid).all()
    # the whole book gains most by the cheapest offers; the other sets by the most energy
    worth = 8.0 - book.offer_per_kwh if objectives == "surplus" else np.ones(book.m)
    found = linprog(
        -worth,
        A_ub=np.concatenate([network.effect, np.ones((1, book.m))]),
        b_ub=np.append(network.upper_pu - network.base_pu, market.demand_kwh.sum()),
        bounds=[(0.0, cap) for cap in book.capacity_kwh],
    )
    assert (sold @ worth).max() >= (1 - 2e-3) * -found.fun


def stressed(seed, stress=1.8, m=8, n=12):
    rng = np.random.default_rng(seed)
    book = household_book(rng, m, n)
    network = LinearNetwork.radial(m, rng, 6, 1.04)
    network.effect *= stress * 0.01 / (network.effect @ book.capacity_kwh).max()
    return book, network


def cleared(book, network, method, rules=None, seed=1, **options):
    return clear_within_limits(
        build_mechanism(rules or ClearingRules(population=40)),
        book,
        TERMS,
        network,
        np.random.default_rng(seed),
        CappingOptions(method=method, **options),
    )


@settings(max_examples=20, deadline=None)
@given(seed=seeds, stress=st.floats(0.5, 4.0))
def test_constrained_serves_at_least_what_capping_serves(seed, stress):
    book, network = stressed(seed, stress)
    capped, searched = (cleared(book, network, m) for m in ("adaptive-capping", "constrained"))
    assert searched.status == capped.status == "cleared"
    assert network.check(searched.sold_kwh[None]).feasible[0]
    assert searched.traded_kwh >= capped.traded_kwh * (1 - 1e-4)
    np.testing.assert_array_equal(searched.caps_kwh, book.capacity_kwh)


@pytest.mark.parametrize("objectives", ["published", "per-buyer", "surplus"])
def test_the_exact_engine_knows_voltages_too(objectives):
    rules = {"objectives": objectives, "choose": "demand-first"}
    for seed in range(4):
        book, network = stressed(seed, 2.0)
        exact, found = (
            cleared(book, network, "constrained", ClearingRules(engine=engine, **rules))
            for engine in ("exact", "nsga2")
        )
        assert exact.status == "cleared" and exact.iterations == 0
        assert network.check(exact.front.sold_kwh).feasible.all()
        assert exact.traded_kwh == pytest.approx(found.traded_kwh, rel=2e-3)


def test_constrained_keeps_what_would_have_happened_unchecked():
    book, network = stressed(3, 2.0)
    free = cleared(book, network, "ignore")
    found = cleared(book, network, "constrained")
    first, last = found.capping
    assert (first.phase, last.phase) == ("first", "search")
    assert not first.feasible and last.feasible
    assert first.traded_kwh == pytest.approx(free.traded_kwh)
    assert first.v_max_pu == pytest.approx(free.v_max_pu) and first.v_max_pu > 1.05
    assert last.traded_kwh == found.traded_kwh and last.v_max_pu == found.v_max_pu <= 1.05 + 1e-9
    assert found.iterations == 0


def test_constrained_searches_only_where_the_free_front_breaks_a_limit():
    book, network = stressed(3, 0.3)
    found, free = (cleared(book, network, m) for m in ("constrained", "ignore"))
    assert found.capping == () and found.switch_front_kwh is None
    np.testing.assert_array_equal(found.sold_kwh, free.sold_kwh)


@pytest.mark.filterwarnings("error")
@settings(max_examples=60, deadline=None)
@given(
    seed=seeds,
    objectives=st.sampled_from(["published", "per-buyer", "surplus"]),
    engine=st.sampled_from(["nsga2", "exact"]),
    encoding=st.sampled_from(["marginal", "pairwise"]),
    base_pu=st.sampled_from([0.9, 1.0, 1.0499999, 1.05, 1.06]),
)
def test_odd_books_are_cleared_within_the_limits(seed, objectives, engine, encoding, base_pu):
    """Empty sides, zero and huge quantities, prices of zero, ties: an answer, never a crash."""
    rng = np.random.default_rng(seed)
    m, n = rng.integers(0, 6, 2)
    odd = [0.0, 1e-9, 0.5, 3.0, 3.0, 40.0, 1e6]
    prices = [0.0, 0.0, 1e-12, 2.0, 3.0, 3.0, 5.0, 100.0]
    book = book_of(
        *(rng.choice(pick, k) for pick, k in ((prices, m), (odd, m))),
        *(rng.choice(pick, k) for pick, k in ((prices, n), (odd, n))),
    )
    network = LinearNetwork.radial(m, rng, 4, base_pu)
    if book.capacity_kwh.any():
        network.effect *= rng.choice([0.0, 0.02, 5.0]) / (network.effect @ book.capacity_kwh).max()
    rules = ClearingRules(
        objectives=objectives, engine=engine, encoding=encoding, population=12, generations=4
    )
    found = cleared(book, network, "constrained", rules)
    assert network.check(found.sold_kwh[None]).feasible[0]
    # Of orders of 1e6 kWh round-off leaves 1e-10, however little the feeder lets through.
    round_off = np.finfo(float).eps * (book.capacity_kwh.sum() + book.demand_kwh.sum())
    bought = pytest.approx(found.bought_kwh.sum(), rel=1e-9, abs=round_off)
    assert found.sold_kwh.sum() == bought
    assert np.all(found.sold_kwh <= book.capacity_kwh * (1 + 1e-9))
    assert np.all(found.bought_kwh <= book.demand_kwh * (1 + 1e-9))


class Blocked(LinearNetwork):
    """A feeder that lets no sale through, such as one whose power flow fails with any."""

    def check(self, sold_kwh):
        seen = super().check(sold_kwh)
        seen.feasible[:] = seen.feasible & (sold_kwh.sum(axis=1) <= 0.0)
        return seen


def test_where_the_search_finds_nothing_capping_takes_over():
    book, network = stressed(1, 2.0)
    blocked = Blocked(network.effect, network.base_pu, network.bus_of)
    found = cleared(book, blocked, "constrained", max_iterations=3)
    assert found.status == "infeasible-limit" and found.traded_kwh == 0.0
    assert [step.phase for step in found.capping[:2]] == ["first", "cap"]


@settings(max_examples=25, deadline=None)
@given(seed=seeds, stress=st.floats(1.2, 12.0), rounds=st.integers(1, 6))
def test_no_frame_is_capped_more_often_than_allowed(seed, stress, rounds):
    book, network = stressed(seed, stress)
    rules = ClearingRules(engine="exact", front_points=10)
    found = cleared(book, network, "adaptive-capping", rules, max_iterations=rounds)
    assert found.iterations <= rounds
    assert found.status == "cleared" and found.traded_kwh > 0.0
    assert network.check(found.sold_kwh[None]).feasible[0]
