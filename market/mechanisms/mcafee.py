"""`mcafee`: a price from the orders just outside the trade, else trade reduction."""

from __future__ import annotations

import numpy as np

from ..clearing import Clearing, GridTerms
from ..mechanism import Traits
from ..order import OrderBook
from ..price import merit_order_margin
from .merit import in_proportion, values_per_kwh
from .outcome import outcome, pairs, priced
from .trade_reduction import reduced


class McAfee:
    r"""McAfee's double auction [1]_, its units carried over to orders of any size.

    With a_m, b_m the prices of the last matched kWh, a_+ the next dearer offer and b_- the next
    cheaper bid (the grid stands behind both: a_+ <= r, b_- >= min(f, a_+)), all in currency/kWh,

    .. math:: p_0 = (a_+ + b_-) / 2

    If a_m <= p_0 <= b_m, all orders with a_i <= a_m and b_j >= b_m trade at p_0, and the money
    balances; else the marginal orders are left out (`trade-reduction`) and the gap goes to the
    utility's account. In the paper every trader has one unit, so outside orders are others'.
    Here an order stands for the trader: its own left-over is no next order, and the longer side is
    rationed in proportion to size.

    With orders of one size this is the paper's rule, and truthful in dominant strategies. (In the
    paper the bounds of all prices stand in for next orders that do not exist, so that b_- <= a_+;
    with offers below feed-in a floor at f alone would break that, and pay a seller outside to get
    in.) With orders of several sizes it is not truthful, and claims nothing: a large seller may ask
    more than a marginal bid, push that bid outside, and lift p_0 while it still sells.
    `trade-reduction` stays truthful there. (Carrying over is ours, and so is this finding; a test
    shows both.)

    References
    ----------
    .. [1] R. P. McAfee, "A dominant strategy double auction", Journal of Economic Theory 56 (1992)
       434-450, doi:10.1016/0022-0531(92)90091-U.

    Examples
    --------
    >>> book = OrderBook(("s", "t"), [2.0, 5.0], [4.0, 4.0], ("b", "c"), [6.0, 4.0], [4.0, 4.0])
    >>> done = McAfee().clear(book, GridTerms(7.0, 2.0), np.random.default_rng(1))
    >>> done.mcp_per_kwh, done.traded_kwh
    (4.5, 4.0)
    """

    traits = Traits(
        individually_rational=True,
        budget_balanced="weak",
        uniform_price=False,
        truthful="one-size",
    )

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Trade at p_0 where the margin allows it, else reduce."""
        margin = merit_order_margin(book, terms.retail_per_kwh)
        if margin.matched_kwh <= 0.0:
            return Clearing.no_trade(book)
        value = values_per_kwh(book, terms)
        outside = (book.offer_per_kwh > margin.offer) & (book.capacity_kwh > 0.0)
        below = (value < margin.bid) & (book.demand_kwh > 0.0)
        next_offer = float(book.offer_per_kwh[outside].min(initial=terms.retail_per_kwh))
        next_bid = float(value[below].max(initial=terms.feed_in_per_kwh))
        # What is left of a step of several orders is another trader's: the next order is there.
        at_margin = (book.offer_per_kwh == margin.offer) & (book.capacity_kwh > 0.0)
        if margin.next_offer == margin.offer and at_margin.sum() > 1:
            next_offer = margin.offer
        at_margin = (value == margin.bid) & (book.demand_kwh > 0.0)
        if margin.next_bid == margin.bid and at_margin.sum() > 1:
            next_bid = margin.bid
        # Offers below feed-in: the grid's price is no bid that was refused at a_+, so it is none.
        next_bid = min(next_bid, next_offer)
        price = 0.5 * (next_offer + next_bid)
        if not margin.offer <= price <= margin.bid:
            return reduced(book, terms, margin)
        offered = np.where(book.offer_per_kwh <= margin.offer, book.capacity_kwh, 0.0)
        wanted = np.where(value >= margin.bid, book.demand_kwh, 0.0)
        traded = float(min(offered.sum(), wanted.sum()))
        deals = pairs(book, in_proportion(offered, traded), in_proportion(wanted, traded))
        return outcome(book, priced(deals, price, price), price)
