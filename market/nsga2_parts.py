"""The parts that pymoo's NSGA-II is put together from: problem, mating, survival, termination."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymoo.algorithms.base.genetic import GeneticAlgorithm
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.evaluator import Evaluator
from pymoo.core.infill import InfillCriterion
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.survival import Survival
from pymoo.core.termination import Termination

from .encodings import Encoding
from .engines import SearchSettings
from .frame_market import FrameMarket
from .objectives import Objectives
from .pairing import EPSILON_KWH
from .survival import survivors
from .voltage_rows import VoltageRows, within

FloatArray = NDArray[np.float64]
STALL_GAIN = 2e-3  # hypervolume gained over the stall window, relative


def snapped(f2: FloatArray, market: FrameMarket) -> FloatArray:
    """Round f2 to 1e-10 of its scale: round-off in T must not outrank a better f1.

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> float(np.ptp(snapped(np.array([10.0 + 1e-10, 10.0]), market)))
    0.0
    """
    top = market.price_per_kwh
    if not np.isfinite(top):  # the price is free: f2 lies between its bound and the offers
        top = max(market.price_bounds[1], float(market.offer_per_kwh.max(initial=0.0)))
    unit = 1e-10 * max(top * market.most_kwh, 1e-300)
    return np.asarray(np.round(f2 / unit) * unit)


def pair_values(
    market: FrameMarket,
    objectives: Objectives,
    sold: FloatArray,
    bought: FloatArray,
    price: FloatArray,
    energy: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Value pairs as they are, where the objective set looks at pairs.

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> from gridbazaar.market.objectives import OBJECTIVES
    >>> pairs = np.full((1, 2, 1), 20.0)
    >>> f1, f2 = pair_values(market, OBJECTIVES["published"], pairs.sum(axis=2), pairs.sum(axis=1),
    ...                      np.array([5.0]), pairs)
    >>> round(float(f1[0]), 3), float(f2[0])
    (-164.051, 200.0)
    """
    if objectives.name != "published":
        return objectives.values(market, sold, bought, price, final=False)
    worth = (np.log(energy + EPSILON_KWH) * market.bid_per_kwh).sum(axis=(1, 2))
    f2 = price * sold.sum(axis=1)
    return worth + float(np.log(EPSILON_KWH)) * market.silent_pairs_bid - f2, f2


class Search(NSGA2):  # type: ignore[misc]
    """pymoo's NSGA-II without its own record of the optimum, which is read off the scores."""

    def __init__(self, **kwargs: Any) -> None:
        # NSGA2 would build a default termination of some twenty objects, which is replaced anyhow
        GeneticAlgorithm.__init__(self, advance_after_initial_infill=True, **kwargs)

    def _set_optimum(self, **kwargs: Any) -> None:
        self.opt = None


class FrameProblem(Problem):  # type: ignore[misc]
    """The frame as pymoo sees it; values are computed for the whole population at once.

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> from gridbazaar.market.encodings import ENCODINGS
    >>> from gridbazaar.market.objectives import OBJECTIVES
    >>> problem = FrameProblem(market, OBJECTIVES["published"], ENCODINGS["marginal"](market),
    ...                        SearchSettings())
    >>> score, _ = problem.score(np.array([[20.0, 20.0, 40.0]]))
    >>> round(float(score[0, 1]), 6), float(score[0, 2])  # f2, and no limit broken
    (200.0, 0.0)
    """

    def __init__(
        self,
        market: FrameMarket,
        objectives: Objectives,
        encoding: Encoding,
        settings: SearchSettings,
    ) -> None:
        super().__init__(
            n_var=encoding.upper.size,
            n_obj=2,
            n_ieq_constr=0 if settings.network is None else 1,
            xl=np.zeros(encoding.upper.size),
            xu=encoding.upper,
        )
        self.market = market
        self.objectives = objectives
        self.encoding = encoding
        self.settings = settings
        self.rows: VoltageRows | None = None
        if settings.network is not None:
            self.rows = VoltageRows(market, settings.network, settings.n_sellers)

    def score(self, genes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Value genes, and ask the power flow for all of them in one batch.

        Returns f1, f2 (maximised) and the violation of the network's limits, shape (k, 3), and the
        room that each has under each limit, shape (k, q) with q = 0 without a network.
        """
        sold, bought, price, energy = self.encoding.decode(genes)
        if energy is None:
            f1, f2 = self.objectives.values(self.market, sold, bought, price, final=False)
        else:
            f1, f2 = pair_values(self.market, self.objectives, sold, bought, price, energy)
        room = np.zeros((len(genes), 0)) if self.rows is None else self.rows.room(sold)
        over = np.maximum(-room, 0.0).sum(axis=1)
        return np.stack([f1, snapped(f2, self.market), over], axis=1), room

    def within_limits(
        self, genes: FloatArray, parent: FloatArray, parent_room: FloatArray
    ) -> FloatArray:
        """Pull genes that the linear forecast sees beyond a limit back along dV/dP."""
        if self.rows is None or len(self.rows) == 0:
            return genes
        raw, held = self.encoding.decode(genes)[0], self.encoding.decode(parent)[0]
        sold = within(raw, held, np.maximum(parent_room, -1.0), self.rows.effect)
        moved = (sold < raw).any(axis=1)
        result = genes.copy()
        result[moved] = self.encoding.sell_less(genes[moved], sold[moved])
        return result

    def _evaluate(self, x: FloatArray, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        score, _ = self.score(x)
        out["F"] = -score[:, :2]
        if self.settings.network is not None:
            out["G"] = score[:, 2:]


class ArrayEvaluator(Evaluator):  # type: ignore[misc]
    """Values a population in one call and keeps the values as arrays."""

    def eval(
        self, problem: FrameProblem, pop: Population, algorithm: Any = None, **kwargs: Any
    ) -> Population:
        """Value the genes that were bred last."""
        data = algorithm.data
        data["born"] = data.pop("bred")
        data["offspring"], data["born_room"] = problem.score(data["born"])
        self.n_eval += len(data["born"])
        return pop


class TwoObjectiveSurvival(Survival):  # type: ignore[misc]
    """Keeps the fittest by `survival.survivors`."""

    def __init__(self) -> None:
        super().__init__(filter_infeasible=False)

    def do(
        self,
        problem: FrameProblem,
        pop: Population,
        *args: Any,
        n_survive: int | None = None,
        algorithm: Any = None,
        **kwargs: Any,
    ) -> Population:
        """Merge the generation with its offspring and keep the fittest rows."""
        data = algorithm.data
        score, genes, room = data["offspring"], data["born"], data["born_room"]
        if "score" in data:
            score = np.concatenate([data["score"], score])
            genes = np.concatenate([data["genes"], genes])
            room = np.concatenate([data["room"], room])
        keep = min(len(score), int(algorithm.pop_size))
        index, rank, space = survivors(score[:, 0], score[:, 1], score[:, 2], keep)
        data["score"], data["genes"], data["room"] = score[index], genes[index], room[index]
        data["rank"], data["space"] = rank, space
        return pop[:1]


class ArrayMating(InfillCriterion):  # type: ignore[misc]
    """Binary tournaments, blend crossover, exchanges and gene mutation, on whole arrays."""

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        self.encoding = encoding

    def do(
        self,
        problem: FrameProblem,
        pop: Population,
        n_offsprings: int,
        *args: Any,
        random_state: np.random.Generator | None = None,
        algorithm: Any = None,
        **kwargs: Any,
    ) -> Population:
        """Breed the next generation's genes."""
        rng = random_state
        assert rng is not None
        genes = algorithm.data["genes"]
        parents = self._parents(algorithm.data, n_offsprings, rng)
        one, two = genes[parents[0]], genes[parents[1]]
        k, q = one.shape
        # blending whole individuals follows a curved front; blending genes mixes good parts
        whole = rng.random((k, 1)) < 0.5
        share = np.where(whole, rng.uniform(-0.3, 1.3, (k, 1)), rng.uniform(-0.2, 1.2, (k, q)))
        child = one + share * (two - one)
        moved = rng.random(k) < 0.5
        child[moved] = self.encoding.exchange(child[moved], rng)
        mutated = rng.random((k, q)) < 1.0 / q
        step = self.encoding.upper * rng.normal(0.0, 0.1, (k, q))
        child = np.where(mutated & (rng.random((k, 1)) < 0.5), child + step, child)
        room = algorithm.data["room"][parents[0]]
        algorithm.data["bred"] = problem.within_limits(self.encoding.repair(child), one, room)
        return algorithm.pop  # a token: genes and scores of the generation are arrays in `data`

    def _parents(
        self, data: dict[str, Any], count: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Winners of binary tournaments by rank, then crowding, shape (2, count)."""
        rank, space = data["rank"], data["space"]
        rivals = rng.integers(rank.size, size=(2, 2, count))
        first, second = rivals
        better = (rank[second] < rank[first]) | (
            (rank[second] == rank[first]) & (space[second] > space[first])
        )
        return np.asarray(np.where(better, second, first))


class Converged(Termination):  # type: ignore[misc]
    """Stops when the hypervolume has stalled, the front is one point, or generations are up.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> data = {"rank": np.zeros(2), "score": np.array([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0]])}
    >>> stop = Converged(most=200, stall=2)
    >>> [stop._update(SimpleNamespace(data=data)) for _ in range(3)]
    [0.005, 0.01, 1.0]
    """

    def __init__(self, most: int, stall: int) -> None:
        super().__init__()
        self.most = most
        self.stall = stall
        self.reference: FloatArray | None = None
        self.volumes: list[float] = []

    def _update(self, algorithm: Any) -> float:
        data = algorithm.data
        data["generations"] = len(self.volumes) + 1
        top = (data["rank"] == 0) & (data["score"][:, 2] <= 0.0)
        front = data["score"][top, :2]
        self.volumes.append(self._volume(front))
        done = len(self.volumes)
        if done >= self.most:
            return 1.0
        if done > self.stall and front.shape[0] > 0:
            gained = self.volumes[-1] - self.volumes[-1 - self.stall]
            if gained <= STALL_GAIN * abs(self.volumes[-1]):
                return 1.0
        return min(0.99, done / self.most)

    def _volume(self, front: FloatArray) -> float:
        """Area dominated by a front beyond the worst feasible point of the first generation."""
        if front.shape[0] == 0:
            return 0.0
        if self.reference is None:
            low, high = front.min(axis=0), front.max(axis=0)
            self.reference = low - 0.1 * np.maximum(high - low, 1e-9 * np.abs(high))
        order = np.argsort(-front[:, 0])
        width = np.maximum(front[order, 0] - self.reference[0], 0.0)
        height = np.maximum.accumulate(np.maximum(front[order, 1] - self.reference[1], 0.0))
        return float((width * np.diff(height, prepend=0.0)).sum())
