"""Tables of what the grid did to members in real time, and of when flexible loads ran."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from .recording import DayRecord
from .tables import names, starts_of
from .world import World

REASONS = ("envelope", "overvoltage", "transformer", "outage")
_NAME = pa.dictionary(pa.int32(), pa.string())
CURTAILMENT = pa.schema(
    [
        ("start", pa.timestamp("s")),
        ("prosumer", _NAME),
        ("reason", _NAME),
        ("energy_kwh", pa.float64()),
        ("held_kwh", pa.float64()),
    ]
)
VIOLATIONS = pa.schema(
    [
        ("start", pa.timestamp("s")),
        ("bus", _NAME),
        ("kind", _NAME),
        ("v_pu", pa.float64()),
        ("minutes", pa.int64()),
    ]
)
FLEXIBLE = pa.schema(
    [
        ("day", pa.date32()),
        ("prosumer", _NAME),
        ("start", pa.timestamp("s")),
        ("end", pa.timestamp("s")),
        ("energy_kwh", pa.float64()),
    ]
)


def curtailment_table(day: DayRecord, world: World) -> pa.Table:
    """Return a row per member that held energy back in an interval, with the reason.

    `energy_kwh` is all of it and `held_kwh` the part that stayed in a battery; the rest was PV.
    Reasons: `envelope` (beyond the export limit published before the frame), `overvoltage` and
    `transformer` (on order, in real time), `outage` (PV that had no grid to follow).
    """
    parts = day.curtailments
    if not parts:
        return CURTAILMENT.empty_table()
    counts = [len(part["prosumer"]) for part in parts]
    reason = np.repeat([REASONS.index(part["reason"]) for part in parts], counts)
    return pa.Table.from_arrays(
        [
            _starts(parts, counts, day, world),
            names(_joined(parts, "prosumer"), world.members.names),
            names(reason, REASONS),
            pa.array(_joined(parts, "energy_kwh")),
            pa.array(_joined(parts, "held_kwh")),
        ],
        schema=CURTAILMENT,
    )


def violations_table(day: DayRecord, world: World) -> pa.Table:
    """Return a row per bus outside its limits in an interval: `over` or `under`, and how far."""
    parts = day.violations
    if not parts:
        return VIOLATIONS.empty_table()
    counts = [len(part["bus"]) for part in parts]
    v = _joined(parts, "v_pu")
    over = v > world.connection.limits.upper_pu
    return pa.Table.from_arrays(
        [
            _starts(parts, counts, day, world),
            names(_joined(parts, "bus"), world.feeder.bus_names),
            names(over.astype(np.int32), ("under", "over")),
            pa.array(v),
            pa.array(np.full(len(v), world.calendar.interval_minutes)),
        ],
        schema=VIOLATIONS,
    )


def flexible_table(day: DayRecord, world: World) -> pa.Table:
    """Return a row per member and day with a flexible load: when it ran, what it needed."""
    rows = np.flatnonzero(day.flexible.get("energy_kwh", np.zeros(0)) > 0.0)
    if not rows.size or world.flexible is None:
        return FLEXIBLE.empty_table()
    step = np.timedelta64(world.calendar.interval_minutes, "m")
    begin = np.datetime64(world.calendar.day_intervals(day.day)[0], "s")
    start = begin + day.flexible["start"][rows] * step
    return pa.Table.from_arrays(
        [
            pa.array([begin.astype("datetime64[D]").item()] * len(rows), type=pa.date32()),
            names(rows, world.members.names),
            pa.array(start.astype("datetime64[s]")),
            pa.array((start + world.flexible.duration * step).astype("datetime64[s]")),
            pa.array(day.flexible["energy_kwh"][rows]),
        ],
        schema=FLEXIBLE,
    )


def _joined(parts: list[dict[str, Any]], key: str) -> np.ndarray:
    return np.concatenate([part[key] for part in parts])


def _starts(
    parts: list[dict[str, Any]], counts: list[int], day: DayRecord, world: World
) -> pa.Array:
    at = np.repeat([part["interval"] for part in parts], counts)
    return pa.array(starts_of(day, world)[at], type=pa.timestamp("s"))
