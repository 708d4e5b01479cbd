"""Members' past order prices: what a market operator has seen, and may estimate priors from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .clearing import GridTerms
from .order import OrderBook

FloatArray = NDArray[np.float64]
KEPT_ORDERS = 90  # of each member and side: a month of three frames a day


class PriceHistory:
    """Past prices as shares of the gap between feed-in and retail, by side and member.

    It can be pickled, and is part of a run's checkpoint.

    Examples
    --------
    >>> past = PriceHistory()
    >>> past.record(OrderBook(("s",), [3.0], [4.0], (), [], []), GridTerms(7.0, 2.0))
    >>> past.shares("ask", "s").tolist(), past.shares("bid", "s").tolist()
    ([0.2], [])
    """

    def __init__(self) -> None:
        self._past: dict[tuple[str, str], list[float]] = {}

    def record(self, book: OrderBook, terms: GridTerms) -> None:
        """Add a frame's orders; nothing where feed-in is not below retail.

        Parameters
        ----------
        book : OrderBook
            The orders; empty ones are left out.
        terms : GridTerms
            Prices of the frame.
        """
        gap = terms.retail_per_kwh - terms.feed_in_per_kwh
        if gap <= 0.0:
            return
        for side, members, prices, sizes in (
            ("ask", book.sellers, book.offer_per_kwh, book.capacity_kwh),
            ("bid", book.buyers, book.bid_per_kwh, book.demand_kwh),
        ):
            shares = ((prices - terms.feed_in_per_kwh) / gap).tolist()
            for name, share, size in zip(members, shares, sizes.tolist(), strict=True):
                if size > 0.0:
                    kept = self._past.setdefault((side, name), [])
                    kept.append(share)
                    del kept[:-KEPT_ORDERS]

    def shares(self, side: str, member: str) -> FloatArray:
        """Return a member's past prices on one side, oldest first.

        Parameters
        ----------
        side : {"ask", "bid"}
            Which orders.
        member : str
            Whose.

        Returns
        -------
        numpy.ndarray, shape (n,)
            (price - feed-in)/(retail - feed-in) of at most `KEPT_ORDERS` orders.
        """
        return np.array(self._past.get((side, member), []), dtype=np.float64)
