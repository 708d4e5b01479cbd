"""One frame's way to a schedule within the limits: switch, cap, restore, search."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .capping_options import CappingOptions
from .clearing import CappingStep, Clearing, GridTerms, Status
from .loop_abilities import ChoosesUnsearched, ClearsAgain, Searches, Switches
from .mechanism import Mechanism
from .network_check import NetworkCheck, Voltages
from .order import OrderBook

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Phase = Literal["first", "cap", "switch", "restore", "search"]

MATERIAL_SHARE = 0.1  # of the greatest dV/dP: a seller below it does not cause that overvoltage
HIGHEST_SHARE = 0.95  # sellers this near to the greatest dV/dP are capped together
RESTORE_TOLERANCE = 5e-4  # relative width of the bisection that gives capacity back
LEAST_FACTOR = 0.01  # below it the width counts as it does there: 0 may be all that passes
SERVED_ALIKE = 1e-9  # relative
NO_SOLUTION = (
    "the feeder has no solution with these loads, before any sale: its voltage has collapsed, "
    "which no cap on sellers cures; lower the loads or strengthen the feeder"
)


class CappingLoop:
    """One frame's way to a schedule that the network check accepts.

    Parameters
    ----------
    mechanism, book, terms, network, rng, options
        As `clear_within_limits` takes them.
    base : Voltages
        The feeder without any sale.
    evaluations : int
        What another way through the same frame has spent before.
    """

    def __init__(
        self,
        mechanism: Mechanism,
        book: OrderBook,
        terms: GridTerms,
        network: NetworkCheck,
        rng: np.random.Generator,
        options: CappingOptions,
        base: Voltages,
        evaluations: int = 0,
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
        self.evaluations = evaluations  # of all clearings of the frame
        self.start = book.capacity_kwh.copy()
        self.switches = options.switch == "front" or options.switch_tolerance > 0.0

    @property
    def unsearched(self) -> bool:
        """Whether rounds after the first clear for the choice alone: nothing asks for a front."""
        known = isinstance(self.mechanism, ChoosesUnsearched) and self.mechanism.choice_is_known()
        return known and not self.switches

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
                return self.finish(self.searched(self.accepted, caps), caps)
            self.start = caps
        for round_number in range(1, rounds + 1):
            target = self.targets(clearing)
            if not target.any():
                break
            before, last = caps, round_number == rounds
            if last:  # whoever has been capped stops, so that no more rounds are needed
                caps = np.where(target | (caps < self.start), 0.0, caps)
            else:
                caps = self.capped(caps, clearing, target)
            clearing = self.clear(caps)
            if self.judge(clearing, caps, "cap"):
                return self.restore(caps, before if last else None)
        nothing = np.zeros_like(caps)
        if self.judge(Clearing.no_trade(self.book), nothing, "restore"):
            return self.restore(nothing, caps)
        return self.finish(Clearing.no_trade(self.book), nothing, "infeasible-limit")

    def collapsed(self) -> Clearing:
        """Stop at once: without a solution there is no voltage to hold a schedule against."""
        first = self.clear(self.start)
        self.keep(first, self.start, self.network.check(first.sold_kwh[None]), 0, "first")
        self.seen = self.base
        nothing = Clearing.no_trade(self.book, (*first.notes, NO_SOLUTION))
        return self.finish(nothing, np.zeros_like(self.start), "infeasible-base")

    def search(self, mechanism: Searches) -> Clearing | None:
        """Take the voltages into the search; None where it finds no schedule that passes.

        The frame is cleared without the feeder first: where that whole front passes there is
        nothing to search, and else its chosen point is kept as what would have happened unchecked.
        """
        first = self.clear(self.start)
        candidates = first.sold_kwh[None]
        if first.front is not None:
            candidates = np.concatenate([candidates, first.front.sold_kwh])
        seen = self.network.check(candidates)
        self.seen = seen
        if seen.feasible.all():
            return self.finish(first, self.start)
        if not seen.feasible[0]:
            self.keep(first, self.start, seen, 0, "first")
            good = seen.feasible[1:]
            front = candidates[1:].sum(axis=1)
            self.switch_front_kwh = float(front[good].max(initial=0.0))
        found = mechanism.clear_constrained(self.book, self.terms, self.rng, self.network)
        self.count(found)
        self.seen = self.network.check(found.sold_kwh[None])
        if found.status != "cleared" or not self.seen.feasible[0]:
            return None
        if self.steps:
            self.keep(found, self.start, self.seen, 0, "search")
        return self.finish(found, self.start)

    def clear(self, caps: FloatArray) -> Clearing:
        """Clear the book with these caps, from the last front where that is possible."""
        book, mechanism = self.book.with_capacity(caps), self.mechanism
        if self.last is None or not isinstance(mechanism, ClearsAgain):
            clearing = mechanism.clear(book, self.terms, self.rng)
        elif self.unsearched and isinstance(mechanism, ChoosesUnsearched):
            clearing = mechanism.clear_chosen(book, self.terms, self.last)
        else:
            clearing = mechanism.clear_again(book, self.terms, self.rng, self.last)
        self.first = self.first or clearing
        self.count(clearing)
        if clearing.front is not None and (self.last is None or not self.unsearched):
            self.last = clearing
        return clearing

    def searched(self, clearing: Clearing, caps: FloatArray) -> Clearing:
        """Search the front of an accepted schedule of which only the choice was known.

        A search chooses the same schedule, but for round-off and for who serves bids of 0. Where
        that were to cost the limit, the schedule that passed stands, as a front of one point.
        """
        if not self.unsearched or clearing.front is None or self.last is None:
            return clearing
        assert isinstance(self.mechanism, ChoosesUnsearched)
        book = self.book.with_capacity(caps)
        whole = self.mechanism.clear_anew(book, self.terms, self.rng, self.last)
        self.count(whole)
        seen = self.network.check(whole.sold_kwh[None])
        if whole.front is None or not seen.feasible[0]:
            front = clearing.front
            known = front.collapsed if whole.front is None else whole.front.collapsed
            return replace(clearing, front=replace(front, collapsed=known))
        self.seen = seen
        return whole

    def count(self, clearing: Clearing) -> None:
        """Add what a clearing's search cost to the frame's account."""
        if clearing.front is not None:
            self.evaluations += clearing.front.evaluations

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
        if front is None or front.f1.size < 2 or not (first or self.switches):
            return False
        whole = self.network.check(front.sold_kwh)
        good, traded = whole.feasible.copy(), front.traded_kwh
        if first:
            self.switch_front_kwh = float(traded[good].max(initial=0.0))
        enough = (1.0 - self.options.switch_tolerance - SERVED_ALIKE) * clearing.traded_kwh
        good &= traded > 0.0 if self.options.switch == "front" else traded >= enough
        if not good.any() or not isinstance(self.mechanism, Switches):
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

    def capped(self, caps: FloatArray, clearing: Clearing, target: BoolArray) -> FloatArray:
        """Caps of the next round."""
        sold = self.options.cap_base == "sold"
        base = np.minimum(caps, clearing.sold_kwh) if sold else caps
        return np.where(target, self.options.cap_factor * base, caps)

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
                return self.finish(self.searched(best, caps), caps)
            low, high = 1.0, float((self.start[touched] / caps[touched]).max())
        else:
            low, high = 0.0, 1.0
        trial = min(high, 1.0 / self.options.cap_factor)  # the round before, if all were capped
        while high - low > RESTORE_TOLERANCE * max(high, LEAST_FACTOR):
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
        return self.finish(self.searched(best, best_caps), best_caps)

    def keep(
        self, clearing: Clearing, caps: FloatArray, seen: Voltages, candidate: int, phase: Phase
    ) -> None:
        """Record one iteration."""
        self.steps.append(
            CappingStep(
                caps,
                clearing.sold_kwh,
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
        if isinstance(self.mechanism, ClearsAgain):
            clearing = self.mechanism.paired(self.book, clearing)
        if status is None:
            status = clearing.status
            if status == "no-trade" and self.first is not None and self.first.traded_kwh > 0.0:
                status = "infeasible-limit"
        if not self.base.feasible[0]:
            status = "infeasible-base"
        front = clearing.front
        if front is not None:
            front = replace(front, evaluations=self.evaluations)
        return replace(
            clearing,
            status=status,
            front=front,
            capping=tuple(self.steps),
            caps_kwh=caps,
            undervoltage_base=bool(self.base.undervoltage[0]),
            v_min_pu=float(self.seen.v_min_pu[0]),
            v_max_pu=float(self.seen.v_max_pu[0]),
            switch_front_kwh=self.switch_front_kwh,
        )
