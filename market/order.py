"""Orders and the order book: what members ask for and offer in one ToD frame.

An order has a side and a quantity that is never negative, so there is no sign to forget.
The book is canonical (sorted by member), so the order in which orders arrive never matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Side = Literal["ask", "bid"]


class OrderError(ValueError):
    """Orders that no market can clear; `problems` lists every one of them, not just the first.

    Parameters
    ----------
    problems : sequence of str
        Each says the place, what is wrong there and what to do.

    Examples
    --------
    >>> OrderError(["order 0 (anna): quantity_kwh is NaN: give a number >= 0"]).problems
    ['order 0 (anna): quantity_kwh is NaN: give a number >= 0']
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Order:
    """One member's order for one frame.

    Parameters
    ----------
    member : str
        Who orders.
    side : {"ask", "bid"}
        `ask` sells, `bid` buys.
    quantity_kwh : float
        Energy over the frame [kWh], >= 0.
    price_per_kwh : float
        Lowest price of an ask, highest price of a bid [currency/kWh]; only orders of 0 or more
        can stand in a book.

    Examples
    --------
    >>> Order("anna", "ask", 12.5, 3.1).quantity_kwh
    12.5
    """

    member: str
    side: Side
    quantity_kwh: float
    price_per_kwh: float


@dataclass(frozen=True, slots=True, eq=False)
class OrderBook:
    """All orders of one frame as read-only arrays.

    Parameters
    ----------
    sellers, buyers : tuple of str
        Members, shapes (m,) and (n,).
    offer_per_kwh, bid_per_kwh : array_like
        Lowest price of each seller (m,), highest price of each buyer (n,) [currency/kWh].
    capacity_kwh, demand_kwh : array_like
        Energy on offer (m,) and asked for (n,) [kWh].

    Raises
    ------
    OrderError
        With every problem found: wrong shapes, NaN, infinite or negative numbers, duplicates.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> book.m, book.n, float(book.demand_kwh[0])
    (1, 1, 4.0)
    """

    sellers: tuple[str, ...]
    offer_per_kwh: FloatArray
    capacity_kwh: FloatArray
    buyers: tuple[str, ...]
    bid_per_kwh: FloatArray
    demand_kwh: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "sellers", tuple(self.sellers))
        object.__setattr__(self, "buyers", tuple(self.buyers))
        problems: list[str] = []
        for members, columns in (
            (self.sellers, ("offer_per_kwh", "capacity_kwh")),
            (self.buyers, ("bid_per_kwh", "demand_kwh")),
        ):
            for column in columns:
                values = np.array(getattr(self, column), dtype=np.float64)
                values.setflags(write=False)
                object.__setattr__(self, column, values)
                problems += _column_problems(column, values, members)
        problems += _member_problems(self.sellers, self.buyers)
        if problems:
            raise OrderError(problems)

    @property
    def m(self) -> int:
        """Number of sellers."""
        return len(self.sellers)

    @property
    def n(self) -> int:
        """Number of buyers."""
        return len(self.buyers)

    @classmethod
    def from_orders(cls, orders: Iterable[Order]) -> OrderBook:
        """Build the canonical book: sellers and buyers each sorted by member.

        Parameters
        ----------
        orders : iterable of Order
            In any order; zero quantities are kept, so that everybody finds himself in the book.

        Returns
        -------
        OrderBook
            The same book for any permutation of `orders`.

        Raises
        ------
        OrderError
            With all problems: an unknown side, NaN, infinite or negative numbers, two orders of
            one member, a member on both sides.

        Examples
        --------
        >>> book = OrderBook.from_orders([Order("b", "ask", 2, 3.0), Order("a", "ask", 1, 4.0)])
        >>> book.sellers, book.capacity_kwh.tolist()
        (('a', 'b'), [1.0, 2.0])
        """
        given = list(orders)
        problems: list[str] = []
        seen: dict[str, str] = {}
        for number, order in enumerate(given):
            place = f"order {number} ({order.member})"
            if order.side not in ("ask", "bid"):
                problems.append(f"{place}: side is {order.side!r}: use 'ask' or 'bid'")
            for name in ("quantity_kwh", "price_per_kwh"):
                problems += _number_problems(f"{place}: {name}", getattr(order, name))
            if order.member in seen:
                both = seen[order.member] != order.side
                problems.append(
                    f"{place}: {'on both sides' if both else 'a second order'}: "
                    "send one order a member and frame"
                )
            seen.setdefault(order.member, order.side)
        if problems:
            raise OrderError(problems)
        asks = sorted((o for o in given if o.side == "ask"), key=lambda o: o.member)
        bids = sorted((o for o in given if o.side == "bid"), key=lambda o: o.member)
        return cls(
            tuple(o.member for o in asks),
            np.array([o.price_per_kwh for o in asks], dtype=np.float64),
            np.array([o.quantity_kwh for o in asks], dtype=np.float64),
            tuple(o.member for o in bids),
            np.array([o.price_per_kwh for o in bids], dtype=np.float64),
            np.array([o.quantity_kwh for o in bids], dtype=np.float64),
        )

    def with_capacity(self, capacity_kwh: ArrayLike) -> OrderBook:
        """Return the same book with other capacities (the caps of the network loop).

        Parameters
        ----------
        capacity_kwh : array_like, shape (m,)
            New energy on offer [kWh].

        Returns
        -------
        OrderBook
            Prices, members and demand unchanged.

        Raises
        ------
        OrderError
            If a capacity is NaN, infinite or negative, or the shape is wrong.

        Examples
        --------
        >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
        >>> book.with_capacity([9.0]).capacity_kwh.tolist()
        [9.0]
        """
        return replace(self, capacity_kwh=np.asarray(capacity_kwh, dtype=np.float64))


def _number_problems(place: str, value: float) -> list[str]:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        return [f"{place} is {value!r}: give a number"]
    number = float(value)
    if not isfinite(number):
        return [f"{place} is {number}: give a finite number >= 0"]
    return [f"{place} is {number}: give a number >= 0"] if number < 0 else []


def _column_problems(column: str, values: FloatArray, members: tuple[str, ...]) -> list[str]:
    if values.shape != (len(members),):
        return [f"{column}: shape {values.shape}: give one value for each of {len(members)}"]
    if bool(np.all(np.isfinite(values) & (values >= 0))):
        return []
    return [
        problem
        for member, value in zip(members, values, strict=True)
        for problem in _number_problems(f"{member}: {column}", float(value))
    ]


def _member_problems(sellers: tuple[str, ...], buyers: tuple[str, ...]) -> list[str]:
    problems: list[str] = []
    for side, members in (("sellers", sellers), ("buyers", buyers)):
        if len(set(members)) < len(members):
            twice = sorted({name for name in members if members.count(name) > 1})
            problems.append(f"{side}: {', '.join(twice)} more than once: send one order a member")
    both = sorted(set(sellers) & set(buyers))
    if both:
        problems.append(f"{', '.join(both)}: on both sides: send one order a member and frame")
    return problems
