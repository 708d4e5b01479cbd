"""Participation: who takes part in a frame once its price is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .order import OrderBook

BoolArray = NDArray[np.bool_]
ParticipationRule = Callable[[OrderBook, float], tuple[BoolArray, BoolArray]]


def rational(book: OrderBook, price_per_kwh: float) -> tuple[BoolArray, BoolArray]:
    """Let those take part who gain by the price: a_i <= MCP and b_j >= MCP.

    Parameters
    ----------
    book : OrderBook
        The orders.
    price_per_kwh : float
        Market clearing price [currency/kWh].

    Returns
    -------
    (m,), (n,) bool
        Which sellers and buyers take part.

    Examples
    --------
    >>> book = OrderBook(("s", "t"), [3.0, 5.0], [2.0, 9.0], ("b",), [6.0], [4.0])
    >>> [side.tolist() for side in rational(book, 4.0)]
    [[True, False], [True]]
    """
    return book.offer_per_kwh <= price_per_kwh, book.bid_per_kwh >= price_per_kwh


def everybody(book: OrderBook, price_per_kwh: float) -> tuple[BoolArray, BoolArray]:
    """Let all take part, even at a loss by their own order (the published case needs it).

    Parameters
    ----------
    book : OrderBook
        The orders.
    price_per_kwh : float
        Not used.

    Returns
    -------
    (m,), (n,) bool
        All True.

    Examples
    --------
    >>> book = OrderBook(("s",), [9.0], [2.0], ("b",), [6.0], [4.0])
    >>> [side.tolist() for side in everybody(book, 4.0)]
    [[True], [True]]
    """
    return np.ones(book.m, dtype=np.bool_), np.ones(book.n, dtype=np.bool_)


PARTICIPATION: dict[str, ParticipationRule] = {"rational": rational, "all": everybody}
