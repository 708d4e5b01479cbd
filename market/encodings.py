"""Encodings: what one individual of the genetic search carries, and how it is kept feasible.

Every individual is repaired to respect supply and demand limits before it is valued, so the
search never spends a generation outside them.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .frame_market import FrameMarket

FloatArray = NDArray[np.float64]


class Encoding(Protocol):
    """Genes of a market, and the way between them and totals."""

    upper: FloatArray

    def encode(
        self, sold_kwh: FloatArray, bought_kwh: FloatArray, price_per_kwh: FloatArray
    ) -> FloatArray:
        """Write totals as genes, shape (k, n_genes)."""
        ...

    def random(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Draw genes without knowledge of the problem's structure."""
        ...

    def repair(self, genes: FloatArray) -> FloatArray:
        """Make genes respect supply, demand and balance."""
        ...

    def decode(
        self, genes: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray | None]:
        """Return sold, bought, price and, where genes are pairs, energies (k, m, n)."""
        ...

    def exchange(self, genes: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Vary genes by moving energy between members at random."""
        ...


def balanced(
    sold: FloatArray, bought: FloatArray, supply: FloatArray, demand: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Move raw totals to equal sums within their limits.

    Both sides go to the mean of their sums (as far as both can trade it): down in proportion to
    what they have, up in proportion to what they have left.

    Parameters
    ----------
    sold, bought : (k, m), (k, n) float
        Raw totals [kWh].
    supply, demand : (k, m) or (m,), (k, n) or (n,) float
        Limits [kWh].

    Returns
    -------
    (k, m), (k, n) float
        0 <= s <= supply, 0 <= d <= demand, sum s = sum d.

    Examples
    --------
    >>> s, d = balanced(np.array([[4.0, 4.0]]), np.array([[2.0]]), np.array([4.0, 4.0]),
    ...                 np.array([6.0]))
    >>> s.tolist(), d.tolist()
    ([[2.5, 2.5]], [[5.0]])
    """
    sold, bought = np.clip(sold, 0.0, supply), np.clip(bought, 0.0, demand)
    total = 0.5 * (sold.sum(axis=1) + bought.sum(axis=1))
    most = np.minimum(
        np.broadcast_to(supply, sold.shape).sum(axis=1),
        np.broadcast_to(demand, bought.shape).sum(axis=1),
    )
    total = np.minimum(total, most)
    return _moved(sold, supply, total), _moved(bought, demand, total)


def _moved(amount: FloatArray, limit: FloatArray, total: FloatArray) -> FloatArray:
    """Scale amounts to a total, towards 0 or towards their limits."""
    now = amount.sum(axis=1)
    room = limit - amount
    left = room.sum(axis=1)
    down = np.divide(total, now, out=np.ones_like(now), where=now > 0)
    up = np.divide(total - now, left, out=np.zeros_like(now), where=left > 0)
    lower = (total < now)[:, None]
    rising = amount + room * np.clip(up, 0.0, 1.0)[:, None]
    return np.asarray(np.where(lower, amount * down[:, None], rising))


def swapped(
    amount: FloatArray, rng: np.random.Generator, pull: FloatArray | None = None
) -> FloatArray:
    """Move random shares between random pairs of members, leaving every sum as it was.

    Members are paired at random; a pair of amounts moves t of the way to equal shares, t uniform
    in -0.5..1.5, where amounts are measured in units of `pull`.

    Parameters
    ----------
    amount : (k, q) float
        Amounts [kWh].
    rng : numpy.random.Generator
        The only source of randomness.
    pull : (q,) float, optional
        Natural share of each member (the bid of a buyer); default equal.

    Returns
    -------
    (k, q) float
        New amounts; some may leave their limits and need repair.

    Examples
    --------
    >>> moved = swapped(np.array([[1.0, 3.0]]), np.random.default_rng(1))
    >>> float(moved.sum())
    4.0
    """
    k, q = amount.shape
    half = q // 2
    if half == 0:
        return amount.copy()
    order = rng.permutation(q)  # one pairing for all candidates: a new one every generation
    first, second = order[:half], order[half : 2 * half]
    x, y = amount[:, first], amount[:, second]
    if pull is None:
        gap = 0.5 * (y - x)
    else:
        gap = (pull[first] * y - pull[second] * x) / (pull[first] + pull[second])
    active = rng.random((k, half)) < rng.random((k, 1))
    move = np.where(active, rng.uniform(-0.5, 1.5, (k, half)) * gap, 0.0)
    result = amount.copy()
    result[:, first] = x + move
    result[:, second] = y - move
    return result


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
        result[:, :m] = swapped(genes[:, :m], rng)
        result[:, m : m + n] = swapped(
            genes[:, m : m + n], rng, np.maximum(self._market.bid_per_kwh, 1e-9)
        )
        return result


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
            moved = swapped(energy.reshape(-1, n), rng, np.maximum(self._market.bid_per_kwh, 1e-9))
            moved = moved.reshape(-1, m, n)
        else:
            turned = np.ascontiguousarray(energy.transpose(0, 2, 1))
            moved = swapped(turned.reshape(-1, m), rng).reshape(-1, n, m).transpose(0, 2, 1)
        result[:, : m * n] = moved.reshape(genes.shape[0], -1)
        return result


def _shrink(limit: FloatArray, amount: FloatArray) -> FloatArray:
    return np.divide(limit, amount, out=np.ones_like(amount), where=amount > limit)


ENCODINGS: dict[str, type[Marginal] | type[Pairwise]] = {
    "marginal": Marginal,
    "pairwise": Pairwise,
}
