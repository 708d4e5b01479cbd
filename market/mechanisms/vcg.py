"""`vcg`: everybody gets what it adds to the others' surplus; the utility bears the deficit."""

from __future__ import annotations

import numpy as np

from ..clearing import Clearing, GridTerms
from ..mechanism import Traits
from ..order import OrderBook
from ..price import PriceSettings, k_double_auction, merit_order_margin
from .merit import fill, values_per_kwh
from .outcome import outcome, pairs, priced
from .surplus import SurplusCurve


class VCG:
    r"""Vickrey-Clarke-Groves: the greatest surplus, and pivot payments [1]_ [2]_ [3]_.

    The merit order trades. With V the greatest surplus of all members and V_{-k} that of the others
    alone [currency], member k ends with

    .. math:: u_k = V - V_{-k}

    so a seller receives a_i s_i + u_i and a buyer pays b_j d_j - u_j. Money is paid as price times
    energy at the middle competitive price p, and the *pivot* beside it, u_i - (p - a_i) s_i or
    u_j - (b_j - p) d_j, is a posting of its own; it is never negative. What the pivots sum to is
    the mechanism's deficit, which the utility bears.

    The formula is the papers' and needs no unit rule: a member is one order of any size, in kWh at
    one price, and leaving it out leaves out all of it. Solving V_{-k} for every member from one
    sorted list by duality (`surplus`), and the split into price and pivot, are ours.

    References
    ----------
    .. [1] W. Vickrey, "Counterspeculation, auctions, and competitive sealed tenders", Journal of
       Finance 16 (1961) 8-37, doi:10.1111/j.1540-6261.1961.tb02789.x.
    .. [2] E. H. Clarke, "Multipart pricing of public goods", Public Choice 11 (1971) 17-33,
       doi:10.1007/BF01726210.
    .. [3] T. Groves, "Incentives in teams", Econometrica 41 (1973) 617-631, doi:10.2307/1914085.

    Examples
    --------
    One seller at 3 and one buyer at 6 INR/kWh: each gets the whole surplus of 12.

    >>> book = OrderBook(("s",), [3.0], [4.0], ("b",), [6.0], [4.0])
    >>> done = VCG().clear(book, GridTerms(7.0, 2.0), np.random.default_rng(1))
    >>> done.received.tolist(), done.paid.tolist()
    ([24.0], [12.0])
    """

    traits = Traits(
        individually_rational=True,
        budget_balanced="no",
        uniform_price=False,
        efficient=True,
        truthful="dominant",
    )

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Trade the merit order and pay everybody its pivot."""
        margin = merit_order_margin(book, terms.retail_per_kwh)
        if margin.matched_kwh <= 0.0:
            return Clearing.no_trade(book)
        price = k_double_auction(margin, terms, PriceSettings())
        value = values_per_kwh(book, terms)
        sold = fill(book.offer_per_kwh, book.capacity_kwh, margin.matched_kwh)
        bought = fill(-value, book.demand_kwh, margin.matched_kwh)
        buys = np.arange(book.m + book.n) >= book.m
        curve = SurplusCurve(
            np.concatenate([book.offer_per_kwh, value]),
            np.concatenate([book.capacity_kwh, book.demand_kwh]),
            buys,
        )
        gain = np.maximum(curve.greatest() - curve.without(), 0.0)
        at_price = np.concatenate([(price - book.offer_per_kwh) * sold, (value - price) * bought])
        # A pivot is a difference of surpluses: below this it is their round-off.
        pivot = gain - at_price
        pivot = np.where(pivot <= 1e-12 * float(at_price.sum()), 0.0, pivot)
        deals = priced(pairs(book, sold, bought), price, price)
        return outcome(book, deals, price, pivot[~buys], pivot[buys])
