"""The audit's own rounding, splits, prices and pairings against the market's, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.analysis.audit.books import PRICE_RULES as KNOWN_RULES
from gridbazaar.analysis.audit.books import price_of_book
from gridbazaar.analysis.audit.objectives import bracket
from gridbazaar.analysis.audit.settlement import counted_kwh, shared_out, whole_minor
from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.order import OrderBook
from gridbazaar.market.pairing import pair_exactly
from gridbazaar.market.price import PRICE_RULES, PriceSettings, merit_order_margin
from gridbazaar.market.rounding import billable_kwh, split_minor, to_minor

money = st.floats(-1e7, 1e7)
tenths = st.integers(0, 60).map(lambda n: n / 10)


@settings(max_examples=200, deadline=None)
@given(st.lists(money, min_size=1, max_size=20))
def test_rounding_is_the_ledgers(amounts):
    minor = np.array(amounts) * 100
    assert whole_minor(minor).tolist() == to_minor(amounts).tolist()
    assert counted_kwh(np.array(amounts)).tolist() == billable_kwh(amounts).tolist()


def test_halves_go_away_from_zero_and_noise_does_not_count():
    exact = np.array([0.5, -0.5, 1.5, 2.4999, 0.31 * 0.5 * 100, 15.4999994])
    assert whole_minor(exact).tolist() == [1, -1, 2, 2, 16, 15]
    assert whole_minor(np.array([np.nan, np.inf])).tolist()[0] == 0


@settings(max_examples=200, deadline=None)
@given(
    # Thirds, and thousandths as meters give them: remainders are often equal.
    st.lists(
        st.one_of(
            st.just(0.0),
            st.floats(0.0, 1e5),
            st.integers(0, 300).map(lambda n: n / 3),
            st.integers(0, 9000).map(lambda n: n / 1000 * 31),
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(-3, 3),
)
def test_splits_are_the_ledgers_and_sum_exactly(shares, more):
    exact = np.array(shares)
    total = int(to_minor(exact.sum(), 1)) + more
    if not np.round(exact, 6).any():
        total = 0
    split = shared_out(exact[None], np.array([total]))[0]
    assert split.tolist() == split_minor(exact, total).tolist()
    assert split.sum() == total


def test_the_audit_knows_every_price_rule_of_the_market():
    assert set(KNOWN_RULES) == set(PRICE_RULES)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(tenths, tenths), max_size=8),
    st.lists(st.tuples(tenths, tenths), max_size=8),
    st.sampled_from(sorted(PRICE_RULES)),
    st.floats(0.0, 1.0),
)
def test_prices_are_the_markets(asks, bids, rule, k):
    # Prices and quantities in tenths: ties and empty orders occur all the time.
    offer, offered = np.array(asks).reshape(-1, 2).T
    bid, wanted = np.array(bids).reshape(-1, 2).T
    book = OrderBook(
        tuple(f"s{i:02d}" for i in range(len(asks))),
        offer,
        offered,
        tuple(f"b{i:02d}" for i in range(len(bids))),
        bid,
        wanted,
    )
    retail, feed_in, by_hand = 5.0, 2.0, 3.3
    price = price_of_book(offer, offered, bid, wanted, (retail, feed_in), rule, k, 0.25, by_hand)
    margin = merit_order_margin(book, retail)
    if margin.matched_kwh <= 0.0:
        assert np.isnan(price)
        return
    terms = GridTerms(retail, feed_in)
    theirs = PRICE_RULES[rule](margin, terms, PriceSettings(k, 0.25, by_hand))
    assert price == pytest.approx(theirs, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_the_bracket_holds_the_exact_pairing(m, n, seed):
    rng = np.random.default_rng(seed)
    sold, bought = rng.uniform(0.01, 30.0, m), rng.uniform(0.01, 30.0, n)
    bought *= sold.sum() / bought.sum()
    bid = rng.uniform(1.0, 9.0, n)
    low, high, least = bracket(sold, bought, bid)
    exact = pair_exactly(sold[None], bought[None], bid)
    scale = m * bid.sum()
    assert low - 1e-8 * scale <= exact.log_value[0] <= high + 1e-8 * scale
    assert high - low <= 1e-7 * scale
    assert least == pytest.approx(exact.least_price[0], rel=1e-2)
