"""The network loop: what it accepts passes the check, and it gives up no more than it must."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_network import LinearNetwork
from random_books import TERMS, book_of, household_book

from gridbazaar.market.capping import CappingOptions, clear_within_limits
from gridbazaar.market.clearing import Clearing
from gridbazaar.market.grid_only import GridOnly
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.order import OrderError
from gridbazaar.market.pareto import Pareto

EXACT = ClearingRules(engine="exact", front_points=20)


def stressed(seed, base_pu=1.04, stress=1.6, m=8, n=12):
    """A village frame on a line that its unchecked sales push `stress` times too far."""
    rng = np.random.default_rng(seed)
    book = household_book(rng, m, n)
    network = LinearNetwork.radial(m, rng, 6, base_pu)
    network.effect *= stress * (1.05 - 1.04) / (network.effect @ book.capacity_kwh).max()
    return book, network


def run(book, network, rules=EXACT, seed=1, **options):
    return clear_within_limits(
        build_mechanism(rules),
        book,
        TERMS,
        network,
        np.random.default_rng(seed),
        CappingOptions(**options),
    )


def passes(network, sold):
    return bool(network.check(sold[None]).feasible[0])


@pytest.mark.parametrize("engine", ["exact", "nsga2"])
@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    stress=st.floats(0.5, 4.0),
    cap_base=st.sampled_from(["sold", "offer"]),
    switch=st.sampled_from(["tolerance", "front"]),
    rounds=st.sampled_from([2, 25]),
)
def test_accepted_schedule_is_feasible_and_within_caps(
    engine, seed, stress, cap_base, switch, rounds
):
    book, network = stressed(seed, stress=stress)
    rules = ClearingRules(engine=engine, population=12, generations=5, front_points=10)
    clearing = run(
        book, network, rules, seed, cap_base=cap_base, switch=switch, max_iterations=rounds
    )
    assert clearing.status == "cleared"
    assert passes(network, clearing.sold_kwh)
    assert clearing.v_max_pu <= network.upper_pu + 1e-9
    assert np.all(clearing.caps_kwh <= book.capacity_kwh)
    assert np.all(clearing.sold_kwh <= clearing.caps_kwh * (1 + 1e-9))
    for step in clearing.capping:
        assert np.all(step.caps_kwh <= book.capacity_kwh)
    assert any(step.feasible for step in clearing.capping) or not clearing.capping


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), stress=st.floats(1.2, 3.0))
def test_restoring_is_maximal(seed, stress):
    book, network = stressed(seed, stress=stress)
    clearing = run(book, network)
    if not clearing.capping:
        return
    capped = clearing.caps_kwh < book.capacity_kwh
    more = np.where(
        capped, np.minimum(clearing.caps_kwh * 1.001, book.capacity_kwh), clearing.caps_kwh
    )
    mechanism = build_mechanism(EXACT)
    larger = mechanism.clear_again(
        book.with_capacity(more), TERMS, np.random.default_rng(1), clearing
    )
    assert capped.any() and not passes(network, larger.sold_kwh)


def test_nothing_is_corrected_where_nothing_is_wrong():
    book, network = stressed(1, stress=0.1)
    clearing = run(book, network)
    assert clearing.capping == () and clearing.iterations == 0
    assert clearing.switch_front_kwh is None
    assert np.array_equal(clearing.caps_kwh, book.capacity_kwh)
    free = build_mechanism(EXACT).clear(book, TERMS, np.random.default_rng(1))
    assert np.array_equal(clearing.sold_kwh, free.sold_kwh)
    assert clearing.v_max_pu < 1.05


def test_every_iteration_is_kept_and_caps_are_ninety_percent_of_sales():
    book, network = stressed(4, stress=1.5)
    clearing = run(book, network)
    first, second = clearing.capping[:2]
    assert first.phase == "first" and not first.feasible and first.v_max_pu > 1.05
    assert np.array_equal(first.caps_kwh, book.capacity_kwh) and first.critical_buses
    free = build_mechanism(EXACT).clear(book, TERMS, np.random.default_rng(1))
    critical = network.check(free.sold_kwh[None]).on_critical_bus[0] & (free.sold_kwh > 0)
    np.testing.assert_allclose(second.caps_kwh[critical], 0.9 * free.sold_kwh[critical])
    np.testing.assert_array_equal(second.caps_kwh[~critical], book.capacity_kwh[~critical])
    assert clearing.iterations == sum(step.phase == "cap" for step in clearing.capping) >= 1
    assert clearing.capping[-1].phase == "restore"
    assert clearing.switch_front_kwh == 0.0  # a collapsed front has no other point


def test_price_is_held_while_capping_unless_told_otherwise():
    book, network = stressed(2, stress=1.8)
    free = build_mechanism(EXACT).clear(book, TERMS, np.random.default_rng(1))
    assert run(book, network).mcp_per_kwh == free.mcp_per_kwh
    repriced = run(book, network, ClearingRules(engine="exact", front_points=20, reprice=True))
    assert repriced.mcp_per_kwh > free.mcp_per_kwh  # capped supply is short supply


def test_sellers_of_highest_sensitivity_are_capped_where_the_critical_bus_has_none():
    book = book_of([3.0, 3.0], [10.0, 10.0], [6.0], [20.0])
    effect = np.array([[1e-4, 1e-4], [1e-4, 3e-4], [5e-4, 2e-3]])  # bus 2 has no seller
    network = LinearNetwork(effect, np.full(3, 1.04), np.array([0, 1]))
    clearing = run(book, network)
    assert passes(network, clearing.sold_kwh)
    assert clearing.caps_kwh[0] == 10.0 and clearing.caps_kwh[1] < 10.0


def traders(base_pu=1.0):
    """Larger traders, whose front has not collapsed, at two buses."""
    book = book_of([4.0] * 4, [60.0, 55.0, 70.0, 80.0], [6.5, 7.0, 6.2], [80.0, 75.0, 65.0])
    effect = np.full((2, 4), 1e-4) + 2e-4 * np.eye(2, 4)
    return book, LinearNetwork(effect, np.full(2, base_pu), np.array([0, 1, 0, 1]))


def test_switching_to_another_point_of_the_front():
    book, network = traders(1.02)
    rules = ClearingRules(engine="exact")
    free = run(book, network, rules, method="ignore")
    assert not passes(network, free.sold_kwh) and not free.front.collapsed
    capped = run(book, network, rules)
    switched = run(book, network, rules, switch="front")
    assert switched.iterations == 0 and switched.capping[-1].phase == "switch"
    assert passes(network, switched.sold_kwh) and passes(network, capped.sold_kwh)
    assert capped.switch_front_kwh == pytest.approx(switched.traded_kwh)
    assert switched.front.chosen != free.front.chosen
    assert switched.f1 == switched.front.f1[switched.front.chosen]
    # a tolerance that allows what the front gives up switches too, a smaller one caps
    lost = 1.0 - switched.traded_kwh / free.traded_kwh
    near = run(book, network, rules, switch_tolerance=lost + 0.01)
    assert near.traded_kwh == pytest.approx(switched.traded_kwh)
    assert run(book, network, rules, switch_tolerance=0.5 * lost).iterations > 0
    assert capped.traded_kwh > switched.traded_kwh


def test_overvoltage_of_the_base_stops_who_moves_that_bus_and_nobody_else():
    book = book_of([3.0, 3.0], [10.0, 10.0], [6.0], [20.0])
    effect = np.array([[0.0, 0.0], [1e-4, 0.0], [0.0, 1e-4]])
    network = LinearNetwork(effect, np.array([1.0, 1.06, 1.0]), np.array([1, 2]))
    clearing = run(book, network)
    assert clearing.status == "infeasible-base"
    assert clearing.sold_kwh[0] == 0.0 and clearing.sold_kwh[1] == pytest.approx(10.0)
    assert passes(network, clearing.sold_kwh)


def test_undervoltage_is_flagged_and_trade_stands():
    book, network = stressed(1, base_pu=0.93, stress=0.1)
    clearing = run(book, network)
    assert clearing.status == "cleared" and clearing.undervoltage_base
    assert clearing.traded_kwh > 0 and clearing.v_min_pu < 0.95


@pytest.mark.parametrize("rule", ["merit-order", "mid-market"])
def test_a_capped_book_does_not_say_that_its_held_price_loses_energy(rule):
    rules = ClearingRules(engine="exact", front_points=20, price_rule=rule)
    book, network = stressed(3, stress=2.5)
    free = run(book, network, rules, method="ignore")
    capped = run(book, network, rules)
    assert capped.iterations > 0 and capped.traded_kwh < free.traded_kwh
    assert capped.lost_kwh == free.lost_kwh and capped.notes == free.notes
    by_hand = ClearingRules(engine="exact", price_rule="fixed", fixed_price=capped.mcp_per_kwh)
    assert any("by hand" in note for note in run(book, network, by_hand).notes)


@pytest.mark.parametrize("method", ["adaptive-capping", "constrained", "ignore"])
def test_a_feeder_without_a_solution_is_said_at_once(method):
    book, network = stressed(2)
    network.base_pu = np.full_like(network.base_pu, np.nan)
    clearing = run(book, network, method=method)
    assert sum("has no solution with these loads" in note for note in clearing.notes) == 1
    if method != "ignore":
        assert clearing.status == "infeasible-base" and clearing.traded_kwh == 0.0
        assert [step.phase for step in clearing.capping] == ["first"]


class Refusing(LinearNetwork):
    """A feeder that no schedule suits, such as one whose power flow does not converge."""

    def check(self, sold_kwh):
        seen = super().check(sold_kwh)
        seen.feasible[:] = False
        return seen


def test_no_schedule_at_all_is_said_and_trades_nothing():
    book, network = stressed(1)
    refusing = Refusing(network.effect, network.base_pu, network.bus_of)
    clearing = run(book, refusing, max_iterations=4)
    assert clearing.status == "infeasible-limit" and clearing.traded_kwh == 0
    assert clearing.mcp_per_kwh is None


def test_too_few_rounds_stop_the_critical_sellers_and_still_restore():
    book, network = stressed(3, stress=6.0)
    clearing = run(book, network, max_iterations=1)
    assert clearing.status == "cleared" and clearing.traded_kwh > 0
    assert passes(network, clearing.sold_kwh)


def test_ignore_reports_voltages_only():
    book, network = stressed(1, stress=2.0)
    clearing = run(book, network, method="ignore")
    free = build_mechanism(EXACT).clear(book, TERMS, np.random.default_rng(1))
    assert np.array_equal(clearing.sold_kwh, free.sold_kwh)
    assert clearing.v_max_pu > 1.05 and clearing.capping == ()


def test_a_frame_without_sellers_or_network():
    book = book_of([], [], [6.0], [4.0])
    network = LinearNetwork(np.zeros((2, 0)), np.ones(2), np.zeros(0, dtype=int))
    assert run(book, network).status == "no-trade"
    assert run(book, None).v_max_pu is None


class FirstSellers:
    """A mechanism of somebody else: it knows nothing of fronts, caps or networks."""

    def clear(self, book, terms, rng):
        sold = np.where(np.arange(book.m) < 3, book.capacity_kwh, 0.0)
        sold *= min(1.0, book.demand_kwh.sum() / sold.sum()) if sold.any() else 1.0
        bought = book.demand_kwh * sold.sum() / book.demand_kwh.sum()
        blank = Clearing.no_trade(book)
        from dataclasses import replace

        return replace(blank, status="cleared", sold_kwh=sold, bought_kwh=bought)


def test_any_mechanism_can_be_wrapped():
    book, network = stressed(5, stress=6.0)
    unchecked = FirstSellers().clear(book, TERMS, None)
    assert not passes(network, unchecked.sold_kwh)
    rng = np.random.default_rng(1)
    clearing = clear_within_limits(FirstSellers(), book, TERMS, network, rng)
    assert clearing.status == "cleared" and passes(network, clearing.sold_kwh)
    grid_only = build_mechanism(ClearingRules(mechanism="grid-only"))
    assert clear_within_limits(grid_only, book, TERMS, network, rng).status == "no-trade"


def test_the_same_generator_gives_the_same_way():
    book, network = stressed(6, stress=1.7)
    rules = ClearingRules(population=12, generations=5)
    one, other = (run(book, network, rules, seed=9) for _ in range(2))
    assert np.array_equal(one.sold_kwh, other.sold_kwh)
    assert [s.traded_kwh for s in one.capping] == [s.traded_kwh for s in other.capping]


def test_unknown_or_unsuited_methods_are_refused():
    book, network = stressed(1)
    with pytest.raises(OrderError, match="adaptive-capping, constrained, ignore"):
        run(book, network, method="hope")
    with pytest.raises(OrderError, match="needs a mechanism with a search"):
        clear_within_limits(
            NoSearch(),
            book,
            TERMS,
            network,
            np.random.default_rng(1),
            CappingOptions("constrained"),
        )


class NoSearch:
    """A mechanism of one's own that clears and knows nothing of networks."""

    traits = GridOnly.traits

    def clear(self, book, terms, rng):
        return GridOnly().clear(book, terms, rng)


def test_the_counterfactual_of_a_constrained_run_trades_nothing():
    book, network = stressed(1)
    rules = ClearingRules(mechanism="grid-only")
    assert run(book, network, rules, method="constrained").status == "no-trade"


@pytest.mark.parametrize("engine", ["exact", "nsga2"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 1.0))
def test_the_choice_that_is_known_is_the_one_a_search_makes(engine, seed, share):
    rng = np.random.default_rng(seed)
    book = household_book(rng, 8, 12)
    mechanism = build_mechanism(ClearingRules(engine=engine))
    assert mechanism.choice_is_known()
    free = mechanism.clear(book, TERMS, np.random.default_rng(seed))
    capped = book.with_capacity(book.capacity_kwh * np.where(rng.random(book.m) < 0.5, share, 1.0))
    known = mechanism.clear_chosen(capped, TERMS, free)
    if free.front is None:
        assert known.status == "no-trade"
        return
    searched = mechanism.clear_again(capped, TERMS, np.random.default_rng(seed), free)
    np.testing.assert_allclose(known.sold_kwh, searched.sold_kwh, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(known.bought_kwh, searched.bought_kwh, rtol=1e-6, atol=1e-9)
    assert known.mcp_per_kwh == searched.mcp_per_kwh
    assert known.f1 == pytest.approx(searched.f1, rel=1e-9, abs=1e-9)


def test_the_front_of_a_capped_frame_is_as_full_as_that_of_a_free_one():
    """Only the last clearing of a frame whose choice is known is searched, so as a whole."""
    tested = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        capacity, demand = rng.lognormal(4.2, 0.5, 10), rng.lognormal(4.2, 0.5, 8)
        book = book_of(rng.uniform(3, 4, 10), capacity, rng.uniform(6, 8, 8), demand)
        network = LinearNetwork.radial(10, rng, 6, 1.03)
        free = run(book, None, ClearingRules(), seed)
        network.effect *= 1.6 * 0.02 / (network.effect @ free.sold_kwh).max()
        found = run(book, network, ClearingRules(), seed)
        if not found.capping or found.front.collapsed or free.front.collapsed:
            continue
        tested += 1
        assert found.front.f1.size >= 0.9 * free.front.f1.size
    assert tested > 3


def test_a_search_in_vain_is_counted_as_well(monkeypatch):
    """`constrained` that finds nothing leaves the frame to capping, and its work in the account."""
    book, network = stressed(1)
    rules = ClearingRules(population=20, generations=5)
    capped = run(book, network, rules)
    spent = []
    whole = Pareto.clear_constrained

    def in_vain(*asked):
        found = whole(*asked)
        spent.append(found.front.evaluations)
        return replace(found, status="no-trade")

    monkeypatch.setattr(Pareto, "clear_constrained", in_vain)
    found = run(book, network, rules, method="constrained")
    first = build_mechanism(rules).clear(book, TERMS, np.random.default_rng(1)).front.evaluations
    assert found.status == "cleared" and spent
    assert found.front.evaluations > capped.front.evaluations
    assert found.front.evaluations >= spent[0] + 2 * first


@pytest.mark.parametrize(
    "rules",
    [
        ClearingRules(choose="knee"),
        ClearingRules(encoding="pairwise"),
        ClearingRules(objectives="surplus"),
        ClearingRules(objectives="per-buyer"),
    ],
)
def test_where_the_choice_needs_the_front_nothing_is_taken_without_one(rules):
    mechanism = build_mechanism(rules)
    book = household_book(np.random.default_rng(1), 4, 4)
    free = mechanism.clear(book, TERMS, np.random.default_rng(1))
    assert not mechanism.choice_is_known()
    with pytest.raises(ValueError, match="needs the front"):
        mechanism.clear_chosen(book, TERMS, free)


@pytest.mark.parametrize(
    ("options", "searches"), [({}, (2, 2)), ({"switch_tolerance": 0.01}, (3, 99))]
)
def test_a_capped_frame_is_searched_as_often_as_something_asks_for_a_front(
    monkeypatch, options, searches
):
    from gridbazaar.market.engines import ENGINES, exact

    calls = []

    def counted(*args):
        calls.append(1)
        return exact(*args)

    monkeypatch.setitem(ENGINES, "exact", counted)
    book, network = stressed(4, stress=1.5)
    clearing = run(book, network, **options)
    assert clearing.capping[-1].phase == "restore" and len(clearing.capping) > 3
    assert searches[0] <= len(calls) <= searches[1]
    assert (
        clearing.front.f1.size
        == build_mechanism(EXACT)
        .clear_again(
            book.with_capacity(clearing.caps_kwh), TERMS, np.random.default_rng(1), clearing
        )
        .front.f1.size
    )


def test_a_schedule_that_passed_stands_where_its_search_would_break_the_limit(monkeypatch):
    from gridbazaar.market.pareto import Pareto

    book, network = stressed(4, stress=1.5)
    sound = run(book, network)
    again = Pareto.clear_anew

    def too_much(self, book, terms, rng, earlier):
        return again(self, book.with_capacity(2.0 * book.capacity_kwh), terms, rng, earlier)

    monkeypatch.setattr(Pareto, "clear_anew", too_much)
    clearing = run(book, network)
    np.testing.assert_array_equal(clearing.sold_kwh, sound.sold_kwh)
    assert passes(network, clearing.sold_kwh) and clearing.v_max_pu == sound.v_max_pu
    assert clearing.front.f1.size == 1 and len(clearing.trades)
