"""What theory says of the mechanisms, on seeded random markets, with room for chance.

Prices are uniform between feed-in and retail; sizes lognormal where a test does not say otherwise.
A mean is held against a bound with four of its standard errors to spare.
"""

import numpy as np
import pytest
from random_books import TERMS, book_of

from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.mechanisms.agv_prior import KernelPrior
from gridbazaar.market.mechanisms.bill_sharing import BillSharing
from gridbazaar.market.mechanisms.conformance import greatest_surplus, surplus_of
from gridbazaar.market.mechanisms.mid_market_rate import MidMarketRate
from gridbazaar.market.mechanisms.supply_demand_ratio import SupplyDemandRatio
from gridbazaar.market.mechanisms.surplus import SurplusCurve
from gridbazaar.market.price_history import PriceHistory


def market(rng, m, n, sizes=0.5):
    """A book of uniform prices; `sizes` is the spread of the logarithm of sizes."""
    low, high = TERMS.feed_in_per_kwh, TERMS.retail_per_kwh
    return book_of(
        rng.uniform(low, high, m),
        rng.lognormal(1.7, sizes, m),
        rng.uniform(low, high, n),
        rng.lognormal(1.7, sizes, n),
    )


def shares(name, m, n, count=60, sizes=0.5, seed=1):
    """Surplus and money left over of `count` markets, as shares of the greatest surplus."""
    rng = np.random.default_rng(seed)
    mechanism = build_mechanism(ClearingRules(name, prior_samples=16))
    rows = []
    for number in range(count):
        book = market(rng, m, n, sizes)
        done = mechanism.clear(book, TERMS, np.random.default_rng(number))
        most = greatest_surplus(book, TERMS)
        left = float(done.paid.sum() - done.received.sum())
        rows.append((surplus_of(done, book, TERMS) / most, left / most))
    return np.array(rows)


def mean_and_error(values):
    return float(values.mean()), 4.0 * float(values.std(ddof=1)) / np.sqrt(values.size)


def test_vcg_runs_a_deficit_and_agv_does_not():
    vcg, agv = shares("vcg", 18, 39), shares("agv", 18, 39)
    mean, error = mean_and_error(vcg[:, 1])
    assert mean + error < 0.0 and np.all(vcg[:, 1] < 1e-12)
    assert np.all(np.abs(agv[:, 1]) < 1e-9)
    np.testing.assert_allclose(vcg[:, 0], 1.0, rtol=1e-9)
    np.testing.assert_allclose(agv[:, 0], 1.0, rtol=1e-9)


def test_the_deficit_of_vcg_fades_as_the_market_grows():
    small, large = shares("vcg", 5, 5), shares("vcg", 100, 100)
    assert large[:, 1].mean() > 0.1 * small[:, 1].mean()


def test_padding_leaves_a_surplus_and_nearly_all_of_the_trade():
    """18 sellers and 39 buyers, orders of one size: a share of 0.993 of the greatest surplus."""
    done = shares("competition-padding", 18, 39, 400, sizes=0.0)
    mean, error = mean_and_error(done[:, 1])
    assert mean - error > 0.0 and np.all(done[:, 1] > -1e-12)
    mean, error = mean_and_error(done[:, 0])
    assert mean == pytest.approx(0.993, abs=0.002 + error)


def test_half_of_the_padding_is_not_enough():
    rng, deficits = np.random.default_rng(2), 0
    half = build_mechanism(ClearingRules("competition-padding", padding=0.5))
    for _ in range(200):
        done = half.clear(market(rng, 9, 9, 0.8), TERMS, rng)
        deficits += bool(done.paid.sum() < done.received.sum() - 1e-9)
    assert deficits > 20
    assert half.traits.budget_balanced == "no"


@pytest.mark.parametrize("name", ["trade-reduction", "mcafee", "competition-padding"])
def test_truthful_double_auctions_approach_the_optimum_as_the_market_grows(name):
    parts = [shares(name, size, size, 30)[:, 0].mean() for size in (6, 30, 150)]
    lost = 1.0 - np.array(parts)
    assert lost[0] > lost[1] > lost[2] and lost[2] < 0.01
    assert lost[2] < lost[1] / 3.0


def test_a_continuous_auction_loses_more_than_a_call_auction():
    share = shares("continuous", 18, 39)[:, 0]
    mean, error = mean_and_error(share)
    assert mean + error < 1.0 and mean > 0.6


@pytest.mark.parametrize("rule", [MidMarketRate, SupplyDemandRatio, BillSharing])
@pytest.mark.parametrize(("supply", "demand"), [(20.0, 40.0), (40.0, 20.0), (30.0, 30.0)])
def test_a_pool_costs_members_what_its_prices_say_of_their_whole_energy(rule, supply, demand):
    book = book_of([3.0, 6.0], [0.75 * supply, 0.25 * supply], [7.0, 3.0], [demand / 2] * 2)
    done, prices = rule().clear(book, TERMS, None), rule.prices(supply, demand, TERMS)
    income = done.received + TERMS.feed_in_per_kwh * (book.capacity_kwh - done.sold_kwh)
    cost = done.paid + TERMS.retail_per_kwh * (book.demand_kwh - done.bought_kwh)
    np.testing.assert_allclose(income, prices.sell * book.capacity_kwh)
    np.testing.assert_allclose(cost, prices.buy * book.demand_kwh)
    grid = TERMS.retail_per_kwh * max(demand - supply, 0) - TERMS.feed_in_per_kwh * max(
        supply - demand, 0
    )
    assert cost.sum() - income.sum() == pytest.approx(grid)


def test_prices_of_the_supply_demand_ratio_are_the_published_formulas():
    r, f = TERMS.retail_per_kwh, TERMS.feed_in_per_kwh
    for ratio in (0.0, 0.3, 1.0):
        prices = SupplyDemandRatio.prices(ratio * 10.0, 10.0, TERMS)
        sell = f * r / ((r - f) * ratio + f)
        assert prices.inner == pytest.approx(sell)
        assert prices.buy == pytest.approx(sell * ratio + r * (1.0 - ratio))
    assert SupplyDemandRatio.prices(20.0, 10.0, TERMS).sell == f
    assert SupplyDemandRatio.prices(20.0, 10.0, TERMS).buy == f


def test_a_surplus_without_each_member_is_that_of_a_market_without_it():
    rng = np.random.default_rng(3)
    for _ in range(60):
        book = market(rng, *rng.integers(1, 8, 2), 0.8)
        price = np.concatenate([book.offer_per_kwh, book.bid_per_kwh])
        size = np.concatenate([book.capacity_kwh, book.demand_kwh])
        buys = np.arange(price.size) >= book.m
        found = SurplusCurve(price, size, buys).without()
        for k in range(price.size):
            kept = np.arange(price.size) != k
            alone = SurplusCurve(price[kept], size[kept], buys[kept]).greatest()
            assert found[k] == pytest.approx(alone, abs=1e-9)


def test_priors_learn_what_members_asked_before():
    book = book_of([3.0, 6.0], [5.0, 5.0], [7.0], [5.0])
    past = PriceHistory()
    for _ in range(20):
        past.record(book, TERMS)
    past.record(book_of([5.0], [0.0], [], []), TERMS)  # an empty order says nothing
    offers, bids = KernelPrior(past, 6)(book, TERMS, 4000, np.random.default_rng(1))
    assert offers.mean(axis=0) == pytest.approx([3.0, 6.0], abs=0.02)
    assert offers.std(axis=0) == pytest.approx([0.05, 0.05], abs=0.01)
    assert bids.mean() == pytest.approx(7.0, abs=0.02)
    young, _ = KernelPrior(past, 21)(book, TERMS, 4000, np.random.default_rng(1))
    assert young.std(axis=0) == pytest.approx([5.0 / np.sqrt(12)] * 2, abs=0.05)
