"""What the grid did to homes, and how far forecasts were off: the files on it, from the meters."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from . import files
from .check import Findings, Place, Unusable
from .inputs import Run, known_codes
from .meters import MeterDay, PlanDay

REASONS = ("envelope", "overvoltage", "transformer", "outage")
OUTAGE = "without supply nothing flows, and only then load is not served"
REASONED = "every kWh that a home held back has a reason"
OUTSIDE = "buses outside their limits are listed, interval by interval"
ERRORS = "forecast errors are those of plans against meters"
#: Shorter than this a curtailment is not listed. [kWh]
LEAST_LISTED_KWH = 1e-8
VOLTAGE_PU = 1e-6
SAME = 1e-9


def check_outage(run: Run, found: Findings, day: MeterDay, place: Place) -> None:
    """Demand that a day's dark intervals are dark, and the others are not."""
    first = day.day * run.time.per_day
    dark = run.dark[first : first + run.time.per_day, None]
    flows = day.load + day.charge + day.discharge + np.abs(day.net) + day.ordered
    found.at_most(OUTAGE, np.where(dark, flows, day.unserved), 0.0, place, "kWh")


class CurtailmentAudit:
    """Compares `curtailment.parquet` with the meters, day by day."""

    def __init__(self, run: Run, found: Findings) -> None:
        self._run, self._found = run, found
        table = files.read_parquet(run.path / "curtailment.parquet", found)
        step = run.time.interval * 60
        since = (table["start"] - run.time.begin).astype(np.int64)
        inside = (since % step == 0) & (since >= 0) & (since < step * run.time.n_intervals)
        found.holds(REASONED, inside, lambda i: f"curtailment: row {i}: no interval begins there")
        if not inside.all():
            raise Unusable("curtailment: times that are no interval's")
        home = known_codes(found, table, "prosumer", run.home_of)
        codes = {name: i for i, name in enumerate(REASONS)}
        self._reason = known_codes(found, table, "reason", codes)
        self._at, self._home = since // step, home
        self._energy, self._held = table["energy_kwh"], table["held_kwh"]

    def take(self, day: MeterDay) -> None:
        """Check a day."""
        run, found = self._run, self._found
        n, first = run.time.per_day, day.day * run.time.per_day

        def place(interval: int, home: int) -> str:
            return f"{run.homes[home]}, {run.time.say(first + interval)}"

        rows = np.flatnonzero((self._at >= first) & (self._at < first + n))

        def listed(energy: np.ndarray, reasons: tuple[str, ...]) -> np.ndarray:
            told = rows[np.isin(self._reason[rows], [REASONS.index(r) for r in reasons])]
            key = (self._at[told] - first) * run.n_homes + self._home[told]
            total = np.bincount(key, energy[told], minlength=n * run.n_homes)
            return total.reshape(n, run.n_homes)

        on_order = REASONS[1:3]
        for energy, reasons, metered in (
            (self._energy, REASONS, day.curtailed + day.held),
            (self._energy, on_order, day.ordered),
            (self._held, REASONS, day.held),
        ):
            gap = np.abs(listed(energy, reasons) - metered)
            found.at_most(REASONED, gap, LEAST_LISTED_KWH, place, "kWh")
        lost = listed(self._energy, ("outage",))
        dark = run.dark[first : first + n, None]
        found.at_most(REASONED, np.where(dark, 0.0, lost), 0.0, place, "kWh")
        check_outage(run, found, day, place)

    def finish(self) -> None:
        """Nothing is left to check when all days are read."""


class OutsideAudit:
    """Compares `voltage_violations.parquet` with voltages of the audit's own, block by block."""

    def __init__(self, run: Run, found: Findings, lower: float, upper: float, tie: float) -> None:
        self._run, self._found = run, found
        self._lower, self._upper, self._tie = lower, upper, tie
        table = files.read_parquet(run.path / "voltage_violations.parquet", found)
        known = {name: i for i, name in enumerate(run.feeder.names)}
        self._bus = known_codes(found, table, "bus", known)
        self._over = known_codes(found, table, "kind", {"under": 0, "over": 1}) == 1
        self._v = table["v_pu"]
        step = run.time.interval * 60
        since = (table["start"] - run.time.begin).astype(np.int64)
        self._at = np.where(since % step == 0, since // step, -1)
        wrong = (table["minutes"] != run.time.interval) | (self._at < 0)
        wrong |= self._at >= run.time.n_intervals
        found.holds(OUTSIDE, ~wrong, lambda i: f"voltage_violations: row {i}")

    def compare(self, rows: slice, v: np.ndarray, place: Place) -> None:
        """Compare the rows of some intervals with voltages (n_buses, n_intervals)."""
        found = self._found
        here = np.flatnonzero((self._at >= rows.start) & (self._at < rows.stop))
        bus, at = self._bus[here], self._at[here] - rows.start
        own = v[bus, at]
        names = self._run.feeder.names
        found.close(
            OUTSIDE, self._v[here], own, VOLTAGE_PU,
            lambda i: f"bus {names[bus[i]]}, {place(int(at[i]))}", "p.u.",
        )  # fmt: skip
        beyond = np.where(self._over[here], own - self._upper, self._lower - own)
        found.holds(
            OUTSIDE,
            beyond > -self._tie,
            lambda i: f"bus {names[bus[i]]}, {place(int(at[i]))}: is within its limits",
        )
        count = np.zeros(v.shape, dtype=np.int64)
        np.add.at(count, (bus, at), 1)
        with np.errstate(invalid="ignore"):
            sure = (v > self._upper + self._tie) | (v < self._lower - self._tie)
        found.holds(
            OUTSIDE,
            (count <= 1) & ((count == 1) | ~sure),
            lambda b, i: f"bus {names[b]}, {place(i)}: stands {count[b, i]} times",
        )


class ErrorAudit:
    """Derives `forecast_errors.csv` from plans and meters."""

    QUANTITIES = ("load", "pv", "net")
    KINDS: ClassVar[dict[str, str]] = {
        "prosumer": "text",
        "quantity": "text",
        "mean_kwh": "real",
        "mae_over_mean": "real?",
        "bias_over_mean": "real?",
        "frame_mean_kwh": "real",
        "frame_mae_over_mean": "real?",
    }

    def __init__(self, run: Run, found: Findings) -> None:
        self._run, self._found = run, found
        # Sums by quantity, home (the community last): actual, error, signed; frames' likewise.
        self._sums = np.zeros((5, len(self.QUANTITIES), run.n_homes + 1))

    def take(self, plan: PlanDay, day: MeterDay) -> None:
        """Add a day."""
        time, n_tod = self._run.time, len(self._run.terms.frames)
        begins = time.first[day.day * n_tod : (day.day + 1) * n_tod] - day.day * time.per_day
        load = day.load + day.unserved
        for row, (expected, actual) in enumerate(
            ((plan.load, load), (plan.pv, day.pv), (plan.pv - plan.load, day.pv - load))
        ):
            shown = np.column_stack([actual, actual.sum(axis=1)])
            off = np.column_stack([expected, expected.sum(axis=1)]) - shown
            whole, missed = (np.add.reduceat(x, begins, axis=0) for x in (shown, off))
            self._sums[:, row] += [
                np.abs(shown).sum(axis=0),
                np.abs(off).sum(axis=0),
                off.sum(axis=0),
                np.abs(whole).sum(axis=0),
                np.abs(missed).sum(axis=0),
            ]

    def finish(self) -> None:
        """Compare with the file."""
        run, found = self._run, self._found
        table = files.read_csv(run.path / "forecast_errors.csv", self.KINDS, found)
        who = [*run.homes, "community"]
        wanted = [(home, quantity) for home in who for quantity in self.QUANTITIES]
        told = list(zip(table.text("prosumer"), table.text("quantity"), strict=True))
        found.holds(ERRORS, told == wanted, lambda: "forecast_errors.csv: its rows are others")
        if told != wanted:
            raise Unusable("forecast_errors.csv: its rows are others")
        actual, absolute, signed, frame, missed = self._sums.transpose(0, 2, 1).reshape(5, -1)
        with np.errstate(invalid="ignore", divide="ignore"):
            derived = {
                "mean_kwh": actual / run.time.n_intervals,
                "mae_over_mean": np.where(actual > 0.0, absolute / actual, np.nan),
                "bias_over_mean": np.where(actual > 0.0, signed / actual, np.nan),
                "frame_mean_kwh": frame / run.n_frames,
                "frame_mae_over_mean": np.where(frame > 0.0, missed / frame, np.nan),
            }
        for column, values in derived.items():
            found.close(
                ERRORS, table[column], values, SAME,
                lambda i, c=column: f"{c} of {' '.join(wanted[i])}",
            )  # fmt: skip
