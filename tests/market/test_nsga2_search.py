"""The genetic search against the exact front, and the parts that replace pymoo's slow ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_network import LinearNetwork
from random_books import TERMS, book_of, household_book

from gridbazaar.market.capping import CappingOptions, clear_within_limits
from gridbazaar.market.engines import SearchSettings
from gridbazaar.market.frame_market import FrameMarket
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.non_dominated import non_dominated
from gridbazaar.market.nsga2 import search
from gridbazaar.market.objectives import OBJECTIVES
from gridbazaar.market.survival import pruned, ranks, survivors


def hypervolume(front, reference):
    """Area dominated, normalised to the reference front, 0.1 ranges beyond its nadir."""
    low, high = reference.min(axis=0), reference.max(axis=0)
    x, y = np.maximum((front - low) / (high - low) + 0.1, 0.0).T
    order = np.argsort(-x)
    height = np.maximum.accumulate(y[order])
    return float((x[order] * np.diff(height, prepend=0.0)).sum())


def market_of(m, n, kind, seed=1):
    rng = np.random.default_rng(seed)
    bid, price = rng.uniform(5.0, 8.0, n), 5.0
    wanted = m * bid.sum() / price
    supply, demand = rng.lognormal(0.0, 0.6, m), rng.lognormal(0.0, 0.6, n)
    if kind == "slack":
        supply, demand = rng.uniform(1.0, 1.5, m), bid * rng.uniform(1.0, 1.5, n)
    scale = {"slack": (3.7, 7.5), "tight": (1.2, 4.0), "both": (1.15, 1.1)}[kind]
    supply *= scale[0] * wanted / supply.sum()
    demand *= scale[1] * wanted / demand.sum()
    book = book_of(np.full(m, 4.0), supply, bid, demand)
    return FrameMarket.of(book, np.ones(m, bool), np.ones(n, bool), price)


@pytest.mark.parametrize("kind", ["slack", "tight", "both"])
@pytest.mark.parametrize("size", [(6, 4), (20, 20), (50, 50)])
def test_default_search_finds_the_exact_front(size, kind):
    market = market_of(*size, kind)
    exact = OBJECTIVES["published"].exact_front(market, 1000)
    reference = np.stack([exact.f1, exact.f2], axis=1)
    whole = hypervolume(reference, reference)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        found = search(market, OBJECTIVES["published"], SearchSettings(), rng)
        share = hypervolume(np.stack([found.f1, found.f2], axis=1), reference) / whole
        assert 0.985 <= share <= 1.001
        assert found.generations < 60


@pytest.mark.parametrize("objectives", ["per-buyer", "surplus"])
def test_other_objectives_reach_their_exact_fronts_too(objectives):
    rng = np.random.default_rng(4)
    book = book_of(
        rng.uniform(2, 5, 6), rng.uniform(2, 9, 6), rng.uniform(3, 7, 5), rng.uniform(2, 9, 5)
    )
    rules = {"objectives": objectives, "price_rule": "k-double-auction"}
    exact, found = (
        build_mechanism(ClearingRules(engine=engine, front_points=1000, **rules))
        .clear(book, TERMS, np.random.default_rng(1))
        .front
        for engine in ("exact", "nsga2")
    )
    reference = np.stack([exact.f1, exact.f2], axis=1)
    if np.ptp(reference, axis=0).min() <= 0:
        assert found.collapsed == exact.collapsed
        return
    share = hypervolume(np.stack([found.f1, found.f2], axis=1), reference)
    assert share / hypervolume(reference, reference) >= 0.985


@pytest.mark.parametrize("encoding", ["marginal", "pairwise"])
def test_a_random_start_improves_and_stays_feasible(encoding):
    market = market_of(6, 4, "both")
    shares = []
    exact = OBJECTIVES["published"].exact_front(market, 1000)
    reference = np.stack([exact.f1, exact.f2], axis=1)
    for generations in (1, 150):
        bare = SearchSettings(encoding=encoding, seeded=False, generations=generations)
        found = search(market, OBJECTIVES["published"], bare, np.random.default_rng(1))
        assert np.all(found.sold_kwh <= market.capacity_kwh * (1 + 1e-9))
        assert np.all(found.bought_kwh <= market.demand_kwh * (1 + 1e-9))
        shares.append(hypervolume(np.stack([found.f1, found.f2], axis=1), reference))
    assert shares[1] > shares[0] + 0.1


def test_a_collapsed_front_stops_after_very_few_generations():
    market = market_of(6, 4, "both")
    few = book_of(np.full(6, 4.0), market.capacity_kwh / 9, market.bid_per_kwh, [1, 2, 1, 2.0])
    small = FrameMarket.of(few, np.ones(6, bool), np.ones(4, bool), 4.0)
    assert not OBJECTIVES["published"].conflict(small)
    found = search(small, OBJECTIVES["published"], SearchSettings(), np.random.default_rng(1))
    assert found.collapsed and len(found) == 1 and found.generations <= 3
    assert found.sold_kwh.sum() == pytest.approx(small.most_kwh)


def test_a_warm_start_needs_fewer_generations():
    market = market_of(20, 20, "both")
    settings_ = SearchSettings()
    cold = search(market, OBJECTIVES["published"], settings_, np.random.default_rng(1))
    warm = search(
        market, OBJECTIVES["published"], SearchSettings(warm=cold), np.random.default_rng(1)
    )
    assert warm.generations < cold.generations


def constrained_market(m=6, n=4, kind="both"):
    market = market_of(m, n, kind)
    book = book_of(market.offer_per_kwh, market.capacity_kwh, market.bid_per_kwh, market.demand_kwh)
    network = LinearNetwork.radial(m, np.random.default_rng(3), 6, 1.02)
    whole = market.capacity_kwh * market.most_kwh / market.capacity_kwh.sum()
    network.effect *= 0.03 * 1.4 / (network.effect @ whole).max()
    return book, market, network


@pytest.mark.parametrize("kind", ["slack", "tight", "both"])
def test_constrained_search_finds_the_front_within_voltages(kind):
    """The feeder is linear here, so the reference is a convex program with its limits as rows."""
    cp = pytest.importorskip("cvxpy")
    _, market, network = constrained_market(kind=kind)
    energy = cp.Variable((market.m, market.n), nonneg=True)
    bids = np.tile(market.bid_per_kwh, (market.m, 1))
    worth = cp.sum(cp.multiply(bids, cp.log(energy + 1e-6)))
    sold, total = cp.sum(energy, axis=1), cp.sum(energy)
    limits = [
        sold <= market.capacity_kwh,
        cp.sum(energy, axis=0) <= market.demand_kwh,
        network.base_pu + network.effect @ sold <= network.upper_pu,
    ]
    cp.Problem(cp.Maximize(total), limits).solve(solver=cp.CLARABEL)
    most = float(total.value)
    price = market.price_per_kwh
    cp.Problem(cp.Maximize(worth - price * total), limits).solve(solver=cp.CLARABEL)
    least, level = float(total.value), cp.Parameter()
    problem = cp.Problem(cp.Maximize(worth), [*limits, total == level])
    points = []
    for level.value in np.linspace(least, most * (1 - 1e-6), 25):
        problem.solve(solver=cp.CLARABEL)
        points.append((float(worth.value) - price * level.value, price * level.value))
    corner = np.array(points)
    f2 = np.linspace(corner[0, 1], corner[-1, 1], 1000)
    reference = np.stack([np.interp(f2, corner[:, 1], corner[:, 0]), f2], axis=1)
    search_settings = SearchSettings(network=network, n_sellers=market.m)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        found = search(market, OBJECTIVES["published"], search_settings, rng)
        assert network.check(found.sold_kwh).feasible.all()
        share = hypervolume(np.stack([found.f1, found.f2], axis=1), reference)
        assert share / hypervolume(reference, reference) >= 0.98


@pytest.mark.parametrize("encoding", ["marginal", "pairwise"])
@pytest.mark.parametrize("objectives", ["published", "per-buyer", "surplus"])
def test_constrained_method_needs_no_capping(objectives, encoding):
    book, _, network = constrained_market()
    rules = ClearingRules(
        price_rule="fixed", fixed_price=5.0, objectives=objectives, encoding=encoding
    )
    clearing = clear_within_limits(
        build_mechanism(rules),
        book,
        TERMS,
        network,
        np.random.default_rng(1),
        CappingOptions(method="constrained"),
    )
    assert clearing.status == "cleared" and clearing.iterations == 0
    assert [step.phase for step in clearing.capping] == ["first", "search"]
    assert network.check(clearing.sold_kwh[None]).feasible[0]
    assert network.check(clearing.front.sold_kwh).feasible.all()
    assert clearing.v_max_pu <= network.upper_pu + 1e-9


values = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=40).map(
    lambda pairs: np.array(pairs, dtype=float)
)


@settings(max_examples=100, deadline=None)
@given(values)
def test_ranks_against_the_definition(points):
    f1, f2 = points.T
    rank = ranks(f1, f2)
    left = np.arange(len(points))
    level = 0
    while left.size:  # peel the non-dominated set again and again, one copy of each point
        front = [
            i
            for i in left
            if not any(
                (points[j] >= points[i]).all()
                and ((points[j] > points[i]).any() or (j < i and (points[j] == points[i]).all()))
                for j in left
            )
        ]
        assert set(np.flatnonzero(rank == level)) == set(front)
        left = np.setdiff1d(left, front)
        level += 1
    assert set(non_dominated(f1, f2)) == set(np.flatnonzero(rank == 0))


@settings(max_examples=60, deadline=None)
@given(values, st.integers(1, 20))
def test_survivors_are_the_best_and_the_infeasible_come_last(points, keep):
    f1, f2 = points.T
    violation = np.where(np.arange(len(points)) % 3 == 2, 1.0 + f1, 0.0)
    index, rank, space = survivors(f1, f2, violation, min(keep, len(points)))
    assert len(set(index)) == index.size == rank.size == space.size == min(keep, len(points))
    fine = np.flatnonzero(violation == 0)
    kept_bad = [i for i in index if violation[i] > 0]
    if kept_bad:
        assert set(fine) <= set(index)
        dropped = [violation[i] for i in range(len(points)) if violation[i] > 0 and i not in index]
        assert not dropped or max(violation[i] for i in kept_bad) <= min(dropped)
    assert np.all(np.diff(rank) >= 0)


def test_pruning_keeps_the_ends_and_spreads_the_rest():
    rng = np.random.default_rng(1)
    x = np.sort(np.concatenate([rng.uniform(0, 0.1, 80), rng.uniform(0.1, 1.0, 20)]))
    kept = pruned(x, 1.0 - x, 12)
    assert kept.size == 12 and {0, 99} <= set(kept)
    assert np.diff(np.sort(x[kept])).max() < 0.25


def test_household_frames_are_nearly_a_point():
    """At 18 x 39 the published objectives leave next to nothing to choose."""
    share, spread = [], []
    for seed in range(12):
        book = household_book(np.random.default_rng(seed))
        clearing = build_mechanism(ClearingRules(engine="exact")).clear(
            book, TERMS, np.random.default_rng(1)
        )
        traded = clearing.front.traded_kwh
        share.append(traded[0] / traded[-1])
        spread.append(np.ptp(clearing.front.f1) / (book.m * book.bid_per_kwh.sum()))
    assert np.median(share) > 0.95 and min(share) > 0.8
    assert np.median(spread) < 0.005
