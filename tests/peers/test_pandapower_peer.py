"""Against pandapower, which needs an environment of its own (it pins pandas 2)."""

import numpy as np
import pytest

from gridbazaar.network import Feeder, FeederError, load_feeder, solve_power_flow
from gridbazaar.network.pandapower_reader import feeder_from_pandapower

pandapower = pytest.importorskip(
    "pandapower", reason="pandapower is not installed; it needs an environment of its own"
)


def _network(feeder, kw, kvar):
    net = pandapower.create_empty_network(sn_mva=1.0)
    for name in feeder.bus_names:
        pandapower.create_bus(net, vn_kv=feeder.base_kv, name=name)
    pandapower.create_ext_grid(net, feeder.slack, vm_pu=feeder.source_voltage_pu)
    for a, b, r, x in zip(
        feeder.from_bus.tolist(),
        feeder.to_bus.tolist(),
        feeder.r_ohm.tolist(),
        feeder.x_ohm.tolist(),
        strict=True,
    ):
        pandapower.create_line_from_parameters(
            net, a, b, 1.0, r_ohm_per_km=r, x_ohm_per_km=x, c_nf_per_km=0.0, max_i_ka=1.0
        )
    for bus in range(feeder.n_buses):
        pandapower.create_load(net, bus, p_mw=-kw[bus] / 1e3, q_mvar=-kvar[bus] / 1e3)
    return net


def _random_feeder(rng, n_buses):
    parent = [int(rng.integers(max(0, i - 4), i)) for i in range(1, n_buses)]
    r = np.exp(rng.normal(-2.0, 1.0, n_buses - 1))
    return Feeder(
        "random",
        "a random tree",
        tuple(map(str, range(n_buses))),
        0,
        11.0,
        parent,
        range(1, n_buses),
        r,
        r * np.exp(rng.normal(0.0, 1.0, n_buses - 1)),
    )


def _limit(feeder, kw, kvar):
    """About the largest factor on the injections that has a solution."""
    factor = np.geomspace(1e-3, 1e6, 400)
    flow = solve_power_flow(feeder, np.outer(factor, kw), np.outer(factor, kvar), 1e-8, 300)
    return factor[int(np.argmin(flow.status == 0)) - 1]


@pytest.mark.parametrize("n_buses", [2, 5, 20, 60, 150, 500])
@pytest.mark.parametrize("generation", [0.0, 0.5])
def test_random_feeders(n_buses, generation):
    rng = np.random.default_rng(n_buses)
    feeder = _random_feeder(rng, n_buses)
    load = rng.gamma(1.0, 1.0, n_buses)
    load[feeder.slack] = 0.0
    factor = 0.8 * _limit(feeder, -load, -0.3 * load)
    sign = np.where(rng.random(n_buses) < generation, 1.0, -1.0)
    kw, kvar = factor * sign * load, -0.3 * factor * load
    flow = solve_power_flow(feeder, kw[None], kvar[None], 1e-12)
    net = _network(feeder, kw, kvar)
    # 1e-12 of the load; below the rounding of the stiffest branch's flow no mismatch can fall.
    stiffest = feeder.base_kv**2 / np.hypot(feeder.r_ohm, feeder.x_ohm).min()
    tolerance_mva = 1e-12 * np.abs(kw).sum() / 1e3 + 1e-15 * stiffest
    pandapower.runpp(
        net, algorithm="nr", init="flat", tolerance_mva=tolerance_mva, max_iteration=50
    )
    assert flow.status.tolist() == [0]
    np.testing.assert_allclose(flow.v_pu[0], net.res_bus.vm_pu.to_numpy(), rtol=0, atol=1e-8)
    loss_kw = 1e3 * net.res_line.pl_mw.sum()
    assert flow.loss_kw[0] == pytest.approx(loss_kw, rel=1e-6, abs=1e-6)


def test_a_written_network_is_read_back(tmp_path):
    known = load_feeder("ieee33_mv")
    net = _network(known, -known.load_kw, -known.load_kvar)
    pandapower.to_json(net, str(tmp_path / "net.json"))
    feeder = load_feeder(tmp_path / "net.json")
    for key in ("load_kw", "load_kvar", "r_ohm", "x_ohm"):
        np.testing.assert_allclose(getattr(feeder, key), getattr(known, key), rtol=1e-9)


def test_a_kerber_network_is_the_shipped_feeder():
    import pandapower.networks

    net = pandapower.networks.create_kerber_dorfnetz()
    feeder = feeder_from_pandapower(net, "kerber", "Kerber 2011")
    shipped = load_feeder("kerber_village_lv")
    assert feeder.n_buses == shipped.n_buses
    assert feeder.load_kw.sum() == pytest.approx(shipped.load_kw.sum())
    flow = solve_power_flow(feeder, -feeder.load_kw[None], -feeder.load_kvar[None])
    ratio = feeder.source_voltage_pu
    known = solve_power_flow(
        shipped.with_source_voltage(ratio), -shipped.load_kw[None], -shipped.load_kvar[None]
    )
    assert flow.loss_kw[0] == pytest.approx(known.loss_kw[0], rel=1e-3)


@pytest.mark.parametrize(
    "name", ["create_kerber_landnetz_kabel_1", "create_kerber_vorstadtnetz_kabel_1"]
)
def test_a_real_network_from_json_solves_as_in_pandapower(tmp_path, name):
    import pandapower.networks

    net = getattr(pandapower.networks, name)()
    net.line["c_nf_per_km"] = 0.0  # what the reader neglects, by its documentation
    net.trafo["i0_percent"] = net.trafo["pfe_kw"] = 0.0
    pandapower.to_json(net, str(tmp_path / "net.json"))
    feeder = load_feeder(tmp_path / "net.json")
    pandapower.runpp(net, tolerance_mva=1e-10)
    flow = solve_power_flow(feeder, -feeder.load_kw[None], -feeder.load_kvar[None], 1e-12)
    known = net.res_bus.vm_pu.loc[[int(bus) for bus in feeder.bus_names]].to_numpy()
    # The source's bus stands for its voltage as seen from the feeder's level, after the tap.
    away = np.arange(feeder.n_buses) != feeder.slack
    np.testing.assert_allclose(flow.v_pu[0, away], known[away], rtol=0, atol=1e-7)
    lost = 1e3 * (net.res_line.pl_mw.sum() + net.res_trafo.pl_mw.sum())
    assert flow.loss_kw[0] == pytest.approx(lost, rel=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"tap_pos": 2.0, "tap_side": "hv"},
        {"tap_pos": -2.0, "tap_side": "lv", "parallel": 2},
        {"tap_pos": 2.0, "tap_changer_type": None},
        {"tap_pos": 1.0, "tap_neutral": -1.0, "tap_changer_type": "Symmetrical"},
        {"vn_lv_kv": 0.42, "vn_hv_kv": 19.5},
    ],
)
def test_the_source_transformer_acts_as_in_pandapower(tmp_path, change):
    net = pandapower.create_empty_network()
    buses = [pandapower.create_bus(net, vn_kv=kv) for kv in (20.0, 0.4, 0.4, 0.4)]
    pandapower.create_ext_grid(net, buses[0], vm_pu=1.01)
    pandapower.create_transformer(net, *buses[:2], "0.4 MVA 20/0.4 kV")
    net.trafo["i0_percent"] = net.trafo["pfe_kw"] = 0.0
    for key, value in change.items():
        net.trafo[key] = value
    for a, b in ((1, 2), (1, 3)):
        pandapower.create_line_from_parameters(net, a, b, 0.2, 0.2, 0.08, 0.0, 0.27)
    pandapower.create_load(net, 2, p_mw=0.05, q_mvar=0.02)
    pandapower.create_load(net, 3, p_mw=0.03, q_mvar=0.01, scaling=0.5)
    pandapower.create_sgen(net, 3, p_mw=0.08)
    pandapower.to_json(net, str(tmp_path / "net.json"))
    feeder = load_feeder(tmp_path / "net.json")
    pandapower.runpp(net, tolerance_mva=1e-12, max_iteration=50)
    flow = solve_power_flow(feeder, -feeder.load_kw[None], -feeder.load_kvar[None], 1e-13)
    np.testing.assert_allclose(flow.v_pu[0, 1:], net.res_bus.vm_pu.to_numpy()[1:], atol=1e-9)


@pytest.mark.parametrize(
    "text", ['{"bus": 5}', '{"bus": {"a": [1]}}', '{"bus": null, "line": 3}', "[1]", "5", ""]
)
def test_json_of_another_kind_is_told_without_a_traceback(tmp_path, text):
    (tmp_path / "net.json").write_text(text)
    with pytest.raises(FeederError) as error:
        load_feeder(tmp_path / "net.json")
    assert all(line.startswith(("net", str(tmp_path))) for line in error.value.problems)


def test_a_json_file_that_is_no_network_is_refused(tmp_path):
    (tmp_path / "net.json").write_text('{"some": "thing"}')
    with pytest.raises(FeederError) as error:
        load_feeder(tmp_path / "net.json")
    assert "not a pandapower network" in error.value.problems[0]
