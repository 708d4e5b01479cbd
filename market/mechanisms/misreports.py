"""Does a price report gain? Searches on one book, and on average over others' prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..clearing import GridTerms
from ..mechanism import Mechanism
from ..order import OrderBook
from .agv_prior import Prior, uniform_prior
from .trial_books import RELATIVE

FloatArray = NDArray[np.float64]


def misreport_problems(
    mechanism: Mechanism,
    book: OrderBook,
    terms: GridTerms,
    rng: np.random.Generator,
    seed: int = 1,
    members: int = 3,
) -> list[str]:
    """Search for a price report that gains, for some members of a book.

    Reports tried: nothing, retail, beyond it, at random, and just beside the others' prices.

    Parameters
    ----------
    mechanism : Mechanism
        Any.
    book : OrderBook
        Its prices are the true ones.
    terms : GridTerms
        Retail and feed-in price.
    rng : numpy.random.Generator
        Draws members and reports.
    seed : int
        Of every clearing.
    members : int
        How many members search.

    Returns
    -------
    list of str
        Who gains how much by which report.

    Examples
    --------
    >>> from gridbazaar.market.mechanism import ClearingRules, build_mechanism
    >>> from gridbazaar.market.mechanisms.trial_books import TERMS
    >>> book = OrderBook(("s",), [3.0], [4.0], ("b",), [6.0], [4.0])
    >>> rng = np.random.default_rng(1)
    >>> misreport_problems(build_mechanism(ClearingRules("vcg")), book, TERMS, rng)
    []
    >>> len(misreport_problems(build_mechanism(ClearingRules("uniform")), book, TERMS, rng)) > 0
    True
    """
    found = []
    true = np.concatenate([book.offer_per_kwh, book.bid_per_kwh])
    truth = utilities(mechanism, book, terms, true, seed)
    scale = 1.0 + float(book.capacity_kwh.sum() + book.demand_kwh.sum())
    for who in rng.choice(true.size, min(members, true.size), replace=False).tolist():
        beside = rng.choice(true, 4) + rng.choice([-1e-4, 0.0, 1e-4], 4)
        retail = terms.retail_per_kwh
        wild = np.concatenate([[0.0, retail, 1.2 * retail], rng.uniform(0.0, retail, 3)])
        for report in np.maximum(np.concatenate([beside, wild]), 0.0).tolist():
            lie = true.copy()
            lie[who] = report
            gain = float(utilities(mechanism, book, terms, lie, seed)[who] - truth[who])
            if gain > 10.0 * RELATIVE * scale * (1.0 + retail):
                name = (*book.sellers, *book.buyers)[who]
                found.append(f"{name} at {true[who]:.4g} gains {gain:.3g} by saying {report:.4g}")
    return found


def expectation_problems(
    mechanism: Mechanism,
    book: OrderBook,
    terms: GridTerms,
    rng: np.random.Generator,
    draws: int = 60,
) -> list[str]:
    """Test whether a report gains on average over prices drawn from the mechanism's own prior.

    One member's true price is drawn, and reports far from and just beside it are tried on the same
    draws of the others' prices. What gains in all but one in a hundred bootstrap samples is tried
    again on four times as many new draws, then on twelve times as many, where a problem is a gain
    in all but one in a thousand: a report may gain a little nearly always and lose much seldom.

    Parameters
    ----------
    mechanism : Mechanism
        Its prior is its `prior`; uniform between feed-in and retail without one.
    book : OrderBook
        Gives the members and sizes.
    terms : GridTerms
        Retail and feed-in price.
    rng : numpy.random.Generator
        Draws the member, the prices and the bootstrap samples.
    draws : int
        How many of the others' prices.

    Returns
    -------
    list of str
        Which report gains how much on average.

    Examples
    --------
    >>> from gridbazaar.market.mechanism import ClearingRules, build_mechanism
    >>> from gridbazaar.market.mechanisms.trial_books import TERMS
    >>> book = OrderBook(("s",), [3.0], [4.0], ("b",), [6.0], [4.0])
    >>> rng = np.random.default_rng(1)
    >>> expectation_problems(build_mechanism(ClearingRules("agv")), book, TERMS, rng, 50)
    []
    >>> rule = build_mechanism(ClearingRules("pay-as-bid"))
    >>> len(expectation_problems(rule, book, TERMS, rng, 50)) > 0
    True
    """
    low, high = terms.feed_in_per_kwh, terms.retail_per_kwh
    prior: Prior = getattr(mechanism, "prior", uniform_prior)
    who = int(rng.integers(book.m + book.n))
    true = float(np.concatenate(prior(book, terms, 1, rng), axis=1)[0, who])
    steps = np.array([-0.4, -0.15, -0.05, -0.001, 0.001, 0.05, 0.15, 0.4])
    reports = np.unique(np.clip(true + (high - low) * steps, 0.0, high))
    size = float(np.concatenate([book.capacity_kwh, book.demand_kwh]).sum())
    least = 10.0 * RELATIVE * (1.0 + size) * (1.0 + high)
    gains = np.empty((0, 0))
    for tries, doubt in ((draws, 0.01), (4 * draws, 0.01), (12 * draws, 0.001)):
        others = np.concatenate(prior(book, terms, tries, rng), axis=1)
        gains = _gains(mechanism, book, terms, others, (who, true), reports, rng)
        samples = gains[rng.integers(tries, size=(1000, tries))].mean(axis=1)
        kept = np.quantile(samples, doubt, axis=0) > least
        reports, gains = reports[kept], gains[:, kept]
        if not reports.size:
            return []
    name = (*book.sellers, *book.buyers)[who]
    return [
        f"{name} at {true:.4g} gains {gain:.3g} on average by saying {report:.6g}"
        for gain, report in zip(gains.mean(axis=0), reports, strict=True)
    ]


def _gains(
    mechanism: Mechanism,
    book: OrderBook,
    terms: GridTerms,
    others: FloatArray,
    member: tuple[int, float],
    reports: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """What a member gains by each report over the truth, draw by draw (draws, reports)."""
    who, true = member
    gains = np.empty((len(others), reports.size))
    for draw, prices in enumerate(others):
        seed, ends = int(rng.integers(2**32)), []
        for report in (true, *reports.tolist()):
            prices[who] = report
            ends.append(utilities(mechanism, book, terms, prices, seed, {who: true})[who])
        gains[draw] = np.array(ends[1:]) - ends[0]
    return gains


def utilities(
    mechanism: Mechanism,
    book: OrderBook,
    terms: GridTerms,
    said_per_kwh: FloatArray,
    seed: int,
    true_per_kwh: dict[int, float] | None = None,
) -> FloatArray:
    """What each member gains by a clearing of reports [currency], shape (m + n,), sellers first.

    Parameters
    ----------
    mechanism : Mechanism
        Any.
    book : OrderBook
        Its prices are the true ones.
    terms : GridTerms
        Nobody's energy is worth more than retail.
    said_per_kwh : (m + n,) float
        The reports [currency/kWh].
    seed : int
        Of the clearing.
    true_per_kwh : dict of int to float, optional
        True prices of some members, instead of the book's.

    Returns
    -------
    numpy.ndarray, shape (m + n,)
        Money less cost of sellers; worth less money of buyers.

    Examples
    --------
    >>> from gridbazaar.market.mechanism import ClearingRules, build_mechanism
    >>> from gridbazaar.market.mechanisms.trial_books import TERMS
    >>> book = OrderBook(("s",), [3.0], [4.0], ("b",), [6.0], [4.0])
    >>> said = np.array([4.0, 6.0])
    >>> utilities(build_mechanism(ClearingRules("uniform")), book, TERMS, said, 1).tolist()
    [8.0, 4.0]
    """
    m = book.m
    said = replace(book, offer_per_kwh=said_per_kwh[:m], bid_per_kwh=said_per_kwh[m:])
    done = mechanism.clear(said, terms, np.random.default_rng(seed))
    true = np.concatenate([book.offer_per_kwh, book.bid_per_kwh])
    for who, price in (true_per_kwh or {}).items():
        true[who] = price
    worth = np.minimum(true[m:], terms.retail_per_kwh)
    return np.concatenate(
        [done.received - true[:m] * done.sold_kwh, worth * done.bought_kwh - done.paid]
    )
