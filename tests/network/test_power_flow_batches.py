"""A scenario's result depends on itself alone, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.network import Feeder, load_feeder, solve_power_flow


def _batch(feeder, rng, count, spread=1.5):
    factor = rng.uniform(-spread, spread, (count, feeder.n_buses))
    return factor * feeder.load_kw, factor * feeder.load_kvar


def _assert_same(a, b, rows=slice(None)):
    for key in ("v_pu", "status", "iterations", "loss_kw", "loss_kvar", "source_kw", "source_kvar"):
        np.testing.assert_array_equal(getattr(a, key)[rows], getattr(b, key), err_msg=key)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.sampled_from(["ieee33_mv", "ieee69_mv"]))
def test_permutation_and_parts(seed, count, name):
    feeder, rng = load_feeder(name), np.random.default_rng(seed)
    kw, kvar = _batch(feeder, rng, count, spread=4.0)  # some of these collapse
    whole = solve_power_flow(feeder, kw, kvar)
    order = rng.permutation(count)
    _assert_same(whole, solve_power_flow(feeder, kw[order], kvar[order]), order)
    cut = int(rng.integers(0, count + 1))
    for part in (slice(0, cut), slice(cut, None)):
        _assert_same(whole, solve_power_flow(feeder, kw[part], kvar[part]), part)


@pytest.mark.parametrize("count", [1, 2, 3, 15, 16, 17, 63, 64, 65, 200])
def test_one_by_one_and_parallel(count):
    feeder, rng = load_feeder("ieee33_mv"), np.random.default_rng(count)
    kw, kvar = _batch(feeder, rng, count)
    whole = solve_power_flow(feeder, kw, kvar)
    _assert_same(solve_power_flow(feeder, kw, kvar, parallel=True), whole)
    for i in range(count):
        _assert_same(whole, solve_power_flow(feeder, kw[i : i + 1], kvar[i : i + 1]), [i])


def test_the_narrower_blocks_of_large_feeders(random_feeder):
    rng = np.random.default_rng(5)
    feeder = random_feeder(rng, 2100)
    kw, kvar = rng.normal(0.0, 0.05, (2, 21, 2100))
    whole = solve_power_flow(feeder, kw, kvar)
    assert (whole.status == 0).all()
    _assert_same(whole, solve_power_flow(feeder, kw[4:5], kvar[4:5]), [4])
    _assert_same(solve_power_flow(feeder, kw, kvar, parallel=True), whole)


def test_collapsing_neighbours_change_nothing():
    feeder, rng = load_feeder("ieee33_mv"), np.random.default_rng(7)
    kw, kvar = _batch(feeder, rng, 200)
    alone = solve_power_flow(feeder, kw, kvar)
    assert (alone.status == 0).all()
    bad = np.sort(rng.choice(300, 100, replace=False))
    good = np.setdiff1d(np.arange(300), bad)
    mixed_kw, mixed_kvar = np.empty((2, 300, 33))
    mixed_kw[good], mixed_kvar[good] = kw, kvar
    factor = rng.choice([3.63, 4.0, 10.0, 1e6, 1e150], 100)[:, None]
    mixed_kw[bad], mixed_kvar[bad] = -factor * feeder.load_kw, -factor * feeder.load_kvar
    mixed = solve_power_flow(feeder, mixed_kw, mixed_kvar)
    assert (mixed.status[bad] == 2).all() and np.isnan(mixed.v_pu[bad]).all()
    _assert_same(mixed, alone, good)


def test_the_order_of_buses_and_branches_does_not_matter(random_feeder):
    """Renumbered, the same feeder gives the same voltages (to rounding: sums change order)."""
    rng = np.random.default_rng(11)
    feeder = random_feeder(rng, 60)
    kw, kvar = rng.normal(0.0, 20.0, (2, 9, 60))
    there = rng.permutation(60)
    back = np.argsort(there)
    rows = rng.permutation(59)
    other = Feeder(
        "renumbered",
        "a test",
        tuple(feeder.bus_names[i] for i in there),
        int(back[feeder.slack]),
        feeder.base_kv,
        back[feeder.to_bus][rows],
        back[feeder.from_bus][rows],
        feeder.r_ohm[rows],
        feeder.x_ohm[rows],
        source_voltage_pu=feeder.source_voltage_pu,
    )
    one = solve_power_flow(feeder, kw, kvar, 1e-13)
    two = solve_power_flow(other, kw[:, there], kvar[:, there], 1e-13)
    assert (one.status == 0).all()
    np.testing.assert_allclose(two.v_pu, one.v_pu[:, there], rtol=0, atol=1e-12)
