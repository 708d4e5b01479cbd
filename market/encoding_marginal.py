"""The marginal encoding: genes are what each seller sells and each buyer buys (default)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .frame_market import FrameMarket
from .gene_repair import balanced, exchanged, moved_to

FloatArray = NDArray[np.float64]


class Marginal:
    """Genes are seller totals, buyer totals and, where the price is free, the price.

    Parameters
    ----------
    market : FrameMarket
        Participants.

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> market = FrameMarket.of(book, np.ones(1, bool), np.ones(1, bool), 5.0)
    >>> Marginal(market).repair(np.array([[8.0, 2.0]])).tolist()
    [[4.0, 4.0]]
    """

    def __init__(self, market: FrameMarket) -> None:
        self._market = market
        self._free_price = bool(np.isnan(market.price_per_kwh))
        price = [market.price_bounds[1]] if self._free_price else []
        self.upper = np.concatenate([market.capacity_kwh, market.demand_kwh, price])

    def encode(
        self, sold_kwh: FloatArray, bought_kwh: FloatArray, price_per_kwh: FloatArray
    ) -> FloatArray:
        """Write totals as genes.

        Parameters
        ----------
        sold_kwh, bought_kwh, price_per_kwh : (k, m), (k, n), (k,) float
            Totals [kWh] and price [currency/kWh].

        Returns
        -------
        (k, n_genes) float
            Genes.
        """
        parts = [sold_kwh, bought_kwh]
        if self._free_price:
            parts.append(price_per_kwh[:, None])
        return np.concatenate(parts, axis=1)

    def random(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Draw totals uniformly within their limits.

        Parameters
        ----------
        count : int
            Number of individuals.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        (count, n_genes) float
            Genes, not yet repaired.
        """
        return np.asarray(rng.random((count, self.upper.size)) * self.upper)

    def repair(self, genes: FloatArray) -> FloatArray:
        """Bring both sides to the mean of their sums; where the price is free, drop who loses.

        Parameters
        ----------
        genes : (k, n_genes) float
            Raw genes.

        Returns
        -------
        (k, n_genes) float
            Feasible genes.
        """
        market = self._market
        m, n = market.m, market.n
        supply, demand = market.capacity_kwh, market.demand_kwh
        if not self._free_price:
            sold, bought = balanced(genes[:, :m], genes[:, m : m + n], supply, demand)
            return np.concatenate([sold, bought], axis=1)
        price = np.clip(genes[:, -1:], *market.price_bounds)
        if market.rational:
            supply = np.where(market.offer_per_kwh <= price, supply, 0.0)
            demand = np.where(market.bid_per_kwh >= price, demand, 0.0)
        sold, bought = balanced(genes[:, :m], genes[:, m : m + n], supply, demand)
        return np.concatenate([sold, bought, price], axis=1)

    def decode(
        self, genes: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray | None]:
        """Read totals and price.

        Parameters
        ----------
        genes : (k, n_genes) float
            Feasible genes.

        Returns
        -------
        tuple
            Sold (k, m), bought (k, n), price (k,), None.
        """
        m, n = self._market.m, self._market.n
        price = (
            genes[:, -1]
            if self._free_price
            else np.full(genes.shape[0], self._market.price_per_kwh)
        )
        return genes[:, :m], genes[:, m : m + n], price, None

    def sell_less(self, genes: FloatArray, sold_kwh: FloatArray) -> FloatArray:
        """Lower genes to given seller totals; all buyers of one follow in proportion.

        Parameters
        ----------
        genes : (k, n_genes) float
            Feasible genes.
        sold_kwh : (k, m) float
            Totals [kWh], nowhere above those of the genes.

        Returns
        -------
        (k, n_genes) float
            Feasible genes.
        """
        m, n = self._market.m, self._market.n
        result = genes.copy()
        result[:, :m] = sold_kwh
        result[:, m : m + n] = moved_to(
            genes[:, m : m + n], self._market.demand_kwh, sold_kwh.sum(axis=1)
        )
        return result

    def exchange(self, genes: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Move energy between sellers, and between buyers, at random.

        Parameters
        ----------
        genes : (k, n_genes) float
            Feasible genes.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        (k, n_genes) float
            Genes, to be repaired.
        """
        m, n = self._market.m, self._market.n
        result = genes.copy()
        result[:, :m] = exchanged(genes[:, :m], rng)
        result[:, m : m + n] = exchanged(
            genes[:, m : m + n], rng, np.maximum(self._market.bid_per_kwh, 1e-9)
        )
        return result
