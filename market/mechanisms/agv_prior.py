"""What members may expect of each other's prices: draws from the priors of `agv`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..clearing import GridTerms
from ..order import OrderBook
from ..price_history import PriceHistory

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LEAST_WIDTH = 0.01  # of the gap between feed-in and retail: equal past prices are not certainty


class Prior(Protocol):
    """Draws (samples, m) offers and (samples, n) bids [currency/kWh]."""

    def __call__(
        self, book: OrderBook, terms: GridTerms, samples: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """Draw prices of a book's members."""
        ...


@runtime_checkable
class KnowsAlike(Protocol):
    """A prior that knows which members have the same one."""

    def alike(self, book: OrderBook) -> IntArray:
        """Return a number for each member, shape (m + n,): the same for the same prior."""
        ...


@dataclass(frozen=True)
class UniformPrior:
    """Every price is uniform between feed-in and retail: the fallback without history.

    Draws go to members by size and side, so that names never matter.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [4.0], ("b",), [6.0], [4.0])
    >>> uniform_prior(book, GridTerms(7.0, 2.0), 5, np.random.default_rng(1))[0].shape
    (5, 1)
    """

    def __call__(
        self, book: OrderBook, terms: GridTerms, samples: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """Draw prices; feed-in and retail may stand in either order."""
        draws = np.empty((samples, book.m + book.n))
        draws[:, _by_kind(book, self.alike(book))] = rng.random(draws.shape)
        price = _price(draws, terms)
        return price[:, : book.m], price[:, book.m :]

    def alike(self, book: OrderBook) -> IntArray:
        """Return zeros: all members have the same prior."""
        return np.zeros(book.m + book.n, dtype=np.int64)


uniform_prior = UniformPrior()


@dataclass(frozen=True)
class KernelPrior:
    r"""Each member's prior from its own past orders, by a Gaussian kernel density [1]_.

    Past prices are taken as shares u = (price - f)/(r - f) of the gap between feed-in and retail
    of their frame, each side for itself, so that ToD frames can be pooled. A draw is a past u at
    random plus h times a standard normal, h = 0.9 min(s, IQR/1.34) n^(-1/5) (Silverman's rule,
    0.01 at least), as a price between 0 and retail: what would lie beyond counts as retail, as
    the market counts it, so the prior may have mass there.

    Parameters
    ----------
    history : PriceHistory
        Past orders.
    least_orders : int
        A member with fewer past orders on a side is drawn from `uniform_prior`.

    References
    ----------
    .. [1] B. W. Silverman, *Density Estimation for Statistics and Data Analysis*, Chapman and Hall,
       1986, section 3.4.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [4.0], ("b",), [6.0], [4.0])
    >>> past = PriceHistory()
    >>> for _ in range(6):
    ...     past.record(book, GridTerms(7.0, 2.0))
    >>> offers, bids = KernelPrior(past, 5)(book, GridTerms(7.0, 2.0), 400,
    ...                                     np.random.default_rng(1))
    >>> round(float(offers.mean()), 1), round(float(bids.mean()), 1)
    (3.0, 6.0)
    """

    history: PriceHistory
    least_orders: int

    def __call__(
        self, book: OrderBook, terms: GridTerms, samples: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """Draw prices of a book's members."""
        past = self._past(book)
        order = _by_kind(book, _numbered(past))
        shares, picks, noise = (np.empty((samples, len(past))) for _ in range(3))
        shares[:, order] = rng.random(shares.shape)
        picks[:, order] = rng.random(shares.shape)
        noise[:, order] = rng.standard_normal(shares.shape)
        count = np.array([values.size for values in past])
        known = np.flatnonzero(count)
        if known.size:
            table = np.zeros((known.size, int(count[known].max())))
            for row, k in enumerate(known):
                table[row, : count[k]] = past[k]
            at = (picks[:, known] * count[known]).astype(np.int64)
            width = np.array([_width(past[k]) for k in known])
            shares[:, known] = table[np.arange(known.size), at] + width * noise[:, known]
        price = np.clip(_price(shares, terms), 0.0, terms.retail_per_kwh)
        return price[:, : book.m], price[:, book.m :]

    def alike(self, book: OrderBook) -> IntArray:
        """Return numbers that are the same for members with the same past prices."""
        return _numbered(self._past(book))

    def _past(self, book: OrderBook) -> list[FloatArray]:
        """Past shares of every member in ascending order; empty where there are too few."""
        members = [("ask", name) for name in book.sellers] + [("bid", name) for name in book.buyers]
        past = [np.sort(self.history.shares(side, name)) for side, name in members]
        least = max(self.least_orders, 1)
        return [values if values.size >= least else np.zeros(0) for values in past]


def _numbered(past: list[FloatArray]) -> IntArray:
    """Number lists of prices by what they hold, whoever has them."""
    keys = [values.tobytes() for values in past]
    number = {key: place for place, key in enumerate(sorted(set(keys)))}
    return np.array([number[key] for key in keys], dtype=np.int64)


def _by_kind(book: OrderBook, alike: IntArray) -> IntArray:
    """Order members by prior, side and size; those alike in all of it are interchangeable."""
    quantity = np.concatenate([book.capacity_kwh, book.demand_kwh])
    buys = np.arange(quantity.size) >= book.m
    return np.asarray(np.lexsort((quantity, buys, alike)), dtype=np.int64)


def _price(share: FloatArray, terms: GridTerms) -> FloatArray:
    low = min(terms.feed_in_per_kwh, terms.retail_per_kwh)
    high = max(terms.feed_in_per_kwh, terms.retail_per_kwh)
    return np.asarray(low + (high - low) * share, dtype=np.float64)


def _width(values: FloatArray) -> float:
    """Silverman's width of ascending values."""
    last = values.size - 1
    low, high = np.interp((0.25 * last, 0.75 * last), np.arange(values.size), values)  # quartiles
    spread = float(values.std(ddof=1)) if values.size > 1 else 0.0
    if high > low:
        spread = min(spread, float(high - low) / 1.34)
    return max(0.9 * spread * float(values.size ** (-0.2)), LEAST_WIDTH)
