"""From totals and prices to a `Clearing`: pairs, payments, transfers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..clearing import Clearing, Trades
from ..order import OrderBook
from ..pairing import sparse_trades

FloatArray = NDArray[np.float64]


def pairs(book: OrderBook, sold_kwh: FloatArray, bought_kwh: FloatArray) -> Trades:
    """Write totals as few pairs, cheapest offer with dearest bid; their prices are still 0.

    Parameters
    ----------
    book : OrderBook
        The orders.
    sold_kwh, bought_kwh : (m,), (n,) float
        Totals [kWh] with equal sums.

    Returns
    -------
    Trades
        At most m + n - 1 pairs.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> pairs(book, np.array([4.0]), np.array([4.0])).energy_kwh.tolist()
    [4.0]
    """
    return sparse_trades(sold_kwh, bought_kwh, book.offer_per_kwh, book.bid_per_kwh, 0.0)


def priced(
    trades: Trades, seller_per_kwh: FloatArray | float, buyer_per_kwh: FloatArray | float
) -> Trades:
    """Give pairs the prices that their seller gets and their buyer pays.

    Parameters
    ----------
    trades : Trades
        t pairs.
    seller_per_kwh, buyer_per_kwh : (t,) float or float
        Prices of each pair [currency/kWh].

    Returns
    -------
    Trades
        The same pairs.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> priced(pairs(book, np.array([4.0]), np.array([4.0])), 3.0, 6.0).paid_per_kwh.tolist()
    [6.0]
    """
    gets, pays = (
        np.broadcast_to(np.asarray(price, dtype=np.float64), trades.energy_kwh.shape).copy()
        for price in (seller_per_kwh, buyer_per_kwh)
    )
    same = bool(np.array_equal(gets, pays))
    return replace(trades, price_per_kwh=gets, buyer_price_per_kwh=None if same else pays)


def outcome(
    book: OrderBook,
    trades: Trades,
    mcp_per_kwh: float | None = None,
    seller_transfer: FloatArray | None = None,
    buyer_transfer: FloatArray | None = None,
    notes: tuple[str, ...] = (),
) -> Clearing:
    """Put a clearing together from its pairs.

    Parameters
    ----------
    book : OrderBook
        The orders.
    trades : Trades
        With prices.
    mcp_per_kwh : float, optional
        The price, where there is a single one [currency/kWh].
    seller_transfer, buyer_transfer : (m,), (n,) float, optional
        What each gets (+) or pays (-) beside price times energy [currency].
    notes : tuple of str
        What a reader should know.

    Returns
    -------
    Clearing
        Status `cleared`, or `no-trade` where there is no pair.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> deal = priced(pairs(book, np.array([4.0]), np.array([4.0])), 5.0, 5.0)
    >>> outcome(book, deal, 5.0).paid.tolist()
    [20.0]
    """
    none = Clearing.no_trade(book, notes)
    with_transfers = seller_transfer is not None and buyer_transfer is not None
    if len(trades) == 0 and not with_transfers:
        return none
    sold = np.bincount(trades.seller, weights=trades.energy_kwh, minlength=book.m)
    bought = np.bincount(trades.buyer, weights=trades.energy_kwh, minlength=book.n)
    received, paid = trades.received(book.m), trades.paid(book.n)
    if seller_transfer is not None and buyer_transfer is not None:
        received, paid = received + seller_transfer, paid - buyer_transfer
    return replace(
        none,
        status="cleared" if len(trades) else "no-trade",
        mcp_per_kwh=mcp_per_kwh if len(trades) else None,
        sold_kwh=np.minimum(sold, book.capacity_kwh),
        bought_kwh=np.minimum(bought, book.demand_kwh),
        received=received,
        paid=paid,
        trades=trades,
        seller_transfer=seller_transfer,
        buyer_transfer=buyer_transfer,
    )
