"""Branch flows, currents, loading and phasors."""

import numpy as np
import pytest

from gridbazaar.network import (
    branch_flows,
    complex_voltages,
    flows_from_voltages,
    load_feeder,
    solve_power_flow,
)


def _solved(feeder, seed=0, count=6, tolerance=1e-13):
    rng = np.random.default_rng(seed)
    kw = rng.uniform(-1.5, 1.5, (count, feeder.n_buses)) * feeder.load_kw
    kvar = rng.uniform(-1.0, 0.0, (count, feeder.n_buses)) * feeder.load_kw
    return kw, kvar, solve_power_flow(feeder, kw, kvar, tolerance)


@pytest.mark.parametrize("name", ["ieee33_mv", "kerala_village_lv"])
def test_sums_and_ohms_law_agree(name):
    feeder = load_feeder(name)
    kw, kvar, flow = _solved(feeder)
    summed = branch_flows(feeder, kw, kvar, flow.v_pu)
    by_law = flows_from_voltages(feeder, complex_voltages(feeder, kw, kvar, flow.v_pu))
    for key in ("from_kw", "from_kvar", "to_kw", "to_kvar", "current_a"):
        np.testing.assert_allclose(
            getattr(summed, key), getattr(by_law, key), rtol=1e-6, atol=1e-6, err_msg=key
        )


def test_losses_are_the_sum_of_both_ends():
    feeder = load_feeder("ieee69_mv")
    kw, kvar, flow = _solved(feeder)
    flows = branch_flows(feeder, kw, kvar, flow.v_pu)
    np.testing.assert_allclose((flows.from_kw + flows.to_kw).sum(axis=1), flow.loss_kw, rtol=1e-9)
    np.testing.assert_allclose(
        (flows.from_kvar + flows.to_kvar).sum(axis=1), flow.loss_kvar, rtol=1e-9
    )
    np.testing.assert_allclose(flow.source_kw, flow.loss_kw - np.delete(kw, 0, 1).sum(axis=1))


def test_direction_of_a_branch_only_swaps_its_ends(random_feeder):
    feeder = random_feeder(np.random.default_rng(2), 40)
    rng = np.random.default_rng(3)
    kw, kvar = rng.normal(0.0, 10.0, (2, 4, 40))
    flow = solve_power_flow(feeder, kw, kvar, 1e-13)
    flows = branch_flows(feeder, kw, kvar, flow.v_pu)
    into = np.zeros_like(kw)
    for row in range(4):
        np.add.at(into[row], feeder.from_bus, flows.from_kw[row])
        np.add.at(into[row], feeder.to_bus, flows.to_kw[row])
    away = np.arange(40) != feeder.slack
    np.testing.assert_allclose(into[:, away], kw[:, away], atol=1e-9)
    np.testing.assert_allclose(into[:, feeder.slack], flow.source_kw, rtol=1e-9)


def test_loading_where_the_ampacity_is_known():
    feeder = load_feeder("kerber_village_lv")
    kw, kvar = -feeder.load_kw[None], -feeder.load_kvar[None]
    flows = branch_flows(feeder, kw, kvar, solve_power_flow(feeder, kw, kvar).v_pu)
    np.testing.assert_allclose(flows.loading, flows.current_a / feeder.i_max_a)
    assert 0.5 < flows.loading.max() < 1.5
    village = load_feeder("kerala_village_lv")
    unknown = branch_flows(village, kw, kvar, solve_power_flow(village, kw, kvar).v_pu).loading
    assert np.isfinite(unknown[0, 0]) and np.isnan(unknown[0, 1:]).all()


def test_diverged_rows_stay_nan_and_shapes_are_checked():
    feeder = load_feeder("ieee33_mv")
    kw = np.outer([-1.0, -9.0], feeder.load_kw)
    flow = solve_power_flow(feeder, kw, kw)
    flows = branch_flows(feeder, kw, kw, flow.v_pu)
    assert np.isfinite(flows.current_a[0]).all() and np.isnan(flows.current_a[1]).all()
    with pytest.raises(ValueError, match="all must have the shape"):
        branch_flows(feeder, kw, kw, flow.v_pu[:1])
