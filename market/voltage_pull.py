"""The last step to a point within the limits: pull it back along dV/dP, on the true power flow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .voltage_rows import GRAIN_PU, VoltageRows, pull_scale

FloatArray = NDArray[np.float64]
PULLS = 8  # steps of Newton's method along dV/dP: each squares what the step before left,
PULL_MARGIN = 1.02  # and goes a little further than the linear forecast of the row
HALVINGS = 30  # of a common factor, where those steps do not arrive


def pulled_back(sold: FloatArray, rows: VoltageRows, room: FloatArray) -> FloatArray:
    """Scale totals down until the power flow finds them within every limit.

    Each step takes the breach v of the row that is broken most away,
    s_i <- s_i (1 - v A_ri / sum_j A_rj^2 s_j): the sellers that move that row most lose most. It is
    a secant through the power flow's own voltages, so a point that stands a hair above a limit
    loses a hair. What a few steps do not bring back is scaled by the largest common factor that
    bisection finds.

    Parameters
    ----------
    sold : (k, m) float
        Totals [kWh].
    rows : VoltageRows
        The limits, asked for the candidates that are still beyond one.
    room : (k, q) float
        Room of `sold` by the power flow [p.u.].

    Returns
    -------
    (k, m) float
        Totals [kWh], nowhere above the given ones and unchanged where those pass. Each passes
        every row that it passes without any sale.

    Examples
    --------
    >>> from gridbazaar.market.frame_market import FrameMarket
    >>> from gridbazaar.market.order import OrderBook
    >>> class Bent:  # V rises less than in proportion
    ...     effect_pu_per_kwh = np.array([[0.002, 0.001]])
    ...     def rows(self, most_kwh):
    ...         return self
    ...     def room_pu(self, sold_kwh):
    ...         rise = sold_kwh @ self.effect_pu_per_kwh.T
    ...         return 0.05 - rise * (1 - rise)
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> rows, sold = VoltageRows(market, Bent(), 2), np.array([[15.0, 30.0]])
    >>> pulled_back(sold, rows, rows.room(sold)).round(2).tolist()
    [[12.6, 27.58]]
    """
    if len(rows) == 0:
        return sold
    result, room = sold.copy(), room.copy()
    least = np.minimum(GRAIN_PU, 0.5 * np.maximum(rows.room(np.zeros((1, sold.shape[1]))), 0.0))
    out = _beyond(room, least)
    for _ in range(PULLS):
        if out.size == 0:
            return result
        left = room[out] - least
        worst = left.argmin(axis=1)
        broken = -left[np.arange(out.size), worst]
        solved = np.isfinite(broken)
        factor = pull_scale(
            PULL_MARGIN * np.where(solved, broken, 0.0), rows.effect[worst], result[out]
        )
        result[out] *= np.where(solved[:, None], factor, 0.5)
        room[out] = rows.room(result[out])
        out = out[_beyond(room[out], least)]
    if out.size:
        result[out] = _largest_share(result[out], rows, least)
    return result


def _beyond(room: FloatArray, least: FloatArray) -> NDArray[np.int64]:
    return np.flatnonzero((room < least).any(axis=1))


def _largest_share(sold: FloatArray, rows: VoltageRows, least: FloatArray) -> FloatArray:
    """Bisect for the common factor of each candidate; 0 where nothing else passes."""
    low, high = np.zeros(len(sold)), np.ones(len(sold))
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        passed = (rows.room(middle[:, None] * sold) >= least).all(axis=1)
        low, high = np.where(passed, middle, low), np.where(passed, high, middle)
    return np.asarray(low[:, None] * sold)
