"""Water-filling: the totals of the best schedule at a given traded energy, in closed form.

For the published objectives the best E_ij at traded energy T has seller totals
s_i = min(G_i, sigma) and buyer totals d_j = min(D_j, kappa b_j), one level each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
LEAST_PRICE = 1e-60  # bids below it are 0: their squares would leave the range of floats
WEIGHT_FLOOR = 1e-12  # a bid of 0 gets what all others leave over, and no more


def positive_weights(bid_per_kwh: FloatArray, floor: float = WEIGHT_FLOOR) -> FloatArray:
    """Bids as weights that are never 0, so that a bid of 0 comes last instead of never.

    Parameters
    ----------
    bid_per_kwh : (n,) float
        Bids [currency/kWh].
    floor : float
        Least weight, as a share of the greatest.

    Returns
    -------
    (n,) float
        max(b_j, floor max b); all ones where every bid is 0.

    Examples
    --------
    >>> positive_weights(np.array([2.0, 0.0])).tolist()
    [2.0, 2e-12]
    """
    top = float(bid_per_kwh.max(initial=0.0))
    if top < LEAST_PRICE:
        return np.ones_like(bid_per_kwh)
    return np.maximum(bid_per_kwh, floor * top)


def fill_level(
    caps_kwh: FloatArray,
    total_kwh: ArrayLike,
    weight: FloatArray | None = None,
    start: FloatArray | None = None,
) -> FloatArray:
    """Fill vessels to one common level until they hold a given total.

    y_j = clip(w_j (level - start_j), 0, cap_j) with the level at which sum_j y_j = total [1]_.

    Parameters
    ----------
    caps_kwh : (q,) float
        Capacity of each vessel [kWh].
    total_kwh : array_like, shape (k,)
        Totals [kWh], clipped to 0..sum of caps.
    weight : (q,) float, optional
        Width w_j > 0 of each vessel (default 1).
    start : (q,) float, optional
        Level at which a vessel begins to fill (default 0).

    Returns
    -------
    (k, q) float
        The filling of each vessel for each total [kWh].

    References
    ----------
    .. [1] S. Boyd and L. Vandenberghe, "Convex Optimization", Cambridge 2004, section 5.5.3.

    Examples
    --------
    >>> fill_level(np.array([1.0, 4.0, 9.0]), [7.0]).tolist()
    [[1.0, 3.0, 3.0]]
    """
    caps = np.asarray(caps_kwh, dtype=np.float64)
    totals = np.clip(np.atleast_1d(np.asarray(total_kwh, dtype=np.float64)), 0.0, caps.sum())
    if caps.size == 0:
        return np.zeros((totals.size, 0))
    width = np.ones_like(caps) if weight is None else weight
    begin = np.zeros_like(caps) if start is None else start
    levels, held = _breakpoints(caps, width, begin)
    level = np.interp(totals, held, levels)
    filled = _filling(level, caps, width, begin)
    for _ in range(30):  # interpolation leaves round-off when widths differ by many magnitudes
        gap = totals - filled.sum(axis=1)
        if np.all(np.abs(gap) <= 1e-13 * totals):
            break
        rising = (filled < caps) & (level[:, None] >= begin)
        slope = np.where(rising, width, 0.0).sum(axis=1)
        level = level + np.divide(gap, slope, out=np.zeros_like(gap), where=slope > 0)
        filled = _filling(level, caps, width, begin)
    full = totals >= caps.sum()
    filled[full] = caps
    return filled


def _filling(
    level: FloatArray, caps: FloatArray, width: FloatArray, begin: FloatArray
) -> FloatArray:
    return np.clip(width * (level[:, None] - begin), 0.0, caps)


def _breakpoints(
    caps: FloatArray, width: FloatArray, begin: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Levels at which a vessel begins or is full, and the total held at each."""
    end = begin + caps / width
    if not begin.any():
        order = np.argsort(end, kind="stable")
        levels = end[order]
        wider = width[order]
        still = np.cumsum(wider[::-1])[::-1] - wider  # all terms positive: no cancellation
        held = np.cumsum(caps[order]) + levels * still
    else:
        levels = np.unique(np.concatenate([begin, end]))
        held = _filling(levels, caps, width, begin).sum(axis=1)
        return levels, np.maximum.accumulate(held)
    return np.concatenate([[0.0], levels]), np.concatenate([[0.0], np.maximum.accumulate(held)])
