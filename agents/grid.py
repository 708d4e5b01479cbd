"""The grid agent: carries every deviation, watches voltages, orders curtailment."""

from __future__ import annotations

from dataclasses import dataclass

import mesa
import numpy as np

from ..network.envelope import admit_exports
from ..network.power_flow import PowerFlow, solve_power_flow
from .market_operator import Connection

# The feeder's balance must close to 1e-6 kWh an interval, near the loadability limit too.
_TOLERANCE_PU = 1e-11


@dataclass(frozen=True)
class GridState:
    """The feeder in one interval, after any curtailment that the grid agent ordered.

    `ordered_kwh` (n_members,) is PV energy that members had to hold back on order; `v_pu` has
    shape (n_buses,); powers are what the substation delivers (negative: reverse flow).
    """

    ordered_kwh: np.ndarray
    v_pu: np.ndarray
    substation_kw: float
    substation_kvar: float
    loss_kw: float


class GridAgent(mesa.Agent):
    """The utility in real time: solves the feeder in each interval and keeps its voltages."""

    def __init__(self, model: mesa.Model, connection: Connection) -> None:
        super().__init__(model)
        self.connection = connection
        self._tangent = float(np.tan(np.arccos(connection.power_factor)))

    def watch(
        self, load_kwh: np.ndarray, net_export_kwh: np.ndarray, curtailable_kwh: np.ndarray
    ) -> GridState:
        """Solve one interval; where a bus is above its limit, order curtailment and solve again.

        The order is volt-watt in effect: by progressive filling, all members that move a bus above
        its limit keep one common share of the PV that they export, the largest that cures it.

        Parameters
        ----------
        load_kwh, net_export_kwh : ndarray (n_members,)
            Gross load and net export of the interval.
        curtailable_kwh : ndarray (n_members,)
            Exported energy that comes from PV and may be held back.
        """
        at = self.connection
        injection = self._at_buses(net_export_kwh)
        reactive = -self._tangent * self._at_buses(load_kwh)
        flow = solve_power_flow(at.feeder, injection, reactive, _TOLERANCE_PU)
        ordered = np.zeros(len(load_kwh))
        if not flow.v_pu.max() <= at.limits.upper_pu and curtailable_kwh.any():
            able = np.flatnonzero(curtailable_kwh > 0.0)
            share = admit_exports(
                at.feeder,
                self._at_buses(net_export_kwh - curtailable_kwh),
                reactive,
                at.bus[able],
                curtailable_kwh[able, None] / at.interval_hours,
                at.limits,
            )
            ordered[able] = (1.0 - share) * curtailable_kwh[able]
            injection = self._at_buses(net_export_kwh - ordered)
            flow = solve_power_flow(at.feeder, injection, reactive, _TOLERANCE_PU)
        return self._state(flow, injection, reactive, ordered)

    def _at_buses(self, energy_kwh: np.ndarray) -> np.ndarray:
        """Sum members' energy at their buses as power, (1, n_buses) [kW]."""
        at = self.connection
        total = np.bincount(at.bus, weights=energy_kwh, minlength=at.feeder.n_buses)
        return total[None] / at.interval_hours

    def _state(
        self, flow: PowerFlow, injection: np.ndarray, reactive: np.ndarray, ordered: np.ndarray
    ) -> GridState:
        loss_kw, loss_kvar = float(flow.loss_kw[0]), float(flow.loss_kvar[0])
        return GridState(
            ordered_kwh=ordered,
            v_pu=flow.v_pu[0],
            substation_kw=loss_kw - float(injection.sum()),
            substation_kvar=loss_kvar - float(reactive.sum()),
            loss_kw=loss_kw,
        )
