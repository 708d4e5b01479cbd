"""Clear one frame from two tables of orders: what `gridbazaar clear` and `clear()` do."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..agents.feeder_check import FeederCheck, FeederForecast, bus_sum
from ..market.capping import CappingOptions, clear_within_limits
from ..market.clearing import Clearing, GridTerms
from ..market.mechanism import ClearingRules, build_mechanism, mechanism_problems
from ..market.objectives import OBJECTIVES
from ..market.order import OrderBook, OrderError
from ..market.pairing import EPSILON_KWH
from ..network.library import load_feeder
from ..network.limits import VoltageLimits
from ..scenarios.problems import problem
from .clear_money import PRICES, money_said, pair_prices
from .clear_options import bus_problems, option_problems, rule_problems
from .order_files import FrameOrders, Table, number, read_orders, read_rows

POWER_FACTOR = 0.95  # of buyers' load; sellers' export is at unity


@dataclass(frozen=True)
class ComparedTrades:
    """A transaction matrix made elsewhere, scored with the objectives of this clearing."""

    f1: float
    f2: float
    traded_kwh: float


@dataclass(frozen=True)
class ClearedOrders:
    """One cleared frame.

    Attributes
    ----------
    orders : FrameOrders
        The book and what the files say beside it.
    rules : ClearingRules
        The whole configuration.
    terms : GridTerms
        Retail and feed-in price.
    clearing : Clearing
        The outcome.
    seconds : float
        Time that clearing took, capping rounds included.
    compared : ComparedTrades or None
        A transaction matrix made elsewhere, where one was given.
    """

    orders: FrameOrders
    rules: ClearingRules
    terms: GridTerms
    clearing: Clearing
    seconds: float
    compared: ComparedTrades | None = None

    @property
    def feasible(self) -> bool:
        """Whether the outcome is one that the feeder carries."""
        return self.clearing.status in ("cleared", "no-trade")

    def transactions(self) -> list[dict[str, Any]]:
        """Return the pairs with energy, in the order of the files."""
        book, trades, rank = self.orders.book, self.clearing.trades, self.orders.rank
        columns = trades.seller, trades.buyer, trades.energy_kwh, pair_prices(self.clearing)
        rows: list[dict[str, Any]] = [
            {"seller": book.sellers[i], "buyer": book.buyers[j], "energy_kwh": float(kwh)} | prices
            for i, j, kwh, prices in zip(*columns, strict=True)
        ]
        return sorted(rows, key=lambda row: (rank[row["seller"]], rank[row["buyer"]]))

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as one JSON document."""
        book, clearing, rank = self.orders.book, self.clearing, self.orders.rank
        front = clearing.front
        sellers, buyers = (sorted(names, key=rank.__getitem__) for names in _names(book))
        sold = dict(zip(book.sellers, clearing.sold_kwh.tolist(), strict=True))
        bought = dict(zip(book.buyers, clearing.bought_kwh.tolist(), strict=True))
        received = dict(zip(book.sellers, clearing.received.tolist(), strict=True))
        paid = dict(zip(book.buyers, clearing.paid.tolist(), strict=True))
        capacity = dict(zip(book.sellers, book.capacity_kwh.tolist(), strict=True))
        demand = dict(zip(book.buyers, book.demand_kwh.tolist(), strict=True))
        has_front = self.rules.mechanism == "pareto"
        choose = self.rules.choose or OBJECTIVES[self.rules.objectives].default_choice
        pairs = [] if front is None else np.stack([front.f1, front.f2], axis=1).tolist()
        return {
            "status": clearing.status,
            "frame": self.orders.frame,
            "mechanism": self.rules.mechanism,
            "mcp_per_kwh": clearing.mcp_per_kwh,
            "engine": self.rules.engine if has_front else None,
            "objectives": self.rules.objectives if has_front else None,
            "choose": choose if has_front else None,
            "f1": clearing.f1,
            "f2": clearing.f2,
            "traded_kwh": clearing.traded_kwh,
            "unserved_kwh": float(np.maximum(book.demand_kwh - clearing.bought_kwh, 0.0).sum()),
            "lost_kwh": clearing.lost_kwh,
            "front": pairs,
            "front_collapsed": front is not None and front.collapsed,
            "front_chosen": None if front is None else front.chosen,
            "evaluations": None if front is None else front.evaluations,
            "generations": None if front is None else front.generations,
            "transactions": self.transactions(),
            **money_said(self),
            "sellers": [
                {
                    "seller": name,
                    "capacity_kwh": capacity[name],
                    "sold_kwh": sold[name],
                    "received": received[name],
                }
                for name in sellers
            ],
            "buyers": [
                {
                    "buyer": name,
                    "demand_kwh": demand[name],
                    "bought_kwh": bought[name],
                    "paid": paid[name],
                }
                for name in buyers
            ],
            "capping": [
                {
                    "caps": dict(zip(book.sellers, step.caps_kwh.tolist(), strict=True)),
                    "critical_buses": list(step.critical_buses),
                    "v_min_pu": _finite(step.v_min_pu),
                    "v_max_pu": _finite(step.v_max_pu),
                    "traded_kwh": step.traded_kwh,
                    "phase": step.phase,
                    "feasible": step.feasible,
                }
                for step in clearing.capping
            ],
            "v_min_pu": _finite(clearing.v_min_pu),
            "v_max_pu": _finite(clearing.v_max_pu),
            "undervoltage_base": clearing.undervoltage_base,
            "published": None
            if self.compared is None
            else {
                "f1": self.compared.f1,
                "f2": self.compared.f2,
                "traded_kwh": self.compared.traded_kwh,
            },
            "notes": list(clearing.notes),
            "seconds": self.seconds,
        }


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
    matrix = None if published is None else _read_matrix(published, orders, problems)
    if problems or orders is None:
        raise OrderError(problems)
    terms = _terms(orders.book, mcp, retail, feed_in)
    needs = [f"--{line}" for line in mechanism_problems(rules, terms)]
    if needs:
        raise OrderError(needs)
    check = _network(orders, feeder, hours, source_voltage)
    if mechanism == "pareto" and engine == "nsga2":
        import_module("..market.nsga2", __package__)  # loading pymoo is no part of `seconds`
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
        cleared = replace(cleared, compared=_scored(cleared, matrix))
    if out is not None:
        from .clear_files import write_clearing

        write_clearing(cleared, Path(out))
    return cleared


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


def _read_matrix(
    published: Table, orders: FrameOrders | None, problems: list[str]
) -> np.ndarray | None:
    file, header, rows, lines = read_rows(
        published, "published", ("seller", "buyer", "energy_kwh"), ("frame", *PRICES), problems
    )
    if orders is None:
        return None
    book = orders.book
    energy = np.zeros((book.m, book.n))
    for row, line in zip(rows, lines, strict=True):
        if "frame" in header and orders.frame is not None and row["frame"] != orders.frame:
            continue
        amount = number(row["energy_kwh"], file, f"{line} energy_kwh", problems)
        unknown = False
        for key, names in (("seller", book.sellers), ("buyer", book.buyers)):
            if row[key] not in names:
                wrong = f"no {key} of the frame has this name"
                remedy = f"use one of {', '.join(names[:8])}"
                problems.append(problem(file, f"{line} {key}", row[key], wrong, remedy))
                unknown = True
        if not unknown:
            energy[book.sellers.index(row["seller"]), book.buyers.index(row["buyer"])] += amount
    return energy


def _scored(cleared: ClearedOrders, energy: np.ndarray) -> ComparedTrades | None:
    """Value a matrix with the objectives and the price of the outcome."""
    price, bid = cleared.clearing.mcp_per_kwh, cleared.orders.book.bid_per_kwh
    if price is None or not energy.any():
        return None
    bought, traded = energy.sum(axis=0), float(energy.sum())
    f2 = price * traded
    if cleared.rules.objectives == "published":
        f1 = float((bid * np.log(energy + EPSILON_KWH)).sum()) - f2
    elif cleared.rules.objectives == "per-buyer":
        demand = cleared.orders.book.demand_kwh
        share = np.divide(bought, demand, out=np.zeros_like(bought), where=demand > 0.0)
        f1 = float((bid * demand * np.log1p(share)).sum()) - f2
    else:
        f1 = float(bid @ bought) - f2
        f2 -= float(cleared.orders.book.offer_per_kwh @ energy.sum(axis=1))
    return ComparedTrades(f1, f2, traded)


def _names(book: OrderBook) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return book.sellers, book.buyers


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
