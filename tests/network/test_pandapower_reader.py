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


@pytest.mark.skipif(
    importlib.util.find_spec("pandapower") is not None, reason="pandapower is installed here"
)
def test_without_pandapower_the_extra_is_named(tmp_path):
    (tmp_path / "net.json").write_text("{}")
    with pytest.raises(FeederError, match="extra `pandapower`"):
        load_feeder(tmp_path / "net.json")
