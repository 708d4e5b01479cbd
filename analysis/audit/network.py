"""The feeder: voltages, powers and minutes outside limits, recomputed from the meters."""

from __future__ import annotations

import math

import numpy as np
import pyarrow.parquet as pq

from . import columns, files
from .behaviour import OutsideAudit
from .check import Findings, Place, Unusable
from .inputs import Run
from .meters import MeterDay
from .sweep import Balance, balance, solve

VOLTAGE_PU = 1e-6
#: Voltages that differ by less are one for two power flows that converge to about as much. [p.u.]
TIE_PU = 2e-8
BALANCE_KWH = 1e-6

VOLTAGES = "bus voltages are those of a power flow of the audit's own"
EXTREME_BUS = "the buses of least and greatest voltage are right"
SOLVABLE = "only intervals without a solution are left empty"
BALANCE = "the feeder's power closes, from complex voltages and branch flows"
KIRCHHOFF = "at every bus, what is injected leaves through the branches"
MINUTES = "minutes outside the voltage limits are counted right"
NEEDED = "curtailment was ordered only where a limit would have been broken"
KEPT = "bus voltages are on file, bus by bus, if they were asked for"


class FeederAudit:
    """Solves the feeder for every metered interval and compares it with what was recorded."""

    def __init__(self, run: Run, found: Findings) -> None:
        self._run, self._found = run, found
        setting = run.scenario["feeder"]
        self._source = float(setting["source_voltage_pu"])
        self._lower, self._upper = float(setting["v_min_pu"]), float(setting["v_max_pu"])
        self._tangent = math.tan(math.acos(float(setting["power_factor"])))
        self._order = np.argsort(run.bus, kind="stable")
        self._used, self._begins = np.unique(run.bus[self._order], return_index=True)
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._block = max(run.time.per_day, 200_000 // run.feeder.n)
        self._first = 0
        # Least and most intervals that each bus can have been above, and below, its limit.
        self._outside = np.zeros((2, 2, run.feeder.n), dtype=np.int64)
        self._kept = _KeptVoltages(run, found)
        self._listed = OutsideAudit(run, found, self._lower, self._upper, TIE_PU)
        self.drawn_kw = np.zeros(run.time.n_intervals)

    def take(self, day: MeterDay) -> None:
        """Add a day; solve when enough intervals have come together."""
        power = self._at_buses(day.net) - 1j * self._tangent * self._at_buses(day.load)
        self._waiting.append((power, self._at_buses(day.ordered)))
        if sum(part.shape[1] for part, _ in self._waiting) >= self._block:
            self._solve()

    def finish(self) -> None:
        """Solve what is left, and compare the counts of minutes."""
        self._solve()
        if self._first != self._run.time.n_intervals:
            raise Unusable("meters: not all days could be read")
        self._kept.finish()
        self._check_minutes()

    def _at_buses(self, energy: np.ndarray) -> np.ndarray:
        """Sum homes (n_intervals, n_homes) at their buses, as power: (n_buses, n_intervals)."""
        at = np.zeros((self._run.feeder.n, energy.shape[0]))
        summed = np.add.reduceat(energy[:, self._order], self._begins, axis=1)
        at[self._used] = summed.T / self._run.time.hours
        return at

    def _solve(self) -> None:
        if not self._waiting:
            return
        run, found, time = self._run, self._found, self._run.time
        power = np.concatenate([part for part, _ in self._waiting], axis=1)
        ordered = np.concatenate([part for _, part in self._waiting], axis=1)
        self._waiting = []
        rows = slice(self._first, self._first + power.shape[1])
        first, self._first = self._first, rows.stop

        def place(i: int) -> str:
            return time.say(first + i)

        solution = solve(run.feeder, self._source, power)
        dark = run.dark[rows]
        v = np.where(dark, np.nan, np.abs(solution.voltage))
        solved = solution.solved & ~dark
        recorded = {c: run.network[c][rows] for c in columns.TABLES["network"]}
        found.holds(SOLVABLE, np.isnan(recorded["v_max_pu"]) == ~solved, place)
        for column, derived in (("v_min_pu", v.min(axis=0)), ("v_max_pu", v.max(axis=0))):
            found.close(
                VOLTAGES,
                recorded[column],
                derived,
                VOLTAGE_PU,
                lambda i, c=column: f"{c}, {place(i)}",
                "p.u.",
            )
            bus = recorded[column.replace("_pu", "_bus")]
            there = np.where(bus < 0, np.nan, v[bus, np.arange(len(bus))])
            there = np.where(solved, there, np.where(bus < 0, derived, np.inf))
            found.close(
                EXTREME_BUS,
                there,
                derived,
                TIE_PU,
                lambda i, c=column: f"{c}, {place(i)}",
                "p.u.",
            )
        self._check_powers(recorded, power, balance(run.feeder, solution, power), place)
        for side, beyond in enumerate((v - self._upper, self._lower - v)):
            self._outside[side, 0] += (beyond > TIE_PU).sum(axis=1)
            self._outside[side, 1] += (beyond > -TIE_PU).sum(axis=1)
        self._listed.compare(rows, v, place)
        self._kept.compare(rows, v, place)
        self._check_orders(power, ordered, place)

    def _check_powers(
        self, recorded: dict[str, np.ndarray], power: np.ndarray, closed: Balance, place: Place
    ) -> None:
        """Compare substation and losses with the branch flows, and these with each other."""
        run, found, hours = self._run, self._found, self._run.time.hours
        own = power[run.feeder.slack]
        for column, derived in (
            ("substation_kw", closed.source.real - own.real),
            ("substation_kvar", closed.source.imag - own.imag),
            ("loss_kw", closed.loss.real),
        ):
            found.close(
                BALANCE,
                recorded[column] * hours,
                derived * hours,
                BALANCE_KWH,
                lambda i, c=column: f"{c} x hours, {place(i)}",
                "kWh",
            )
        left = np.where(np.isnan(closed.unbalanced), 0.0, closed.unbalanced) * hours
        names = np.delete(np.array(run.feeder.names, dtype=object), run.feeder.slack)
        found.at_most(
            KIRCHHOFF, left, BALANCE_KWH, lambda b, i: f"bus {names[b]}, {place(i)}", "kWh"
        )

    def _check_orders(self, power: np.ndarray, ordered: np.ndarray, place: Place) -> None:
        """Give back what was ordered: the voltage must then be too high."""
        some = np.flatnonzero(ordered.any(axis=0))
        self._found.holds(NEEDED, np.ones(0, dtype=bool), place)
        if not some.size:
            return
        without = solve(self._run.feeder, self._source, power[:, some] + ordered[:, some])
        too_much = ~(np.abs(without.voltage).max(axis=0) <= self._upper - TIE_PU)
        rating = self._run.setting("grid", "transformer_kva")
        if rating is not None:
            feeder, given_back = self._run.feeder, power[:, some] + ordered[:, some]
            through = balance(feeder, without, given_back).source - given_back[feeder.slack]
            too_much |= ~(np.abs(through) <= float(rating) - BALANCE_KWH)
        self._found.holds(NEEDED, too_much, lambda i: place(int(some[i])))

    def _check_minutes(self) -> None:
        run, found, interval = self._run, self._found, self._run.time.interval
        table = files.read_csv(run.path / "bus_minutes.csv", columns.BUS_MINUTES, found)
        found.holds(
            MINUTES,
            list(table.text("bus")) == list(run.feeder.names),
            lambda: "bus_minutes.csv: its buses are not those of the feeder, in order",
        )
        if list(table.text("bus")) != list(run.feeder.names):
            raise Unusable("bus_minutes.csv: its buses are not those of the feeder")
        exact = self._kept.outside
        for side, name in enumerate(("over_minutes", "under_minutes")):
            least, most = self._outside[side] if exact is None else (exact[side], exact[side])
            minutes = table[name]
            off = np.maximum(least * interval - minutes, minutes - most * interval)
            off = np.where(minutes % interval == 0, off, np.inf)
            found.at_most(
                MINUTES, off, 0.0, lambda b, c=name: f"{c} of bus {run.feeder.names[b]}", "min"
            )
            without = table[f"no_p2p_{name}"]
            beyond = np.where(without % interval == 0, 0.0, np.inf)
            beyond = np.maximum(beyond, np.maximum(-without, without - time_minutes(run)))
            if run.setting("market", "mechanism") == "grid-only":
                beyond = np.abs(without - minutes)
            found.at_most(
                MINUTES,
                beyond,
                0.0,
                lambda b, c=name: f"no_p2p_{c} of bus {run.feeder.names[b]}",
                "min",
            )


def time_minutes(run: Run) -> int:
    """Return the length of the run [min]."""
    return run.time.n_intervals * run.time.interval


def check_metered_voltages(run: Run, found: Findings) -> None:
    """Compare the frames' metered voltage extremes with the feeder's rows."""
    begins = run.time.first
    for column, derived in (
        ("v_min_metered_pu", np.minimum.reduceat(run.network["v_min_pu"], begins)),
        ("v_max_metered_pu", np.maximum.reduceat(run.network["v_max_pu"], begins)),
    ):
        found.close(
            "frames keep the extreme voltages of their intervals",
            run.frames[column],
            derived,
            0.0,
            lambda f, c=column: f"{c} of {run.time.ids[f]}",
            "p.u.",
        )


class _KeptVoltages:
    """`bus_voltages.parquet`, read along with the power flow where the scenario asked for it."""

    def __init__(self, run: Run, found: Findings) -> None:
        self._run, self._found = run, found
        path = run.path / "bus_voltages.parquet"
        wanted = bool(run.setting("outputs", "bus_voltages"))
        self._file = pq.ParquetFile(path) if wanted and path.is_file() else None
        if wanted or path.is_file():
            found.holds(
                KEPT,
                wanted == path.is_file(),
                lambda: "bus_voltages.parquet is missing, or was not asked for",
            )
        self._group = 0
        self._rows: list[files.Table] = []
        self.outside = None if self._file is None else np.zeros((2, run.feeder.n), dtype=np.int64)
        limits = run.scenario["feeder"]
        self._lower, self._upper = float(limits["v_min_pu"]), float(limits["v_max_pu"])

    def compare(self, rows: slice, v: np.ndarray, place: Place) -> None:
        """Compare the next rows with voltages (n_buses, S) of the same intervals."""
        if self._file is None or self.outside is None:
            return
        n, count = v.shape
        start, bus, kept = self._next(n * count)
        expected = np.repeat(self._run.time.interval_start(np.arange(rows.start, rows.stop)), n)
        in_order = (start == expected) & (bus == np.tile(np.arange(n), count))
        self._found.holds(KEPT, in_order, lambda i: f"row {rows.start * n + i} is out of order")
        kept = kept.reshape(count, n)
        names = self._run.feeder.names
        self._found.close(
            VOLTAGES,
            kept,
            v.T,
            VOLTAGE_PU,
            lambda i, b: f"bus {names[b]}, {place(i)}",
            "p.u.",
        )
        self.outside[0] += (kept > self._upper).sum(axis=0)
        self.outside[1] += (kept < self._lower).sum(axis=0)

    def finish(self) -> None:
        """Refuse rows that are left over."""
        if self._file is not None:
            left = sum(t.n for t in self._rows) + sum(
                self._file.metadata.row_group(g).num_rows
                for g in range(self._group, self._file.num_row_groups)
            )
            self._found.holds(KEPT, left == 0, lambda: f"{left} rows too many")

    def _next(self, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        assert self._file is not None
        known = {name: i for i, name in enumerate(self._run.feeder.names)}
        while sum(t.n for t in self._rows) < n and self._group < self._file.num_row_groups:
            arrow = self._file.read_row_group(self._group)
            table = files.from_arrow(
                "bus_voltages", arrow, columns.TABLES["bus_voltages"], self._found
            )
            table.columns["bus"] = table.codes("bus", known)
            self._rows.append(table)
            self._group += 1
        if sum(t.n for t in self._rows) < n:
            raise Unusable("bus_voltages: rows are missing")
        start, bus, v = (
            np.concatenate([t[c] for t in self._rows]) for c in ("start", "bus", "v_pu")
        )
        rest = files.Table("bus_voltages", len(v) - n)
        rest.columns = {"start": start[n:], "bus": bus[n:], "v_pu": v[n:]}
        self._rows = [rest]
        return start[:n], bus[:n], v[:n]
