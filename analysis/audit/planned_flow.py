"""Power flows of the plans: without any sale, as scheduled, and in each step of the loop."""

from __future__ import annotations

import math

import numpy as np

from .check import Findings
from .inputs import Run
from .meters import PlanDay
from .steps import Steps
from .sweep import solve

VOLTAGE_PU = 1e-6
#: Where a bus is above its limit without any sale, sales may add this much to it. [p.u.]
IMMATERIAL_PU = 5e-4

UNDER = "undervoltage without any sale is flagged"
OVER = "frames that are above the upper limit without any sale say so"
SCHEDULED = "voltages of accepted schedules are those of a power flow of the audit's own"
STEP = "voltages of the network loop's steps are those of a power flow of the audit's own"
PASSED = "a step passed where no bus was above its limit, and only there"
CRITICAL = "critical buses are those above their limit"


class PlannedFlow:
    """Solves each frame's forecast for the sales on file.

    With n the planned net power, n+ its positive part with the sum P+ over the frame, and o what a
    home nets by itself, a home that has to spare injects n+ (o + sold + exported) / P+, any other
    its whole n+; what it draws is there in any case. Gross load alone draws reactive power.
    """

    def __init__(self, run: Run, found: Findings) -> None:
        self._run, self._found = run, found
        self._steps: Steps = run.steps
        setting = run.scenario["feeder"]
        self._source = float(setting["source_voltage_pu"])
        self._lower, self._upper = float(setting["v_min_pu"]), float(setting["v_max_pu"])
        self._tangent = math.tan(math.acos(float(setting["power_factor"])))
        self._order = np.argsort(run.bus, kind="stable")
        self._used, self._begins = np.unique(run.bus[self._order], return_index=True)
        self._extremes = np.full((run.n_frames, 3, 2), np.nan)
        self._lowest = np.full(run.n_frames, np.nan)
        run.base_excess = np.full(run.n_frames, np.nan)
        self._ignored = run.setting("market", "network") == "ignore"

    def check(self, frame: int, plan: PlanDay) -> None:
        """Solve a frame: nothing sold, the schedule's sales, sales and exports, and each step."""
        run, steps = self._run, self._steps
        out = np.maximum(plan.net, 0.0)
        whole, drawn = out.sum(axis=0), np.maximum(-plan.net, 0.0).sum(axis=0)
        there = whole > 0.0
        per_kwh = np.divide(out, whole, out=np.zeros_like(out), where=there)
        own = np.where(whole > drawn, np.minimum(whole, drawn), whole)
        base = np.where(plan.net > 0.0, per_kwh * own, plan.net)
        at = run.positions
        sold, exported = at["sold_kwh"][frame], at["grid_export_scheduled_kwh"][frame]
        numbers = list(steps.of(frame))
        sales = [np.zeros(run.n_homes), sold, sold + exported, *map(steps.sold_of, numbers)]
        active = np.concatenate([base + per_kwh * extra for extra in sales])
        reactive = np.tile(self._tangent * self._at_buses(plan.load), (1, len(sales)))
        power = self._at_buses(active) - 1j * reactive
        v = np.abs(solve(run.feeder, self._source, power).voltage)
        v = v.reshape(run.feeder.n, len(sales), -1)
        self._extremes[frame] = np.stack([v[:, :3].min((0, 2)), v[:, :3].max((0, 2))], axis=1)
        self._lowest[frame] = v[:, 0].min()  # NaN: an interval without a solution has collapsed
        ceiling = np.where(v[:, 0] > self._upper, v[:, 0] + IMMATERIAL_PU, self._upper)
        for i, step in enumerate(numbers, start=3):
            self._check_step(step, v[:, i], ceiling)
        if not self._ignored and sold.any():
            self._accepted(frame, v[:, 1], ceiling)

    def _accepted(self, frame: int, v: np.ndarray, ceiling: np.ndarray) -> None:
        self._found.at_most(
            PASSED,
            float((v - ceiling).max()),
            VOLTAGE_PU,
            lambda: f"accepted sales of {self._run.time.ids[frame]}",
            "p.u.",
        )

    def _check_step(self, step: int, v: np.ndarray, ceiling: np.ndarray) -> None:
        found, steps = self._found, self._steps
        say = steps.say(step)
        for name, recorded, derived in (
            ("v_min_pu", steps.v_min[step], v.min()),
            ("v_max_pu", steps.v_max[step], v.max()),
        ):
            found.close(STEP, recorded, derived, VOLTAGE_PU, lambda n=name: f"{n} of {say}", "p.u.")
        beyond = (v - ceiling).max(axis=1)  # NaN where an interval has no solution
        worst = float(beyond.max())
        passed = bool(steps.feasible[step])
        right = passed == (worst <= 0.0) or abs(worst) <= VOLTAGE_PU
        found.holds(PASSED, right, lambda: f"{say}: {worst:.3g} p.u. above the limit")
        named = set(steps.critical[step].split())
        names = np.array(self._run.feeder.names, dtype=object)
        surely = set(names[beyond > VOLTAGE_PU])
        perhaps = set(names[beyond > -VOLTAGE_PU])
        found.holds(
            CRITICAL,
            surely <= named <= perhaps and (np.isnan(worst) or passed == (not named)),
            lambda: f"{say}: {sorted(named)} recorded, {sorted(surely)} derived",
        )

    def finish(self) -> None:
        """Compare the frames with the flows."""
        run, found, frames = self._run, self._found, self._run.frames
        low, excess = self._lowest, self._extremes[:, 0, 1] - self._upper
        run.base_excess = np.where(np.isnan(excess), np.inf, excess)
        flagged = frames["undervoltage_base"] > 0.5
        near = np.abs(low - self._lower) <= VOLTAGE_PU
        under = (low < self._lower) | np.isnan(low)  # no solution: the voltage has collapsed
        found.holds(UNDER, near | (flagged == under), lambda f: run.time.ids[f])
        told = frames.text("status") == "infeasible-base"
        over = (run.base_excess > 0.0) & np.bool_(not self._ignored)
        right = (np.abs(run.base_excess) <= VOLTAGE_PU) | (told == over)
        found.holds(OVER, right, lambda f: run.time.ids[f])
        first = self._extremes[:, 1, 1].copy()
        begins = self._steps.is_first
        first[self._steps.frame[begins]] = self._steps.v_max[begins]
        for column, derived in (
            ("v_min_pu", self._extremes[:, 2, 0]),
            ("v_max_pu", self._extremes[:, 2, 1]),
            ("v_max_unchecked_pu", first),
        ):
            found.close(
                SCHEDULED,
                frames[column],
                derived,
                VOLTAGE_PU,
                lambda f, c=column: f"{c} of {run.time.ids[f]}",
                "p.u.",
            )

    def _at_buses(self, energy: np.ndarray) -> np.ndarray:
        """Sum homes (n_columns, n_homes) at their buses, as power: (n_buses, n_columns)."""
        at = np.zeros((self._run.feeder.n, energy.shape[0]))
        summed = np.add.reduceat(energy[:, self._order], self._begins, axis=1)
        at[self._used] = summed.T / self._run.time.hours
        return at
