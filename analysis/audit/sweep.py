"""A power flow of the audit's own: current summation on complex voltages [1]_.

The simulator's kernel sums powers on squared magnitudes, scenario by scenario, in compiled code.
Here currents are summed over complex voltages, all intervals at once, in plain numpy; an error in
one would not be in the other.

.. [1] D. Shirmohammadi, H. W. Hong, A. Semlyen, G. X. Luo, "A compensation-based power flow method
   for weakly meshed distribution and transmission networks", IEEE Trans. Power Systems 3(2), 1988,
   doi:10.1109/59.192932.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .feeder import Feeder

CONVERGED_PU = 1e-13  # widest step of any voltage
MOST_SWEEPS = 2000
SWEEPS_BETWEEN_LOOKS = 6
#: Below this impedance [p.u. of 1 kW] a branch is a closed switch, whose current no difference of
#: voltages can tell.
SWITCH_PU = 1e-7


@dataclass(frozen=True)
class Solution:
    """Complex voltages [p.u.] and branch currents [kW/p.u.] of S intervals.

    Attributes
    ----------
    voltage : ndarray (n_buses, S) of complex
        NaN where an interval has no solution.
    current : ndarray (n_buses - 1, S) of complex
        What flows through each branch away from the source.
    solved : ndarray (S,) of bool
        Whether the sweeps converged.
    """

    voltage: np.ndarray
    current: np.ndarray
    solved: np.ndarray


def solve(feeder: Feeder, source_pu: float, power: np.ndarray) -> Solution:
    """Solve the feeder for given injections.

    Parameters
    ----------
    feeder : Feeder
        Its branches, outwards from the source.
    source_pu : float
        Voltage of the source [p.u.].
    power : ndarray (n_buses, S) of complex
        Injections P + jQ [kW, kvar], positive into the network; that of the source has no effect.

    Returns
    -------
    Solution
        Sweep after sweep, v = v_parent - z J with J the sum of the currents -conj(S / v) beyond.
    """
    n, count = power.shape
    voltage = np.full((n, count), source_pu, dtype=np.complex128)
    current = np.zeros((max(n - 1, 0), count), dtype=np.complex128)
    active = np.arange(count)
    v, s = voltage.copy(), power
    with np.errstate(all="ignore"):
        for _ in range(MOST_SWEEPS // SWEEPS_BETWEEN_LOOKS):
            for _ in range(SWEEPS_BETWEEN_LOOKS - 1):
                _sweep(feeder, v, s)
            before = v.copy()
            flow = _sweep(feeder, v, s)
            step = np.abs(v - before).max(axis=0)
            done = step < CONVERGED_PU
            hopeless = ~np.isfinite(step)
            voltage[:, active[done]] = v[:, done]
            current[:, active[done]] = flow[:, done]
            going = ~(done | hopeless)
            voltage[:, active[hopeless]] = np.nan
            active = active[going]
            if not active.size:
                break
            if not going.all():
                v, s = v[:, going], s[:, going]
    voltage[:, active] = np.nan
    return Solution(voltage, current, ~np.isnan(voltage[0]))


def _sweep(feeder: Feeder, v: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Do one sweep on the voltages in place; return the branch currents."""
    drawn = np.negative(np.conj(power / v))
    bus, parent, z = feeder.bus.tolist(), feeder.parent.tolist(), feeder.z.tolist()
    for i in range(len(bus) - 1, -1, -1):
        drawn[parent[i]] += drawn[bus[i]]
    drop = np.empty(v.shape[1], dtype=np.complex128)
    for i, at in enumerate(bus):
        np.multiply(drawn[at], z[i], out=drop)
        np.subtract(v[parent[i]], drop, out=v[at])
    return np.asarray(drawn[feeder.bus])


@dataclass(frozen=True)
class Balance:
    """Powers that follow from complex voltages by Ohm's law, for S intervals.

    Attributes
    ----------
    source : ndarray (S,) of complex
        What the branches at the source carry away from it [kW, kvar].
    loss : ndarray (S,) of complex
        Sum of the powers that enter all branches at both their ends.
    unbalanced : ndarray (n_buses - 1, S)
        Apparent power that is injected at each bus but the source and does not leave it [kVA].
    """

    source: np.ndarray
    loss: np.ndarray
    unbalanced: np.ndarray


def balance(feeder: Feeder, solution: Solution, power: np.ndarray) -> Balance:
    """Recompute the feeder's balance from complex voltages and branch flows.

    I = (V_parent - V) / z and S = V conj(I) at both ends of each branch; only a closed switch,
    without impedance, takes its current from the sweep.

    Parameters
    ----------
    feeder : Feeder
        Its branches.
    solution : Solution
        Of :func:`solve`.
    power : ndarray (n_buses, S) of complex
        The injections that were solved.

    Returns
    -------
    Balance
        Source power, losses, and what is left over at each bus.
    """
    v = solution.voltage
    start, end = v[feeder.parent], v[feeder.bus]
    switch = np.abs(feeder.z) < SWITCH_PU
    z = np.where(switch, 1.0, feeder.z)[:, None]
    flow = np.where(switch[:, None], solution.current, (start - end) / z)
    entering = start * flow.conj()
    arriving = end * flow.conj()
    leaving = np.zeros_like(v)
    np.add.at(leaving, feeder.parent, entering)
    leaving[feeder.bus] -= arriving
    left = power - leaving
    return Balance(
        source=leaving[feeder.slack],
        loss=(entering - arriving).sum(axis=0),
        unbalanced=np.abs(np.delete(left, feeder.slack, axis=0)),
    )
