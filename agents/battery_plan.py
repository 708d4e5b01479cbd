"""What a battery strategy is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .battery import BatteryFleet


@dataclass(frozen=True)
class Outlook:
    """What members expect of one frame and of the hours behind it.

    Attributes
    ----------
    net_kwh : ndarray (n_members, n_horizon)
        Forecast PV less load by interval, from the frame's start on.
    retail_per_kwh : ndarray (n_horizon,)
        Retail price of each of these intervals.
    n_frame : int
        How many of them belong to the frame.
    interval_hours : float
        Length of an interval [h].
    buy_per_kwh, sell_per_kwh : ndarray (n_members, n_horizon) or None
        What each member expects a kWh to cost and to earn; None: the retail price, and nothing.
    """

    net_kwh: np.ndarray
    retail_per_kwh: np.ndarray
    n_frame: int
    interval_hours: float
    buy_per_kwh: np.ndarray | None = None
    sell_per_kwh: np.ndarray | None = None

    def buy_of(self, rows: np.ndarray) -> np.ndarray:
        """Return what a kWh is expected to cost some members, (n_rows or 1, n_horizon)."""
        return self.retail_per_kwh[None] if self.buy_per_kwh is None else self.buy_per_kwh[rows]

    def sell_of(self, rows: np.ndarray) -> np.ndarray:
        """Return what a kWh is expected to earn some members, (n_rows or 1, n_horizon)."""
        nothing = np.zeros_like(self.retail_per_kwh)[None]
        return nothing if self.sell_per_kwh is None else self.sell_per_kwh[rows]


@dataclass(frozen=True)
class BatteryPlan:
    """The plan of a frame, arrays of shape (n_members, n_frame) [kWh at the terminals].

    `charge_kwh` and `discharge_kwh` serve the member itself and are carried out in any case;
    `for_sale_kwh` is discharged only so far as the market buys it.
    `grid_charge_kwh` is the part of the charge that is meant to exceed the own surplus; without it
    a battery takes in no more than the surplus that the meter really shows.
    """

    charge_kwh: np.ndarray
    discharge_kwh: np.ndarray
    for_sale_kwh: np.ndarray
    grid_charge_kwh: np.ndarray | None = None

    @property
    def from_grid_kwh(self) -> np.ndarray:
        """Energy to be charged beyond the own surplus, (n_members, n_frame)."""
        if self.grid_charge_kwh is None:
            return np.zeros_like(self.charge_kwh)
        return self.grid_charge_kwh

    @property
    def net_kwh(self) -> np.ndarray:
        """Energy given less energy taken if all that is for sale is sold, (n_members, n_frame)."""
        return self.discharge_kwh + self.for_sale_kwh - self.charge_kwh


class BatteryStrategy(Protocol):
    """Anything that plans a frame for all batteries at once."""

    def plan(self, fleet: BatteryFleet, stored_kwh: np.ndarray, outlook: Outlook) -> BatteryPlan:
        """Plan the frame from the energy expected inside at its start, (n_members,)."""
        ...
