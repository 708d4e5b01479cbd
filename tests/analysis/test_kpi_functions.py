"""Each indicator against numbers worked out by hand, and against slower ways to the same number."""

import doctest
import importlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gridbazaar.analysis.kpis import energy, grid, members, trade, welfare

AMOUNTS = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=1, max_size=12)
ORDERS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=6)
KWH = st.lists(st.floats(-5, 5).map(lambda x: round(x, 3)), min_size=2, max_size=24)


@pytest.mark.parametrize("room", ["energy", "grid", "members", "trade", "welfare"])
def test_examples_in_the_docstrings_are_right(room):
    module = importlib.import_module(f"gridbazaar.analysis.kpis.{room}")
    outcome = doctest.testmod(module)
    assert outcome.attempted >= 6
    assert outcome.failed == 0


@given(AMOUNTS)
@settings(max_examples=60, deadline=None)
def test_gini_is_the_mean_difference_of_all_pairs(values):
    whole = sum(map(abs, values))
    pairs = sum(abs(a - b) for a, b in itertools.product(values, values))
    expected = None if whole == 0 else pairs / (2 * len(values) * whole)
    assert members.gini(values) == (None if expected is None else pytest.approx(expected))


@given(AMOUNTS)
@settings(max_examples=60, deadline=None)
def test_indices_keep_their_bounds_and_ignore_order_and_currency(values):
    x = np.array(values)
    for index in (members.gini, members.top_share, members.jain):
        here = index(x)
        assert here == pytest.approx(index(x[::-1])) if here is not None else True
        assert here is None or -1e-12 <= here <= 1 + 1e-12
        if here is not None:
            assert index(80.0 * x) == pytest.approx(here)
    minor = 0.01
    better, worse = members.share_better_off(x, minor), members.share_worse_off(x, minor)
    assert better + worse <= 1.0 + 1e-12
    assert (members.jain(x) is None) == (bool((x < 0).any()) or not x.any())


def test_a_loser_never_looks_like_a_winner():
    assert members.share_worse_off([-5.0, -5.0, 10.0], 0.015) == pytest.approx(2 / 3)
    assert members.saving_share(-20.0, 100.0) == -0.2
    assert members.top_share([-5.0, -1.0]) is None


@given(ORDERS, ORDERS)
@settings(max_examples=60, deadline=None)
def test_greatest_surplus_is_that_of_a_linear_program(bids, asks):
    money, volume = welfare.greatest_surplus(
        [p for p, _ in bids], [q for _, q in bids], [p for p, _ in asks], [q for _, q in asks]
    )
    if not bids or not asks:
        assert (money, volume) == (0.0, 0.0)
        return
    cost = [-p for p, _ in bids] + [p for p, _ in asks]
    balance = [[1.0] * len(bids) + [-1.0] * len(asks)]
    best = linprog(cost, A_eq=balance, b_eq=[0.0], bounds=[(0, q) for _, q in bids + asks])
    assert money == pytest.approx(-best.fun, abs=1e-9)
    assert volume <= min(sum(q for _, q in bids), sum(q for _, q in asks)) + 1e-9


@given(KWH)
@settings(max_examples=60, deadline=None)
def test_community_shares_agree_with_an_energy_balance(net):
    net = np.array(net)
    generated = np.maximum(net, 0.0) + 1.0
    load = generated - net
    export, drawn = np.maximum(net, 0).sum(), np.maximum(-net, 0).sum()
    used = generated.sum() - export
    assert energy.self_consumption(generated, net) == pytest.approx(used / generated.sum())
    assert energy.self_sufficiency(load, net) == pytest.approx(1 - drawn / load.sum())
    assert energy.power_flatness(net, net) == (pytest.approx(0.0) if net.any() else None)


@given(KWH, KWH)
@settings(max_examples=60, deadline=None)
def test_violations_avoided_and_caused_make_up_the_change(here, there):
    n = min(len(here), len(there))
    now, before = np.abs(here[:n]), np.abs(there[:n])
    change = grid.violations_caused(now, before) - grid.violations_avoided(now, before)
    assert change == pytest.approx(now.sum() - before.sum(), abs=1e-9)


@given(KWH, KWH)
@settings(max_examples=60, deadline=None)
def test_fulfilment_lies_between_nothing_and_all(contract, metered):
    n = min(len(contract), len(metered))
    c, x = np.array(contract[:n]), np.array(metered[:n])
    kept = trade.fulfilment(c, x)
    assert (kept is None) == (not c.any())
    if kept is not None:
        assert 0.0 <= kept <= 1.0 + 1e-12
        assert trade.fulfilment(c, c) == pytest.approx(1.0)
    cost = trade.deviation_cost(c, x, np.full(n, 5.0), np.full(n, 7.0), np.full(n, 3.0))
    assert cost == pytest.approx(0.0 if kept is None else 2.0 * np.abs(c).sum() * (1.0 - kept))


def test_what_has_no_meaning_is_not_a_number():
    zero = np.zeros(4)
    assert energy.self_consumption(zero, zero) is None
    assert energy.self_sufficiency(zero, zero) is None
    assert energy.energy_balance(zero, zero, zero) is None
    assert energy.exchange_peak_to_average(zero) is None
    assert grid.peak_to_average(-np.ones(4)) is None
    assert grid.load_factor(-np.ones(4)) is None
    assert grid.ramping_kw_per_hour([1.0], 0.25) is None
    assert grid.greatest_loading(np.ones((2, 1)), [np.nan]) is None
    assert members.gini(zero) is None
    assert members.saving_share(5.0, 0.0) is None
    assert trade.mean_price([], []) is None
    assert trade.concentration(zero) is None
    assert welfare.value_tapping(1.0, [[0.0]], [[0.0]], [6.0], [3.0]) is None


def test_a_feeder_without_any_solution_has_no_peak():
    nothing = [float("nan")] * 2
    assert grid.peak_import_kw(nothing) is None
    assert grid.peak_export_kw(nothing) is None
    assert grid.peak_apparent_kva(nothing, nothing) is None
    assert grid.peak_import_kw([float("nan"), 2.0]) == 2.0
