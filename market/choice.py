"""Choice rules: which point of the front becomes the schedule.

All rules but `demand-first` act on gains normalised by the front's ideal (1) and nadir (0): in
raw units equal weights would cancel the price and be demand-first again. A front with one point
has one answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
TIE = 1e-9  # relative: energies this close are served alike


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """A front as the choice rules see it.

    Parameters
    ----------
    traded_kwh : (k,) float
        Energy of each point [kWh].
    f1, f2 : (k,) float
        Objectives [currency].
    disagreement : tuple of float or None
        What both sides get without agreement, in units of f1 and f2; None is the nadir.
    each : (k, q) float or None
        Gain of every participant at each point, for rules that look at participants.
    weight : float
        Weight of f1 in `weighted-sum`.
    goals : tuple of float
        Aspiration levels of normalised f1 and f2.

    Examples
    --------
    >>> Gains(np.ones(2), np.array([1.0, 3.0]), np.array([5.0, 4.0])).sides.tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """

    traded_kwh: FloatArray
    f1: FloatArray
    f2: FloatArray
    disagreement: tuple[float, float] | None = None
    each: FloatArray | None = None
    weight: float = 0.5
    goals: tuple[float, float] = (1.0, 1.0)

    @property
    def sides(self) -> FloatArray:
        """Gains of the two sides, shape (k, 2), each from 0 (nadir) to 1 (ideal)."""
        return _normalised(np.stack([self.f1, self.f2], axis=1))

    @property
    def compared(self) -> FloatArray:
        """Normalised gains of those whose welfare is compared: participants, else the sides."""
        return self.sides if self.each is None else _normalised(self.each)


def _normalised(gain: FloatArray) -> FloatArray:
    low = gain.min(axis=0)
    span = gain.max(axis=0) - low
    return np.asarray(np.divide(gain - low, span, out=np.ones_like(gain), where=span > 0))


def demand_first(gains: Gains) -> int:
    """Serve most: the point with the greatest traded energy, ties by f1 (default).

    Parameters
    ----------
    gains : Gains
        The front.

    Returns
    -------
    int
        Index of the point.

    Examples
    --------
    >>> demand_first(Gains(np.array([1.0, 2.0, 2.0]), np.array([3.0, 1.0, 2.0]), np.ones(3)))
    2
    """
    most = gains.traded_kwh.max()
    served = gains.traded_kwh >= most * (1.0 - TIE)
    return int(np.argmax(np.where(served, gains.f1, -np.inf)))


def knee(gains: Gains) -> int:
    """Take the point farthest from the line that joins the front's ends [1]_.

    argmax g1 + g2 in normalised gains, where that line is g1 + g2 = 1.

    Parameters
    ----------
    gains : Gains
        The front.

    Returns
    -------
    int
        Index of the point.

    References
    ----------
    .. [1] I. Das, "On characterizing the 'knee' of the Pareto curve based on normal-boundary
       intersection", Structural Optimization 18 (1999) 107-115, doi:10.1007/BF01195985.

    Examples
    --------
    >>> knee(Gains(np.ones(3), np.array([0.0, 0.9, 1.0]), np.array([1.0, 0.8, 0.0])))
    1
    """
    return int(np.argmax(gains.sides.sum(axis=1)))


def nash_bargaining(gains: Gains) -> int:
    """Maximise the product of both sides' gains over their disagreement [1]_.

    argmax (f1 - f1_0)(f2 - f2_0) where both gain; f_0 is trading with the grid, (0, 0), for
    `surplus` and the nadir for objectives without a natural zero.

    Parameters
    ----------
    gains : Gains
        The front.

    Returns
    -------
    int
        Index of the point.

    References
    ----------
    .. [1] J. F. Nash, "The bargaining problem", Econometrica 18 (1950) 155-162,
       doi:10.2307/1907266.

    Examples
    --------
    >>> nash_bargaining(Gains(np.ones(3), np.array([4.0, 2.0, 0.0]), np.array([0.0, 2.0, 4.0])))
    1
    """
    if gains.disagreement is None:
        over = gains.sides
    else:
        over = np.stack([gains.f1, gains.f2], axis=1) - np.asarray(gains.disagreement)
    product = np.where((over >= 0).all(axis=1), over.prod(axis=1), -np.inf)
    return int(np.argmax(product)) if np.isfinite(product).any() else demand_first(gains)


def weighted_sum(gains: Gains) -> int:
    """Maximise w g1 + (1 - w) g2 in normalised gains.

    Parameters
    ----------
    gains : Gains
        The front; `weight` is w.

    Returns
    -------
    int
        Index of the point.

    Examples
    --------
    >>> front = Gains(np.ones(2), np.array([0.0, 1.0]), np.array([1.0, 0.0]), weight=0.9)
    >>> weighted_sum(front)
    1
    """
    sides = gains.sides
    return int(np.argmax(gains.weight * sides[:, 0] + (1.0 - gains.weight) * sides[:, 1]))


def maximin(gains: Gains) -> int:
    """Maximise the least normalised gain, of the two sides or of every participant [1]_.

    Parameters
    ----------
    gains : Gains
        The front; `each` names the participants' gains if they are the ones compared.

    Returns
    -------
    int
        Index of the point.

    References
    ----------
    .. [1] J. Rawls, "A Theory of Justice", Harvard University Press 1971.

    Examples
    --------
    >>> maximin(Gains(np.ones(3), np.array([0.0, 0.4, 1.0]), np.array([1.0, 0.7, 0.0])))
    1
    """
    return int(np.argmax(gains.compared.min(axis=1)))


def min_disparity(gains: Gains) -> int:
    """Minimise the spread of normalised gains, greatest less least; ties by their sum.

    Parameters
    ----------
    gains : Gains
        The front; `each` names the participants' gains if they are the ones compared.

    Returns
    -------
    int
        Index of the point.

    Examples
    --------
    >>> min_disparity(Gains(np.ones(3), np.array([0.0, 0.6, 1.0]), np.array([1.0, 0.7, 0.0])))
    1
    """
    compared = gains.compared
    spread = compared.max(axis=1) - compared.min(axis=1)
    near = spread <= spread.min() + TIE
    return int(np.argmax(np.where(near, compared.sum(axis=1), -np.inf)))


def goal_programming(gains: Gains) -> int:
    """Minimise the distance to aspiration levels, counting shortfalls only [1]_.

    argmin sum_k max(0, goal_k - g_k)^2; with the default goals (1, 1) this is the point nearest
    to the ideal.

    Parameters
    ----------
    gains : Gains
        The front; `goals` are the aspiration levels of normalised f1 and f2.

    Returns
    -------
    int
        Index of the point.

    References
    ----------
    .. [1] A. Charnes and W. W. Cooper, "Goal programming and multiple objective optimizations",
       European Journal of Operational Research 1 (1977) 39-54, doi:10.1016/S0377-2217(77)81007-2.

    Examples
    --------
    >>> goal_programming(Gains(np.ones(3), np.array([0.0, 0.8, 1.0]), np.array([1.0, 0.8, 0.0])))
    1
    """
    short = np.maximum(np.asarray(gains.goals) - gains.sides, 0.0)
    return int(np.argmin((short**2).sum(axis=1)))


ChoiceRule = Callable[[Gains], int]

CHOICE_RULES: dict[str, ChoiceRule] = {
    "demand-first": demand_first,
    "knee": knee,
    "nash-bargaining": nash_bargaining,
    "weighted-sum": weighted_sum,
    "maximin": maximin,
    "min-disparity": min_disparity,
    "goal-programming": goal_programming,
}
