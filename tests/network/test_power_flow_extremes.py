"""Zero impedances, odd R/X, reverse flow: what a sweep must survive."""

import numpy as np
import pytest

from gridbazaar.network import Feeder, flows_from_voltages, load_feeder, solve_power_flow
from gridbazaar.network.branches import complex_voltages


def _residual_kw(feeder, kw, kvar, v_pu):
    """Worst mismatch between injections and Ohm's law at the buses [kW or kvar]."""
    flows = flows_from_voltages(feeder, complex_voltages(feeder, kw, kvar, v_pu))
    worst = 0.0
    for given, at_from, at_to in (
        (kw, flows.from_kw, flows.to_kw),
        (kvar, flows.from_kvar, flows.to_kvar),
    ):
        into = np.zeros_like(given)
        for row in range(len(given)):
            np.add.at(into[row], feeder.from_bus, at_from[row])
            np.add.at(into[row], feeder.to_bus, at_to[row])
        off = np.delete(given - into, feeder.slack, axis=1)
        worst = max(worst, float(np.abs(off).max()))
    return worst


@pytest.mark.parametrize(
    "name", ["ieee33_mv", "caracas141_mv", "kerala_village_lv", "ieee_euro_lv"]
)
def test_solutions_obey_ohms_and_kirchhoffs_laws(name):
    feeder = load_feeder(name)
    rng = np.random.default_rng(3)
    factor = rng.uniform(-1.5, 1.5, (20, feeder.n_buses))
    kw, kvar = (
        factor * feeder.load_kw,
        rng.uniform(-0.5, 0.5, (20, feeder.n_buses)) * (feeder.load_kw),
    )
    flow = solve_power_flow(feeder, kw, kvar, 1e-13)
    assert (flow.status == 0).all()
    # Bounded by rounding: voltages to 1e-15 over the shortest branch's admittance.
    admittance = 1000.0 * feeder.base_kv**2 / np.hypot(feeder.r_ohm, feeder.x_ohm).min()
    assert _residual_kw(feeder, kw, kvar, flow.v_pu) < 1e-13 * admittance + 1e-9


def test_reverse_flow_to_twenty_times_the_peak():
    feeder = load_feeder("ieee33_mv")
    factor = np.linspace(0.0, 20.0, 41)
    flow = solve_power_flow(
        feeder, np.outer(factor, feeder.load_kw), np.outer(factor, feeder.load_kvar)
    )
    assert (flow.status == 0).all()
    assert (np.diff(flow.v_pu.max(axis=1)) > 0.0).all()
    assert (flow.source_kw[1:] < 0.0).all()


@pytest.mark.parametrize("ratio", [0.01, 0.1, 1.0, 100.0, 1e6])
def test_any_ratio_of_resistance_to_reactance(ratio):
    base = load_feeder("ieee33_mv")
    z = np.hypot(base.r_ohm, base.x_ohm)
    x = z / np.hypot(1.0, ratio)
    feeder = Feeder(
        "skewed",
        "a test",
        base.bus_names,
        0,
        base.base_kv,
        base.from_bus,
        base.to_bus,
        ratio * x,
        x,
    )
    kw, kvar = -base.load_kw[None], -base.load_kvar[None]
    flow = solve_power_flow(feeder, kw, kvar, 1e-13)
    assert flow.status.tolist() == [0]
    assert _residual_kw(feeder, kw, kvar, flow.v_pu) < 1e-6


def test_zero_impedance_branches_join_their_buses():
    """A closed switch in each line changes nothing but adds a bus of the same voltage."""
    base = load_feeder("ieee33_mv")
    n = base.n_buses
    switched = np.arange(n - 1) % 3 == 0
    new = n + np.cumsum(switched) - 1
    from_bus = np.concatenate([base.from_bus, base.from_bus[switched]])
    from_bus[: n - 1][switched] = new[switched]
    to_bus = np.concatenate([base.to_bus, new[switched]])
    extra = int(switched.sum())
    feeder = Feeder(
        "switched",
        "a test",
        tuple(str(i) for i in range(n + extra)),
        0,
        base.base_kv,
        from_bus,
        to_bus,
        np.append(base.r_ohm, np.zeros(extra)),
        np.append(base.x_ohm, np.zeros(extra)),
    )
    kw = np.zeros((20, n + extra))
    kvar = np.zeros_like(kw)
    factor = np.linspace(-3.0, 3.0, 20)
    kw[:, :n], kvar[:, :n] = np.outer(factor, base.load_kw), np.outer(factor, base.load_kvar)
    flow = solve_power_flow(feeder, kw, kvar)
    plain = solve_power_flow(base, kw[:, :n], kvar[:, :n])
    assert (flow.status == 0).all()
    np.testing.assert_allclose(flow.v_pu[:, :n], plain.v_pu, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(flow.v_pu[:, n:], flow.v_pu[:, base.from_bus[switched]])


def test_all_branches_may_be_switches():
    feeder = Feeder(
        "switches", "a test", ("a", "b", "c"), 1, 0.4, [0, 2], [1, 1], [0.0, 0.0], [0.0, 0.0]
    )
    flow = solve_power_flow(feeder, np.full((5, 3), -9.0), np.full((5, 3), 4.0))
    assert (flow.v_pu == 1.0).all() and (flow.loss_kw == 0.0).all()
    np.testing.assert_allclose(flow.source_kw, 18.0)


@pytest.mark.parametrize(("r", "x"), [(1.0, 0.0), (0.8, 0.6), (0.2, 0.98), (0.0, 1.0)])
def test_a_line_of_two_buses_is_solved_wherever_it_can_be(r, x):
    """U^2 + (2 (r P + x Q) - 1) U + |z|^2 (P^2 + Q^2) = 0 for a load P + jQ: its upper root."""
    feeder = Feeder("two", "a line", ("a", "b"), 0, 1.0, [0], [1], [1e3 * r], [1e3 * x])
    rng = np.random.default_rng(5)
    power = np.zeros((2, 4000, 2))
    power[:, :, 1] = rng.uniform(-3.0, 3.0, (2, 4000))
    power[:, :4, 1] = [
        [2.0, 1.0, 1.0, 0.0],
        [0.0, 1.0, -1.0, 0.0],
    ]  # flat is the lower root of some
    p, q = -power[0, :, 1], -power[1, :, 1]
    half = 0.5 - r * p - x * q
    under_root = half**2 - (r**2 + x**2) * (p**2 + q**2)
    solvable = (under_root >= 0.0) & (half > 0.0)
    v = np.sqrt(half + np.sqrt(np.where(solvable, under_root, np.nan)))
    assert 200 < np.count_nonzero(solvable) < 4000
    flow = solve_power_flow(feeder, *power, 1e-12, 100_000)
    np.testing.assert_array_equal(flow.status, np.where(solvable, 0, 2))
    np.testing.assert_allclose(flow.v_pu[:, 1], v, rtol=0, atol=1e-6)
    away = under_root > 1e-3  # at the limit both roots meet, and rounding decides
    np.testing.assert_allclose(flow.v_pu[away, 1], v[away], rtol=0, atol=1e-9)


def test_an_infinite_source_is_no_solution():
    feeder = load_feeder("ieee33_mv").with_source_voltage(1e200)
    flow = solve_power_flow(feeder, -feeder.load_kw[None], -feeder.load_kvar[None])
    assert flow.status.tolist() == [2]
