"""The battery: energy, power, losses and limits, of all members at once.

State of charge is the energy *inside* the battery [kWh]; charging and discharging are measured at
its terminals. The round-trip efficiency is shared evenly by both directions, so that

    stored' = stored + eta * charge - discharge / eta,      eta = sqrt(round-trip efficiency)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class BatteryFleet:
    """The batteries of all members; a member without one has zero capacity and power.

    Attributes
    ----------
    capacity_kwh, power_kw : ndarray (n_members,)
        Nominal energy, and power at the terminals in both directions.
    round_trip_efficiency : float
        Energy out over energy in, in (0, 1].
    soc_min, soc_max : float
        Share of the capacity that may be used, from and to.
    wear_cost_per_kwh : float
        Cost of wear of one kWh discharged; it enters planning and asks, never a bill.

    Examples
    --------
    >>> fleet = BatteryFleet(np.array([5.0, 0.0]), np.array([2.5, 0.0]), 0.81, 0.1, 1.0, 1.5)
    >>> stored = fleet.empty_kwh
    >>> fleet.after(stored, charge_kwh=np.array([1.0, 0.0]), discharge_kwh=np.zeros(2))
    array([1.4, 0. ])
    >>> fleet.most_charge_kwh(stored, hours=0.25), fleet.most_discharge_kwh(stored, hours=0.25)
    (array([0.625, 0.   ]), array([0., 0.]))
    """

    capacity_kwh: np.ndarray
    power_kw: np.ndarray
    round_trip_efficiency: float
    soc_min: float
    soc_max: float
    wear_cost_per_kwh: float

    @cached_property
    def one_way_efficiency(self) -> float:
        """Efficiency of one direction: the root of the round trip's."""
        return float(np.sqrt(self.round_trip_efficiency))

    @cached_property
    def empty_kwh(self) -> np.ndarray:
        """Least energy inside, (n_members,)."""
        return self.soc_min * self.capacity_kwh

    @cached_property
    def full_kwh(self) -> np.ndarray:
        """Greatest energy inside, (n_members,)."""
        return self.soc_max * self.capacity_kwh

    def most_charge_kwh(self, stored_kwh: np.ndarray, hours: float) -> np.ndarray:
        """Return the energy that each terminal can take in within `hours`, (n_members,)."""
        room = np.maximum(self.full_kwh - stored_kwh, 0.0) / self.one_way_efficiency
        return np.minimum(self.power_kw * hours, room)

    def most_discharge_kwh(self, stored_kwh: np.ndarray, hours: float) -> np.ndarray:
        """Return the energy that each terminal can give within `hours`, (n_members,)."""
        usable = np.maximum(stored_kwh - self.empty_kwh, 0.0) * self.one_way_efficiency
        return np.minimum(self.power_kw * hours, usable)

    def after(
        self, stored_kwh: np.ndarray, charge_kwh: np.ndarray, discharge_kwh: np.ndarray
    ) -> np.ndarray:
        """Return the energy inside after charging and discharging, (n_members,)."""
        eta = self.one_way_efficiency
        return stored_kwh + eta * charge_kwh - discharge_kwh / eta
