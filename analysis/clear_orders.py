"""Clear one frame from two tables of orders: what `gridbazaar clear` and `clear()` do."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..agents.feeder_check import FeederCheck, FeederForecast, bus_sum
from ..market.capping import CappingOptions, clear_within_limits
from ..market.clearing import GridTerms
from ..market.mechanism import ClearingRules, build_mechanism, mechanism_problems
from ..market.order import OrderBook, OrderError
from ..network.library import load_feeder
from ..network.limits import VoltageLimits
from .clear_options import bus_problems, option_problems, rule_problems
from .cleared_orders import ClearedOrders
from .compared_trades import compared, read_matrix
from .order_files import FrameOrders, Table, read_orders

POWER_FACTOR = 0.95  # of buyers' load; sellers' export is at unity


def clear(
    sellers: Table,
    buyers: Table,
    *,
    frame: str | None = None,
    mechanism: str = "pareto",
    mcp: float | None = None,
    price_rule: str | None = None,
    retail: float | None = None,
    feed_in: float | None = None,
    engine: str = "nsga2",
    objectives: str = "published",
    encoding: str = "marginal",
    choose: str | None = None,
    participation: str = "rational",
    feeder: str | Path | None = None,
    hours: float | None = None,
    source_voltage: float | None = None,
    method: str = "adaptive-capping",
    population: int = 100,
    generations: int = 200,
    seed: int = 1,
    published: Table | None = None,
    out: str | Path | None = None,
) -> ClearedOrders:
    """Clear one frame from two tables of orders.

    Parameters
    ----------
    sellers, buyers : path or rows
        See :func:`gridbazaar.analysis.order_files.read_orders`.
    frame : str, optional
        Take the rows of this frame only.
    mechanism : str
        Name of a market rule; all but `pareto` need `retail` and `feed_in`, and find their own
        prices.
    mcp : float, optional
        Market clearing price given by hand [currency/kWh]; without it a price rule sets it.
    price_rule : str, optional
        `merit-order` (default), `k-double-auction` or `mid-market`.
    retail, feed_in : float, optional
        Prices of the grid [currency/kWh]; what the price rule needs of them must be given.
    engine, objectives, encoding, choose, participation, population, generations
        See :class:`gridbazaar.market.mechanism.ClearingRules`.
    feeder : str or path, optional
        Check voltages on this feeder; both tables then need a column `bus`. The energies are
        taken as flat over the frame, loads at power factor 0.95, sales at unity.
    hours : float, optional
        Length of the frame, needed with `feeder` [h].
    source_voltage : float, optional
        Voltage of the feeder's source [p.u.]; its own without it.
    method : str
        `adaptive-capping`, `constrained` or `ignore`.
    seed : int
        One seed makes one result.
    published : path or rows, optional
        A transaction matrix (`seller, buyer, energy_kwh`) to score and draw beside the outcome.
    out : path, optional
        New directory for the figure, the transactions and the JSON document.

    Returns
    -------
    ClearedOrders
        The outcome; `as_dict()` is the command's JSON document.

    Raises
    ------
    OrderError
        With every problem of the tables, or of the options.

    Examples
    --------
    >>> done = clear([{"seller": "s", "capacity_kwh": 4, "offer_per_kwh": 3}],
    ...              [{"buyer": "b", "demand_kwh": 2, "bid_per_kwh": 6}], mcp=5, engine="exact")
    >>> done.clearing.status, done.clearing.traded_kwh
    ('cleared', 2.0)
    """
    rules = ClearingRules(
        mechanism,
        price_rule=price_rule or ("fixed" if mcp is not None else "merit-order"),
        fixed_price=mcp,
        participation=participation,
        objectives=objectives,
        engine=engine,
        encoding=encoding,
        choose=choose,
        population=population,
        generations=generations,
        network=method,
    )
    problems = rule_problems(rules, mcp, retail, feed_in)
    problems += option_problems(feeder, hours, source_voltage, seed, out)
    orders = None
    try:
        orders = read_orders(sellers, buyers, frame)
    except OrderError as error:
        problems += error.problems
    if orders is not None and feeder is not None:
        problems += bus_problems(orders, feeder)
    matrix = None if published is None else read_matrix(published, orders, problems)
    if problems or orders is None:
        raise OrderError(problems)
    terms = _terms(orders.book, mcp, retail, feed_in)
    needs = [f"--{line}" for line in mechanism_problems(rules, terms)]
    if needs:
        raise OrderError(needs)
    check = _network(orders, feeder, hours, source_voltage)
    _warm(rules)
    start = time.perf_counter()
    clearing = clear_within_limits(
        build_mechanism(rules),
        orders.book,
        terms,
        check,
        np.random.default_rng(seed),
        CappingOptions.of_rules(rules),
    )
    seconds = time.perf_counter() - start
    cleared = ClearedOrders(orders, rules, terms, clearing, seconds)
    if matrix is not None:
        cleared = replace(cleared, compared=compared(cleared, matrix))
    if out is not None:
        from .clear_files import write_clearing

        write_clearing(cleared, Path(out))
    return cleared


def _warm(rules: ClearingRules) -> None:
    """Clear a frame of two by two: loading pymoo and compiling kernels are no part of `seconds`."""
    small = replace(rules, mechanism="pareto", price_rule="fixed", fixed_price=1.0)
    numbers = (np.array(pair) for pair in ([1.0, 1.0], [4.0, 5.0], [2.0, 3.0], [2.0, 8.0]))
    offers, capacity, bids, demand = numbers
    book = OrderBook(("s", "t"), offers, capacity, ("b", "c"), bids, demand)
    build_mechanism(small).clear(book, GridTerms(9.0, 0.0), np.random.default_rng(0))


def _terms(
    book: OrderBook, mcp: float | None, retail: float | None, feed_in: float | None
) -> GridTerms:
    """Where no retail price is needed, one that binds nobody."""
    if retail is None:
        prices = (*book.offer_per_kwh.tolist(), *book.bid_per_kwh.tolist(), mcp or 0.0)
        retail = max(prices)
    return GridTerms(retail, 0.0 if feed_in is None else feed_in)


def _network(
    orders: FrameOrders,
    feeder: str | Path | None,
    hours: float | None,
    source_voltage: float | None,
) -> FeederCheck | None:
    """Return the feeder with all energies flat over the frame: one interval says it all."""
    if feeder is None or hours is None:
        return None
    grid = load_feeder(feeder)
    if source_voltage is not None:
        grid = grid.with_source_voltage(source_voltage)
    book = orders.book
    members = (*book.sellers, *book.buyers)
    bus = np.array([grid.bus_index(orders.bus_of[name]) for name in members], dtype=np.int64)
    load = np.concatenate([np.zeros(book.m), book.demand_kwh])[:, None] / hours
    selling = np.arange(len(members))[:, None] < book.m
    load_kw = bus_sum(bus, load, grid.n_buses)
    forecast = FeederForecast(
        grid,
        VoltageLimits(),
        bus,
        -load_kw,
        -math.tan(math.acos(POWER_FACTOR)) * load_kw,
        np.where(selling, 1.0 / hours, 0.0),
    )
    return FeederCheck(forecast, np.arange(book.m))
