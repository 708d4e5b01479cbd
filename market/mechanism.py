"""What a market mechanism is: frozen orders in, a frozen `Clearing` out, its generator handed in.

A mechanism is one small class that declares its `Traits`; one conformance suite over the registry
tests exactly what each claims. `ClearingRules` is the whole configuration of a clearing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from .clearing import Clearing, GridTerms
from .order import OrderBook, OrderError
from .price_history import PriceHistory


@dataclass(frozen=True, slots=True)
class Traits:
    """Economic properties that a mechanism claims, and the conformance suite tests.

    They may depend on the mechanism's settings.

    Parameters
    ----------
    individually_rational : bool
        Nobody trades at a price worse than its order; a bid above retail counts as retail.
    budget_balanced : {"strong", "weak", "no"}
        Money paid equals money received; is never less; may be less.
    uniform_price : bool
        All of a frame's energy has one price, and nothing is paid beside it.
    efficient : bool
        Greatest total surplus, by the prices that are reported.
    truthful : {"dominant", "one-size", "bayesian", "no"}
        In which sense stating the true price is best, the network ignored and quantities given:
        whatever the others do; so where all orders have one size; on average, if the others do so
        too, over the prior that the mechanism has as `prior` (`agv_prior.Prior`; uniform between
        feed-in and retail without one); in neither.
    anonymous : bool
        Members with equal orders (and priors) end alike, and other names change nothing. Not so
        where chance decides: by the order of arrival, or in a search.

    Examples
    --------
    >>> Traits(individually_rational=True).truthful
    'no'
    """

    individually_rational: bool
    budget_balanced: Literal["strong", "weak", "no"] = "strong"
    uniform_price: bool = True
    efficient: bool = False
    truthful: Literal["dominant", "one-size", "bayesian", "no"] = "no"
    anonymous: bool = True


class Mechanism(Protocol):
    """A rule that clears one frame, pure and without network."""

    @property
    def traits(self) -> Traits:
        """What the mechanism claims."""
        ...

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Clear a book.

        Parameters
        ----------
        book : OrderBook
            The orders; never changed.
        terms : GridTerms
            Retail and feed-in price.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        Clearing
            Depends on the arguments alone.
        """
        ...


@runtime_checkable
class LearnsPrices(Protocol):
    """A mechanism whose priors come from members' past orders, which are handed in."""

    def with_history(self, history: PriceHistory) -> Mechanism:
        """Return the mechanism that knows this history; the one asked is not changed."""
        ...


@dataclass(frozen=True, slots=True)
class ClearingRules:
    """The whole configuration of a clearing; the defaults are the model's.

    Parameters
    ----------
    mechanism : str
        Name in `registry.MECHANISMS`.
    price_rule : str
        `merit-order`, `k-double-auction`, `mid-market` or `fixed`.
    k : float
        Share of the gap that `k-double-auction`, `uniform` and `pay-as-bid` give to sellers, 0..1.
    fixed_price : float or None
        Price of `fixed` [currency/kWh].
    grid_margin : float
        How far below retail `merit-order` prices a short market [currency/kWh].
    participation : str
        `rational` (offer <= MCP <= bid) or `all`.
    objectives : str
        `published`, `per-buyer` or `surplus`.
    engine : str
        `nsga2` or `exact`.
    encoding : str
        `marginal` (totals) or `pairwise` (E_ij), of `nsga2`.
    choose : str or None
        Rule that picks from the front; None is the objective set's own (`demand-first`, for
        `surplus` `nash-bargaining`).
    whose : str
        Whose welfare `maximin` and `min-disparity` compare: `sides` or `participants`.
    weight : float
        Weight of f1 in `weighted-sum`, 0..1.
    goals : tuple of float
        Aspiration levels of normalised f1 and f2 in `goal-programming`, 0..1.
    population, generations : int
        Size of the population and most generations of `nsga2`.
    front_points : int
        Points of the `exact` front.
    network : str
        `adaptive-capping`, `constrained` or `ignore`.
    switch : str
        `tolerance` (another point of the front must serve at least 1 - switch_tolerance of the
        chosen one's energy) or `front` (any feasible point).
    switch_tolerance : float
        See `switch`, 0..1.
    cap_base : str
        `sold` (G_i <- cap_factor min(G_i, s_i)) or `offer` (G_i <- cap_factor G_i).
    cap_factor : float
        Factor of one capping, between 0 and 1.
    max_iterations : int
        Most capping rounds, >= 1.
    reprice : bool
        Discover the price of `pareto` anew from the capped book in every round. The default holds
        the price of the submitted book: a critical bus must not make energy dearer for everybody,
        and nobody gains by being capped. The other mechanisms always clear the capped book.
    padding : float
        Phantom order of `competition-padding`, as a multiple of the largest orders of both sides
        together, >= 0; below 1 it may run a deficit.
    prior_samples : int
        Draws that the expectation of `agv` is taken over.
    prior_orders : int
        Past orders of a member on a side before `agv` estimates its prior from them.

    Examples
    --------
    >>> ClearingRules().price_rule, ClearingRules(engine="exact").engine
    ('merit-order', 'exact')
    """

    mechanism: str = "pareto"
    price_rule: str = "merit-order"
    k: float = 0.5
    fixed_price: float | None = None
    grid_margin: float = 0.25
    participation: str = "rational"
    objectives: str = "published"
    engine: str = "nsga2"
    encoding: str = "marginal"
    choose: str | None = None
    whose: str = "sides"
    weight: float = 0.5
    goals: tuple[float, float] = (1.0, 1.0)
    population: int = 100
    generations: int = 200
    front_points: int = 100
    network: str = "adaptive-capping"
    switch: str = "tolerance"
    switch_tolerance: float = 0.0
    cap_base: str = "sold"
    cap_factor: float = 0.9
    max_iterations: int = 25
    reprice: bool = False
    padding: float = 1.0
    prior_samples: int = 200
    prior_orders: int = 6


def rules_problems(rules: ClearingRules) -> list[str]:
    """List everything that is wrong with a configuration.

    Parameters
    ----------
    rules : ClearingRules
        The configuration.

    Returns
    -------
    list of str
        Place, what is wrong, what to do; empty if nothing is. An unknown name is answered with
        the list of known ones.

    Examples
    --------
    >>> rules_problems(ClearingRules(k=2.0))
    ['k: 2.0: give a number from 0 to 1']
    """
    from . import registry  # the registry imports the mechanisms, which import this module

    known: dict[str, Mapping[str, Any]] = {
        "mechanism": registry.MECHANISMS,
        "price_rule": registry.PRICE_RULES,
        "participation": registry.PARTICIPATION,
        "objectives": registry.OBJECTIVES,
        "engine": registry.ENGINES,
        "encoding": registry.ENCODINGS,
        "network": registry.NETWORK_METHODS,
        "whose": dict.fromkeys(registry.WHOSE),
        "switch": dict.fromkeys(registry.SWITCHES),
        "cap_base": dict.fromkeys(registry.CAP_BASES),
    }
    problems = [
        f"{name}: {getattr(rules, name)!r} is unknown: use one of {', '.join(names)}"
        for name, names in known.items()
        if getattr(rules, name) not in names
    ]
    if rules.choose is not None and rules.choose not in registry.CHOICE_RULES:
        names = ", ".join(registry.CHOICE_RULES)
        problems.append(f"choose: {rules.choose!r} is unknown: use one of {names}")
    for name in ("k", "weight", "switch_tolerance"):
        problems += _outside(name, getattr(rules, name), 0.0, 1.0)
    for goal in rules.goals:
        problems += _outside("goals", goal, 0.0, 1.0)
    if not 0.0 < rules.cap_factor < 1.0:
        problems.append(f"cap_factor: {rules.cap_factor}: give a number between 0 and 1")
    for name in ("grid_margin", "padding"):
        if not isfinite(getattr(rules, name)) or getattr(rules, name) < 0:
            problems.append(f"{name}: {getattr(rules, name)}: give a number >= 0")
    for name, least in (
        ("population", 4),
        ("generations", 1),
        ("front_points", 2),
        ("max_iterations", 1),
        ("prior_samples", 1),
        ("prior_orders", 1),
    ):
        if getattr(rules, name) < least:
            problems.append(f"{name}: {getattr(rules, name)}: give a whole number >= {least}")
    if rules.price_rule == "fixed" and rules.fixed_price is None:
        problems.append("fixed_price: missing: price_rule 'fixed' needs a price >= 0")
    if rules.fixed_price is not None and not (
        isfinite(rules.fixed_price) and rules.fixed_price >= 0
    ):
        problems.append(f"fixed_price: {rules.fixed_price}: give a finite number >= 0")
    if not problems:
        problems += _network_problems(rules, registry.MECHANISMS[rules.mechanism](rules))
    return problems


def _network_problems(rules: ClearingRules, mechanism: Mechanism) -> list[str]:
    if rules.network != "constrained" or hasattr(mechanism, "clear_constrained"):
        return []
    return [
        f"network: 'constrained' needs a mechanism with a search, {rules.mechanism} has none: "
        "use adaptive-capping"
    ]


def mechanism_problems(rules: ClearingRules, terms: GridTerms) -> list[str]:
    """List what a mechanism needs of the grid's prices and does not get.

    A mechanism says so by a method `problems(terms)`; most need nothing.

    Parameters
    ----------
    rules : ClearingRules
        A sound configuration.
    terms : GridTerms
        Prices of a frame.

    Returns
    -------
    list of str
        Place, what is wrong, what to use instead.

    Examples
    --------
    >>> mechanism_problems(ClearingRules("supply-demand-ratio"), GridTerms(7.0, 0.0))[0][:52]
    'mechanism: supply-demand-ratio: needs a feed-in pric'
    """
    ask = getattr(build_mechanism(rules), "problems", None)
    return list(ask(terms)) if ask is not None else []


def mechanism_notes(rules: ClearingRules) -> tuple[str, ...]:
    """What a reader should know of a mechanism before the run: a fallback that it begins with.

    Parameters
    ----------
    rules : ClearingRules
        A sound configuration.

    Returns
    -------
    tuple of str
        The mechanism's `notes`; empty for most.

    Examples
    --------
    >>> len(mechanism_notes(ClearingRules("agv"))), mechanism_notes(ClearingRules("uniform"))
    (1, ())
    """
    return tuple(getattr(build_mechanism(rules), "notes", ()))


def _outside(name: str, value: float, low: float, high: float) -> list[str]:
    if low <= value <= high:
        return []
    return [f"{name}: {value}: give a number from {low:g} to {high:g}"]


def build_mechanism(rules: ClearingRules | None = None) -> Mechanism:
    """Build the mechanism that a configuration names.

    Parameters
    ----------
    rules : ClearingRules, optional
        The configuration; the model's defaults without it.

    Returns
    -------
    Mechanism
        Pure: it can be used for any number of frames.

    Raises
    ------
    OrderError
        With all problems of the configuration.

    Examples
    --------
    >>> build_mechanism(ClearingRules(engine="exact")).traits.uniform_price
    True
    """
    from . import registry  # the registry imports the mechanisms, which import this module

    chosen = rules or ClearingRules()
    problems = rules_problems(chosen)
    if problems:
        raise OrderError(problems)
    return registry.MECHANISMS[chosen.mechanism](chosen)


RULE_NAMES: tuple[str, ...] = tuple(field.name for field in fields(ClearingRules))
