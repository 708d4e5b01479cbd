"""Order books that try a mechanism: empty, one-sided, tied, without overlap, tiny and huge."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..clearing import GridTerms
from ..order import OrderBook

FloatArray = NDArray[np.float64]
TERMS = GridTerms(retail_per_kwh=7.5, feed_in_per_kwh=2.5)
RELATIVE = 1e-9  # of energy and money: round-off
KINDS = (
    "usual",
    "tied prices",
    "one price a side",
    "no overlap",
    "one seller",
    "one buyer",
    "no seller",
    "no buyer",
    "extreme sizes",
    "equal sizes",
    "beyond the grid's prices",
    "empty orders",
    "at the grid's prices",
    "one size at any price",
)


def trial_books(
    count: int, terms: GridTerms, rng: np.random.Generator, most: int = 12
) -> Iterator[tuple[str, OrderBook]]:
    """Make books of every kind in turn.

    Parameters
    ----------
    count : int
        How many.
    terms : GridTerms
        Prices lie between feed-in and retail, but in the kind that is about others.
    rng : numpy.random.Generator
        Of the draws.
    most : int
        Most orders on a side.

    Yields
    ------
    tuple of str and OrderBook
        The kind (see `KINDS`) and the book.

    Examples
    --------
    >>> books = list(trial_books(24, GridTerms(7.5, 2.5), np.random.default_rng(1)))
    >>> len(books), books[0][0]
    (24, 'usual')
    """
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        yield kind, trial_book(kind, terms, rng, most)


def trial_book(kind: str, terms: GridTerms, rng: np.random.Generator, most: int = 12) -> OrderBook:
    """Make one book.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    terms : GridTerms
        Feed-in and retail price.
    rng : numpy.random.Generator
        Of the draws.
    most : int
        Most orders on a side.

    Returns
    -------
    OrderBook
        With at most `most` orders on a side.

    Examples
    --------
    >>> trial_book("no seller", GridTerms(7.5, 2.5), np.random.default_rng(1)).m
    0
    """
    m, n = (int(size) for size in rng.integers(1, most + 1, 2))
    m = {"one seller": 1, "no seller": 0}.get(kind, m)
    n = {"one buyer": 1, "no buyer": 0}.get(kind, n)
    low, high = terms.feed_in_per_kwh, terms.retail_per_kwh
    offer, bid = rng.uniform(low, high, m), rng.uniform(low, high, n)
    capacity, demand = rng.lognormal(1.0, 0.8, m), rng.lognormal(1.0, 0.8, n)
    if kind == "tied prices":
        step = rng.choice([0.5, 1.0])
        offer, bid = np.round(offer / step) * step, np.round(bid / step) * step
        capacity, demand = np.ceil(capacity), np.ceil(demand)
    elif kind == "one price a side":
        offer, bid = (np.full(x.size, rng.uniform(low, high)) for x in (offer, bid))
    elif kind == "no overlap":
        middle = 0.5 * (low + high)
        offer, bid = 0.5 * (offer - middle) + middle + 0.3 * middle, 0.5 * bid
    elif kind == "extreme sizes":
        capacity, demand = (10.0 ** rng.uniform(-6.0, 5.0, x.size) for x in (offer, bid))
    elif kind == "equal sizes":
        capacity, demand = np.ones(m), np.ones(n)
    elif kind == "beyond the grid's prices":
        offer, bid = rng.uniform(0.0, 1.5 * high, m), rng.uniform(0.0, 1.5 * high, n)
    elif kind == "empty orders":
        capacity, demand = capacity * (rng.random(m) < 0.6), demand * (rng.random(n) < 0.6)
    elif kind == "at the grid's prices":  # whom the grid serves as well
        offer, bid = (
            np.where(rng.random(x.size) < 0.7, edge, x) for x, edge in ((offer, low), (bid, high))
        )
    elif kind == "one size at any price":  # many of them beyond what the grid gives
        offer, bid = rng.uniform(0.0, 1.5 * low, m), rng.uniform(0.5 * low, 1.5 * high, n)
        capacity, demand = np.ones(m), np.ones(n)
    return OrderBook(
        tuple(f"s{i:03d}" for i in range(m)),
        offer,
        capacity,
        tuple(f"b{j:03d}" for j in range(n)),
        bid,
        demand,
    )
