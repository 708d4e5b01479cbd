"""Engines: how the front of a frame is found, from its structure or by NSGA-II."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .frame_market import FrameMarket, Points
from .network_check import NetworkCheck
from .objectives import Objectives
from .voltage_front import front_within


@dataclass(frozen=True, slots=True, eq=False)
class SearchSettings:
    """What an engine may use.

    Parameters
    ----------
    encoding : str
        Genes of `nsga2`: `marginal` or `pairwise`.
    population, generations : int
        Size of the population and most generations of `nsga2`.
    front_points : int
        Points of the `exact` front.
    warm : Points or None
        Totals of an earlier front of the same members to start from.
    network : NetworkCheck or None
        Voltages as a constraint of the search; None outside the `constrained` method.
    seeded : bool
        Whether water-filling points are in the first population (False shows the bare search).
    n_sellers : int
        Sellers of the whole book, which the network check is aligned with.

    Examples
    --------
    >>> SearchSettings().population
    100
    """

    encoding: str = "marginal"
    population: int = 100
    generations: int = 200
    front_points: int = 100
    warm: Points | None = None
    network: NetworkCheck | None = None
    seeded: bool = True
    n_sellers: int = 0


Engine = Callable[[FrameMarket, Objectives, SearchSettings, np.random.Generator], Points]


def exact(
    market: FrameMarket,
    objectives: Objectives,
    settings: SearchSettings,
    rng: np.random.Generator,
) -> Points:
    """Return the front from the structure of the objectives, with its multipliers.

    Under voltage limits (`network`) the structure holds with a price on every limit that binds:
    the front is then made by successive linearisation, without multipliers.

    Parameters
    ----------
    market : FrameMarket
        Participants.
    objectives : Objectives
        The objective set.
    settings : SearchSettings
        `front_points`, `network` and `n_sellers` are used.
    rng : numpy.random.Generator
        Not used: nothing is random.

    Returns
    -------
    Points
        The exact front.

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> from gridbazaar.market.objectives import OBJECTIVES
    >>> front = exact(market, OBJECTIVES["published"], SearchSettings(front_points=3),
    ...               np.random.default_rng(1))
    >>> front.sold_kwh.sum(axis=1).round(1).tolist()
    [2.4, 31.2, 60.0]
    """
    if settings.network is not None:
        return front_within(
            market, objectives, settings.network, settings.n_sellers, settings.front_points
        )
    return objectives.exact_front(market, settings.front_points)


def nsga2(
    market: FrameMarket,
    objectives: Objectives,
    settings: SearchSettings,
    rng: np.random.Generator,
) -> Points:
    """Search the front by NSGA-II (pymoo, which is imported on first use: it takes a while).

    For the published objectives without voltages this adds nothing to the closed form; it is
    there for fidelity, for voltages inside the search and for objectives without structure.

    Parameters
    ----------
    market : FrameMarket
        Participants.
    objectives : Objectives
        The objective set.
    settings : SearchSettings
        All of it is used.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    Points
        The non-dominated points found.

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> book = OrderBook(("s", "t"), [1.0, 1.0], [30.0, 30.0], ("b",), [6.0], [60.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> from gridbazaar.market.objectives import OBJECTIVES
    >>> found = nsga2(market, OBJECTIVES["published"], SearchSettings(), np.random.default_rng(1))
    >>> round(float(found.sold_kwh.sum(axis=1).max()), 6)
    60.0
    """
    from .nsga2 import search

    return search(market, objectives, settings, rng)


ENGINES: dict[str, Engine] = {"nsga2": nsga2, "exact": exact}
