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

from collections.abc import Callable
from copy import copy

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
ITERATIONS = 40
RESIDUAL = 1e-7  # of the limits, relative to each
SLOPE = 1e-5  # of the stationarity, relative to the steepest price
CENTRE = 1e-4  # complementarity that is left, relative to the weight of the logarithms,
LEAST_CENTRE = 1e-6  # and absolute: below it round-off in the steps outweighs what is gained
STEP = 0.99  # of the way to the nearest bound
SHORT = 0.3  # a step below it is followed by one back to the centre
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
    unit = np.maximum(room.max(axis=0), 1e-300)
    cost = np.clip(price * caps_kwh, -STEEPEST, STEEPEST)
    weight = 1.0 / (1.0 + np.abs(cost).max(axis=1, keepdims=True))
    path = _Path(rows * caps_kwh / unit[:, None], room / unit, cost * weight, weight)
    target = np.maximum(CENTRE * weight, LEAST_CENTRE)
    best, merit = path.x, np.full(k, np.inf)
    with np.errstate(all="ignore"):  # candidates that are done go on beside the others, unused
        for _ in range(ITERATIONS):
            slack = path.slack()
            gap = sum(np.abs(part).mean(axis=1) * part.shape[1] for part in slack)
            gap /= len(rows) + 2 * m
            now = np.maximum(path.residual(), gap / (2.0 * target[:, 0]))
            best = np.where((now < merit)[:, None], path.x, best)
            merit = np.fmin(merit, now)
            moving = (merit > 1.0) & np.isfinite(now)
            if not moving.any():
                break
            newton = path.newton()
            ahead = path.moved(newton(slack))
            share = sum(np.abs(part).sum(axis=1) for part in ahead.slack())
            share = np.minimum(share / ((len(rows) + 2 * m) * gap), 1.0)
            share = np.where(path.step > SHORT, share**3, 1.0)  # a short step was badly centred
            centre = np.maximum((share * gap)[:, None], target)
            turned = (path.step > SHORT)[:, None]
            bent = [
                part + turned * turn - centre for part, turn in zip(slack, ahead.turns, strict=True)
            ]
            path = path.moved(newton(bent), moving[:, None])
    return np.asarray(np.clip(best, 0.0, 1.0) * caps_kwh)


class _Path:
    """Where k programs stand: shares x of the offers, what is left of each limit, multipliers.

    Three complementarities go to their targets: of the rows (`left` times `limit` to 0), of the
    offers (`over` times `ceiling` to 0) and of the logarithm (`x` times `pull` to its weight).
    """

    def __init__(self, a: FloatArray, b: FloatArray, cost: FloatArray, weight: FloatArray) -> None:
        self.a, self.b, self.cost, self.weight = a, b, cost, weight
        start = np.maximum(0.3, weight)
        self.x, self.over = np.full_like(cost, 0.5), np.full_like(cost, 0.5)
        self.left = np.maximum(b - self.x @ a.T, 0.3)
        self.limit, self.ceiling, self.pull = start / self.left, start / self.over, start / self.x
        self.step = np.ones(len(cost))  # the shorter of the steps that led here
        self.turns: list[FloatArray] = []  # second-order parts of the step that led here

    def slack(self) -> list[FloatArray]:
        """The three complementarities, less what they should be."""
        logarithm = self.x * self.pull - self.weight
        return [self.left * self.limit, self.over * self.ceiling, logarithm]

    def _errors(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Slope of the Lagrangian; what rows and offers miss with their slacks."""
        slope = self.cost - self.pull + self.limit @ self.a + self.ceiling
        return slope, self.x @ self.a.T + self.left - self.b, self.x + self.over - 1.0

    def residual(self) -> FloatArray:
        """Worst error of each program in units of what is accepted, shape (k,)."""
        slope, beyond, past = self._errors()
        missed = np.maximum(np.abs(past).max(axis=1), np.abs(beyond).max(axis=1, initial=0.0))
        return np.asarray(np.maximum(np.abs(slope * self.x).max(axis=1) / SLOPE, missed / RESIDUAL))

    def newton(self) -> Callable[[list[FloatArray]], list[FloatArray]]:
        """Return Newton's step as a function of the complementarities to take away."""
        a, limit, left = self.a, self.limit, self.left
        slope, beyond, past = self._errors()
        stiff = self.pull / self.x + self.ceiling / self.over
        schur = (a[None] / stiff[:, None, :]) @ a.T  # by Woodbury: q x q in place of m x m
        at = np.arange(len(a))
        own = schur[:, at, at]  # rows that repeat each other must not make it singular
        schur[:, at, at] += left / limit + 1e-13 * own + 1e-300
        schur[~np.isfinite(schur).all(axis=(1, 2))] = np.eye(len(a))
        inverse = np.linalg.inv(schur)

        def step(goal: list[FloatArray]) -> list[FloatArray]:
            force = -slope - ((limit * beyond - goal[0]) / left) @ a
            force -= (self.ceiling * past - goal[1]) / self.over + goal[2] / self.x
            dx = force / stiff
            bent = (inverse @ (dx @ a.T)[:, :, None])[:, :, 0]
            dx = dx - (bent @ a) / stiff
            dleft, dover = -beyond - dx @ a.T, -past - dx
            dlimit = -(goal[0] + limit * dleft) / left
            dceiling = -(goal[1] + self.ceiling * dover) / self.over
            return [dx, dleft, dover, dlimit, dceiling, -(goal[2] + self.pull * dx) / self.x]

        return step

    def moved(self, step: list[FloatArray], moving: NDArray[np.bool_] | None = None) -> _Path:
        """Go along a step as far as every value stays positive; only where `moving`, (k, 1)."""
        dx, dleft, dover, dlimit, dceiling, dpull = step
        primal = _reach((self.x, dx), (self.left, dleft), (self.over, dover))
        dual = _reach((self.limit, dlimit), (self.ceiling, dceiling), (self.pull, dpull))
        if moving is not None:
            primal, dual = moving * primal, moving * dual
        to = copy(self)
        to.step = np.minimum(primal, dual)[:, 0]
        to.x, to.left = self.x + primal * dx, self.left + primal * dleft
        to.over = self.over + primal * dover
        to.limit, to.ceiling = self.limit + dual * dlimit, self.ceiling + dual * dceiling
        to.pull = self.pull + dual * dpull
        to.turns = [dleft * dlimit, dover * dceiling, dx * dpull]
        return to


def _reach(*pairs: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Longest step, up to 1, that keeps every value positive, shape (k, 1)."""
    fastest = np.full(len(pairs[0][0]), STEP)
    for value, change in pairs:
        fastest = np.maximum(fastest, (-change / value).max(axis=1, initial=0.0))
    return np.asarray((STEP / fastest)[:, None])
