"""Do names matter, and do equal orders end alike?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..clearing import Clearing, GridTerms
from ..mechanism import Mechanism
from ..order import Order, OrderBook
from .trial_books import RELATIVE

FloatArray = NDArray[np.float64]


def anonymity_problems(
    mechanism: Mechanism,
    book: OrderBook,
    terms: GridTerms,
    done: Clearing,
    seed: int = 1,
) -> list[str]:
    """Test that equal orders end alike, and that other names change nothing.

    Parameters
    ----------
    mechanism : Mechanism
        Any.
    book : OrderBook
        The orders.
    terms : GridTerms
        Retail and feed-in price.
    done : Clearing
        Of the book, by this seed.
    seed : int
        Of the clearings and of the new names.

    Returns
    -------
    list of str
        What differs, by how much.

    Examples
    --------
    Whoever's name comes first sells all, so that one of two equal sellers sells nothing:

    >>> from dataclasses import replace
    >>> from gridbazaar.market.mechanism import ClearingRules, build_mechanism
    >>> from gridbazaar.market.mechanisms.trial_books import TERMS
    >>> book = OrderBook(("s", "t"), [3.0, 3.0], [4.0, 4.0], ("b",), [6.0], [4.0])
    >>> uniform = build_mechanism(ClearingRules("uniform"))
    >>> done = uniform.clear(book, TERMS, np.random.default_rng(1))
    >>> anonymity_problems(uniform, book, TERMS, done)
    []
    >>> first = replace(done, sold_kwh=np.array([4.0, 0.0]))
    >>> anonymity_problems(uniform, book, TERMS, first)[0]
    'not so: equal orders trade alike (s sells 4 kWh, its equal 0)'
    """
    renamed, of_member = _renamed(book, seed)
    other = mechanism.clear(renamed, terms, np.random.default_rng(seed))
    there = [of_member[name] for name in (*renamed.sellers, *renamed.buyers)]
    back = np.argsort(there)
    money_scale = float(np.abs(done.paid).sum() + np.abs(done.received).sum())
    found = []
    for what, ends, unlike, slack in (
        ("trade", _ends(done, "kwh"), _ends(other, "kwh")[back], done.traded_kwh),
        ("pay and get", _ends(done, "money"), _ends(other, "money")[back], money_scale),
    ):
        slack = 10.0 * RELATIVE * (1.0 + slack)
        found += _equals_problems(book, what, ends, slack)
        worst = float(np.abs(ends - unlike).max(initial=0.0))
        if worst > slack:
            found.append(f"not so: members {what} alike under other names (differs by {worst:.3g})")
    return found


def _equals_problems(book: OrderBook, what: str, ends: FloatArray, slack: float) -> list[str]:
    """Compare members of one side with one price and size."""
    sells = np.arange(book.m + book.n) < book.m
    price = np.concatenate([book.offer_per_kwh, book.bid_per_kwh])
    size = np.concatenate([book.capacity_kwh, book.demand_kwh])
    order = np.lexsort((ends, size, price, sells))
    same = (
        (np.diff(price[order]) == 0.0)
        & (np.diff(size[order]) == 0.0)
        & (sells[order][1:] == sells[order][:-1])
    )
    gap = np.where(same, np.diff(ends[order]), 0.0)
    if gap.max(initial=0.0) <= slack:
        return []
    at = int(gap.argmax())
    less, more = order[at], order[at + 1]
    name = (*book.sellers, *book.buyers)[more]
    verb, unit = ("sells" if sells[more] else "buys", " kWh")
    if what != "trade":
        verb, unit = ("gets" if sells[more] else "pays", "")
    return [
        f"not so: equal orders {what} alike "
        f"({name} {verb} {ends[more]:.6g}{unit}, its equal {ends[less]:.6g})"
    ]


def _ends(done: Clearing, what: str) -> FloatArray:
    if what == "kwh":
        return np.concatenate([done.sold_kwh, done.bought_kwh])
    return np.concatenate([done.received, done.paid])


def _renamed(book: OrderBook, seed: int) -> tuple[OrderBook, dict[str, int]]:
    """The same orders under shuffled names, and whose place each new name has in the old book."""
    new = np.random.default_rng(seed).permutation(book.m + book.n).tolist()
    names = [f"member {number:06d}" for number in new]
    sells = zip(book.offer_per_kwh.tolist(), book.capacity_kwh.tolist(), strict=True)
    buys = zip(book.bid_per_kwh.tolist(), book.demand_kwh.tolist(), strict=True)
    orders = [
        Order(name, "ask" if at < book.m else "bid", size, price)
        for at, (name, (price, size)) in enumerate(zip(names, [*sells, *buys], strict=True))
    ]
    return OrderBook.from_orders(orders), {name: at for at, name in enumerate(names)}
