"""`no_p2p.parquet`: the community and the feeder of the run without the market, by interval."""

from __future__ import annotations

import math

import numpy as np

from .check import Findings, Place, Unusable
from .energy import ENERGY_KWH
from .inputs import Run
from .meters import MeterDay
from .no_p2p import moves_load

SAME = "the run without the market has the same load and sun in every interval"
CLOSES = "all meters of the run without the market close together, and with the feeder"
HOMES = "what all homes did without the market is what each did"
REACH = "homes curtailed without the market what the hours of curtailment gave them to curtail"
VOLTAGES = "voltages of the run without the market stand about the source's"
BALANCE_KWH = 1e-6


class SecondRunAudit:
    """Adds the first run's meters up by interval, and holds the second run's sums against them."""

    def __init__(self, run: Run, found: Findings) -> None:
        self._run, self._found = run, found
        self._load, self._pv, self._unserved = np.zeros((3, run.time.n_intervals))
        self._most = np.zeros((run.n_frames, run.n_homes))
        self._next = 0

    def take(self, day: MeterDay) -> None:
        """Add a day."""
        rows = slice(self._next, self._next + len(day.load))
        self._load[rows], self._pv[rows] = day.load.sum(axis=1), day.pv.sum(axis=1)
        self._unserved[rows] = day.unserved.sum(axis=1)
        self._next = rows.stop
        self._reach(day, rows)

    def _reach(self, day: MeterDay, rows: slice) -> None:
        """Add up what each home could curtail in the intervals in which somebody did.

        Only what would be fed in is ever curtailed: without a battery, sun beyond the load, and no
        more than all homes together. What a battery was charged with is not on file by interval.
        """
        run, time = self._run, self._run.time
        beyond = np.maximum(day.pv - day.load, 0.0)
        known = (run.members["battery_kwh"] <= 0.0) & (not moves_load(run))
        own = np.where(known, beyond, day.pv)
        most = np.minimum(own, run.second["curtailed_kwh"][rows, None])
        n_tod = len(run.terms.frames)
        frames = slice(day.day * n_tod, (day.day + 1) * n_tod)
        self._most[frames] = np.add.reduceat(most, time.first[frames] - rows.start, axis=0)

    def finish(self) -> None:
        """Compare."""
        run, found = self._run, self._found
        if self._next != run.time.n_intervals:
            raise Unusable("meters: not all days could be read")
        at = run.second
        for column, derived in (
            ("pv_kwh", self._pv),
            ("load_kwh", self._load),
            ("unserved_kwh", self._unserved),
        ):
            if column != "pv_kwh" and moves_load(run):
                continue  # by day and home it is compared with the exchange
            found.close(SAME, at[column], derived, BALANCE_KWH, self._place(column), "kWh")
        charge, discharge = at["battery_charge_kwh"], at["battery_discharge_kwh"]
        net = at["pv_kwh"] - at["load_kwh"] + discharge - charge - at["curtailed_kwh"]
        battery = run.scenario["battery"]
        eta = math.sqrt(float(battery["round_trip_efficiency"]))
        held = float(battery["initial_soc"]) * float(run.members["battery_kwh"].sum())
        before = np.concatenate([[held], at["stored_kwh"][:-1]])
        for column, derived in (
            ("net_export_kwh", net),
            ("net_export_kwh", at["export_kwh"] - at["import_kwh"]),
            ("stored_kwh", before + eta * charge - discharge / eta),
        ):
            found.close(CLOSES, at[column], derived, BALANCE_KWH, self._place(column), "kWh")
        hours = run.time.hours
        solved = ~np.isnan(at["v_max_pu"])
        for column in ("v_min_pu", "substation_kw", "substation_kvar", "loss_kw"):
            there = solved if column == "v_min_pu" else solved | run.dark
            found.holds(CLOSES, np.isnan(at[column]) == ~there, self._place(column))
        drawn = np.where(solved, (at["loss_kw"] * hours - at["net_export_kwh"]), 0.0)
        recorded = np.where(solved, at["substation_kw"] * hours, 0.0)
        found.close(CLOSES, recorded, drawn, BALANCE_KWH, self._place("substation_kw"), "kWh")
        for column in (
            "ordered_kwh",
            "import_kwh",
            "export_kwh",
            "curtailed_kwh",
            "battery_charge_kwh",
            "battery_discharge_kwh",
            "held_kwh",
            "unserved_kwh",
        ):
            found.at_most(CLOSES, -at[column], ENERGY_KWH, self._place(column), "kWh")
        over = at["ordered_kwh"] - at["held_kwh"] - at["curtailed_kwh"]
        found.at_most(CLOSES, over, BALANCE_KWH, self._place("ordered_kwh"), "kWh")
        losses = np.where(solved, -at["loss_kw"], 0.0)
        found.at_most(CLOSES, losses, BALANCE_KWH, self._place("loss_kw"), "kW")
        self._against_homes()
        self._found.at_most(
            REACH,
            run.no_p2p["curtailed_kwh"] - self._most,
            BALANCE_KWH,
            lambda f, h: f"curtailed_kwh of {run.frame_home(f, h)}",
            "kWh",
        )
        self._voltages(solved)

    def _place(self, column: str) -> Place:
        return lambda i: f"{column}, {self._run.time.say(i)}"

    def _against_homes(self) -> None:
        """Add the intervals up to frames, and the homes."""
        run, at = self._run, self._run.second
        for column in (
            "load_kwh",
            "net_export_kwh",
            "curtailed_kwh",
            "battery_charge_kwh",
            "battery_discharge_kwh",
            "stored_kwh",
        ):
            if column == "stored_kwh":
                by_frame = at[column][run.time.first + run.time.length - 1]
            else:
                by_frame = np.add.reduceat(at[column], run.time.first)
            self._found.close(
                HOMES,
                by_frame,
                run.no_p2p[column].sum(axis=1),
                BALANCE_KWH,
                lambda f, c=column: f"{c} of {run.time.ids[f]}",
                "kWh",
            )

    def _voltages(self, solved: np.ndarray) -> None:
        run, at = self._run, self._run.second
        source = float(run.scenario["feeder"]["source_voltage_pu"])
        beyond = np.maximum(at["v_min_pu"] - source, source - at["v_max_pu"])
        beyond = np.where(solved, beyond, 0.0)
        self._found.at_most(VOLTAGES, beyond, 0.0, self._place("v_min_pu, v_max_pu"), "p.u.")
        for column in ("v_min_bus", "v_max_bus"):
            self._found.holds(VOLTAGES, (at[column] >= 0) == solved, self._place(column))
        if run.setting("market", "mechanism") == "grid-only":
            for column in ("v_min_pu", "v_max_pu", "substation_kw", "substation_kvar", "loss_kw"):
                self._found.close(
                    VOLTAGES, at[column], run.network[column], 0.0, self._place(column)
                )
