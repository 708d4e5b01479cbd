"""Repair and variation of totals that both encodings share: balance within limits, exchange."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


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
    return moved_to(sold, supply, total), moved_to(bought, demand, total)


def moved_to(amount: FloatArray, limit: FloatArray, total: FloatArray) -> FloatArray:
    """Scale amounts to a total, towards 0 or towards their limits.

    Parameters
    ----------
    amount, limit : (k, q), (k, q) or (q,) float
        Amounts and their limits [kWh].
    total : (k,) float
        Sum to reach [kWh], at most that of the limits.

    Returns
    -------
    (k, q) float
        Down in proportion to what each has, up in proportion to what each has left.

    Examples
    --------
    >>> moved_to(np.array([[1.0, 3.0]]), np.array([5.0, 5.0]), np.array([7.0])).tolist()
    [[3.0, 4.0]]
    """
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


def levelled(
    amount: FloatArray, rng: np.random.Generator, pull: FloatArray | None = None
) -> FloatArray:
    """Move random groups of members towards equal shares, leaving every sum as it was.

    Each candidate has its own group, of a size drawn anew; its amounts move t of the way to equal
    shares of the group's sum, t uniform in 0..1, in units of `pull`. Pairs alone (`swapped`) need
    many generations to spread over 20 members and more what one group spreads at once.

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
    >>> moved = levelled(np.array([[1.0, 3.0, 5.0]]), np.random.default_rng(1))
    >>> round(float(moved.sum()), 9)
    9.0
    """
    k, q = amount.shape
    width = np.ones(q) if pull is None else pull
    group = rng.random((k, q)) < rng.random((k, 1))
    held = np.where(group, amount, 0.0).sum(axis=1, keepdims=True)
    wide = np.where(group, width, 0.0).sum(axis=1, keepdims=True)
    level = np.divide(held, wide, out=np.zeros_like(held), where=wide > 0)
    way = np.where(group, rng.random((k, 1)), 0.0)
    return np.asarray(amount + way * (width * level - amount))


def exchanged(
    amount: FloatArray, rng: np.random.Generator, pull: FloatArray | None = None
) -> FloatArray:
    """Move energy between members, for half of the candidates by `swapped`, else by `levelled`.

    Parameters
    ----------
    amount, rng, pull
        As in `swapped`.

    Returns
    -------
    (k, q) float
        New amounts; some may leave their limits and need repair.

    Examples
    --------
    >>> moved = exchanged(np.array([[1.0, 3.0, 5.0]]), np.random.default_rng(1))
    >>> round(float(moved.sum()), 9)
    9.0
    """
    half = amount.shape[0] // 2  # candidates come in no order: any half will do
    return np.concatenate([swapped(amount[:half], rng, pull), levelled(amount[half:], rng, pull)])
