"""The world of a run: what a scenario fixes before the first minute, shared by every market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..agents.battery import BatteryFleet
from ..agents.flexible_load import FlexibleLoad
from ..agents.market_operator import Connection
from ..market.tariff import Tariff
from ..network.feeder import Feeder
from .calendar import Calendar

if TYPE_CHECKING:
    from ..scenarios.members import Members
    from ..scenarios.schema import Scenario
    from .forecaster import Forecaster


@dataclass(frozen=True)
class World:
    """Feeder, members, profiles, tariff and calendar of a scenario.

    Attributes
    ----------
    tariff_data : dict
        The tariff as it stands in its file, to be kept beside the results.
    load_kwh, pv_kwh : ndarray (n_members, n_intervals)
        Measured load and available PV from `history_days` before the start to beyond the end.
    first_index : int
        Column of `load_kwh` at which the run begins.
    forecaster : Forecaster
        What members foresee at each gate.
    outage : ndarray (n_intervals of the run,) of bool
        Intervals in which the feeder has no supply.
    flexible : FlexibleLoad or None
        The part of the load that may move, which `load_kwh` is without.
    """

    scenario: Scenario
    tariff: Tariff
    tariff_data: dict[str, Any]
    calendar: Calendar
    members: Members
    fleet: BatteryFleet
    connection: Connection
    load_kwh: np.ndarray
    pv_kwh: np.ndarray
    first_index: int
    forecaster: Forecaster
    outage: np.ndarray
    flexible: FlexibleLoad | None = None

    @property
    def feeder(self) -> Feeder:
        """The feeder that all members hang on."""
        return self.connection.feeder

    @property
    def may_trade(self) -> np.ndarray:
        """Whether each member may take part in P2P trade, (n_members,).

        Rules may set a largest system (`p2p_max_kw`). A member whose PV system is larger stays a
        customer of the utility, at retail and feed-in, and is left out of the market on both
        sides.
        """
        return np.asarray(self.members.pv_kwp <= self.tariff.p2p_max_kw)

    @property
    def n_members(self) -> int:
        """Number of prosumers."""
        return len(self.members.names)
