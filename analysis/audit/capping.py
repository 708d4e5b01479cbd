"""The network loop of each frame: its steps, the accepted schedule, how the frame ended."""

from __future__ import annotations

import numpy as np

from .books import Books
from .caps import check_caps
from .check import Findings
from .energy import PAIRS_KWH
from .inputs import Run
from .steps import PHASES, Steps

#: A schedule that is filled up to the limit may pass it by the power flow's own tolerance. [p.u.]
VOLTAGE_PU = 1e-6

STEPS = "the steps of the network loop are whole and in order"
STEPS_ENERGY = "caps and trades of the network loop's steps fit the orders"
CAPPING = "the network loop ends at the accepted schedule"
STATUS = "each frame's status says how it ended"
ACCEPTED = "accepted schedules keep the upper voltage limit on their forecast"
AROUND = "forecast voltages stand about the source's"


def check_capping(run: Run, found: Findings, books: Books) -> None:
    """Check the steps of the loop against the frames, and how each frame ended.

    Of each frame the last step that the network check passed is the accepted one. Voltages are
    compared elsewhere, with those of the plans.
    """
    steps = run.steps
    _check_order(run, found, steps)
    _check_energy(run, found, steps, books)
    check_caps(run, found, steps)
    _check_accepted(run, found, steps)
    _check_status(run, found, steps)
    _check_voltages(run, found)


def _check_order(run: Run, found: Findings, steps: Steps) -> None:
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


def _check_energy(run: Run, found: Findings, steps: Steps, books: Books) -> None:
    """Add caps and sales up; see that sales are within caps, and whatever the rules then trade."""
    count = len(steps.frame)
    of_row = np.repeat(np.arange(count), np.diff(steps.row_edges))
    for recorded, rows in ((steps.caps, steps.cap), (steps.traded, steps.sold)):
        summed = np.bincount(of_row, weights=rows, minlength=count)
        found.close(STEPS_ENERGY, recorded, summed, PAIRS_KWH, steps.say, "kWh")
    offered = books.offered[steps.frame[of_row], steps.home]
    for excess in (steps.cap - offered, steps.sold - steps.cap, -steps.sold):
        found.at_most(
            STEPS_ENERGY,
            excess,
            PAIRS_KWH,
            lambda r: f"{run.homes[steps.home[r]]}, {steps.say(int(of_row[r]))}",
            "kWh",
        )
    if not books.takes_most:
        return
    price = run.frames["mcp_per_kwh"]
    price = np.where(np.isnan(price), books.price, price)
    selling, buying = books.eligible(price, run.setting("market", "participation") == "all")
    demand = np.where(buying, books.wanted, 0.0).sum(axis=1)
    able = np.where(selling[steps.frame[of_row], steps.home], steps.cap, 0.0)
    most = np.minimum(np.bincount(of_row, weights=able, minlength=count), demand[steps.frame])
    free = ~np.isin(steps.phase, (PHASES["switch"], PHASES["search"]))
    found.close(
        STEPS_ENERGY,
        np.where(free, steps.traded, 0.0),
        np.where(free, most, 0.0),
        PAIRS_KWH,
        steps.say,
        "kWh",
    )


def _check_accepted(run: Run, found: Findings, steps: Steps) -> None:
    """Compare the frames with their first step, and with the last one that passed."""
    frames, n = run.frames, run.n_frames
    last = np.full(n, -1)
    np.maximum.at(last, steps.frame[steps.feasible], np.flatnonzero(steps.feasible))
    some = last >= 0
    removed = np.zeros(n)
    removed[some] = frames["offered_kwh"][some] - steps.caps[last[some]]
    told = some | (frames["iterations"] == 0)
    traded = np.append(steps.traded, np.nan)[last]
    for column, recorded, derived in (
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


def _check_status(run: Run, found: Findings, steps: Steps) -> None:
    """Derive the status from energy and voltages."""
    frames = run.frames
    status, traded, high = frames.text("status"), frames["traded_kwh"] > 0.0, frames["v_max_pu"]
    upper = float(run.scenario["feeder"]["v_max_pu"])
    wanted = np.zeros(run.n_frames, dtype=np.bool_)
    wanted[steps.frame[steps.is_first]] = steps.traded[steps.is_first] > 0.0
    derived = np.where(traded, "cleared", "no-trade").astype(object)
    if run.setting("market", "network") != "ignore":
        derived[~traded & wanted] = "infeasible-limit"
        near = (np.abs(run.base_excess) <= VOLTAGE_PU) & (status == "infeasible-base")
        derived[(run.base_excess > VOLTAGE_PU) | near] = "infeasible-base"
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
    source = float(setting["source_voltage_pu"])
    low, high = frames["v_min_pu"], frames["v_max_pu"]
    found.holds(AROUND, np.isnan(low) == np.isnan(high), lambda f: run.time.ids[f])
    found.at_most(
        AROUND,
        np.where(np.isnan(low), 0.0, np.maximum(low - source, source - high)),
        0.0,
        lambda f: run.time.ids[f],
        "p.u.",
    )
