"""What a month's bill is made from, checked: every problem is said at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .net_metering import empty_bank
from .settlement import SettlementError
from .tariff import Tariff

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def checked_energies(
    tariff: Tariff, grid_import_kwh: ArrayLike, grid_export_kwh: ArrayLike, tod_index: ArrayLike
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Energies and frame positions as arrays, checked.

    Parameters
    ----------
    tariff : Tariff
        Knows its frames.
    grid_import_kwh, grid_export_kwh : array_like, shape (N, n_frames)
        Energy, >= 0. [kWh]
    tod_index : array_like of int, shape (n_frames,)
        Positions in `tariff.frames`.

    Returns
    -------
    tuple of numpy.ndarray
        Imports, exports, positions.

    Raises
    ------
    SettlementError
        With all problems.
    """
    imports = np.asarray(grid_import_kwh, dtype=np.float64)
    exports = np.asarray(grid_export_kwh, dtype=np.float64)
    index = np.asarray(tod_index, dtype=np.int64)
    problems = []
    shape = (imports.shape[0] if imports.ndim else 0, index.size)
    for name, array in (("grid_import_kwh", imports), ("grid_export_kwh", exports)):
        if array.shape != shape or index.ndim != 1:
            problems.append(
                f"{name}: shape {array.shape}: is not members x frames: give shape {shape}"
            )
        elif not np.all(np.isfinite(array) & (array >= 0)):
            problems.append(f"{name}: ...: is negative, NaN or infinite: give energy >= 0")
    if np.any((index < 0) | (index >= len(tariff.frames))):
        known = ", ".join(f"{k} {name}" for k, name in enumerate(tariff.frame_names))
        problems.append(f"tod_index: ...: is not a frame of {tariff.name}: use {known}")
    if problems:
        raise SettlementError(problems)
    return imports, exports, index


def checked_members(
    tariff: Tariff,
    n: int,
    three_phase: ArrayLike | None,
    pv_kw: ArrayLike | None,
    bank_kwh: ArrayLike | None,
) -> tuple[NDArray[np.bool_], FloatArray, FloatArray]:
    """Phases, system sizes and the opening bank, checked, with their defaults.

    Parameters
    ----------
    tariff : Tariff
        Says whether sizes are needed, and how many pools its bank has.
    n : int
        How many members there are.
    three_phase, pv_kw : array_like, shape (N,), optional
        Connections and sizes. [-, kW]
    bank_kwh : array_like, shape (N, n_pools), optional
        Units in the bank. [kWh]

    Returns
    -------
    tuple of numpy.ndarray
        Three-phase flags, sizes, bank.

    Raises
    ------
    SettlementError
        With all problems.
    """
    problems = []
    phases = np.zeros(n, dtype=bool) if three_phase is None else np.asarray(three_phase, dtype=bool)
    size = np.zeros(n) if pv_kw is None else np.asarray(pv_kw, dtype=np.float64)
    empty = empty_bank(tariff, n)
    bank = empty if bank_kwh is None else np.asarray(bank_kwh, dtype=np.float64)
    if pv_kw is None and tariff.needs_pv_size:
        problems.append(f"pv_kw: None: tariff {tariff.name} has rules by system size: give pv_kw")
    expected: Sequence[tuple[str, NDArray[np.generic], tuple[int, ...]]] = (
        ("three_phase", phases, (n,)),
        ("pv_kw", size, (n,)),
        ("bank_kwh", bank, empty.shape),
    )
    for name, array, shape in expected:
        if array.shape != shape:
            problems.append(f"{name}: shape {array.shape}: does not fit: give shape {shape}")
    if not problems and not (np.all(np.isfinite(bank) & (bank >= 0)) and np.all(size >= 0)):
        problems.append("bank_kwh, pv_kw: ...: is negative or NaN: give values >= 0")
    if problems:
        raise SettlementError(problems)
    return phases, size, bank
