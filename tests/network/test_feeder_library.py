"""Every shipped feeder against its published figures."""

import numpy as np
import pytest

from gridbazaar.network import (
    FeederError,
    feeder_index,
    feeder_names,
    load_feeder,
    solve_power_flow,
)


def _nominal(feeder):
    return solve_power_flow(feeder, -feeder.load_kw[None], -feeder.load_kvar[None], 1e-12)


def test_the_library_holds_all_fourteen_feeders():
    assert len(feeder_names()) == 14
    assert "kerala_village_lv" in feeder_names()


@pytest.mark.parametrize("name", feeder_names())
def test_published_losses_and_least_voltage(name):
    feeder, entry = load_feeder(name), feeder_index()[name]
    flow = _nominal(feeder)
    assert flow.status.tolist() == [0]
    decimals = len(repr(entry.loss_kw).partition(".")[2])  # as many as the figure has
    assert flow.loss_kw[0] == pytest.approx(entry.loss_kw, abs=0.51 * 10.0**-decimals)
    assert flow.v_pu.min() == pytest.approx(entry.v_min_pu, abs=0.5001e-4)
    assert feeder.bus_names[int(flow.v_pu[0].argmin())] == entry.v_min_bus


@pytest.mark.parametrize("name", feeder_names())
def test_sizes_and_sources(name):
    feeder, entry = load_feeder(name), feeder_index()[name]
    assert (feeder.n_buses, len(feeder.open_ties)) == (entry.n_buses, entry.n_open_ties)
    assert feeder.n_branches == feeder.n_buses - 1
    assert feeder.base_kv == entry.base_kv
    assert feeder.load_kw.sum() == pytest.approx(entry.load_kw, abs=0.051)
    assert feeder.load_kvar.sum() == pytest.approx(entry.load_kvar, abs=0.051)
    assert feeder.source and feeder.bus_names[feeder.slack] == "1"


def test_kerala_village_is_kerbers_with_overhead_line():
    cable, line = load_feeder("kerber_village_lv"), load_feeder("kerala_village_lv")
    assert line.bus_names == cable.bus_names
    assert (line.r_ohm[0], line.x_ohm[0]) == (cable.r_ohm[0], cable.x_ohm[0])  # transformer
    np.testing.assert_allclose(line.r_ohm[1:], 2.67 * cable.r_ohm[1:], rtol=1e-7)
    np.testing.assert_allclose(line.x_ohm[1:], 4.3 * cable.x_ohm[1:], rtol=1e-7)
    assert np.isnan(line.i_max_a[1:]).all() and line.i_max_a[0] == cable.i_max_a[0]
    assert line.n_customers.sum() == 57


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(FeederError) as caught:
        load_feeder("ieee34")
    assert "ieee33_mv" in caught.value.problems[0]
    with pytest.raises(FeederError, match="no such bus"):
        load_feeder("ieee33_mv").bus_index("34")


def test_source_voltage_moves_every_bus_and_shares_the_tree():
    feeder = load_feeder("kerala_village_lv")
    arrays = feeder.sweep_arrays
    raised = feeder.with_source_voltage(1.043)
    assert raised.sweep_arrays is arrays
    assert raised.source_voltage_pu == 1.043 and feeder.source_voltage_pu == 1.0
    assert (_nominal(raised).v_pu > _nominal(feeder).v_pu).all()


def test_arrays_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        load_feeder("ieee33_mv").r_ohm[0] = 0.0
