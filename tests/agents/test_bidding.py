"""Bidding strategies: nobody loses by its own quote, and learning does what its theory says."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.agents.bidding import BiddingSetup, Need, Outcome
from gridbazaar.agents.registry import BIDDING_STRATEGIES
from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.order import OrderBook
from gridbazaar.market.price import PriceSettings, k_double_auction, merit_order_margin
from gridbazaar.scenarios.streams import stream

RETAIL, FEED_IN = 8.0, 3.0
TERMS = GridTerms(RETAIL, FEED_IN)


def need(side: str, reservation: float, quantity: float = 1.0) -> Need:
    return Need(side, quantity, reservation, RETAIL, FEED_IN, "normal")


def traders(name: str, n: int, seed: int = 1) -> list:
    return [
        BIDDING_STRATEGIES[name](
            BiddingSetup(lambda i=i: stream(seed, "bidding", f"home-{i}"), margin_per_kwh=0.4)
        )
        for i in range(n)
    ]


def values(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What one kWh costs n sellers and is worth to n buyers, evenly over the grid's prices."""
    rng = np.random.default_rng(seed)
    return rng.uniform(FEED_IN, RETAIL, n), rng.uniform(FEED_IN, RETAIL, n)


def most_surplus(cost: np.ndarray, value: np.ndarray) -> float:
    return float(np.maximum(np.sort(value)[::-1] - np.sort(cost), 0.0).sum())


def call(cost, value, sellers, buyers):
    """One uniform-price call of one kWh each: price, who sold, who bought; all have learned."""
    n = len(cost)
    asks = np.array([s.quote(need("ask", c)) for s, c in zip(sellers, cost, strict=True)])
    bids = np.array([b.quote(need("bid", v)) for b, v in zip(buyers, value, strict=True)])
    names = [f"{i:04d}" for i in range(n)]
    book = OrderBook(
        tuple("s" + i for i in names), asks, np.ones(n), tuple("b" + i for i in names), bids,
        np.ones(n),
    )  # fmt: skip
    margin = merit_order_margin(book, RETAIL)
    matched = round(margin.matched_kwh)
    price = k_double_auction(margin, TERMS, PriceSettings()) if matched else None
    sold, bought = np.zeros(n), np.zeros(n)
    sold[np.argsort(asks, kind="stable")[:matched]] = 1.0
    bought[np.argsort(-bids, kind="stable")[:matched]] = 1.0
    for side, who, worth, quotes, traded in (
        ("ask", sellers, cost, asks, sold),
        ("bid", buyers, value, bids, bought),
    ):
        for one, w, q, t in zip(who, worth, quotes, traded, strict=True):
            one.observe(Outcome(need(side, w), q, t, price))
    return price, asks, bids, sold, bought


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(list(BIDDING_STRATEGIES)),
    side=st.sampled_from(["ask", "bid"]),
    reservation=st.floats(0.0, 12.0),
    history=st.lists(
        st.tuples(st.one_of(st.none(), st.floats(0.0, 8.0)), st.booleans()), max_size=20
    ),
)
def test_no_strategy_quotes_a_price_at_which_it_loses(name, side, reservation, history):
    (trader,) = traders(name, 1)
    for mcp, traded in [*history, (None, False)]:
        order = need(side, reservation)
        quote = trader.quote(order)
        assert np.isfinite(quote)
        if side == "ask":
            assert reservation <= quote + 1e-12 and quote <= max(RETAIL, reservation) + 1e-12
        else:
            assert min(FEED_IN, reservation) - 1e-12 <= quote <= reservation + 1e-12
        trader.observe(Outcome(order, quote, float(traded and mcp is not None), mcp))


@pytest.mark.parametrize("name", BIDDING_STRATEGIES)
def test_a_pickled_trader_goes_on_where_it_stopped(name):
    straight, stopped = traders(name, 1) + traders(name, 1)
    for step in range(40):
        if step == 17:
            stopped = pickle.loads(pickle.dumps(stopped))
        order = need("bid" if step % 3 else "ask", 5.0)
        quotes = straight.quote(order), stopped.quote(order)
        assert quotes[0] == quotes[1]
        for one in (straight, stopped):
            one.observe(Outcome(order, quotes[0], float(step % 2), 5.2))


def continuous_double_auction(cost, value, sellers, buyers, rng, shouts: int) -> float:
    """Surplus of a period in which somebody shouts at a time, and standing quotes improve."""
    waiting = {"ask": set(range(len(cost))), "bid": set(range(len(value)))}
    best: dict[str, tuple[float, int] | None] = {"ask": None, "bid": None}
    gained = 0.0
    for _ in range(shouts):
        side = "ask" if rng.random() < 0.5 else "bid"
        if not waiting[side]:
            continue
        one = rng.choice(sorted(waiting[side]))
        who, worth = (sellers, cost) if side == "ask" else (buyers, value)
        price = who[one].quote(need(side, worth[one]))
        other = "bid" if side == "ask" else "ask"
        standing = best[other]
        sign = 1.0 if side == "ask" else -1.0
        if standing is not None and sign * (standing[0] - price) >= 0.0:
            seller, buyer = (one, standing[1]) if side == "ask" else (standing[1], one)
            gained += value[buyer] - cost[seller]
            waiting["ask"].discard(seller)
            waiting["bid"].discard(buyer)
            best = {"ask": None, "bid": None}
        elif best[side] is None or sign * (best[side][0] - price) > 0.0:
            best[side] = (price, int(one))
    return gained


def test_zero_intelligence_reaches_high_efficiency_in_a_thick_double_auction():
    """Gode and Sunder (1993): the market's rules, not the traders, find nearly all the gains."""
    found = []
    for seed in range(5):
        cost, value = values(40, seed)
        everyone = traders("zero-intelligence", 80, seed)
        gained = continuous_double_auction(
            cost, value, everyone[:40], everyone[40:], np.random.default_rng(seed), 8000
        )
        found.append(gained / most_surplus(cost, value))
    assert np.mean(found) > 0.95
    assert min(found) > 0.9


def efficiency_of_calls(name: str, n_calls: int, n: int = 100, seed: int = 2) -> list[float]:
    cost, value = values(n, seed)
    everyone = traders(name, 2 * n, seed)
    best, found = most_surplus(cost, value), []
    for _ in range(n_calls):
        _, _, _, sold, bought = call(cost, value, everyone[:n], everyone[n:])
        found.append(float((value * bought).sum() - (cost * sold).sum()) / best)
    return found


def test_a_single_call_of_zero_intelligence_wastes_what_learning_finds():
    """In one sealed call nobody can ask again: ZI-C leaves a part, truth nothing, ZIP little."""
    truthful = efficiency_of_calls("truthful", 1)
    random = efficiency_of_calls("zero-intelligence", 20)
    learned = efficiency_of_calls("zero-intelligence-plus", 60)
    assert truthful[0] == pytest.approx(1.0)
    assert 0.4 < np.mean(random) < 0.9
    assert np.mean(learned[-10:]) > 0.97 > np.mean(random)


def test_learned_margins_move_towards_the_clearing_price():
    """Those who trade end up quoting near the price: their margin was the price's, not theirs."""
    n = 100
    cost, value = values(n, 3)
    everyone = traders("zero-intelligence-plus", 2 * n)
    gaps, prices = [], []
    for _ in range(60):
        price, asks, bids, sold, bought = call(cost, value, everyone[:n], everyone[n:])
        prices.append(price)
        gaps.append(np.concatenate([asks[sold > 0.0] - price, bids[bought > 0.0] - price]))
    spread = [float(np.abs(gap).mean()) for gap in gaps]
    assert np.mean(spread[-10:]) < 0.3 * np.mean(spread[:2])
    equilibrium = 0.5 * (FEED_IN + RETAIL)  # both sides are drawn alike
    assert np.mean(prices[-10:]) == pytest.approx(equilibrium, abs=0.4)
    assert np.std(prices[-20:]) < 0.15


def test_reinforcement_unlearns_margins_that_never_trade():
    """A seller in a market at 5 with a cost of 4 must not ask more than a quarter of its span."""
    (seller,) = traders("adaptive", 1)
    order = need("ask", 4.0)
    for _ in range(400):
        quote = seller.quote(order)
        seller.observe(Outcome(order, quote, 1.0 if quote <= 5.0 else 0.0, 5.0))
    assert seller.chances(order)[seller.SHARES <= 0.25].sum() > 0.9


def test_reinforcement_in_a_market_gains_on_its_beginning():
    found = efficiency_of_calls("adaptive", 250)
    assert np.mean(found[-30:]) > np.mean(found[:10]) + 0.1


def test_a_fixed_margin_is_kept():
    (trader,) = traders("fixed-margin", 1)
    assert trader.quote(need("ask", 4.0)) == pytest.approx(4.4)
    assert trader.quote(need("bid", 6.0)) == pytest.approx(5.6)
    assert trader.quote(need("ask", 7.8)) == pytest.approx(RETAIL)
