"""What members expect of prices: the tariff, and what the market has given them of late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Weight of the newest frame: a member remembers about the last five days of a kind of frame.
NEWEST = 0.2


@dataclass
class PriceExpectation:
    """Exponentially weighted memory of the market, by kind of frame (its name in the tariff).

    Attributes
    ----------
    mcp_per_kwh : ndarray (n_tod,)
        Clearing price that is expected; NaN until there was one.
    sold_share, bought_share : ndarray (n_members, n_tod)
        Share of its offers and of its demand that a member expects to place with peers.

    Examples
    --------
    >>> memory = PriceExpectation.none(n_members=1, n_tod=1)
    >>> memory.observe(0, np.array([-2.0]), np.array([2.0]), 5.0)      # bought all it wanted
    >>> buy, sell = memory.prices(np.array([0]), np.array([8.0]), 3.0, 0.0, 0.0)
    >>> buy.round(2), sell                                             # a fifth of the way to 5
    (array([[7.4]]), array([[3.]]))
    """

    mcp_per_kwh: np.ndarray
    sold_share: np.ndarray
    bought_share: np.ndarray

    @classmethod
    def none(cls, n_members: int, n_tod: int) -> PriceExpectation:
        """Return the expectation of members who have seen no market: the tariff's prices."""
        shares = np.zeros((n_members, n_tod)), np.zeros((n_members, n_tod))
        return cls(np.full(n_tod, np.nan), *shares)

    def observe(
        self,
        tod: int,
        net_order_kwh: np.ndarray,
        traded_kwh: np.ndarray,
        mcp_per_kwh: float | None,
    ) -> None:
        """Learn from a cleared frame.

        Parameters
        ----------
        tod : int
            Kind of the frame.
        net_order_kwh, traded_kwh : ndarray (n_members,)
            What each offered (positive) or demanded (negative), and what it traded.
        mcp_per_kwh : float or None
            The clearing price; None where nothing was traded.
        """
        if mcp_per_kwh is not None:
            old = self.mcp_per_kwh[tod]
            step = mcp_per_kwh if np.isnan(old) else NEWEST * (mcp_per_kwh - old) + old
            self.mcp_per_kwh[tod] = step
        for shares, ordered in (
            (self.sold_share, np.maximum(net_order_kwh, 0.0)),
            (self.bought_share, np.maximum(-net_order_kwh, 0.0)),
        ):
            some = np.flatnonzero(ordered > 0.0)
            placed = np.clip(traded_kwh[some] / ordered[some], 0.0, 1.0)
            shares[some, tod] += NEWEST * (placed - shares[some, tod])

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
        mcp = self.mcp_per_kwh[tod]
        paid = np.fmin(mcp + buyer_charges_per_kwh, retail_per_kwh)
        earned = np.fmax(mcp - seller_charges_per_kwh, feed_in_per_kwh)
        buy = retail_per_kwh - self.bought_share[:, tod] * (retail_per_kwh - paid)
        sell = feed_in_per_kwh + self.sold_share[:, tod] * (earned - feed_in_per_kwh)
        return buy, np.minimum(np.maximum(sell, 0.0), buy)
