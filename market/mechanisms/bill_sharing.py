"""`bill-sharing`: the community's bill by energy imported, its income by energy exported."""

from __future__ import annotations

import numpy as np

from ..clearing import Clearing, GridTerms
from ..mechanism import Traits
from ..order import OrderBook
from .pool import PoolPrices, blended, clear_pool


class BillSharing:
    r"""Community pool that shares the bill of its common meter [1]_.

    A frame with supply S and demand D [kWh] costs the community r max(D - S, 0) and earns it
    f max(S - D, 0). Importers share the cost in proportion to energy, exporters the income:

    .. math:: p_{buy} = r \max(D - S, 0)/D, \quad p_{sell} = f \max(S - D, 0)/S

    [currency/kWh], grid part included: energy from a neighbour costs nothing, and earns nothing.
    It is not individually rational: a seller may get less than feed-in. Nor has it one price:
    what a kWh costs depends on the month's levelling. Written as a trade at the
    inner price 0 (see `pool`; ours).

    The paper shares over a billing period. So does a run: at the month's end each member's exchange
    with the grid, at the reference prices of its frames, is levelled to its share of the
    community's cost (by energy imported in the month) and income (by energy exported); see
    `bill_levelling`.

    References
    ----------
    .. [1] C. Long, J. Wu, C. Zhang, L. Thomas, M. Cheng and N. Jenkins, "Peer-to-peer energy
       trading in a community microgrid", IEEE PES General Meeting, 2017,
       doi:10.1109/PESGM.2017.8274546.

    Examples
    --------
    >>> BillSharing.prices(10.0, 40.0, GridTerms(7.0, 3.0))
    PoolPrices(inner=0.0, sell=0.0, buy=5.25)
    """

    traits = Traits(individually_rational=False, uniform_price=False, truthful="dominant")
    levels_month = True

    @staticmethod
    def prices(supply_kwh: float, demand_kwh: float, terms: GridTerms) -> PoolPrices:
        """Return the pool's prices for S and D [kWh]."""
        return blended(0.0, supply_kwh, demand_kwh, terms)

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Pool everybody's energy for nothing."""
        return clear_pool(book, 0.0)
