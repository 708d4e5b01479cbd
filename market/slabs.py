"""Slabs: which step of the tariff each unit of a month is billed at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .rounding import billable_kwh
from .tariff import Tariff

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class SlabUse:
    """How a month's units fall into the steps, telescopic ones first, then all-units ones.

    Attributes
    ----------
    part : numpy.ndarray, shape (N, n_slabs)
        Part of a member's grid units billed in each step; rows sum to 1 (0 for no units).
    last : numpy.ndarray of int64, shape (N,)
        The step the month ends in, which sets the fixed charge.
    by_frame : numpy.ndarray of bool, shape (N,)
        Whether the ToD multipliers apply.
    """

    part: FloatArray
    last: IntArray
    by_frame: NDArray[np.bool_]


def slab_use(
    tariff: Tariff, grid_kwh: FloatArray, p2p_kwh: FloatArray, month_share: float = 1.0
) -> SlabUse:
    """Place each member's units of the month in the tariff's steps.

    A month that ends exactly on an edge belongs to the step below it. Up to the last telescopic
    edge each unit is billed in the step it falls in; above, all units in one step. Edges, and the
    threshold of the ToD multipliers, are multiplied by the part of the month that is billed. Where
    P2P energy counts towards the slabs, grid units are spread over the steps in proportion.

    Parameters
    ----------
    tariff : Tariff
        Its `slabs`, `all_units`, `tod_above_kwh` and `p2p_counts_towards_slabs`.
    grid_kwh : numpy.ndarray, shape (N,)
        Units of the month billed by the utility. [kWh]
    p2p_kwh : numpy.ndarray, shape (N,)
        Units bought from peers. [kWh]
    month_share : float
        Part of the month that is billed.

    Returns
    -------
    SlabUse
        Parts of the steps, the last step, and whether multipliers apply.

    Examples
    --------
    >>> import math
    >>> from gridbazaar.market.tariff import Slab
    >>> from gridbazaar.market.tod import ToDFrame
    >>> tariff = Tariff("t", (ToDFrame("all day", 0, 1440),), 5, 3, 3,
    ...                 (Slab(50, 3.0), Slab(100, 4.0)), (Slab(math.inf, 6.0),))
    >>> use = slab_use(tariff, np.array([50.0, 80.0, 100.001]), np.zeros(3))
    >>> use.part.round(3).tolist(), use.last.tolist()
    ([[1.0, 0.0, 0.0], [0.625, 0.375, 0.0], [0.0, 0.0, 1.0]], [0, 1, 2])
    """
    counted = grid_kwh
    if tariff.p2p_counts_towards_slabs:
        counted = billable_kwh(grid_kwh + p2p_kwh)
    n_steps = len(tariff.slabs)
    edges = np.array([slab.up_to_kwh for slab in tariff.slabs + tariff.all_units])
    edges = billable_kwh(edges * month_share)
    last = np.searchsorted(edges, counted, side="left").astype(np.int64)
    telescopic = last < n_steps

    upper, lower = edges[:n_steps], np.r_[0.0, edges[: n_steps - 1]]
    units = np.zeros((counted.size, edges.size))
    units[:, :n_steps] = np.clip(np.minimum(counted[:, None], upper) - lower, 0.0, None)
    units[~telescopic] = 0.0
    units[np.flatnonzero(~telescopic), last[~telescopic]] = counted[~telescopic]
    part = np.divide(units, counted[:, None], out=np.zeros_like(units), where=counted[:, None] > 0)
    above = billable_kwh(tariff.tod_above_kwh * month_share)
    return SlabUse(part, last, counted > above)
