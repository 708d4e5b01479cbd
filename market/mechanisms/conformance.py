"""Does a mechanism keep what it claims? The same questions to every name in the registry.

A rule of your own is tested by registering it and asking `check_mechanism("its-name")`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..clearing import STATUSES, Clearing, GridTerms
from ..mechanism import ClearingRules, LearnsPrices, Mechanism, build_mechanism
from ..order import Order, OrderBook
from ..price_history import KEPT_ORDERS, PriceHistory
from .anonymity import anonymity_problems
from .merit import values_per_kwh
from .misreports import expectation_problems, misreport_problems
from .surplus import SurplusCurve
from .trial_books import KINDS, RELATIVE, TERMS, trial_books

FloatArray = NDArray[np.float64]
PAISA = 0.01


def check_mechanism(
    name: str, rules: ClearingRules | None = None, books: int = 1200, seed: int = 1
) -> list[str]:
    """Try a registered mechanism on many books and report where it breaks its word.

    Every book: energy balances, nobody trades beyond its order or pays for nothing, the pairs add
    up, the same seed gives the same result whatever order the orders came in, the claims on
    individual rationality, budget, price and surplus hold. On every fourth book of each kind equal
    orders must end alike and other names change nothing, on every eighth with both sides members
    search for a price report that gains, where the mechanism claims so (for orders of one size: on
    every such book); a claim in expectation is searched on every 24th (half a second a book).

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
        turn = number // len(KINDS) + number % len(KINDS)  # comes round to every kind of book
        told = book_problems(mechanism, book, TERMS, number, names=turn % 4 == 0)
        if book.m and book.n:
            told += _truth_problems(mechanism, book, turn, rng, number)
        found += [f"{name}: book {number} ({kind}): {line}" for line in told]
        if len(found) >= 10:
            break
    return found[:10]


def _truth_problems(
    mechanism: Mechanism, book: OrderBook, turn: int, rng: np.random.Generator, seed: int
) -> list[str]:
    """Search for a report that gains, in the sense and on the books of the claim."""
    claim = mechanism.traits.truthful
    sizes = np.concatenate([book.capacity_kwh, book.demand_kwh])
    if claim == "one-size":
        return misreport_problems(mechanism, book, TERMS, rng, seed) if np.ptp(sizes) == 0 else []
    if claim == "dominant":
        return misreport_problems(mechanism, book, TERMS, rng, seed) if turn % 8 == 0 else []
    if claim != "bayesian" or turn % 24 != 0:
        return []
    found = expectation_problems(mechanism, book, TERMS, rng)
    if isinstance(mechanism, LearnsPrices):
        past = PriceHistory()
        for _ in range(KEPT_ORDERS):
            past.record(book, TERMS)
        found += expectation_problems(mechanism.with_history(past), book, TERMS, rng)
    return found


def book_problems(
    mechanism: Mechanism, book: OrderBook, terms: GridTerms, seed: int = 1, names: bool = True
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
    names : bool
        Whether to try other names too, which clears the book once more.

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
    levelled = getattr(mechanism, "levels_month", False)
    with_transfers = done.seller_transfer is not None and done.buyer_transfer is not None
    idle_money = np.concatenate(
        [done.received[done.sold_kwh == 0.0], done.paid[done.bought_kwh == 0.0]]
    )
    cost = np.append(book.offer_per_kwh * done.sold_kwh - done.received, 0.0).max()
    worth = np.append(done.paid - values_per_kwh(book, terms) * done.bought_kwh, 0.0).max()
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
        or (one_price.size <= 1 and not with_transfers and not levelled),
        "the surplus is the greatest": not claims.efficient
        or greatest_surplus(book, terms) - surplus_of(done, book, terms) <= money,
    }
    found = [f"not so: {question}" for question, holds in questions.items() if not holds]
    if names and claims.anonymous:
        found += anonymity_problems(mechanism, book, terms, done, seed)
    return found


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
