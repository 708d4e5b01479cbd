"""Compiled kernel of exact pairing: a damped Newton method on the dual, one market at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .pairing_newton import compiled, curvature, energies, longest_step, newton_step, part

FloatArray = NDArray[np.float64]


@part
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


@part
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
    """Find x_row, x_col with sums of F equal to rows and cols; return the worst relative error.

    Examples
    --------
    >>> x, y, room = np.empty(1), np.empty(1), np.empty((1, 1))
    >>> one = np.array([2.0])
    >>> error = solve_one(one, one, np.array([6.0]), 1e-6, 1e-9, 50, x, y, False, room, room.copy())
    >>> error <= 1e-9, round(6.0 / float(x[0] + y[0]), 6)
    (True, 2.0)
    """
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
        curvature(energy, weight, floor, curve, row, col)
        newton_step(curve, row, col, res_row, res_col, step_row, step_col, min(0.1, worst))
        slope = -(np.dot(res_row, step_row) + np.dot(res_col, step_col))
        step = longest_step(x_row, x_col, step_row, step_col)
        for i in range(m):
            x_row[i] += step * step_row[i]
        for j in range(n):
            x_col[j] += step * step_col[j]
    energies(x_row, x_col, weight, floor, energy, res_row, res_col)
    return worst


@part
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


@part
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


@part
def log_sums(
    x_row: FloatArray, x_col: FloatArray, weight: FloatArray, floor: float, out: FloatArray
) -> None:  # pragma: no cover - compiled
    """Write sum_i ln F_ij of every column; products of 12 factors save most logarithms.

    Examples
    --------
    >>> out = np.empty(1)
    >>> log_sums(np.array([1.0, 2.0]), np.array([1.0]), np.array([6.0]), 1e-6, out)
    >>> round(float(np.exp(out[0])), 6)  # 6/2 times 6/3
    6.0
    """
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


@compiled
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

    Examples
    --------
    >>> sold, bought, bid = np.array([[1.0, 3.0]]), np.array([[2.0, 2.0]]), np.array([6.0, 6.0])
    >>> x, y, value, error = np.empty((1, 2)), np.empty((1, 2)), np.empty(1), np.empty(1)
    >>> solve_many(sold, bought, bid, bid, 1e-6, 1e-9, 50, 0, x, y, value, error)
    >>> (6.0 / (x[0][:, None] + y[0])).round(4).tolist()
    [[0.5, 0.5], [1.5, 1.5]]
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
        worst = np.inf
        for _ in range(2):  # a warm start that does not converge is followed by a fresh one
            worst = solve_one(
                rows, cols, wide, floor, tolerance, most, x_row[:p], x_col[:q], warm, energy, curve
            )
            if worst <= tolerance or not warm:
                break
            warm = False
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
