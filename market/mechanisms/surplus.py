"""Greatest surplus of a market, and what it would be without each member in turn.

By duality the greatest surplus of divisible orders is the least value of a convex function of one
price. With every member's quantity q_k added at its price, one sorted list serves all of it:

    V(x) = min_p F(p) + x p,    F(p) = sum_j d_j (b_j - p)+ + sum_i g_i (p - a_i)+ ,

where x is energy that comes in from outside for nothing (x < 0: that must be given away). Leaving
one member out takes its own term and its own step off; so n members cost O(n log n).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ROUND_OFF = 1e-12


class SurplusCurve:
    """The sorted orders of one market.

    Parameters
    ----------
    price_per_kwh : (k,) float
        Offers of sellers and bids of buyers together [currency/kWh].
    quantity_kwh : (k,) float
        Their sizes [kWh].
    buys : (k,) bool
        Which of them buy.

    Examples
    --------
    >>> curve = SurplusCurve(np.array([3.0, 6.0]), np.array([10.0, 4.0]), np.array([False, True]))
    >>> curve.greatest(), curve.without().tolist()
    (12.0, [0.0, 0.0])
    """

    def __init__(
        self, price_per_kwh: FloatArray, quantity_kwh: FloatArray, buys: BoolArray
    ) -> None:
        self.price, self.quantity, self.buys = price_per_kwh, quantity_kwh, buys
        order = np.argsort(price_per_kwh, kind="stable")
        self.sorted_price = price_per_kwh[order]
        self.place = np.empty(order.size, dtype=np.int64)
        self.place[order] = np.arange(order.size)
        # Supply up to p less demand above p is `cumulated` less all demand: a buyer whom the price
        # drives out counts like a seller whom it brings in.
        self.cumulated = np.cumsum(quantity_kwh[order])
        self.demand = float(quantity_kwh[buys].sum())
        self.value = np.zeros(order.size)  # F at each sorted price
        if order.size:
            first = float((quantity_kwh * (price_per_kwh - self.sorted_price[0]))[buys].sum())
            slope = self.cumulated[:-1] - self.demand
            steps = np.cumsum(slope * np.diff(self.sorted_price))
            self.value[0] = first
            self.value[1:] = first + steps
        self._slack = ROUND_OFF * float(quantity_kwh.sum())

    def greatest(self, incoming_kwh: float = 0.0) -> float:
        """Return V(x) of all orders [currency].

        Parameters
        ----------
        incoming_kwh : float
            Energy x from outside; more than demand or less than -supply has no sense [kWh].
        """
        if self.price.size == 0:
            return 0.0
        first = np.searchsorted(self.cumulated, self.demand - incoming_kwh - self._slack)
        at = min(int(first), self.price.size - 1)
        return float(self.value[at] + incoming_kwh * self.sorted_price[at])

    def without(self, incoming_kwh: FloatArray | float = 0.0) -> FloatArray:
        """Return V(x) of the others, for each member left out, shape (k,) [currency].

        Parameters
        ----------
        incoming_kwh : (k,) float or float
            Energy x from outside, for each member left out [kWh].
        """
        if self.price.size < 2:
            return np.zeros(self.price.size)
        incoming = np.broadcast_to(np.asarray(incoming_kwh, dtype=np.float64), self.price.shape)
        own_demand = np.where(self.buys, self.quantity, 0.0)
        target = self.demand - own_demand - incoming - self._slack
        at = np.searchsorted(self.cumulated, target)
        beyond = np.searchsorted(self.cumulated, target + self.quantity)
        at = np.where(at < self.place, at, beyond)
        at = np.minimum(at, self.price.size - 1)
        p = self.sorted_price[at]
        gain = np.where(self.buys, self.price - p, p - self.price)
        own = self.quantity * np.maximum(gain, 0.0)
        return np.asarray(self.value[at] - own + incoming * p, dtype=np.float64)
