"""Price rules: one market clearing price for a frame, from the merit order of the whole book.

Both curves are walked as steps in which equal prices are one. The rules that set the price from
the book (`merit-order`, `k-double-auction`) lose no volume: min(S(p), D(p)) = Q*. A rule that
took the marginal offer of total demand and filtered afterwards would lose volume on most books.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from .clearing import GridTerms
from .order import OrderBook

FloatArray = NDArray[np.float64]
RELATIVE_EPS = 1e-12  # energy below this share of the book is round-off, not an order left over


@dataclass(frozen=True, slots=True)
class Margin:
    """The last matched unit of the merit order, and the first units left over.

    Parameters
    ----------
    matched_kwh : float
        Q*, the volume on which offer <= bid [kWh].
    offer, bid : float
        a_m and b_m, prices of the last matched unit; nan where nothing matches.
    next_offer, next_bid : float
        a_x and b_x, cheapest offer and dearest bid left over (a part-filled order counts);
        +inf, -inf where none is left.

    Examples
    --------
    >>> Margin(4.0, 3.0, 6.0, 3.0, float("-inf")).matched_kwh
    4.0
    """

    matched_kwh: float
    offer: float
    bid: float
    next_offer: float
    next_bid: float


@dataclass(frozen=True, slots=True)
class PriceSettings:
    """Parameters of the price rules.

    Parameters
    ----------
    k : float
        Share of the gap given to sellers by `k-double-auction`, 0..1.
    grid_margin : float
        How far below retail a short market is priced by `merit-order` [currency/kWh].
    fixed_price : float or None
        The price of rule `fixed` [currency/kWh].

    Examples
    --------
    >>> PriceSettings().grid_margin
    0.25
    """

    k: float = 0.5
    grid_margin: float = 0.25
    fixed_price: float | None = None


def merit_order_margin(book: OrderBook, retail_per_kwh: float) -> Margin:
    """Walk offers ascending against bids descending while offer <= bid.

    Bids are clipped to retail and offers above retail dropped first; zero quantities are not
    seen; equal prices are one step.

    Parameters
    ----------
    book : OrderBook
        The orders.
    retail_per_kwh : float
        Retail price r [currency/kWh].

    Returns
    -------
    Margin
        Matched volume, marginal prices, first prices left over.

    Examples
    --------
    >>> book = OrderBook(("s", "t"), [3.0, 5.0], [2.0, 9.0], ("b",), [6.0], [4.0])
    >>> merit_order_margin(book, 7.0)
    Margin(matched_kwh=4.0, offer=5.0, bid=6.0, next_offer=5.0, next_bid=-inf)
    """
    asks = (book.capacity_kwh > 0) & (book.offer_per_kwh <= retail_per_kwh)
    bids = book.demand_kwh > 0
    offer, supply = _steps(book.offer_per_kwh[asks], book.capacity_kwh[asks])
    bid, demand = _steps(-np.minimum(book.bid_per_kwh[bids], retail_per_kwh), book.demand_kwh[bids])
    bid = -bid
    first_offer = float(offer[0]) if offer.size else inf
    first_bid = float(bid[0]) if bid.size else -inf
    if first_offer > first_bid:
        return Margin(0.0, float("nan"), float("nan"), first_offer, first_bid)
    # S(b) for every bid step and D(a) for every offer step: Q* = max over prices of min(S, D)
    supply_at_bid = supply[np.searchsorted(offer, bid, side="right") - 1]
    supply_at_bid[bid < offer[0]] = 0.0
    matched = float(np.max(np.minimum(demand, supply_at_bid)))
    slack = RELATIVE_EPS * max(float(supply[-1]), float(demand[-1]))
    last_offer = int(np.searchsorted(supply, matched - slack))
    last_bid = int(np.searchsorted(demand, matched - slack))
    next_offer = int(np.searchsorted(supply, matched + slack, side="right"))
    next_bid = int(np.searchsorted(demand, matched + slack, side="right"))
    return Margin(
        matched,
        float(offer[last_offer]),
        float(bid[last_bid]),
        float(offer[next_offer]) if next_offer < offer.size else inf,
        float(bid[next_bid]) if next_bid < bid.size else -inf,
    )


def merit_order(margin: Margin, terms: GridTerms, settings: PriceSettings) -> float:
    """Price at the marginal offer; in scarcity rise towards retail (default rule).

    Supply is short iff b_x >= a_m. Not short: MCP = a_m. Short:
    MCP = min(b_m, a_x, max(a_m, r - grid_margin)) [currency/kWh].

    Parameters
    ----------
    margin : Margin
        Of a book in which something matches.
    terms : GridTerms
        Retail and feed-in price.
    settings : PriceSettings
        `grid_margin` is used.

    Returns
    -------
    float
        The market clearing price [currency/kWh].

    Examples
    --------
    >>> short = Margin(4.0, 3.0, 6.5, float("inf"), 6.5)
    >>> merit_order(short, GridTerms(6.6, 2.0), PriceSettings())
    6.35
    """
    if margin.next_bid < margin.offer:
        return margin.offer
    scarce = max(margin.offer, terms.retail_per_kwh - settings.grid_margin)
    return min(margin.bid, margin.next_offer, scarce)


def k_double_auction(margin: Margin, terms: GridTerms, settings: PriceSettings) -> float:
    """Share the gap between the marginal bid and offer [1]_.

    lo = max(a_m, b_x), hi = min(b_m, a_x, r), MCP = (1 - k) lo + k hi [currency/kWh].

    Parameters
    ----------
    margin : Margin
        Of a book in which something matches.
    terms : GridTerms
        Retail and feed-in price.
    settings : PriceSettings
        `k` is used.

    Returns
    -------
    float
        The market clearing price [currency/kWh].

    References
    ----------
    .. [1] M. A. Satterthwaite and S. R. Williams, "Bilateral trade with the sealed bid k-double
       auction: existence and efficiency", Journal of Economic Theory 48 (1989) 107-133,
       doi:10.1016/0022-0531(89)90121-X.

    Examples
    --------
    >>> k_double_auction(Margin(4.0, 3.0, 6.0, 5.0, 2.0), GridTerms(7.0, 2.0), PriceSettings())
    4.0
    """
    lo = max(margin.offer, margin.next_bid)
    hi = min(margin.bid, margin.next_offer, terms.retail_per_kwh)
    return min(max((1.0 - settings.k) * lo + settings.k * hi, lo), hi)


def mid_market(margin: Margin, terms: GridTerms, settings: PriceSettings) -> float:
    """Price halfway between retail and feed-in: (r + f)/2 [currency/kWh].

    The volume min(S(p), D(p)) may fall short of Q*.

    Parameters
    ----------
    margin, settings
        Not used: the rule does not look at the book.
    terms : GridTerms
        Retail and feed-in price.

    Returns
    -------
    float
        The market clearing price [currency/kWh].

    Examples
    --------
    >>> mid_market(Margin(1, 3, 6, 5, 2), GridTerms(7.0, 3.0), PriceSettings())
    5.0
    """
    return 0.5 * (terms.retail_per_kwh + terms.feed_in_per_kwh)


def fixed(margin: Margin, terms: GridTerms, settings: PriceSettings) -> float:
    """Take the price given by hand, whatever the book and the grid say.

    Parameters
    ----------
    margin, terms
        Not used.
    settings : PriceSettings
        `fixed_price` is used.

    Returns
    -------
    float
        The market clearing price [currency/kWh].

    Raises
    ------
    ValueError
        If no price was given.

    Examples
    --------
    >>> fixed(Margin(1, 3, 6, 5, 2), GridTerms(7.0, 3.0), PriceSettings(fixed_price=5.5))
    5.5
    """
    if settings.fixed_price is None:
        raise ValueError("price rule 'fixed' has no price: give fixed_price")
    return settings.fixed_price


PriceRule = Callable[[Margin, GridTerms, PriceSettings], float]

PRICE_RULES: dict[str, PriceRule] = {
    "merit-order": merit_order,
    "k-double-auction": k_double_auction,
    "mid-market": mid_market,
    "fixed": fixed,
}
PRICES_WITHOUT_BOOK = ("mid-market", "fixed")  # a price even where no orders match


def volume_at(book: OrderBook, price_per_kwh: float, retail_per_kwh: float) -> float:
    """Volume min(S(p), D(p)) that members would trade at a price.

    Parameters
    ----------
    book : OrderBook
        The orders.
    price_per_kwh : float
        Price p [currency/kWh].
    retail_per_kwh : float
        Retail price r: offers above it take no part [currency/kWh].

    Returns
    -------
    float
        Energy [kWh].

    Examples
    --------
    >>> book = OrderBook(("s", "t"), [3.0, 5.0], [2.0, 9.0], ("b",), [6.0], [4.0])
    >>> volume_at(book, 4.0, 7.0)
    2.0
    """
    asks = (book.offer_per_kwh <= price_per_kwh) & (book.offer_per_kwh <= retail_per_kwh)
    bids = book.bid_per_kwh >= price_per_kwh
    return float(min(book.capacity_kwh[asks].sum(), book.demand_kwh[bids].sum()))


def _steps(price: FloatArray, quantity: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distinct ascending prices and the cumulated quantity up to each."""
    distinct, step = np.unique(price, return_inverse=True)
    return distinct, np.cumsum(np.bincount(step, weights=quantity, minlength=distinct.size))
