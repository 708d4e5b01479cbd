"""Each seller's caps through the network loop, derived step by step from the rule of the loop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .check import Findings
from .energy import ENERGY_KWH
from .inputs import Run
from .steps import PHASES, Steps

CAPS = "caps are lowered and given back by the rule of the network loop"
#: Relative width of the bracket at which the loop stops giving capacity back,
BRACKET = 5e-4
#: and the factor below which it is no longer relative: 0 may be all that passes.
LEAST_FACTOR = 0.01


@dataclass
class _Loop:
    """Where a frame's loop stands: the last caps, and the bracket of what is given back."""

    start: np.ndarray
    caps: np.ndarray
    before: np.ndarray
    sold: np.ndarray
    critical: set[str]
    rounds: int = 0
    stopped: bool = False
    low: float = 1.0
    high: float = 1.0
    trial: float = 0.0

    @property
    def width(self) -> float:
        """How narrow the bracket must become."""
        return BRACKET * max(self.high, LEAST_FACTOR)


def check_caps(run: Run, found: Findings, steps: Steps) -> None:
    """Derive each step's caps from the step before it.

    - `first`: what everybody offers.
    - `cap`: factor x min(cap, sale) for the sellers at critical buses (where none sells there, for
      some others); the last of `max_iterations` rounds stops them and all who were capped before.
      Where the feeder is above its limit without any sale, a `cap` before these rounds stops some
      sellers and leaves the others as they are.
    - `restore`: one common factor for all caps that were lowered, up to the offers; halving the
      bracket between the last factor that passed and the last that did not. Where no round passed,
      it begins with 0 for all.
    - `switch`, `search`: another point of the front at the same caps; what a search with the limits
      as constraints found, at the offers.
    """
    offered = np.zeros((run.n_frames, run.n_homes))
    asks = run.orders.is_ask
    offered[run.orders.frame[asks], run.orders.home[asks]] = run.orders.quantity[asks]
    for frame in np.unique(steps.frame).tolist():
        start = offered[frame]
        loop = _Loop(start, start, start, np.zeros(run.n_homes), set())
        numbers = steps.of(frame)
        for step in numbers:
            caps, phase = steps.caps_of(step), int(steps.phase[step])
            passed = bool(steps.feasible[step]) or (
                step + 1 in numbers and int(steps.phase[step + 1]) == PHASES["switch"]
            )
            wrong = _PHASE[phase](run, steps, loop, step, caps, passed)
            found.at_most(
                CAPS,
                wrong,
                ENERGY_KWH * max(1.0, float(offered[frame].max(initial=0.0))),
                lambda h, s=step: f"cap of {run.homes[h]} in {steps.say(s)}",
                "kWh",
            )
            if phase != PHASES["switch"]:
                loop.sold = steps.sold_of(step)
                loop.critical = set(steps.critical[step].split())
        # The bracket must have been closed: the loop does not end before.
        open_still = loop.trial > 0.0 and loop.high - loop.low > loop.width * (1 + 1e-9)
        found.holds(CAPS, not open_still, lambda f=frame: f"{run.time.ids[f]} ends too early")


def _first(
    run: Run, steps: Steps, loop: _Loop, step: int, caps: np.ndarray, passed: bool
) -> np.ndarray:
    return np.abs(caps - loop.start)


def _cap(
    run: Run, steps: Steps, loop: _Loop, step: int, caps: np.ndarray, passed: bool
) -> np.ndarray:
    market = run.scenario["market"]
    rounds, factor = int(market["max_iterations"]), float(market["cap_factor"])
    before, sold = loop.caps, loop.sold
    loop.before, loop.caps = before, caps
    at_base = run.frames.text("status")[steps.frame[step]] == "infeasible-base"
    if at_base and loop.rounds == 0 and not loop.stopped:
        loop.stopped = True  # only once: the next rounds lower caps as usual
        loop.start = caps
        return np.minimum(np.abs(caps - before), np.abs(caps))
    loop.rounds += 1
    if loop.rounds > rounds:
        return np.full(caps.shape, np.inf)
    selling = sold > 0.0
    names = np.array(run.feeder.names, dtype=object)[run.bus]
    target = selling & np.isin(names, list(loop.critical))
    stopping = loop.rounds == rounds
    if stopping:
        lowered, always = np.zeros(caps.shape), before < loop.start
    else:
        lowered = factor * (np.minimum(before, sold) if market["cap_base"] == "sold" else before)
        always = np.zeros(caps.shape, dtype=np.bool_)
    if not target.any():
        target = selling & (np.abs(caps - lowered) < np.abs(caps - before))
    wrong = np.abs(caps - np.where(target | always, lowered, before))
    if not target.any():
        wrong = np.full(caps.shape, np.inf)
    if passed:
        _open_bracket(loop, caps, before, stopping, factor)
    return wrong


def _open_bracket(
    loop: _Loop, caps: np.ndarray, before: np.ndarray, stopping: bool, factor: float
) -> None:
    """Begin to give capacity back."""
    if stopping:
        loop.low, loop.high = 0.0, 1.0
        loop.caps = np.where(caps < before, before, 0.0) + np.where(caps < before, 0.0, caps)
        loop.before = np.where(caps < before, np.inf, -np.inf)
    else:
        touched = (caps < loop.start) & (caps > 0.0)
        if not touched.any():
            return
        loop.low, loop.high = 1.0, float((loop.start[touched] / caps[touched]).max())
        loop.before = np.where(touched, loop.start, -np.inf)
    loop.trial = min(loop.high, 1.0 / factor)


def _restore(
    run: Run, steps: Steps, loop: _Loop, step: int, caps: np.ndarray, passed: bool
) -> np.ndarray:
    if not loop.trial > 0.0 and not caps.any():  # the last resort: nothing is sold at all
        tried = loop.rounds >= int(run.scenario["market"]["max_iterations"])
        if passed:
            _open_bracket(loop, caps, loop.caps, True, 1.0)
        return np.full(caps.shape, 0.0 if tried or not loop.sold.any() else np.inf)
    if not loop.trial > 0.0 or loop.high - loop.low <= loop.width * (1 - 1e-9):
        return np.full(caps.shape, np.inf)
    touched = loop.before > -np.inf
    scaled = np.minimum(loop.before, loop.trial * loop.caps)
    wrong = np.abs(caps - np.where(touched, scaled, loop.caps))
    if passed:
        loop.low = loop.trial
    else:
        loop.high = loop.trial
    loop.trial = 0.5 * (loop.low + loop.high)
    return wrong


def _switch(
    run: Run, steps: Steps, loop: _Loop, step: int, caps: np.ndarray, passed: bool
) -> np.ndarray:
    return np.abs(caps - steps.caps_of(step - 1)) if step else np.full(caps.shape, np.inf)


def _search(
    run: Run, steps: Steps, loop: _Loop, step: int, caps: np.ndarray, passed: bool
) -> np.ndarray:
    only = run.setting("market", "network") == "constrained" and passed
    return np.abs(caps - loop.start) if only else np.full(caps.shape, np.inf)


_PHASE = {
    PHASES["first"]: _first,
    PHASES["cap"]: _cap,
    PHASES["restore"]: _restore,
    PHASES["switch"]: _switch,
    PHASES["search"]: _search,
}
