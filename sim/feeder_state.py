"""Every bus voltage of a run, solved again from its meters: most runs do not keep them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..network.branches import branch_flows
from ..network.feeder import Feeder
from ..network.power_flow import solve_power_flow

if TYPE_CHECKING:
    from .results import Results


@dataclass(frozen=True, eq=False)
class FeederState:
    """The feeder over a run.

    Attributes
    ----------
    feeder : Feeder
        The feeder.
    start : ndarray (n_intervals,) of datetime64
        Begins of the intervals.
    v_pu : ndarray (n_intervals, n_buses) of float32
        Bus voltages [p.u.]; NaN where there is no solution.
    peak_current_a : ndarray (n_branches,)
        Greatest current of each branch [A].
    """

    feeder: Feeder
    start: np.ndarray
    v_pu: np.ndarray
    peak_current_a: np.ndarray


def solve_meters(results: Results) -> FeederState:
    """Solve the power flow of every metered interval of a run, a day at a time.

    A home injects its net export, and draws reactive power in proportion to its gross load.

    Returns
    -------
    FeederState
        Single precision is enough to look at (about 1e-7 p.u.) and halves the memory.

    Raises
    ------
    RunError, FeederError
        If the meters are not complete, or the feeder's files make no tree.
    """
    feeder, hours = results.feeder, results.interval_hours
    tangent = math.tan(math.acos(results.scenario["feeder"]["power_factor"]))
    bus = np.array([feeder.bus_index(str(name)) for name in results.members.bus])
    order = np.argsort(bus, kind="stable")
    used, begins = np.unique(bus[order], return_index=True)

    def at_buses(power: np.ndarray) -> np.ndarray:
        summed = np.zeros((len(power), feeder.n_buses))
        summed[:, used] = np.add.reduceat(power[:, order], begins, axis=1)
        return summed

    starts, voltages = [], []
    peak = np.zeros(feeder.n_branches)
    for start, energy in results.meter_days(("load_kwh", "net_export_kwh")):
        kw = at_buses(energy["net_export_kwh"]) / hours
        kvar = at_buses(energy["load_kwh"]) * (-tangent / hours)
        flow = solve_power_flow(feeder, kw, kvar)
        starts.append(start)
        voltages.append(flow.v_pu.astype(np.float32))
        solved = np.isfinite(flow.v_pu).all(axis=1)
        if solved.any():
            branches = branch_flows(feeder, kw[solved], kvar[solved], flow.v_pu[solved])
            peak = np.maximum(peak, branches.current_a.max(axis=0))
    return FeederState(feeder, np.concatenate(starts), np.concatenate(voltages), peak)
