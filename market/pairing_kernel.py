"""Compiled kernel of exact pairing: a damped Newton method on the dual, one market at a time.

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

# `reassoc` lets sums be vectorised; the order of additions is then fixed by the build, not the run
_options: dict[str, Any] = {
    "cache": True,
    "fastmath": {"reassoc", "nsz"},
    "error_model": "numpy",
}
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def _compiled(function: Kernel) -> Kernel:
    return cast(Kernel, njit(**_options)(function))


@_compiled
def energies(
    x_row: FloatArray,
    x_col: FloatArray,
    weight: FloatArray,
    floor: float,
    out: FloatArray,
    row: FloatArray,
    col: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Write F_ij = max(floor, w_j / (x_row_i + x_col_j)) and its row and column sums."""
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


@_compiled
def _curvature(
    energy: FloatArray,
    weight: FloatArray,
    floor: float,
    curve: FloatArray,
    row: FloatArray,
    col: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Write -dF_ij/dx_ij = F_ij^2 / w_j, 0 where the floor holds, and its sums."""
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


@_compiled
def _longest_step(
    x_row: FloatArray, x_col: FloatArray, step_row: FloatArray, step_col: FloatArray
) -> float:  # pragma: no cover - compiled
    """Share of a step, at most 1, that leaves every x_row_i + x_col_j a quarter of itself."""
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


@_compiled
def _newton_step(
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


@_compiled
def _start(
    rows: FloatArray, cols: FloatArray, weight: FloatArray, x_row: FloatArray, x_col: FloatArray
) -> None:  # pragma: no cover - compiled
    """Multipliers that are exact where one side's caps are all slack, else positive at least."""
    m, n = rows.size, cols.size
    total = rows.sum()
    bids = weight.sum()
    half = 0.5 * m * bids / total
    low_row = np.inf
    low_col = np.inf
    for i in range(m):
        x_row[i] = bids / rows[i] - half
        low_row = min(low_row, x_row[i])
    for j in range(n):
        x_col[j] = m * weight[j] / cols[j] - half
        low_col = min(low_col, x_col[j])
    if low_row + low_col < 0.2 * half:
        for i in range(m):
            x_row[i] = 0.5 * (x_row[i] + half)
        for j in range(n):
            x_col[j] = 0.5 * (x_col[j] + half)


@_compiled
def solve_one(
    rows: FloatArray,
    cols: FloatArray,
    weight: FloatArray,
    floor: float,
    tolerance: float,
    most: int,
    x_row: FloatArray,
    x_col: FloatArray,
    warm: bool,
    energy: FloatArray,
    curve: FloatArray,
) -> float:  # pragma: no cover - compiled
    """Find x_row, x_col with sums of F equal to rows and cols; return the worst relative error."""
    m, n = rows.size, cols.size
    if not warm:
        _start(rows, cols, weight, x_row, x_col)
    res_row = np.empty(m)
    res_col = np.empty(n)
    step_row = np.empty(m)
    step_col = np.empty(n)
    row = np.empty(m)
    col = np.empty(n)
    step = 0.0
    slope = 0.0
    worst = np.inf
    for _ in range(most):
        energies(x_row, x_col, weight, floor, energy, res_row, res_col)
        worst = 0.0
        for i in range(m):
            res_row[i] -= rows[i]
            worst = max(worst, abs(res_row[i]) / rows[i])
        for j in range(n):
            res_col[j] -= cols[j]
            worst = max(worst, abs(res_col[j]) / cols[j])
        if worst <= tolerance:
            break
        if step > 1e-6:  # did the last step overshoot? the dual's slope along it says so
            now = -(np.dot(res_row, step_row) + np.dot(res_col, step_col))
            if now > 0.5 * abs(slope):
                step *= 0.5
                for i in range(m):
                    x_row[i] -= step * step_row[i]
                for j in range(n):
                    x_col[j] -= step * step_col[j]
                continue
        _curvature(energy, weight, floor, curve, row, col)
        _newton_step(curve, row, col, res_row, res_col, step_row, step_col, min(0.1, worst))
        slope = -(np.dot(res_row, step_row) + np.dot(res_col, step_col))
        step = _longest_step(x_row, x_col, step_row, step_col)
        for i in range(m):
            x_row[i] += step * step_row[i]
        for j in range(n):
            x_col[j] += step * step_col[j]
    energies(x_row, x_col, weight, floor, energy, res_row, res_col)
    return worst


@_compiled
def _imbalance(
    rows: FloatArray,
    cols: FloatArray,
    weight: FloatArray,
    floor: float,
    x_row: FloatArray,
    x_col: FloatArray,
    energy: FloatArray,
) -> float:  # pragma: no cover - compiled
    """Sum of relative imbalances, large rows and columns counting as much as small ones."""
    got_row = np.empty(rows.size)
    got_col = np.empty(cols.size)
    energies(x_row, x_col, weight, floor, energy, got_row, got_col)
    total = 0.0
    for i in range(rows.size):
        total += abs(np.log(got_row[i] / rows[i]))
    for j in range(cols.size):
        total += abs(np.log(got_col[j] / cols[j]))
    return total


@_compiled
def _extrapolate(
    x_row: FloatArray, x_col: FloatArray, last_row: FloatArray, last_col: FloatArray
) -> None:  # pragma: no cover - compiled
    """Move multipliers as far again as they moved last; stay where one would not be positive."""
    low_row = np.inf
    low_col = np.inf
    for i in range(x_row.size):
        low_row = min(low_row, 2.0 * x_row[i] - last_row[i] - 0.25 * x_row[i])
    for j in range(x_col.size):
        low_col = min(low_col, 2.0 * x_col[j] - last_col[j] - 0.25 * x_col[j])
    far = low_row + low_col > 0.0
    for i in range(x_row.size):
        now = x_row[i]
        if far:
            x_row[i] = 2.0 * now - last_row[i]
        last_row[i] = now
    for j in range(x_col.size):
        now = x_col[j]
        if far:
            x_col[j] = 2.0 * now - last_col[j]
        last_col[j] = now


@_compiled
def log_sums(
    x_row: FloatArray, x_col: FloatArray, weight: FloatArray, floor: float, out: FloatArray
) -> None:  # pragma: no cover - compiled
    """Write sum_i ln F_ij of every column; products of 12 factors save most logarithms."""
    m, n = x_row.size, x_col.size
    product = np.empty(n)
    for j in range(n):
        product[j] = 1.0
        out[j] = m * np.log(weight[j])
    for i in range(m):
        a = x_row[i]
        for j in range(n):
            product[j] *= min(a + x_col[j], weight[j] / floor)
        if i % 12 == 11 or i == m - 1:
            for j in range(n):
                out[j] -= np.log(product[j])
                product[j] = 1.0


@_compiled
def solve_many(
    sold: FloatArray,
    bought: FloatArray,
    bid: FloatArray,
    weight: FloatArray,
    floor: float,
    tolerance: float,
    most: int,
    chain: int,
    x_rows: FloatArray,
    x_cols: FloatArray,
    values: FloatArray,
    errors: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Pair k candidates; rows and columns without energy are left out and get x = inf.

    `values` becomes sum_ij b_j ln(E_ij + eps), as the dual value, whose error is of second order
    in the remaining imbalance. With `chain` 1 a candidate starts from the one before it where that
    is nearer than a fresh start; with 2, along a front, from the extrapolation of the two before.
    """
    k, m = sold.shape
    n = bought.shape[1]
    total_bids = bid.sum()
    row_at = np.empty(m, np.int64)
    col_at = np.empty(n, np.int64)
    old_m = -1
    old_n = -1
    x_row = np.empty(m)
    x_col = np.empty(n)
    try_row = np.empty(m)
    try_col = np.empty(n)
    last_row = np.empty(m)
    last_col = np.empty(n)
    energy_room = np.empty(m * n)  # one allocation: fresh pages cost more than the arithmetic
    curve_room = np.empty(m * n)
    chained = 0
    for one in range(k):
        p = 0
        q = 0
        same = True
        for i in range(m):
            if sold[one, i] > 0.0:
                same = same and p < old_m and row_at[p] == i
                row_at[p] = i
                p += 1
        for j in range(n):
            if bought[one, j] > 0.0:
                same = same and q < old_n and col_at[q] == j
                col_at[q] = j
                q += 1
        same = same and p == old_m and q == old_n
        x_rows[one, :] = np.inf
        x_cols[one, :] = np.inf
        errors[one] = 0.0
        values[one] = m * np.log(floor) * total_bids
        old_m, old_n = p, q
        if p == 0 or q == 0:
            continue
        rows = np.empty(p)
        cols = np.empty(q)
        wide = np.empty(q)
        for i in range(p):
            rows[i] = sold[one, row_at[i]] + q * floor
        for j in range(q):
            cols[j] = bought[one, col_at[j]] + p * floor
            wide[j] = weight[col_at[j]]
        energy = energy_room[: p * q].reshape((p, q))
        curve = curve_room[: p * q].reshape((p, q))
        warm = chain > 0 and same and one > 0
        if warm and chain == 1:  # of unrelated candidates: is the last one's end a good start?
            _start(rows, cols, wide, try_row[:p], try_col[:q])
            fresh = _imbalance(rows, cols, wide, floor, try_row[:p], try_col[:q], energy)
            warm = _imbalance(rows, cols, wide, floor, x_row[:p], x_col[:q], energy) < fresh
        chained = chained + 1 if warm and chain == 2 else 0
        if chained > 1:  # along a front the multipliers move smoothly: extrapolate them
            _extrapolate(x_row[:p], x_col[:q], last_row[:p], last_col[:q])
        else:
            last_row[:p] = x_row[:p]
            last_col[:q] = x_col[:q]
        worst = solve_one(
            rows, cols, wide, floor, tolerance, most, x_row[:p], x_col[:q], warm, energy, curve
        )
        if worst > tolerance and warm:
            worst = solve_one(
                rows,
                cols,
                wide,
                floor,
                tolerance,
                most,
                x_row[:p],
                x_col[:q],
                False,
                energy,
                curve,
            )
        errors[one] = worst
        logs = np.empty(q)
        log_sums(x_row[:p], x_col[:q], wide, floor, logs)
        row = np.empty(p)
        col = np.empty(q)
        energies(x_row[:p], x_col[:q], wide, floor, energy, row, col)
        value = 0.0
        for j in range(q):
            value += bid[col_at[j]] * (logs[j] - p * np.log(floor))
            value += x_col[j] * (cols[j] - col[j])
            x_cols[one, col_at[j]] = x_col[j]
        for i in range(p):
            value += x_row[i] * (rows[i] - row[i])
            x_rows[one, row_at[i]] = x_row[i]
        values[one] += value
