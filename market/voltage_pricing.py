"""Seeds and repair for voltages inside the search (`network: constrained`).

Where a bus binds, the optimum prices it: sellers' multipliers grow by mu times what each does to
that bus, so the levels s_i = min(G_i, sigma) of water-filling become
s_i = min(G_i, 1 / (mu (r_i - rho)+)), with r_i the sensitivity dV/dP. For each rho, mu is as small
as the network check allows. Evolution then finds what more than one binding bus makes of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .frame_market import FrameMarket
from .network_check import Voltages

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Check = Callable[[FloatArray], Voltages]
PRICING_STEPS = 14
REPAIR_STEPS = 4


def priced_totals(market: FrameMarket, check: Check, count: int) -> FloatArray:
    """Return seller totals on the edge of what the network carries.

    Parameters
    ----------
    market : FrameMarket
        Participants.
    check : callable
        Takes totals of the participants (k, m), returns `Voltages` of the same columns.
    count : int
        Number of schedules.

    Returns
    -------
    (q, m) float
        Feasible totals [kWh], q <= count; none where the whole capacity is feasible.

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> def check(sold):
    ...     v = 1.0 + 0.01 * sold[:, :1]
    ...     fine = v[:, 0] <= 1.05
    ...     flags = np.repeat(~fine[:, None], 2, axis=1)
    ...     reach = np.tile([0.01, 0.001], (len(sold), 1))
    ...     return Voltages(fine, np.maximum(v[:, 0] - 1.05, 0), v[:, 0], v[:, 0], flags, reach,
    ...                     ((),) * len(sold), ~fine)
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> priced_totals(market, check, 8).max(axis=0).round(2).tolist()
    [5.0, 30.0]
    """
    supply = market.capacity_kwh
    whole = supply * min(1.0, market.most_kwh / float(supply.sum()))
    seen = check(whole[None])
    if seen.feasible[0] or count < 1:
        return np.zeros((0, market.m))
    reach = np.maximum(seen.sensitivity[0], 0.0)
    top = float(reach.max(initial=0.0))
    if top <= 0.0:
        return np.zeros((0, market.m))
    reach = reach / top
    # rho from far below every sensitivity (plain water-filling) to just below the greatest
    rho = 1.0 - np.geomspace(1e-3, 30.0, count)
    pull = np.maximum(reach - rho[:, None], 1e-9)
    low = np.full(count, -12.0)  # log10 of mu in units of 1 / supply: this small caps nobody
    high = np.full(count, 12.0)
    unit = float(supply.max())
    for _ in range(PRICING_STEPS + 20):
        if float((high - low).max()) < 1e-3:
            break
        middle = 0.5 * (low + high)
        sold = np.minimum(supply, unit / (10.0 ** middle[:, None] * pull))
        fine = check(sold).feasible
        high, low = np.where(fine, middle, high), np.where(fine, low, middle)
    sold = np.minimum(supply, unit / (10.0 ** high[:, None] * pull))
    return np.asarray(sold[check(sold).feasible])


def pulled_back(child: FloatArray, parent: FloatArray, check: Check) -> FloatArray:
    """Move infeasible schedules towards feasible ones, as little as a short bisection allows.

    Parameters
    ----------
    child, parent : (k, n_genes) float
        Infeasible genes, and feasible genes to fall back to.
    check : callable
        Takes genes (k, n_genes), returns `Voltages`.

    Returns
    -------
    (k, n_genes) float
        On the way from parent to child; the set of feasible schedules is nearly convex.
    """
    low, high = np.zeros(len(child)), np.ones(len(child))
    for _ in range(REPAIR_STEPS):
        middle = 0.5 * (low + high)
        fine = check(parent + middle[:, None] * (child - parent)).feasible
        low, high = np.where(fine, middle, low), np.where(fine, high, middle)
    return np.asarray(parent + low[:, None] * (child - parent))
