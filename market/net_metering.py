"""Net metering: exports of a month offset its imports, and the rest waits in a bank of units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .rounding import billable_kwh
from .tariff import Banking, Tariff

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class NetUnits:
    """A month after netting.

    Attributes
    ----------
    import_kwh, export_kwh : numpy.ndarray, shape (N, n_tod)
        Units billed at retail, and units credited with money. [kWh]
    offset_kwh : numpy.ndarray, shape (N, n_tod)
        Imports offset by units exported in other frames or months. [kWh]
    bank_kwh : numpy.ndarray, shape (N, n_pools)
        Units in the bank after the month. [kWh]
    """

    import_kwh: FloatArray
    export_kwh: FloatArray
    offset_kwh: FloatArray
    bank_kwh: FloatArray


def empty_bank(tariff: Tariff, n_members: int) -> FloatArray:
    """A bank of units with nothing in it.

    Parameters
    ----------
    tariff : Tariff
        Its banking has one pool for the whole day, or one for each frame.
    n_members : int
        N.

    Returns
    -------
    numpy.ndarray, shape (N, n_pools)
        Zeros. [kWh]

    Examples
    --------
    >>> import math
    >>> from gridbazaar.market.tariff import Slab
    >>> from gridbazaar.market.tod import ToDFrame
    >>> flat = (ToDFrame("all day", 0, 1440),)
    >>> empty_bank(Tariff("t", flat, 5, 3, 3, (Slab(math.inf, 5.0),)), 2).shape
    (2, 1)
    """
    by_frame = tariff.banking is not None and tariff.banking.scope == "frame"
    return np.zeros((n_members, len(tariff.frames) if by_frame else 1))


def net_units(
    banking: Banking,
    import_kwh: FloatArray,
    export_kwh: FloatArray,
    bank_kwh: FloatArray,
    netted: NDArray[np.bool_],
) -> NetUnits:
    """Offset a month's imports with its exports and with the bank.

    First the frame's own exports, unit for unit; then, with scope `day`, what is left of all
    frames' exports and of the bank, spread over the remaining imports in proportion (so that no
    frame is favoured); with scope `frame` only the bank of the same frame. What is still left
    is the new bank. Units are never worth more or less by the hour.

    Parameters
    ----------
    banking : Banking
        The rule.
    import_kwh, export_kwh : numpy.ndarray, shape (N, n_tod)
        The month's imports and exports by ToD frame. [kWh]
    bank_kwh : numpy.ndarray, shape (N, n_pools)
        Units in the bank before the month. [kWh]
    netted : numpy.ndarray of bool, shape (N,)
        Members under net metering; the others keep imports, exports and bank as they are.

    Returns
    -------
    NetUnits
        imports - offsets by frame, no exports left, and the bank: nothing is lost.

    Examples
    --------
    >>> month = net_units(Banking(), np.array([[10.0, 30.0]]), np.array([[25.0, 0.0]]),
    ...                   np.array([[5.0]]), np.array([True]))
    >>> month.import_kwh.tolist(), month.offset_kwh.tolist(), month.bank_kwh.tolist()
    ([[0.0, 10.0]], [[0.0, 20.0]], [[0.0]])
    """
    own = np.minimum(import_kwh, export_kwh)
    need, spare = import_kwh - own, export_kwh - own
    if banking.scope == "frame":
        supply = spare + bank_kwh
        offset = np.minimum(supply, need)
        bank = supply - offset
    else:
        supply = spare.sum(axis=1, keepdims=True) + bank_kwh
        wanted = need.sum(axis=1, keepdims=True)
        used = np.minimum(supply, wanted)
        offset = need * np.divide(used, wanted, out=np.zeros_like(used), where=wanted > 0)
        bank = supply - used
    rows = netted[:, None]
    return NetUnits(
        billable_kwh(np.where(rows, np.maximum(need - offset, 0.0), import_kwh)),
        np.where(rows, 0.0, export_kwh),
        np.where(rows, offset, 0.0),
        billable_kwh(np.where(rows, bank, bank_kwh)),
    )
