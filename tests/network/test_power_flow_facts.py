"""Published figures and loadability limits of the power flow."""

import numpy as np
import pytest

from gridbazaar.network import load_feeder, solve_power_flow


def _scaled(feeder, factors, **options):
    factors = np.atleast_1d(factors)
    return solve_power_flow(
        feeder, np.outer(factors, -feeder.load_kw), np.outer(factors, -feeder.load_kvar), **options
    )


@pytest.mark.parametrize(
    ("name", "v_min", "bus", "loss_kw", "loss_kvar"),
    [
        ("ieee33_mv", 0.913090, "18", 202.677, 135.141),
        ("ieee69_mv", 0.909188, "65", 224.992, 102.158),
        ("caracas141_mv", 0.927862, "87", 632.696, None),
    ],
)
def test_published_solutions(name, v_min, bus, loss_kw, loss_kvar):
    feeder = load_feeder(name)
    flow = _scaled(feeder, 1.0)
    assert flow.v_pu.min() == pytest.approx(v_min, abs=5.1e-7)
    assert feeder.bus_names[int(flow.v_pu[0].argmin())] == bus
    assert flow.loss_kw[0] == pytest.approx(loss_kw, abs=5.1e-4)
    if loss_kvar is not None:
        assert flow.loss_kvar[0] == pytest.approx(loss_kvar, abs=5.1e-4)


@pytest.mark.parametrize(
    ("name", "nose"), [("ieee33_mv", 3.62218), ("ieee69_mv", 3.2117), ("caracas141_mv", 4.2153)]
)
def test_loadability_limit_is_newtons(name, nose):
    feeder = load_feeder(name)
    below = _scaled(feeder, nose * np.array([0.5, 0.9, 0.999]))
    assert (below.status == 0).all()
    # Newton's limit is given to its last digit; past it there is no solution, hence no number.
    beyond = _scaled(feeder, nose * np.array([1.002, 1.01, 1.5, 3.0, 100.0]))
    assert (beyond.status == 2).all()
    assert np.isnan(beyond.v_pu).all() and np.isnan(beyond.loss_kw).all()


def test_33_bus_nose():
    feeder = load_feeder("ieee33_mv")
    flow = _scaled(feeder, [3.5, 3.62, 3.63])
    assert flow.status.tolist() == [0, 0, 2]
    assert flow.v_pu[0].min() == pytest.approx(0.5275, abs=5e-5)


def test_slow_convergence_is_told_as_an_iteration_limit():
    feeder = load_feeder("ieee33_mv")
    flow = _scaled(feeder, 3.6, max_iterations=5)
    assert flow.status.tolist() == [1] and flow.iterations.tolist() == [5]
    assert np.isfinite(flow.v_pu).all()


def test_the_slack_bus_holds_its_voltage_and_its_injection_is_ignored():
    feeder = load_feeder("ieee33_mv").with_source_voltage(1.02)
    kw, kvar = -feeder.load_kw[None].copy(), -feeder.load_kvar[None]
    flow = solve_power_flow(feeder, kw, kvar)
    kw[0, feeder.slack] = 1e9
    again = solve_power_flow(feeder, kw, kvar)
    assert flow.v_pu[0, feeder.slack] == 1.02
    np.testing.assert_array_equal(flow.v_pu, again.v_pu)
    assert flow.source_kw[0] == pytest.approx(feeder.load_kw.sum() + flow.loss_kw[0])


def test_one_bus_alone_is_a_feeder_too():
    from gridbazaar.network import Feeder

    alone = Feeder("alone", "a test", ("a",), 0, 0.4, [], [], [], [])
    flow = solve_power_flow(alone, np.zeros((2, 1)), np.zeros((2, 1)))
    assert flow.v_pu.tolist() == [[1.0], [1.0]] and flow.loss_kw.tolist() == [0.0, 0.0]


def test_an_empty_batch():
    feeder = load_feeder("das12_mv_india")
    for parallel in (False, True):
        flow = solve_power_flow(feeder, np.empty((0, 12)), np.empty((0, 12)), parallel=parallel)
        assert flow.v_pu.shape == (0, 12) and flow.loss_kw.shape == (0,)


def test_bad_input_is_named():
    feeder = load_feeder("das12_mv_india")
    kw = np.zeros((3, 12))
    with pytest.raises(ValueError, match=r"shape \(n_scenarios, 12\)"):
        solve_power_flow(feeder, kw[0], kw[0])
    with pytest.raises(ValueError, match=r"shape \(n_scenarios, 12\)"):
        solve_power_flow(feeder, kw, kw[:2])
    kw[1, 4] = np.nan
    with pytest.raises(ValueError, match=r"injection_kvar\[1, 4\] \(bus '5'\): nan"):
        solve_power_flow(feeder, np.zeros((3, 12)), kw)
    with pytest.raises(ValueError, match=r"injection_kw\[1, 4\]"):
        solve_power_flow(feeder, kw, np.zeros((3, 12)), parallel=True)
    with pytest.raises(ValueError, match="tolerance_pu > 0"):
        solve_power_flow(feeder, np.zeros((1, 12)), np.zeros((1, 12)), 0.0)
    with pytest.raises(ValueError, match="beyond the range"):
        solve_power_flow(feeder, np.full((1, 12), 1e308), np.zeros((1, 12)))


def test_read_only_and_integer_input_is_taken():
    feeder = load_feeder("das12_mv_india")
    whole = np.rint(-feeder.load_kw[None]).astype(int)
    whole.flags.writeable = False
    flow = solve_power_flow(feeder, whole, whole.tolist())
    assert flow.converged.all()
