"""The price rules against an independent walk of the merit order, on ten thousand books."""

import numpy as np
import pytest
from random_books import TERMS, book_of, random_book

from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.price import (
    PRICE_RULES,
    PriceSettings,
    fixed,
    merit_order_margin,
    volume_at,
)

BOOKS = 10_000


def walk(book, retail):
    """Match unit by unit: the oracle, written with two pointers instead of cumulated sums."""
    asks = sorted(
        [p, q]
        for p, q in zip(book.offer_per_kwh, book.capacity_kwh, strict=True)
        if q > 0 and p <= retail
    )
    bids = sorted(
        (
            [min(p, retail), q]
            for p, q in zip(book.bid_per_kwh, book.demand_kwh, strict=True)
            if q > 0
        ),
        reverse=True,
    )
    matched, last, i, j = 0.0, (None, None), 0, 0
    while i < len(asks) and j < len(bids) and asks[i][0] <= bids[j][0]:
        amount = min(asks[i][1], bids[j][1])
        matched += amount
        last = (asks[i][0], bids[j][0])
        asks[i][1] -= amount
        bids[j][1] -= amount
        i += asks[i][1] <= 1e-12
        j += bids[j][1] <= 1e-12
    left_ask = asks[i][0] if i < len(asks) else np.inf
    left_bid = bids[j][0] if j < len(bids) else -np.inf
    return matched, *last, left_ask, left_bid


def test_margins_and_prices_hold_their_invariants_on_ten_thousand_books():
    rng = np.random.default_rng(20251101)
    traded = short = 0
    for _ in range(BOOKS):
        book = random_book(rng)
        margin = merit_order_margin(book, TERMS.retail_per_kwh)
        matched, a_m, b_m, a_x, b_x = walk(book, TERMS.retail_per_kwh)
        assert margin.matched_kwh == pytest.approx(matched, rel=1e-9, abs=1e-9)
        if matched == 0:
            continue
        traded += 1
        assert (margin.offer, margin.bid) == (a_m, b_m)
        assert (margin.next_offer, margin.next_bid) == (a_x, b_x)
        settings = PriceSettings(k=rng.random(), grid_margin=rng.uniform(0, 2))
        for name in ("merit-order", "k-double-auction"):
            price = PRICE_RULES[name](margin, TERMS, settings)
            # highest accepted offer <= MCP <= lowest accepted bid <= retail, and no volume lost
            assert a_m <= price <= b_m <= TERMS.retail_per_kwh
            assert volume_at(book, price, TERMS.retail_per_kwh) == pytest.approx(matched, rel=1e-9)
        low, high = max(a_m, b_x), min(b_m, a_x, TERMS.retail_per_kwh)
        auction = PRICE_RULES["k-double-auction"](margin, TERMS, settings)
        assert low <= auction <= high
        merit = PRICE_RULES["merit-order"](margin, TERMS, settings)
        if b_x < a_m:
            assert merit == a_m
        else:
            short += 1
            assert merit <= max(a_m, TERMS.retail_per_kwh - settings.grid_margin)
        middle = PRICE_RULES["mid-market"](margin, TERMS, settings)
        assert middle == 5.0
        assert volume_at(book, middle, TERMS.retail_per_kwh) <= matched * (1 + 1e-9) + 1e-12
    assert traded > 0.5 * BOOKS and short > 0.1 * BOOKS  # the books do exercise both branches


@pytest.mark.parametrize(
    ("offers", "bids", "expected"),
    [
        (([3.0], [10.0]), ([6.0], [4.0]), 3.0),  # plenty: the marginal offer
        (([3.0], [4.0]), ([6.0], [10.0]), 6.0),  # scarce: up to the marginal bid
        (([3.0, 3.0], [2.0, 2.0]), ([9.0, 9.0], [9.0, 9.0]), 7.25),  # scarce: retail less margin
        (([3.0, 5.0], [4.0, 9.0]), ([7.0, 4.0], [4.0, 5.0]), 5.0),  # scarce: the next offer
        (([0.0], [1.0]), ([0.0], [1.0]), 0.0),
    ],
)
def test_merit_order_by_hand(offers, bids, expected):
    book = book_of(*offers, *bids)
    margin = merit_order_margin(book, TERMS.retail_per_kwh)
    assert PRICE_RULES["merit-order"](margin, TERMS, PriceSettings()) == expected


@pytest.mark.parametrize("k", [0.0, 1.0])
def test_k_gives_the_gap_to_one_side(k):
    book = book_of([3.0], [4.0], [6.0], [4.0])
    margin = merit_order_margin(book, 7.5)
    price = PRICE_RULES["k-double-auction"](margin, TERMS, PriceSettings(k=k))
    assert price == (6.0 if k else 3.0)


def test_bids_are_clipped_and_dear_offers_dropped():
    book = book_of([8.0, 2.0], [5.0, 1.0], [99.0], [5.0])
    margin = merit_order_margin(book, 7.5)
    assert (margin.matched_kwh, margin.bid, margin.next_offer) == (1.0, 7.5, np.inf)


def test_fixed_price_needs_a_price():
    margin = merit_order_margin(book_of([3.0], [4.0], [6.0], [4.0]), 7.5)
    assert fixed(margin, GridTerms(7.5, 2.0), PriceSettings(fixed_price=9.0)) == 9.0
    with pytest.raises(ValueError, match="fixed_price"):
        fixed(margin, TERMS, PriceSettings())


def test_round_off_at_the_end_of_both_curves_is_not_scarcity():
    thirds = book_of([3.0, 3.5, 3.7], [0.1, 0.2, 0.3], [6.0], [0.6])
    margin = merit_order_margin(thirds, 7.5)
    assert (margin.next_offer, margin.next_bid) == (np.inf, -np.inf)
