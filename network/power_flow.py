"""Power flow of a radial feeder for a batch of injections."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .feeder import Feeder
from .simd import HALF, SCALAR, WIDE
from .sweep import CONVERGED, DIVERGED, ITERATION_LIMIT, NOT_FINITE, sweep_parallel, sweep_range

Floats = NDArray[np.float64]

STATUS_NAMES = {
    CONVERGED: "converged",
    ITERATION_LIMIT: "iteration-limit",
    DIVERGED: "diverged",
}
# Below 3 scenarios one lane after the other is quicker than a block that is mostly empty.
SCALAR_BELOW = 3
# From about this size a block of 16 no longer fits into a core's second-level cache.
HALF_FROM_BUSES = 2000


class PowerFlow(NamedTuple):
    """What `solve_power_flow` found; one row or entry a scenario.

    A named tuple, because a frozen dataclass takes a microsecond to make, half as long as the
    kernel takes for a flow of 33 buses.

    Parameters
    ----------
    v_pu : ndarray (n_scenarios, n_buses)
        Voltage magnitudes [p.u.] in the feeder's bus order; NaN where diverged.
    status : ndarray (n_scenarios,) of int8
        0 converged, 1 iteration limit, 2 diverged.
    iterations : ndarray (n_scenarios,) of int32
        Sweeps made.
    loss_kw, loss_kvar : ndarray (n_scenarios,)
        Series losses [kW, kvar].
    source_kw, source_kvar : ndarray (n_scenarios,)
        What the source delivers into the feeder [kW, kvar]; negative in reverse flow. The slack
        bus's own injection is not in it.
    """

    v_pu: Floats
    status: NDArray[np.int8]
    iterations: NDArray[np.int32]
    loss_kw: Floats
    loss_kvar: Floats
    source_kw: Floats
    source_kvar: Floats

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether each scenario converged, (n_scenarios,)."""
        converged: NDArray[np.bool_] = self.status == CONVERGED
        return converged


def solve_power_flow(
    feeder: Feeder,
    injection_kw: ArrayLike,
    injection_kvar: ArrayLike,
    tolerance_pu: float = 1e-8,
    max_iterations: int = 1000,
    *,
    parallel: bool = False,
) -> PowerFlow:
    """Solve the balanced AC power flow of a radial feeder by backward-forward sweep.

    Constant-power injections, series impedances, a source of fixed voltage. Every scenario is
    solved to its own convergence, and its result does not depend, to the last bit, on the other
    scenarios, their order, the batch's size or on `parallel`.

    Parameters
    ----------
    feeder : Feeder
        The feeder; its slack bus holds `feeder.source_voltage_pu`.
    injection_kw, injection_kvar : array_like (n_scenarios, n_buses)
        Three-phase injections [kW, kvar] in the feeder's bus order, positive into the network (a
        load is negative). The slack bus's entry is ignored.
    tolerance_pu : float
        A scenario has converged when no bus's squared voltage [p.u.] moved by more than this.
    max_iterations : int
        Sweeps after which a scenario is given up with status 1; its last voltages are returned.
    parallel : bool
        Use numba's threads (worth it from some thousand scenarios).

    Returns
    -------
    PowerFlow
        Voltages, status, iterations and losses.

    Raises
    ------
    ValueError
        If shapes do not fit the feeder, or an injection is not finite (with its place).

    Notes
    -----
    The sweep starts at a flat profile. A squared voltage that is not positive, a number that
    overflows or a step that grows three times running ends it; it is then started once more from
    the lossless voltages, which lie above every solution, and `diverged` is what ends so twice,
    as past the loadability limit, where no solution exists. (A flat start can lie below the lower
    of two solutions where strong generation lifts the voltages.)

    Examples
    --------
    >>> from gridbazaar.network.library import load_feeder
    >>> feeder = load_feeder("ieee33_mv")
    >>> flow = solve_power_flow(feeder, -feeder.load_kw[None], -feeder.load_kvar[None])
    >>> f"{flow.v_pu.min():.6f} p.u., {flow.loss_kw[0]:.3f} kW, {flow.loss_kvar[0]:.3f} kvar"
    '0.913090 p.u., 202.677 kW, 135.141 kvar'
    """
    kw = _kernel_input(injection_kw)
    kvar = _kernel_input(injection_kvar)
    n = len(feeder.bus_names)
    if kw.ndim != 2 or kw.shape != kvar.shape or kw.shape[1] != n:
        raise ValueError(
            f"injection_kw {kw.shape} and injection_kvar {kvar.shape}: both must have the shape "
            f"(n_scenarios, {n}) for feeder {feeder.name!r}: one row a scenario, one column a bus"
        )
    if not tolerance_pu > 0.0 or max_iterations < 1:
        raise ValueError(
            f"tolerance_pu {tolerance_pu}, max_iterations {max_iterations}: give tolerance_pu > 0 "
            "and max_iterations >= 1"
        )
    count = len(kw)
    v_pu = np.empty((count, n))
    status = np.empty(count, np.int8)
    iterations = np.empty(count, np.int32)
    totals = np.empty((4, count))
    arrays = feeder.sweep_arrays
    like = SCALAR if count < SCALAR_BELOW else WIDE if n < HALF_FROM_BUSES else HALF
    squared_source = feeder.source_voltage_pu * feeder.source_voltage_pu
    given = (arrays.columns, kw, kvar)
    rules = (squared_source, float(tolerance_pu), max_iterations)
    found = (v_pu, status, iterations, totals)
    if parallel:
        # Whole blocks a chunk, and several chunks a thread, for those that converge late.
        refused = sweep_parallel(like, *given, 4 * len(like), *rules, *found)
    else:
        refused = sweep_range(like, *given, 0, count, *rules, *found)
    if refused:
        raise ValueError(_not_finite(feeder, kw, kvar, status))
    return PowerFlow(v_pu, status, iterations, *totals)


def _kernel_input(values: ArrayLike) -> Floats:
    """C-ordered float64; writable, since numba would compile once more for read-only arrays."""
    array = np.ascontiguousarray(values, np.float64)
    return array if array.flags.writeable else array.copy()


def _not_finite(feeder: Feeder, kw: Floats, kvar: Floats, status: NDArray[np.int8]) -> str:
    scenario = int(np.flatnonzero(status >= NOT_FINITE)[0])
    for key, row in (("injection_kw", kw[scenario]), ("injection_kvar", kvar[scenario])):
        stray = np.flatnonzero(~np.isfinite(row))
        stray = stray[stray != feeder.slack]
        if stray.size:
            bus = int(stray[0])
            return (
                f"{key}[{scenario}, {bus}] (bus {feeder.bus_names[bus]!r}): {row[bus]}: not a "
                "finite number: give a number"
            )
    return f"scenario {scenario}: the injections add up beyond the range of float64: scale them"
