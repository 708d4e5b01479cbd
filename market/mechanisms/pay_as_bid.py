"""`pay-as-bid`: the call auction in which each pair has a price of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..clearing import Clearing, GridTerms
from ..mechanism import ClearingRules, Traits
from ..order import OrderBook
from ..price import merit_order_margin
from .merit import fill, values_per_kwh
from .outcome import outcome, pairs, priced

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class PayAsBid:
    r"""Discriminatory call auction: the merit order, priced pair by pair.

    The dearest bid meets the cheapest offer, and so on down both curves; a pair trades at

    .. math:: p_{ij} = (1 - k) a_i + k \min(b_j, r)

    [currency/kWh], k being `market.k`: with k = 1 buyers pay what they bid and sellers get it, with
    k = 0 sellers get what they asked, and the default splits the difference. Paying each its own
    order is the textbook's discriminatory auction [1]_; sharing the difference between the two
    orders of a pair by k, and the pairing, are ours. Units are kWh, as in `uniform`.

    Orders of equal price are one step of their curve: whom of the other side each of them meets is
    no more than the order of names, so all of them get (or pay) the mean price of the step's kWh.
    A pair of a step then has two prices, what its seller gets and what its buyer pays; the money
    of the frame balances all the same.

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

    Two equal sellers meet bids of 8 and 6, and get the same:

    >>> book = OrderBook(("s", "t"), [3.0, 3.0], [4.0, 4.0], ("b", "c"), [8.0, 6.0], [4.0, 4.0])
    >>> done = PayAsBid().clear(book, GridTerms(8.0, 2.0), np.random.default_rng(1))
    >>> done.received.tolist(), done.paid.tolist()
    ([20.0, 20.0], [22.0, 18.0])
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
        gets = np.maximum(_of_steps(price, deals.energy_kwh, ask, deals.seller), ask)
        pays = np.minimum(_of_steps(price, deals.energy_kwh, bid, deals.buyer), bid)
        return outcome(book, priced(deals, gets, pays))


def _of_steps(
    price: FloatArray, energy_kwh: FloatArray, order_per_kwh: FloatArray, member: IntArray
) -> FloatArray:
    """Take the mean price of a step's pairs where several members share the step, shape (t,)."""
    if price.size == 0:
        return price
    step = np.unique(order_per_kwh, return_inverse=True)[1]
    energy = np.bincount(step, weights=energy_kwh)
    mean = np.bincount(step, weights=price * energy_kwh) / energy
    first = np.full(energy.size, member.max())
    last = np.zeros(energy.size, dtype=np.int64)
    np.minimum.at(first, step, member)
    np.maximum.at(last, step, member)
    return np.asarray(np.where(first[step] == last[step], price, mean[step]), dtype=np.float64)
