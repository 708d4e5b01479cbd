"""How long a frame of 1,000 members takes under each mechanism, and beside pymarket at 500 orders.

Times are processor time, the best of several runs after one that compiles. `make bench` holds the
bars; `make bench-peers` has pymarket too, timed in turn with ours in the same run.
"""

from __future__ import annotations

import importlib.util
import time

import numpy as np
import pytest

from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.order import OrderBook
from gridbazaar.market.price_history import PriceHistory
from gridbazaar.market.registry import MECHANISMS

TERMS = GridTerms(7.5, 2.5)
BARS = dict.fromkeys(MECHANISMS, 0.050) | {"pareto": 0.4, "vcg": 2.0, "agv": 2.0}
TIMES_FASTER = 20.0


def a_book(m: int, n: int) -> OrderBook:
    rng = np.random.default_rng(4)
    return OrderBook(
        tuple(f"s{i:04d}" for i in range(m)),
        rng.uniform(2.5, 7.5, m),
        rng.lognormal(2.0, 0.6, m),
        tuple(f"b{j:04d}" for j in range(n)),
        rng.uniform(2.5, 7.5, n),
        rng.lognormal(1.4, 0.6, n),
    )


def best_of(action, runs: int = 5) -> float:
    action()
    times = []
    for _ in range(runs):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize("name", MECHANISMS)
def test_a_frame_of_a_thousand_members(name, record_property):
    book, mechanism = a_book(350, 650), build_mechanism(ClearingRules(name))
    if name == "agv":
        past = PriceHistory()
        for _ in range(90):
            past.record(book, TERMS)
        mechanism = mechanism.with_history(past)
    seconds = best_of(lambda: mechanism.clear(book, TERMS, np.random.default_rng(1)))
    record_property("milliseconds", 1e3 * seconds)
    print(f"\n{name}: {1e3 * seconds:.2f} ms for 1,000 members (bar {1e3 * BARS[name]:.0f} ms)")
    assert seconds <= BARS[name]


def pymarket_seconds(rule: str, book: OrderBook) -> float:
    import pymarket

    market = pymarket.Market()
    for price, size in zip(book.bid_per_kwh.tolist(), book.demand_kwh.tolist(), strict=True):
        market.accept_bid(size, price, market.bm.n_bids, True, 0)
    for price, size in zip(book.offer_per_kwh.tolist(), book.capacity_kwh.tolist(), strict=True):
        market.accept_bid(size, price, market.bm.n_bids, False, 0)
    start = time.process_time()
    market.run(rule, r=np.random.RandomState(1))
    return time.process_time() - start


@pytest.mark.parametrize("rule", ["muda", "p2p"])
def test_five_hundred_orders_beside_pymarket(rule):
    if importlib.util.find_spec("pymarket") is None:
        print("\npymarket: not installed here, `make bench-peers` measures it")
        return
    book = a_book(250, 250)
    theirs = min(pymarket_seconds(rule, book) for _ in range(2))
    for name in sorted(set(MECHANISMS) - {"pareto", "vcg", "agv", "grid-only"}):
        mechanism = build_mechanism(ClearingRules(name))
        ours = best_of(lambda m=mechanism: m.clear(book, TERMS, np.random.default_rng(1)))
        times = theirs / ours
        print(f"\n{name}: {1e3 * ours:.2f} ms, {rule} {1e3 * theirs:.0f} ms: {times:.0f} times")
        assert times >= TIMES_FASTER
