"""The kernel: power-summation backward-forward sweep on squared voltages, many scenarios at once.

For the branch that feeds bus i from its parent, with P + jQ the power that leaves it into bus i,
U = |V|^2, and powers in kW against impedances per unit of 1 kW [1]_::

    w = (P^2 + Q^2) / U_i                          squared current
    U_i = U_parent - 2 (r P + x Q) - (r^2 + x^2) w

Magnitudes and losses need neither angles nor complex numbers. Backward, powers are added up
towards the source, each with its branch's loss; forward, voltages follow.

Scenarios are solved in blocks, side by side in SIMD registers (see `simd`), one contiguous record
``[P Q | p q | U D]`` a bus, buses in depth-first order. A lane leaves at its own convergence: its
result is copied out at that iteration. A collapsed lane is emptied, so that it costs its
neighbours nothing. Every multiply-add is a fused one by definition, so a result depends neither on
its neighbours nor on the width of the block: one source serves wide blocks, the scalar twin (one
lane) and the parallel run, and they agree to the last bit.

.. [1] M. E. Baran, F. F. Wu, "Optimal sizing of capacitors placed on a radial distribution
   system", IEEE Trans. Power Delivery 4(1), 1989, doi:10.1109/61.19266.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .radial import RadialOrder
from .simd import add, div, fma, larger, load, mul, smaller, splat, store, sub

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONVERGED, ITERATION_LIMIT, DIVERGED = 0, 1, 2
NOT_FINITE = 3  # an input of the scenario is NaN, infinite or overflows; the caller raises
GROWING_STEPS = 3  # so many growing steps running are a divergence

# Columns of a bus's record, each as wide as the block. The slack bus has no load of its own: its
# load columns hold the scenario's total load, which the losses are taken from.
FLOW_P, FLOW_Q, LOAD_P, LOAD_Q, SQUARED_V, DROP = range(6)
RECORD = 6


@dataclass(frozen=True, eq=False)
class SweepArrays:
    """What the kernel reads of a feeder, by depth-first position.

    Parameters
    ----------
    bus, parent : ndarray (n_buses,)
        The user's bus at each position, and its parent's position.
    impedance : ndarray (n_buses, 5)
        r, x, 2r, 2x and r^2 + x^2 of the feeding branch, per unit of 1 kW and nominal voltage.
    """

    bus: Ints
    parent: Ints
    impedance: Floats


def sweep_arrays(order: RadialOrder, r_ohm: Floats, x_ohm: Floats, base_kv: float) -> SweepArrays:
    """Lay out a feeder for the kernel.

    Parameters
    ----------
    order : RadialOrder
        The feeder's tree.
    r_ohm, x_ohm : ndarray (n_branches,)
        Branch impedances [ohm].
    base_kv : float
        Nominal line-to-line voltage [kV]; one ohm is ``1 / (1000 base_kv^2)`` per unit of 1 kW.

    Returns
    -------
    SweepArrays
        Writable copies: numba would compile once more for read-only arrays.

    Examples
    --------
    >>> from gridbazaar.network.radial import depth_first
    >>> order = depth_first(2, 0, np.array([0]), np.array([1]))
    >>> arrays = sweep_arrays(order, np.array([0.4]), np.array([0.2]), 0.4)
    >>> arrays.impedance[1, :2].round(6).tolist()
    [0.0025, 0.00125]
    """
    per_unit = 1.0 / (1000.0 * base_kv * base_kv)
    impedance = np.zeros((order.bus.size, 5))
    r = r_ohm[order.branch[1:]] * per_unit
    x = x_ohm[order.branch[1:]] * per_unit
    impedance[1:] = np.stack([r, x, 2.0 * r, 2.0 * x, r * r + x * x], axis=1)
    return SweepArrays(order.bus.copy(), order.parent.copy(), impedance)


@njit(cache=True, nogil=True, error_model="numpy")
def _enter(
    like: Any, record: Any, bus: Any, kw: Any, kvar: Any, start: Any, count: Any, u0: Any
) -> None:
    """Write the loads of scenarios `start`.. into the records and set a flat start."""
    lanes = len(like)
    size = RECORD * lanes
    for i in range(1, bus.size):
        at = i * size
        b = bus[i]
        for lane in range(count):
            record[at + LOAD_P * lanes + lane] = -kw[start + lane, b]
            record[at + LOAD_Q * lanes + lane] = -kvar[start + lane, b]
        for lane in range(count, lanes):
            record[at + LOAD_P * lanes + lane] = 0.0
            record[at + LOAD_Q * lanes + lane] = 0.0
    flat = splat(like, u0)
    total_p = splat(like, 0.0)
    total_q = splat(like, 0.0)
    for i in range(1, bus.size):
        at = i * size
        p = load(like, record, at + LOAD_P * lanes)
        q = load(like, record, at + LOAD_Q * lanes)
        store(record, at + FLOW_P * lanes, p)
        store(record, at + FLOW_Q * lanes, q)
        store(record, at + SQUARED_V * lanes, flat)
        total_p = add(total_p, p)
        total_q = add(total_q, q)
    store(record, LOAD_P * lanes, total_p)
    store(record, LOAD_Q * lanes, total_q)
    store(record, SQUARED_V * lanes, flat)


@njit(cache=True, nogil=True, error_model="numpy")
def _backward(like: Any, record: Any, parent: Any, z: Any) -> None:
    """Add up the powers towards the source, and find each branch's drop in U."""
    lanes = len(like)
    size = RECORD * lanes
    store(record, FLOW_P * lanes, splat(like, 0.0))
    store(record, FLOW_Q * lanes, splat(like, 0.0))
    for i in range(parent.size - 1, 0, -1):
        at = i * size
        up = parent[i] * size
        p = load(like, record, at + FLOW_P * lanes)
        q = load(like, record, at + FLOW_Q * lanes)
        w = div(fma(p, p, mul(q, q)), load(like, record, at + SQUARED_V * lanes))
        linear = fma(splat(like, z[i, 2]), p, mul(splat(like, z[i, 3]), q))
        store(record, at + DROP * lanes, fma(splat(like, z[i, 4]), w, linear))
        above_p = add(load(like, record, up + FLOW_P * lanes), fma(splat(like, z[i, 0]), w, p))
        above_q = add(load(like, record, up + FLOW_Q * lanes), fma(splat(like, z[i, 1]), w, q))
        store(record, up + FLOW_P * lanes, above_p)
        store(record, up + FLOW_Q * lanes, above_q)


@njit(cache=True, nogil=True, error_model="numpy")
def _forward(like: Any, record: Any, parent: Any, u0: Any, judged: Any) -> None:
    """Voltages from the source outwards; the widest step and the lowest U go to `judged`."""
    lanes = len(like)
    size = RECORD * lanes
    zero = splat(like, 0.0)
    step = zero
    lowest = splat(like, u0)
    for i in range(1, parent.size):
        at = i * size
        up = parent[i] * size
        u = sub(load(like, record, up + SQUARED_V * lanes), load(like, record, at + DROP * lanes))
        change = sub(u, load(like, record, at + SQUARED_V * lanes))
        step = larger(change, step)
        step = larger(sub(zero, change), step)
        lowest = smaller(u, lowest)
        store(record, at + SQUARED_V * lanes, u)
        store(record, at + FLOW_P * lanes, load(like, record, at + LOAD_P * lanes))
        store(record, at + FLOW_Q * lanes, load(like, record, at + LOAD_Q * lanes))
    store(judged, 0, step)
    store(judged, lanes, lowest)


@njit(cache=True, nogil=True, error_model="numpy")
def _leave(
    lanes: Any,
    lane: Any,
    record: Any,
    bus: Any,
    status: Any,
    scenario: Any,
    u0: Any,
    v: Any,
    totals: Any,
) -> None:
    """Copy a finished lane out; empty it if it collapsed."""
    size = RECORD * lanes
    if status <= ITERATION_LIMIT:
        for i in range(bus.size):
            v[scenario, bus[i]] = np.sqrt(record[i * size + SQUARED_V * lanes + lane])
        p = record[FLOW_P * lanes + lane]
        q = record[FLOW_Q * lanes + lane]
        totals[0, scenario] = p - record[LOAD_P * lanes + lane]
        totals[1, scenario] = q - record[LOAD_Q * lanes + lane]
        totals[2, scenario] = p
        totals[3, scenario] = q
        return
    for i in range(bus.size):
        v[scenario, i] = np.nan
    totals[:, scenario] = np.nan
    for i in range(1, bus.size):
        for column in (FLOW_P, FLOW_Q, LOAD_P, LOAD_Q):
            record[i * size + column * lanes + lane] = 0.0
        record[i * size + SQUARED_V * lanes + lane] = u0


@njit(cache=True, nogil=True, error_model="numpy")
def sweep_range(
    like: Any,
    parent: Any,
    bus: Any,
    z: Any,
    kw: Any,
    kvar: Any,
    start: Any,
    stop: Any,
    u0: Any,
    tolerance: Any,
    max_iterations: Any,
    v: Any,
    status: Any,
    iterations: Any,
    totals: Any,
) -> int:
    """Solve scenarios `start` to `stop`, in blocks of ``len(like)`` lanes.

    The step is judged on U: ``max |U_new - U_old| <= tolerance`` bounds the step of V by
    ``tolerance / (2 V)``. `v`, `status`, `iterations` and `totals` (rows: loss kW, loss kvar,
    source kW, source kvar) are written; the number of scenarios with unusable input is returned.
    """
    lanes = len(like)
    refused = 0
    record = np.empty(parent.size * RECORD * lanes)
    judged = np.empty(2 * lanes)
    last_step = np.empty(lanes)
    growing = np.empty(lanes, np.int64)
    active = np.empty(lanes, np.bool_)
    for first in range(start, stop, lanes):
        count = min(lanes, stop - first)
        _enter(like, record, bus, kw, kvar, first, count, u0)
        left = 0
        for lane in range(lanes):
            total = record[LOAD_P * lanes + lane] + record[LOAD_Q * lanes + lane]
            active[lane] = lane < count
            last_step[lane] = np.inf
            growing[lane] = 0
            left += lane < count
            if total - total != 0.0 and lane < count:
                active[lane] = False
                left -= 1
                refused += 1
                status[first + lane] = NOT_FINITE
                iterations[first + lane] = 0
                _leave(lanes, lane, record, bus, NOT_FINITE, first + lane, u0, v, totals)
        iteration = 0
        while left > 0:
            iteration += 1
            _backward(like, record, parent, z)
            _forward(like, record, parent, u0, judged)
            for lane in range(lanes):
                if not active[lane]:
                    continue
                step = judged[lane]
                flow = record[FLOW_P * lanes + lane] + record[FLOW_Q * lanes + lane]
                verdict = -1
                # An overflow anywhere reaches the source's flow: NaN and inf minus itself are NaN.
                if not (judged[lanes + lane] > 0.0 and flow - flow == 0.0):
                    verdict = DIVERGED
                elif step <= tolerance:
                    verdict = CONVERGED
                else:
                    growing[lane] = growing[lane] + 1 if step > last_step[lane] else 0
                    last_step[lane] = step
                    if growing[lane] >= GROWING_STEPS:
                        verdict = DIVERGED
                    elif iteration >= max_iterations:
                        verdict = ITERATION_LIMIT
                if verdict >= 0:
                    active[lane] = False
                    left -= 1
                    status[first + lane] = verdict
                    iterations[first + lane] = iteration
                    _leave(lanes, lane, record, bus, verdict, first + lane, u0, v, totals)
    return refused


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def sweep_parallel(
    like: Any,
    parent: Any,
    bus: Any,
    z: Any,
    kw: Any,
    kvar: Any,
    chunk: Any,
    u0: Any,
    tolerance: Any,
    max_iterations: Any,
    v: Any,
    status: Any,
    iterations: Any,
    totals: Any,
) -> int:
    """`sweep_range` over chunks of scenarios in numba's threads; the same bits come out."""
    n = kw.shape[0]
    refused = 0
    for part in prange((n + chunk - 1) // chunk):
        refused += sweep_range(
            like,
            parent,
            bus,
            z,
            kw,
            kvar,
            part * chunk,
            min(n, (part + 1) * chunk),
            u0,
            tolerance,
            max_iterations,
            v,
            status,
            iterations,
            totals,
        )
    return refused
