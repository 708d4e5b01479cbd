"""Fronts under voltage limits by successive programs on dV/dP: the measure of `constrained`.

Nothing here is shared with the search: voltages come from the power flow alone, their derivatives
from finite differences of it, the programs are solved by HiGHS (the most energy) and Clarabel (the
best f1 at a given energy, with all m n energies as variables), and each is linearised anew at its
solution until the step is immaterial.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from scipy.optimize import linprog

from gridbazaar.agents.feeder_check import FeederCheck, FeederForecast
from gridbazaar.market.frame_market import FrameMarket
from gridbazaar.market.order import OrderBook
from gridbazaar.network import load_feeder
from gridbazaar.network.limits import VoltageLimits

STEP_KWH = 1e-3  # finite difference
IMMATERIAL = 1e-6  # change of totals, relative to the greatest
ROUNDS = 8
SHORTER = {"max_step_fraction": 0.9}  # keeps the solver off the corners of a thin program
# The very last energy is bought by stopping sellers altogether, which the logarithm of the
# published f1 punishes without bound: measured there, any front would look perfect.
END = 0.999


@dataclass
class Case:
    """One market on a real feeder, where full sales break the limit."""

    market: FrameMarket
    check: FeederCheck

    @property
    def upper_pu(self) -> np.ndarray:
        return np.full_like(self.check.voltages(np.zeros((1, self.market.m)))[0], 1.05)


def case_of(m: int, n: int, kind: str, stress: float = 1.8, seed: int = 1) -> Case:
    """Traders whose published front has not collapsed, at random buses of the village's feeder.

    Sales follow a bell over twelve hours, each seller's own; `stress` is how far the greatest
    sales exceed the room below 1.05 p.u.
    """
    rng = np.random.default_rng(seed)
    bid, price = rng.uniform(5.0, 8.0, n), 5.0
    wanted = m * bid.sum() / price
    supply, demand = rng.lognormal(0.0, 0.6, m), rng.lognormal(0.0, 0.6, n)
    if kind == "slack":
        supply, demand = rng.uniform(1.0, 1.5, m), bid * rng.uniform(1.0, 1.5, n)
    scale = {"slack": (3.7, 7.5), "tight": (1.2, 4.0), "both": (1.15, 1.1)}[kind]
    supply *= scale[0] * wanted / supply.sum()
    demand *= scale[1] * wanted / demand.sum()
    sellers, buyers = (tuple(f"{c}{i:02d}" for i in range(k)) for c, k in (("s", m), ("b", n)))
    book = OrderBook(sellers, np.full(m, 4.0), supply, buyers, bid, demand)
    market = FrameMarket.of(book, np.ones(m, bool), np.ones(n, bool), price)

    feeder = load_feeder("kerala_village_lv")
    bus = rng.choice(np.setdiff1d(np.arange(feeder.n_buses), [feeder.slack]), m)
    hours = np.arange(12) + 0.5
    bell = np.exp(-0.5 * ((hours - rng.uniform(5.0, 7.0, (m, 1))) / rng.uniform(2, 3, (m, 1))) ** 2)
    export = bell / bell.sum(axis=1, keepdims=True)
    load = -rng.uniform(0.1, 0.3, (12, feeder.n_buses))
    whole = market.capacity_kwh * market.most_kwh / market.capacity_kwh.sum()
    for _ in range(40):  # kW for each kWh such that the greatest sales exceed the room as asked
        forecast = FeederForecast(feeder, VoltageLimits(), bus, load, 0.3 * load, export)
        check = FeederCheck(forecast, np.arange(m))
        base, top = check.voltages(np.stack([0.0 * whole, whole]))
        now = float(((top - base) / (1.05 - base)).max())
        export = export * stress / now
        if abs(now / stress - 1.0) < 1e-3:
            break
    return Case(market, check)


@dataclass
class Linear:
    """V(s) ~ v + J (s - at) for the rows that can bind."""

    at: np.ndarray
    room: np.ndarray
    slope: np.ndarray

    @property
    def right(self) -> np.ndarray:
        return self.room + self.slope @ self.at


def linearised(case: Case, at: np.ndarray) -> Linear:
    """Voltages and their derivatives at totals, from m + 1 power flows an interval."""
    m = case.market.m
    full = case.check.voltages(case.market.capacity_kwh[None])[0]
    bind = full > case.upper_pu
    v = case.check.voltages(np.concatenate([at[None], at + STEP_KWH * np.eye(m)]))[:, bind]
    slope = (v[1:] - v[0]).T / STEP_KWH
    room = case.upper_pu[bind] - v[0]
    # rows that the others imply are left out: A s <= b with s >= 0
    right = room + slope @ at
    scaled = slope / right[:, None]
    order = np.argsort(-scaled.sum(axis=1))
    kept: list[int] = []
    for row in order:
        if not any((scaled[row] <= scaled[other]).all() for other in kept):
            kept.append(int(row))
    return Linear(at, room[kept], slope[kept])


def most_energy(case: Case) -> np.ndarray:
    """Totals of the most energy, by successive linear programs."""
    market, at = case.market, 0.3 * case.market.capacity_kwh
    for _ in range(ROUNDS):
        flat = linearised(case, at)
        found = linprog(
            -np.ones(market.m),
            A_ub=np.concatenate([flat.slope, np.ones((1, market.m))]),
            b_ub=np.append(flat.right, market.demand_kwh.sum()),
            bounds=[(0.0, cap) for cap in market.capacity_kwh],
            method="highs",
        ).x
        step, at = np.abs(found - at).max(), found
        if step <= IMMATERIAL * market.capacity_kwh.max():
            break
    return at


def front(case: Case, levels: int) -> np.ndarray:
    """Points (f1, f2) of the front under voltage limits, in increasing order of f2."""
    market = case.market
    price = market.price_per_kwh
    energy = cp.Variable((market.m, market.n), nonneg=True)
    bids = np.tile(market.bid_per_kwh, (market.m, 1))
    worth = cp.sum(cp.multiply(bids, cp.log(energy + 1e-6)))
    sold, total = cp.Variable(market.m), cp.Variable()
    limits = [
        *(sold == cp.sum(energy, axis=1), total == cp.sum(sold)),
        *(sold <= market.capacity_kwh, cp.sum(energy, axis=0) <= market.demand_kwh),
    ]

    def best(objective, at, more):
        for _ in range(ROUNDS):
            flat = linearised(case, at)
            unit = flat.right[:, None]
            rows = [(flat.slope / unit) @ sold <= flat.right / unit[:, 0]]
            problem = cp.Problem(cp.Maximize(objective), [*limits, *rows, *more])
            with warnings.catch_warnings():  # near the end the program has next to no inside
                warnings.simplefilter("ignore", UserWarning)
                try:
                    problem.solve(solver=cp.CLARABEL)
                except cp.SolverError:
                    problem.solve(solver=cp.CLARABEL, **SHORTER)
            assert problem.status in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE)
            found = np.maximum(sold.value, 0.0)
            step, at = np.abs(found - at).max(), found
            if step <= 1e-4 * market.capacity_kwh.max():
                break
        assert case.check.voltages(at[None]).max() <= 1.05 + 1e-6
        return at, float(worth.value), float(total.value)

    top = most_energy(case)
    most = END * float(top.sum())
    at, value, least = best(worth - price * total, 0.3 * market.capacity_kwh, [])
    points = [(value - price * least, price * least)]
    # levels close up towards the end, where the front falls steeply
    for level in least + (most - least) * (1.0 - np.linspace(1.0, 0.0, levels)[1:] ** 2):
        at, value, _ = best(worth, at, [total == level])
        points.append((value - price * level, price * level))
    return np.array(points)


class Measure:
    """Hypervolume of fronts relative to a reference front, interpolated at 1,000 energies."""

    def __init__(self, points: np.ndarray) -> None:
        self.low = np.array([points[-1, 0], points[0, 1]])
        self.span = np.array([points[0, 0] - points[-1, 0], points[-1, 1] - points[0, 1]])
        f2 = np.linspace(points[0, 1], points[-1, 1], 1000)
        self.end = float(points[-1, 1])
        self.whole = self._volume(np.interp(f2, points[:, 1], points[:, 0]), f2)

    def _volume(self, f1: np.ndarray, f2: np.ndarray) -> float:
        x = np.maximum((f1 - self.low[0]) / self.span[0] + 0.1, 0.0)
        y = np.maximum((np.minimum(f2, self.end) - self.low[1]) / self.span[1] + 0.1, 0.0)
        order = np.argsort(-x)
        height = np.maximum.accumulate(y[order])
        return float((x[order] * np.diff(height, prepend=0.0)).sum())

    def ratio(self, f1: np.ndarray, f2: np.ndarray) -> float:
        """Share of the reference's hypervolume; energy beyond its end counts as its end."""
        return self._volume(f1, f2) / self.whole
