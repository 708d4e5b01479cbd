"""How long a frame takes to clear, capping rounds included, and the exact front.

Times are CPU times, the best of several runs after one that compiles. Bars are ratios to a
yardstick of the same run, twenty generations of stock NSGA-II on the village's transaction matrix,
measured in turn with each frame: they hold on a slow or busy machine too. Frames stand on a linear
stand-in for the feeder, which measures the market alone, and on a real feeder with its power flow
in 48 intervals.
`python tests/benchmarks/test_clearing_speed.py` writes the table of docs/clearing.md.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gridbazaar.agents.feeder_check import FeederCheck, FeederForecast
from gridbazaar.market.capping import clear_within_limits
from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.engines import SearchSettings
from gridbazaar.market.frame_market import FrameMarket
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.objectives import OBJECTIVES
from gridbazaar.market.order import OrderBook
from gridbazaar.network import load_feeder
from gridbazaar.network.limits import VoltageLimits

TERMS = GridTerms(7.0, 3.0)
RUNS = 5
STRESS = 1.6  # greatest sales over the room below 1.05 p.u.
YARD_S = 0.3  # CPU seconds of the yardstick where the goals are 0.06 s and 0.4 s for a frame
BARS = {(18, 39): 0.06 / YARD_S, (350, 650): 0.4 / YARD_S}
HEADER = (
    "homes",
    "feeder",
    "engine",
    "clearings",
    "frame, CPU ms",
    "yardstick, CPU ms",
    "ratio",
    "bar",
)


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


def on_feeder(book, seed: int) -> FeederCheck:
    """The same homes at random buses of the village's feeder, each with a bell of sunshine."""
    rng = np.random.default_rng(seed)
    feeder = load_feeder("kerala_village_lv").with_source_voltage(1.02)
    bus = rng.choice(np.setdiff1d(np.arange(feeder.n_buses), [feeder.slack]), book.m)
    hours = np.linspace(0.125, 11.875, 48)
    bell = np.exp(-0.5 * ((hours - rng.uniform(5, 7, (book.m, 1))) / 2.5) ** 2)
    export = bell / bell.sum(axis=1, keepdims=True)
    load = -rng.uniform(0.1, 0.3, (48, feeder.n_buses))
    whole = book.capacity_kwh * min(1.0, book.demand_kwh.sum() / book.capacity_kwh.sum())
    for _ in range(30):  # kW for each kWh such that the greatest sales exceed the room as asked
        forecast = FeederForecast(feeder, VoltageLimits(), bus, load, 0.3 * load, export)
        check = FeederCheck(forecast, np.arange(book.m))
        base, top = check.voltages(np.stack([0.0 * whole, whole]))
        now = float(((top - base) / (1.05 - base)).max())
        export = export * STRESS / now
        if abs(now / STRESS - 1.0) < 1e-3:
            break
    return check


def stock_search(book) -> None:
    """Search the transaction matrix by pymoo's own operators for twenty generations."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.optimize import minimize

    m, n = book.m, book.n

    class Frame(Problem):
        def __init__(self):
            upper = np.minimum.outer(book.capacity_kwh, book.demand_kwh).ravel()
            super().__init__(n_var=m * n, n_obj=2, n_ieq_constr=m + n, xl=0.0, xu=upper)

        def _evaluate(self, x, out, *args, **kwargs):
            energy = x.reshape(-1, m, n)
            f2 = 5.0 * energy.sum(axis=(1, 2))
            f1 = (book.bid_per_kwh * np.log(energy + 1e-6)).sum(axis=(1, 2)) - f2
            out["F"] = -np.stack([f1, f2], axis=1)
            rows, columns = energy.sum(axis=2), energy.sum(axis=1)
            out["G"] = np.concatenate([rows - book.capacity_kwh, columns - book.demand_kwh], axis=1)

    minimize(Frame(), NSGA2(pop_size=100), ("n_gen", 20), seed=1)


def best_times(*functions) -> list[float]:
    """CPU seconds of each one's fastest run, measured in turn, after one to warm up."""
    times = [[] for _ in functions]
    for function in functions:
        function()
    for _ in range(RUNS):
        for spent, function in zip(times, functions, strict=True):
            start = time.process_time()
            function()
            spent.append(time.process_time() - start)
    return [min(spent) for spent in times]


def frame_row(m, n, feeder, engine):
    """Cells of one row of the table, its ratio and its bar: the worst of three books."""
    mechanism = build_mechanism(ClearingRules(engine=engine))
    yard = village(18, 39, 0)[0]
    rows = []
    for seed in range(3):
        book, network = village(m, n, seed)
        if feeder != "linear":
            network = on_feeder(book, seed)

        def frame(book=book, network=network):
            return clear_within_limits(mechanism, book, TERMS, network, np.random.default_rng(1))

        found = frame()
        assert found.status == "cleared" and found.iterations >= 3
        spent, yardstick = best_times(frame, lambda: stock_search(yard))
        rows.append((spent / yardstick, spent, yardstick, len(found.capping)))
    ratio, spent, yardstick, clearings = max(rows)
    bar = BARS[m, n]
    cells = [f"{m + n:,}", feeder, engine, str(clearings), f"{spent * 1e3:.0f}"]
    return [*cells, f"{yardstick * 1e3:.0f}", f"{ratio:.2f}", f"{bar:.2f}"], ratio, bar


ROWS = [
    (*size, feeder, e) for size in BARS for feeder in ("linear", "real") for e in ("nsga2", "exact")
]


@pytest.mark.parametrize(("m", "n", "feeder", "engine"), ROWS)
def test_whole_frame_with_capping_rounds(m, n, feeder, engine, capsys, benchmark):
    run = benchmark.pedantic(frame_row, args=(m, n, feeder, engine), rounds=1, iterations=1)
    cells, ratio, bar = run
    with capsys.disabled():
        print("\n" + " | ".join(HEADER) + "\n" + " | ".join(cells))
    assert ratio <= bar


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
    yard = village(18, 39, 0)[0]
    seconds, yardstick = best_times(
        lambda: published.exact_front(market, 100), lambda: stock_search(yard)
    )
    with capsys.disabled():
        print(f"\nexact front, 100 points at 50 x 50: {seconds * 1e3:.1f} ms of 50")
    benchmark.pedantic(lambda: published.exact_front(market, 100), rounds=5, iterations=1)
    assert seconds <= 0.05 / YARD_S * yardstick
    assert SearchSettings().front_points == 100


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
    from doc_tables import markdown_table, replace_table

    replace_table("clearing.md", "speed", markdown_table(HEADER, [frame_row(*r)[0] for r in ROWS]))
