import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_books import order_lists

from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.order import Order, OrderBook, OrderError


@settings(max_examples=60, deadline=None)
@given(order_lists(), st.randoms(use_true_random=False))
def test_order_of_orders_never_matters(orders, random):
    shuffled = orders.copy()
    random.shuffle(shuffled)
    one, other = OrderBook.from_orders(orders), OrderBook.from_orders(shuffled)
    assert one.sellers == other.sellers and one.buyers == other.buyers
    for name in ("offer_per_kwh", "capacity_kwh", "bid_per_kwh", "demand_kwh"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_zero_quantities_are_kept_and_arrays_are_read_only():
    book = OrderBook.from_orders([Order("a", "ask", 0.0, 3.0), Order("b", "bid", 1.0, 5.0)])
    assert (book.m, book.n) == (1, 1)
    with pytest.raises(ValueError, match="read-only"):
        book.capacity_kwh[0] = 9.0


def test_all_problems_are_reported_at_once():
    orders = [
        Order("a", "ask", float("nan"), 3.0),
        Order("b", "bid", -1.0, float("inf")),
        Order("c", "sell", 1.0, 1.0),
        Order("d", "ask", 1.0, -2.0),
        Order("e", "ask", 1.0, 2.0),
        Order("e", "ask", 1.0, 2.0),
        Order("f", "ask", 1.0, 2.0),
        Order("f", "bid", 1.0, 2.0),
        Order("g", "bid", "much", 2.0),
    ]
    with pytest.raises(OrderError) as caught:
        OrderBook.from_orders(orders)
    text = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 8
    for word in ("nan", "-1.0", "inf", "'sell'", "-2.0", "second order", "both sides", "'much'"):
        assert word in text


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"capacity_kwh": [np.nan]}, "capacity_kwh"),
        ({"capacity_kwh": [1.0, 2.0]}, "shape"),
        ({"bid_per_kwh": [-1.0, 2.0]}, "bid_per_kwh"),
        ({"buyers": ("b", "b")}, "more than once"),
        ({"buyers": ("s", "b")}, "both sides"),
    ],
)
def test_a_book_built_by_hand_is_checked_too(change, word):
    good = {
        "sellers": ("s",),
        "offer_per_kwh": [3.0],
        "capacity_kwh": [2.0],
        "buyers": ("b", "c"),
        "bid_per_kwh": [5.0, 6.0],
        "demand_kwh": [1.0, 1.0],
    }
    OrderBook(**good)
    with pytest.raises(OrderError, match=word):
        OrderBook(**(good | change))


def test_with_capacity_leaves_the_rest_alone():
    book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    capped = book.with_capacity([9.0])
    assert capped.capacity_kwh[0] == 9.0 and book.capacity_kwh[0] == 10.0
    with pytest.raises(OrderError):
        book.with_capacity([-1.0])


@pytest.mark.parametrize("terms", [(np.nan, 1.0), (7.0, -1.0), (np.inf, 0.0)])
def test_terms_are_checked(terms):
    with pytest.raises(OrderError, match="finite number"):
        GridTerms(*terms)
