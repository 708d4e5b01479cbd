"""The audit's own power flow against published figures, physics, and the kernel it audits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.analysis.audit.check import Findings, Unusable
from gridbazaar.analysis.audit.feeder import Feeder, read_feeder
from gridbazaar.analysis.audit.sweep import balance, solve
from gridbazaar.network import load_feeder, solve_power_flow


def own_feeder(name):
    """A library feeder as the audit lays it out, in an order of its own."""
    feeder = load_feeder(name)
    z = (feeder.r_ohm + 1j * feeder.x_ohm) / (1000.0 * feeder.base_kv**2)
    seen, rows = {feeder.slack}, []
    ends = list(zip(feeder.from_bus.tolist(), feeder.to_bus.tolist(), strict=True))
    while len(seen) < feeder.n_buses:
        for branch, pair in enumerate(ends):
            for parent, bus in (pair, pair[::-1]):
                if parent in seen and bus not in seen:
                    seen.add(bus)
                    rows.append((parent, bus, branch))
    parent, bus, branch = np.array(rows).T
    return feeder, Feeder(feeder.bus_names, feeder.slack, parent, bus, z[branch])


@pytest.mark.parametrize(
    ("name", "v_min", "bus", "loss_kw"),
    [("ieee33_mv", 0.9131, "18", 202.7), ("ieee69_mv", 0.9092, "65", 225.0)],
)
def test_published_cases(name, v_min, bus, loss_kw):
    # Baran and Wu 1989: least voltage, where, and losses.
    feeder, own = own_feeder(name)
    power = -(feeder.load_kw + 1j * feeder.load_kvar)[:, None]
    solution = solve(own, 1.0, power)
    v = np.abs(solution.voltage[:, 0])
    assert v.min() == pytest.approx(v_min, abs=5e-5)
    assert feeder.bus_names[int(v.argmin())] == bus
    assert balance(own, solution, power).loss[0].real == pytest.approx(loss_kw, abs=0.1)


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(["kerala_village_lv", "das28_mv_india", "ieee33_mv", "caracas141_mv"]),
    scale=st.floats(0.0, 1.5),
    reverse=st.floats(0.0, 1.5),
    source=st.floats(0.97, 1.05),
    seed=st.integers(0, 2**32 - 1),
)
def test_it_agrees_with_the_kernel_and_closes(name, scale, reverse, source, seed):
    feeder, own = own_feeder(name)
    rng = np.random.default_rng(seed)
    drawn = feeder.load_kw * rng.uniform(0.0, scale, (4, feeder.n_buses))
    fed = feeder.load_kw * rng.uniform(0.0, reverse, (4, feeder.n_buses))
    kw, kvar = fed - drawn, -0.3 * drawn
    flow = solve_power_flow(feeder.with_source_voltage(source), kw, kvar, 1e-12)
    power = (kw + 1j * kvar).T
    solution = solve(own, source, power)
    assert solution.solved.all() and flow.converged.all()
    np.testing.assert_allclose(np.abs(solution.voltage.T), flow.v_pu, atol=1e-10)
    closed = balance(own, solution, power)
    np.testing.assert_allclose(closed.loss.real, flow.loss_kw, atol=1e-6)
    own_injection = power[own.slack]
    np.testing.assert_allclose(
        closed.source - own_injection, closed.loss - power.sum(axis=0), atol=1e-6
    )
    assert closed.unbalanced.max() < 1e-6


def test_two_buses_follow_ohms_law():
    # 0.4 kV, 0.16 ohm: 0.001 p.u. of 1 kW. Drawn at V = 0.99: S = V (1 - V) / z = 9.9 kW.
    lane = Feeder(("a", "b"), 0, np.array([0]), np.array([1]), np.array([0.001 + 0j]))
    power = np.array([[0.0], [-9.9]], dtype=complex)
    solution = solve(lane, 1.0, power)
    assert solution.voltage[1, 0] == pytest.approx(0.99, abs=1e-12)
    closed = balance(lane, solution, power)
    assert closed.source[0] == pytest.approx(10.0, abs=1e-9)
    assert closed.loss[0] == pytest.approx(0.1, abs=1e-9)


def test_a_closed_switch_carries_what_is_behind_it():
    z = np.array([0.001 + 0j, 0.0 + 0j])
    lane = Feeder(("a", "b", "c"), 0, np.array([0, 1]), np.array([1, 2]), z)
    power = np.array([[0.0], [0.0], [-9.9]], dtype=complex)
    solution = solve(lane, 1.0, power)
    assert solution.voltage[2, 0] == solution.voltage[1, 0]
    assert balance(lane, solution, power).unbalanced.max() < 1e-9


def test_an_interval_without_solution_leaves_the_others_alone():
    # At 0.001 p.u. of 1 kW no more than 1 / (4 z) = 250 kW can be drawn.
    lane = Feeder(("a", "b"), 0, np.array([0]), np.array([1]), np.array([0.001 + 0j]))
    power = np.array([[0.0, 0.0, 0.0], [-10.0, -300.0, -240.0]], dtype=complex)
    solution = solve(lane, 1.0, power)
    assert solution.solved.tolist() == [True, False, True]
    assert np.isnan(solution.voltage[1, 1])
    assert solution.voltage[1, 2].real == pytest.approx(0.5 + 0.5 * np.sqrt(1 - 0.96), abs=1e-9)


BUSES = "bus,p_kw,q_kvar,base_kv\na,0,0,0.4\nb,1,0,0.4\nc,1,0,0.4\n"


@pytest.mark.parametrize(
    "branches",
    [
        "a,b,0.1,0,1\n",  # an island
        "a,b,0.1,0,1\na,c,0.1,0,1\nb,c,0.1,0,1\n",  # a loop
        "a,b,0.1,0,1\nb,x,0.1,0,1\n",  # an unknown bus
        "a,b,0.1,0,1\nb,c,nan,0,1\n",  # no impedance
        "a,b,0.1,0,1\nb,c,0.1,0,0\n",  # an open branch
    ],
)
def test_a_feeder_that_is_no_tree_is_a_finding(tmp_path, branches):
    (tmp_path / "feeder_buses.csv").write_text(BUSES)
    (tmp_path / "feeder_branches.csv").write_text("from,to,r_ohm,x_ohm,closed\n" + branches)
    found = Findings()
    with pytest.raises(Unusable):
        read_feeder(tmp_path, found)
    assert not all(check.ok for check in found.checks())


def test_branches_may_stand_in_any_order_and_direction(tmp_path):
    (tmp_path / "feeder_buses.csv").write_text(BUSES)
    text = "from,to,r_ohm,x_ohm,closed\nc,b,0.16,0,1\nb,a,0.32,0,1\na,c,9,9,0\n"
    (tmp_path / "feeder_branches.csv").write_text(text)
    feeder = read_feeder(tmp_path, Findings())
    assert feeder.parent.tolist() == [0, 1] and feeder.bus.tolist() == [1, 2]
    np.testing.assert_allclose(feeder.z, [0.002, 0.001])


def test_the_source_is_the_bus_that_is_marked(tmp_path):
    text = "bus,p_kw,q_kvar,base_kv,slack\na,0,0,0.4,0\nb,1,0,0.4,1\nc,1,0,0.4,0\n"
    (tmp_path / "feeder_buses.csv").write_text(text)
    text = "from,to,r_ohm,x_ohm,closed\na,b,0.1,0,1\nb,c,0.1,0,1\n"
    (tmp_path / "feeder_branches.csv").write_text(text)
    feeder = read_feeder(tmp_path, Findings())
    assert feeder.slack == 1 and feeder.parent.tolist() == [1, 1]
