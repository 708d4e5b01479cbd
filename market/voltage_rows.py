"""The feeder's limits as the search sees them: rows over the totals of a frame's participants."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .frame_market import FrameMarket
from .network_check import NetworkCheck

FloatArray = NDArray[np.float64]
KNOCKS = 4  # projections onto the worst row before a candidate is moved towards its parent
ALLOWANCE = 0.02  # of the voltage that a move makes: what its linear forecast may miss
GRAIN_PU = 1e-10  # room that is kept, so that round-off in another sum of powers breaks no limit
NEARLY_FULL = 2e-3  # of an offer left unsold: an interior point's or a population's residue


class VoltageRows:
    """Rows V_r(s) <= limit_r that can bind for the participants of one market.

    Parameters
    ----------
    market : FrameMarket
        Participants.
    network : NetworkCheck
        The feeder; asked for the rows that some schedule within the offers can break.
    n_sellers : int
        Sellers of the whole book, which `network` is aligned with.

    Attributes
    ----------
    effect : (q, m) float
        dV/ds, about [p.u./kWh].

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> class Line:
    ...     def rows(self, most_kwh):
    ...         return self
    ...     effect_pu_per_kwh = np.array([[0.002, 0.001]])
    ...     def room_pu(self, sold_kwh):
    ...         return 0.05 - sold_kwh @ self.effect_pu_per_kwh.T
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> VoltageRows(market, Line(), 2).room(np.array([[10.0, 30.0]])).round(3).tolist()
    [[0.0]]
    """

    def __init__(self, market: FrameMarket, network: NetworkCheck, n_sellers: int) -> None:
        self._sellers, self._n_sellers = market.sellers, n_sellers
        self._rows = network.rows(self._wide(market.capacity_kwh[None])[0])
        self.effect = self._rows.effect_pu_per_kwh[:, market.sellers]

    def __len__(self) -> int:
        return len(self.effect)

    def room(self, sold_kwh: FloatArray) -> FloatArray:
        """Ask the power flow how far each row is from its limit.

        Parameters
        ----------
        sold_kwh : (k, m) float
            Totals of the participants [kWh].

        Returns
        -------
        (k, q) float
            limit - V [p.u.], negative where the limit is broken; all k in one batch.
        """
        if len(self) == 0:
            return np.zeros((len(sold_kwh), 0))
        return self._rows.room_pu(self._wide(sold_kwh))

    def _wide(self, sold_kwh: FloatArray) -> FloatArray:
        wide = np.zeros((len(sold_kwh), self._n_sellers))
        wide[:, self._sellers] = sold_kwh
        return wide


def within(
    sold: FloatArray, parent: FloatArray, parent_room: FloatArray, effect: FloatArray
) -> FloatArray:
    """Pull totals back within the limits along the sensitivities, by the linear forecast.

    The forecast of a candidate's room is its parent's less A (s - s_parent). Each of a few
    projections scales sellers down in proportion to what they do to the row that is broken most,
    s_i <- s_i (1 - v A_ri / sum_j A_rj^2 s_j); what still breaks a row then moves towards its
    parent until none is broken.

    Parameters
    ----------
    sold : (k, m) float
        Raw totals [kWh].
    parent : (k, m) float
        Totals of each candidate's parent [kWh].
    parent_room : (k, q) float
        The parents' room by the power flow [p.u.].
    effect : (q, m) float
        A, dV/ds [p.u./kWh].

    Returns
    -------
    (k, m) float
        Totals [kWh], none above the raw ones but for the way to the parent. No power flow is
        asked: the forecast misses what the feeder's curvature makes of the move.

    Examples
    --------
    >>> within(np.array([[20.0, 20.0]]), np.zeros((1, 2)), np.array([[0.05]]),
    ...        np.array([[0.002, 0.001]])).round(2).tolist()
    [[15.52, 17.76]]
    """
    if len(effect) == 0:
        return sold
    result = sold.copy()
    moved = ALLOWANCE * np.abs(sold - parent) @ effect.T
    floor = parent_room + parent @ effect.T - moved
    out = np.flatnonzero((floor - sold @ effect.T).min(axis=1) < 0.0)
    for _ in range(KNOCKS):
        if out.size == 0:
            return result
        left = floor[out] - result[out] @ effect.T
        worst = left.argmin(axis=1)
        broken = np.maximum(-left[np.arange(out.size), worst], 0.0)
        pull = effect[worst]
        result[out] *= pull_scale(broken, pull, result[out])
        out = out[(floor[out] - result[out] @ effect.T).min(axis=1) < -1e-12]
    if out.size:
        result[out] = _towards_parent(result[out], parent[out], parent_room[out], effect)
    return result


def pull_scale(broken: FloatArray, pull: FloatArray, sold: FloatArray) -> FloatArray:
    """Return the factors that take a row's breach away, by the linear forecast.

    Parameters
    ----------
    broken : (k,) float
        The breach v of each candidate [p.u.].
    pull : (k, m) float
        The broken row A of each [p.u./kWh].
    sold : (k, m) float
        Totals [kWh].

    Returns
    -------
    (k, m) float
        1 - v A_i / sum_j A_j^2 s_j, within 0..1.

    Examples
    --------
    >>> pull_scale(np.array([0.01]), np.array([[0.002, 0.001]]), np.array([[20.0, 20.0]])).tolist()
    [[0.8, 0.9]]
    """
    most = np.maximum(pull.max(axis=1), 1e-300)
    reach = pull / most[:, None]
    power = most * (reach**2 * sold).sum(axis=1)
    share = np.divide(broken, power, out=np.zeros_like(power), where=power > broken * 1e-9)
    return np.asarray(np.clip(1.0 - share[:, None] * reach, 0.0, 1.0))


def _towards_parent(
    sold: FloatArray, parent: FloatArray, parent_room: FloatArray, effect: FloatArray
) -> FloatArray:
    """Go from each parent as far towards its child as the linear forecast allows."""
    change = sold - parent
    rise = change @ effect.T + ALLOWANCE * np.abs(change) @ effect.T
    room = np.maximum(parent_room, 0.0)
    share = np.divide(room, rise, out=np.full_like(rise, np.inf), where=rise > room)
    return np.asarray(parent + np.minimum(share.min(axis=1), 1.0)[:, None] * change)


def rounded_up(
    sold: FloatArray, caps: FloatArray, room: FloatArray, effect: FloatArray
) -> FloatArray:
    """Sell out who has next to nothing left, at the cost of those who have.

    A search ends a hair below limits that it should touch. That costs no energy worth mention, but
    a member with a grain unsold counts as one whom the feeder holds back, and its export is bound.

    Parameters
    ----------
    sold : (k, m) float
        Totals [kWh].
    caps : (m,) float
        G_i [kWh].
    room : (k, q) float
        Room of each under each limit by the power flow [p.u.].
    effect : (q, m) float
        A, dV/ds [p.u./kWh].

    Returns
    -------
    (k, m) float
        s_i = G_i where at most 0.2 % of it were left. The others are scaled down, in proportion to
        what they do to the row that would break most, until the linear forecast breaks none.

    Examples
    --------
    >>> rounded_up(np.array([[9.99, 4.0]]), np.array([10.0, 10.0]), np.array([[0.0]]),
    ...            np.array([[0.001, 0.001]])).round(3).tolist()
    [[10.0, 3.99]]
    """
    full = sold >= (1.0 - NEARLY_FULL) * caps
    result = np.where(full, caps, sold)
    if len(effect) == 0:
        return result
    right = room - np.minimum(2.0 * GRAIN_PU, 0.5 * room) + sold @ effect.T
    for _ in range(4 * KNOCKS):
        left = right - result @ effect.T
        worst = left.argmin(axis=1)
        broken = np.maximum(-left[np.arange(len(left)), worst], 0.0)
        if not broken.any():
            break
        pull = np.where(full, 0.0, effect[worst])
        result *= pull_scale(broken, pull, result)
    return np.asarray(result)
