"""The grid agent: carries every deviation, watches voltages, orders curtailment."""

from __future__ import annotations

from dataclasses import dataclass

import mesa
import numpy as np

from ..network.power_flow import PowerFlow, solve_power_flow
from .curtailment import CurtailmentRule, Excess, hold_for_transformer, proportional
from .market_operator import Connection

# The feeder's balance must close to 1e-6 kWh an interval, near the loadability limit too.
_TOLERANCE_PU = 1e-11


@dataclass(frozen=True)
class GridState:
    """The feeder in one interval, after any curtailment that the grid agent ordered.

    `ordered_kwh` (n_members,) is energy that members had to hold back on order, and
    `for_transformer_kwh` the part of it that the transformer asked for, not a voltage; `v_pu` has
    shape (n_buses,); powers are what the substation delivers (negative: reverse flow).
    """

    ordered_kwh: np.ndarray
    for_transformer_kwh: np.ndarray
    v_pu: np.ndarray
    substation_kw: float
    substation_kvar: float
    loss_kw: float


class GridAgent(mesa.Agent):
    """The utility in real time: solves the feeder in each interval and keeps its limits.

    Parameters
    ----------
    model : mesa.Model
        Its model.
    connection : Connection
        Feeder, buses of the members, limits.
    rule : CurtailmentRule
        Who gives up how much where a voltage is too high.
    transformer_kva : float, optional
        Rating of the transformer that feeds the feeder, kept for power flowing back through it.
    """

    def __init__(
        self,
        model: mesa.Model,
        connection: Connection,
        rule: CurtailmentRule = proportional,
        transformer_kva: float | None = None,
    ) -> None:
        super().__init__(model)
        self.connection = connection
        self.rule = rule
        self.transformer_kva = transformer_kva
        self._tangent = float(np.tan(np.arccos(connection.power_factor)))

    def watch(
        self, load_kwh: np.ndarray, net_export_kwh: np.ndarray, curtailable_kwh: np.ndarray
    ) -> GridState:
        """Solve one interval; where a limit is broken, order curtailment and solve again.

        The order is volt-watt in effect: exports are held back until no bus is above its limit,
        shared by the agent's rule.

        Parameters
        ----------
        load_kwh, net_export_kwh : ndarray (n_members,)
            Gross load and net export of the interval.
        curtailable_kwh : ndarray (n_members,)
            Exported energy that may be held back.
        """
        at = self.connection
        reactive = -self._tangent * self._at_buses(load_kwh)
        injection = self._at_buses(net_export_kwh)
        flow = solve_power_flow(at.feeder, injection, reactive, _TOLERANCE_PU)
        ordered, for_transformer = np.zeros(len(load_kwh)), np.zeros(len(load_kwh))
        if not flow.v_pu.max() <= at.limits.upper_pu and curtailable_kwh.any():
            ordered = self.rule(Excess(at, net_export_kwh, reactive, curtailable_kwh))
        rating = self.transformer_kva
        if rating is not None and curtailable_kwh.any():
            left = np.maximum(curtailable_kwh - ordered, 0.0)
            excess = Excess(at, net_export_kwh - ordered, reactive, left)
            for_transformer = hold_for_transformer(excess, rating)
            ordered = ordered + for_transformer
        if ordered.any():
            injection = self._at_buses(net_export_kwh - ordered)
            flow = solve_power_flow(at.feeder, injection, reactive, _TOLERANCE_PU)
        return self._state(flow, injection, reactive, ordered, for_transformer)

    def dark(self) -> GridState:
        """Return an interval without supply: nothing flows, and no voltage is a number."""
        none = np.zeros(len(self.connection.bus))
        v = np.full(self.connection.feeder.n_buses, np.nan)
        return GridState(none, none, v, 0.0, 0.0, 0.0)

    def _at_buses(self, energy_kwh: np.ndarray) -> np.ndarray:
        """Sum members' energy at their buses as power, (1, n_buses) [kW]."""
        at = self.connection
        total = np.bincount(at.bus, weights=energy_kwh, minlength=at.feeder.n_buses)
        return total[None] / at.interval_hours

    def _state(
        self,
        flow: PowerFlow,
        injection: np.ndarray,
        reactive: np.ndarray,
        ordered: np.ndarray,
        for_transformer: np.ndarray,
    ) -> GridState:
        loss_kw, loss_kvar = float(flow.loss_kw[0]), float(flow.loss_kvar[0])
        return GridState(
            ordered_kwh=ordered,
            for_transformer_kwh=for_transformer,
            v_pu=flow.v_pu[0],
            substation_kw=loss_kw - float(injection.sum()),
            substation_kvar=loss_kvar - float(reactive.sum()),
            loss_kw=loss_kw,
        )
