"""The tables of a run: from recorded days to Arrow, with the columns that users rely on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from .recording import METER_COLUMNS, NETWORK_COLUMNS, PLAN_COLUMNS, DayRecord
from .world import World

_TIME = pa.timestamp("s")
_TEXT = pa.string()
_NAME = pa.dictionary(pa.int32(), pa.string())
_REAL = pa.float64()
_WHOLE = pa.int64()
_FLAG = pa.bool_()

FRAMES = pa.schema(
    [
        ("frame_id", _TEXT),
        ("start", _TIME),
        ("end", _TIME),
        ("name", _TEXT),
        ("mcp_per_kwh", _REAL),
        ("retail_per_kwh", _REAL),
        ("feed_in_per_kwh", _REAL),
        ("sellers", _WHOLE),
        ("buyers", _WHOLE),
        ("offered_kwh", _REAL),
        ("demanded_kwh", _REAL),
        ("traded_kwh", _REAL),
        ("f1", _REAL),
        ("f2", _REAL),
        ("front_collapsed", _FLAG),
        ("front_points", _WHOLE),
        ("evaluations", _WHOLE),
        ("iterations", _WHOLE),
        ("status", _TEXT),
        ("undervoltage_base", _FLAG),
        ("v_max_unchecked_pu", _REAL),
        ("v_min_pu", _REAL),
        ("v_max_pu", _REAL),
        ("capped_kwh", _REAL),
        ("withheld_kwh", _REAL),
        ("curtailed_kwh", _REAL),
        ("ordered_curtailment_kwh", _REAL),
        ("unserved_kwh", _REAL),
        ("void_share", _REAL),
        ("v_min_metered_pu", _REAL),
        ("v_max_metered_pu", _REAL),
    ]
)
ORDERS = pa.schema(
    [
        ("frame_id", _NAME),
        ("prosumer", _NAME),
        ("side", _NAME),
        ("quantity_kwh", _REAL),
        ("price_per_kwh", _REAL),
    ]
)
TRADES = pa.schema(
    [
        ("frame_id", _NAME),
        ("seller", _NAME),
        ("buyer", _NAME),
        ("energy_kwh", _REAL),
        ("price_per_kwh", _REAL),
        ("buyer_price_per_kwh", _REAL),
    ]
)
POSITIONS = pa.schema(
    [
        ("frame_id", _NAME),
        ("prosumer", _NAME),
        ("sold_kwh", _REAL),
        ("bought_kwh", _REAL),
        ("grid_export_scheduled_kwh", _REAL),
        ("grid_import_scheduled_kwh", _REAL),
        ("metered_net_export_kwh", _REAL),
        ("ordered_curtailment_kwh", _REAL),
        ("deviation_kwh", _REAL),
        ("grid_import_kwh", _REAL),
        ("grid_export_kwh", _REAL),
    ]
)
CAPPING = pa.schema(
    [
        ("frame_id", _NAME),
        ("step", _WHOLE),
        ("phase", _NAME),
        ("feasible", _FLAG),
        ("caps_kwh", _REAL),
        ("traded_kwh", _REAL),
        ("v_min_pu", _REAL),
        ("v_max_pu", _REAL),
        ("critical_buses", _TEXT),
    ]
)
CAPS = pa.schema(
    [
        ("frame_id", _NAME),
        ("step", _WHOLE),
        ("prosumer", _NAME),
        ("cap_kwh", _REAL),
        ("sold_kwh", _REAL),
    ]
)
NO_P2P_EXCHANGE = pa.schema(
    [
        ("frame_id", _NAME),
        ("prosumer", _NAME),
        ("net_export_kwh", _REAL),
        ("import_kwh", _REAL),
        ("export_kwh", _REAL),
        ("battery_charge_kwh", _REAL),
        ("battery_discharge_kwh", _REAL),
        ("curtailed_kwh", _REAL),
        ("stored_kwh", _REAL),
        ("load_kwh", _REAL),
    ]
)
PLANS = pa.schema(
    [("prosumer", _NAME), ("start", _TIME), *((name, _REAL) for name in PLAN_COLUMNS)]
)
FRONTS = pa.schema(
    [
        ("frame_id", _NAME),
        ("f1", _REAL),
        ("f2", _REAL),
        ("traded_kwh", _REAL),
        ("chosen", _FLAG),
    ]
)
METERS = pa.schema(
    [("prosumer", _NAME), ("start", _TIME), *((name, _REAL) for name in METER_COLUMNS)]
)
NETWORK = pa.schema(
    [
        ("start", _TIME),
        *((name, _NAME if name.endswith("_bus") else _REAL) for name in NETWORK_COLUMNS),
    ]
)
NO_P2P = pa.schema(
    [
        ("start", _TIME),
        *((name, _REAL) for name in (*METER_COLUMNS, "import_kwh", "export_kwh")),
        *((name, _NAME if name.endswith("_bus") else _REAL) for name in NETWORK_COLUMNS),
    ]
)
BUS_VOLTAGES = pa.schema([("start", _TIME), ("bus", _NAME), ("v_pu", _REAL)])


def names(codes: np.ndarray, known: Sequence[str], missing: int | None = None) -> pa.Array:
    """Turn indices into a dictionary-encoded column of names; `missing` becomes null."""
    indices = pa.array(
        codes.astype(np.int32), mask=None if missing is None else np.asarray(codes == missing)
    )
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(known), type=_TEXT))


def numbers(values: np.ndarray) -> pa.Array:
    """Turn numbers into a column in which NaN, an answer that does not exist, is null."""
    return pa.array(values, type=_REAL, mask=np.isnan(values))


def _repeat(text: str, n: int) -> pa.Array:
    return names(np.zeros(n, dtype=np.int32), [text])


def frames_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return a row per ToD frame."""
    return pa.Table.from_pylist(rows, schema=FRAMES)


def rows_table(
    records: Iterable[dict[str, Any]], schema: pa.Schema, members: Sequence[str]
) -> pa.Table:
    """Return a table from records of one frame each: scalars are repeated, codes named.

    Columns `prosumer`, `seller` and `buyer` hold member rows; other name columns hold text.
    """
    tables = []
    for record in records:
        n = max(len(v) for v in record.values() if isinstance(v, (np.ndarray, list)))
        columns = []
        for field in schema:
            value = record[field.name]
            if field.name in ("prosumer", "seller", "buyer"):
                columns.append(names(np.asarray(value), members))
            elif isinstance(value, str):
                columns.append(_repeat(value, n).cast(field.type))
            elif field.type == _REAL:
                columns.append(numbers(np.asarray(value, dtype=np.float64)))
            else:
                columns.append(pa.array(value, type=_TEXT if field.type == _NAME else field.type))
                if field.type == _NAME:
                    columns[-1] = columns[-1].dictionary_encode()
        tables.append(pa.Table.from_arrays(columns, schema=schema))
    return pa.concat_tables(tables).unify_dictionaries() if tables else schema.empty_table()


def meters_table(day: DayRecord, world: World) -> pa.Table:
    """Return a row per prosumer and interval of one day, interval by interval."""
    return _by_interval(day, world, day.meters, METERS)


def plans_table(day: DayRecord, world: World) -> pa.Table:
    """Return what was planned, a row per prosumer and interval of one day, as the meters."""
    return _by_interval(day, world, day.plans, PLANS)


def _by_interval(
    day: DayRecord, world: World, values: dict[str, np.ndarray], schema: pa.Schema
) -> pa.Table:
    n = world.n_members
    starts = starts_of(day, world)
    prosumer = names(np.tile(np.arange(n), len(starts)), world.members.names)
    start = pa.array(np.repeat(starts, n), type=_TIME)
    energies = [pa.array(column.T.ravel()) for column in values.values()]
    return pa.Table.from_arrays([prosumer, start, *energies], schema=schema)


def network_table(day: DayRecord, world: World) -> pa.Table:
    """Return a row per interval of one day; where the power flow has no solution, nulls."""
    columns = [
        names(day.network[name], world.feeder.bus_names, missing=-1)
        if name.endswith("_bus")
        else numbers(day.network[name])
        for name in NETWORK_COLUMNS
    ]
    return pa.Table.from_arrays(
        [pa.array(starts_of(day, world), type=_TIME), *columns], schema=NETWORK
    )


def no_p2p_table(day: DayRecord, world: World) -> pa.Table:
    """Return a row per interval of the counterfactual's day: all meters together, the feeder."""
    columns = [
        names(day.no_p2p[name], world.feeder.bus_names, missing=-1)
        if name.endswith("_bus")
        else numbers(day.no_p2p[name])
        for name in NO_P2P.names[1:]
    ]
    return pa.Table.from_arrays(
        [pa.array(starts_of(day, world), type=_TIME), *columns], schema=NO_P2P
    )


def bus_voltages_table(day: DayRecord, world: World) -> pa.Table:
    """Return a row per interval and bus of one day whose voltages were kept."""
    if day.bus_v_pu is None:
        return BUS_VOLTAGES.empty_table()
    starts, n_buses = starts_of(day, world), world.feeder.n_buses
    return pa.Table.from_arrays(
        [
            pa.array(np.repeat(starts, n_buses), type=_TIME),
            names(np.tile(np.arange(n_buses), len(starts)), world.feeder.bus_names),
            numbers(day.bus_v_pu.ravel()),
        ],
        schema=BUS_VOLTAGES,
    )


def starts_of(day: DayRecord, world: World) -> np.ndarray:
    """Return the local start of each interval of a market day, (n_intervals,)."""
    starts: list[dt.datetime] = list(world.calendar.day_intervals(day.day))
    return np.array(starts, dtype="datetime64[s]")
