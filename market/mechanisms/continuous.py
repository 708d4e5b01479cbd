"""`continuous`: the continuous double auction with price-time priority."""

from __future__ import annotations

import copy
import heapq

import numpy as np

from ..clearing import Clearing, GridTerms, Trades
from ..mechanism import Traits
from ..order import OrderBook
from .merit import values_per_kwh
from .outcome import outcome


class Continuous:
    """Orders arrive one by one and trade at once with the best order that waits [1]_.

    An arriving bid takes the cheapest waiting offers at or below it, an arriving offer the dearest
    waiting bids at or above it, the earlier of two equal ones first; each pair trades at the price
    of the order that waited, and what is left of the arriving order waits itself. Textbook units
    are kWh: orders are filled in part. Members send one order a frame and keep it; the order in
    which they arrive is drawn from the frame's random stream, all orders being equally likely (the
    draw is ours). The draw is of a copy of the generator: every round of the network loop sees the
    same arrivals.

    References
    ----------
    .. [1] D. K. Gode and S. Sunder, "Allocative efficiency of markets with zero-intelligence
       traders", Journal of Political Economy 101 (1993) 119-137, doi:10.1086/261868.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> done = Continuous().clear(book, GridTerms(7.0, 2.0), np.random.default_rng(1))
    >>> done.traded_kwh, done.trades.price_per_kwh.tolist()
    (4.0, [3.0])
    """

    # Equal orders end unlike: who arrives first has the better choice, and chance says who.
    traits = Traits(individually_rational=True, uniform_price=False, anonymous=False)

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Let the orders arrive."""
        m = book.m
        limit = np.concatenate([book.offer_per_kwh, values_per_kwh(book, terms)]).tolist()
        left = np.concatenate([book.capacity_kwh, book.demand_kwh]).tolist()
        asks: list[tuple[float, int, int]] = []  # price (bids: negative), arrival, who
        bids: list[tuple[float, int, int]] = []
        sellers, buyers, energies, prices = [], [], [], []
        arrivals = copy.deepcopy(rng).permutation(len(left)).tolist()
        for arrival, who in enumerate(arrivals):
            sells = who < m
            waiting, own = (bids, asks) if sells else (asks, bids)
            sign = -1.0 if sells else 1.0
            while left[who] > 0.0 and waiting:
                price, _, other = waiting[0]
                price *= sign
                if (price < limit[who]) if sells else (price > limit[who]):
                    break
                energy = min(left[who], left[other])
                left[who] -= energy
                left[other] -= energy
                sellers.append(who if sells else other)
                buyers.append((other if sells else who) - m)
                energies.append(energy)
                prices.append(price)
                if left[other] <= 0.0:
                    heapq.heappop(waiting)
            if left[who] > 0.0:
                heapq.heappush(own, (limit[who] if sells else -limit[who], arrival, who))
        trades = Trades(
            np.array(sellers, dtype=np.int64),
            np.array(buyers, dtype=np.int64),
            np.array(energies, dtype=np.float64),
            np.array(prices, dtype=np.float64),
        )
        return outcome(book, trades)
