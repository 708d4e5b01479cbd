"""Branch flows, currents, loading and complex voltages of solved scenarios."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from .feeder import Feeder

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BranchFlows:
    """What flows through the branches, (n_scenarios, n_branches) each, in the feeder's order.

    Parameters
    ----------
    from_kw, from_kvar : ndarray
        Power that enters the branch at its `from` end [kW, kvar].
    to_kw, to_kvar : ndarray
        Power that enters it at its `to` end; the two ends add up to the branch's loss.
    current_a : ndarray
        Current [A].
    loading : ndarray
        Current over ampacity; NaN where the ampacity is unknown.

    Examples
    --------
    >>> lane = Feeder("lane", "an example", ("a", "b"), 0, 0.4, [0], [1], [0.16], [0.0], [50.0])
    >>> flows = flows_from_voltages(lane, np.array([[1.0 + 0j, 0.99 + 0j]]))
    >>> round(float(flows.current_a[0, 0]), 3), round(float(flows.loading[0, 0]), 3)
    (14.434, 0.289)
    """

    from_kw: Floats
    from_kvar: Floats
    to_kw: Floats
    to_kvar: Floats
    current_a: Floats
    loading: Floats


@njit(cache=True, nogil=True, error_model="numpy")
def _trace(
    parent: Any, bus: Any, z: Any, kw: Any, kvar: Any, v: Any, received: Any, sent: Any, angle: Any
) -> None:
    """Powers received from and sent into each position's feeding branch, and bus angles."""
    n = parent.size
    for s in range(kw.shape[0]):
        for i in range(1, n):
            received[s, i, 0] = -kw[s, bus[i]]
            received[s, i, 1] = -kvar[s, bus[i]]
        for i in range(n - 1, 0, -1):
            p = received[s, i, 0]
            q = received[s, i, 1]
            u = v[s, bus[i]] * v[s, bus[i]]
            w = (p * p + q * q) / u
            sent[s, i, 0] = p + z[i, 0] * w
            sent[s, i, 1] = q + z[i, 1] * w
            up = parent[i]
            received[s, up, 0] += sent[s, i, 0]
            received[s, up, 1] += sent[s, i, 1]
        angle[s, bus[0]] = 0.0
        for i in range(1, n):
            p = received[s, i, 0]
            q = received[s, i, 1]
            u = v[s, bus[i]] * v[s, bus[i]]
            # V_parent / V_i = 1 + z conj(S) / U
            turn = math.atan2(z[i, 1] * p - z[i, 0] * q, u + z[i, 0] * p + z[i, 1] * q)
            angle[s, bus[i]] = angle[s, bus[parent[i]]] - turn


def branch_flows(
    feeder: Feeder, injection_kw: ArrayLike, injection_kvar: ArrayLike, v_pu: ArrayLike
) -> BranchFlows:
    """Flows, currents and loading of the branches for solved voltages.

    Powers are added up from the leaves, each branch with the loss
    ``(r + jx) (P^2 + Q^2) / U``; so zero-impedance branches have flows too.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    injection_kw, injection_kvar : array_like (n_scenarios, n_buses)
        The injections that were solved [kW, kvar].
    v_pu : array_like (n_scenarios, n_buses)
        Voltage magnitudes of the solution [p.u.]; rows of NaN give rows of NaN.

    Returns
    -------
    BranchFlows
        In the feeder's own branch order and directions.

    Raises
    ------
    ValueError
        If the shapes do not fit the feeder.

    Examples
    --------
    >>> from gridbazaar.network import load_feeder, solve_power_flow
    >>> feeder = load_feeder("kerber_village_lv")
    >>> kw, kvar = -feeder.load_kw[None], -feeder.load_kvar[None]
    >>> flows = branch_flows(feeder, kw, kvar, solve_power_flow(feeder, kw, kvar).v_pu)
    >>> f"{flows.from_kw[0, 0]:.2f} kW, {flows.current_a[0, 0]:.1f} A, {flows.loading[0, 0]:.3f}"
    '350.99 kW, 507.0 A, 0.878'
    """
    received, sent, _, v = _traced(feeder, injection_kw, injection_kvar, v_pu)
    order = feeder.radial_order
    branch = order.branch[1:]
    shape = (len(v), feeder.n_branches)
    ends = np.empty((2, 2, *shape))  # from or to, kW or kvar
    outwards = order.downstream[1:]
    for part in range(2):
        arriving = -received[:, 1:, part]
        leaving = sent[:, 1:, part]
        ends[0, part][:, branch] = np.where(outwards, leaving, arriving)
        ends[1, part][:, branch] = np.where(outwards, arriving, leaving)
    current = np.empty(shape)
    apparent = np.hypot(received[:, 1:, 0], received[:, 1:, 1])
    current[:, branch] = apparent / (math.sqrt(3.0) * feeder.base_kv * v[:, order.bus[1:]])
    return BranchFlows(
        ends[0, 0], ends[0, 1], ends[1, 0], ends[1, 1], current, current / feeder.i_max_a
    )


def complex_voltages(
    feeder: Feeder, injection_kw: ArrayLike, injection_kvar: ArrayLike, v_pu: ArrayLike
) -> NDArray[np.complex128]:
    """Voltages with their angles, the slack bus at angle zero.

    Parameters
    ----------
    feeder, injection_kw, injection_kvar, v_pu
        As in `branch_flows`.

    Returns
    -------
    ndarray (n_scenarios, n_buses) of complex
        Voltage phasors [p.u.].

    Examples
    --------
    >>> from gridbazaar.network import load_feeder, solve_power_flow
    >>> feeder = load_feeder("ieee33_mv")
    >>> kw, kvar = -feeder.load_kw[None], -feeder.load_kvar[None]
    >>> v = complex_voltages(feeder, kw, kvar, solve_power_flow(feeder, kw, kvar).v_pu)
    >>> round(float(np.degrees(np.angle(v[0, 17]))), 3)
    -0.495
    """
    _, _, angle, v = _traced(feeder, injection_kw, injection_kvar, v_pu)
    phasors: NDArray[np.complex128] = v * np.exp(1j * angle)
    return phasors


def flows_from_voltages(feeder: Feeder, voltage: NDArray[np.complex128]) -> BranchFlows:
    """Branch flows by Ohm's law from voltage phasors alone: the audit of a solution.

    ``I = (V_from - V_to) / z`` and ``S = V conj(I)``; nothing of the sweep is used.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    voltage : ndarray (n_scenarios, n_buses) of complex
        Voltage phasors [p.u.].

    Returns
    -------
    BranchFlows
        NaN for zero-impedance branches, whose flow the voltages do not tell.

    Examples
    --------
    >>> from gridbazaar.network import Feeder
    >>> lane = Feeder("lane", "an example", ("a", "b"), 0, 0.4, [0], [1], [0.16], [0.0])
    >>> flows = flows_from_voltages(lane, np.array([[1.0 + 0j, 0.99 + 0j]]))
    >>> round(float(flows.from_kw[0, 0]), 6), round(float(flows.to_kw[0, 0]), 6)
    (10.0, -9.9)
    """
    z = (feeder.r_ohm + 1j * feeder.x_ohm) / (1000.0 * feeder.base_kv**2)
    start, end = voltage[:, feeder.from_bus], voltage[:, feeder.to_bus]
    current = np.full(start.shape, np.nan + 1j * np.nan)
    np.divide(start - end, z, out=current, where=z != 0.0)
    at_from = start * current.conj()
    at_to = -end * current.conj()
    ampere = np.abs(current) / (math.sqrt(3.0) * feeder.base_kv)
    return BranchFlows(
        at_from.real, at_from.imag, at_to.real, at_to.imag, ampere, ampere / feeder.i_max_a
    )


def _traced(
    feeder: Feeder, injection_kw: ArrayLike, injection_kvar: ArrayLike, v_pu: ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    kw = np.array(injection_kw, np.float64, order="C")
    kvar = np.array(injection_kvar, np.float64, order="C")
    v = np.array(v_pu, np.float64, order="C")
    if kw.ndim != 2 or kw.shape[1] != feeder.n_buses or not kw.shape == kvar.shape == v.shape:
        raise ValueError(
            f"injection_kw {kw.shape}, injection_kvar {kvar.shape}, v_pu {v.shape}: all must have "
            f"the shape (n_scenarios, {feeder.n_buses})"
        )
    received = np.zeros((*kw.shape, 2))
    sent = np.zeros((*kw.shape, 2))
    angle = np.empty(kw.shape)
    arrays = feeder.sweep_arrays
    _trace(arrays.parent, arrays.bus, arrays.impedance, kw, kvar, v, received, sent, angle)
    return received, sent, angle, v
