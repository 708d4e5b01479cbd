"""The network loop around any mechanism: switch, cap sellers, clear again, restore.

A schedule is accepted only if the network check accepts it, or the status says otherwise. Every
iteration is kept. Capping acts on overvoltage; undervoltage is not cured by it and only flagged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .clearing import CappingStep, Clearing, GridTerms, Status
from .mechanism import ClearingRules, Mechanism
from .network_check import NetworkCheck, Voltages
from .order import OrderBook, OrderError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Phase = Literal["first", "cap", "switch", "restore"]

NETWORK_METHODS: dict[str, str] = {
    "adaptive-capping": "cap sellers at critical nodes, clear again, restore (published)",
    "constrained": "voltages as a constraint inside the search",
    "ignore": "clear without the network; voltages are only reported",
}
SWITCHES = ("tolerance", "front")
CAP_BASES = ("sold", "offer")
MATERIAL_SHARE = 0.1  # of the greatest dV/dP: a seller below it does not cause that overvoltage
HIGHEST_SHARE = 0.95  # sellers this near to the greatest dV/dP are capped together
RESTORE_TOLERANCE = 5e-4  # relative width of the bisection that gives capacity back
SERVED_ALIKE = 1e-9  # relative


@runtime_checkable
class _ClearsAgain(Protocol):
    """A mechanism that can hold its price and start from an earlier front."""

    def clear_again(
        self, book: OrderBook, terms: GridTerms, rng: np.random.Generator, earlier: Clearing
    ) -> Clearing: ...


@runtime_checkable
class _Switches(Protocol):
    """A mechanism that can write another point of its front as the clearing."""

    def switch_to(self, book: OrderBook, clearing: Clearing, point: int) -> Clearing: ...


@runtime_checkable
class _Constrained(Protocol):
    """A mechanism that can take voltages into its search."""

    def clear_constrained(
        self,
        book: OrderBook,
        terms: GridTerms,
        rng: np.random.Generator,
        network: NetworkCheck,
    ) -> Clearing: ...


@dataclass(frozen=True, slots=True)
class CappingOptions:
    """How a clearing is kept within the feeder's limits.

    Parameters
    ----------
    method : {"adaptive-capping", "constrained", "ignore"}
        See `NETWORK_METHODS`.
    switch : {"tolerance", "front"}
        Which feasible point of the front may replace an infeasible choice: one that serves at
        least (1 - `switch_tolerance`) of its energy, or any.
    switch_tolerance : float
        0..1.
    cap_base : {"sold", "offer"}
        G_i <- factor min(G_i, s_i), or the literal published factor G_i.
    cap_factor : float
        Between 0 and 1.
    max_iterations : int
        Most capping rounds.

    Examples
    --------
    >>> CappingOptions().cap_factor
    0.9
    """

    method: str = "adaptive-capping"
    switch: str = "tolerance"
    switch_tolerance: float = 0.0
    cap_base: str = "sold"
    cap_factor: float = 0.9
    max_iterations: int = 25

    @classmethod
    def of_rules(cls, rules: ClearingRules) -> CappingOptions:
        """Take the network part of a whole configuration.

        Parameters
        ----------
        rules : ClearingRules
            The configuration.

        Returns
        -------
        CappingOptions
            Its fields `network`, `switch`, ... `max_iterations`.

        Examples
        --------
        >>> CappingOptions.of_rules(ClearingRules(network="ignore")).method
        'ignore'
        """
        return cls(
            rules.network,
            rules.switch,
            rules.switch_tolerance,
            rules.cap_base,
            rules.cap_factor,
            rules.max_iterations,
        )


def clear_within_limits(
    mechanism: Mechanism,
    book: OrderBook,
    terms: GridTerms,
    network: NetworkCheck | None,
    rng: np.random.Generator,
    options: CappingOptions | None = None,
) -> Clearing:
    """Clear a book and keep the schedule within the feeder's voltage limits.

    `adaptive-capping`: (i) if the chosen point is infeasible, switch to a feasible point of the
    front that serves enough; (ii) else cap the sellers at critical nodes (those of highest dV/dP
    where the nodes have none) and clear again, at the held price and from the last front where
    the mechanism can; (iii) bisection restores the caps to the largest feasible common factor;
    (iv) `switch_front_kwh` reports what any feasible point of the first front would have served.
    Where `max_iterations` rounds do not suffice, the sellers at critical nodes are stopped
    altogether, and then restored likewise.

    Parameters
    ----------
    mechanism : Mechanism
        Any.
    book : OrderBook
        The orders.
    terms : GridTerms
        Retail and feed-in price.
    network : NetworkCheck or None
        The feeder as forecast; None clears without it.
    rng : numpy.random.Generator
        The only source of randomness.
    options : CappingOptions, optional
        The model's defaults without it.

    Returns
    -------
    Clearing
        Feasible by the check if its status is `cleared`. `infeasible-base`: the feeder is above
        its limit without any sale; sellers that move that bus materially are stopped.
        `infeasible-limit`: no schedule passed the check, nothing is traded.

    Raises
    ------
    OrderError
        If the method is unknown, or `constrained` is asked of a mechanism that has no search.

    Examples
    --------
    >>> from gridbazaar.market.mechanism import build_mechanism
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> clear_within_limits(build_mechanism(ClearingRules(engine="exact")), book,
    ...     GridTerms(7.0, 2.0), None, np.random.default_rng(1)).traded_kwh
    4.0
    """
    opts = options or CappingOptions()
    if opts.method not in NETWORK_METHODS:
        raise OrderError(
            [f"network: {opts.method!r} is unknown: use one of {', '.join(NETWORK_METHODS)}"]
        )
    if network is None:
        return mechanism.clear(book, terms, rng)
    base = network.base()
    if opts.method == "ignore":
        return _reported(mechanism.clear(book, terms, rng), network, base)
    loop = _Loop(mechanism, book, terms, network, rng, opts, base)
    if opts.method == "constrained":
        if not isinstance(mechanism, _Constrained):
            raise OrderError(
                [
                    f"network: 'constrained' needs a mechanism with a search, "
                    f"{type(mechanism).__name__} has none: use 'adaptive-capping'"
                ]
            )
        searched = mechanism.clear_constrained(book, terms, rng, network)
        if searched.status == "cleared" and loop.judge(searched, loop.start, "first"):
            return loop.finish(searched, loop.start)
    return loop.run()


def _reported(clearing: Clearing, network: NetworkCheck, base: Voltages) -> Clearing:
    """Add the voltages of a schedule that nobody asked the network about."""
    seen = network.check(clearing.sold_kwh[None])
    return replace(
        clearing,
        v_min_pu=float(seen.v_min_pu[0]),
        v_max_pu=float(seen.v_max_pu[0]),
        undervoltage_base=bool(base.undervoltage[0]),
    )


class _Loop:
    """One frame's way through switching, capping and restoring."""

    def __init__(
        self,
        mechanism: Mechanism,
        book: OrderBook,
        terms: GridTerms,
        network: NetworkCheck,
        rng: np.random.Generator,
        options: CappingOptions,
        base: Voltages,
    ) -> None:
        self.mechanism = mechanism
        self.book = book
        self.terms = terms
        self.network = network
        self.rng = rng
        self.options = options
        self.base = base
        self.steps: list[CappingStep] = []
        self.first: Clearing | None = None
        self.last: Clearing | None = None  # the last one with a front to start from
        self.accepted: Clearing | None = None  # the last schedule that passed, see `judge`
        self.seen: Voltages | None = None
        self.switch_front_kwh: float | None = None
        self.start = book.capacity_kwh.copy()

    def run(self) -> Clearing:
        """Cap until a schedule passes, then restore."""
        clearing = self.clear(self.start)
        if self.judge(clearing, self.start, "first") and self.accepted is not None:
            return self.finish(self.accepted, self.start)
        caps, rounds = self.start, self.options.max_iterations
        if not self.base.feasible[0]:  # sales stop where they move the bus that is above anyhow
            caps = np.where(self.material(), 0.0, caps)
            clearing = self.clear(caps)
            if self.judge(clearing, caps, "cap") and self.accepted is not None:
                return self.finish(self.accepted, caps)
            self.start = caps
        for round_number in range(2 * rounds):
            target = self.targets(clearing)
            if not target.any():
                break
            before, stop = caps, round_number >= rounds
            caps = self.capped(caps, clearing, target, 0.0 if stop else self.options.cap_factor)
            clearing = self.clear(caps)
            if self.judge(clearing, caps, "cap"):
                return self.restore(caps, before if stop else None)
        nothing = np.zeros_like(caps)
        if self.judge(Clearing.no_trade(self.book), nothing, "cap"):
            return self.restore(nothing, caps)
        return self.finish(Clearing.no_trade(self.book), nothing, "infeasible-limit")

    def clear(self, caps: FloatArray) -> Clearing:
        """Clear the book with these caps, from the last front where that is possible."""
        book = self.book.with_capacity(caps)
        if self.last is not None and isinstance(self.mechanism, _ClearsAgain):
            clearing = self.mechanism.clear_again(book, self.terms, self.rng, self.last)
        else:
            clearing = self.mechanism.clear(book, self.terms, self.rng)
        self.first = self.first or clearing
        if clearing.front is not None:
            self.last = clearing
        return clearing

    def judge(self, clearing: Clearing, caps: FloatArray, phase: Phase) -> bool:
        """Ask the network; keep the step; put what passes (or a switch to it) in `accepted`."""
        seen = self.network.check(clearing.sold_kwh[None])
        passed, first = bool(seen.feasible[0]), phase == "first"
        if not (first and passed):
            self.keep(clearing, caps, seen, 0, phase)
        self.seen = seen
        if passed:
            self.accepted = clearing
            return True
        front = clearing.front
        if first:
            self.switch_front_kwh = 0.0
        anything = self.options.switch == "front" or self.options.switch_tolerance > 0
        if front is None or front.f1.size < 2 or not (first or anything):
            return False
        whole = self.network.check(front.sold_kwh)
        good, traded = whole.feasible.copy(), front.traded_kwh
        if first:
            self.switch_front_kwh = float(traded[good].max(initial=0.0))
        enough = (1.0 - self.options.switch_tolerance - SERVED_ALIKE) * clearing.traded_kwh
        good &= traded > 0.0 if self.options.switch == "front" else traded >= enough
        if not good.any() or not isinstance(self.mechanism, _Switches):
            return False
        best = int(np.lexsort((front.f1, np.where(good, traded, -1.0)))[-1])
        self.accepted = self.mechanism.switch_to(self.book, clearing, best)
        self.keep(self.accepted, caps, whole, best, "switch")
        self.seen = self.network.check(self.accepted.sold_kwh[None])
        return True

    def material(self) -> BoolArray:
        """Sellers whose dV/dP to the bus above its limit is not small beside the greatest."""
        reach = np.abs(self.base.sensitivity[0])
        return np.asarray((reach >= MATERIAL_SHARE * reach.max(initial=0.0)) & (reach > 0.0))

    def targets(self, clearing: Clearing) -> BoolArray:
        """Sellers to cap: those at critical buses, else those of the highest dV/dP."""
        assert self.seen is not None
        selling = clearing.sold_kwh > 0.0
        there = selling & self.seen.on_critical_bus[0]
        if there.any() or not selling.any():
            return np.asarray(there)
        reach = np.where(selling, self.seen.sensitivity[0], -np.inf)
        top = float(reach.max())
        return selling & (reach >= top - (1.0 - HIGHEST_SHARE) * abs(top))

    def capped(
        self, caps: FloatArray, clearing: Clearing, target: BoolArray, factor: float
    ) -> FloatArray:
        """Caps of the next round."""
        sold = self.options.cap_base == "sold"
        base = np.minimum(caps, clearing.sold_kwh) if sold else caps
        return np.where(target, factor * base, caps)

    def restore(self, caps: FloatArray, stopped_from: FloatArray | None) -> Clearing:
        """Bisect for the largest common factor of the caps that still passes.

        The factor multiplies the caps of all sellers that were capped, up to their offers; of
        sellers that were stopped altogether, it multiplies what they had before.
        """
        assert self.accepted is not None
        best, best_caps, best_seen = self.accepted, caps, self.seen
        if stopped_from is None:
            touched = (caps < self.start) & (caps > 0.0)
            if not touched.any():
                return self.finish(best, caps)
            low, high = 1.0, float((self.start[touched] / caps[touched]).max())
        else:
            low, high = 0.0, 1.0
        trial = min(high, 1.0 / self.options.cap_factor)  # the round before, if all were capped
        while high - low > RESTORE_TOLERANCE * high:
            if stopped_from is None:
                tried = np.where(touched, np.minimum(self.start, trial * caps), caps)
            else:
                tried = np.where(caps < stopped_from, trial * stopped_from, caps)
            if self.judge(self.clear(tried), tried, "restore"):
                best, best_caps, best_seen = self.accepted, tried, self.seen
                low = trial
            else:
                high = trial
            trial = 0.5 * (low + high)
        self.seen = best_seen
        return self.finish(best, best_caps)

    def keep(
        self, clearing: Clearing, caps: FloatArray, seen: Voltages, candidate: int, phase: Phase
    ) -> None:
        """Record one iteration."""
        self.steps.append(
            CappingStep(
                caps,
                seen.critical_buses[candidate],
                float(seen.v_min_pu[candidate]),
                float(seen.v_max_pu[candidate]),
                clearing.traded_kwh,
                phase,
                bool(seen.feasible[candidate]),
            )
        )

    def finish(
        self, clearing: Clearing, caps: FloatArray, status: Status | None = None
    ) -> Clearing:
        """Put the accepted schedule, its voltages and the way to it together."""
        assert self.seen is not None
        if status is None:
            status = clearing.status
            if status == "no-trade" and self.first is not None and self.first.traded_kwh > 0.0:
                status = "infeasible-limit"
        if not self.base.feasible[0]:
            status = "infeasible-base"
        return replace(
            clearing,
            status=status,
            capping=tuple(self.steps),
            caps_kwh=caps,
            undervoltage_base=bool(self.base.undervoltage[0]),
            v_min_pu=float(self.seen.v_min_pu[0]),
            v_max_pu=float(self.seen.v_max_pu[0]),
            switch_front_kwh=self.switch_front_kwh,
        )
