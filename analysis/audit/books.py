"""The order book of each frame, its clearing price and what it could trade, found anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .check import Unusable
from .inputs import Run

#: Energy below this share of a book is round-off, not an order left over.
LEFT_OVER = 1e-12
#: Prices that differ by less are one. [currency/kWh]
PRICE = 1e-9
PRICE_RULES = ("merit-order", "k-double-auction", "mid-market", "fixed")


@dataclass(frozen=True)
class Books:
    """All frames' orders as grids (n_frames, n_homes), and what follows from them.

    Attributes
    ----------
    offer, bid : ndarray
        Prices, NaN where a home has no such order.
    offered, wanted : ndarray
        Quantities, 0 where a home has no such order [kWh].
    price : ndarray (n_frames,)
        Clearing price of the submitted orders; NaN where nothing matches.
    priced : bool
        Whether the scenario's rules let the price follow from the orders alone.
    most : ndarray (n_frames,)
        Energy that the eligible orders could trade without caps [kWh].
    takes_most : bool
        Whether the scenario's rules take just that where no cap is needed.
    """

    offer: np.ndarray
    offered: np.ndarray
    bid: np.ndarray
    wanted: np.ndarray
    price: np.ndarray
    priced: bool
    most: np.ndarray
    takes_most: bool

    def eligible(self, price: np.ndarray, everybody: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return who may sell and who may buy at the frames' prices, (n_frames, n_homes)."""
        if everybody:
            return ~np.isnan(self.offer), ~np.isnan(self.bid)
        with np.errstate(invalid="ignore"):
            return self.offer <= price[:, None], self.bid >= price[:, None]


def read_books(run: Run) -> Books:
    """Lay the orders out and price them."""
    market = run.scenario["market"]
    orders, shape = run.orders, (run.n_frames, run.n_homes)

    def grid(asks: bool, values: np.ndarray, nothing: float) -> np.ndarray:
        rows, laid = orders.is_ask == asks, np.full(shape, nothing)
        laid[orders.frame[rows], orders.home[rows]] = values[rows]
        return laid

    offer, bid = (grid(asks, orders.price, np.nan) for asks in (True, False))
    offered, wanted = (grid(asks, orders.quantity, 0.0) for asks in (True, False))
    is_pareto = market["mechanism"] == "pareto" and market["objectives"] != "surplus"
    priced = is_pareto and not market["reprice"]
    everybody = market["participation"] == "all"
    price = np.full(run.n_frames, np.nan)
    if priced:
        rule = market["price_rule"]
        if rule not in PRICE_RULES:
            raise Unusable(f"the audit does not know the price rule {rule!r}")
        retail = run.terms.retail[run.time.tod]
        for frame in range(run.n_frames):
            asks, bids = ~np.isnan(offer[frame]), ~np.isnan(bid[frame])
            price[frame] = price_of_book(
                offer[frame][asks],
                offered[frame][asks],
                bid[frame][bids],
                wanted[frame][bids],
                (float(retail[frame]), max(run.terms.feed_in, 0.0)),
                rule,
                float(market["k"]),
                float(market["grid_margin_per_kwh"]),
                market.get("fixed_price_per_kwh"),
                everybody,
            )
    books = Books(offer, offered, bid, wanted, price, priced, np.zeros(run.n_frames), False)
    # The last digit of a price decides who is eligible at the margin: take the one on file.
    recorded = run.frames["mcp_per_kwh"]
    near = np.abs(recorded - price) <= PRICE
    selling, buying = books.eligible(np.where(near, recorded, price), everybody)
    most = np.minimum(
        np.where(selling, offered, 0.0).sum(axis=1), np.where(buying, wanted, 0.0).sum(axis=1)
    )
    choice = market.get("choose") or "demand-first"
    return Books(
        offer,
        offered,
        bid,
        wanted,
        price,
        priced,
        np.where(np.isnan(price), 0.0, most),
        priced and choice == "demand-first" and market["network"] != "constrained",
    )


def price_of_book(
    offer: np.ndarray,
    offered: np.ndarray,
    bid: np.ndarray,
    wanted: np.ndarray,
    grid: tuple[float, float],
    rule: str,
    k: float = 0.5,
    grid_margin: float = 0.25,
    fixed: float | None = None,
    everybody: bool = False,
) -> float:
    """Return the price of one frame's orders.

    S(p) is what is offered at p or below, D(p) what is bid for at p or above (bids clipped to
    retail, offers above it dropped). Q* is the greatest min(S, D) over all prices; the marginal
    offer is the cheapest with S >= Q*, the next one the cheapest with S > Q*, and likewise the
    bids from above. `grid` holds retail and feed-in price; `everybody` lets a price by hand stand
    where nothing matches.

    Returns
    -------
    float
        NaN where nothing matches.

    Examples
    --------
    >>> one = np.ones(1)
    >>> price_of_book(3 * one, 2 * one, 6.5 * one, 9 * one, (6.6, 3.0), "merit-order")
    6.35
    """
    retail, feed_in = grid
    if rule == "fixed" and everybody and fixed is not None:
        return float(fixed)
    usable = (offer <= retail) & (offered > 0.0)
    offer, offered = offer[usable], offered[usable]
    bid, wanted = np.minimum(bid, retail)[wanted > 0.0], wanted[wanted > 0.0]
    if not offer.size or not bid.size:
        return float("nan")
    marks = np.unique(np.concatenate([offer, bid]))
    offers_at = np.bincount(np.searchsorted(marks, offer), weights=offered, minlength=marks.size)
    bids_at = np.bincount(np.searchsorted(marks, bid), weights=wanted, minlength=marks.size)
    supply, demand = np.cumsum(offers_at), np.cumsum(bids_at[::-1])[::-1]
    matched = float(np.minimum(supply, demand).max())
    if not matched > 0.0:
        return float("nan")
    if rule == "mid-market":
        return 0.5 * (retail + feed_in)
    if rule == "fixed" and fixed is not None:
        return float(fixed)
    slack = LEFT_OVER * max(float(supply[-1]), float(demand[0]))

    def cheapest(good: np.ndarray) -> float:
        return float(marks[(offers_at > 0.0) & good].min(initial=np.inf))

    def dearest(good: np.ndarray) -> float:
        return float(marks[(bids_at > 0.0) & good].max(initial=-np.inf))

    last_offer, next_offer = cheapest(supply >= matched - slack), cheapest(supply > matched + slack)
    last_bid, next_bid = dearest(demand >= matched - slack), dearest(demand > matched + slack)
    if rule == "k-double-auction":
        low, high = max(last_offer, next_bid), min(last_bid, next_offer, retail)
        return (1.0 - k) * low + k * high
    if next_bid < last_offer:
        return last_offer
    return min(last_bid, next_offer, max(last_offer, retail - grid_margin))
