"""`uniform`: the k-pricing call auction."""

from __future__ import annotations

import numpy as np

from ..clearing import Clearing, GridTerms
from ..mechanism import ClearingRules, Traits
from ..order import OrderBook
from ..price import PriceSettings, k_double_auction, merit_order_margin
from .merit import fill, values_per_kwh
from .outcome import outcome, pairs, priced


class Uniform:
    r"""One sealed-bid auction at one price (k-double auction) [1]_.

    All energy Q* on which offer <= bid is traded at

    .. math:: p = (1 - k) \max(a_m, b_x) + k \min(b_m, a_x, r)

    [currency/kWh], a_m and b_m the prices of the last matched unit, a_x and b_x the first ones left
    over, r retail, k `market.k`. Textbook units become kWh: an order is any number of units at one
    price, so that a part-filled order is both the last matched and the first left over. Orders of
    the marginal price share what is left of it in proportion to their size (ours).

    Parameters
    ----------
    rules : ClearingRules, optional
        `k` is used.

    References
    ----------
    .. [1] M. A. Satterthwaite and S. R. Williams, "Bilateral trade with the sealed bid k-double
       auction: existence and efficiency", Journal of Economic Theory 48 (1989) 107-133,
       doi:10.1016/0022-0531(89)90121-X.

    Examples
    --------
    >>> book = OrderBook(("s", "t"), [3.0, 5.0], [4.0, 4.0], ("b",), [6.0], [4.0])
    >>> Uniform().clear(book, GridTerms(7.0, 2.0), np.random.default_rng(1)).mcp_per_kwh
    4.0
    """

    traits = Traits(individually_rational=True, efficient=True)

    def __init__(self, rules: ClearingRules | None = None) -> None:
        self.k = (rules or ClearingRules()).k

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Trade the merit order at one price."""
        margin = merit_order_margin(book, terms.retail_per_kwh)
        if margin.matched_kwh <= 0.0:
            return Clearing.no_trade(book)
        price = k_double_auction(margin, terms, PriceSettings(k=self.k))
        sold = fill(book.offer_per_kwh, book.capacity_kwh, margin.matched_kwh)
        bought = fill(-values_per_kwh(book, terms), book.demand_kwh, margin.matched_kwh)
        return outcome(book, priced(pairs(book, sold, bought), price, price), price)
