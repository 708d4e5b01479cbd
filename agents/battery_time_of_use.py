"""Time-of-use battery: by the tariff alone, filled in the cheap hours for the dear ones."""

from __future__ import annotations

import numpy as np

from .battery import BatteryFleet
from .battery_greedy import Greedy
from .battery_plan import BatteryPlan, Outlook


class TimeOfUse:
    """Charge in the cheapest frame, discharge in the dearer ones, sell in the dearest only.

    Surplus is stored and deficits are covered as `Greedy` does. Beyond that, in the cheapest frame
    the battery is charged from the grid up to what the member will need in frames that are dear
    enough to pay for it: price x round-trip efficiency - wear > price now. What is charged so is
    spread evenly over the frame. Only in the dearest frame of the day is spare energy offered.

    Under one price all day it is `Greedy`.

    Examples
    --------
    Two cheap hours without surplus, then an evening hour that needs 3 kWh at a dear price.

    >>> fleet = BatteryFleet(np.array([4.0]), np.array([4.0]), 1.0, 0.0, 1.0, 0.5)
    >>> net = np.array([[0.0, 0.0, -3.0]])
    >>> day = Outlook(net, np.array([6.0, 6.0, 8.0]), n_frame=2, interval_hours=1.0)
    >>> plan = TimeOfUse().plan(fleet, np.array([1.0]), day)
    >>> plan.charge_kwh, plan.from_grid_kwh
    (array([[1., 1.]]), array([[1., 1.]]))
    """

    def __init__(self) -> None:
        self._greedy = Greedy()

    def plan(self, fleet: BatteryFleet, stored_kwh: np.ndarray, outlook: Outlook) -> BatteryPlan:
        """Plan the frame; see the class."""
        plan = self._greedy.plan(fleet, stored_kwh, outlook)
        n_frame, price = outlook.n_frame, outlook.retail_per_kwh
        for_sale = plan.for_sale_kwh
        if price[0] < price.max():
            for_sale = np.zeros_like(for_sale)
        worth = price * fleet.round_trip_efficiency - fleet.wear_cost_per_kwh
        cheap_again = np.flatnonzero(price[n_frame:] == price.min())
        ahead = n_frame + int(cheap_again[0]) if cheap_again.size else len(price)
        pays = np.flatnonzero(worth[n_frame:ahead] > price[0]) + n_frame
        if price[0] > price.min() or not pays.size:
            return BatteryPlan(plan.charge_kwh, plan.discharge_kwh, for_sale)
        eta = fleet.one_way_efficiency
        need = np.maximum(-outlook.net_kwh[:, pays], 0.0).sum(axis=1) / eta
        wanted = np.minimum(fleet.empty_kwh + need, fleet.full_kwh)
        # What the frame's surplus will have stored needs no grid.
        held = stored_kwh + eta * plan.charge_kwh.sum(axis=1)
        held = held - plan.discharge_kwh.sum(axis=1) / eta
        lacking = np.maximum(wanted - held, 0.0) / eta
        left = fleet.power_kw[:, None] * outlook.interval_hours - plan.charge_kwh
        left = np.where(plan.discharge_kwh > 0.0, 0.0, np.maximum(left, 0.0))
        total = left.sum(axis=1)
        share = np.divide(lacking, total, out=np.zeros_like(total), where=total > 0.0)
        from_grid = np.minimum(share, 1.0)[:, None] * left
        return BatteryPlan(plan.charge_kwh + from_grid, plan.discharge_kwh, for_sale, from_grid)
