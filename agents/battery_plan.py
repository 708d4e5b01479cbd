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
    """

    net_kwh: np.ndarray
    retail_per_kwh: np.ndarray
    n_frame: int
    interval_hours: float


@dataclass(frozen=True)
class BatteryPlan:
    """The plan of a frame, arrays of shape (n_members, n_frame) [kWh at the terminals].

    `charge_kwh` and `discharge_kwh` serve the member itself and are carried out in any case;
    `for_sale_kwh` is discharged only so far as the market buys it.
    `charges_from_grid` says whether charging may exceed the surplus that the meter really shows.
    """

    charge_kwh: np.ndarray
    discharge_kwh: np.ndarray
    for_sale_kwh: np.ndarray
    charges_from_grid: bool = False

    @property
    def net_kwh(self) -> np.ndarray:
        """Energy given less energy taken if all that is for sale is sold, (n_members, n_frame)."""
        return self.discharge_kwh + self.for_sale_kwh - self.charge_kwh


class BatteryStrategy(Protocol):
    """Anything that plans a frame for all batteries at once."""

    def plan(self, fleet: BatteryFleet, stored_kwh: np.ndarray, outlook: Outlook) -> BatteryPlan:
        """Plan the frame from the energy expected inside at its start, (n_members,)."""
        ...
