"""Merit order: who trades how much of a given volume, equal prices alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..clearing import GridTerms
from ..order import OrderBook

FloatArray = NDArray[np.float64]
ROUND_OFF = 1e-12  # a share of a price step this near to nothing or all of it is round-off


def fill(price: FloatArray, quantity_kwh: FloatArray, volume_kwh: float) -> FloatArray:
    """Fill orders from the lowest price up; orders of one price share its step in proportion.

    Parameters
    ----------
    price : (n,) float
        Offers, or bids with their sign turned [currency/kWh].
    quantity_kwh : (n,) float
        Sizes of the orders [kWh].
    volume_kwh : float
        Energy to fill, at most their sum [kWh].

    Returns
    -------
    numpy.ndarray, shape (n,)
        Filled energy [kWh]; it sums to the volume, and nobody gets more than its order.

    Examples
    --------
    >>> fill(np.array([3.0, 5.0, 5.0]), np.array([2.0, 6.0, 2.0]), 6.0).tolist()
    [2.0, 3.0, 1.0]
    """
    if price.size == 0 or volume_kwh <= 0.0:
        return np.zeros(price.size)
    step = np.unique(price, return_inverse=True)[1]
    size = np.bincount(step, weights=quantity_kwh)
    before = np.cumsum(size) - size
    share = np.divide(volume_kwh - before, size, out=np.zeros(size.size), where=size > 0.0)
    share[share < ROUND_OFF] = 0.0
    share[share > 1.0 - ROUND_OFF] = 1.0
    return np.asarray(quantity_kwh * share[step], dtype=np.float64)


def in_proportion(quantity_kwh: FloatArray, volume_kwh: float) -> FloatArray:
    """Share a volume among orders in proportion to their size.

    Parameters
    ----------
    quantity_kwh : (n,) float
        Sizes [kWh].
    volume_kwh : float
        Energy to share, at most their sum [kWh].

    Returns
    -------
    numpy.ndarray, shape (n,)
        Shares [kWh].

    Examples
    --------
    >>> in_proportion(np.array([6.0, 2.0]), 4.0).tolist()
    [3.0, 1.0]
    """
    total = float(quantity_kwh.sum())
    if total <= 0.0:
        return np.zeros(quantity_kwh.size)
    return np.asarray(quantity_kwh * min(volume_kwh / total, 1.0), dtype=np.float64)


def values_per_kwh(book: OrderBook, terms: GridTerms) -> FloatArray:
    """Bids as the market counts them: nobody's energy is worth more than retail, where it is sold.

    Parameters
    ----------
    book : OrderBook
        The orders.
    terms : GridTerms
        Retail price r.

    Returns
    -------
    numpy.ndarray, shape (n,)
        min(b_j, r) [currency/kWh].

    Examples
    --------
    >>> book = OrderBook((), [], [], ("b", "c"), [6.0, 9.0], [4.0, 1.0])
    >>> values_per_kwh(book, GridTerms(7.0, 3.0)).tolist()
    [6.0, 7.0]
    """
    return np.minimum(book.bid_per_kwh, terms.retail_per_kwh)


def volume(book: OrderBook, terms: GridTerms, padded_kwh: float = 0.0) -> float:
    """Energy on which offer <= bid, after padding one side with phantom orders.

    T = max_p min(S(p) - max(P, 0), D(p) - max(-P, 0)), S(p) offered at p or below, D(p) bid for at
    p or above. A padding P > 0 is phantom demand that is served first, P < 0 phantom supply.

    Parameters
    ----------
    book : OrderBook
        The orders; bids are clipped to retail.
    terms : GridTerms
        Retail price.
    padded_kwh : float
        Padding P [kWh].

    Returns
    -------
    float
        Energy of the real buyers [kWh], 0 where nothing matches.

    Examples
    --------
    >>> book = OrderBook(("s", "t"), [3.0, 5.0], [2.0, 9.0], ("b",), [6.0], [4.0])
    >>> volume(book, GridTerms(7.0, 3.0)), volume(book, GridTerms(7.0, 3.0), 8.0)
    (4.0, 3.0)
    """
    bids = values_per_kwh(book, terms)
    marks = np.unique(np.concatenate([book.offer_per_kwh, bids]))
    if book.m == 0 or book.n == 0:
        return 0.0
    offered = np.bincount(
        np.searchsorted(marks, book.offer_per_kwh),
        weights=book.capacity_kwh,
        minlength=marks.size,
    )
    wanted = np.bincount(
        np.searchsorted(marks, bids), weights=book.demand_kwh, minlength=marks.size
    )
    supply, demand = np.cumsum(offered), np.cumsum(wanted[::-1])[::-1]
    matched = np.minimum(supply - max(padded_kwh, 0.0), demand - max(-padded_kwh, 0.0))
    return max(float(matched.max()), 0.0)
