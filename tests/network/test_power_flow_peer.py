"""Against power-grid-model's Newton-Raphson and iterative current on random radial feeders."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.network import solve_power_flow

power_grid_model = pytest.importorskip(
    "power_grid_model", reason="power-grid-model is not installed (extra `test`)"
)


def _solved_by(method, feeder, kw, kvar):
    """Which scenarios power-grid-model solves, their voltages and losses [kW]."""
    pgm = power_grid_model
    n, m = feeder.n_buses, feeder.n_branches
    node = pgm.initialize_array("input", "node", n)
    node["id"], node["u_rated"] = np.arange(n), feeder.base_kv * 1e3
    line = pgm.initialize_array("input", "line", m)
    line["id"] = n + np.arange(m)
    line["from_node"], line["to_node"] = feeder.from_bus, feeder.to_bus
    line["from_status"] = line["to_status"] = 1
    line["r1"], line["x1"], line["c1"], line["tan1"] = feeder.r_ohm, feeder.x_ohm, 0.0, 0.0
    line["i_n"] = 1e4
    source = pgm.initialize_array("input", "source", 1)
    source["id"], source["node"], source["status"] = n + m, feeder.slack, 1
    source["u_ref"], source["sk"], source["rx_ratio"] = feeder.source_voltage_pu, 1e20, 0.1
    load = pgm.initialize_array("input", "sym_load", n)
    load["id"], load["node"], load["status"] = n + m + 1 + np.arange(n), np.arange(n), 1
    load["type"] = pgm.LoadGenType.const_power
    load["p_specified"] = load["q_specified"] = 0.0
    model = pgm.PowerGridModel({"node": node, "line": line, "source": source, "sym_load": load})
    update = pgm.initialize_array("update", "sym_load", (len(kw), n))
    update["id"] = load["id"]
    update["p_specified"], update["q_specified"] = -1e3 * kw, -1e3 * kvar
    out = model.calculate_power_flow(
        update_data={"sym_load": update},
        error_tolerance=1e-12,
        max_iterations=100 if method == "newton_raphson" else 2000,
        calculation_method=pgm.CalculationMethod[method],
        output_component_types=["node", "line"],
        continue_on_batch_error=True,
    )
    # Rows of failed scenarios hold garbage.
    solved = np.ones(len(kw), bool)
    if model.batch_error is not None:
        solved[model.batch_error.failed_scenarios] = False
    loss_kw = (out["line"]["p_from"] + out["line"]["p_to"]).sum(axis=1) / 1e3
    return solved, out["node"]["u_pu"][solved], loss_kw[solved]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_buses=st.integers(2, 500), share=st.floats(0.0, 1.0))
def test_random_feeders_with_loads_and_generation(random_feeder, loadability, seed, n_buses, share):
    rng = np.random.default_rng(seed)
    feeder = random_feeder(rng, n_buses)
    load_kw = rng.gamma(1.0, 1.0, n_buses)
    load_kvar = load_kw * rng.normal(0.3, 0.4, n_buses)
    limit = loadability(feeder, -load_kw, -load_kvar)
    # Each scenario its own share of generators, which export what they would else draw.
    generates = rng.random((5, n_buses)) < np.array([0.0, 0.2, 0.5, 1.0, share])[:, None]
    factor = limit * np.array([0.8, 0.8, 0.8, 0.8, rng.uniform(0.0, 0.8)])[:, None]
    kw = factor * np.where(generates, load_kw, -load_kw)
    kvar = -factor * load_kvar
    flow = solve_power_flow(feeder, kw, kvar, 1e-12)
    assert (flow.status == 0).all()
    for method in ("newton_raphson", "iterative_current"):
        solved, v_pu, loss_kw = _solved_by(method, feeder, kw, kvar)
        assert solved[0]  # from a flat start either may fail where all generate
        np.testing.assert_allclose(flow.v_pu[solved], v_pu, rtol=0, atol=1e-8)
        gross = np.abs(kw[solved]).sum(axis=1)
        np.testing.assert_allclose(flow.loss_kw[solved] / gross, loss_kw / gross, rtol=0, atol=1e-8)
