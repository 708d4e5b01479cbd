"""What all members expect and intend for one ToD frame: the arrays behind their orders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .battery_plan import BatteryPlan


@dataclass(frozen=True)
class FramePrices:
    """The prices that a frame's orders are made from [currency/kWh], and the kind of frame."""

    retail_per_kwh: float
    feed_in_per_kwh: float
    stored_per_kwh: float
    buyer_charges_per_kwh: float
    seller_charges_per_kwh: float
    frame: str = ""


@dataclass(frozen=True)
class FramePlan:
    """Forecast and battery plan of a frame; rows are members, columns its intervals [kWh].

    The forecast net power n = PV - load + battery discharge - charge has positive and negative
    parts n+ and n-, whose sums over the frame are P+ and P-. A member nets o = min(P+, P-) by
    itself and orders the difference.
    """

    load_kwh: np.ndarray
    pv_kwh: np.ndarray
    battery: BatteryPlan
    prices: FramePrices

    @cached_property
    def profile_kwh(self) -> np.ndarray:
        """Forecast net energy n by interval, (n_members, n_intervals)."""
        return self.pv_kwh - self.load_kwh + self.battery.net_kwh

    @cached_property
    def export_kwh(self) -> np.ndarray:
        """Positive part n+ by interval, (n_members, n_intervals)."""
        return np.maximum(self.profile_kwh, 0.0)

    @cached_property
    def exported_kwh(self) -> np.ndarray:
        """P+, the frame's sum of n+, (n_members,)."""
        return self.export_kwh.sum(axis=1)

    @cached_property
    def imported_kwh(self) -> np.ndarray:
        """P-, the frame's sum of n-, (n_members,)."""
        return np.maximum(-self.profile_kwh, 0.0).sum(axis=1)

    @cached_property
    def net_kwh(self) -> np.ndarray:
        """P+ - P-: positive is offered, negative is demanded, (n_members,)."""
        return self.exported_kwh - self.imported_kwh

    @cached_property
    def self_netted_kwh(self) -> np.ndarray:
        """o = min(P+, P-), (n_members,)."""
        return np.minimum(self.exported_kwh, self.imported_kwh)

    @cached_property
    def battery_for_sale_kwh(self) -> np.ndarray:
        """The part of an offer that would come from the battery, (n_members,)."""
        return np.minimum(self.battery.for_sale_kwh.sum(axis=1), np.maximum(self.net_kwh, 0.0))
