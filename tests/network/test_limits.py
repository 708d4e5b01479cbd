"""Judging candidate schedules by their voltages."""

import numpy as np
import pytest

from gridbazaar.network import (
    PowerFlow,
    VoltageLimits,
    judge_voltages,
    load_feeder,
    overvoltage_ceiling,
    solve_power_flow,
)


def _flow(v, status=None):
    v = np.asarray(v, float)
    status = np.zeros(len(v), np.int8) if status is None else np.asarray(status, np.int8)
    v[status == 2] = np.nan
    none = np.zeros(len(v))
    return PowerFlow(v, status, np.ones(len(v), np.int32), none, none, none, none)


def test_two_schedules_of_two_intervals():
    judged = judge_voltages(
        _flow([[1.0, 1.05, 0.95], [1.0, 1.04, 0.97], [1.0, 1.07, 1.06], [1.0, 1.0, 0.94]]),
        VoltageLimits(),
        2,
    )
    assert judged.feasible.tolist() == [True, False]  # the limits themselves are within
    np.testing.assert_allclose(judged.overvoltage_pu, [0.0, 0.03])
    assert judged.undervoltage.tolist() == [False, True]
    np.testing.assert_allclose(judged.undervoltage_pu, [0.0, 0.01])
    assert judged.critical.tolist() == [[False] * 3, [False, True, True]]
    assert judged.worst_bus.tolist() == [1, 1]
    np.testing.assert_allclose([judged.v_min_pu, judged.v_max_pu], [[0.95, 0.94], [1.05, 1.07]])


def test_a_base_above_the_limit_is_not_blamed_on_the_schedule():
    base = np.array([[1.0, 1.06, 1.0]])
    judged = judge_voltages(
        _flow([[1.0, 1.06, 1.05], [1.0, 1.061, 1.0]]), VoltageLimits(), 1, base_v_pu=base
    )
    assert judged.feasible.tolist() == [True, False]
    np.testing.assert_allclose(judged.overvoltage_pu, [0.0, 0.001])


def test_no_solution_is_infeasible_unless_the_base_has_none_either():
    flow = _flow([[1.0, 1.0], [1.0, 1.0]], status=[2, 0])
    judged = judge_voltages(flow, VoltageLimits(), 1)
    assert judged.feasible.tolist() == [False, True]
    assert judged.overvoltage_pu.tolist() == [np.inf, 0.0]
    assert np.isnan(judged.v_min_pu[0]) and judged.undervoltage[0]
    lost = judge_voltages(flow, VoltageLimits(), 1, base_v_pu=np.full((1, 2), np.nan))
    assert lost.feasible.tolist() == [True, True]
    assert np.isinf(overvoltage_ceiling(np.full((1, 2), np.nan), VoltageLimits())).all()


def test_critical_buses_have_the_feeders_names():
    feeder = load_feeder("kerala_village_lv").with_source_voltage(1.043)
    kw = np.zeros((1, feeder.n_buses))
    kw[0, feeder.bus_index("70")] = 20.0
    judged = judge_voltages(solve_power_flow(feeder, kw, np.zeros_like(kw)), VoltageLimits(), 1)
    names = judged.critical_buses(feeder)[0]
    assert "70" in names and "1" not in names
    assert feeder.bus_names[judged.worst_bus[0]] == "70"


@pytest.mark.parametrize("band", [(1.05, 0.95), (0.0, 1.05), (0.95, np.inf), (np.nan, 1.05)])
def test_impossible_bands_are_refused(band):
    with pytest.raises(ValueError, match="0 < lower < upper"):
        VoltageLimits(*band)


def test_half_schedules_are_refused():
    with pytest.raises(ValueError, match="whole schedules"):
        judge_voltages(_flow([[1.0], [1.0], [1.0]]), VoltageLimits(), 2)
