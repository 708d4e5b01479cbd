"""What the substation and the feeder see: peaks, ramps, voltages, loading."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_SOLVED_PU = 1e-6  # as near to a limit as a solved voltage can be told from it


def _known(power: ArrayLike) -> NDArray[np.float64]:
    """What is known of a series: without the intervals that have no solution."""
    values = np.asarray(power, dtype=float)
    return values[np.isfinite(values)]


def peak_import_kw(power_kw: ArrayLike) -> float | None:
    """Greatest power that the substation delivers.

    Formula: max(0, max_t P_t)
    Unit: kW
    Source: common
    Care: losses included; 0 if the feeder always feeds back, n/a if no interval has a solution.

    Parameters
    ----------
    power_kw : array_like (n_intervals,)
        Power from the substation, negative when fed back [kW]; NaN where unsolved.

    Returns
    -------
    float or None
        [kW]

    Examples
    --------
    >>> peak_import_kw([3.0, -5.0, 2.0])
    3.0
    """
    known = _known(power_kw)
    return max(0.0, float(known.max())) if known.size else None


def peak_export_kw(power_kw: ArrayLike) -> float | None:
    """Greatest power that is fed back to the substation.

    Formula: max(0, max_t -P_t)
    Unit: kW
    Source: common
    Care: 0 where nothing is fed back, n/a where no interval has a solution.

    Parameters
    ----------
    power_kw : array_like (n_intervals,)
        Power from the substation, negative when fed back [kW].

    Returns
    -------
    float or None
        [kW]

    Examples
    --------
    >>> peak_export_kw([3.0, -5.0, 2.0])
    5.0
    """
    known = _known(power_kw)
    return max(0.0, -float(known.min())) if known.size else None


def peak_to_average(power_kw: ArrayLike) -> float | None:
    """Peak import over average import.

    Formula: max_t P+_t / mean_t P+_t, P+ = max(P, 0)
    Unit: ratio
    Source: common
    Care: n/a where nothing is drawn.

    Parameters
    ----------
    power_kw : array_like (n_intervals,)
        Power from the substation [kW].

    Returns
    -------
    float or None
        At least 1.

    Examples
    --------
    >>> peak_to_average([3.0, 1.0, -2.0, 2.0])
    2.0
    """
    drawn = np.fmax(np.asarray(power_kw, dtype=float), 0.0)
    mean = float(drawn.mean())
    return None if mean == 0.0 else float(drawn.max()) / mean


def load_factor(power_kw: ArrayLike) -> float | None:
    """Average import over peak import.

    Formula: mean_t P+_t / max_t P+_t
    Unit: share of 1
    Source: common; the complement is a KPI of CityLearn
    Care: the inverse of the peak-to-average ratio, listed because both are asked for.

    Parameters
    ----------
    power_kw : array_like (n_intervals,)
        Power from the substation [kW].

    Returns
    -------
    float or None
        None where nothing is drawn.

    Examples
    --------
    >>> load_factor([3.0, 1.0, -2.0, 2.0])
    0.5
    """
    ratio = peak_to_average(power_kw)
    return None if ratio is None else 1.0 / ratio


def ramping_kw_per_hour(power_kw: ArrayLike, hours: float) -> float | None:
    """Average change of the substation's power from one interval to the next.

    Formula: sum_t abs(P_t+1 - P_t) / ((n - 1) h)
    Unit: kW per hour
    Source: CityLearn's ramping, per hour instead of summed, so that runs of any length compare
    Care: n/a with fewer than two intervals; unsolved intervals are left out.

    Parameters
    ----------
    power_kw : array_like (n_intervals,)
        Power from the substation [kW].
    hours : float
        Length of an interval [h].

    Returns
    -------
    float or None
        [kW/h]

    Examples
    --------
    >>> ramping_kw_per_hour([3.0, -5.0, 2.0], 0.5)
    15.0
    """
    steps = np.abs(np.diff(np.asarray(power_kw, dtype=float)))
    steps = steps[np.isfinite(steps)]
    return None if steps.size == 0 else float(steps.mean()) / hours


def peak_apparent_kva(power_kw: ArrayLike, reactive_kvar: ArrayLike) -> float | None:
    """Greatest apparent power through the substation: what its transformer must carry.

    Formula: max_t sqrt(P_t^2 + Q_t^2)
    Unit: kVA
    Source: common
    Care: either direction; n/a where no interval has a solution.

    Parameters
    ----------
    power_kw, reactive_kvar : array_like (n_intervals,)
        Active and reactive power from the substation [kW, kvar].

    Returns
    -------
    float or None
        [kVA]

    Examples
    --------
    >>> peak_apparent_kva([3.0, -1.0], [4.0, 0.0])
    5.0
    """
    known = _known(np.hypot(power_kw, reactive_kvar))
    return float(known.max()) if known.size else None


def greatest_loading(current_a: ArrayLike, ampacity_a: ArrayLike) -> float | None:
    """Greatest current of any branch over what it may carry.

    Formula: max_b,t I_bt / I_max,b
    Unit: share of 1
    Source: common
    Care: n/a where the feeder's data state no ampacity. n/a in the counterfactual, of which a run
    keeps the community's meters and the feeder's losses and extreme voltages, and not the meters
    of each home that the current of a branch would take.

    Parameters
    ----------
    current_a : array_like (n_intervals, n_branches) or (n_branches,)
        Current of each branch, or its peak [A].
    ampacity_a : array_like (n_branches,)
        What it may carry [A]; NaN where not known.

    Returns
    -------
    float or None
        Above 1 is an overload.

    Examples
    --------
    >>> greatest_loading([[50.0, 30.0], [80.0, 90.0]], [100.0, float("nan")])
    0.8
    """
    limit = np.asarray(ampacity_a, dtype=float)
    known = np.isfinite(limit)
    if not known.any():
        return None
    loading: NDArray[np.float64] = np.asarray(current_a, dtype=float)[..., known] / limit[known]
    return float(np.nanmax(loading))


def violation_depth_pu(
    v_min_pu: ArrayLike, v_max_pu: ArrayLike, lower_pu: float, upper_pu: float
) -> float | None:
    """By how much the worst voltage lies outside its limits.

    Formula: max(0, max_t V_max,t - upper, lower - min_t V_min,t)
    Unit: p.u.
    Source: common
    Care: 0 where every voltage keeps the band; intervals without solution or supply are left out,
    and n/a is the depth of a run that has no others.

    Parameters
    ----------
    v_min_pu, v_max_pu : array_like (n_intervals,)
        Least and greatest bus voltage [p.u.].
    lower_pu, upper_pu : float
        Limits [p.u.].

    Returns
    -------
    float or None
        [p.u.]

    Examples
    --------
    >>> round(violation_depth_pu([0.9375, 0.97], [1.02, 1.06], 0.95, 1.05), 6)
    0.0125
    """
    lowest, highest = np.asarray(v_min_pu, dtype=float), np.asarray(v_max_pu, dtype=float)
    if np.isnan(lowest).all():
        return None
    return max(0.0, float(np.nanmax(highest)) - upper_pu, lower_pu - float(np.nanmin(lowest)))


def schedules_over_limit(v_max_pu: ArrayLike, upper_pu: float) -> float:
    """Frames whose accepted schedule would lift a bus above the upper limit.

    Formula: count(V_max,f > upper + 1e-6)
    Unit: frames
    Source: ours
    Care: on the forecast, at gate closure; the meters may see less, because the envelope and
    orders to curtail act later. What the market alone would do to voltages shows here.

    Parameters
    ----------
    v_max_pu : array_like (n_frames,)
        Greatest voltage of each accepted schedule [p.u.]; NaN where there is none.
    upper_pu : float
        The limit [p.u.].

    Returns
    -------
    float
        [frames]

    Examples
    --------
    >>> schedules_over_limit([1.04, 1.0500000001, 1.06, float("nan")], 1.05)
    1.0
    """
    return float((np.asarray(v_max_pu, dtype=float) > upper_pu + _SOLVED_PU).sum())


def schedules_cured(v_first_pu: ArrayLike, v_accepted_pu: ArrayLike, upper_pu: float) -> float:
    """Frames whose first schedule broke the upper limit and whose accepted one does not.

    Formula: count(V_first,f > upper + 1e-6 >= V_accepted,f)
    Unit: frames
    Source: ours
    Care: the violations that the network's check avoids; 0 where trade is not checked.

    Parameters
    ----------
    v_first_pu, v_accepted_pu : array_like (n_frames,)
        Greatest voltage of the schedule before any cap, and of the accepted one [p.u.].
    upper_pu : float
        The limit [p.u.].

    Returns
    -------
    float
        [frames]

    Examples
    --------
    >>> schedules_cured([1.06, 1.07, 1.04], [1.05, 1.06, 1.04], 1.05)
    1.0
    """
    limit = upper_pu + _SOLVED_PU
    first, accepted = np.asarray(v_first_pu, float), np.asarray(v_accepted_pu, float)
    return float(((first > limit) & (accepted <= limit)).sum())


def violations_avoided(minutes: ArrayLike, reference_minutes: ArrayLike) -> float:
    """Bus-minutes outside the limits that the counterfactual has and the market has not.

    Formula: sum_b max(0, m_ref,b - m_b)
    Unit: bus-minutes
    Source: ours, after the usual count of violations
    Care: compared bus by bus, so that a cure at one bus does not hide harm at another; take
    over- and undervoltage one after the other.

    Parameters
    ----------
    minutes, reference_minutes : array_like (n_buses,)
        Minutes outside the limits with the market, and in the counterfactual [min].

    Returns
    -------
    float
        [bus-minutes]

    Examples
    --------
    >>> violations_avoided([0.0, 30.0], [45.0, 15.0])
    45.0
    """
    return float(np.maximum(np.asarray(reference_minutes) - np.asarray(minutes), 0.0).sum())


def violations_caused(minutes: ArrayLike, reference_minutes: ArrayLike) -> float:
    """Bus-minutes outside the limits that the market has and the counterfactual has not.

    Formula: sum_b max(0, m_b - m_ref,b)
    Unit: bus-minutes
    Source: ours, after the usual count of violations
    Care: avoided less caused is the change of all bus-minutes.

    Parameters
    ----------
    minutes, reference_minutes : array_like (n_buses,)
        Minutes outside the limits with the market, and in the counterfactual [min].

    Returns
    -------
    float
        [bus-minutes]

    Examples
    --------
    >>> violations_caused([0.0, 30.0], [45.0, 15.0])
    15.0
    """
    return violations_avoided(reference_minutes, minutes)
