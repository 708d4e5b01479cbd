"""Sensitivities against finite differences of the solver."""

import numpy as np
import pytest

from gridbazaar.network import dv_dp, dv_dq, load_feeder, sensitivity_to, solve_power_flow


@pytest.mark.parametrize("name", ["ieee33_mv", "kerala_village_lv", "caracas141_mv"])
@pytest.mark.parametrize("voltage", [1.0, 1.043])
def test_finite_differences_at_no_load(name, voltage):
    feeder = load_feeder(name).with_source_voltage(voltage)
    n = feeder.n_buses
    step = 1e-3 if feeder.base_kv < 1.0 else 1.0
    bump = step * np.concatenate([np.eye(n), -np.eye(n)])
    zero = np.zeros_like(bump)
    for analytic, kw, kvar in ((dv_dp, bump, zero), (dv_dq, zero, bump)):
        v = solve_power_flow(feeder, kw, kvar, 1e-14).v_pu
        difference = (v[:n] - v[n:]).T / (2.0 * step)
        np.testing.assert_allclose(
            analytic(feeder), difference, rtol=1e-5, atol=1e-6 * np.abs(difference).max()
        )


def test_under_load_it_is_still_the_right_size():
    feeder = load_feeder("ieee33_mv")
    n = feeder.n_buses
    kw = -feeder.load_kw + np.concatenate([np.eye(n), -np.eye(n)])
    kvar = np.tile(-feeder.load_kvar, (2 * n, 1))
    v = solve_power_flow(feeder, kw, kvar, 1e-14).v_pu
    difference = (v[:n] - v[n:]).T / 2.0
    gain = dv_dp(feeder)
    assert np.allclose(gain, difference, rtol=0.35, atol=0.1 * gain.max())
    assert (gain <= difference + 1e-12).all()  # load makes every voltage softer


def test_rows_and_symmetry():
    feeder = load_feeder("ieee69_mv")
    gain = dv_dp(feeder)
    np.testing.assert_array_equal(gain, gain.T)
    np.testing.assert_array_equal(sensitivity_to(feeder, np.array([5, 64])), gain[[5, 64]])
    assert (gain[feeder.slack] == 0.0).all() and (gain >= 0.0).all()
    assert (gain <= np.diagonal(gain)[:, None]).all()  # nobody moves a bus more than itself
