"""The network loop of each frame: its steps, the accepted schedule, how the frame ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .books import Books
from .check import Findings
from .energy import PAIRS_KWH
from .inputs import Run, known_codes

#: A schedule that is filled up to the limit may pass it by the power flow's own tolerance. [p.u.]
VOLTAGE_PU = 1e-6

STEPS = "the steps of the network loop are whole and in order"
STEPS_ENERGY = "caps and trades of the network loop's steps fit the orders"
CAPPING = "the network loop ends at the accepted schedule"
RAISED = "a whole schedule's voltages are not below those of its sales alone"
STATUS = "each frame's status says how it ended"
ACCEPTED = "accepted schedules keep the upper voltage limit on their forecast"
AROUND = "forecast voltages stand about the source's"
UNDER = "undervoltage without any sale is flagged"
PHASES = {"first": 0, "cap": 1, "restore": 2, "switch": 3}


@dataclass(frozen=True)
class _Steps:
    """All steps, sorted by frame and number."""

    frame: np.ndarray
    number: np.ndarray
    phase: np.ndarray
    feasible: np.ndarray
    caps: np.ndarray
    traded: np.ndarray
    v_min: np.ndarray
    v_max: np.ndarray
    critical: np.ndarray
    is_first: np.ndarray
    run: Run

    def say(self, i: int) -> str:
        return f"step {int(self.number[i])} of {self.run.time.ids[self.frame[i]]}"


def check_capping(run: Run, found: Findings, books: Books) -> None:
    """Check the steps of the loop against the frames, and how each frame ended.

    Of each frame the last step that the network check passed is the accepted one. Caps, energy and
    voltages of the steps before it rest on forecasts, which are not on file.
    """
    steps = _read_steps(run, found)
    _check_order(run, found, steps)
    _check_energy(run, found, steps, books)
    _check_accepted(run, found, steps)
    _check_status(run, found, steps)
    _check_voltages(run, found)


def _read_steps(run: Run, found: Findings) -> _Steps:
    table = run.capping
    order = np.lexsort((table["step"], table["frame"]))
    frame = table["frame"][order]
    return _Steps(
        frame=frame,
        number=table["step"][order],
        phase=known_codes(found, table, "phase", PHASES)[order],
        feasible=table["feasible"][order] > 0.5,
        caps=table["caps_kwh"][order],
        traded=table["traded_kwh"][order],
        v_min=table["v_min_pu"][order],
        v_max=table["v_max_pu"][order],
        critical=table.text("critical_buses")[order],
        is_first=np.diff(frame, prepend=-1) != 0,
        run=run,
    )


def _check_order(run: Run, found: Findings, steps: _Steps) -> None:
    count = np.bincount(steps.frame, minlength=run.n_frames)
    begins = np.cumsum(count) - count
    found.close(
        STEPS,
        run.frames["iterations"],
        count,
        0.0,
        lambda f: f"iterations of {run.time.ids[f]}",
    )
    here = np.arange(len(steps.frame))
    found.holds(STEPS, steps.number == here - begins[steps.frame], steps.say)
    found.holds(STEPS, ~steps.is_first | (steps.phase == PHASES["first"]), steps.say)
    earlier = steps.phase[np.maximum(here - 1, 0)]
    onwards = (steps.phase >= earlier) | (earlier == PHASES["switch"])
    found.holds(STEPS, steps.is_first | onwards, steps.say)
    known = set(run.feeder.names)
    named = [
        set(text.split()) <= known and (text == "") == good
        for text, good in zip(steps.critical, steps.feasible, strict=True)
    ]
    found.holds(STEPS, named, lambda i: f"{steps.say(i)}: critical buses {steps.critical[i]!r}")
    solved = ~np.isnan(steps.v_min) & ~np.isnan(steps.v_max)
    unsolved = ~steps.feasible & np.isnan(steps.v_min) & np.isnan(steps.v_max)
    found.holds(STEPS, solved | unsolved, steps.say)
    # Where the feeder is above its limit without any sale, sales are judged by their effect.
    plain = run.frames.text("status")[steps.frame] != "infeasible-base"
    upper = float(run.scenario["feeder"]["v_max_pu"])
    found.holds(STEPS, ~plain | (steps.feasible == (steps.v_max <= upper)), steps.say)


def _check_energy(run: Run, found: Findings, steps: _Steps, books: Books) -> None:
    offered = run.frames["offered_kwh"][steps.frame]
    before = np.maximum(np.arange(len(steps.caps)) - 1, 0)
    after_cap = ~steps.is_first & (steps.phase[before] != PHASES["switch"])
    tightens = after_cap & (steps.phase == PHASES["cap"])
    for excess in (
        steps.caps - offered,
        steps.traded - steps.caps,
        -steps.traded,
        np.where(tightens, steps.caps - steps.caps[before], 0.0),
    ):
        found.at_most(STEPS_ENERGY, excess, PAIRS_KWH, steps.say, "kWh")
    free = steps.phase == PHASES["first"]
    for recorded, derived, which in (
        (steps.caps, offered, free),
        (steps.traded, books.most[steps.frame], free & books.takes_most),
    ):
        found.close(
            STEPS_ENERGY,
            np.where(which, recorded, 0.0),
            np.where(which, derived, 0.0),
            PAIRS_KWH,
            steps.say,
            "kWh",
        )


def _check_accepted(run: Run, found: Findings, steps: _Steps) -> None:
    """Compare the frames with their first step, and with the last one that passed."""
    frames, n = run.frames, run.n_frames
    last = np.full(n, -1)
    np.maximum.at(last, steps.frame[steps.feasible], np.flatnonzero(steps.feasible))
    some = last >= 0
    first_v, removed = np.full(n, np.nan), np.zeros(n)
    first_v[steps.frame[steps.is_first]] = steps.v_max[steps.is_first]
    removed[some] = frames["offered_kwh"][some] - steps.caps[last[some]]
    told = some | (frames["iterations"] == 0)
    traded = np.append(steps.traded, np.nan)[last]
    for column, recorded, derived in (
        ("v_max_unchecked_pu", frames["v_max_unchecked_pu"], first_v),
        ("traded_kwh", np.where(some, frames["traded_kwh"], np.nan), traded),
        ("capped_kwh", np.where(told, frames["capped_kwh"], 0.0), removed),
    ):
        found.close(
            CAPPING,
            recorded,
            derived,
            PAIRS_KWH,
            lambda f, c=column: f"{c} of {run.time.ids[f]}",
        )
    # Exports that the envelope admits beside the sales raise voltages further.
    for column, values in (("v_min_pu", steps.v_min), ("v_max_pu", steps.v_max)):
        least = np.append(values, np.nan)[last]
        found.at_most(
            RAISED,
            np.where(some & ~np.isnan(frames[column]), least - frames[column], 0.0),
            VOLTAGE_PU,
            lambda f, c=column: f"{c} of {run.time.ids[f]}",
            "p.u.",
        )


def _check_status(run: Run, found: Findings, steps: _Steps) -> None:
    """Derive the status from energy and voltages."""
    frames = run.frames
    status, traded, high = frames.text("status"), frames["traded_kwh"] > 0.0, frames["v_max_pu"]
    upper = float(run.scenario["feeder"]["v_max_pu"])
    wanted = np.zeros(run.n_frames, dtype=np.bool_)
    wanted[steps.frame[steps.is_first]] = steps.traded[steps.is_first] > 0.0
    derived = np.where(traded, "cleared", "no-trade").astype(object)
    if run.setting("market", "network") != "ignore":
        derived[~traded & wanted] = "infeasible-limit"
        over = high > upper + VOLTAGE_PU
        near = (high > upper - VOLTAGE_PU) & (status == "infeasible-base")
        derived[over | near] = "infeasible-base"
        found.at_most(
            ACCEPTED,
            np.where((status == "infeasible-base") | np.isnan(high), 0.0, high - upper),
            VOLTAGE_PU,
            lambda f: run.time.ids[f],
            "p.u.",
        )
    found.holds(
        STATUS,
        np.asarray(status == derived, dtype=np.bool_),
        lambda f: f"{run.time.ids[f]}: {status[f]!r} recorded, {derived[f]!r} derived",
    )


def _check_voltages(run: Run, found: Findings) -> None:
    """Check what can be known of forecast voltages beside the limit."""
    frames, setting = run.frames, run.scenario["feeder"]
    source, lower = float(setting["source_voltage_pu"]), float(setting["v_min_pu"])
    low, high = frames["v_min_pu"], frames["v_max_pu"]
    found.holds(AROUND, np.isnan(low) == np.isnan(high), lambda f: run.time.ids[f])
    found.at_most(
        AROUND,
        np.where(np.isnan(low), 0.0, np.maximum(low - source, source - high)),
        0.0,
        lambda f: run.time.ids[f],
        "p.u.",
    )
    flagged = frames["undervoltage_base"] > 0.5
    exported = run.positions["grid_export_scheduled_kwh"].sum(axis=1) > 0.0
    is_base = ~exported & (frames["traded_kwh"] <= 0.0)
    found.holds(
        UNDER,
        np.where(is_base, flagged == (low < lower), flagged | ~(low < lower)),
        lambda f: run.time.ids[f],
    )
