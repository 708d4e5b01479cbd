"""`pay-as-bid`: the call auction in which each pair has a price of its own."""

from __future__ import annotations

import numpy as np

from ..clearing import Clearing, GridTerms
from ..mechanism import ClearingRules, Traits
from ..order import OrderBook
from ..price import merit_order_margin
from .merit import fill, values_per_kwh
from .outcome import outcome, pairs, priced


class PayAsBid:
    r"""Discriminatory call auction: the merit order, priced pair by pair.

    The dearest bid meets the cheapest offer, and so on down both curves; a pair trades at

    .. math:: p_{ij} = (1 - k) a_i + k \min(b_j, r)

    [currency/kWh], k being `market.k`: with k = 1 buyers pay what they bid and sellers get it, with
    k = 0 sellers get what they asked, and the default splits the difference. Paying each its own
    order is the textbook's discriminatory auction [1]_; sharing the difference between the two
    orders of a pair by k, and the pairing, are ours. Units are kWh, as in `uniform`.

    Parameters
    ----------
    rules : ClearingRules, optional
        `k` is used.

    References
    ----------
    .. [1] V. Krishna, *Auction Theory*, 2nd ed., Academic Press, 2010, chapter 12.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> done = PayAsBid().clear(book, GridTerms(7.0, 2.0), np.random.default_rng(1))
    >>> done.paid.tolist(), done.mcp_per_kwh
    ([18.0], None)
    """

    traits = Traits(individually_rational=True, efficient=True, uniform_price=False)

    def __init__(self, rules: ClearingRules | None = None) -> None:
        self.k = (rules or ClearingRules()).k

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Trade the merit order, each pair at its own price."""
        matched = merit_order_margin(book, terms.retail_per_kwh).matched_kwh
        value = values_per_kwh(book, terms)
        sold = fill(book.offer_per_kwh, book.capacity_kwh, matched)
        bought = fill(-value, book.demand_kwh, matched)
        deals = pairs(book, sold, bought)
        ask, bid = book.offer_per_kwh[deals.seller], value[deals.buyer]
        price = np.clip((1.0 - self.k) * ask + self.k * bid, ask, bid)
        return outcome(book, priced(deals, price, price))
