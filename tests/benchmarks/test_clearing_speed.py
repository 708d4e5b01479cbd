"""How long a frame takes to clear, capping rounds included, and the exact front.

Times are the best of several runs after one that compiles, on a linear stand-in for the feeder:
they measure the market, not the power flow.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gridbazaar.market.capping import clear_within_limits
from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.engines import SearchSettings
from gridbazaar.market.frame_market import FrameMarket
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.objectives import OBJECTIVES
from gridbazaar.market.order import OrderBook

TERMS = GridTerms(7.0, 3.0)
RUNS = 5


def linear_network():
    """The test double of the market's tests, loaded by its path."""
    if "linear_network" not in sys.modules:
        path = Path(__file__).parents[1] / "market" / "linear_network.py"
        spec = importlib.util.spec_from_file_location("linear_network", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["linear_network"] = module
        spec.loader.exec_module(module)
    return sys.modules["linear_network"].LinearNetwork


def village(m: int, n: int, seed: int):
    """Lognormal homes with the village's 259 kWh of surplus against 245 kWh of demand."""
    rng = np.random.default_rng(seed)
    capacity, demand = rng.lognormal(2.6, 0.5, m), rng.lognormal(1.7, 0.6, n)
    capacity *= 259 / 18 * m / capacity.sum()
    demand *= 245 / 18 * m / demand.sum()
    book = OrderBook(
        tuple(f"s{i:04d}" for i in range(m)),
        rng.uniform(3.0, 5.0, m),
        capacity,
        tuple(f"b{j:04d}" for j in range(n)),
        rng.uniform(6.0, 7.0, n),
        demand,
    )
    network = linear_network().radial(m, rng, 20, 1.04)
    network.effect *= 1.6 * 0.01 / (network.effect @ capacity).max()
    return book, network


def best_time(function) -> float:
    """Seconds of the fastest of several runs after one to warm up."""
    function()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


@pytest.mark.parametrize("engine", ["nsga2", "exact"])
@pytest.mark.parametrize(("m", "n", "limit_s"), [(18, 39, 0.06), (350, 650, 0.4)])
def test_whole_frame_with_capping_rounds(m, n, limit_s, engine, capsys, benchmark):
    mechanism = build_mechanism(ClearingRules(engine=engine))
    worst = 0.0
    for seed in range(3):
        book, network = village(m, n, seed)
        found = clear_within_limits(mechanism, book, TERMS, network, np.random.default_rng(1))
        assert found.status == "cleared" and found.iterations >= 3
        seconds = best_time(
            lambda book=book, network=network: clear_within_limits(
                mechanism, book, TERMS, network, np.random.default_rng(1)
            )
        )
        worst = max(worst, seconds)
    with capsys.disabled():
        print(f"\nframe {m} x {n}, {engine}: {worst * 1e3:.1f} ms of {limit_s * 1e3:.0f}")
    benchmark.extra_info["ms"] = worst * 1e3
    benchmark.pedantic(
        lambda: clear_within_limits(mechanism, book, TERMS, network, np.random.default_rng(1)),
        rounds=1,
        iterations=1,
    )
    assert worst <= limit_s


def test_exact_front_of_a_hundred_points(capsys, benchmark):
    rng = np.random.default_rng(1)
    m = n = 50
    bid = rng.uniform(5.0, 8.0, n)
    wanted = m * bid.sum() / 5.0
    capacity, demand = rng.lognormal(0, 0.6, m), rng.lognormal(0, 0.6, n)
    book = OrderBook(
        tuple(f"s{i:02d}" for i in range(m)),
        np.full(m, 4.0),
        capacity * 1.15 * wanted / capacity.sum(),
        tuple(f"b{j:02d}" for j in range(n)),
        bid,
        demand * 1.1 * wanted / demand.sum(),
    )
    market = FrameMarket.of(book, np.ones(m, bool), np.ones(n, bool), 5.0)
    published = OBJECTIVES["published"]
    assert len(published.exact_front(market, 100)) == 100
    seconds = best_time(lambda: published.exact_front(market, 100))
    with capsys.disabled():
        print(f"\nexact front, 100 points at 50 x 50: {seconds * 1e3:.1f} ms of 50")
    benchmark.pedantic(lambda: published.exact_front(market, 100), rounds=5, iterations=1)
    assert seconds <= 0.05
    assert SearchSettings().front_points == 100
