"""The network loop of each frame: its steps, the accepted schedule, how the frame ended."""

from __future__ import annotations

import numpy as np

from .audit_books import Books
from .audit_check import Findings
from .audit_energy import PAIRS_KWH
from .audit_inputs import Run, known_codes

STATUS = "each frame's status says how it ended"
STEPS = "the steps of the network loop are whole and in order"
STEPS_ENERGY = "caps and trades of the network loop's steps fit the orders"
CAPPING = "the network loop ends at the accepted schedule"
RAISED = "a whole schedule's voltages are not below those of its sales alone"
ACCEPTED = "accepted schedules keep the upper voltage limit on their forecast"
UNDER = "undervoltage without any sale is flagged"
#: A schedule that is filled up to the limit may pass it by the power flow's own tolerance. [p.u.]
VOLTAGE_PU = 1e-6
PHASES = {"first": 0, "cap": 1, "restore": 2, "switch": 3}


def check_capping(run: Run, found: Findings, books: Books) -> None:
    """Check the steps of the loop against the frames.

    Of each frame the last step that the network check passed is the accepted one. Caps, energy and
    voltages of the steps before it rest on forecasts, which are not on file.
    """
    frames, steps = run.frames, run.capping
    limits = run.scenario["feeder"]
    lower, upper = float(limits["v_min_pu"]), float(limits["v_max_pu"])
    order = np.lexsort((steps["step"], steps["frame"]))
    frame, number = steps["frame"][order], steps["step"][order]
    phase = known_codes(found, steps, "phase", PHASES)[order]
    feasible = steps["feasible"][order] > 0.5
    caps, traded = steps["caps_kwh"][order], steps["traded_kwh"][order]
    v_min, v_max = steps["v_min_pu"][order], steps["v_max_pu"][order]
    critical = steps.text("critical_buses")[order]
    count = np.bincount(frame, minlength=run.n_frames)
    begins = np.concatenate([[0], np.cumsum(count)[:-1]])

    def place(i: int) -> str:
        return f"step {int(number[i])} of {run.time.ids[frame[i]]}"

    found.close(STEPS, frames["iterations"], count, 0.0, lambda f: f"iterations of {run.time.ids[f]}")
    found.holds(STEPS, number == np.arange(len(number)) - begins[frame], place)
    is_first = np.arange(len(frame)) == begins[frame]
    later = np.flatnonzero(~is_first)
    found.holds(STEPS, ~is_first | (phase == PHASES["first"]), place)
    backwards = (phase[later] < phase[later - 1]) & (phase[later - 1] != PHASES["switch"])
    found.holds(STEPS, ~backwards, lambda i: place(int(later[i])))
    known = set(run.feeder.names)
    found.holds(
        STEPS,
        [set(text.split()) <= known and ((text == "") == ok) for text, ok in zip(critical, feasible, strict=True)],
        lambda i: f"{place(i)}: critical buses {critical[i]!r}",
    )
    offered = frames["offered_kwh"][frame]
    found.at_most(STEPS_ENERGY, caps - offered, PAIRS_KWH, place, "kWh")
    found.at_most(STEPS_ENERGY, traded - caps, PAIRS_KWH, place, "kWh")
    found.at_most(STEPS_ENERGY, -traded, PAIRS_KWH, place, "kWh")
    starts = phase == PHASES["first"]
    found.close(
        STEPS_ENERGY, np.where(starts, caps, 0.0), np.where(starts, offered, 0.0), PAIRS_KWH,
        lambda i: f"caps at {place(i)}", "kWh",
    )  # fmt: skip
    sure = starts & books.takes_most
    found.close(
        STEPS_ENERGY, np.where(sure, traded, 0.0), np.where(sure, books.most[frame], 0.0), PAIRS_KWH,
        lambda i: f"energy at {place(i)}", "kWh",
    )  # fmt: skip
    plain = frames.text("status")[frame] != "infeasible-base"
    found.holds(STEPS, ~plain | (feasible == (v_max <= upper)), place)
    _check_accepted(run, found, frame, feasible, caps, traded, v_min, v_max)
    first_v = np.full(run.n_frames, np.nan)
    first_v[frame[is_first]] = v_max[is_first]
    found.close(
        CAPPING,
        frames["v_max_unchecked_pu"],
        first_v,
        PAIRS_KWH,
        lambda f: f"v_max_unchecked_pu of {run.time.ids[f]}",
    )
    first_traded = np.zeros(run.n_frames)
    first_traded[frame[is_first]] = traded[is_first]
    _check_status(run, found, lower, upper, first_traded)


def _check_accepted(
    run: Run,
    found: Findings,
    frame: np.ndarray,
    feasible: np.ndarray,
    caps: np.ndarray,
    traded: np.ndarray,
    v_min: np.ndarray,
    v_max: np.ndarray,
) -> None:
    """Compare the frames with the last step that passed."""
    frames = run.frames
    last = np.full(run.n_frames, -1)
    np.maximum.at(last, frame[feasible], np.flatnonzero(feasible))
    some = last >= 0
    stepless = np.bincount(frame, minlength=run.n_frames) == 0
    for column, values in (
        ("traded_kwh", traded),
        ("capped_kwh", frames["offered_kwh"][frame] - caps),
    ):
        derived = np.append(values, np.nan)[last]
        recorded = np.where(some, frames[column], np.nan)
        if column == "capped_kwh":
            derived = np.where(stepless, 0.0, derived)
            recorded = np.where(stepless, frames[column], recorded)
        found.close(
            CAPPING,
            recorded,
            derived,
            PAIRS_KWH,
            lambda f, c=column: f"{c} of {run.time.ids[f]}",
        )
    # Exports that the envelope admits beside the sales raise voltages further.
    for column, values in (("v_min_pu", v_min), ("v_max_pu", v_max)):
        least = np.append(values, np.nan)[last]
        found.at_most(
            RAISED,
            np.where(some, least - frames[column], 0.0),
            VOLTAGE_PU,
            lambda f, c=column: f"{c} of {run.time.ids[f]}",
            "p.u.",
        )


def _check_status(
    run: Run, found: Findings, lower: float, upper: float, first_traded: np.ndarray
) -> None:
    """Derive the status from energy and voltages; the base's own troubles from the limits."""
    frames = run.frames
    status, traded = frames.text("status"), frames["traded_kwh"] > 0.0
    low, high = frames["v_min_pu"], frames["v_max_pu"]
    watched = run.setting("market", "network") != "ignore"
    derived = np.where(traded, "cleared", "no-trade").astype(object)
    if watched:
        derived[~traded & (first_traded > 0.0)] = "infeasible-limit"
        over = high > upper + VOLTAGE_PU
        near = ~over & (high > upper - VOLTAGE_PU) & (status == "infeasible-base")
        derived[over | near] = "infeasible-base"
    found.holds(
        STATUS,
        np.asarray(status == derived, dtype=np.bool_),
        lambda f: f"{run.time.ids[f]}: {status[f]!r} recorded, {derived[f]!r} derived",
    )
    if watched:
        found.at_most(
            ACCEPTED,
            np.where(status == "infeasible-base", 0.0, high - upper),
            VOLTAGE_PU,
            lambda f: run.time.ids[f],
            "p.u.",
        )
    source = float(run.scenario["feeder"]["source_voltage_pu"])
    found.at_most(
        "forecast voltages stand about the source's",
        np.maximum(low - source, source - high),
        0.0,
        lambda f: run.time.ids[f],
        "p.u.",
    )
    flag = frames["undervoltage_base"] > 0.5
    found.holds(
        UNDER,
        np.where(
            traded | (run.positions["grid_export_scheduled_kwh"].sum(axis=1) > 0.0),
            flag | ~(low < lower),
            flag == (low < lower),
        ),
        lambda f: run.time.ids[f],
    )
