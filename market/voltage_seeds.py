"""Seeds of the search that know the voltages (`network: constrained`).

A front under voltage limits is a curve in the price of energy c: at each c the best totals are
water-filling with a price on every limit that binds (`voltage_filling`). The limits are made
linear by dV/dP and put right by the power flow in a few rounds, each round one batch for all
points (successive linearisation). Evolution then finds what the linear forecast misses and what
the pairing of both sides makes of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .frame_market import FrameMarket
from .objectives import Objectives
from .voltage_filling import STEEPEST, filled_within
from .voltage_pull import pulled_back
from .voltage_rows import VoltageRows

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LADDER = 16  # prices of the first, coarse round
ROUNDS = 3  # power flows after it: each leaves about a fiftieth of the linear forecast's error,
MORE_ROUNDS = 8  # and more of it under high stress: at most as many more where a limit is still
UNSETTLED_PU = 1e-5  # broken, or further away than this from where the forecast put it
CUTS = 8  # most times that rows are added because the last solution broke them
MARGIN_PU = 1e-7  # below the limit, so that the last round's error does not break it,
MARGIN_SHARE = 1e-3  # and at most this share of the room that there is
LEAST_ROOM_PU = 1e-15


def seeds_within(
    market: FrameMarket, objectives: Objectives, rows: VoltageRows, count: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return points of the front under voltage limits.

    Parameters
    ----------
    market : FrameMarket
        Participants.
    objectives : Objectives
        The objective set.
    rows : VoltageRows
        The limits.
    count : int
        Number of points, at least 2.

    Returns
    -------
    (count, m), (count, n), (count,) float
        Sold and bought [kWh], price [currency/kWh]; from the buyers' optimum to the most energy
        that the limits let through (`surplus`: by increasing price).

    Examples
    --------
    >>> from gridbazaar.market.objectives import OBJECTIVES
    >>> from gridbazaar.market.order import OrderBook
    >>> class Line:
    ...     def rows(self, most_kwh):
    ...         return self
    ...     effect_pu_per_kwh = np.array([[0.002, 0.001]])
    ...     def room_pu(self, sold_kwh):
    ...         return 0.05 - sold_kwh @ self.effect_pu_per_kwh.T
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> rows = VoltageRows(market, Line(), 2)
    >>> sold, _, _ = seeds_within(market, OBJECTIVES["published"], rows, 5)
    >>> sold[-1].round(1).tolist()
    [10.0, 30.0]
    """
    if objectives.price_in_search:
        sold, price = _by_price(market, objectives, rows, count)
    else:
        sold = _by_energy(market, objectives, rows, count)
        price = np.full(len(sold), market.price_per_kwh)
    bought = objectives.bought_for(market, sold.sum(axis=1))
    if objectives.price_in_search and market.rational:
        bought = np.where(market.bid_per_kwh >= price[:, None], bought, 0.0)
    return sold, bought, price


def _by_energy(
    market: FrameMarket, objectives: Objectives, rows: VoltageRows, count: int
) -> FloatArray:
    """Totals spread evenly in energy from the best f1 up to the most energy."""
    program = _Program(market, rows, np.full(1, float(market.demand_kwh.sum())))
    optimum = objectives.seeds(market, 2)[0].sum(axis=1).min()
    steep = STEEPEST / float(market.capacity_kwh.max())
    dear = min(2.0 * market.m / max(float(optimum), 1e-300), steep)  # where half of it is traded
    middle = 1.0 / float(market.capacity_kwh.mean())
    half = LADDER // 2
    price = np.concatenate(
        [np.linspace(dear, 0.0, half, endpoint=False), -np.geomspace(0.05 * middle, steep, half)]
    )
    total, f1 = _valued(market, objectives, program.solve(_alike(price, market.m), 1))
    best = int(np.argmax(f1))
    close = np.linspace(price[max(best - 1, 0)], price[min(best + 1, LADDER - 1)], LADDER)
    near, f1 = _valued(market, objectives, program.solve(_alike(close, market.m), 1))
    least = near[int(np.argmax(f1))]
    price, total = np.concatenate([price, close]), np.concatenate([total, near])
    order = np.argsort(-price, kind="stable")
    price, total = price[order], np.maximum.accumulate(total[order])
    kept = np.flatnonzero(np.diff(total, prepend=-1.0) > 1e-9 * total[-1])
    price = np.interp(np.linspace(least, total[-1], count), total[kept], price[kept])
    price[-1] = -steep
    sold = program.within(_alike(price, market.m))
    sold[-1:] = program.topped_up(sold[-1:])
    return program.passing(sold)


def _valued(
    market: FrameMarket, objectives: Objectives, sold: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Energy and buyers' objective of seller totals."""
    total = sold.sum(axis=1)
    price = np.full(total.size, market.price_per_kwh)
    bought = objectives.bought_for(market, total)
    return total, objectives.values(market, sold, bought, price, final=False)[0]


def _by_price(
    market: FrameMarket, objectives: Objectives, rows: VoltageRows, count: int
) -> tuple[FloatArray, FloatArray]:
    """Totals of greatest welfare among those who are willing, at each of a spread of prices."""
    price = np.unique(objectives.seeds(market, count)[2])
    steep = STEEPEST / market.capacity_kwh
    top = max(float(market.offer_per_kwh.max()), market.price_bounds[1])
    worth = 1e-3 + (top - market.offer_per_kwh) / max(top, 1e-300)
    willing = np.ones((price.size, market.m), dtype=np.bool_)
    demand = np.full(price.size, float(market.demand_kwh.sum()))
    if market.rational:
        willing = market.offer_per_kwh <= price[:, None]
        demand = (market.bid_per_kwh >= price[:, None]) @ market.demand_kwh
    program = _Program(market, rows, np.maximum(demand, 1e-9 * market.most_kwh))
    cost = np.where(willing, -worth * steep.min(), steep)
    sold = program.topped_up(np.where(willing, program.within(cost), 0.0), willing)
    return program.passing(sold), price


def _alike(price: FloatArray, m: int) -> FloatArray:
    return np.repeat(price[:, None], m, axis=1)


class _Program:
    """Successive linearisation of one market's limits, for k prices at once.

    `demand_kwh` (k,) or (1,) bounds the energy of each candidate.
    """

    def __init__(self, market: FrameMarket, rows: VoltageRows, demand_kwh: FloatArray) -> None:
        self.caps, self.rows, self.demand = market.capacity_kwh, rows, demand_kwh
        self.idle = np.maximum(rows.room(np.zeros((1, market.m))), LEAST_ROOM_PU)
        self.margin = np.minimum(MARGIN_PU, MARGIN_SHARE * self.idle)
        self.active = self._first_rows()

    def _first_rows(self) -> IntArray:
        """Rows that are the first to bind along some directions: each seller alone, and all."""
        directions = np.concatenate([np.diag(self.caps), self.caps[None], self.caps[None] ** 0.5])
        reach = (directions @ self.rows.effect.T) / self.idle
        return np.unique(reach.argmax(axis=1)) if len(self.rows) else np.zeros(0, dtype=np.int64)

    def solve(self, price: FloatArray, rounds: int) -> FloatArray:
        """Totals (k, m) at prices (k, m) after so many power flows."""
        return self._rounds(price, rounds)[0]

    def within(self, price: FloatArray) -> FloatArray:
        """Totals (k, m) after `ROUNDS`, and after more where those did not settle."""
        sold, right = self._rounds(price, ROUNDS)
        demand = np.broadcast_to(self.demand, len(price))
        out = np.arange(len(price))
        for _ in range(MORE_ROUNDS if len(self.rows) else 0):
            room = self.rows.room(sold[out])
            least = room.min(axis=1)
            forecast = (right[out] - sold[out] @ self.rows.effect.T).min(axis=1)
            off = (least < 0.0) | (least - np.maximum(forecast, 0.0) > UNSETTLED_PU)
            out, room = out[off], room[off]
            if out.size == 0:
                break
            right[out] = self._put_right(sold[out], room)
            sold[out] = self._linear(price[out], right[out], demand[out])
        return sold

    def _rounds(self, price: FloatArray, rounds: int) -> tuple[FloatArray, FloatArray]:
        right = np.repeat(self.idle, len(price), axis=0)
        sold = self._linear(price, right, self.demand)
        for _ in range(rounds):
            right = self._put_right(sold, self.rows.room(sold))
            sold = self._linear(price, right, self.demand)
        return sold, right

    def passing(self, sold: FloatArray) -> FloatArray:
        """Pull back what the rounds leave above a limit: no point is lost for a hair."""
        return pulled_back(sold, self.rows, self.rows.room(sold))

    def _put_right(self, sold: FloatArray, room: FloatArray) -> FloatArray:
        """b of A s <= b such that the linear limits are right where the totals stand."""
        return np.maximum(room + sold @ self.rows.effect.T - self.margin, LEAST_ROOM_PU)

    def _linear(self, price: FloatArray, right: FloatArray, demand: FloatArray) -> FloatArray:
        """Solve with the rows known to bind; add those that the solution breaks; again."""
        effect = self.rows.effect
        total = np.broadcast_to(demand, len(price))[:, None]
        for _ in range(CUTS):
            limits = np.concatenate([effect[self.active], np.ones((1, len(self.caps)))])
            room = np.concatenate([right[:, self.active], total], axis=1)
            sold = filled_within(self.caps, price, limits, room)
            if len(self.rows) == 0:
                return sold
            left = right - sold @ effect.T
            broken = (left + 0.01 * self.margin).min(axis=1) < 0.0
            new = np.setdiff1d(left[broken].argmin(axis=1), self.active)
            if new.size == 0:
                return sold
            self.active = np.union1d(self.active, new)
        return sold

    def topped_up(self, sold: FloatArray, willing: NDArray[np.bool_] | None = None) -> FloatArray:
        """Raise all of each candidate's sellers alike until a limit binds.

        The logarithm holds solutions a little off their limits; here the last of the energy is
        added, in proportion to what each seller has left, as far as a linear limit allows.
        """
        left = self.caps - sold
        if willing is not None:
            left = np.where(willing, left, 0.0)
        right = self._put_right(sold, self.rows.room(sold))
        room = np.concatenate(
            [right - sold @ self.rows.effect.T, (self.demand - sold.sum(axis=1))[:, None]],
            axis=1,
        )
        rise = np.concatenate([left @ self.rows.effect.T, left.sum(axis=1)[:, None]], axis=1)
        share = np.divide(room, rise, out=np.full_like(rise, np.inf), where=rise > 0.0)
        return np.asarray(sold + np.clip(share.min(axis=1), 0.0, 1.0)[:, None] * left)
