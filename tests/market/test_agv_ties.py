"""`agv` where prices tie: equal orders get the same, and truth is best where a prior has atoms."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_books import TERMS, book_of

from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.mechanism import ClearingRules
from gridbazaar.market.mechanisms.agv import AGV
from gridbazaar.market.mechanisms.agv_prior import KernelPrior
from gridbazaar.market.mechanisms.externality import expected_externality
from gridbazaar.market.mechanisms.merit import fill
from gridbazaar.market.order import OrderBook
from gridbazaar.market.price import merit_order_margin
from gridbazaar.market.price_history import PriceHistory

GRID = GridTerms(8.0, 3.0)


def certain(book, terms, samples, rng):
    """The seller asks 3 and both buyers bid 8, for certain: all mass at one price."""
    return np.full((samples, 1), 3.0), np.full((samples, 2), 8.0)


def of_atoms(book):
    """Each pays what its report makes of it; worth 3 and 8 per kWh."""
    done = AGV(ClearingRules(prior_samples=1), certain).clear(book, GRID, np.random.default_rng(1))
    seller = done.received - 3.0 * done.sold_kwh
    return [*seller.tolist(), *(8.0 * done.bought_kwh - done.paid).tolist()], done


def test_a_prior_of_atoms_worked_by_hand():
    """4 kWh at 3, two buyers of 4 kWh at 8: each is served 2 kWh.

    h_s = 2 x 2 x 8 = 32, h_b = h_c = 2 x 8 - 4 x 3 = 4, so t_s = 32 - 8/2 = 28 and
    t_b = t_c = 4 - 36/2 = -14. Buyers who pay 14 for 2 kWh worth 16 end with 2, the seller with
    28 - 12 = 16. A buyer that says 7.999 gets nothing: h_b = 4 x 8 - 4 x 3 = 20, t_b = 20 - 18 = 2.
    """
    ends, done = of_atoms(book_of([3.0], [4.0], [8.0, 8.0], [4.0, 4.0]))
    assert done.received.tolist() == pytest.approx([28.0])
    assert done.paid.tolist() == pytest.approx([14.0, 14.0])
    assert ends == pytest.approx([16.0, 2.0, 2.0])
    shading, _ = of_atoms(book_of([3.0], [4.0], [7.999, 8.0], [4.0, 4.0]))
    assert shading[1] == pytest.approx(2.0, abs=1e-9)


def others_surplus(book, bids, who):
    """Surplus of all but one in the trade that the merit order makes, by plain clearing."""
    matched = merit_order_margin(book, 100.0).matched_kwh
    sold = fill(book.offer_per_kwh, book.capacity_kwh, matched)
    bought = fill(-bids, book.demand_kwh, matched)
    each = np.concatenate([-book.offer_per_kwh * sold, bids * bought])
    return float(np.delete(each, who).sum())


few_prices = st.lists(st.integers(0, 4), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(offers=few_prices, bids=few_prices, seed=st.integers(0, 999))
def test_an_externality_is_what_clearing_every_draw_gives(offers, bids, seed):
    rng = np.random.default_rng(seed)
    m, n = len(offers), len(bids)
    size = rng.integers(0, 4, m + n) * 1.0
    book = book_of(np.array(offers, float), size[:m], np.array(bids, float), size[m:])
    draws = rng.integers(0, 5, (6, m + n)) * 1.0
    found = expected_externality(book, book.bid_per_kwh, draws[:, :m], draws[:, m:])
    report = np.concatenate([book.offer_per_kwh, book.bid_per_kwh])
    for who in range(m + n):
        each = []
        for prices in draws:
            said = prices.copy()
            said[who] = report[who]
            told = book_of(said[:m], size[:m], said[m:], size[m:])
            each.append(others_surplus(told, told.bid_per_kwh, who))
        assert found[who] == pytest.approx(np.mean(each), abs=1e-9)


@pytest.mark.parametrize("size", [(1.0, 2.0, 1.0, 1.0), (3.0, 1.0, 2.0, 2.0), (2.0, 2.0, 1.0, 4.0)])
def test_truth_is_best_on_average_over_every_draw_of_three_prices(size):
    """All 3^4 types of two sellers and two buyers, enumerated: no report beats the true one."""
    levels = (3.0, 5.5, 8.0)
    types = np.array(list(itertools.product(levels, repeat=4)))

    def every(book, terms, samples, rng):
        return types[:, :2], types[:, 2:]

    mechanism = AGV(ClearingRules(prior_samples=len(types)), every)

    def mean_end(who, true, said):
        ends = []
        for others in itertools.product(levels, repeat=3):
            prices = np.insert(np.array(others), who, said)
            book = book_of(prices[:2], size[:2], prices[2:], size[2:])
            done = mechanism.clear(book, GRID, np.random.default_rng(1))
            if who < 2:
                ends.append(done.received[who] - true * done.sold_kwh[who])
            else:
                ends.append(true * done.bought_kwh[who - 2] - done.paid[who - 2])
        return float(np.mean(ends))

    for who in (0, 2):
        for true in levels:
            truth = mean_end(who, true, true)
            for said in (3.0, 3.001, 5.499, 5.5, 5.501, 7.999, 8.0):
                assert mean_end(who, true, said) <= truth + 1e-9, (who, true, said)


def names(prefix, count):
    return tuple(f"{prefix}{k}" for k in range(count))


@pytest.mark.parametrize("learnt", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_identical_members_get_identical_money_however_few_the_draws(learnt, seed):
    book = OrderBook(
        names("s", 6), [4.0] * 5 + [5.0], [4.0] * 6, names("b", 6), [6.0] * 5 + [7.0], [4.0] * 6
    )
    mechanism = AGV(ClearingRules(prior_samples=20, prior_orders=6))
    if learnt:
        past, rng = PriceHistory(), np.random.default_rng(7)
        for _ in range(8):
            ask, bid = np.full(6, rng.uniform(3.0, 5.0)), np.full(6, rng.uniform(5.0, 8.0))
            past.record(replace(book, offer_per_kwh=ask, bid_per_kwh=bid), GRID)
        mechanism = mechanism.with_history(past)
        assert len(set(mechanism.prior.alike(book).tolist())) == 2
    done = mechanism.clear(book, GRID, np.random.default_rng(seed))
    assert np.ptp(done.received[:5]) == 0.0 and np.ptp(done.paid[:5]) == 0.0
    assert float(done.paid.sum()) == pytest.approx(float(done.received.sum()), abs=1e-9)


def test_members_with_unlike_pasts_are_not_taken_for_alike():
    past = PriceHistory()
    for price in (3.0, 3.5, 4.0, 4.5, 5.0, 5.5):
        past.record(book_of([price, price + 1.0, price], [1.0] * 3, [], []), TERMS)
    prior = KernelPrior(past, 6)
    book = book_of([4.0] * 4, [1.0] * 4, [6.0], [2.0])
    first, second, third, young, buyer = prior.alike(book).tolist()
    assert first == third and young == buyer and len({first, second, young}) == 3
