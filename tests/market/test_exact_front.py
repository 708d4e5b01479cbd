"""The exact fronts against a general convex solver, on markets of every kind of binding caps."""

import warnings

import cvxpy as cp
import numpy as np
import pytest
from random_books import book_of, random_book

from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.engines import SearchSettings, exact
from gridbazaar.market.frame_market import FrameMarket
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.non_dominated import non_dominated
from gridbazaar.market.objectives import OBJECTIVES
from gridbazaar.market.pairing import EPSILON_KWH, energy_of, pair_exactly, proportional_value
from gridbazaar.market.water_filling import fill_level

KINDS = ("slack", "tight supply", "tight demand", "both binding")


def market_of(rng, kind, m=None, n=None):
    """A market whose published front has not collapsed, caps binding as `kind` says."""
    m, n = m or int(rng.integers(2, 7)), n or int(rng.integers(2, 6))
    bid, price = rng.uniform(5.0, 8.0, n), 5.0
    wanted = m * bid / price  # what each buyer would buy at the price
    supply = rng.lognormal(0.0, 0.7, m)
    demand = rng.lognormal(0.0, 0.7, n)
    if kind in ("slack", "tight demand"):
        supply = np.full(m, 2.5 * wanted.sum() / m) * rng.uniform(1.0, 1.3, m)
    else:
        supply *= 1.5 * wanted.sum() / supply.sum()
    if kind in ("slack", "tight supply"):
        demand = 4.0 * wanted * rng.uniform(1.0, 1.3, n)
    else:
        demand *= 1.6 * wanted.sum() / demand.sum()
    book = book_of(np.full(m, 4.0), supply, bid, demand)
    return FrameMarket.of(book, np.ones(m, bool), np.ones(n, bool), price)


@pytest.fixture(autouse=True)
def _quiet_solver():
    """Clarabel warns where it stops just short of 1e-11; the comparisons say if it matters."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        yield


def solve(market, energy_value):
    """max f1 + lambda f2 of the published objectives by cvxpy: f1, f2 and both multipliers."""
    energy = cp.Variable((market.m, market.n), nonneg=True)
    bids = np.tile(market.bid_per_kwh, (market.m, 1))
    worth = cp.sum(cp.multiply(bids, cp.log(energy + EPSILON_KWH)))
    total = cp.sum(energy)
    rows = cp.sum(energy, axis=1) <= market.capacity_kwh
    cols = cp.sum(energy, axis=0) <= market.demand_kwh
    price = market.price_per_kwh
    problem = cp.Problem(cp.Maximize(worth - (1 - energy_value) * price * total), [rows, cols])
    problem.solve(
        solver=cp.CLARABEL,
        tol_gap_abs=1e-11,
        tol_gap_rel=1e-11,
        tol_feas=1e-11,
        max_iter=200,
    )
    f2 = price * float(total.value)
    return float(worth.value) - f2, f2, rows.dual_value, cols.dual_value


@pytest.mark.parametrize("kind", KINDS)
def test_published_front_and_multipliers_against_clarabel(kind):
    rng = np.random.default_rng(KINDS.index(kind))
    for _ in range(25):
        market = market_of(rng, kind)
        front = OBJECTIVES["published"].exact_front(market, 9)
        assert not front.collapsed
        scale = market.m * market.bid_per_kwh.sum()
        for point in (0, int(rng.integers(1, 8))):
            f1, f2, capacity, demand = solve(market, front.energy_value[point])
            assert front.f1[point] == pytest.approx(f1, abs=1e-6 * scale)
            # the optimum is flat in T, where an interior-point solver stops early: the test of
            # the optimality conditions below holds f2 to a millionth of its range
            assert front.f2[point] == pytest.approx(f2, abs=1e-5 * f2)
            np.testing.assert_allclose(front.capacity_value[point], capacity, rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(front.demand_value[point], demand, rtol=1e-4, atol=1e-4)
        assert front.energy_value[0] == pytest.approx(0.0, abs=1e-6)
        assert front.sold_kwh[-1].sum() == pytest.approx(market.most_kwh, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_published_front_meets_its_optimality_conditions(kind):
    """The problem is concave, so these conditions prove the optimum without any solver."""
    rng = np.random.default_rng(23)
    for _ in range(25):
        market = market_of(rng, kind)
        front = OBJECTIVES["published"].exact_front(market, 9)
        tolerance = 1e-6 * np.ptp(front.f2) / market.price_per_kwh
        for point in range(9):
            alpha, beta = front.capacity_value[point], front.demand_value[point]
            least = market.price_per_kwh * (1.0 - front.energy_value[point])
            energy = market.bid_per_kwh / (least + alpha[:, None] + beta) - EPSILON_KWH
            assert np.all(energy >= 0) and np.all(alpha >= 0) and np.all(beta >= 0)
            sold, bought = energy.sum(axis=1), energy.sum(axis=0)
            np.testing.assert_allclose(sold, front.sold_kwh[point], atol=tolerance)
            np.testing.assert_allclose(bought, front.bought_kwh[point], atol=tolerance)
            assert np.all(sold <= market.capacity_kwh + tolerance)
            assert np.all(bought <= market.demand_kwh + tolerance)
            assert np.all(alpha * (market.capacity_kwh - sold) <= 1e-6 * market.most_kwh)
            assert np.all(beta * (market.demand_kwh - bought) <= 1e-6 * market.most_kwh)


def test_kinds_of_markets_bind_as_they_say():
    rng = np.random.default_rng(5)
    for kind in KINDS:
        front = OBJECTIVES["published"].exact_front(market_of(rng, kind, 5, 4), 3)
        binds = front.capacity_value[1].max() > 0, front.demand_value[1].max() > 0
        assert (
            binds
            == {
                "slack": (False, False),
                "tight supply": (True, False),
                "tight demand": (False, True),
                "both binding": (True, True),
            }[kind]
        )


def test_multipliers_are_marginal_values():
    """Economic meaning: what one more kWh of a seller's capacity adds to f1 + lambda f2."""
    rng = np.random.default_rng(11)
    market = market_of(rng, "both binding", 4, 3)
    front = OBJECTIVES["published"].exact_front(market, 5)
    seller = int(np.argmax(front.capacity_value[2]))
    weight = front.energy_value[2]

    def best(extra):
        capacity = market.capacity_kwh.copy()
        capacity[seller] += extra
        book = book_of(market.offer_per_kwh, capacity, market.bid_per_kwh, market.demand_kwh)
        wider = FrameMarket.of(book, np.ones(4, bool), np.ones(3, bool), market.price_per_kwh)
        f1, f2, _, _ = solve(wider, weight)
        return f1 + weight * f2

    gain = (best(1e-3) - best(-1e-3)) / 2e-3
    assert gain == pytest.approx(front.capacity_value[2, seller], rel=1e-3)


def test_collapsed_fronts_are_recognised_at_household_scale():
    """T_max is best for both sides: its multipliers are those of f1 alone."""
    rng = np.random.default_rng(2)
    book = book_of([4.0] * 5, rng.uniform(1, 2, 5), rng.uniform(6, 7, 4), rng.uniform(1, 2, 4))
    market = FrameMarket.of(book, np.ones(5, bool), np.ones(4, bool), 4.0)
    front = OBJECTIVES["published"].exact_front(market, 9)
    f1, f2, capacity, demand = solve(market, 0.0)
    assert front.collapsed and len(front) == 1
    assert front.f1[0] == pytest.approx(f1, abs=1e-6 * 5 * market.bid_per_kwh.sum())
    assert front.f2[0] == pytest.approx(f2, rel=1e-7)
    np.testing.assert_allclose(front.capacity_value[0], capacity, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(front.demand_value[0], demand, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_per_buyer_front_against_clarabel(kind):
    rng = np.random.default_rng(7)
    for _ in range(10):
        market = market_of(rng, kind)
        # reuse of the published sizes: demand of the order of what each wants per buyer
        front = OBJECTIVES["per-buyer"].exact_front(market, 7)
        bought = cp.Variable(market.n, nonneg=True)
        need = market.demand_kwh
        weight = market.bid_per_kwh * need
        price = market.price_per_kwh
        for point in range(len(front)):
            worth = cp.sum(cp.multiply(weight, cp.log(1 + cp.multiply(bought, 1 / need))))
            total = cp.sum(bought)
            limits = [bought <= need, total <= market.capacity_kwh.sum()]
            value = front.energy_value[point]
            problem = cp.Problem(cp.Maximize(worth - (1 - value) * price * total), limits)
            problem.solve(solver=cp.CLARABEL)
            best = float(problem.value)
            got = front.f1[point] + value * front.f2[point]
            assert got == pytest.approx(best, abs=1e-6 * abs(best) + 1e-6)
            np.testing.assert_allclose(
                front.demand_value[point], limits[0].dual_value, atol=1e-4 * price
            )
        assert np.all(np.diff(front.f2) >= 0) and np.all(np.diff(front.f1) <= 1e-9)


def test_per_buyer_multipliers_where_supply_is_short_of_what_all_want_at_the_price():
    """The front has collapsed; who is served in full competes with the others for the energy."""
    rng, tested = np.random.default_rng(11), 0
    for _ in range(30):
        n = int(rng.integers(2, 6))
        need, bid, price = rng.lognormal(0.0, 0.7, n), rng.uniform(2.0, 12.0, n), 1.0
        supply = rng.uniform(0.4, 0.95) * need.sum() * np.array([0.3, 0.7])
        book = book_of([1.0, 1.0], supply, bid, need)
        market = FrameMarket.of(book, np.ones(2, bool), np.ones(n, bool), price)
        front = OBJECTIVES["per-buyer"].exact_front(market, 9)
        bought = cp.Variable(n, nonneg=True)
        worth = cp.sum(cp.multiply(bid * need, cp.log(1 + cp.multiply(bought, 1 / need))))
        limits = [bought <= need, cp.sum(bought) <= supply.sum()]
        problem = cp.Problem(cp.Maximize(worth - price * cp.sum(bought)), limits)
        problem.solve(cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
        full = front.bought_kwh[0] >= need * (1.0 - 1e-9)
        tested += bool(front.collapsed and full.any())
        np.testing.assert_allclose(front.bought_kwh[0], bought.value, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(front.capacity_value[0], limits[1].dual_value, atol=1e-4)
        np.testing.assert_allclose(front.demand_value[0], limits[0].dual_value, atol=1e-4)
    assert tested > 10


@pytest.mark.parametrize("engine", ["exact", "nsga2"])
@pytest.mark.parametrize("worthless", [1, 5, 50, 200])
@pytest.mark.parametrize("objectives", ["published", "per-buyer"])
def test_bids_of_zero_take_nothing_from_others(objectives, worthless, engine):
    """They come last: the front is that of the market without them, as their worth is 0."""
    bid, demand = np.array([6.0, *np.zeros(worthless)]), np.full(worthless + 1, 20.0)
    rules = ClearingRules(
        engine=engine,
        objectives=objectives,
        price_rule="fixed",
        fixed_price=0.5,
        participation="all",
    )

    def best(n):
        book = book_of([0.0, 0.0], [10.0, 8.0], bid[:n], demand[:n])
        return build_mechanism(rules).clear(book, GridTerms(9.0, 0.0), np.random.default_rng(1))

    with_them, without = best(worthless + 1), best(1)
    assert with_them.f1 == pytest.approx(without.f1, rel=1e-9)
    assert with_them.bought_kwh[0] == pytest.approx(18.0, rel=1e-9)


def test_bids_of_zero_get_what_all_others_leave():
    book = book_of([0.0], [30.0], [6.0, 0.0, 0.0], [10.0, 8.0, 40.0])
    market = FrameMarket.of(book, np.ones(1, bool), np.ones(3, bool), 0.5)
    front = OBJECTIVES["published"].exact_front(market, 5)
    np.testing.assert_allclose(front.bought_kwh[-1], [10.0, 8.0, 12.0], rtol=1e-9)


def test_a_surplus_front_has_its_vertices():
    """Nash's choice is often one of them: with a hundred points it is that of three thousand."""
    rng, tested = np.random.default_rng(3), 0
    for _ in range(60):
        book, products = random_book(rng, 5), []
        for points in (100, 3000):
            rules = ClearingRules(engine="exact", objectives="surplus", front_points=points)
            found = build_mechanism(rules).clear(book, GridTerms(7.5, 2.5), rng)
            products.append(0.0 if found.front is None else found.f1 * found.f2)
        tested += products[1] > 0.0
        assert products[0] >= products[1] * (1.0 - 2e-3)
    assert tested > 20


def test_per_buyer_multipliers_are_the_slopes_of_the_best_value():
    """The best f1 + lambda f2 is separable there: it is written out again and differentiated."""
    bid, demand, price = np.array([6.0, 7.0, 8.0]), np.array([20.0, 15.0, 30.0]), 5.0
    book = book_of([3.0, 3.0], [100.0, 100.0], bid, demand)
    market = FrameMarket.of(book, np.ones(2, bool), np.ones(3, bool), price)
    front = OBJECTIVES["per-buyer"].exact_front(market, 41)
    assert (front.demand_value > 0.0).any()
    for point in range(0, 41, 5):
        unit = price * (1.0 - front.energy_value[point])

        def best(limit, appetite, unit=unit):
            taken = np.clip(appetite * (bid / unit - 1.0), 0.0, limit)
            return (bid * appetite * np.log1p(taken / appetite) - unit * taken).sum()

        share = front.bought_kwh[point] / demand
        for j, step in enumerate(1e-5 * np.eye(3)):
            value = front.demand_value[point, j]
            wider = (best(demand + step, demand) - best(demand, demand)) / 1e-5
            tighter = (best(demand, demand) - best(demand - step, demand)) / 1e-5
            assert wider - 1e-4 <= value <= tighter + 1e-4
            more = bid[j] * (np.log1p(share[j]) - share[j] / (1.0 + share[j]))
            greater = (best(demand + step, demand + step) - best(demand, demand)) / 1e-5
            smaller = (best(demand, demand) - best(demand - step, demand - step)) / 1e-5
            slopes = sorted((greater, smaller))
            assert slopes[0] - 1e-4 <= value + more <= slopes[1] + 1e-4


def test_surplus_multipliers_are_the_slopes_of_the_welfare_at_the_price():
    rng, tested = np.random.default_rng(23), 0
    for _ in range(60):
        book = random_book(rng, 6)
        everybody = np.ones(book.m, bool), np.ones(book.n, bool)
        if not (book.capacity_kwh.any() and book.demand_kwh.any()):
            continue
        market = FrameMarket.of(book, *everybody, np.nan, (2.0, 8.0))
        front = OBJECTIVES["surplus"].exact_front(market, 12)
        for point, price in enumerate(front.price_per_kwh):
            near = np.concatenate([market.offer_per_kwh, market.bid_per_kwh]) - price
            if np.abs(near).min() < 1e-3:  # on the price of an order who takes part is a tie
                continue
            tested += 1
            value = front.capacity_value[point], front.demand_value[point]
            limits = market.capacity_kwh, market.demand_kwh
            for side, names in enumerate(limits):
                for k in range(names.size):
                    step = [np.zeros_like(one) for one in limits]
                    step[side][k] = 1e-6
                    up = _welfare(market, price, [a + b for a, b in zip(limits, step, strict=True)])
                    down = [np.maximum(a - b, 0.0) for a, b in zip(limits, step, strict=True)]
                    here = _welfare(market, price, limits)
                    slopes = (up - here) / 1e-6, (here - _welfare(market, price, down)) / 1e-6
                    assert slopes[0] - 1e-5 <= value[side][k] <= slopes[1] + 1e-5
    assert tested > 100


def _welfare(market, price, limits):
    """Bids less offers of the best schedule among those who are willing."""
    asks = np.where(market.offer_per_kwh <= price, limits[0], 0.0)
    bids = np.where(market.bid_per_kwh >= price, limits[1], 0.0)
    total = min(asks.sum(), bids.sum())
    bought = _merit(-market.bid_per_kwh, bids, total)
    return bought @ market.bid_per_kwh - _merit(market.offer_per_kwh, asks, total) @ (
        market.offer_per_kwh
    )


@pytest.mark.parametrize("engine", ["exact", "nsga2"])
@pytest.mark.parametrize("objectives", list(OBJECTIVES))
def test_fronts_come_in_increasing_order_of_f2(objectives, engine):
    rng = np.random.default_rng(29)
    rules = ClearingRules(engine=engine, objectives=objectives, population=30, generations=10)
    for _ in range(20):
        front = build_mechanism(rules).clear(random_book(rng, 7), GridTerms(7.5, 2.5), rng).front
        if front is not None:
            assert np.all(np.diff(front.f2) >= -1e-9 * np.abs(front.f2).max())
            if objectives != "surplus":
                assert np.all(np.diff(front.traded_kwh) >= -1e-9 * front.traded_kwh.max())


def test_surplus_front_is_not_beaten_by_any_price_and_schedule():
    rng = np.random.default_rng(13)
    terms = GridTerms(7.5, 2.5)
    rules = ClearingRules(engine="exact", objectives="surplus", front_points=200)
    tested = 0
    for _ in range(150):
        book = random_book(rng, 7)
        clearing = build_mechanism(rules).clear(book, terms, rng)
        if clearing.status == "no-trade":
            continue
        tested += 1
        front = clearing.front
        assert np.all(front.f1 >= -1e-9) and np.all(front.f2 >= -1e-9)
        assert len(non_dominated(front.f1, front.f2)) == len(front.f1)
        unit = max(front.f1.max(), front.f2.max())
        for price in rng.uniform(2.0, 7.5, 60):
            asks = np.where(book.offer_per_kwh <= price, book.capacity_kwh, 0)
            bids = np.where(book.bid_per_kwh >= price, book.demand_kwh, 0)
            total = min(asks.sum(), bids.sum()) * rng.choice([1.0, rng.random()])
            if total <= 0:
                continue
            sold = _merit(book.offer_per_kwh, asks, total)
            bought = _merit(-book.bid_per_kwh, bids, total)
            f1 = bought @ book.bid_per_kwh - price * total
            f2 = price * total - sold @ book.offer_per_kwh
            behind = front.f1 - f1, front.f2 - f2
            # some point of the front is at least as good in both, up to its sampling
            assert np.max(np.minimum(*behind)) >= -0.02 * unit
    assert tested > 50


def _merit(price, quantity, total):
    """Fill the cheapest first, one by one: an oracle that knows no steps or shares."""
    filled = np.zeros_like(quantity)
    for i in np.argsort(price, kind="stable"):
        filled[i] = min(quantity[i], total - filled.sum())
    return filled


def test_nash_bargaining_on_surplus_shares_the_gain():
    book = book_of([2.0], [10.0], [6.0], [10.0])
    rules = ClearingRules(engine="exact", objectives="surplus")
    clearing = build_mechanism(rules).clear(book, GridTerms(7, 2), np.random.default_rng(1))
    assert clearing.mcp_per_kwh == pytest.approx(4.0, abs=0.06)
    assert clearing.traded_kwh == pytest.approx(10.0)


@pytest.mark.parametrize("kind", KINDS)
def test_proportional_pairing_is_exact_only_where_one_side_is_slack(kind):
    rng, gaps = np.random.default_rng(17), []
    for _ in range(10):
        market = market_of(rng, kind)
        front = OBJECTIVES["published"].exact_front(market, 5)
        sold, bought, bid = front.sold_kwh[2:3], front.bought_kwh[2:3], market.bid_per_kwh
        paired = pair_exactly(sold, bought, bid)
        gap = float((paired.log_value - proportional_value(sold, bought, bid))[0])
        scale = market.m * bid.sum()
        gaps.append(gap / scale)
        if kind != "both binding":
            assert gap == pytest.approx(0.0, abs=1e-8 * scale)
        energy = energy_of(paired, bid)[0]
        np.testing.assert_allclose(energy.sum(axis=1), sold[0], rtol=1e-8)
        np.testing.assert_allclose(energy.sum(axis=0), bought[0], rtol=1e-8)
        logs = (bid * np.log(energy + EPSILON_KWH)).sum()
        assert paired.log_value[0] == pytest.approx(logs, abs=1e-8 * scale)
    assert min(gaps) > -1e-9
    if kind == "both binding":
        assert max(gaps) > 1e-3


def test_water_filling_holds_its_totals_whatever_the_magnitudes():
    rng = np.random.default_rng(19)
    for _ in range(300):
        q = int(rng.integers(1, 30))
        caps = rng.lognormal(0, rng.choice([0.3, 4.0]), q)
        weight = rng.lognormal(0, rng.choice([0.3, 4.0]), q)
        start = rng.choice([0.0, 1.0]) / weight
        totals = rng.random(9) * caps.sum()
        filled = fill_level(caps, totals, weight, start)
        np.testing.assert_allclose(filled.sum(axis=1), totals, rtol=1e-10)
        assert np.all(filled >= 0) and np.all(filled <= caps)
        np.testing.assert_array_equal(fill_level(caps, [caps.sum()], weight, start)[0], caps)


def test_engine_exact_is_deterministic_and_has_the_points_asked_for():
    market = market_of(np.random.default_rng(3), "both binding")
    settings = SearchSettings(front_points=33)
    one, other = (
        exact(market, OBJECTIVES["published"], settings, np.random.default_rng(s)) for s in (1, 2)
    )
    assert len(one) == 33 and np.array_equal(one.f1, other.f1)
    steps = np.diff(one.sold_kwh.sum(axis=1))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
