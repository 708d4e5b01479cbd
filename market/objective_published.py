"""The published objectives: logarithmic value of every pair against the sellers' revenue.

With T the traded energy, f2 = MCP T, so the front is a curve in T. For given T the best E is
unique and its totals are water-filling: s_i = min(G_i, sigma), d_j = min(D_j, kappa b_j).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .frame_market import FrameMarket, Points
from .pairing import (
    EPSILON_KWH,
    EXACT_PAIRS,
    FINAL_TOLERANCE,
    LARGE_TOLERANCE,
    SEARCH_TOLERANCE,
    Pairing,
    energy_of,
    pair_exactly,
    proportional_value,
)
from .water_filling import LEAST_PRICE, fill_level, positive_weights

FloatArray = NDArray[np.float64]
COLLAPSE_TOLERANCE = 1e-6  # relative to T_max
SEED_TOLERANCE = 1e-4  # of T_max: where the seeds of a search end
FIRST_GRID = np.array([0.01, 0.05, 0.2, 0.4, 0.6, 0.75, 0.87, 0.95, 0.985, 0.997, 1.0 - 1e-6])
NEXT_GRID = np.array([-0.03, -0.002, 0.0, 0.002, 0.03])


class Published:
    """f1 = sum_ij (b_j ln(E_ij + 1e-6) - MCP E_ij), f2 = sum_ij MCP E_ij [currency].

    The sums run over all participants of the frame, those with nothing to trade included.

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> front = Published().exact_front(market, 3)
    >>> front.sold_kwh.sum(axis=1).round(3).tolist(), front.collapsed
    ([2.4, 31.2, 60.0], False)
    """

    name = "published"
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
        """Value k candidates by their exact pairing.

        Parameters
        ----------
        market : FrameMarket
            Participants.
        sold_kwh, bought_kwh : (k, m), (k, n) float
            Totals [kWh] with equal sums.
        price_per_kwh : (k,) float
            MCP [currency/kWh].
        final : bool
            Pair exactly at any size and to full precision; a search pairs in proportion above
            10,000 pairs.

        Returns
        -------
        (k,), (k,) float
            f1 and f2 [currency].
        """
        large = market.m * market.n > EXACT_PAIRS
        if large and not final:
            value = proportional_value(sold_kwh, bought_kwh, market.bid_per_kwh)
        else:
            tolerance = FINAL_TOLERANCE if final and not large else SEARCH_TOLERANCE
            value = pair_exactly(
                sold_kwh,
                bought_kwh,
                market.bid_per_kwh,
                tolerance,
                "front" if final else "loosely",
            ).log_value
        f2 = price_per_kwh * sold_kwh.sum(axis=1)
        return value + self._silent(market) - f2, f2

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
            Revenue of each seller, and the terms of f1 by buyer [currency]: those of members who
            have nothing to trade are left out.
        """
        price = points.price_per_kwh[:, None]
        energy = points.energy_kwh  # where the search has chosen the pairs itself
        if energy is None:
            paired = pair_exactly(points.sold_kwh, points.bought_kwh, market.bid_per_kwh)
            energy = energy_of(paired, market.bid_per_kwh)
        worth = market.bid_per_kwh * np.log(energy + EPSILON_KWH).sum(axis=1)
        return np.hstack([price * points.sold_kwh, worth - price * points.bought_kwh])

    def seeds(self, market: FrameMarket, count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Water-filling totals at energies from T_max down to the f1 optimum.

        Parameters
        ----------
        market : FrameMarket
            Participants.
        count : int
            Number of points; 1 gives T_max alone.

        Returns
        -------
        (count, m), (count, n), (count,) float
            Sold and bought [kWh], price [currency/kWh].
        """
        least = market.most_kwh
        if count > 1 and self.conflict(market):
            least = self._optimal_total(market, SEED_TOLERANCE)
        sold, bought = _filled(market, np.linspace(market.most_kwh, least, count))
        return sold, bought, np.full(count, market.price_per_kwh)

    def bought_for(self, market: FrameMarket, totals: FloatArray) -> FloatArray:
        """Return the best buyer totals for given traded energies, d_j = min(D_j, kappa b_j).

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
        return fill_level(market.demand_kwh, totals, positive_weights(market.bid_per_kwh))

    def conflict(self, market: FrameMarket) -> bool:
        """Tell whether the f1 optimum trades less than T_max (by more than 1e-6 of it).

        Parameters
        ----------
        market : FrameMarket
            Participants.

        Returns
        -------
        bool
            True where c(T) < MCP just below T_max: buyers would rather buy less.
        """
        return _conflict(market)

    def exact_front(self, market: FrameMarket, points: int) -> Points:
        """Return the front, uniform in T from the constrained f1 optimum to T_max.

        E_ij = b_j/(c + alpha_i + beta_j) - 1e-6 with c = MCP (1 - lambda); the multipliers are
        the marginal values, in f1 + lambda f2, of one more kWh of a seller's capacity
        (`capacity_value`, alpha_i) and of a buyer's demand (`demand_value`, beta_j).

        Parameters
        ----------
        market : FrameMarket
            Participants.
        points : int
            Number of points; a collapsed front has one.

        Returns
        -------
        Points
            In increasing order of T.
        """
        most = market.most_kwh
        collapsed = not self.conflict(market)
        totals = np.array([most])
        if not collapsed:
            totals = np.linspace(self._optimal_total(market), most, points)
            totals[-1] = most
        sold, bought = _filled(market, totals)
        paired = pair_exactly(sold, bought, market.bid_per_kwh, _tolerance(market), "front")
        price = market.price_per_kwh
        f2 = price * totals
        f1 = paired.log_value + self._silent(market) - f2
        least = paired.least_price
        energy_value = 1.0 - least / price if price >= LEAST_PRICE else np.zeros_like(least)
        capacity = paired.seller_price - paired.seller_price.min(axis=1, keepdims=True)
        demand = paired.buyer_price - paired.buyer_price.min(axis=1, keepdims=True)
        if collapsed:  # nothing pulls T up: what c leaves of the price is the scarce side's
            spare = np.maximum(least - price, 0.0)[:, None]
            short_of_supply = market.capacity_kwh.sum() <= market.demand_kwh.sum()
            capacity, demand = (
                (capacity + spare, demand) if short_of_supply else (capacity, demand + spare)
            )
            energy_value = np.zeros_like(least)
        capacity[sold < market.capacity_kwh * (1.0 - 1e-9)] = 0.0  # not even round-off
        demand[bought < market.demand_kwh * (1.0 - 1e-9)] = 0.0
        return Points(
            sold,
            bought,
            np.full(totals.size, price),
            f1,
            f2,
            collapsed,
            evaluations=int(totals.size),
            energy_value=np.maximum(energy_value, 0.0),
            capacity_value=capacity,
            demand_value=demand,
        )

    def _silent(self, market: FrameMarket) -> float:
        return float(np.log(EPSILON_KWH)) * market.silent_pairs_bid

    def _optimal_total(self, market: FrameMarket, tolerance: float = 1e-9) -> float:
        """T of the constrained f1 optimum: the root of c(T) = MCP.

        1/c is nearly linear in T, so grids that close in on its interpolated root converge in a
        few rounds; all points of a grid are paired in one chain, which is cheaper than one by one.
        """
        most = market.most_kwh
        grid = most * FIRST_GRID
        low, high, left, right = 0.0, most, -np.inf, np.inf
        for _ in range(12):
            price = _paired(market, grid, _tolerance(market)).least_price
            gap = market.price_per_kwh / price - 1.0  # rises with T, 0 at the optimum
            short = gap <= 0.0
            if short.any():
                low, left = float(grid[short].max()), float(gap[short].max())
            if not short.all():
                high, right = float(grid[~short].min()), float(gap[~short].min())
            width = high - low
            if width <= tolerance * most:
                break
            if np.isfinite(left) and np.isfinite(right):
                root = low + width * left / (left - right)
                grid = np.clip(root + width * NEXT_GRID, low + 1e-3 * width, high - 1e-3 * width)
                grid = np.unique(grid)
            else:  # the optimum is smaller than all that was tried
                grid = high * FIRST_GRID[:-1]
        return 0.5 * (low + high)


@lru_cache(maxsize=4)  # a search asks for the same market several times
def _conflict(market: FrameMarket) -> bool:
    at = np.array([(1.0 - COLLAPSE_TOLERANCE) * market.most_kwh])
    sold, bought = _filled(market, at)
    if _least_price_bound(market, sold[0], bought[0]) > 1.25 * market.price_per_kwh:
        return False  # without a pairing, which is most of the work in a large market
    paired = pair_exactly(sold, bought, market.bid_per_kwh, _tolerance(market), "front")
    return bool(paired.least_price[0] < market.price_per_kwh)


def _least_price_bound(market: FrameMarket, sold: FloatArray, bought: FloatArray) -> float:
    """Return what c is at least, from the totals alone.

    Buyers j below their demand have beta_j = 0, so E_ij = b_j / (c + alpha_i) for each of them and
    their sum is at most s_i: c + alpha_i >= sum_j b_j / s_i, thus c >= sum_j b_j / max s. Likewise
    with the sellers below their capacity, r of them: c >= r min_j b_j / d_j. The caller's
    margin is for what a pairing of orders below a Wh, where the 1e-6 of f1 counts, leaves open.
    """
    slack = bought < market.demand_kwh * (1.0 - 1e-5)  # nearer than that it may count as full
    spare = sold < market.capacity_kwh * (1.0 - 1e-5)
    by_buyers = float(market.bid_per_kwh[slack].sum()) / (
        float(sold.max()) + EPSILON_KWH * np.count_nonzero(slack)
    )
    rate = market.bid_per_kwh / (bought + EPSILON_KWH * market.m)
    return max(by_buyers, float(np.count_nonzero(spare) * rate.min()))


def _tolerance(market: FrameMarket) -> float:
    """Imbalance of final pairings: values err by its square, so large markets need less."""
    return FINAL_TOLERANCE if market.m * market.n <= EXACT_PAIRS else LARGE_TOLERANCE


def _filled(market: FrameMarket, totals: FloatArray) -> tuple[FloatArray, FloatArray]:
    sold = fill_level(market.capacity_kwh, totals)
    bought = fill_level(market.demand_kwh, totals, positive_weights(market.bid_per_kwh))
    return sold, bought


def _paired(market: FrameMarket, totals: FloatArray, tolerance: float) -> Pairing:
    sold, bought = _filled(market, totals)
    return pair_exactly(sold, bought, market.bid_per_kwh, tolerance, "front")
