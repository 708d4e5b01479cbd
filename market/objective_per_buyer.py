"""Objectives per buyer: each values what it gets against its own demand, not pair by pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .frame_market import FrameMarket, Points
from .water_filling import LEAST_PRICE, fill_level, positive_weights

FloatArray = NDArray[np.float64]


class PerBuyer:
    """f1 = sum_j (b_j D_j ln(1 + d_j/D_j) - MCP d_j), f2 = MCP T [currency].

    The exact front is d_j = clip(D_j (b_j/c - 1), 0, D_j) with c from MCP down, and
    s_i = min(G_i, sigma). In u = 1/c the totals are vessels that begin to fill at 1/b_j.

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> book = OrderBook(("s",), [1.0], [30.0], ("b",), [6.0], [20.0])
    >>> market = FrameMarket.of(book, np.ones(1, bool), np.ones(1, bool), 5.0)
    >>> PerBuyer().exact_front(market, 3).bought_kwh[:, 0].round(9).tolist()
    [4.0, 12.0, 20.0]
    """

    name = "per-buyer"
    default_choice = "demand-first"
    price_in_search = False

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
            MCP [currency/kWh].
        final : bool
            Not used: the values are exact at any size.

        Returns
        -------
        (k,), (k,) float
            f1 and f2 [currency].
        """
        worth = self._worth(market, bought_kwh)
        f2 = price_per_kwh * sold_kwh.sum(axis=1)
        return worth.sum(axis=1) - price_per_kwh * bought_kwh.sum(axis=1), f2

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
        worth = self._worth(market, points.bought_kwh)
        return np.hstack([price * points.sold_kwh, worth - price * points.bought_kwh])

    def seeds(self, market: FrameMarket, count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return points of the exact structure from T_max down to the f1 optimum.

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
        totals = np.linspace(market.most_kwh, self._optimal_total(market), count)
        sold, bought = self._filled(market, totals)
        return sold, bought, np.full(count, market.price_per_kwh)

    def bought_for(self, market: FrameMarket, totals: FloatArray) -> FloatArray:
        """Return the best buyer totals for given traded energies: d_j = D_j (b_j/c - 1), clipped.

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
        return self._filled(market, totals)[1]

    def conflict(self, market: FrameMarket) -> bool:
        """Tell whether the f1 optimum trades less than T_max (by more than 1e-6 of it).

        Parameters
        ----------
        market : FrameMarket
            Participants.

        Returns
        -------
        bool
            True where buyers would rather buy less.
        """
        return self._optimal_total(market) < (1.0 - 1e-6) * market.most_kwh

    def exact_front(self, market: FrameMarket, points: int) -> Points:
        """Return the front, uniform in T from the f1 optimum to T_max.

        Parameters
        ----------
        market : FrameMarket
            Participants.
        points : int
            Number of points; a collapsed front has one.

        Returns
        -------
        Points
            In increasing order of T, with the multipliers of max f1 + lambda f2.
        """
        collapsed = not self.conflict(market)
        low = market.most_kwh if collapsed else self._optimal_total(market)
        totals = np.linspace(low, market.most_kwh, 1 if collapsed else points)
        sold, bought = self._filled(market, totals)
        price = np.full(totals.size, market.price_per_kwh)
        f1, f2 = self.values(market, sold, bought, price, final=True)
        marginal = market.bid_per_kwh / (1.0 + bought / market.demand_kwh)
        full = bought >= market.demand_kwh * (1.0 - 1e-12)
        dearest = np.where(full, -np.inf, marginal).max(axis=1)  # c: what the next kWh is worth
        margin = np.where(np.isfinite(dearest), dearest, marginal.min(axis=1))
        least = np.minimum(margin, market.price_per_kwh)
        scarce = np.zeros(totals.size, dtype=np.bool_)
        if market.capacity_kwh.sum() < market.demand_kwh.sum():
            scarce = totals >= market.most_kwh * (1.0 - 1e-12)
        # Where supply is short, a demand that was wider would take its energy from the margin.
        level = np.where(scarce, margin, least)
        demand = np.where(full, np.maximum(marginal - level[:, None], 0.0), 0.0)
        capacity = np.zeros_like(sold)
        capacity[scarce] = np.maximum(margin - market.price_per_kwh, 0.0)[scarce, None]
        value = np.zeros_like(least)
        if market.price_per_kwh >= LEAST_PRICE:
            value = np.maximum(1.0 - least / market.price_per_kwh, 0.0)
        return Points(
            sold,
            bought,
            price,
            f1,
            f2,
            collapsed,
            evaluations=int(totals.size),
            energy_value=value,
            capacity_value=capacity,
            demand_value=demand,
        )

    def _worth(self, market: FrameMarket, bought_kwh: FloatArray) -> FloatArray:
        """Value of what each buyer gets, (k, n) [currency]."""
        share = bought_kwh / market.demand_kwh
        return np.asarray(market.bid_per_kwh * market.demand_kwh * np.log1p(share))

    def _filled(self, market: FrameMarket, totals: FloatArray) -> tuple[FloatArray, FloatArray]:
        weight = positive_weights(market.bid_per_kwh)
        bought = fill_level(
            market.demand_kwh, totals, weight * market.demand_kwh, start=1.0 / weight
        )
        return fill_level(market.capacity_kwh, totals), bought

    def _optimal_total(self, market: FrameMarket) -> float:
        if market.price_per_kwh < LEAST_PRICE:
            return market.most_kwh
        wanted = market.demand_kwh * (market.bid_per_kwh / market.price_per_kwh - 1.0)
        return float(min(np.clip(wanted, 0.0, market.demand_kwh).sum(), market.most_kwh))
