"""`mid-market-rate`: the pool whose members share the gap between retail and feed-in evenly."""

from __future__ import annotations

import numpy as np

from ..clearing import Clearing, GridTerms
from ..mechanism import Traits
from ..order import OrderBook
from .pool import PoolPrices, blended, clear_pool


class MidMarketRate:
    r"""Community pool at the mid-market rate [1]_.

    With supply S and demand D of the frame [kWh], retail r, feed-in f, mid = (r + f)/2, all prices
    in currency/kWh:

    .. math:: S = D: \; p_{sell} = p_{buy} = mid

    .. math:: S < D: \; p_{sell} = mid, \; p_{buy} = (mid\, S + r (D - S))/D

    .. math:: S > D: \; p_{buy} = mid, \; p_{sell} = (mid\, D + f (S - D))/S

    These cover each member's whole net energy, grid part included. Everybody takes part whatever it
    asked or bid: no price report matters, and some may do worse than their order, never worse than
    with the grid while f <= r. Written as a trade at the inner price mid (see `pool`; ours).

    References
    ----------
    .. [1] C. Long, J. Wu, C. Zhang, L. Thomas, M. Cheng and N. Jenkins, "Peer-to-peer energy
       trading in a community microgrid", IEEE PES General Meeting, 2017,
       doi:10.1109/PESGM.2017.8274546.

    Examples
    --------
    >>> MidMarketRate.prices(10.0, 40.0, GridTerms(7.0, 3.0))
    PoolPrices(inner=5.0, sell=5.0, buy=6.5)
    """

    traits = Traits(individually_rational=False, truthful="dominant")

    @staticmethod
    def prices(supply_kwh: float, demand_kwh: float, terms: GridTerms) -> PoolPrices:
        """Return the pool's prices for S and D [kWh]."""
        middle = 0.5 * (terms.retail_per_kwh + terms.feed_in_per_kwh)
        return blended(middle, supply_kwh, demand_kwh, terms)

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Pool everybody's energy at the mid-market rate."""
        supply, demand = float(book.capacity_kwh.sum()), float(book.demand_kwh.sum())
        return clear_pool(book, self.prices(supply, demand, terms).inner)
