"""Water-filling under voltage limits: many concave programs solved side by side.

Without a feeder the best seller totals at a price c of energy are s_i = min(G_i, 1/c), one level
for all. Limits that are linear in the totals, A s <= b, add the price of each limit:
s_i = min(G_i, 1 / (c_i + sum_r mu_r A_ri)), the sellers that move a binding bus most selling least.
A primal-dual interior-point method [1]_ finds the multipliers; candidates share the rows A and
differ in prices and room, so that one iteration is a few stacked matrix products.

.. [1] S. Mehrotra, "On the implementation of a primal-dual interior point method", SIAM Journal
   on Optimization 2 (1992) 575-601, doi:10.1137/0802028.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
ITERATIONS = 40
RESIDUAL = 1e-7  # of the stationarity and the limits, in units of each seller's offer
CENTRE = 1e-4  # complementarity that is left, relative to the weight of the logarithms,
LEAST_CENTRE = 1e-6  # and absolute: below it round-off in the steps outweighs what is gained
STEP = 0.99  # of the way to the nearest bound
STEEPEST = 1e4  # greatest price in units of 1/G_i: it settles how near a corner is approached


def filled_within(
    caps_kwh: FloatArray, price: FloatArray, rows: FloatArray, room: FloatArray
) -> FloatArray:
    """Solve max sum_i ln s_i - c_i s_i with A s <= b and s <= G, for k candidates.

    Parameters
    ----------
    caps_kwh : (m,) float
        G_i > 0 [kWh].
    price : (k, m) float
        c_i of each candidate [1/kWh]: positive makes energy dear, negative rewards it. Clipped to
        `STEEPEST` / G_i.
    rows : (q, m) float
        A >= 0 in any unit per kWh.
    room : (k, q) float
        b > 0 in that unit.

    Returns
    -------
    (k, m) float
        Totals [kWh] within the limits to about 1e-7 of them; the logarithm keeps them above 0.

    Examples
    --------
    >>> filled_within(np.array([4.0, 9.0]), np.array([[-100.0, -100.0]]),
    ...               np.array([[2.0, 1.0]]), np.array([[10.0]])).round(1).tolist()
    [[0.5, 9.0]]
    """
    k, m = price.shape
    q = len(rows)
    unit = np.maximum(room.max(axis=0), 1e-300)
    a, b = rows * caps_kwh / unit[:, None], room / unit
    cost = np.clip(price * caps_kwh, -STEEPEST, STEEPEST)
    weight = 1.0 / (1.0 + np.abs(cost).max(axis=1, keepdims=True))
    cost = cost * weight
    start = np.maximum(0.3, weight)
    x, over_x = np.full((k, m), 0.5), np.full((k, m), 0.5)  # of the offer, and what is left of it
    left = np.maximum(b - x @ a.T, 0.3)
    pull, ceiling, limit = start / x, start / over_x, start / left
    at = np.arange(q)
    target = np.maximum(CENTRE * weight, LEAST_CENTRE)
    best, merit = x, np.full(k, np.inf)
    for _ in range(ITERATIONS):
        slack = [left * limit, over_x * ceiling, x * pull - weight]
        gap = sum(np.abs(part).sum(axis=1) for part in slack) / (q + 2 * m)
        slope = cost - pull + limit @ a + ceiling
        beyond, past = x @ a.T + left - b, x + over_x - 1.0
        error = np.maximum(np.abs(slope * x).max(axis=1), np.abs(past).max(axis=1))
        error = np.maximum(error, np.abs(beyond).max(axis=1, initial=0.0))
        now = np.maximum(error / RESIDUAL, gap / (2.0 * target[:, 0]))
        best = np.where((now < merit)[:, None], x, best)
        merit = np.fmin(merit, now)
        moving = (merit > 1.0) & np.isfinite(now)
        if not moving.any():
            break
        stiff = pull / x + ceiling / over_x
        schur = (a[None] / stiff[:, None, :]) @ a.T  # by Woodbury: q x q in place of m x m
        schur[:, at, at] += left / limit
        inverse = np.linalg.inv(schur)

        def towards(goal: list[FloatArray]) -> list[FloatArray]:
            """Newton's step to given complementarities."""
            force = -slope - ((limit * beyond - goal[0]) / left) @ a
            force -= (ceiling * past - goal[1]) / over_x + goal[2] / x
            dx = force / stiff
            bent = (inverse @ (dx @ a.T)[:, :, None])[:, :, 0]
            dx = dx - (bent @ a) / stiff
            dleft, dover = -beyond - dx @ a.T, -past - dx
            return [
                *(dx, dleft, dover, -(goal[0] + limit * dleft) / left),
                *(-(goal[1] + ceiling * dover) / over_x, -(goal[2] + pull * dx) / x),
            ]

        dx, dleft, dover, dlimit, dceiling, dpull = towards(slack)
        primal = _reach((x, dx), (left, dleft), (over_x, dover))
        dual = _reach((limit, dlimit), (ceiling, dceiling), (pull, dpull))
        ahead = np.abs((left + primal * dleft) * (limit + dual * dlimit)).sum(axis=1)
        ahead += np.abs((over_x + primal * dover) * (ceiling + dual * dceiling)).sum(axis=1)
        ahead += np.abs((x + primal * dx) * (pull + dual * dpull) - weight).sum(axis=1)
        ahead /= (q + 2 * m) * gap
        centre = np.maximum((np.minimum(ahead, 1.0) ** 3 * gap)[:, None], target)
        dx, dleft, dover, dlimit, dceiling, dpull = towards(
            [
                slack[0] + dleft * dlimit - centre,
                slack[1] + dover * dceiling - centre,
                slack[2] + dx * dpull - centre,
            ]
        )
        primal = moving[:, None] * _reach((x, dx), (left, dleft), (over_x, dover))
        dual = moving[:, None] * _reach((limit, dlimit), (ceiling, dceiling), (pull, dpull))
        x, left, over_x = x + primal * dx, left + primal * dleft, over_x + primal * dover
        limit, ceiling = limit + dual * dlimit, ceiling + dual * dceiling
        pull = pull + dual * dpull
    return np.asarray(np.clip(best, 0.0, 1.0) * caps_kwh)


def _reach(*pairs: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Longest step, up to 1, that keeps every value positive, shape (k, 1)."""
    fastest = np.full(len(pairs[0][0]), STEP)
    for value, change in pairs:
        fastest = np.maximum(fastest, (-change / value).max(axis=1, initial=0.0))
    return np.asarray((STEP / fastest)[:, None])
