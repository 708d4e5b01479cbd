"""Does a mechanism keep what it claims? The same questions to every name in the registry.

A rule of your own is tested by registering it and asking `check_mechanism("its-name")`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..clearing import STATUSES, Clearing, GridTerms
from ..mechanism import ClearingRules, Mechanism, build_mechanism
from ..order import Order, OrderBook
from .merit import values_per_kwh
from .surplus import SurplusCurve
from .trial_books import trial_books

FloatArray = NDArray[np.float64]
TERMS = GridTerms(retail_per_kwh=7.5, feed_in_per_kwh=2.5)
RELATIVE = 1e-9
PAISA = 0.01


def check_mechanism(
    name: str, rules: ClearingRules | None = None, books: int = 1200, seed: int = 1
) -> list[str]:
    """Try a registered mechanism on many books and report where it breaks its word.

    Every book: energy balances, nobody trades beyond its order or pays for nothing, the pairs add
    up, the same seed gives the same result whatever order the orders came in, the claims on
    individual rationality, budget, price and surplus hold. On every eighth book with both sides,
    members search for a price report that gains, where the mechanism claims truthfulness.

    Parameters
    ----------
    name : str
        In `registry.MECHANISMS`.
    rules : ClearingRules, optional
        Configuration; its mechanism is replaced by the name.
    books : int
        How many books.
    seed : int
        Of books and searches.

    Returns
    -------
    list of str
        One line a problem, ten at most: which claim, on which book, by how much.

    Raises
    ------
    OrderError
        If the name is unknown; the known ones are listed.

    Examples
    --------
    >>> check_mechanism("uniform", books=120)
    []
    """
    mechanism = build_mechanism(replace(rules or ClearingRules(), mechanism=name))
    rng = np.random.default_rng(seed)
    found: list[str] = []
    for number, (kind, book) in enumerate(trial_books(books, TERMS, rng)):
        told = book_problems(mechanism, book, TERMS, number)
        if number % 8 == 0 and book.m and book.n and kind != "beyond the grid's prices":
            if mechanism.traits.truthful == "dominant":
                told += misreport_problems(mechanism, book, TERMS, rng, number)
            elif mechanism.traits.truthful == "bayesian" and number % 160 == 0:
                told += expectation_problems(mechanism, book, TERMS, rng)
        found += [f"{name}: book {number} ({kind}): {line}" for line in told]
        if len(found) >= 10:
            break
    return found[:10]


def book_problems(
    mechanism: Mechanism, book: OrderBook, terms: GridTerms, seed: int = 1
) -> list[str]:
    """Clear one book and list every claim that does not hold.

    Parameters
    ----------
    mechanism : Mechanism
        Any.
    book : OrderBook
        The orders.
    terms : GridTerms
        Retail and feed-in price.
    seed : int
        Of the clearing.

    Returns
    -------
    list of str
        Empty if all is well.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> book_problems(build_mechanism(ClearingRules("vcg")), book, TERMS)
    []
    """
    done = mechanism.clear(book, terms, np.random.default_rng(seed))
    again = mechanism.clear(_shuffled(book, seed), terms, np.random.default_rng(seed))
    scale = 1.0 + done.traded_kwh
    energy, money = RELATIVE * scale, 10.0 * RELATIVE * scale * (1.0 + terms.retail_per_kwh)
    money += 10.0 * RELATIVE * float(np.abs(done.paid).sum() + np.abs(done.received).sum())
    pairs = done.trades
    by_seller = np.bincount(pairs.seller, weights=pairs.energy_kwh, minlength=book.m)
    by_buyer = np.bincount(pairs.buyer, weights=pairs.energy_kwh, minlength=book.n)
    one_price = np.unique(np.concatenate([pairs.price_per_kwh, pairs.paid_per_kwh]))
    balance = float(done.paid.sum() - done.received.sum())
    claims = mechanism.traits
    with_transfers = done.seller_transfer is not None and done.buyer_transfer is not None
    idle_money = np.concatenate(
        [done.received[done.sold_kwh == 0.0], done.paid[done.bought_kwh == 0.0]]
    )
    cost = np.append(book.offer_per_kwh * done.sold_kwh - done.received, 0.0).max()
    worth = np.append(done.paid - book.bid_per_kwh * done.bought_kwh, 0.0).max()
    questions: dict[str, bool] = {
        "its status is known": done.status in STATUSES,
        "it is cleared where something is traded": (done.status == "cleared")
        == (done.traded_kwh > 0.0),
        "numbers are finite": bool(
            np.isfinite(
                np.concatenate([done.sold_kwh, done.bought_kwh, done.received, done.paid])
            ).all()
        ),
        "energy sold is energy bought": abs(float(done.sold_kwh.sum() - done.bought_kwh.sum()))
        <= energy,
        "nobody trades less than nothing": min(
            done.sold_kwh.min(initial=0.0), done.bought_kwh.min(initial=0.0)
        )
        >= 0.0,
        "nobody trades beyond its order": bool(
            np.all(done.sold_kwh <= book.capacity_kwh * (1.0 + RELATIVE))
            and np.all(done.bought_kwh <= book.demand_kwh * (1.0 + RELATIVE))
        ),
        "pairs add up to totals": bool(
            np.all(np.abs(by_seller - done.sold_kwh) <= energy)
            and np.all(np.abs(by_buyer - done.bought_kwh) <= energy)
        ),
        "the same seed gives the same result, in whatever order orders came": _same(done, again),
        "who trades nothing pays and gets nothing, unless it says transfer": with_transfers
        or not np.any(np.abs(idle_money) > 0.0),
        f"budget is balanced: {claims.budget_balanced} (short by {-balance:.3g})": {
            "strong": abs(balance) <= min(money, PAISA) or abs(balance) <= money,
            "weak": balance >= -money,
            "no": True,
        }[claims.budget_balanced],
        f"nobody trades at a loss (loses {max(cost, worth):.3g})": not claims.individually_rational
        or max(cost, worth) <= money,
        "there is one price": not claims.uniform_price
        or (one_price.size <= 1 and not with_transfers),
        "the surplus is the greatest": not claims.efficient
        or greatest_surplus(book, terms) - surplus_of(done, book, terms) <= money,
    }
    return [f"not so: {question}" for question, holds in questions.items() if not holds]


def surplus_of(done: Clearing, book: OrderBook, terms: GridTerms) -> float:
    """Surplus of a clearing: what buyers' energy is worth less what sellers' costs [currency].

    Parameters
    ----------
    done : Clearing
        Of the book.
    book : OrderBook
        Its prices are taken as true.
    terms : GridTerms
        Nobody's energy is worth more than retail.

    Returns
    -------
    float
        sum_j min(b_j, r) d_j - sum_i a_i s_i.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> rng, optimum = np.random.default_rng(1), build_mechanism(ClearingRules("optimum"))
    >>> done = optimum.clear(book, TERMS, rng)
    >>> surplus_of(done, book, TERMS)
    12.0
    """
    worth = float(values_per_kwh(book, terms) @ done.bought_kwh)
    return worth - float(book.offer_per_kwh @ done.sold_kwh)


def greatest_surplus(book: OrderBook, terms: GridTerms) -> float:
    """Greatest surplus that any trade of the book has [currency].

    Parameters
    ----------
    book : OrderBook
        The orders.
    terms : GridTerms
        Retail price.

    Returns
    -------
    float
        At least 0.

    Examples
    --------
    >>> greatest_surplus(OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0]), TERMS)
    12.0
    """
    return SurplusCurve(
        np.concatenate([book.offer_per_kwh, values_per_kwh(book, terms)]),
        np.concatenate([book.capacity_kwh, book.demand_kwh]),
        np.arange(book.m + book.n) >= book.m,
    ).greatest()


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
    draws: int = 120,
) -> list[str]:
    """Test whether a report gains on average over others' prices, uniform from feed-in to retail.

    One member's true price is drawn, and reports above and below it are tried on the same draws of
    the others' prices. A problem is a gain whose mean is above 0 in all but one in a thousand of
    its bootstrap samples.

    Parameters
    ----------
    mechanism : Mechanism
        Whose prior is uniform between feed-in and retail.
    book : OrderBook
        Gives the members and sizes.
    terms : GridTerms
        Retail and feed-in price.
    rng : numpy.random.Generator
        Draws the member, the prices and the bootstrap samples.
    draws : int
        How many.

    Returns
    -------
    list of str
        Which report gains how much on average.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [4.0], ("b",), [6.0], [4.0])
    >>> rng = np.random.default_rng(1)
    >>> expectation_problems(build_mechanism(ClearingRules("agv")), book, TERMS, rng, 50)
    []
    >>> rule = build_mechanism(ClearingRules("pay-as-bid"))
    >>> len(expectation_problems(rule, book, TERMS, rng, 50)) > 0
    True
    """
    low, high = terms.feed_in_per_kwh, terms.retail_per_kwh
    size = book.m + book.n
    who, true = int(rng.integers(size)), float(rng.uniform(low, high))
    reports = np.clip(true + (high - low) * np.array([-0.4, -0.2, -0.1, 0.1, 0.2, 0.4]), low, high)
    gains = np.empty((draws, reports.size))
    for draw in range(draws):
        prices, seed = rng.uniform(low, high, size), int(rng.integers(2**32))
        prices[who] = true
        truth = utilities(mechanism, book, terms, prices, seed, {who: true})[who]
        for k, report in enumerate(reports.tolist()):
            prices[who] = report
            lie = utilities(mechanism, book, terms, prices, seed, {who: true})[who]
            gains[draw, k] = lie - truth
    samples = gains[rng.integers(draws, size=(1000, draws))].mean(axis=1)
    least = np.quantile(samples, 0.001, axis=0)
    name = (*book.sellers, *book.buyers)[who]
    return [
        f"{name} at {true:.4g} gains {gains[:, k].mean():.3g} on average (at least {least[k]:.3g}) "
        f"by saying {reports[k]:.4g}"
        for k in np.flatnonzero(least > RELATIVE)
    ]


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


def _shuffled(book: OrderBook, seed: int) -> OrderBook:
    """The same orders, sent in another order."""
    bids = zip(book.buyers, book.demand_kwh.tolist(), book.bid_per_kwh.tolist(), strict=True)
    asks = zip(book.sellers, book.capacity_kwh.tolist(), book.offer_per_kwh.tolist(), strict=True)
    orders = [Order(name, "bid", size, price) for name, size, price in bids]
    orders += [Order(name, "ask", size, price) for name, size, price in asks]
    order = np.random.default_rng(seed).permutation(len(orders))
    return OrderBook.from_orders(orders[k] for k in order)


def _same(one: Clearing, other: Clearing) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("sold_kwh", "bought_kwh", "received", "paid")
    )
