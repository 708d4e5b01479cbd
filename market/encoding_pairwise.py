"""The pairwise encoding: genes are the energies of seller-buyer pairs, the published form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .frame_market import FrameMarket
from .gene_repair import exchanged

FloatArray = NDArray[np.float64]


class Pairwise:
    """Genes are the energies E_ij of seller-buyer pairs, the published form.

    Parameters
    ----------
    market : FrameMarket
        Participants.

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b", "c"), [6.0, 6.0], [4.0, 8.0])
    >>> market = FrameMarket.of(book, np.ones(1, bool), np.ones(2, bool), 5.0)
    >>> Pairwise(market).repair(np.array([[8.0, 8.0]])).round(6).tolist()
    [[4.0, 5.0]]
    """

    def __init__(self, market: FrameMarket) -> None:
        self._market = market
        self._free_price = bool(np.isnan(market.price_per_kwh))
        price = [market.price_bounds[1]] if self._free_price else []
        pairs = np.minimum.outer(market.capacity_kwh, market.demand_kwh).ravel()
        self.upper = np.concatenate([pairs, price])

    def encode(
        self, sold_kwh: FloatArray, bought_kwh: FloatArray, price_per_kwh: FloatArray
    ) -> FloatArray:
        """Write totals as pairs in proportion.

        Parameters
        ----------
        sold_kwh, bought_kwh, price_per_kwh : (k, m), (k, n), (k,) float
            Totals [kWh] and price [currency/kWh].

        Returns
        -------
        (k, n_genes) float
            Genes.
        """
        total = np.maximum(sold_kwh.sum(axis=1), 1e-300)
        pairs = sold_kwh[:, :, None] * bought_kwh[:, None, :] / total[:, None, None]
        parts = [pairs.reshape(total.size, -1)]
        if self._free_price:
            parts.append(price_per_kwh[:, None])
        return np.concatenate(parts, axis=1)

    def random(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Draw pairs uniformly up to what both members could trade.

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
        """Scale rows to what sellers have, then columns to what buyers want.

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
        energy = np.clip(genes[:, : m * n], 0.0, None).reshape(-1, m, n)
        price = np.zeros((genes.shape[0], 0))
        if self._free_price:
            price = np.clip(genes[:, -1:], *market.price_bounds)
            if market.rational:
                energy = energy * (market.offer_per_kwh <= price)[:, :, None]
                energy = energy * (market.bid_per_kwh >= price)[:, None, :]
        energy = energy * _shrink(market.capacity_kwh, energy.sum(axis=2))[:, :, None]
        energy = energy * _shrink(market.demand_kwh, energy.sum(axis=1))[:, None, :]
        return np.concatenate([energy.reshape(genes.shape[0], -1), price], axis=1)

    def decode(
        self, genes: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray | None]:
        """Read totals, price and the pairs themselves.

        Parameters
        ----------
        genes : (k, n_genes) float
            Feasible genes.

        Returns
        -------
        tuple
            Sold (k, m), bought (k, n), price (k,), energies (k, m, n).
        """
        m, n = self._market.m, self._market.n
        energy = genes[:, : m * n].reshape(-1, m, n)
        price = (
            genes[:, -1]
            if self._free_price
            else np.full(genes.shape[0], self._market.price_per_kwh)
        )
        return energy.sum(axis=2), energy.sum(axis=1), price, energy

    def sell_less(self, genes: FloatArray, sold_kwh: FloatArray) -> FloatArray:
        """Lower genes to given seller totals, all pairs of one seller in proportion.

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
        energy = genes[:, : m * n].reshape(-1, m, n)
        energy = energy * _shrink(sold_kwh, energy.sum(axis=2))[:, :, None]
        result = genes.copy()
        result[:, : m * n] = energy.reshape(len(genes), m * n)
        return result

    def exchange(self, genes: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Move energy between pairs of one seller or of one buyer at random.

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
        energy = genes[:, : m * n].reshape(-1, m, n)
        if rng.random() < 0.5:
            moved = exchanged(
                energy.reshape(-1, n), rng, np.maximum(self._market.bid_per_kwh, 1e-9)
            )
            moved = moved.reshape(-1, m, n)
        else:
            turned = np.ascontiguousarray(energy.transpose(0, 2, 1))
            moved = exchanged(turned.reshape(-1, m), rng).reshape(-1, n, m).transpose(0, 2, 1)
        result[:, : m * n] = moved.reshape(genes.shape[0], m * n)
        return result


def _shrink(limit: FloatArray, amount: FloatArray) -> FloatArray:
    return np.divide(limit, amount, out=np.ones_like(amount), where=amount > limit)
