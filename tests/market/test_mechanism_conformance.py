"""Whatever stands in the registry keeps its word: on thousands of books, and on nasty ones.

The questions live in the package (`market.mechanisms.conformance`), so that a rule of a user's own
is asked the same ones; here the registry is asked, and the questions themselves are tried on liars.
"""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_network import LinearNetwork
from random_books import TERMS, book_of, books, household_book

from gridbazaar.market import registry
from gridbazaar.market.capping import CappingOptions, clear_within_limits
from gridbazaar.market.mechanism import ClearingRules, Traits, build_mechanism
from gridbazaar.market.mechanisms import agv as agv_module
from gridbazaar.market.mechanisms import conformance
from gridbazaar.market.mechanisms.agv import AGV
from gridbazaar.market.mechanisms.bill_sharing import BillSharing
from gridbazaar.market.mechanisms.conformance import book_problems, check_mechanism
from gridbazaar.market.mechanisms.continuous import Continuous
from gridbazaar.market.mechanisms.externality import expected_externality
from gridbazaar.market.mechanisms.mcafee import McAfee
from gridbazaar.market.mechanisms.misreports import expectation_problems, misreport_problems
from gridbazaar.market.mechanisms.pay_as_bid import PayAsBid
from gridbazaar.market.mechanisms.trial_books import KINDS, trial_books
from gridbazaar.market.mechanisms.uniform import Uniform
from gridbazaar.market.order import OrderError
from gridbazaar.market.pareto import Pareto
from gridbazaar.market.price_history import PriceHistory

AT_NINE = ClearingRules(engine="exact", front_points=20, price_rule="fixed", fixed_price=9.0)
QUICK = ClearingRules(engine="exact", front_points=20, prior_samples=16)
FEWER = {"pareto": 240, "agv": 360}


@pytest.mark.parametrize("name", registry.MECHANISMS)
def test_every_mechanism_keeps_its_word_on_many_books(name):
    assert check_mechanism(name, QUICK, books=FEWER.get(name, 1200), seed=11) == []


@pytest.mark.parametrize("name", registry.MECHANISMS)
@settings(max_examples=30, deadline=None)
@given(book=books(), seed=st.integers(0, 99))
def test_every_mechanism_keeps_its_word_on_nasty_books(name, book, seed):
    mechanism = build_mechanism(replace(QUICK, mechanism=name))
    assert book_problems(mechanism, book, TERMS, seed) == []


@pytest.mark.parametrize("name", [n for n in registry.MECHANISMS if n != "pareto"])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999))
def test_the_network_loop_wraps_every_mechanism(name, seed):
    rng = np.random.default_rng(seed)
    book = household_book(rng)
    network = LinearNetwork.radial(book.m, rng, base_pu=1.03)
    mechanism = build_mechanism(replace(QUICK, mechanism=name))
    done = clear_within_limits(mechanism, book, TERMS, network, np.random.default_rng(1))
    again = clear_within_limits(mechanism, book, TERMS, network, np.random.default_rng(1))
    assert np.array_equal(done.sold_kwh, again.sold_kwh)
    assert np.all(done.sold_kwh <= done.caps_kwh * (1 + 1e-9))
    assert network.check(done.sold_kwh[None]).feasible[0]
    ignored = clear_within_limits(
        mechanism, book, TERMS, network, np.random.default_rng(1), CappingOptions("ignore")
    )
    plain = mechanism.clear(book, TERMS, np.random.default_rng(1))
    assert np.array_equal(ignored.sold_kwh, plain.sold_kwh) and ignored.v_max_pu is not None
    assert ignored.v_max_pu == pytest.approx(network.check(plain.sold_kwh[None]).v_max_pu[0])


class Liar:
    """Clears as another rule does, then changes something, and claims everything."""

    def __init__(self, rule, change=None, **claims):
        self.rule, self.change = rule, change
        self.traits = replace(rule.traits, **claims)

    def clear(self, book, terms, rng):
        done = self.rule.clear(book, terms, rng)
        return done if self.change is None or not len(done.trades) else self.change(done, rng)


def takes_more(done, rng):
    return replace(done, sold_kwh=done.sold_kwh * 1.01)


def sells_beyond(done, rng):
    return replace(done, sold_kwh=done.sold_kwh * 3.0, bought_kwh=done.bought_kwh * 3.0)


def pays_out(done, rng):
    return replace(done, received=done.received * 1.001)


def at_a_loss(done, rng):
    return replace(done, received=done.received * 0.1, paid=done.paid * 0.1)


def by_chance(done, rng):
    return replace(done, received=done.received * (1.0 + 1e-3 * np.random.default_rng().random()))


def for_first_names(done, rng):
    return replace(done, received=done.received * np.linspace(1.001, 1.0, done.received.size))


def half(done, rng):
    trades = replace(done.trades, energy_kwh=done.trades.energy_kwh / 2)
    parts = {
        name: getattr(done, name) / 2 for name in ("sold_kwh", "bought_kwh", "received", "paid")
    }
    return replace(done, trades=trades, **parts)


@pytest.mark.parametrize(
    ("liar", "said"),
    [
        (Liar(Uniform(), takes_more), "energy sold is energy bought"),
        (Liar(Uniform(), sells_beyond), "beyond its order"),
        (Liar(Uniform(), takes_more), "pairs add up"),
        (Liar(Uniform(), pays_out), "budget is balanced: strong"),
        (Liar(Uniform(), pays_out, budget_balanced="weak"), "budget is balanced: weak"),
        (Liar(Uniform(), at_a_loss), "at a loss"),
        (Liar(Uniform(), by_chance, budget_balanced="no"), "same seed"),
        (Liar(Uniform(), half), "surplus is the greatest"),
        (Liar(PayAsBid(), uniform_price=True), "one price"),
        (Liar(Uniform(), truthful="dominant"), "gains"),
        (Liar(PayAsBid(), truthful="bayesian"), "on average"),
        (Liar(McAfee(), truthful="dominant"), "gains"),
        (Liar(Uniform(), truthful="one-size"), "gains"),
        (Liar(Uniform(), for_first_names, budget_balanced="no"), "equal orders pay and get alike"),
        (Liar(Uniform(), for_first_names, budget_balanced="no"), "under other names"),
        (Liar(Continuous(), anonymous=True), "under other names"),
        (Liar(Pareto(AT_NINE), individually_rational=True), "at a loss"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_does_not_keep_its_word_is_found(liar, said, monkeypatch):
    monkeypatch.setitem(registry.MECHANISMS, "liar", lambda rules: liar)
    assert any(said in line for line in check_mechanism("liar", books=1200, seed=3))


def test_a_claim_in_expectation_is_searched_on_every_kind_of_book(monkeypatch):
    at, seen = [""], set()

    def books_told(*args):
        for kind, book in trial_books(*args):
            at[0] = kind
            yield kind, book

    monkeypatch.setattr(conformance, "trial_books", books_told)
    monkeypatch.setattr(conformance, "expectation_problems", lambda *args: seen.add(at[0]) or [])
    assert check_mechanism("agv", QUICK, books=FEWER["agv"]) == []
    assert seen == set(KINDS) - {"no seller", "no buyer"}


def first_at_ties(book, value, offers, bids, alike):
    """The externality of a member that is served before others of its price."""
    nudged = replace(book, offer_per_kwh=np.maximum(book.offer_per_kwh - 1e-9, 0.0))
    return expected_externality(nudged, value + 1e-9, offers, bids, alike)


def test_an_externality_that_shares_ties_otherwise_than_the_trade_is_found(monkeypatch):
    monkeypatch.setattr(agv_module, "expected_externality", first_at_ties)
    book = book_of([3.0, 3.5], [1.0, 1.0], [7.5] * 4, [2.0] * 4)
    past, rng = PriceHistory(), np.random.default_rng(1)
    for _ in range(8):
        past.record(book, TERMS)
    agv = AGV(QUICK).with_history(past)
    told = [line for _ in range(6) for line in expectation_problems(agv, book, TERMS, rng, 20)]
    assert told and all(line.startswith("b") and "at 7.5 gains" in line for line in told)
    monkeypatch.undo()
    assert [expectation_problems(agv, book, TERMS, rng, 20) for _ in range(6)] == [[]] * 6


def test_claims_depend_on_settings():
    assert not Pareto(AT_NINE).traits.individually_rational
    assert Pareto(QUICK).traits.individually_rational and Pareto(QUICK).traits.anonymous
    assert not Pareto(ClearingRules(engine="nsga2")).traits.anonymous


def test_a_pool_that_levels_the_month_has_not_one_price(monkeypatch):
    class OnePrice(BillSharing):
        traits = replace(BillSharing.traits, uniform_price=True)

    assert not BillSharing.traits.uniform_price
    monkeypatch.setitem(registry.MECHANISMS, "liar", lambda rules: OnePrice())
    assert any("one price" in line for line in check_mechanism("liar", books=60))


def test_mcafee_is_truthful_where_all_orders_have_one_size():
    rng = np.random.default_rng(5)
    found = []
    for _ in range(250):
        m, n = rng.integers(1, 9, 2)
        low = rng.choice([0.0, 2.5])  # below feed-in too
        book = book_of(rng.uniform(low, 7.5, m), np.ones(m), rng.uniform(low, 7.5, n), np.ones(n))
        found += misreport_problems(McAfee(), book, TERMS, rng)
    assert found == []


def test_every_kind_of_book_is_tried():
    seen = {}
    for kind, book in trial_books(600, TERMS, np.random.default_rng(1)):
        seen.setdefault(kind, []).append(book)
    assert set(seen) == set(KINDS)
    assert all(book.m == 0 for book in seen["no seller"])
    assert all(book.n == 1 for book in seen["one buyer"])
    assert all(
        book.offer_per_kwh.min() > book.bid_per_kwh.max(initial=0.0) for book in seen["no overlap"]
    )
    sizes = np.concatenate([book.capacity_kwh for book in seen["extreme sizes"]])
    assert sizes.max() / sizes.min() > 1e9


def test_an_honest_average_is_no_gain():
    book = book_of([3.0, 4.0], [4.0, 2.0], [6.0], [5.0])
    agv = build_mechanism(ClearingRules("agv", prior_samples=32))
    assert expectation_problems(agv, book, TERMS, np.random.default_rng(2)) == []


def test_a_rule_from_outside_is_asked_the_same_questions(monkeypatch):
    path = Path(__file__).parents[2] / "docs" / "examples" / "own_market_rule.py"
    known = dict(registry.MECHANISMS)
    spec = importlib.util.spec_from_file_location("own_market_rule", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        assert "posted-price" in registry.MECHANISMS
        assert check_mechanism("posted-price", books=600) == []
        module.PostedPrice.traits = Traits(individually_rational=True, efficient=True)
        assert any("surplus" in line for line in check_mechanism("posted-price", books=600))
    finally:
        registry.MECHANISMS.clear()
        registry.MECHANISMS.update(known)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(OrderError, match=r"lottery.*use one of.*mid-market-rate.*vcg.*agv"):
        check_mechanism("lottery")
