"""The kernel: power-summation backward-forward sweep on squared voltages, many scenarios at once.

For the branch that feeds bus i from its parent, with P + jQ the power that leaves it into bus i,
U = |V|^2, and powers in kW against impedances per unit of 1 kW [1]_::

    w = (P^2 + Q^2) / U_i                          squared current
    U_i = U_parent - 2 (r P + x Q) - (r^2 + x^2) w

Magnitudes and losses need neither angles nor complex numbers. Backward, powers are added up
towards the source, each with its branch's loss; forward, voltages follow.

Scenarios are solved in blocks, side by side in SIMD registers (see `simd`), one contiguous record
``[p q | U D]`` a bus (load, squared voltage, drop). In depth-first order a bus's first child is the
next bus, so powers and voltages pass from bus to bus in registers; only at a junction do they
pass through memory. A lane leaves at its own convergence: its result is copied out at that
iteration. A collapsed lane is emptied, so that it costs its neighbours nothing.

Every multiply-add is a fused one by definition, so a result depends neither on its neighbours nor
on the width of the block: one source serves wide blocks, the scalar twin (one lane) and the
parallel run, and they agree to the last bit.

.. [1] M. E. Baran, F. F. Wu, "Optimal sizing of capacitors placed on a radial distribution
   system", IEEE Trans. Power Delivery 4(1), 1989, doi:10.1109/61.19266.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .radial import RadialOrder
from .simd import add, div, fma, larger, load, mul, prefetch, root, smaller, splat, store, sub

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONVERGED, ITERATION_LIMIT, DIVERGED = 0, 1, 2
NOT_FINITE = 3  # an input of the scenario is NaN, infinite or overflows; the caller raises
GROWING_STEPS = 3  # so many growing steps running are a divergence

# Columns of a bus's record, and of what an iteration is judged by, each as wide as the block.
LOAD_P, LOAD_Q, SQUARED_V, DROP = range(4)
RECORD = 4
STEP, LOWEST, SOURCE_P, SOURCE_Q, TOTAL_P, TOTAL_Q = range(6)
JUDGED = 6
TILE = 16
CACHE_LINE = 8  # numbers that come from memory together


@dataclass(frozen=True, eq=False)
class SweepArrays:
    """What the kernel reads of a feeder, by depth-first position.

    Parameters
    ----------
    bus, parent : ndarray (n_buses,)
        The user's bus at each position, and its parent's position.
    junction : ndarray (n_buses,)
        Consecutive numbers of the buses with several children; -1 for the others.
    impedance : ndarray (n_buses, 5)
        r, x, 2r, 2x and r^2 + x^2 of the feeding branch, per unit of 1 kW and nominal voltage.
    """

    bus: Ints
    parent: Ints
    junction: Ints
    impedance: Floats

    @cached_property
    def columns(self) -> tuple[Ints, Ints, Ints, Floats]:
        """The arrays as the kernel takes them."""
        return self.bus, self.parent, self.junction, self.impedance


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
    branching = np.bincount(order.parent[1:], minlength=order.bus.size) > 1
    junction = np.where(branching, np.cumsum(branching) - 1, -1).astype(np.int64)
    return SweepArrays(order.bus.astype(np.uintp), order.parent.copy(), junction, impedance)


@njit(cache=True, nogil=True, error_model="numpy")
def _enter(
    like: Any,
    record: Any,
    judged: Any,
    bus: Any,
    kw: Any,
    kvar: Any,
    start: Any,
    count: Any,
    u0: Any,
) -> None:
    """Write the loads of scenarios `start`.. into the records, their totals, and a flat start."""
    lanes = len(like)
    flat = splat(like, u0)
    total_p = splat(like, 0.0)
    total_q = splat(like, 0.0)
    store(record, SQUARED_V * lanes, flat)
    # Tile by tile, so that both the caller's rows and the records stay in the first-level cache.
    for tile in range(1, bus.size, TILE):
        end = min(bus.size, tile + TILE)
        for lane in range(count):
            for i in range(tile, end):
                at = i * RECORD * lanes + lane
                b = bus[i]
                record[at + LOAD_P * lanes] = -kw[start + lane, b]
                record[at + LOAD_Q * lanes] = -kvar[start + lane, b]
        for i in range(tile, end):
            at = i * RECORD * lanes
            for lane in range(count, lanes):
                record[at + LOAD_P * lanes + lane] = 0.0
                record[at + LOAD_Q * lanes + lane] = 0.0
            store(record, at + SQUARED_V * lanes, flat)
            total_p = add(total_p, load(like, record, at + LOAD_P * lanes))
            total_q = add(total_q, load(like, record, at + LOAD_Q * lanes))
    store(judged, TOTAL_P * lanes, total_p)
    store(judged, TOTAL_Q * lanes, total_q)


@njit(cache=True, nogil=True, error_model="numpy")
def _backward(
    like: Any,
    record: Any,
    sums: Any,
    judged: Any,
    parent: Any,
    junction: Any,
    z: Any,
    kw: Any,
    ahead: Any,
) -> None:
    """Add up the powers towards the source, and find each branch's drop in U.

    On the way, the next block's `kw` is called near (two cache lines a bus), as `_forward` does
    with `kvar` and this block's `v`: 16 rows of a long batch stand in memory, not in a cache, and
    reading them takes as long as solving them.
    """
    lanes = len(like)
    zero = splat(like, 0.0)
    for at in range(0, sums.size, lanes):
        store(sums, at, zero)
    from_next_p = zero
    from_next_q = zero
    for i in range(parent.size - 1, 0, -1):
        at = i * RECORD * lanes
        for line in range(0, lanes - 1, CACHE_LINE):
            prefetch(kw, ahead + i * lanes + line, 0)
        p = add(load(like, record, at + LOAD_P * lanes), from_next_p)
        q = add(load(like, record, at + LOAD_Q * lanes), from_next_q)
        if junction[i] >= 0:
            p = add(p, load(like, sums, 2 * junction[i] * lanes))
            q = add(q, load(like, sums, (2 * junction[i] + 1) * lanes))
        w = div(fma(p, p, mul(q, q)), load(like, record, at + SQUARED_V * lanes))
        linear = fma(splat(like, z[i, 2]), p, mul(splat(like, z[i, 3]), q))
        store(record, at + DROP * lanes, fma(splat(like, z[i, 4]), w, linear))
        sent_p = fma(splat(like, z[i, 0]), w, p)
        sent_q = fma(splat(like, z[i, 1]), w, q)
        up = parent[i]
        if up == i - 1:
            from_next_p = sent_p
            from_next_q = sent_q
        else:
            p_at = 2 * junction[up] * lanes
            q_at = p_at + lanes
            store(sums, p_at, add(load(like, sums, p_at), sent_p))
            store(sums, q_at, add(load(like, sums, q_at), sent_q))
            from_next_p = zero
            from_next_q = zero
    if junction[0] >= 0:
        from_next_p = add(from_next_p, load(like, sums, 2 * junction[0] * lanes))
        from_next_q = add(from_next_q, load(like, sums, (2 * junction[0] + 1) * lanes))
    store(judged, SOURCE_P * lanes, from_next_p)
    store(judged, SOURCE_Q * lanes, from_next_q)


@njit(cache=True, nogil=True, error_model="numpy")
def _forward(
    like: Any,
    record: Any,
    judged: Any,
    parent: Any,
    u0: Any,
    kvar: Any,
    v: Any,
    ahead: Any,
    here: Any,
) -> None:
    """Voltages from the source outwards; the widest step and the lowest U are noted.

    The next block's `kvar` and this block's `v` are called near, see `_backward`.
    """
    lanes = len(like)
    step = splat(like, 0.0)
    lowest = splat(like, u0)
    u = lowest
    for i in range(1, parent.size):
        at = i * RECORD * lanes
        for line in range(0, lanes - 1, CACHE_LINE):
            prefetch(kvar, ahead + i * lanes + line, 0)
            prefetch(v, here + i * lanes + line, 1)
        up = parent[i]
        if up != i - 1:
            u = load(like, record, (up * RECORD + SQUARED_V) * lanes)
        before = load(like, record, at + SQUARED_V * lanes)
        u = sub(u, load(like, record, at + DROP * lanes))
        step = larger(sub(u, before), step)
        step = larger(sub(before, u), step)
        lowest = smaller(u, lowest)
        store(record, at + SQUARED_V * lanes, u)
    store(judged, STEP * lanes, step)
    store(judged, LOWEST * lanes, lowest)


@njit(cache=True, nogil=True, error_model="numpy")
def _start_from_above(record: Any, lanes: Any, lane: Any) -> None:
    """Start a lane anew at infinite voltages, where the first sweep finds no losses.

    The lossless voltages lie above every solution and the sweep descends to the highest, which is
    the one that a feeder works at. The flat start may lie below the lower solution where strong
    generation lifts the voltage: the sweep then collapses, or stands still on the lower one.
    """
    for at in range((RECORD + SQUARED_V) * lanes + lane, record.size, RECORD * lanes):
        record[at] = np.inf


@njit(cache=True, nogil=True, error_model="numpy")
def _leave(
    like: Any,
    record: Any,
    judged: Any,
    leaving: Any,
    bus: Any,
    first: Any,
    u0: Any,
    status: Any,
    v: Any,
    totals: Any,
) -> None:
    """Copy the lanes that are marked as leaving out; empty those that collapsed."""
    lanes = len(like)
    together = True
    for lane in range(lanes):
        together &= leaving[lane] and status[first + lane] <= ITERATION_LIMIT
    # The drops are found anew in the next iteration: their column takes the magnitudes.
    for i in range(bus.size):
        at = i * RECORD * lanes
        store(record, at + DROP * lanes, root(load(like, record, at + SQUARED_V * lanes)))
    if together:
        for tile in range(0, bus.size, TILE):
            end = min(bus.size, tile + TILE)
            for lane in range(lanes):
                for i in range(tile, end):
                    v[first + lane, bus[i]] = record[(i * RECORD + DROP) * lanes + lane]
    for lane in range(lanes):
        if not leaving[lane]:
            continue
        leaving[lane] = False
        s = first + lane
        if status[s] <= ITERATION_LIMIT:
            p = judged[SOURCE_P * lanes + lane]
            q = judged[SOURCE_Q * lanes + lane]
            totals[0, s] = p - judged[TOTAL_P * lanes + lane]
            totals[1, s] = q - judged[TOTAL_Q * lanes + lane]
            totals[2, s] = p
            totals[3, s] = q
            if not together:
                for i in range(bus.size):
                    v[s, bus[i]] = record[(i * RECORD + DROP) * lanes + lane]
        else:
            totals[:, s] = np.nan
            v[s, :] = np.nan
            for i in range(1, bus.size):
                at = i * RECORD * lanes + lane
                record[at + LOAD_P * lanes] = 0.0
                record[at + LOAD_Q * lanes] = 0.0
                record[at + SQUARED_V * lanes] = u0


@njit(cache=True, nogil=True, error_model="numpy")
def sweep_range(
    like: Any,
    arrays: Any,
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

    Examples
    --------
    >>> from gridbazaar.network.radial import depth_first
    >>> from gridbazaar.network.simd import SCALAR
    >>> arrays = sweep_arrays(depth_first(2, 0, np.array([0]), np.array([1])), np.array([0.4]),
    ...                       np.array([0.2]), 0.4).columns
    >>> kw, v, totals = np.array([[0.0, -5.0]]), np.empty((1, 2)), np.empty((4, 1))
    >>> status, iterations = np.empty(1, np.int8), np.empty(1, np.int32)
    >>> sweep_range(SCALAR, arrays, kw, np.zeros((1, 2)), 0, 1, 1.0, 1e-8, 50, v, status,
    ...             iterations, totals)
    0
    >>> v.round(5).tolist()
    [[1.0, 0.98732]]
    """
    bus, parent, junction, z = arrays
    lanes = len(like)
    refused = 0
    record = np.empty(parent.size * RECORD * lanes)
    sums = np.empty(2 * lanes * (junction.max() + 1))
    judged = np.empty(JUDGED * lanes)
    last_step = np.empty(lanes)
    growing = np.empty(lanes, np.int64)
    active = np.empty(lanes, np.bool_)
    from_above = np.empty(lanes, np.bool_)
    leaving = np.zeros(lanes, np.bool_)
    for first in range(start, stop, lanes):
        count = min(lanes, stop - first)
        here = first * parent.size
        ahead = here + lanes * parent.size
        _enter(like, record, judged, bus, kw, kvar, first, count, u0)
        left = count
        for lane in range(lanes):
            total = judged[TOTAL_P * lanes + lane] + judged[TOTAL_Q * lanes + lane]
            active[lane] = lane < count
            last_step[lane] = np.inf
            growing[lane] = 0
            from_above[lane] = False
            if total - total != 0.0:
                active[lane] = False
                left -= 1
                refused += 1
                status[first + lane] = NOT_FINITE
                iterations[first + lane] = 0
                leaving[lane] = True
        if left < count:
            _leave(like, record, judged, leaving, bus, first, u0, status, v, totals)
        iteration = 0
        while left > 0:
            iteration += 1
            some = False
            _backward(like, record, sums, judged, parent, junction, z, kw, ahead)
            _forward(like, record, judged, parent, u0, kvar, v, ahead, here)
            for lane in range(count):
                if not active[lane]:
                    continue
                step = judged[STEP * lanes + lane]
                lowest = judged[LOWEST * lanes + lane]
                flow = judged[SOURCE_P * lanes + lane] + judged[SOURCE_Q * lanes + lane]
                verdict = -1
                # NaN and inf minus themselves are NaN; an overflow anywhere reaches the flow.
                if not (lowest > 0.0 and lowest + flow - (lowest + flow) == 0.0):
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
                if not from_above[lane] and (
                    verdict == DIVERGED or (verdict == CONVERGED and iteration == 1)
                ):
                    _start_from_above(record, lanes, lane)
                    from_above[lane] = True
                    last_step[lane] = np.inf
                    growing[lane] = 0
                elif verdict >= 0:
                    active[lane] = False
                    left -= 1
                    status[first + lane] = verdict
                    iterations[first + lane] = iteration
                    leaving[lane] = True
                    some = True
            if some:
                _leave(like, record, judged, leaving, bus, first, u0, status, v, totals)
    return refused


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def sweep_parallel(
    like: Any,
    arrays: Any,
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
    """`sweep_range` over chunks of scenarios in numba's threads; the same bits come out.

    Examples
    --------
    >>> from gridbazaar.network.radial import depth_first
    >>> from gridbazaar.network.simd import SCALAR
    >>> arrays = sweep_arrays(depth_first(2, 0, np.array([0]), np.array([1])), np.array([0.4]),
    ...                       np.array([0.2]), 0.4).columns
    >>> kw, v, totals = np.array([[0.0, -5.0]]), np.empty((1, 2)), np.empty((4, 1))
    >>> status, iterations = np.empty(1, np.int8), np.empty(1, np.int32)
    >>> sweep_parallel(SCALAR, arrays, kw, np.zeros((1, 2)), 1, 1.0, 1e-8, 50, v, status,
    ...                iterations, totals)
    0
    >>> v.round(5).tolist()
    [[1.0, 0.98732]]
    """
    n = kw.shape[0]
    refused = 0
    for part in prange((n + chunk - 1) // chunk):
        stop = min(n, (part + 1) * chunk)
        refused += sweep_range(
            like,
            arrays,
            kw,
            kvar,
            part * chunk,
            stop,
            u0,
            tolerance,
            max_iterations,
            v,
            status,
            iterations,
            totals,
        )
    return refused
