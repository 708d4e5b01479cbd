"""The export envelope: limits hold, nobody is held back without a cause."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.network import (
    VoltageLimits,
    admit_exports,
    dv_dp,
    load_feeder,
    solve_power_flow,
)

LIMITS = VoltageLimits()


def _voltages(feeder, base_kw, kvar, bus, surplus_kw, share):
    kw = base_kw.copy()
    np.add.at(kw.T, bus, share[:, None] * surplus_kw)
    flow = solve_power_flow(feeder, kw, kvar, 1e-10)
    assert flow.converged.all()
    return flow.v_pu


def _case(seed, name="kerala_village_lv", source_voltage=1.043, sellers=20, intervals=12, kw=8.0):
    rng = np.random.default_rng(seed)
    feeder = load_feeder(name).with_source_voltage(source_voltage)
    homes = np.flatnonzero(feeder.load_kw > 0.0)
    bus = rng.choice(homes, sellers, replace=True)
    share_of_load = 0.05 if feeder.base_kv < 1.0 else 0.3
    base = -feeder.load_kw * share_of_load * rng.uniform(0.5, 1.5, (intervals, feeder.n_buses))
    shape = np.sin(np.linspace(0.1, 3.0, intervals))
    surplus = kw * rng.uniform(0.0, 1.0, (sellers, 1)) * shape * rng.uniform(0.8, 1, (sellers, 1))
    return feeder, base, 0.3 * base, bus, surplus


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 2.0, 6.0, 12.0, 40.0]))
def test_limits_hold_and_no_seller_could_export_more(seed, kw):
    feeder, base, kvar, bus, surplus = _case(seed, kw=kw)
    share = admit_exports(feeder, base, kvar, bus, surplus, LIMITS)
    assert ((share >= 0.0) & (share <= 1.0)).all()
    v = _voltages(feeder, base, kvar, bus, surplus, share)
    assert v.max() <= LIMITS.upper_pu
    # Whoever is held back moves, materially, a bus that is at the limit (or next to it: the
    # margin that the others' exports were given is met to some 1e-4 p.u.), or breaks the limit
    # of a bus that it moves a little if it exports 2 % more of its surplus.
    at_limit = (v > LIMITS.upper_pu - 5e-4).any(axis=0)
    gain = dv_dp(feeder)
    for k in np.flatnonzero(share < 1.0 - 1e-6):
        material = gain[:, bus[k]] >= 0.1 * np.diagonal(gain)
        if not (material & at_limit & (gain[:, bus[k]] > 0.0)).any():
            more = share.copy()
            more[k] = min(share[k] + 0.02, 1.0)
            assert _voltages(feeder, base, kvar, bus, surplus, more).max() > LIMITS.upper_pu


def test_nothing_binds_on_a_strong_feeder():
    feeder, base, kvar, bus, surplus = _case(0, kw=0.5)
    assert (admit_exports(feeder, base, kvar, bus, surplus, LIMITS) == 1.0).all()


def test_sellers_on_one_bus_share_alike_and_order_does_not_matter():
    feeder, base, kvar, bus, surplus = _case(4, kw=12.0)
    bus[1] = bus[0]
    surplus[1] = 0.5 * surplus[0]
    share = admit_exports(feeder, base, kvar, bus, surplus, LIMITS)
    assert share[0] == share[1] < 1.0
    order = np.random.default_rng(0).permutation(len(bus))
    again = admit_exports(feeder, base, kvar, bus[order], surplus[order], LIMITS)
    np.testing.assert_allclose(again, share[order], atol=1e-6)


def test_two_lanes_bind_one_after_the_other():
    """A weak and a strong lane from one busbar: the strong one exports on."""
    from gridbazaar.network import Feeder

    feeder = Feeder(
        "fork",
        "a test",
        ("sub", "weak", "strong"),
        0,
        0.4,
        [0, 0],
        [1, 2],
        [0.4, 0.1],
        [0.0, 0.0],
        source_voltage_pu=1.0,
    )
    none = np.zeros((1, 3))
    share = admit_exports(feeder, none, none, [1, 2], [[40.0], [100.0]], LIMITS)
    # V^2 - V = p r for one line without reactance: V = 1.05 at p = 0.0525/r per unit
    exact = 0.0525 * np.array([160.0 / 0.4 / 40.0, 160.0 / 0.1 / 100.0])
    np.testing.assert_allclose(share, exact, atol=1e-4)
    v = _voltages(feeder, none, none, np.array([1, 2]), np.array([[40.0], [100.0]]), share)
    np.testing.assert_allclose(v[0, 1:], 1.05, atol=2e-6)
    assert (v <= 1.05).all()


def test_a_base_above_the_limit_stops_those_that_move_it():
    feeder = load_feeder("kerala_village_lv").with_source_voltage(1.043)
    far, near = feeder.bus_index("70"), feeder.bus_index("4")
    base = np.zeros((2, feeder.n_buses))
    base[0, far] = 15.0
    none = np.zeros_like(base)
    surplus = np.full((2, 2), 1.0)
    assert admit_exports(feeder, base, none, [far, near], surplus, LIMITS).tolist() == [0.0, 1.0]
    # A seller without surplus in the interval that is too high has nothing to do with it.
    surplus[0, 0] = 0.0
    assert admit_exports(feeder, base, none, [far, near], surplus, LIMITS).tolist() == [1.0, 1.0]


def test_undervoltage_never_stops_an_export():
    feeder = load_feeder("kerala_village_lv")
    base = -feeder.load_kw[None]
    far = feeder.bus_index("70")
    assert admit_exports(feeder, base, 0 * base, [far], [[5.0]], LIMITS).tolist() == [1.0]


def test_hopeless_surplus_is_still_bounded():
    """Even an export with no power-flow solution at share 1 gets the share that fits."""
    feeder, base, kvar, bus, surplus = _case(2, kw=1e7)
    share = admit_exports(feeder, base, kvar, bus, surplus, LIMITS)
    assert _voltages(feeder, base, kvar, bus, surplus, share).max() <= LIMITS.upper_pu


def test_no_sellers_and_no_surplus():
    feeder = load_feeder("ieee33_mv")
    none = np.zeros((3, 33))
    assert admit_exports(feeder, none, none, [], np.empty((0, 3)), LIMITS).shape == (0,)
    assert admit_exports(feeder, none, none, [4], np.zeros((1, 3)), LIMITS).tolist() == [1.0]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_town_on_a_medium_voltage_feeder(seed):
    feeder, base, kvar, bus, surplus = _case(seed, "ieee33_mv", 1.03, 350, 48, 60.0)
    share = admit_exports(feeder, base, kvar, bus, surplus, LIMITS)
    v = _voltages(feeder, base, kvar, bus, surplus, share)
    assert v.max() <= LIMITS.upper_pu
    assert share.min() < 1.0 and v.max() > LIMITS.upper_pu - 1e-3


@pytest.mark.parametrize(
    ("bus", "surplus", "message"),
    [
        ([33], [[1.0]], "give 0 to 32"),
        ([-1], [[1.0]], "give 0 to 32"),
        ([1], [[-1.0]], "finite number >= 0"),
        ([1], [[np.nan]], "finite number >= 0"),
        ([1], [[1.0, 1.0]], r"\(sellers, intervals\)"),
    ],
)
def test_bad_input_is_named(bus, surplus, message):
    feeder = load_feeder("ieee33_mv")
    none = np.zeros((1, 33))
    with pytest.raises(ValueError, match=message):
        admit_exports(feeder, none, none, bus, surplus, LIMITS)
