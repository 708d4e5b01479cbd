"""Compiled steps of exact pairing: energies, curvature and the Newton step of the dual.

Compiled by numba because the search pairs a hundred candidates every generation: vectorised
numpy spends more on passing arrays than on arithmetic at household size (18 x 39 pairs), and
cannot stop early for the candidates that have converged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# `reassoc` lets sums be vectorised: the compiler fixes the order of additions. What is called from
# Python must therefore be one piece of machine code. Parts that were compiled on their own would
# exist in several copies, with sums in another order each, and which of them ran would depend on
# whether they came from the cache.
_options: dict[str, Any] = {"fastmath": {"reassoc", "nsz"}, "error_model": "numpy"}
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def part(function: Kernel) -> Kernel:
    """Make a function a part of the compiled functions that call it, keeping its type.

    Examples
    --------
    >>> energies.targetoptions["error_model"]
    'numpy'
    """
    return cast(Kernel, njit(inline="always", **_options)(function))


def compiled(function: Kernel) -> Kernel:
    """Compile a function with all its parts into one piece, which is kept in the cache.

    Examples
    --------
    >>> from gridbazaar.market.pairing_kernel import solve_many
    >>> sorted(solve_many.targetoptions["fastmath"])
    ['nsz', 'reassoc']
    """
    return cast(Kernel, njit(cache=True, **_options)(function))


@part
def energies(
    x_row: FloatArray,
    x_col: FloatArray,
    weight: FloatArray,
    floor: float,
    out: FloatArray,
    row: FloatArray,
    col: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Write F_ij = max(floor, w_j / (x_row_i + x_col_j)) and its row and column sums.

    Examples
    --------
    >>> out, row, col = np.empty((1, 2)), np.empty(1), np.empty(2)
    >>> energies(np.array([1.0]), np.array([1.0, 2.0]), np.array([6.0, 6.0]), 1e-6, out, row, col)
    >>> out.tolist(), row.tolist()
    ([[3.0, 2.0]], [5.0])
    """
    m, n = out.shape
    col[:] = 0.0
    for i in range(m):
        a = x_row[i]
        total = 0.0
        for j in range(n):
            f = max(floor, weight[j] / (a + x_col[j]))
            out[i, j] = f
            total += f
            col[j] += f
        row[i] = total


@part
def curvature(
    energy: FloatArray,
    weight: FloatArray,
    floor: float,
    curve: FloatArray,
    row: FloatArray,
    col: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Write -dF_ij/dx_ij = F_ij^2 / w_j, 0 where the floor holds, and its sums.

    Examples
    --------
    >>> curve, row, col = np.empty((1, 2)), np.empty(1), np.empty(2)
    >>> curvature(np.array([[3.0, 2.0]]), np.array([6.0, 8.0]), 1e-6, curve, row, col)
    >>> curve.tolist()
    [[1.5, 0.5]]
    """
    m, n = energy.shape
    inverse = 1.0 / weight
    col[:] = 1e-300
    for i in range(m):
        total = 1e-300
        for j in range(n):
            f = energy[i, j]
            h = f * f * inverse[j] if f > floor else 0.0
            curve[i, j] = h
            total += h
            col[j] += h
        row[i] = total


@part
def longest_step(
    x_row: FloatArray, x_col: FloatArray, step_row: FloatArray, step_col: FloatArray
) -> float:  # pragma: no cover - compiled
    """Share of a step, at most 1, that leaves every x_row_i + x_col_j a quarter of itself.

    Examples
    --------
    >>> longest_step(np.array([1.0]), np.array([1.0]), np.array([-3.0]), np.array([0.0]))
    0.5
    """
    m, n = x_row.size, x_col.size
    least_row = np.inf
    least_col = np.inf
    for i in range(m):
        least_row = min(least_row, 0.75 * x_row[i] + step_row[i])
    for j in range(n):
        least_col = min(least_col, 0.75 * x_col[j] + step_col[j])
    if least_row + least_col >= 0.0:  # the least sum of two independent terms
        return 1.0
    shrink = 0.75
    for i in range(m):
        a = x_row[i]
        d = step_row[i]
        for j in range(n):
            shrink = max(shrink, -(d + step_col[j]) / (a + x_col[j]))
    return 0.75 / shrink


@part
def newton_step(
    curve: FloatArray,
    row: FloatArray,
    col: FloatArray,
    res_row: FloatArray,
    res_col: FloatArray,
    step_row: FloatArray,
    step_col: FloatArray,
    tolerance: float,
) -> None:  # pragma: no cover - compiled
    """Solve [R W; W' C] (step_row, step_col) = (res_row, res_col) by conjugate gradients.

    Columns are eliminated; the Schur complement is singular along the gauge (a constant moved
    from rows to columns), which conjugate gradients ignore as the right side has no part in it.

    Examples
    --------
    >>> curve, step = np.array([[1.5, 0.5]]), (np.empty(1), np.empty(2))
    >>> newton_step(curve, np.array([2.0]), np.array([1.5, 0.5]), np.array([1.0]),
    ...             np.array([0.75, 0.25]), *step, 1e-12)
    >>> (curve @ step[1] + 2.0 * step[0]).round(9).tolist()
    [1.0]
    """
    m, n = curve.shape
    inverse = 1.0 / col
    image = np.empty(m)
    via = np.empty(n)
    residual = np.empty(m)
    jacobi = np.empty(m)
    for i in range(m):
        total = 0.0
        own = 0.0
        for j in range(n):
            total += curve[i, j] * (res_col[j] * inverse[j])
            own += curve[i, j] * (curve[i, j] * inverse[j])
        residual[i] = res_row[i] - total
        jacobi[i] = max(row[i] - own, 1e-3 * row[i])
    step_row[:] = 0.0
    z = residual / jacobi
    direction = z.copy()
    rho = np.dot(residual, z) if m > 0 else 0.0
    target = rho * tolerance * tolerance
    for _ in range(2 * m + 10):
        if rho <= target or rho <= 0.0:
            break
        via[:] = 0.0
        for i in range(m):
            d = direction[i]
            for j in range(n):
                via[j] += curve[i, j] * d
        for j in range(n):
            via[j] *= inverse[j]
        along = 0.0
        scale = 0.0
        for i in range(m):
            total = 0.0
            for j in range(n):
                total += curve[i, j] * via[j]
            image[i] = row[i] * direction[i] - total
            along += direction[i] * image[i]
            scale += row[i] * direction[i] * direction[i]
        if along <= 1e-13 * scale:  # what is left is round-off along the gauge
            break
        length = rho / along
        for i in range(m):
            step_row[i] += length * direction[i]
            residual[i] -= length * image[i]
            z[i] = residual[i] / jacobi[i]
        old = rho
        rho = 0.0
        for i in range(m):
            rho += residual[i] * z[i]
        for i in range(m):
            direction[i] = z[i] + (rho / old) * direction[i]
    drift = step_row.mean()
    for i in range(m):
        step_row[i] -= drift
    for j in range(n):
        step_col[j] = res_col[j]
    for i in range(m):
        d = step_row[i]
        for j in range(n):
            step_col[j] -= curve[i, j] * d
    for j in range(n):
        step_col[j] /= col[j]
