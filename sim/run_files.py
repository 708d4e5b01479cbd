"""The files of a run directory, written from what a simulation recorded."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..market.ledger import Ledger
from ..scenarios.market_rules import market_notes
from ..scenarios.tariffs import tariff_notes
from . import grid_tables, tables
from .bill_table import bill_lines_frame, bills_frame, utility_frame
from .forecast_errors import write_forecast_errors
from .input_texts import tariff_text
from .recording import DayRecord
from .run_directory import RunDirectory
from .simulation import Simulation
from .versions import versions
from .world import World

_BY_FRAME = {
    "orders": tables.ORDERS,
    "trades": tables.TRADES,
    "positions": tables.POSITIONS,
    "capping": tables.CAPPING,
    "caps": tables.CAPS,
    "fronts": tables.FRONTS,
    "no_p2p_exchange": tables.NO_P2P_EXCHANGE,
}
_BY_DAY: dict[str, tuple[pa.Schema, Callable[[DayRecord, World], pa.Table]]] = {
    "curtailment": (grid_tables.CURTAILMENT, grid_tables.curtailment_table),
    "voltage_violations": (grid_tables.VIOLATIONS, grid_tables.violations_table),
}
_DATA_SUFFIXES = (".parquet", ".csv", ".yaml")


def write_run_files(simulation: Simulation, directory: RunDirectory) -> None:
    """Write every data file of the run into its working directory."""
    world, work = simulation.world, directory.work
    members = list(world.members.names)
    n_days = world.calendar.days
    kept: dict[str, list[Any]] = {name: [] for name in _BY_FRAME}
    frames: list[dict[str, Any]] = []
    schemas = {
        "meters": tables.METERS,
        "plans": tables.PLANS,
        "network": tables.NETWORK,
        "no_p2p": tables.NO_P2P,
    }
    if world.scenario.outputs.bus_voltages:
        schemas["bus_voltages"] = tables.BUS_VOLTAGES
    by_day = dict(_BY_DAY)
    if world.flexible is not None:
        by_day["flexible_load"] = (grid_tables.FLEXIBLE, grid_tables.flexible_table)
    schemas |= {name: schema for name, (schema, _) in by_day.items()}
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(pq.ParquetWriter(work / f"{name}.parquet", schema))
            for name, schema in schemas.items()
        }
        for day in directory.checkpoint.days(n_days):
            writers["meters"].write_table(tables.meters_table(day, world))
            writers["plans"].write_table(tables.plans_table(day, world))
            writers["network"].write_table(tables.network_table(day, world))
            writers["no_p2p"].write_table(tables.no_p2p_table(day, world))
            if "bus_voltages" in writers:
                writers["bus_voltages"].write_table(tables.bus_voltages_table(day, world))
            for name, (_, table_of) in by_day.items():
                writers[name].write_table(table_of(day, world))
            frames += day.frames
            for name, rows in kept.items():
                rows += getattr(day, name)
    pq.write_table(tables.frames_table(frames), work / "frames.parquet")
    for name, schema in _BY_FRAME.items():
        pq.write_table(tables.rows_table(kept[name], schema, members), work / f"{name}.parquet")
    pq.write_table(
        _ledger_table(simulation.with_market.state.ledger, world), work / "ledger.parquet"
    )
    pq.write_table(_members_table(world), work / "members.parquet")
    with_market, without = simulation.with_market.state.bills, simulation.without_market.state.bills
    for name, table in (
        ("bills", bills_frame(world, with_market, without)),
        ("bill_lines", bill_lines_frame(world, with_market)),
        ("utility", utility_frame(with_market, without)),
    ):
        table.to_csv(work / f"{name}.csv", index=False, lineterminator="\n")
    _write_bus_minutes(simulation, work / "bus_minutes.csv")
    write_forecast_errors(
        simulation.with_market.state.errors, members, work / "forecast_errors.csv"
    )
    _write_feeder(world, work)
    (work / "tariff.yaml").write_text(tariff_text(world), encoding="utf-8")
    sums = {"sha256": file_sums(work)}
    directory.write_json("manifest.json", manifest(simulation) | sums)


def file_sums(work: Path) -> dict[str, str]:
    """Return the SHA-256 of each data file in a run's directory, by name."""
    sums = {}
    for path in sorted(work.iterdir()):
        if path.suffix in _DATA_SUFFIXES:
            with path.open("rb") as file:
                sums[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return sums


def manifest(simulation: Simulation) -> dict[str, Any]:
    """Return what the run was made with, and how it ended."""
    world = simulation.world
    ledger = simulation.with_market.state.ledger
    return {
        "status": "complete",
        "scenario": world.scenario.name,
        "seed": world.scenario.seed,
        "currency": world.tariff.currency,
        "minor_per_major": world.tariff.minor_per_major,
        "start": world.calendar.start.isoformat(),
        "end": world.calendar.time(world.calendar.end_minute).isoformat(),
        "prosumers": world.n_members,
        "frames": len(world.calendar.frames),
        "unsolved_intervals": simulation.with_market.state.unsolved_intervals,
        "ledger_head_sha256": ledger.head,
        "tariff": world.tariff.name,
        "rules": world.tariff.rules,
        "left_out_of_trade": [
            name
            for name, may in zip(world.members.names, world.may_trade.tolist(), strict=True)
            if not may
        ],
        "notes": [*tariff_notes(world.scenario), *market_notes(world.scenario)],
        "unconfirmed": list(world.tariff.unconfirmed),
        "versions": versions(),
    }


def _members_table(world: World) -> pa.Table:
    members = world.members
    return pa.table(
        {
            "prosumer": list(members.names),
            "bus": [world.feeder.bus_names[bus] for bus in members.bus],
            "pv_kwp": members.pv_kwp,
            "tilt_deg": members.tilt_deg,
            "azimuth_deg": members.azimuth_deg,
            "battery_kwh": members.battery_kwh,
            "battery_kw": members.battery_kw,
            "inverter_kw": members.inverter_kw,
            "ask_margin_per_kwh": members.ask_margin_per_kwh,
            "bid_margin_per_kwh": members.bid_margin_per_kwh,
            "profile": list(members.profile),
            "week_offset": members.week_offset,
            "three_phase": members.three_phase,
        }
    )


def _ledger_table(ledger: Ledger, world: World) -> pa.Table:
    columns = ledger.columns()
    ids = [frame.frame_id for frame in world.calendar.frames]
    frame = columns.pop("frame_id")
    return pa.table(
        {
            "posting_id": columns["posting_id"],
            "time": pa.array(columns["time"].astype("datetime64[s]")),
            "frame_id": tables.names(np.asarray(frame, dtype=np.int64), ids, missing=-1),
            **{
                name: pa.array(columns[name], type=pa.string()).dictionary_encode()
                for name in ("payer", "payee", "purpose")
            },
            "energy_kwh": columns["energy_kwh"],
            "amount_minor": columns["amount_minor"],
        }
    )


def _write_bus_minutes(simulation: Simulation, path: Path) -> None:
    """Write how long each bus stood outside its limits, with the market and without."""
    market, without = simulation.with_market.state, simulation.without_market.state
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            [
                "bus",
                "over_minutes",
                "under_minutes",
                "no_p2p_over_minutes",
                "no_p2p_under_minutes",
            ]
        )
        writer.writerows(
            zip(
                simulation.world.feeder.bus_names,
                *(
                    minutes.astype(int).tolist()
                    for minutes in (
                        market.over_minutes,
                        market.under_minutes,
                        without.over_minutes,
                        without.under_minutes,
                    )
                ),
                strict=True,
            )
        )


def _write_feeder(world: World, work: Path) -> None:
    """Write the feeder beside the results, in the layout in which feeders are read."""
    feeder = world.feeder
    with (work / "feeder_buses.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["bus", "p_kw", "q_kvar", "base_kv", "n_customers", "slack"])
        for bus, name in enumerate(feeder.bus_names):
            load = float(feeder.load_kw[bus]), float(feeder.load_kvar[bus])
            customers, is_slack = int(feeder.n_customers[bus]), int(bus == feeder.slack)
            writer.writerow([name, *load, feeder.base_kv, customers, is_slack])
    with (work / "feeder_branches.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["from", "to", "r_ohm", "x_ohm", "closed", "i_max_a"])
        for branch, (start, end) in enumerate(zip(feeder.from_bus, feeder.to_bus, strict=True)):
            ends = feeder.bus_names[start], feeder.bus_names[end]
            z = float(feeder.r_ohm[branch]), float(feeder.x_ohm[branch])
            ampacity = float(feeder.i_max_a[branch])
            writer.writerow([*ends, *z, 1, "" if np.isnan(ampacity) else ampacity])
