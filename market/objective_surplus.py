"""Surplus objectives: what each side gains against its own orders, the price being free.

Each price p gives one point: T(p) = min(S(p), D(p)), cheapest eligible offers and dearest
eligible bids filled. Between two neighbouring order prices T stays and money moves from one side
to the other, a line of slope -1; the front is the non-dominated part of all those lines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .frame_market import FrameMarket, Points
from .non_dominated import non_dominated

FloatArray = NDArray[np.float64]


class Surplus:
    """f1 = sum_j (b_j - p) d_j, f2 = sum_i (p - a_i) s_i with the price p a gene [currency].

    Both have a unit, so their sum is the welfare of the frame. Trading with the grid leaves each
    side (0, 0), which is the disagreement point of the bargaining choice.

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> book = OrderBook(("s",), [2.0], [10.0], ("b",), [6.0], [10.0])
    >>> market = FrameMarket.of(book, np.ones(1, bool), np.ones(1, bool), np.nan, (2.0, 7.0))
    >>> front = Surplus().exact_front(market, 3)
    >>> front.f1.round(0).tolist(), front.collapsed
    ([40.0, 20.0, 0.0], False)
    """

    name = "surplus"
    default_choice = "nash-bargaining"
    price_in_search = True

    def values(
        self,
        market: FrameMarket,
        sold_kwh: FloatArray,
        bought_kwh: FloatArray,
        price_per_kwh: FloatArray,
        final: bool,
    ) -> tuple[FloatArray, FloatArray]:
        """Value k candidates.

        Parameters
        ----------
        market : FrameMarket
            Participants.
        sold_kwh, bought_kwh : (k, m), (k, n) float
            Totals [kWh] with equal sums.
        price_per_kwh : (k,) float
            Price p of each [currency/kWh].
        final : bool
            Not used: the values are exact at any size.

        Returns
        -------
        (k,), (k,) float
            f1 and f2 [currency].
        """
        f1 = bought_kwh @ market.bid_per_kwh - price_per_kwh * bought_kwh.sum(axis=1)
        f2 = price_per_kwh * sold_kwh.sum(axis=1) - sold_kwh @ market.offer_per_kwh
        return f1, f2

    def by_member(self, market: FrameMarket, points: Points) -> FloatArray:
        """Return what each one gains: sellers first, then buyers.

        Parameters
        ----------
        market : FrameMarket
            Participants.
        points : Points
            k candidates.

        Returns
        -------
        (k, m + n) float
            Terms of the sums f2 and f1 [currency].
        """
        price = points.price_per_kwh[:, None]
        sellers = (price - market.offer_per_kwh) * points.sold_kwh
        return np.hstack([sellers, (market.bid_per_kwh - price) * points.bought_kwh])

    def seeds(self, market: FrameMarket, count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Fill the book at prices spread over the bounds.

        Parameters
        ----------
        market : FrameMarket
            Participants.
        count : int
            Number of points.

        Returns
        -------
        (count, m), (count, n), (count,) float
            Sold and bought [kWh], price [currency/kWh].
        """
        front = self.exact_front(market, count)
        return front.sold_kwh, front.bought_kwh, front.price_per_kwh

    def bought_for(self, market: FrameMarket, totals: FloatArray) -> FloatArray:
        """Return the best buyer totals for given traded energies, dearest bids first.

        Parameters
        ----------
        market : FrameMarket
            Participants.
        totals : (k,) float
            Traded energies [kWh].

        Returns
        -------
        (k, n) float
            Energies bought [kWh].
        """
        return _filled(-market.bid_per_kwh, market.demand_kwh, totals)

    def conflict(self, market: FrameMarket) -> bool:
        """Tell whether the front has more than one point.

        Parameters
        ----------
        market : FrameMarket
            Participants.

        Returns
        -------
        bool
            False only where one price is best for both sides.
        """
        return not self.exact_front(market, 3).collapsed

    def exact_front(self, market: FrameMarket, points: int) -> Points:
        """Return the front from the merit order.

        Parameters
        ----------
        market : FrameMarket
            Participants.
        points : int
            Most points.

        Returns
        -------
        Points
            In increasing order of f2, with the multipliers of the welfare f1 + f2 at each
            point's price (`participation: rational`).
        """
        price, total = self._candidates(market, points)
        value = -_cost(-market.bid_per_kwh, market.demand_kwh, total)
        cost = _cost(market.offer_per_kwh, market.capacity_kwh, total)
        f1, f2 = value - price * total, price * total - cost
        best = non_dominated(f1, f2)
        marks = np.concatenate([market.offer_per_kwh, market.bid_per_kwh, market.price_bounds])
        best = best[_spread(f1[best], f2[best], np.isin(price[best], marks), points)]
        sold = _filled(market.offer_per_kwh, market.capacity_kwh, total[best])
        bought = _filled(-market.bid_per_kwh, market.demand_kwh, total[best])
        f1, f2 = self.values(market, sold, bought, price[best], final=True)
        scale = max(float(np.abs(f1).max(initial=0)), float(np.abs(f2).max(initial=0)), 1e-300)
        collapsed = bool(np.ptp(f1) <= 1e-9 * scale and np.ptp(f2) <= 1e-9 * scale)
        capacity, demand = _scarcity(market, price[best], sold, bought)
        return Points(
            sold,
            bought,
            price[best],
            f1,
            f2,
            collapsed,
            evaluations=int(price.size),
            capacity_value=capacity,
            demand_value=demand,
        )

    def _candidates(self, market: FrameMarket, points: int) -> tuple[FloatArray, FloatArray]:
        """Prices and volumes that contain every vertex of the front, and points between."""
        low, high = market.price_bounds
        marks = np.concatenate([market.offer_per_kwh, market.bid_per_kwh, [low, high]])
        marks = np.unique(marks[(marks >= low) & (marks <= high)])
        inner = np.linspace(low, high, 40 * points)
        price = np.concatenate([marks, inner])
        if not market.rational:
            return self._unfiltered(market, marks, inner)
        total = np.minimum(_supplied(market, price), _demanded(market, price))
        # the ends of each open interval between two prices belong to the front's closure
        left, right = marks[:-1], marks[1:]
        open_total = np.minimum(_supplied(market, left), _demanded(market, right))
        return (
            np.concatenate([price, left, right]),
            np.concatenate([total, open_total, open_total]),
        )

    def _unfiltered(
        self, market: FrameMarket, marks: FloatArray, inner: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Without eligibility the price moves money only; at its bounds one side wants more."""
        low, high = market.price_bounds
        most = market.most_kwh
        both = np.minimum(_supplied(market, marks), _demanded(market, marks))
        matched = float(both.max(initial=0.0))
        more = np.linspace(matched, most, inner.size)
        return (
            np.concatenate([inner, np.full(more.size, low), np.full(more.size, high)]),
            np.concatenate([np.full(inner.size, matched), more, more]),
        )


def _scarcity(
    market: FrameMarket, price: FloatArray, sold: FloatArray, bought: FloatArray
) -> tuple[FloatArray | None, FloatArray | None]:
    """Multipliers of max f1 + f2 among those who are willing at each price [currency/kWh].

    With v the value of energy at the margin, one more kWh of an offer is worth max(0, v - a_i), of
    a demand max(0, b_j - v). Where willing sellers have energy left v is their cheapest offer, else
    where willing buyers go short it is the dearest bid of those, else the price itself.
    """
    if not market.rational:  # the whole book trades, beyond what its welfare asks for
        return None, None
    p = price[:, None]
    offer = np.broadcast_to(market.offer_per_kwh, sold.shape)
    bid = np.broadcast_to(market.bid_per_kwh, bought.shape)
    # at exactly the price of an order its member gains nothing: whether it takes part is a tie
    selling, buying = (offer < p) | (sold > 0.0), (bid > p) | (bought > 0.0)
    spare = selling & (sold < market.capacity_kwh * (1.0 - 1e-12))
    short = buying & (bought < market.demand_kwh * (1.0 - 1e-12))
    cheapest = np.where(spare, offer, np.inf).min(axis=1)
    dearest = np.where(short, bid, -np.inf).max(axis=1)
    margin = np.where(np.isfinite(dearest), dearest, price)
    margin = np.where(np.isfinite(cheapest), cheapest, margin)[:, None]
    capacity = np.where(selling & ~spare, np.maximum(margin - offer, 0.0), 0.0)
    return capacity, np.where(buying & ~short, np.maximum(bid - margin, 0.0), 0.0)


def _supplied(market: FrameMarket, price: FloatArray) -> FloatArray:
    prices, held = _merit(market.offer_per_kwh, market.capacity_kwh)
    return np.asarray(held[np.searchsorted(prices, price, side="right")])


def _demanded(market: FrameMarket, price: FloatArray) -> FloatArray:
    prices, held = _merit(-market.bid_per_kwh, market.demand_kwh)
    return np.asarray(held[np.searchsorted(prices, -price, side="right")])


def _merit(price: FloatArray, quantity: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distinct ascending prices (q,), and the quantity before each and after the last (q + 1,)."""
    distinct, step = np.unique(price, return_inverse=True)
    size = np.bincount(step, weights=quantity, minlength=distinct.size)
    return distinct, np.concatenate([[0.0], np.cumsum(size)])


def _cost(price: FloatArray, quantity: FloatArray, totals: FloatArray) -> FloatArray:
    """Cost of the cheapest energy up to each total."""
    prices, held = _merit(price, quantity)
    spent = np.concatenate([[0.0], np.cumsum(prices * np.diff(held))])
    return np.asarray(np.interp(totals, held, spent))


def _filled(price: FloatArray, quantity: FloatArray, totals: FloatArray) -> FloatArray:
    """Fill the cheapest steps up to each total; members of one step share in proportion."""
    _, step = np.unique(price, return_inverse=True)
    size = np.bincount(step, weights=quantity)
    before = np.concatenate([[0.0], np.cumsum(size)[:-1]])
    share = np.clip((totals[:, None] - before) / size, 0.0, 1.0)
    return np.asarray(share[:, step] * quantity)


def _spread(
    f1: FloatArray, f2: FloatArray, vertex: NDArray[np.bool_], points: int
) -> NDArray[np.int64]:
    """Indices of at most `points` points: the ends, vertices, others evenly along the front.

    Between vertices the front is straight, so that most choices are one of them. If there are more
    than `points`, they are taken evenly.
    """
    if f1.size <= points:
        return np.arange(f1.size)
    ends = np.array([0, f1.size - 1])
    kept = np.union1d(ends, np.flatnonzero(vertex))
    if kept.size >= points:
        return kept[_evenly(f1[kept], f2[kept], points)]
    return np.union1d(kept, _evenly(f1, f2, points - kept.size + 2))  # the ends are in both


def _evenly(f1: FloatArray, f2: FloatArray, points: int) -> NDArray[np.int64]:
    """Indices of at most `points` points, evenly along the normalised front, ends included."""
    unit1, unit2 = max(float(np.ptp(f1)), 1e-300), max(float(np.ptp(f2)), 1e-300)
    along = np.abs(np.diff(f1)) / unit1 + np.abs(np.diff(f2)) / unit2
    way = np.concatenate([[0.0], np.cumsum(along)])
    wanted = np.linspace(0.0, way[-1], points)
    return np.unique(np.clip(np.searchsorted(way, wanted), 0, f1.size - 1))
