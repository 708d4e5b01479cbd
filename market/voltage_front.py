"""The front under voltage limits from its structure alone, without evolution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .frame_market import FrameMarket, Points
from .network_check import NetworkCheck
from .non_dominated import non_dominated
from .objectives import Objectives
from .voltage_rows import GRAIN_PU, VoltageRows, rounded_up
from .voltage_seeds import seeds_within

FloatArray = NDArray[np.float64]


def front_within(
    market: FrameMarket,
    objectives: Objectives,
    network: NetworkCheck,
    n_sellers: int,
    points: int,
) -> Points:
    """Return the front under voltage limits by successive linearisation.

    Parameters
    ----------
    market : FrameMarket
        Participants.
    objectives : Objectives
        The objective set.
    network : NetworkCheck
        The feeder.
    n_sellers : int
        Sellers of the whole book, which `network` is aligned with.
    points : int
        Most points.

    Returns
    -------
    Points
        Non-dominated points that pass the whole check, in increasing order of f2; none where
        nothing passes. Where no schedule can break a limit it is the exact front.

    Examples
    --------
    >>> from gridbazaar.market.network_check import Voltages
    >>> from gridbazaar.market.objectives import OBJECTIVES
    >>> from gridbazaar.market.order import OrderBook
    >>> class Line:
    ...     effect_pu_per_kwh = np.array([[0.002, 0.001]])
    ...     def rows(self, most_kwh):
    ...         return self
    ...     def room_pu(self, sold_kwh):
    ...         return 0.05 - sold_kwh @ self.effect_pu_per_kwh.T
    ...     def check(self, sold_kwh):
    ...         room, k = self.room_pu(sold_kwh)[:, 0], len(sold_kwh)
    ...         flags = np.zeros((k, 2), bool)
    ...         return Voltages(room >= 0, np.maximum(-room, 0), 1 - room, 1.05 - room, flags,
    ...                         np.zeros((k, 2)), ((),) * k, np.zeros(k, bool))
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> front = front_within(market, OBJECTIVES["published"], Line(), 2, 5)
    >>> front.sold_kwh[-1].round(1).tolist()
    [10.0, 30.0]
    """
    rows = VoltageRows(market, network, n_sellers)
    if len(rows) == 0:
        return objectives.exact_front(market, points)
    sold, bought, price = seeds_within(market, objectives, rows, points)
    full = rounded_up(sold, market.capacity_kwh, rows.room(sold), rows.effect)
    total = full.sum(axis=1)
    if not objectives.price_in_search:  # else the willing buyers of each price bound its energy
        fits = total <= market.demand_kwh.sum()
        fits &= rows.room(full).min(axis=1) >= GRAIN_PU
        sold = np.where(fits[:, None], full, sold)
        bought = objectives.bought_for(market, sold.sum(axis=1))
    wide = np.zeros((len(sold), n_sellers))
    wide[:, market.sellers] = sold
    good = network.check(wide).feasible
    sold, bought, price = sold[good], bought[good], price[good]
    f1, f2 = objectives.values(market, sold, bought, price, final=True)
    best = non_dominated(f1, f2)
    return Points(
        sold[best],
        bought[best],
        price[best],
        f1[best],
        f2[best],
        collapsed=best.size == 1,
        evaluations=len(wide),
    )
