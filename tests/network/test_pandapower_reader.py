"""Conversion of pandapower's tables, on stand-ins: pandapower itself is tested in tests/peers."""

import importlib.util

import numpy as np
import pytest

from gridbazaar.network import FeederError, load_feeder
from gridbazaar.network.pandapower_reader import feeder_from_pandapower


class _Table:
    """As much of a data frame as the reader asks for."""

    def __init__(self, rows, index=None):
        self.rows = rows
        self.index = list(range(len(rows))) if index is None else index

    def to_dict(self, orient):
        assert orient == "records"
        return self.rows


def _line(a, b, **more):
    return {
        "from_bus": a,
        "to_bus": b,
        "length_km": 0.5,
        "r_ohm_per_km": 0.2,
        "x_ohm_per_km": 0.08,
        "c_nf_per_km": 10.0,
        "max_i_ka": 0.27,
        "df": 1.0,
        "parallel": 1,
        "in_service": True,
        **more,
    }


def _net(**changes):
    net = {
        "bus": _Table(
            [{"vn_kv": kv, "in_service": True} for kv in (20.0, 0.4, 0.4, 0.4, 0.4)],
            [10, 11, 12, 13, 14],
        ),
        "ext_grid": _Table([{"bus": 10, "vm_pu": 1.02, "in_service": True}]),
        "trafo": _Table(
            [
                {
                    "hv_bus": 10,
                    "lv_bus": 11,
                    "sn_mva": 0.4,
                    "vn_hv_kv": 20.0,
                    "vn_lv_kv": 0.4,
                    "vk_percent": 6.0,
                    "vkr_percent": 1.425,
                    "tap_side": "hv",
                    "tap_pos": -1.0,
                    "tap_neutral": 0.0,
                    "tap_step_percent": 2.5,
                    "parallel": 1,
                    "in_service": True,
                }
            ]
        ),
        "line": _Table([_line(11, 12), _line(12, 13, parallel=2), _line(13, 14), _line(14, 11)]),
        "switch": _Table([{"bus": 14, "element": 3, "et": "l", "closed": False}]),
        "load": _Table(
            [
                {"bus": 12, "p_mw": 0.01, "q_mvar": 0.002, "scaling": 1.0, "in_service": True},
                {"bus": 14, "p_mw": 0.02, "q_mvar": 0.0, "scaling": 0.5, "in_service": True},
                {"bus": 14, "p_mw": 9.0, "q_mvar": 9.0, "scaling": 1.0, "in_service": False},
            ]
        ),
        "sgen": _Table(
            [{"bus": 13, "p_mw": 0.004, "q_mvar": 0.0, "scaling": 1.0, "in_service": True}]
        ),
    }
    return {**net, **changes}


def test_tables_become_a_feeder():
    feeder = feeder_from_pandapower(_net(), "net", "a test")
    assert feeder.bus_names == ("10", "11", "12", "13", "14")
    assert feeder.base_kv == 0.4 and len(feeder.open_ties) == 1
    np.testing.assert_allclose(feeder.r_ohm, [0.1, 0.05, 0.1, 0.01425 * 0.4])
    np.testing.assert_allclose(feeder.x_ohm[3], 0.4 * np.sqrt(0.06**2 - 0.01425**2))
    np.testing.assert_allclose(feeder.i_max_a, [270.0, 540.0, 270.0, 400.0 / np.sqrt(3.0) / 0.4])
    np.testing.assert_allclose(feeder.load_kw, [0.0, 0.0, 10.0, -4.0, 10.0])
    np.testing.assert_allclose(feeder.source_voltage_pu, 1.02 / 0.975)
    assert feeder.n_customers.tolist() == [0, 0, 1, 0, 1]


def test_bus_switches_are_zero_impedances():
    lines = _Table([_line(11, 12), _line(13, 14)])
    switches = _Table(
        [
            {"bus": 12, "element": 13, "et": "b", "closed": True},
            {"bus": 14, "element": 11, "et": "b", "closed": False},
        ]
    )
    feeder = feeder_from_pandapower(_net(line=lines, switch=switches), "net", "a test")
    assert (feeder.r_ohm == 0.0).sum() == 1 and len(feeder.open_ties) == 1


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"switch": _Table([])}, "closes a loop"),
        ({"gen": _Table([{"bus": 12, "in_service": True}])}, "gen 0: gen: such elements"),
        ({"ext_grid": _Table([])}, "0 slack buses"),
        (
            {"ext_grid": _Table([{"bus": b, "vm_pu": 1.0, "in_service": True} for b in (10, 11)])},
            "2 slack buses",
        ),
        ({"line": _Table([_line(11, 12), _line(13, 14)])}, "no path to the slack bus"),
        ({"trafo": _Table([])}, "another voltage level"),
        ({"line": _Table([_line(11, 12, r_ohm_per_km=-1.0)])}, "negative r_ohm"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(changes, what):
    with pytest.raises(FeederError) as caught:
        feeder_from_pandapower(_net(**changes), "net", "a test")
    assert any(what in line and line.startswith("net") for line in caught.value.problems)


def _trafo(**more):
    return {"trafo": _Table([{**_net()["trafo"].rows[0], **more}])}


def _load(**more):
    row = {"bus": 12, "p_mw": 0.01, "q_mvar": 0.002, "scaling": 1.0, "in_service": True}
    return {"load": _Table([{**row, **more}])}


def _switch(**more):
    lines = _Table([_line(11, 12), _line(13, 14), _line(14, 11)])
    row = {"bus": 12, "element": 13, "et": "b", "closed": True}
    return {"line": lines, "switch": _Table([{**row, **more}])}


NAN = float("nan")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        (_switch(z_ohm=0.1), "net: switch 0: z_ohm 0.1: a switch with an impedance"),
        (_switch(element=99), "net: switch 0: element 99: no such bus"),
        (_switch(et="l", element=9, closed=False), "net: switch 0: element 9: no such line"),
        (_trafo(tap_step_degree=5.0), "net: trafo 0: tap_pos -1, tap_step_degree 5: a tap changer"),
        (_trafo(tap_changer_type="Ideal"), "net: trafo 0: tap_pos -1, tap_step_degree 0: a tap"),
        (_trafo(tap_phase_shifter=True), "net: trafo 0: tap_pos -1, tap_step_degree 0: a tap"),
        (_trafo(tap_dependency_table=np.True_), "net: trafo 0: tap_dependency_table"),
        (_trafo(vk_percent=NAN), "net: trafo 0: vk_percent nan, vkr_percent 1.425: not an imp"),
        (_trafo(vkr_percent=NAN), "net: trafo 0: vk_percent 6.0, vkr_percent nan: not an imp"),
        (_trafo(vkr_percent=6.1), "net: trafo 0: vk_percent 6.0, vkr_percent 6.1: not an imp"),
        (_trafo(sn_mva=0.0), "net: trafo 0: sn_mva 0: not a positive"),
        (_trafo(parallel=0), "net: trafo 0: parallel 0: not a positive"),
        (_trafo(vn_hv_kv=NAN), "net: trafo 0: vn_hv_kv nan: not a positive"),
        (_trafo(lv_bus=99), "net: trafo 0: lv_bus 99: no such bus"),
        (_load(const_z_percent=30.0), "net: load 0: const_z_percent 30: only constant power"),
        (_load(const_i_q_percent=1.0), "net: load 0: const_i_q_percent 1: only constant power"),
        (_load(bus=99), "net: load 0: bus 99: no such bus"),
        (_load(bus=[1]), "net: load 0: bus [1]: no such bus"),
        (_load(p_mw="much"), "net: load 0: p_mw 'much': not a number"),
        ({"sgen": _load(bus=99)["load"]}, "net: sgen 0: bus 99: no such bus"),
        ({"line": _Table([_line(11, 99)])}, "net: line 0: to_bus 99: no such bus"),
        ({"line": _Table([_line(11, 12, parallel=0)])}, "net: line 0: parallel 0: not a positive"),
        ({"bus": 5}, "net: bus: 5: not a table"),
        ({"bus": {"a": [1]}}, "net: bus: {'a': [1]}: not a table"),
        ({"bus": _Table([{"kv": 0.4}])}, "net: bus: vn_kv: missing column(s)"),
    ],
)
def test_what_would_change_the_result_unseen_is_refused(changes, what):
    with pytest.raises(FeederError) as caught:
        feeder_from_pandapower(_net(**changes), "net", "a test")
    assert any(line.startswith(what) for line in caught.value.problems), caught.value.problems


def test_elements_at_a_bus_out_of_service_are_left_out():
    net = _net(line=_Table([_line(11, 12), _line(12, 13), _line(13, 14)]), switch=_Table([]))
    net["bus"].rows[4]["in_service"] = False
    feeder = feeder_from_pandapower(net, "net", "a test")
    assert feeder.bus_names == ("10", "11", "12", "13") and feeder.load_kw.sum() == 6.0


@pytest.mark.parametrize(
    ("tap", "ratio", "z"),
    [
        ({}, 1.0 / 0.975, 1.0),
        ({"tap_changer_type": "Ratio"}, 1.0 / 0.975, 1.0),
        ({"tap_changer_type": None}, 1.0, 1.0),  # pandapower 3 ignores such a tap
        ({"tap_side": "lv"}, 0.975, 0.975**2),
        ({"tap_side": None}, 1.0, 1.0),
        ({"tap_neutral": NAN}, 1.0, 1.0),
        ({"tap_pos": 0, "tap_step_degree": 5.0}, 1.0, 1.0),
    ],
)
def test_taps_act_as_in_pandapower(tap, ratio, z):
    feeder = feeder_from_pandapower(_net(**_trafo(**tap)), "net", "a test")
    assert feeder.source_voltage_pu == pytest.approx(1.02 * ratio, rel=1e-12)
    assert feeder.r_ohm[3] == pytest.approx(0.01425 * 0.4 * z, rel=1e-12)


@pytest.mark.skipif(
    importlib.util.find_spec("pandapower") is not None, reason="pandapower is installed here"
)
def test_without_pandapower_the_extra_is_named(tmp_path):
    (tmp_path / "net.json").write_text("{}")
    with pytest.raises(FeederError, match="extra `pandapower`"):
        load_feeder(tmp_path / "net.json")
