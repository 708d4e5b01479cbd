"""Mechanisms on books that are worked by hand: folders of tests/cases/mechanisms."""

import csv
from pathlib import Path

import numpy as np
import pytest
import yaml
from random_books import book_of

from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.mechanisms.agv import AGV
from gridbazaar.market.mechanisms.agv_prior import uniform_prior
from gridbazaar.market.order import Order, OrderBook

CASES = sorted((Path(__file__).parents[1] / "cases" / "mechanisms").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_book_worked_by_hand(case):
    given = yaml.safe_load((case / "input.yaml").read_text(encoding="utf-8"))
    book = OrderBook.from_orders(
        Order(member, side, size, price)
        for side, part in (("ask", "sellers"), ("bid", "buyers"))
        for member, (price, size) in given[part].items()
    )
    terms = GridTerms(given["retail_per_kwh"], given["feed_in_per_kwh"])
    mechanism = build_mechanism(ClearingRules(given["mechanism"]))
    done = mechanism.clear(book, terms, np.random.default_rng(1))
    energy = dict(
        zip((*book.sellers, *book.buyers), [*done.sold_kwh, *done.bought_kwh], strict=True)
    )
    money = dict(zip((*book.sellers, *book.buyers), [*done.received, *done.paid], strict=True))
    with (case / "expected.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["member"] for row in rows} == set(energy)
    for row in rows:
        assert energy[row["member"]] == pytest.approx(float(row["energy_kwh"]), abs=1e-12)
        assert money[row["member"]] == pytest.approx(float(row["money"]), abs=1e-9)
    assert "SOURCE.md" in {path.name for path in case.iterdir()}


def two_types(book, terms, samples, rng):
    """Prices 0 or 1 with even odds: all four pairs in equal number."""
    pairs = np.array([(a, b) for a in (0.0, 1.0) for b in (0.0, 1.0)])
    draws = np.resize(pairs, (samples, 2))
    return draws[:, :1], draws[:, 1:]


def grid_of_types(book, terms, samples, rng):
    """Uniform prices on 0 to 1, as the middles of equal steps; offers and bids independent."""
    steps = int(np.sqrt(samples))
    middles = (np.arange(steps) + 0.5) / steps
    return np.repeat(middles, steps)[:, None], np.tile(middles, steps)[:, None]


def interim(prior, samples, who, price, others):
    """What a member of a pair expects at its true price, the other's being as likely each."""
    mechanism = AGV(ClearingRules(prior_samples=samples), prior)
    ends = []
    for other in others:
        offer, bid = (price, other) if who == "seller" else (other, price)
        book = book_of([offer], [1.0], [bid], [1.0])
        done = mechanism.clear(book, GridTerms(1.0, 0.0), np.random.default_rng(1))
        if who == "seller":
            ends.append(done.received[0] - price * done.sold_kwh[0])
        else:
            ends.append(price * done.bought_kwh[0] - done.paid[0])
    return float(np.mean(ends))


def test_worst_types_of_two_members_of_agv_expect_minus_a_quarter_together():
    """Prices 0 or 1 with even odds; worked by hand from the formulas of d'Aspremont and
    Gerard-Varet (1979): h_S = 1/2 at either cost, h_B = 0 at worth 0 and -1/2 at worth 1."""
    types = (0.0, 1.0)
    seller = [interim(two_types, 4, "seller", price, types) for price in types]
    buyer = [interim(two_types, 4, "buyer", price, types) for price in types]
    assert seller == pytest.approx([0.75, 0.25]) and buyer == pytest.approx([-0.5, 0.0])
    assert min(seller) + min(buyer) == pytest.approx(-0.25)


def test_with_uniform_types_it_is_the_subsidy_that_no_mechanism_can_do_without():
    """-1/6 of the unit interval: Myerson and Satterthwaite (1983), section 4."""
    others = (np.arange(31) + 0.5) / 31  # no multiple of the draws' steps: no ties
    worst_seller = interim(grid_of_types, 400, "seller", 1.0, others)
    worst_buyer = interim(grid_of_types, 400, "buyer", 0.0, others)
    assert worst_seller == pytest.approx(1 / 6, abs=5e-3)
    assert worst_buyer == pytest.approx(-1 / 3, abs=5e-3)


def test_uniform_draws_lie_between_feed_in_and_retail():
    book = book_of([1.0], [1.0], [2.0], [1.0])
    draws = uniform_prior(book, GridTerms(7.0, 3.0), 500, np.random.default_rng(1))
    for prices in draws:
        assert prices.shape == (500, 1) and 3.0 <= prices.min() < 3.2 and 6.8 < prices.max() <= 7.0
