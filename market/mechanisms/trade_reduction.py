"""`trade-reduction`: the marginal orders give up their trade, and set the price of all others."""

from __future__ import annotations

import numpy as np

from ..clearing import Clearing, GridTerms
from ..mechanism import Traits
from ..order import OrderBook
from ..price import Margin, merit_order_margin
from .merit import in_proportion, values_per_kwh
from .outcome import outcome, pairs, priced


class TradeReduction:
    r"""Truthful call auction that leaves out the marginal orders [1]_ [2]_.

    With a_m and b_m the prices of the last matched kWh [currency/kWh], sellers with a_i < a_m and
    buyers with b_j > b_m trade

    .. math:: T = \min(\textstyle\sum_{a_i < a_m} G_i, \sum_{b_j > b_m} D_j)

    kWh; sellers get a_m, buyers pay b_m, and the gap (b_m - a_m) T goes to the utility's account.
    The textbook's unit rule leaves out the k-th pair. Here an *order* of any size stands for the
    trader: what is marginal is the whole price step of the last matched kWh, on each side, and both
    steps are left out altogether (as one order of each side is in [2]_; taking the whole step, so
    that equal orders are served alike, is ours). The longer side is rationed in proportion to the
    orders' sizes, which no price changes: so no price report helps, with any sizes. Quantities are
    taken as given.

    References
    ----------
    .. [1] M. Babaioff and N. Nisan, "Concurrent auctions across the supply chain", Journal of
       Artificial Intelligence Research 21 (2004) 595-629, doi:10.1613/jair.1316.
    .. [2] P. Huang, A. Scheller-Wolf and K. Sycara, "Design of a multi-unit double auction
       e-market", Computational Intelligence 18 (2002) 596-617.

    Examples
    --------
    >>> book = OrderBook(("s", "t"), [2.0, 3.0], [4.0, 4.0], ("b", "c"), [6.0, 5.0], [4.0, 4.0])
    >>> done = TradeReduction().clear(book, GridTerms(7.0, 2.0), np.random.default_rng(1))
    >>> done.traded_kwh, done.received.tolist(), done.paid.tolist()
    (4.0, [12.0, 0.0], [20.0, 0.0])
    """

    traits = Traits(
        individually_rational=True,
        budget_balanced="weak",
        uniform_price=False,
        truthful="dominant",
    )

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Trade what is better than the margin, at the margin's two prices."""
        return reduced(book, terms, merit_order_margin(book, terms.retail_per_kwh))


def reduced(book: OrderBook, terms: GridTerms, margin: Margin) -> Clearing:
    """Clear a book without its marginal price steps.

    Parameters
    ----------
    book : OrderBook
        The orders.
    terms : GridTerms
        Retail price.
    margin : Margin
        Of the book.

    Returns
    -------
    Clearing
        Sellers get a_m, buyers pay b_m; `no-trade` where nothing is better than the margin.

    Examples
    --------
    >>> book = OrderBook(("s",), [2.0], [4.0], ("b",), [6.0], [4.0])
    >>> reduced(book, GridTerms(7.0, 2.0), merit_order_margin(book, 7.0)).status
    'no-trade'
    """
    if margin.matched_kwh <= 0.0:
        return Clearing.no_trade(book)
    offered = np.where(book.offer_per_kwh < margin.offer, book.capacity_kwh, 0.0)
    wanted = np.where(values_per_kwh(book, terms) > margin.bid, book.demand_kwh, 0.0)
    traded = float(min(offered.sum(), wanted.sum()))
    deals = pairs(book, in_proportion(offered, traded), in_proportion(wanted, traded))
    return outcome(book, priced(deals, margin.offer, margin.bid))
