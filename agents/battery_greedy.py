"""Greedy battery: store the own surplus, cover the own need when power is dear, sell the rest."""

from __future__ import annotations

import numpy as np

from .battery import BatteryFleet
from .battery_plan import BatteryPlan, Outlook


class Greedy:
    """Three rules, in this order, and no optimisation.

    1. *Store*: surplus charges the battery as soon as it appears, until the battery is full.
    2. *Cover*: in every frame but the cheapest of the day, deficits are met from the battery; what
       a still dearer frame will need before the next cheapest one is kept for that frame.
    3. *Sell*: in those frames, what exceeds the own need of the frame and of the following ones
       up to the next cheapest frame is offered, spread over the frame by the power left.

    Under a tariff with one price all day no frame is dearer than the cheapest: then deficits are
    covered whenever they appear, and nothing is offered.

    Examples
    --------
    One home, three intervals of an hour: noon (cheap), then two dear evening hours.

    >>> fleet = BatteryFleet(np.array([4.0]), np.array([4.0]), 1.0, 0.0, 1.0, 0.0)
    >>> net = np.array([[-1.0, -1.0]])
    >>> evening = Outlook(net, np.array([8.0, 8.0]), n_frame=2, interval_hours=1.0)
    >>> day = Outlook(np.hstack([net, [[3.0]]]), np.array([8.0, 8.0, 6.0]), 2, 1.0)
    >>> plan = Greedy().plan(fleet, np.array([4.0]), day)
    >>> plan.discharge_kwh, plan.for_sale_kwh
    (array([[1., 1.]]), array([[1., 1.]]))
    """

    def plan(self, fleet: BatteryFleet, stored_kwh: np.ndarray, outlook: Outlook) -> BatteryPlan:
        """Plan the frame; see the class."""
        n_frame, hours = outlook.n_frame, outlook.interval_hours
        eta = fleet.one_way_efficiency
        price, cheapest = outlook.retail_per_kwh, outlook.retail_per_kwh.min()
        is_flat = bool(np.all(price == cheapest))
        is_dear = bool(price[0] > cheapest)
        ahead = _until_next_cheapest(price, n_frame, cheapest)
        need_ahead = np.maximum(-outlook.net_kwh[:, n_frame:ahead], 0.0)
        kept_for_dearer = need_ahead[:, price[n_frame:ahead] > price[0]].sum(axis=1) / eta
        kept_for_all = need_ahead.sum(axis=1) / eta

        charge = np.zeros((len(stored_kwh), n_frame))
        discharge = np.zeros_like(charge)
        inside, lowest = stored_kwh, np.full(len(stored_kwh), np.inf)
        for t in range(n_frame):
            net = outlook.net_kwh[:, t]
            charge[:, t] = np.minimum(np.maximum(net, 0.0), fleet.most_charge_kwh(inside, hours))
            if is_dear or is_flat:
                spare = np.maximum(inside - kept_for_dearer, fleet.empty_kwh)
                able = fleet.most_discharge_kwh(spare, hours)
                discharge[:, t] = np.minimum(np.maximum(-net, 0.0), able)
            inside = fleet.after(inside, charge[:, t], discharge[:, t])
            lowest = np.minimum(lowest, inside)

        for_sale = np.zeros_like(charge)
        if is_dear:
            # The lowest point of the frame bounds what can leave before it, whenever it is sold.
            spare = np.maximum(lowest - fleet.empty_kwh - kept_for_all, 0.0) * eta
            power_left = fleet.power_kw[:, None] * hours - discharge
            power_left[charge > 0.0] = 0.0
            total_left = power_left.sum(axis=1)
            share = np.divide(spare, total_left, out=np.zeros_like(spare), where=total_left > 0.0)
            for_sale = np.minimum(share, 1.0)[:, None] * power_left
        return BatteryPlan(charge, discharge, for_sale)


def _until_next_cheapest(price: np.ndarray, n_frame: int, cheapest: float) -> int:
    """Return the index, from the frame's end on, where the next cheapest interval begins."""
    cheap_again = np.flatnonzero(price[n_frame:] == cheapest)
    return n_frame + int(cheap_again[0]) if cheap_again.size else len(price)
