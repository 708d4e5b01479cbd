"""From a point of a front to the clearing of the whole book: pairs, payments, the front itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .clearing import Clearing, Front, Trades
from .frame_market import FrameMarket, Points
from .order import OrderBook
from .pairing import EXACT_PAIRS, dense_trades, sparse_trades, trades_of

FloatArray = NDArray[np.float64]


def clearing_of(
    book: OrderBook, market: FrameMarket, points: Points, chosen: int, notes: tuple[str, ...]
) -> Clearing:
    """Write a point of a market's front as the clearing of the whole book.

    Parameters
    ----------
    book : OrderBook
        All orders.
    market : FrameMarket
        Those that take part.
    points : Points
        The front of the market.
    chosen : int
        Index of the point.
    notes : tuple of str
        What a reader should know.

    Returns
    -------
    Clearing
        Status `cleared`, or `no-trade` where the point trades nothing; without pairs, see
        :func:`with_pairs`.

    Examples
    --------
    >>> from gridbazaar.market.objectives import OBJECTIVES
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> points = OBJECTIVES["published"].exact_front(market, 3)
    >>> clearing_of(book, market, points, 2, ()).sold_kwh.tolist()
    [30.0, 30.0]
    """
    value = points.capacity_value, points.demand_value
    front = Front(
        points.f1,
        points.f2,
        _scatter(points.sold_kwh, market.sellers, book.m),
        _scatter(points.bought_kwh, market.buyers, book.n),
        chosen,
        points.collapsed,
        points.evaluations,
        points.generations,
        points.price_per_kwh if np.isnan(market.price_per_kwh) else None,
        points.energy_value,
        None if value[0] is None else _scatter(value[0], market.sellers, book.m),
        None if value[1] is None else _scatter(value[1], market.buyers, book.n),
        _scatter_pairs(points, market, book),
    )
    blank = replace(Clearing.no_trade(book, notes), mcp_per_kwh=float(points.price_per_kwh[chosen]))
    return accepted(book, blank, front)


def accepted(book: OrderBook, clearing: Clearing, front: Front) -> Clearing:
    """Take the chosen point of a front as the schedule, with its totals and payments.

    Pairs are left out: see :func:`with_pairs`.

    Parameters
    ----------
    book : OrderBook
        All orders; their capacities are the caps.
    clearing : Clearing
        Its price and notes are kept.
    front : Front
        With the point to accept chosen.

    Returns
    -------
    Clearing
        Every member is paid, or pays, price times energy.

    Examples
    --------
    >>> one = np.ones(1)
    >>> book = OrderBook(("s",), [1.0], [30.0], ("b",), [6.0], [60.0])
    >>> blank = replace(Clearing.no_trade(book), mcp_per_kwh=5.0)
    >>> front = Front(one, one, np.array([[20.0]]), np.array([[20.0]]), 0, True, 1, 0)
    >>> accepted(book, blank, front).received.tolist()
    [100.0]
    """
    price = clearing.mcp_per_kwh
    if front.price_per_kwh is not None:
        price = float(front.price_per_kwh[front.chosen])
    sold, bought = front.sold_kwh[front.chosen], front.bought_kwh[front.chosen]
    if price is None or sold.sum() <= 0:
        return Clearing.no_trade(book, clearing.notes)
    return replace(
        clearing,
        status="cleared",
        mcp_per_kwh=price,
        sold_kwh=sold,
        bought_kwh=bought,
        received=price * sold,
        paid=price * bought,
        trades=Trades.none(),
        f1=float(front.f1[front.chosen]),
        f2=float(front.f2[front.chosen]),
        front=front,
        caps_kwh=book.capacity_kwh,
    )


def with_pairs(book: OrderBook, clearing: Clearing) -> Clearing:
    """Write the pairs of a schedule that has none yet: most schedules of a capping loop need none.

    Pairs are exact up to 10,000 of them, else merit order against merit order with the same
    totals; where the search carried pairs (`pairwise`) they are taken as they are.

    Parameters
    ----------
    book : OrderBook
        All orders.
    clearing : Clearing
        As `accepted` returns it.

    Returns
    -------
    Clearing
        The same with its trades, whose totals are those of the schedule.

    Examples
    --------
    >>> one = np.ones(1)
    >>> book = OrderBook(("s",), [1.0], [30.0], ("b",), [6.0], [60.0])
    >>> blank = replace(Clearing.no_trade(book), mcp_per_kwh=5.0)
    >>> front = Front(one, one, np.array([[20.0]]), np.array([[20.0]]), 0, True, 1, 0)
    >>> with_pairs(book, accepted(book, blank, front)).trades.energy_kwh.tolist()
    [20.0]
    """
    front, price = clearing.front, clearing.mcp_per_kwh
    if front is None or price is None or clearing.status != "cleared" or len(clearing.trades):
        return clearing
    sold, bought = clearing.sold_kwh, clearing.bought_kwh
    sellers, buyers = np.flatnonzero(sold > 0), np.flatnonzero(bought > 0)
    if front.energy_kwh is not None:
        energy = front.energy_kwh[front.chosen][np.ix_(sellers, buyers)]
        pairs = trades_of(energy, price)
    elif sellers.size * buyers.size <= EXACT_PAIRS:
        pairs = dense_trades(sold[sellers], bought[buyers], book.bid_per_kwh[buyers], price)
    else:
        pairs = sparse_trades(
            sold[sellers],
            bought[buyers],
            book.offer_per_kwh[sellers],
            book.bid_per_kwh[buyers],
            price,
        )
    trades = Trades(
        sellers[pairs.seller], buyers[pairs.buyer], pairs.energy_kwh, pairs.price_per_kwh
    )
    return replace(clearing, trades=trades)


def _scatter(values: FloatArray, at: NDArray[np.int64], width: int) -> FloatArray:
    wide = np.zeros((values.shape[0], width))
    wide[:, at] = values
    return wide


def _scatter_pairs(points: Points, market: FrameMarket, book: OrderBook) -> FloatArray | None:
    if points.energy_kwh is None:
        return None
    wide = np.zeros((len(points), book.m, book.n))
    wide[np.ix_(np.arange(len(points)), market.sellers, market.buyers)] = points.energy_kwh
    return wide
