"""What members expect of prices: the tariff, and what the market has given them of late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..market.order import OrderBook

# Weight of the newest frame: a member remembers about the last five days of a kind of frame.
NEWEST = 0.2


@dataclass(frozen=True)
class Published:
    """What the operator publishes of a cleared frame: its price, and the totals of both sides.

    Attributes
    ----------
    price_per_kwh : float or None
        The clearing price. Where nothing was traded, the price at which somebody would have: the
        dearest bid if nobody asked, the cheapest ask if nobody bid.
    sell_fill, buy_fill : float
        Share of the offered and of the demanded energy that was traded; of a side without orders,
        1 if one more order there would have found somebody, else 0.
    """

    price_per_kwh: float | None
    sell_fill: float
    buy_fill: float

    @classmethod
    def of(cls, book: OrderBook, traded_kwh: float, mean_price_per_kwh: float | None) -> Published:
        """Read it off a book and what was traded of it."""
        asks, bids = book.capacity_kwh > 0.0, book.demand_kwh > 0.0
        price = mean_price_per_kwh
        if price is None and bids.any() and not asks.any():
            price = float(book.bid_per_kwh[bids].max())
        elif price is None and asks.any() and not bids.any():
            price = float(book.offer_per_kwh[asks].min())
        offered, demanded = float(book.capacity_kwh.sum()), float(book.demand_kwh.sum())
        return cls(
            price,
            min(traded_kwh / offered, 1.0) if offered > 0.0 else float(demanded > 0.0),
            min(traded_kwh / demanded, 1.0) if demanded > 0.0 else float(offered > 0.0),
        )


@dataclass
class PriceExpectation:
    """Exponentially weighted memory of the market, by kind of frame (its name in the tariff).

    A member learns from its own orders, and where it sent none, from what the operator publishes:
    in an evening in which nobody offers it is known that whoever had offered would have sold.

    Attributes
    ----------
    price_per_kwh : ndarray (n_tod,)
        Price that is expected of the market; NaN until there was one.
    sold_share, bought_share : ndarray (n_members, n_tod)
        Share of its offers and of its demand that a member expects to place with peers.
    frames : ndarray (n_tod,)
        Frames seen of each kind: the first ones count for as much as there are of them.

    Examples
    --------
    >>> memory = PriceExpectation.none(n_members=1, n_tod=1)
    >>> memory.observe(0, np.array([-2.0]), np.array([1.0]), Published(5.0, 1.0, 0.5))
    >>> buy, sell = memory.prices(np.array([0]), np.array([8.0]), 3.0, 0.0, 0.0)
    >>> buy, sell                           # half of what is bought, all of what would be sold
    (array([[6.5]]), array([[5.]]))
    """

    price_per_kwh: np.ndarray
    sold_share: np.ndarray
    bought_share: np.ndarray
    frames: np.ndarray

    @classmethod
    def none(cls, n_members: int, n_tod: int) -> PriceExpectation:
        """Return the expectation of members who have seen no market: the tariff's prices."""
        shares = np.zeros((n_members, n_tod)), np.zeros((n_members, n_tod))
        return cls(np.full(n_tod, np.nan), *shares, np.zeros(n_tod))

    def observe(
        self, tod: int, net_order_kwh: np.ndarray, traded_kwh: np.ndarray, published: Published
    ) -> None:
        """Learn from a cleared frame.

        Parameters
        ----------
        tod : int
            Kind of the frame.
        net_order_kwh, traded_kwh : ndarray (n_members,)
            What each offered (positive) or demanded (negative), and what it traded.
        published : Published
            What everybody knows of the frame.
        """
        self.frames[tod] += 1
        rate = max(NEWEST, 1.0 / float(self.frames[tod]))
        price = published.price_per_kwh
        if price is not None:
            old = self.price_per_kwh[tod]
            self.price_per_kwh[tod] = price if np.isnan(old) else old + rate * (price - old)
        for shares, ordered, of_others in (
            (self.sold_share, np.maximum(net_order_kwh, 0.0), published.sell_fill),
            (self.bought_share, np.maximum(-net_order_kwh, 0.0), published.buy_fill),
        ):
            placed = np.divide(
                traded_kwh, ordered, out=np.full(len(ordered), of_others), where=ordered > 0.0
            )
            shares[:, tod] += rate * (np.minimum(placed, 1.0) - shares[:, tod])

    def prices(
        self,
        tod: np.ndarray,
        retail_per_kwh: np.ndarray,
        feed_in_per_kwh: float,
        buyer_charges_per_kwh: float,
        seller_charges_per_kwh: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what a kWh is expected to cost and to earn, (n_members, n_intervals) each.

        The share that a member expects to place with peers at the expected clearing price, charges
        counted, and the rest with the grid. Selling never earns more than buying costs, nor less
        than nothing: a member may curtail.

        Parameters
        ----------
        tod : ndarray (n_intervals,) of int
            Kind of frame of each interval.
        retail_per_kwh : ndarray (n_intervals,)
            The grid's price.
        feed_in_per_kwh, buyer_charges_per_kwh, seller_charges_per_kwh : float
            The grid's price for exports, and what trading costs beside the clearing price.
        """
        price = self.price_per_kwh[tod]
        paid = np.fmin(price + buyer_charges_per_kwh, retail_per_kwh)
        earned = np.fmax(price - seller_charges_per_kwh, feed_in_per_kwh)
        buy = retail_per_kwh - self.bought_share[:, tod] * (retail_per_kwh - paid)
        sell = feed_in_per_kwh + self.sold_share[:, tod] * (earned - feed_in_per_kwh)
        return buy, np.minimum(np.maximum(sell, 0.0), buy)
