"""Survival of NSGA-II for two objectives: ranks by one sweep, crowding by pruning.

pymoo's general sorting costs several milliseconds a generation; with two objectives a sweep over
sorted points ranks all of them in n log n steps.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def ranks(f1: FloatArray, f2: FloatArray) -> IntArray:
    """Rank points by non-domination; a repeated point counts as dominated by the first.

    Parameters
    ----------
    f1, f2 : (k,) float
        Objectives, both maximised.

    Returns
    -------
    (k,) int
        0 for the non-dominated, 1 for those that only rank 0 dominates, and so on.

    Examples
    --------
    >>> ranks(np.array([1.0, 3.0, 2.0, 0.5]), np.array([3.0, 1.0, 2.0, 2.5])).tolist()
    [0, 0, 0, 1]
    """
    order = np.lexsort((-f2, -f1))
    tails: list[float] = []  # of each rank: minus its greatest f2 so far, ascending
    rank = [0] * order.size
    for position, height in enumerate((-f2[order]).tolist()):
        level = bisect_right(tails, height)
        if level == len(tails):
            tails.append(height)
        else:
            tails[level] = height
        rank[position] = level
    result = np.empty(order.size, dtype=np.int64)
    result[order] = rank
    return result


def crowding(f1: FloatArray, f2: FloatArray) -> FloatArray:
    """Crowding distance of the points of one front.

    Parameters
    ----------
    f1, f2 : (k,) float
        Objectives of mutually non-dominated points.

    Returns
    -------
    (k,) float
        Normalised distance between a point's neighbours; inf at both ends.

    Examples
    --------
    >>> crowding(np.array([0.0, 1.0, 4.0]), np.array([4.0, 3.0, 0.0])).tolist()
    [inf, 2.0, inf]
    """
    distance = np.full(f1.size, np.inf)
    if f1.size > 2:
        order = np.argsort(f1, kind="stable")
        x = f1[order] / max(float(np.ptp(f1)), 1e-300)
        y = f2[order] / max(float(np.ptp(f2)), 1e-300)
        distance[order[1:-1]] = (x[2:] - x[:-2]) + np.abs(y[2:] - y[:-2])
    return distance


def pruned(f1: FloatArray, f2: FloatArray, keep: int) -> IntArray:
    """Drop the most crowded point of a front again and again until `keep` are left.

    Dropping all at once would tear holes where neighbours are both crowded [1]_.

    Parameters
    ----------
    f1, f2 : (k,) float
        Objectives of mutually non-dominated points.
    keep : int
        Points to keep.

    Returns
    -------
    (keep,) int
        Their indices.

    References
    ----------
    .. [1] S. Kukkonen and K. Deb, "Improved pruning of non-dominated solutions based on crowding
       distance for bi-objective optimization problems", IEEE CEC 2006, 1179-1186,
       doi:10.1109/CEC.2006.1688443.

    Examples
    --------
    >>> sorted(pruned(np.array([0.0, 1.0, 1.1, 3.0]), np.array([3.0, 2.0, 1.8, 0.0]), 3).tolist())
    [0, 2, 3]
    """
    order = np.argsort(f1, kind="stable")
    if order.size <= keep:
        return order
    if keep <= 2:
        return order[[0, -1][:keep]]
    x = f1[order] / max(float(np.ptp(f1)), 1e-300)
    y = f2[order] / max(float(np.ptp(f2)), 1e-300)
    way = np.concatenate([[0.0], np.cumsum(np.diff(x) + np.abs(np.diff(y)))])
    before = np.arange(-1, way.size - 1)
    after = np.arange(1, way.size + 1)
    distance = np.full(way.size, np.inf)
    distance[1:-1] = way[2:] - way[:-2]
    for _ in range(order.size - keep):
        worst = int(np.argmin(distance))
        left, right = int(before[worst]), int(after[worst])
        distance[worst] = np.inf
        after[left], before[right] = right, left
        before[worst] = -2  # gone
        if left > 0:
            distance[left] = way[right] - way[before[left]]
        if right < way.size - 1:
            distance[right] = way[after[right]] - way[left]
    return np.asarray(order[before != -2])


def survivors(
    f1: FloatArray, f2: FloatArray, violation: FloatArray, keep: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Select the fittest: feasible before infeasible, then rank, then crowding.

    Parameters
    ----------
    f1, f2 : (k,) float
        Objectives, both maximised.
    violation : (k,) float
        Constraint violation, 0 where feasible; the infeasible compete by it alone.
    keep : int
        Points to keep.

    Returns
    -------
    (keep,) int, (keep,) int, (keep,) float
        Indices, ranks and crowding distances of the survivors.

    Examples
    --------
    >>> f = np.array([1.0, 2.0, 3.0])
    >>> survivors(f, f[::-1], np.array([0.0, 0.0, 1.0]), 2)[0].tolist()
    [0, 1]
    """
    fine = np.flatnonzero(violation <= 0.0)
    rank = ranks(f1[fine], f2[fine])
    chosen: list[IntArray] = []
    levels: list[IntArray] = []
    spaces: list[FloatArray] = []
    left = keep
    for level in range(int(rank.max(initial=-1)) + 1):
        if left <= 0:
            break
        front = fine[rank == level]
        if front.size > left:
            front = front[np.sort(pruned(f1[front], f2[front], left))]
        chosen.append(front)
        levels.append(np.full(front.size, level, dtype=np.int64))
        spaces.append(crowding(f1[front], f2[front]))
        left -= front.size
    if left > 0:
        bad = np.flatnonzero(violation > 0.0)
        bad = bad[np.argsort(violation[bad], kind="stable")][:left]
        chosen.append(bad)
        worst = len(levels)
        levels.append(worst + np.arange(bad.size, dtype=np.int64))
        spaces.append(np.zeros(bad.size))
    return np.concatenate(chosen), np.concatenate(levels), np.concatenate(spaces)
