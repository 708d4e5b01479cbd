"""The search of the front by NSGA-II [1]_, on pymoo's implementation [2]_.

pymoo runs the generations; what is replaced is what its generality makes slow: genes and values of
a generation are arrays (one pymoo individual stands for all of them), selection and variation work
on whole arrays, survival knows that there are two objectives, and the search stops as soon as it
has converged. Only this module and `nsga2_parts` import pymoo.

.. [1] K. Deb, A. Pratap, S. Agarwal and T. Meyarivan, "A fast and elitist multiobjective genetic
   algorithm: NSGA-II", IEEE Transactions on Evolutionary Computation 6 (2002) 182-197,
   doi:10.1109/4235.996017.
.. [2] J. Blank and K. Deb, "pymoo: multi-objective optimization in Python", IEEE Access 8 (2020)
   89497-89509, doi:10.1109/ACCESS.2020.2990567.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymoo.core.population import Population

from .encodings import ENCODINGS, Encoding
from .engines import SearchSettings
from .frame_market import FrameMarket, Points
from .gene_repair import moved_to
from .non_dominated import non_dominated
from .nsga2_parts import (
    ArrayEvaluator,
    ArrayMating,
    Converged,
    FrameProblem,
    Search,
    TwoObjectiveSurvival,
    pair_values,
    snapped,
)
from .objectives import Objectives
from .voltage_rows import GRAIN_PU, rounded_up
from .voltage_seeds import seeds_within

FloatArray = NDArray[np.float64]
SEED_SHARE = 0.5  # of the first population is water-filling points, the rest random
COLLAPSED_POPULATION = 16  # enough where theory says that one point beats all others
STALL_GENERATIONS = 4
VOLTAGE_STALL_GENERATIONS = 6  # where voltages bind, seeds are not the answer
BARE_STALL_GENERATIONS = 40  # without seeds progress comes in leaps
WARM_POPULATION = 24  # a capping round starts from the front of the round before
WARM_GENERATIONS = 2


def search(
    market: FrameMarket,
    objectives: Objectives,
    settings: SearchSettings,
    rng: np.random.Generator,
) -> Points:
    """Find the front of a market by NSGA-II.

    Parameters
    ----------
    market : FrameMarket
        Participants.
    objectives : Objectives
        The objective set.
    settings : SearchSettings
        Encoding, population, generations, an earlier front, the network as constraint.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    Points
        Feasible non-dominated points in increasing order of f2, valued by exact pairing; none
        where no feasible point was found.

    Examples
    --------
    >>> from gridbazaar.market.objectives import OBJECTIVES
    >>> from gridbazaar.market.order import OrderBook
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> found = search(market, OBJECTIVES["published"], SearchSettings(), np.random.default_rng(1))
    >>> round(float(found.sold_kwh.sum(axis=1).max()), 3), found.collapsed
    (60.0, False)
    """
    encoding = ENCODINGS[settings.encoding](market)
    conflict = settings.network is not None or objectives.conflict(market)
    size = settings.population
    if settings.warm is not None:
        size = min(size, WARM_POPULATION if conflict else COLLAPSED_POPULATION)
    problem = FrameProblem(market, objectives, encoding, settings)
    first = _first_population(problem, size, conflict, rng)
    algorithm = Search(
        pop_size=size,
        sampling=Population.empty(1),  # a token: individuals are rows of the arrays in `data`
        survival=TwoObjectiveSurvival(),
        mating=ArrayMating(encoding),
        eliminate_duplicates=False,
        output=None,
        evaluator=ArrayEvaluator(),
    )
    most = settings.generations
    if settings.warm is not None:
        most = min(most, WARM_GENERATIONS)
    if not conflict:  # one point beats all: a generation shows it, the first one where warm
        most = min(most, 1 if settings.warm is not None else 2)
    stall = STALL_GENERATIONS
    if settings.network is not None or not settings.seeded:
        stall = VOLTAGE_STALL_GENERATIONS if settings.seeded else BARE_STALL_GENERATIONS
    algorithm.termination = Converged(most, stall)
    algorithm.setup(problem, seed=int(rng.integers(2**31)))
    algorithm.data["bred"] = first
    while algorithm.has_next():
        algorithm.next()
    return _best(market, objectives, encoding, algorithm, conflict)


def _first_population(
    problem: FrameProblem, size: int, conflict: bool, rng: np.random.Generator
) -> FloatArray:
    """Mix an earlier front, seeds from the structure, and random genes."""
    market, objectives = problem.market, problem.objectives
    settings, encoding = problem.settings, problem.encoding
    parts: list[FloatArray] = []
    left = size
    if settings.warm is not None and len(settings.warm):
        old = settings.warm
        genes = encoding.encode(old.sold_kwh, old.bought_kwh, old.price_per_kwh)
        take = np.unique(np.linspace(0, len(genes) - 1, max(1, size // 2)).astype(np.int64))
        parts.append(genes[take])
        left -= take.size
    if settings.seeded:
        count = max(1, round(SEED_SHARE * left)) if conflict else 1
        if problem.rows is not None and len(problem.rows):
            seeds = encoding.encode(*seeds_within(market, objectives, problem.rows, max(2, count)))
        else:
            seeds = encoding.encode(*objectives.seeds(market, max(1, count)))
        parts.append(seeds[:left])
        left -= parts[-1].shape[0]
    if left > 0:
        parts.append(_random(problem, left, rng))
    return encoding.repair(np.concatenate(parts))


def _random(problem: FrameProblem, count: int, rng: np.random.Generator) -> FloatArray:
    """Random genes, as far within the limits as a forecast from no sale at all can tell."""
    genes = problem.encoding.random(count, rng)
    if problem.rows is None:
        return genes
    genes = problem.encoding.repair(genes)
    idle = np.repeat(problem.rows.room(np.zeros((1, problem.market.m))), count, axis=0)
    return problem.within_limits(genes, np.zeros_like(genes), idle)


def _best(
    market: FrameMarket,
    objectives: Objectives,
    encoding: Encoding,
    algorithm: Any,
    conflict: bool,
) -> Points:
    """Value the final population exactly and keep its non-dominated feasible points."""
    genes, score = algorithm.data["genes"], algorithm.data["score"]
    good = score[:, 2] <= 0.0
    if algorithm.problem.rows is not None:
        genes, score = _rounded_up(algorithm, genes, score, good)
        good = _passing(algorithm.problem, genes) & (score[:, 2] <= 0.0)
    genes, score = genes[good], score[good]
    if conflict or not good.any():
        genes = genes[non_dominated(score[:, 0], score[:, 1])]
    else:  # theory says that the most energy is best for both sides: of those, the best f1
        traded = encoding.decode(genes)[0].sum(axis=1)
        most = np.flatnonzero(traded >= (1.0 - 1e-9) * traded.max())
        genes = genes[most[[np.argmax(score[most, 0])]]]
    sold, bought, price, energy = encoding.decode(genes)
    if energy is None:
        f1, f2 = objectives.values(market, sold, bought, price, final=True)
    else:
        f1, f2 = pair_values(market, objectives, sold, bought, price, energy)
    best = non_dominated(f1, snapped(f2, market))
    total = sold[best].sum(axis=1)
    one_answer = not objectives.price_in_search and best.size > 0
    one_answer = one_answer and float(np.ptp(total)) <= 1e-6 * float(total.max())
    return Points(
        sold[best],
        bought[best],
        price[best],
        f1[best],
        f2[best],
        collapsed=not conflict or one_answer,
        evaluations=int(algorithm.evaluator.n_eval),
        generations=int(algorithm.data["generations"]),
        energy_kwh=None if energy is None else energy[best],
    )


def _rounded_up(
    algorithm: Any, genes: FloatArray, score: FloatArray, good: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Sell out who has a grain left, wherever the limits still hold then."""
    problem, market = algorithm.problem, algorithm.problem.market
    sold, bought, price, energy = problem.encoding.decode(genes)
    if energy is not None or not good.any():
        return genes, score
    more = rounded_up(sold, market.capacity_kwh, algorithm.data["room"], problem.rows.effect)
    total = np.minimum(more.sum(axis=1), market.demand_kwh.sum())
    level = moved_to(more, market.capacity_kwh, total)
    tried = problem.encoding.repair(
        problem.encoding.encode(level, moved_to(bought, market.demand_kwh, total), price)
    )
    tried_score, room = problem.score(tried)
    algorithm.evaluator.n_eval += len(tried)
    kept = good & (room.min(axis=1, initial=np.inf) >= GRAIN_PU)
    return np.where(kept[:, None], tried, genes), np.where(kept[:, None], tried_score, score)


def _passing(problem: FrameProblem, genes: FloatArray) -> NDArray[np.bool_]:
    """Ask the whole network check: the rows of the search are only those that can bind."""
    network = problem.settings.network
    assert network is not None
    wide = np.zeros((len(genes), problem.settings.n_sellers))
    wide[:, problem.market.sellers] = problem.encoding.decode(genes)[0]
    return network.check(wide).feasible
