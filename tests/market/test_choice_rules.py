"""One suite for every choice rule in the registry, and what tells them apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_books import TERMS, book_of

from gridbazaar.market.choice import Gains
from gridbazaar.market.engines import ENGINES, SearchSettings
from gridbazaar.market.frame_market import FrameMarket
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.objectives import OBJECTIVES
from gridbazaar.market.registry import CHOICE_RULES


def curve(k, bend, scale=(1.0, 1.0), shift=(0.0, 0.0)):
    """A concave front in raw units."""
    g2 = np.linspace(0.0, 1.0, k)
    g1 = (1.0 - g2**bend) ** (1.0 / bend)
    return Gains(10.0 + 5.0 * g2, shift[0] + scale[0] * g1, shift[1] + scale[1] * g2)


@pytest.mark.parametrize("name", CHOICE_RULES)
@settings(max_examples=40, deadline=None)
@given(k=st.integers(1, 60), bend=st.floats(1.0, 4.0), scale=st.floats(1e-3, 1e4))
def test_every_rule_answers_within_the_front_and_ignores_units(name, k, bend, scale):
    rule = CHOICE_RULES[name]
    raw = curve(k, bend)
    point = rule(raw)
    assert 0 <= point < k
    assert rule(raw) == point
    other = curve(k, bend, (scale, 1.0), (-7.0 * scale, 3.0))
    same = rule(other)
    # ties of normalised gains may fall either way by round-off: the gains must agree
    assert np.allclose(raw.sides[point].sum(), raw.sides[same].sum(), atol=1e-6)


@pytest.mark.parametrize("name", CHOICE_RULES)
def test_every_rule_takes_the_only_point(name):
    assert CHOICE_RULES[name](Gains(np.ones(1), np.ones(1), np.zeros(1))) == 0


@pytest.mark.parametrize("name", CHOICE_RULES)
def test_every_rule_picks_an_efficient_point_of_a_dominated_cloud(name):
    gains = Gains(np.array([3.0, 1.0]), np.array([2.0, 1.0]), np.array([2.0, 1.0]))
    assert CHOICE_RULES[name](gains) == 0


def test_the_rules_differ_where_a_choice_exists():
    front = curve(101, 2.0)
    assert CHOICE_RULES["demand-first"](front) == 100
    for name in ("knee", "nash-bargaining", "weighted-sum", "maximin", "min-disparity"):
        assert abs(CHOICE_RULES[name](front) - 71) <= 1, name  # sin 45 degrees
    tilted = Gains(front.traded_kwh, front.f1, front.f2, weight=0.1)
    assert CHOICE_RULES["weighted-sum"](tilted) > 95
    aims = Gains(front.traded_kwh, front.f1, front.f2, goals=(1.0, 0.2))
    assert CHOICE_RULES["goal-programming"](aims) < 71


def test_demand_first_breaks_ties_by_f1():
    gains = Gains(np.array([5.0, 5.0 * (1 + 1e-12), 4.0]), np.array([2.0, 1.0, 9.0]), np.ones(3))
    assert CHOICE_RULES["demand-first"](gains) == 0


def test_bargaining_counts_from_the_disagreement_point():
    f1, f2 = np.linspace(10, 0, 11), np.linspace(0, 10, 11)
    even = Gains(np.ones(11), f1, f2, disagreement=(0.0, 0.0))
    ahead = Gains(np.ones(11), f1, f2, disagreement=(4.0, 0.0))
    assert CHOICE_RULES["nash-bargaining"](even) == 5
    assert CHOICE_RULES["nash-bargaining"](ahead) == 3
    nobody = Gains(np.arange(11.0), f1, f2, disagreement=(99.0, 99.0))
    assert CHOICE_RULES["nash-bargaining"](nobody) == 10


def test_participants_can_be_compared_instead_of_sides():
    each = np.array([[0.0, 1.0, 0.5], [0.4, 0.6, 0.5], [1.0, 0.0, 0.5]])
    gains = Gains(np.ones(3), np.arange(3.0), -np.arange(3.0), each=each)
    assert CHOICE_RULES["maximin"](gains) == 1
    assert CHOICE_RULES["min-disparity"](gains) == 1


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gains_of_members_add_up_to_the_two_objectives(name):
    book = book_of([4.0, 4.5, 5.0], [60.0, 50.0, 70.0], [6.5, 7.0], [80.0, 90.0])
    everyone = np.ones(3, bool), np.ones(2, bool)
    market = FrameMarket.of(book, *everyone, 5.0, (2.0, 7.0))
    front = OBJECTIVES[name].exact_front(market, 20)
    each = OBJECTIVES[name].by_member(market, front)
    np.testing.assert_allclose(each[:, :3].sum(axis=1), front.f2, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(each[:, 3:].sum(axis=1), front.f1, rtol=1e-6)


def test_gains_of_members_are_those_of_the_pairs_that_a_search_has_chosen():
    book = book_of([4.0, 4.5, 5.0], [60.0, 50.0, 70.0], [6.5, 7.0], [80.0, 90.0])
    market = FrameMarket.of(book, np.ones(3, bool), np.ones(2, bool), 5.0)
    settings = SearchSettings(encoding="pairwise", generations=20)
    front = ENGINES["nsga2"](market, OBJECTIVES["published"], settings, np.random.default_rng(1))
    assert front.energy_kwh is not None and len(front) > 10
    each = OBJECTIVES["published"].by_member(market, front)
    np.testing.assert_allclose(each[:, 3:].sum(axis=1), front.f1, rtol=1e-9)


@pytest.mark.parametrize("objectives", ["published", "per-buyer", "surplus"])
@pytest.mark.parametrize("whose", ["sides", "participants"])
@pytest.mark.parametrize("name", CHOICE_RULES)
def test_every_rule_works_in_a_clearing(name, whose, objectives):
    book = book_of([4.0, 4.5, 5.0], [60.0, 50.0, 70.0], [6.5, 7.0], [80.0, 90.0])
    rules = ClearingRules(
        engine="exact", front_points=40, choose=name, whose=whose, objectives=objectives
    )
    clearing = build_mechanism(rules).clear(book, TERMS, np.random.default_rng(1))
    assert clearing.status == "cleared"
    front = clearing.front
    assert clearing.f1 == front.f1[front.chosen] and clearing.f2 == front.f2[front.chosen]
    np.testing.assert_array_equal(clearing.sold_kwh, front.sold_kwh[front.chosen])
