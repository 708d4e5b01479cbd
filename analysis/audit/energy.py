"""Energy behind the meters: balances, batteries, inverters, and what was ordered on them."""

from __future__ import annotations

import math

import numpy as np

from .check import Findings
from .inputs import Run
from .meters import FrameSums, MeterDay

#: Sums and differences of recorded energies: round-off only. [kWh]
ENERGY_KWH = 1e-9
#: What members trade is written pair by pair, and adds up to their totals this well. [kWh]
PAIRS_KWH = 1e-6

NET = "net export = PV - load + discharge - charge - curtailed"
SIGNS = "metered energies are not negative"
CURTAILED = "curtailed energy was PV energy; what was ordered was that, or held in a battery"
CONTENT = "batteries hold what went in less what came out, losses counted"
LIMITS = "batteries keep within their capacity and power"
BOTH_WAYS = "no battery charges and discharges at once"
INVERTER = "no home exports more than its inverter can"
SETTLED = "positions follow from meters and contracts"
FRAME_ENERGY = "frames add up what their meters and trades say"
PAIRED = "sold and bought energy is what the traded pairs add up to"


class EnergyAudit:
    """Checks each home's meter in each interval, day by day."""

    def __init__(self, run: Run, found: Findings) -> None:
        self._run, self._found = run, found
        members, battery = run.members, run.scenario["battery"]
        self._capacity = members["battery_kwh"]
        self._energy = members["battery_kw"] * run.time.hours
        self._inverter = members["inverter_kw"] * run.time.hours
        self._efficiency = math.sqrt(float(battery["round_trip_efficiency"]))
        self._empty = float(battery["soc_min"]) * self._capacity
        self._full = float(battery["soc_max"]) * self._capacity
        self._held = float(battery["initial_soc"]) * self._capacity

    def take(self, day: MeterDay) -> None:
        """Check a day."""
        run, found, eta = self._run, self._found, self._efficiency
        first = day.day * run.time.per_day

        def place(interval: int, home: int) -> str:
            return f"{run.homes[home]}, {run.time.say(first + interval)}"

        def check(name: str, excess: np.ndarray) -> None:
            found.at_most(name, excess, ENERGY_KWH, place, "kWh")

        balance = day.pv - day.load + day.discharge - day.charge - day.curtailed
        found.close(NET, day.net, balance, ENERGY_KWH, place, "kWh")
        for values in (
            day.load,
            day.pv,
            day.charge,
            day.discharge,
            day.curtailed,
            day.ordered,
            day.stored,
            day.held,
            day.unserved,
        ):
            check(SIGNS, -values)
        check(CURTAILED, day.curtailed - day.pv)
        check(CURTAILED, day.ordered - day.held - day.curtailed)
        check(CURTAILED, day.held - day.ordered)
        before = np.vstack([self._held, day.stored[:-1]])
        content = before + eta * day.charge - day.discharge / eta
        found.close(CONTENT, day.stored, content, ENERGY_KWH, place, "kWh")
        self._held = day.stored[-1]
        check(LIMITS, self._empty - day.stored)
        check(LIMITS, day.stored - self._full)
        check(LIMITS, day.charge - self._energy)
        check(LIMITS, day.discharge - self._energy)
        check(BOTH_WAYS, np.minimum(day.charge, day.discharge))
        check(INVERTER, day.net - self._inverter)

    def finish(self) -> None:
        """Nothing is left to check when all days are read."""


def check_positions(run: Run, found: Findings, sums: FrameSums) -> None:
    """Derive each home's position in each frame from its meter and its contracts.

    With x the metered net export, c = sold - bought and g the scheduled exchange: what a seller
    lacks is imported, what a buyer does not use is exported, the deviation is
    x + ordered curtailment - c - g. Imports and exports count as the tariff nets them.
    """
    at = run.positions
    for column in (
        "sold_kwh",
        "bought_kwh",
        "grid_export_scheduled_kwh",
        "grid_import_scheduled_kwh",
    ):
        found.at_most(SETTLED, -at[column], ENERGY_KWH, run.frame_home, "kWh")
    taken, given = grid_exchange(run, sums)
    contracted = run.kept * (at["sold_kwh"] - at["bought_kwh"])
    scheduled = at["grid_export_scheduled_kwh"] - at["grid_import_scheduled_kwh"]
    scheduled = run.kept * scheduled
    for column, derived in (
        ("metered_net_export_kwh", sums.net),
        ("ordered_curtailment_kwh", sums.ordered),
        ("deviation_kwh", sums.net + sums.ordered - contracted - scheduled),
        ("grid_import_kwh", taken),
        ("grid_export_kwh", given),
    ):
        found.close(
            SETTLED,
            at[column],
            derived,
            ENERGY_KWH,
            lambda f, h, c=column: f"{c} of {run.frame_home(f, h)}",
            "kWh",
        )


def grid_exchange(run: Run, sums: FrameSums) -> tuple[np.ndarray, np.ndarray]:
    """Return what each home took from and gave to the grid, (n_frames, n_homes) [kWh]."""
    contracted = run.kept * (run.positions["sold_kwh"] - run.positions["bought_kwh"])
    sale, purchase = np.maximum(contracted, 0.0), np.maximum(-contracted, 0.0)
    taken = np.maximum(sums.imported - purchase, 0.0) + np.maximum(sale - sums.exported, 0.0)
    given = np.maximum(sums.exported - sale, 0.0) + np.maximum(purchase - sums.imported, 0.0)
    return taken, given


def check_frame_energy(run: Run, found: Findings, sums: FrameSums) -> None:
    """Add up meters, positions, trades and orders to what the frames say."""
    n = run.n_frames
    orders, trades = run.orders, run.trades

    def by_frame(frame: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(frame, weights=weights, minlength=n)

    asks, bids = orders.is_ask, ~orders.is_ask
    for column, derived in (
        ("sellers", by_frame(orders.frame[asks])),
        ("buyers", by_frame(orders.frame[bids])),
        ("offered_kwh", by_frame(orders.frame[asks], orders.quantity[asks])),
        ("demanded_kwh", by_frame(orders.frame[bids], orders.quantity[bids])),
        ("traded_kwh", by_frame(trades.frame, trades.energy)),
        ("traded_kwh", run.positions["sold_kwh"].sum(axis=1)),
        ("traded_kwh", run.positions["bought_kwh"].sum(axis=1)),
        ("curtailed_kwh", sums.curtailed.sum(axis=1)),
        ("ordered_curtailment_kwh", sums.ordered.sum(axis=1)),
        ("unserved_kwh", sums.unserved.sum(axis=1)),
        ("void_share", 1.0 - run.kept[:, 0]),
    ):
        found.close(
            FRAME_ENERGY,
            run.frames[column],
            derived,
            PAIRS_KWH,
            lambda f, c=column: f"{c} of {run.time.ids[f]}",
        )
    shape = run.n_frames, run.n_homes
    for column, home in (("sold_kwh", trades.seller), ("bought_kwh", trades.buyer)):
        flat = np.bincount(
            trades.frame * shape[1] + home, weights=trades.energy, minlength=shape[0] * shape[1]
        )
        found.close(
            PAIRED,
            run.positions[column],
            flat.reshape(shape),
            PAIRS_KWH,
            lambda f, h, c=column: f"{c} of {run.frame_home(f, h)}",
            "kWh",
        )
