"""Conformance of whatever is in the registry: a new entry gets these tests by being there."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_books import TERMS, book_of, books, random_book

from gridbazaar.market import registry
from gridbazaar.market.clearing import STATUSES
from gridbazaar.market.engines import SearchSettings
from gridbazaar.market.frame_market import FrameMarket
from gridbazaar.market.mechanism import ClearingRules, build_mechanism, rules_problems
from gridbazaar.market.order import OrderError
from gridbazaar.market.price import PriceSettings, merit_order_margin

FAMILIES = (
    "MECHANISMS",
    "PRICE_RULES",
    "CHOICE_RULES",
    "OBJECTIVES",
    "ENGINES",
    "ENCODINGS",
    "PARTICIPATION",
    "NETWORK_METHODS",
)
QUICK = {"population": 12, "generations": 4, "front_points": 20}


@pytest.mark.parametrize("family", FAMILIES)
def test_names_are_plain_and_entries_documented(family):
    entries = getattr(registry, family)
    assert entries
    for name, entry in entries.items():
        assert name == name.lower() and " " not in name and "_" not in name
        if not isinstance(entry, str) and getattr(entry, "__name__", "") != "<lambda>":
            assert inspect.getdoc(entry)


@pytest.mark.parametrize("name", registry.MECHANISMS)
@settings(max_examples=40, deadline=None)
@given(book=books(), seed=st.integers(0, 99))
def test_every_mechanism_keeps_what_it_claims(name, book, seed):
    mechanism = build_mechanism(ClearingRules(mechanism=name, **QUICK))
    clearing = mechanism.clear(book, TERMS, np.random.default_rng(seed))
    again = mechanism.clear(book, TERMS, np.random.default_rng(seed))
    assert np.array_equal(clearing.sold_kwh, again.sold_kwh)
    assert clearing.status in STATUSES
    size = max(1.0, clearing.traded_kwh)
    assert clearing.sold_kwh.sum() == pytest.approx(clearing.bought_kwh.sum(), abs=1e-9 * size)
    assert np.all(clearing.sold_kwh <= book.capacity_kwh * (1 + 1e-9))
    assert np.all(clearing.bought_kwh <= book.demand_kwh * (1 + 1e-9))
    traits = mechanism.traits
    slack = 1e-9 * size * 10
    if traits.individually_rational:
        assert np.all(clearing.received >= book.offer_per_kwh * clearing.sold_kwh - slack)
        assert np.all(clearing.paid <= book.bid_per_kwh * clearing.bought_kwh + slack)
    balance = clearing.paid.sum() - clearing.received.sum()
    if traits.budget_balanced == "strong":
        assert abs(balance) <= slack
    elif traits.budget_balanced == "weak":
        assert balance >= -slack
    if traits.uniform_price and len(clearing.trades):
        assert np.ptp(clearing.trades.price_per_kwh) == 0.0


@pytest.mark.parametrize("name", registry.PRICE_RULES)
def test_every_price_rule_answers_a_finite_price(name):
    rng = np.random.default_rng(3)
    for _ in range(300):
        margin = merit_order_margin(random_book(rng), TERMS.retail_per_kwh)
        if margin.matched_kwh > 0:
            price = registry.PRICE_RULES[name](margin, TERMS, PriceSettings(fixed_price=5.0))
            assert 0.0 <= price <= TERMS.retail_per_kwh


@pytest.mark.parametrize("name", registry.PARTICIPATION)
@settings(max_examples=25, deadline=None)
@given(book=books(), price=st.floats(0, 9))
def test_every_participation_rule_answers_both_sides(name, book, price):
    selling, buying = registry.PARTICIPATION[name](book, price)
    assert selling.shape == (book.m,) and buying.shape == (book.n,)
    assert selling.dtype == buying.dtype == bool


def a_market(objectives, seed=5):
    rng = np.random.default_rng(seed)
    book = book_of(
        rng.uniform(3, 4, 5), rng.uniform(20, 60, 5), rng.uniform(5, 7, 4), rng.uniform(20, 60, 4)
    )
    price = float("nan") if objectives.price_in_search else 4.5
    everyone = np.ones(5, bool), np.ones(4, bool)
    return FrameMarket.of(book, *everyone, price, price_bounds=(2.0, 7.5))


@pytest.mark.parametrize("engine", registry.ENGINES)
@pytest.mark.parametrize("encoding", registry.ENCODINGS)
@pytest.mark.parametrize("objectives", registry.OBJECTIVES)
def test_every_engine_returns_a_front_of_every_objective_set(engine, encoding, objectives):
    chosen = registry.OBJECTIVES[objectives]
    market = a_market(chosen)
    points = registry.ENGINES[engine](
        market, chosen, SearchSettings(encoding=encoding), np.random.default_rng(1)
    )
    assert len(points) >= 1
    np.testing.assert_allclose(points.sold_kwh.sum(1), points.bought_kwh.sum(1), rtol=1e-9)
    assert np.all(points.sold_kwh <= market.capacity_kwh * (1 + 1e-9))
    if points.energy_kwh is None:
        f1, f2 = chosen.values(
            market, points.sold_kwh, points.bought_kwh, points.price_per_kwh, final=True
        )
        np.testing.assert_allclose(points.f1, f1, rtol=1e-7, atol=1e-6)
        np.testing.assert_allclose(points.f2, f2, rtol=1e-9, atol=1e-9)
    worse_in_f1 = points.f1[:, None] <= points.f1 - 1e-6
    worse_in_f2 = points.f2[:, None] <= points.f2 - 1e-6
    assert not (worse_in_f1 & worse_in_f2).any()


@pytest.mark.parametrize("encoding", registry.ENCODINGS)
@pytest.mark.parametrize("objectives", registry.OBJECTIVES)
def test_every_encoding_repairs_anything(encoding, objectives):
    market = a_market(registry.OBJECTIVES[objectives])
    rng = np.random.default_rng(2)
    coder = registry.ENCODINGS[encoding](market)
    wild = coder.random(200, rng) * rng.choice([-1.0, 0.0, 1.0, 5.0], (200, coder.upper.size))
    for genes in (wild, coder.exchange(coder.repair(wild), rng)):
        sold, bought, price, energy = coder.decode(coder.repair(genes))
        assert np.all(sold >= 0) and np.all(sold <= market.capacity_kwh * (1 + 1e-12))
        assert np.all(bought >= 0) and np.all(bought <= market.demand_kwh * (1 + 1e-12))
        np.testing.assert_allclose(sold.sum(axis=1), bought.sum(axis=1), atol=1e-9)
        if energy is not None:
            assert np.all(energy >= 0)
        if registry.OBJECTIVES[objectives].price_in_search:
            assert np.all(sold[market.offer_per_kwh > price[:, None]] == 0)
            assert np.all(bought[market.bid_per_kwh < price[:, None]] == 0)


@pytest.mark.parametrize("encoding", registry.ENCODINGS)
def test_every_encoding_reads_back_what_it_wrote(encoding):
    market = a_market(registry.OBJECTIVES["published"])
    sold, bought, price = registry.OBJECTIVES["published"].seeds(market, 7)
    coder = registry.ENCODINGS[encoding](market)
    back = coder.decode(coder.repair(coder.encode(sold, bought, price)))
    np.testing.assert_allclose(back[0], sold, rtol=1e-9)
    np.testing.assert_allclose(back[1], bought, rtol=1e-9)


@pytest.mark.parametrize(
    ("field", "value", "known"),
    [
        ("mechanism", "lottery", "pareto"),
        ("price_rule", "dice", "merit-order"),
        ("engine", "oracle", "nsga2, exact"),
        ("objectives", "happiness", "per-buyer"),
        ("encoding", "morse", "marginal, pairwise"),
        ("participation", "some", "rational, all"),
        ("choose", "coin", "maximin"),
        ("network", "hope", "adaptive-capping"),
        ("whose", "mine", "sides, participants"),
        ("switch", "never", "tolerance, front"),
        ("cap_base", "sky", "sold, offer"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(field, value, known):
    with pytest.raises(OrderError) as caught:
        build_mechanism(ClearingRules(**{field: value}))
    assert value in str(caught.value) and known in str(caught.value)


def test_all_problems_of_a_configuration_at_once():
    wrong = ClearingRules(
        k=2.0,
        weight=-1.0,
        cap_factor=1.0,
        grid_margin=float("nan"),
        population=2,
        generations=0,
        front_points=1,
        max_iterations=0,
        switch_tolerance=1.5,
        price_rule="fixed",
        goals=(2.0, 0.5),
    )
    problems = rules_problems(wrong)
    assert len(problems) == 11
    assert all(": " in problem for problem in problems)
    assert rules_problems(ClearingRules(price_rule="fixed", fixed_price=-1.0))
    assert rules_problems(ClearingRules()) == []
