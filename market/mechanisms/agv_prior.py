"""What members may expect of each other's prices: draws from the priors of `agv`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..clearing import GridTerms
from ..order import OrderBook
from ..price_history import PriceHistory

FloatArray = NDArray[np.float64]
#: Draws (samples, m) offers and (samples, n) bids [currency/kWh].
Prior = Callable[[OrderBook, GridTerms, int, np.random.Generator], tuple[FloatArray, FloatArray]]
LEAST_WIDTH = 0.01  # of the gap between feed-in and retail: equal past prices are not certainty


def uniform_prior(
    book: OrderBook, terms: GridTerms, samples: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draw every price uniformly between feed-in and retail: the fallback without history.

    Parameters
    ----------
    book : OrderBook
        Says how many members there are.
    terms : GridTerms
        Feed-in and retail price, in either order [currency/kWh].
    samples : int
        How many draws.
    rng : numpy.random.Generator
        Of the draws.

    Returns
    -------
    tuple of numpy.ndarray
        Offers (samples, m) and bids (samples, n) [currency/kWh].

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [4.0], ("b",), [6.0], [4.0])
    >>> uniform_prior(book, GridTerms(7.0, 2.0), 5, np.random.default_rng(1))[0].shape
    (5, 1)
    """
    draws = rng.random((samples, book.m + book.n))
    price = _price(draws, terms)
    return price[:, : book.m], price[:, book.m :]


def kernel_prior(history: PriceHistory, least_orders: int) -> Prior:
    r"""Estimate each member's prior from its own past orders, by a Gaussian kernel density [1]_.

    Past prices are taken as shares u = (price - f)/(r - f) of the gap between feed-in and retail
    of their frame, each side for itself, so that ToD frames can be pooled. A draw is a past u at
    random plus h times a standard normal, h = 0.9 min(s, IQR/1.34) n^(-1/5) (Silverman's rule,
    0.01 at least), as a price between 0 and retail.

    Parameters
    ----------
    history : PriceHistory
        Past orders.
    least_orders : int
        A member with fewer past orders on a side is drawn from `uniform_prior`.

    Returns
    -------
    Prior
        Draws of a book's members.

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
    >>> offers, bids = kernel_prior(past, 5)(book, GridTerms(7.0, 2.0), 400,
    ...                                      np.random.default_rng(1))
    >>> round(float(offers.mean()), 1), round(float(bids.mean()), 1)
    (3.0, 6.0)
    """

    def draw(
        book: OrderBook, terms: GridTerms, samples: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        shares = rng.random((samples, book.m + book.n))
        picks = rng.random(shares.shape)
        noise = rng.standard_normal(shares.shape)
        members = [("ask", name) for name in book.sellers] + [("bid", name) for name in book.buyers]
        past = [history.shares(side, name) for side, name in members]
        count = np.array([values.size for values in past])
        known = np.flatnonzero(count >= max(least_orders, 1))
        if known.size:
            table = np.zeros((known.size, int(count[known].max())))
            for row, k in enumerate(known):
                table[row, : count[k]] = past[k]
            at = (picks[:, known] * count[known]).astype(np.int64)
            width = np.array([_width(past[k]) for k in known])
            shares[:, known] = table[np.arange(known.size), at] + width * noise[:, known]
        price = np.clip(_price(shares, terms), 0.0, terms.retail_per_kwh)
        return price[:, : book.m], price[:, book.m :]

    return draw


def _price(share: FloatArray, terms: GridTerms) -> FloatArray:
    low = min(terms.feed_in_per_kwh, terms.retail_per_kwh)
    high = max(terms.feed_in_per_kwh, terms.retail_per_kwh)
    return np.asarray(low + (high - low) * share, dtype=np.float64)


def _width(values: FloatArray) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    spread = float(values.std(ddof=1)) if values.size > 1 else 0.0
    if high > low:
        spread = min(spread, float(high - low) / 1.34)
    return max(0.9 * spread * float(values.size ** (-0.2)), LEAST_WIDTH)
