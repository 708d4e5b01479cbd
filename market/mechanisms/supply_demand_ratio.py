"""`supply-demand-ratio`: the pool whose price falls from retail to feed-in as supply grows."""

from __future__ import annotations

import numpy as np

from ..clearing import Clearing, GridTerms
from ..mechanism import Traits
from ..order import OrderBook, OrderError
from .pool import PoolPrices, blended, clear_pool


class SupplyDemandRatio:
    r"""Community pool priced by the ratio of supply to demand [1]_.

    With R = S/D of the frame, retail r and feed-in f > 0 [currency/kWh]:

    .. math:: R \le 1: \; p_{sell} = \frac{f r}{(r - f) R + f}, \quad
        p_{buy} = p_{sell} R + r (1 - R)

    .. math:: R > 1: \; p_{sell} = p_{buy} = f

    These cover each member's whole net energy, grid part included. Without supply the price is r,
    without demand f. A feed-in price of 0 would make it 0 at any ratio, and a negative one has a
    pole: both are refused. Everybody takes part whatever it asked or bid. p_buy is already the
    blend of p_sell with retail: the pool is a trade at the inner price p_sell (see `pool`; ours).

    References
    ----------
    .. [1] N. Liu, X. Yu, C. Wang, C. Li, L. Ma and J. Lei, "Energy-sharing model with price-based
       demand response for microgrids of peer-to-peer prosumers", IEEE Transactions on Power Systems
       32 (2017) 3569-3583, doi:10.1109/TPWRS.2017.2649558.

    Examples
    --------
    >>> SupplyDemandRatio.prices(20.0, 40.0, GridTerms(7.5, 2.5))
    PoolPrices(inner=3.75, sell=3.75, buy=5.625)
    """

    traits = Traits(individually_rational=False, truthful="dominant")

    @staticmethod
    def prices(supply_kwh: float, demand_kwh: float, terms: GridTerms) -> PoolPrices:
        """Return the pool's prices for S and D [kWh]."""
        retail, feed_in = terms.retail_per_kwh, terms.feed_in_per_kwh
        inner = feed_in
        if supply_kwh <= demand_kwh:
            ratio = supply_kwh / demand_kwh if demand_kwh > 0.0 else 1.0
            inner = feed_in * retail / ((retail - feed_in) * ratio + feed_in)
        return blended(inner, supply_kwh, demand_kwh, terms)

    def problems(self, terms: GridTerms) -> list[str]:
        """Return what the rule needs and these prices do not give."""
        if terms.feed_in_per_kwh > 0.0:
            return []
        return [
            f"mechanism: supply-demand-ratio: needs a feed-in price above 0, it is "
            f"{terms.feed_in_per_kwh:g}: use mid-market-rate, or another tariff"
        ]

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Pool everybody's energy at the ratio's price; `OrderError` without a feed-in price."""
        if problems := self.problems(terms):
            raise OrderError(problems)
        supply, demand = float(book.capacity_kwh.sum()), float(book.demand_kwh.sum())
        return clear_pool(book, self.prices(supply, demand, terms).inner)
