"""The second run, without the market: what its meters counted, against the first run's."""

from __future__ import annotations

import math

import numpy as np

from .check import Findings
from .energy import ENERGY_KWH
from .inputs import Run
from .meters import FrameSums

SECOND = "the run without the market has the same load and sun, and closes behind each meter"
BATTERY = "batteries of the run without the market hold what went in less what came out"
COUNTED = "imports and exports of the run without the market are counted by the tariff's rule"


def moves_load(run: Run) -> bool:
    """Whether homes time a flexible load by what they expect of the market."""
    flexible = run.setting("flexible_load", "share") or 0.0
    return float(flexible) > 0.0 and run.setting("flexible_load", "by") == "price"


def check_no_p2p(run: Run, found: Findings, sums: FrameSums) -> None:
    """Check the second run's exchange, frame by frame and home by home.

    net export = PV - load + discharge - charge - curtailed, with PV and load of the first run; with
    eta = sqrt(round-trip efficiency) a battery's content rises by eta charge - discharge / eta.
    """
    at, members, battery = run.no_p2p, run.members, run.scenario["battery"]
    eta = math.sqrt(float(battery["round_trip_efficiency"]))
    capacity = members["battery_kwh"]
    charge, discharge = at["battery_charge_kwh"], at["battery_discharge_kwh"]

    def check(name: str, excess: np.ndarray, what: str) -> None:
        found.at_most(
            name,
            excess,
            10 * ENERGY_KWH,
            lambda f, h: f"{what} of {run.frame_home(f, h)}",
            "kWh",
        )

    if moves_load(run):
        found.explain(SECOND, "flexible load may run at other times of the day there")
        if not run.dark.any():
            moved = (at["load_kwh"] - sums.load).reshape(run.time.days, -1, run.n_homes)
            gap = np.abs(moved.sum(axis=1))
            found.at_most(SECOND, gap, 10 * ENERGY_KWH, lambda d, h: f"{run.homes[h]}, day {d}")
    else:
        check(SECOND, np.abs(at["load_kwh"] - sums.load), "load_kwh")
    check(SECOND, -at["load_kwh"], "load_kwh")
    balance = sums.pv - at["load_kwh"] + discharge - charge - at["curtailed_kwh"]
    check(SECOND, np.abs(at["net_export_kwh"] - balance), "net_export_kwh")
    check(SECOND, -at["curtailed_kwh"], "curtailed_kwh")
    check(SECOND, at["curtailed_kwh"] - sums.pv, "curtailed_kwh")
    before = np.vstack([float(battery["initial_soc"]) * capacity, at["stored_kwh"][:-1]])
    content = before + eta * charge - discharge / eta
    check(BATTERY, np.abs(at["stored_kwh"] - content), "stored_kwh")
    most = members["battery_kw"] * (run.time.length * run.time.hours)[:, None]
    for excess in (-charge, -discharge, charge + discharge - most):
        check(BATTERY, excess, "throughput")
    check(BATTERY, float(battery["soc_min"]) * capacity - at["stored_kwh"], "stored_kwh")
    check(BATTERY, at["stored_kwh"] - float(battery["soc_max"]) * capacity, "stored_kwh")
    check(COUNTED, -at["import_kwh"], "import_kwh")
    check(COUNTED, -at["export_kwh"], "export_kwh")
    if run.terms.metering != "gross-metering" and run.terms.netting != "interval":
        taken, fed = np.maximum(-at["net_export_kwh"], 0.0), np.maximum(at["net_export_kwh"], 0.0)
        check(COUNTED, np.abs(at["import_kwh"] - taken), "import_kwh")
        check(COUNTED, np.abs(at["export_kwh"] - fed), "export_kwh")
    else:
        net = at["export_kwh"] - at["import_kwh"] - at["net_export_kwh"]
        check(COUNTED, np.abs(net), "exports less imports")
    if run.setting("market", "mechanism") == "grid-only":
        for column, own in (
            ("net_export_kwh", sums.net),
            ("import_kwh", sums.imported),
            ("export_kwh", sums.exported),
            ("curtailed_kwh", sums.curtailed),
        ):
            check(SECOND, np.abs(at[column] - own), column)
