"""Voltage limits, and the judgement of a batch of candidate schedules against them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .feeder import Feeder
from .power_flow import PowerFlow

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class VoltageLimits:
    """The band that bus voltages must keep [p.u.].

    Examples
    --------
    >>> VoltageLimits().upper_pu
    1.05
    """

    lower_pu: float = 0.95
    upper_pu: float = 1.05

    def __post_init__(self) -> None:
        if not (0.0 < self.lower_pu < self.upper_pu and math.isfinite(self.upper_pu)):
            raise ValueError(
                f"voltage limits {self.lower_pu} to {self.upper_pu} p.u.: give 0 < lower < upper"
            )


@dataclass(frozen=True, eq=False)
class VoltageJudgement:
    """How k candidate schedules, of T intervals each, stand to the limits.

    Parameters
    ----------
    feasible : ndarray (k,) of bool
        Every interval solved and no voltage above the ceiling.
    overvoltage_pu : ndarray (k,)
        Sum over buses and intervals of what exceeds the ceiling [p.u.]; inf where an interval has
        no solution.
    undervoltage : ndarray (k,) of bool
        Some voltage below the lower limit (or no solution); it does not make a schedule infeasible.
    undervoltage_pu : ndarray (k,)
        Depth of the deepest undervoltage [p.u.], 0 if none.
    v_min_pu, v_max_pu : ndarray (k,)
        Extremes over buses and intervals; NaN where no interval was solved.
    critical : ndarray (k, n_buses) of bool
        Buses above their ceiling in some interval.
    worst_bus : ndarray (k,) of int
        The bus that exceeds its ceiling most, or comes nearest to it.

    Examples
    --------
    >>> from gridbazaar.network import load_feeder, solve_power_flow
    >>> feeder = load_feeder("ieee33_mv")
    >>> kw = -np.array([1.0, -4.0])[:, None] * feeder.load_kw  # a load, and reverse flow
    >>> flow = solve_power_flow(feeder, kw, 0.0 * kw)
    >>> judged = judge_voltages(flow, VoltageLimits(), n_intervals=1)
    >>> judged.feasible.tolist(), judged.critical_buses(feeder)[1][:2]
    ([True, False], ('4', '5'))
    """

    feasible: NDArray[np.bool_]
    overvoltage_pu: Floats
    undervoltage: NDArray[np.bool_]
    undervoltage_pu: Floats
    v_min_pu: Floats
    v_max_pu: Floats
    critical: NDArray[np.bool_]
    worst_bus: NDArray[np.int64]

    def critical_buses(self, feeder: Feeder) -> tuple[tuple[str, ...], ...]:
        """Names of each candidate's critical buses, in the feeder's order."""
        return tuple(
            tuple(feeder.bus_names[bus] for bus in np.flatnonzero(row)) for row in self.critical
        )


def overvoltage_ceiling(base_v_pu: Floats, limits: VoltageLimits) -> Floats:
    """What a voltage may reach: the upper limit, or the base's own voltage where that is higher.

    A base that is above the limit without any sale must not be blamed on a schedule. Where the
    base has no solution (NaN) the ceiling is infinite: nothing can be blamed there.

    Parameters
    ----------
    base_v_pu : ndarray (T, n_buses)
        Voltages without any sale [p.u.].
    limits : VoltageLimits
        The band.

    Returns
    -------
    ndarray (T, n_buses)
        The ceiling [p.u.].

    Examples
    --------
    >>> overvoltage_ceiling(np.array([[1.0, 1.06, np.nan]]), VoltageLimits()).tolist()
    [[1.05, 1.06, inf]]
    """
    return np.where(np.isnan(base_v_pu), np.inf, np.maximum(base_v_pu, limits.upper_pu))


def judge_voltages(
    flow: PowerFlow,
    limits: VoltageLimits,
    n_intervals: int,
    base_v_pu: Floats | None = None,
) -> VoltageJudgement:
    """Judge k candidate schedules from one batch of k x T power flows.

    Parameters
    ----------
    flow : PowerFlow
        Scenarios ordered candidate by candidate, each with its T intervals in sequence.
    limits : VoltageLimits
        The band.
    n_intervals : int
        T, the intervals of a schedule.
    base_v_pu : ndarray (T, n_buses), optional
        Voltages without any sale; only what exceeds both them and the limit counts (see
        `overvoltage_ceiling`).

    Returns
    -------
    VoltageJudgement
        One entry a candidate.

    Raises
    ------
    ValueError
        If the number of scenarios is no multiple of `n_intervals`.

    Examples
    --------
    >>> from gridbazaar.network import load_feeder, solve_power_flow
    >>> feeder = load_feeder("das12_mv_india")
    >>> kw = np.outer([-1.0, 1.0, 4.0], feeder.load_kw)
    >>> flow = solve_power_flow(feeder, kw, np.zeros_like(kw))
    >>> judged = judge_voltages(flow, VoltageLimits(), 1)
    >>> judged.feasible.tolist(), feeder.bus_names[judged.worst_bus[2]]
    ([True, True, False], '12')
    """
    scenarios, n = flow.v_pu.shape
    if n_intervals < 1 or scenarios % n_intervals:
        raise ValueError(
            f"{scenarios} scenarios in schedules of {n_intervals} intervals: give a batch of whole "
            "schedules"
        )
    v = flow.v_pu.reshape(-1, n_intervals, n)
    k = len(v)
    ceiling = (
        np.full((n_intervals, n), limits.upper_pu)
        if base_v_pu is None
        else overvoltage_ceiling(base_v_pu, limits)
    )
    solved = flow.converged.reshape(k, n_intervals)
    blamed = ~solved & np.isfinite(ceiling).any(axis=1)
    excess = np.where(solved[:, :, None], v - ceiling, -np.inf)
    over = excess > 0.0
    total = np.where(over, excess, 0.0).sum(axis=(1, 2))
    v_low = np.where(solved[:, :, None], v, np.inf).min(axis=(1, 2), initial=np.inf)
    v_high = np.where(solved[:, :, None], v, -np.inf).max(axis=(1, 2), initial=-np.inf)
    some = solved.any(axis=1)
    depth = np.maximum(0.0, limits.lower_pu - v_low)
    return VoltageJudgement(
        feasible=np.logical_not(over.any(axis=(1, 2)) | blamed.any(axis=1)),
        overvoltage_pu=np.where(blamed.any(axis=1), np.inf, total),
        undervoltage=(depth > 0.0) | ~solved.all(axis=1),
        undervoltage_pu=np.where(some, depth, 0.0),
        v_min_pu=np.where(some, v_low, np.nan),
        v_max_pu=np.where(some, v_high, np.nan),
        critical=np.asarray(over.any(axis=1)),
        worst_bus=excess.max(axis=1).argmax(axis=1),
    )
