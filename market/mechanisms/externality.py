"""Expected externality of every member: what its report does to the others, on average."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..order import OrderBook
from .merit import ROUND_OFF as WHOLE
from .surplus import ROUND_OFF as SLACK

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def _compiled(function: Kernel) -> Kernel:
    return cast(Kernel, njit(cache=True)(function))


def expected_externality(
    book: OrderBook,
    value_per_kwh: FloatArray,
    offers: FloatArray,
    bids: FloatArray,
    alike: IntArray | None = None,
) -> FloatArray:
    """Return h_k of every member: the others' surplus at its report, averaged over draws.

    In each draw the others have drawn prices and member k its report; what it trades is what the
    merit order gives it, equal prices sharing their step in proportion to size (`merit.fill`), and
    the rest is best for the others. Sorting a draw serves all members:
    O(samples (m + n) log(m + n)).

    Members with the same prior, side and size leave out the same draw - that of the first of them,
    which is as good as their own - so that those with the same report have the same h to the bit,
    however few the draws.

    Parameters
    ----------
    book : OrderBook
        Offers are the sellers' reports.
    value_per_kwh : (n,) float
        Reports of the buyers [currency/kWh].
    offers, bids : (samples, m), (samples, n) float
        Draws of prices [currency/kWh].
    alike : (m + n,) int, optional
        Members of the same number have the same prior; without it nobody has another's.

    Returns
    -------
    numpy.ndarray, shape (m + n,)
        Sellers first [currency].

    Examples
    --------
    A seller at 0 serves a buyer worth 0 or 1 with even odds; a buyer at 0 is served half the time.

    >>> book = OrderBook(("s",), [0.0], [1.0], ("b",), [0.0], [1.0])
    >>> draws = np.array([[0.0], [1.0]])
    >>> expected_externality(book, book.bid_per_kwh, draws, draws).tolist()
    [0.5, 0.0]
    """
    buys = np.arange(book.m + book.n) >= book.m
    quantity = np.concatenate([book.capacity_kwh, book.demand_kwh])
    report = np.concatenate([book.offer_per_kwh, value_per_kwh])
    left_out = np.arange(buys.size)
    if alike is not None:
        traits = np.stack([alike, buys, quantity], axis=1)
        first, member_of = np.unique(traits, axis=0, return_index=True, return_inverse=True)[1:]
        left_out = first[member_of.reshape(-1)]
    draws = np.ascontiguousarray(np.concatenate([offers, bids], axis=1), dtype=np.float64)
    total = _sum_over_draws(draws, quantity, buys, report, left_out.astype(np.int64))
    return np.asarray(total / len(draws), dtype=np.float64)


@_compiled
def _sum_over_draws(
    draws: FloatArray,
    quantity: FloatArray,
    buys: NDArray[np.bool_],
    report: FloatArray,
    left_out: IntArray,
) -> FloatArray:  # pragma: no cover - compiled
    """Sum the others' surplus over draws; `surplus` has the mathematics of the sorted list."""
    size = quantity.size
    total = np.zeros(size)
    demand, everything = 0.0, 0.0
    for k in range(size):
        everything += quantity[k]
        if buys[k]:
            demand += quantity[k]
    slack = SLACK * everything
    place = np.empty(size, dtype=np.int64)
    ranked = np.empty(size)
    below = np.empty(size + 1)  # energy of all orders before the one at a place
    value = np.empty(size)  # F at each sorted price
    for draw in range(draws.shape[0]):
        prices = draws[draw]
        order = np.argsort(prices, kind="mergesort")
        below[0] = 0.0
        start = 0.0
        for at in range(size):
            k = order[at]
            place[k] = at
            ranked[at] = prices[k]
            below[at + 1] = below[at] + quantity[k]
            if buys[k]:
                start += quantity[k] * (prices[k] - ranked[0])
        value[0] = start
        for at in range(1, size):
            value[at] = value[at - 1] + (below[at] - demand) * (ranked[at] - ranked[at - 1])
        for k in range(size):
            q = quantity[k]
            out = left_out[k]
            # What k trades at its report, the one left out being away.
            low = np.searchsorted(ranked, report[k])
            high = low
            equal = 0.0  # energy of others of its side at its price
            while high < size and ranked[high] == report[k]:
                other = order[high]
                if buys[other] == buys[k] and other != out:
                    equal += quantity[other]
                high += 1
            if buys[k]:
                room = below[high] - demand + q
                if prices[out] <= report[k]:
                    room -= q
            else:
                room = demand - below[low]
                if prices[out] < report[k]:
                    room += q
            share = 0.0
            if q > 0.0:
                share = min(max(room / (equal + q), 0.0), 1.0)
                if share < WHOLE:
                    share = 0.0
                elif share > 1.0 - WHOLE:
                    share = 1.0
            incoming = -q * share if buys[k] else q * share
            # V of the others with that energy from outside.
            target = demand - incoming - slack
            if buys[k]:
                target -= q
            at = np.searchsorted(below[1:], target)
            if at >= place[out]:
                at = np.searchsorted(below[1:], target + q)
            at = min(at, size - 1)
            gain = prices[out] - ranked[at]
            if not buys[k]:
                gain = -gain
            total[k] += value[at] - q * max(gain, 0.0) + incoming * ranked[at]
    return total
