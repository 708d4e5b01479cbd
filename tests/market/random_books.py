"""Order books for tests: by numpy for many, by hypothesis for nasty ones."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.order import Order, OrderBook

TERMS = GridTerms(retail_per_kwh=7.5, feed_in_per_kwh=2.5)


def book_of(offer, capacity, bid, demand) -> OrderBook:
    """A book from plain arrays, members named in order."""
    return OrderBook(
        tuple(f"s{i:04d}" for i in range(len(offer))),
        offer,
        capacity,
        tuple(f"b{j:04d}" for j in range(len(bid))),
        bid,
        demand,
    )


def random_book(rng: np.random.Generator, most: int = 12) -> OrderBook:
    """A book with ties, flat bids, zero quantities, no overlap or one empty side at times."""
    m, n = rng.integers(0, most, 2)
    step = rng.choice([0.0, 0.5, 1.0])
    offer = rng.uniform(1.0, 9.0, m)
    bid = rng.uniform(1.0, 9.0, n)
    if step:
        offer, bid = np.round(offer / step) * step, np.round(bid / step) * step
    if rng.random() < 0.2:
        bid = np.full(n, rng.uniform(2.0, 9.0))
    capacity = rng.lognormal(1.0, 1.0, m) * (rng.random(m) > 0.1)
    demand = rng.lognormal(1.0, 1.0, n) * (rng.random(n) > 0.1)
    if rng.random() < 0.3:
        capacity, demand = np.round(capacity), np.round(demand)
    return book_of(offer, capacity, bid, demand)


def household_book(rng: np.random.Generator, m: int = 18, n: int = 39) -> OrderBook:
    """A village frame: about 259 kWh of surplus against 245 kWh of demand."""
    capacity = rng.lognormal(2.6, 0.5, m)
    demand = rng.lognormal(1.7, 0.6, n)
    capacity *= 259 / 18 * m / capacity.sum()
    demand *= 245 / 18 * m / demand.sum()
    return book_of(rng.uniform(3.0, 5.0, m), capacity, rng.uniform(6.0, 7.0, n), demand)


prices = st.one_of(
    st.integers(0, 9).map(float),
    st.floats(0.0, 12.0, allow_nan=False),
    st.sampled_from([0.0, 3.0, 5.0, 7.5]),
)
quantities = st.one_of(
    st.integers(0, 20).map(float),
    st.floats(1e-3, 100.0),
    st.sampled_from([0.0, 1e-6, 1e5]),
)


@st.composite
def order_lists(draw: st.DrawFn, most: int = 6) -> list[Order]:
    """Orders of distinct members on both sides, either side possibly empty."""
    asks = draw(st.lists(st.tuples(quantities, prices), max_size=most))
    bids = draw(st.lists(st.tuples(quantities, prices), max_size=most))
    return [
        Order(f"{side}{i:02d}", side, quantity, price)
        for side, orders in (("ask", asks), ("bid", bids))
        for i, (quantity, price) in enumerate(orders)
    ]


def books(most: int = 6) -> st.SearchStrategy[OrderBook]:
    """Canonical books of nasty orders."""
    return order_lists(most).map(OrderBook.from_orders)
