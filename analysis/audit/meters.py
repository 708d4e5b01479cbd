"""Meters and plans, read a market day at a time and put in order, however large they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from . import columns, files
from .check import Findings, Unusable
from .inputs import Run, known_codes

ONE_READING = "every home has one meter reading, and one plan, in every interval"


@dataclass(frozen=True)
class MeterDay:
    """One market day: each column as an array (n_intervals, n_homes) [kWh].

    `curtailed` holds all that was curtailed, `ordered` the part that the grid ordered, `stored`
    what the batteries hold at the interval's end.
    """

    day: int
    load: np.ndarray
    pv: np.ndarray
    charge: np.ndarray
    discharge: np.ndarray
    curtailed: np.ndarray
    net: np.ndarray
    ordered: np.ndarray
    stored: np.ndarray
    held: np.ndarray
    unserved: np.ndarray


@dataclass(frozen=True)
class PlanDay:
    """What was forecast and planned for one market day: arrays (n_intervals, n_homes) [kWh].

    `net` is forecast PV less load with what the battery is to do, `for_sale` the part of it that
    the battery gives only if the market buys it.
    """

    load: np.ndarray
    pv: np.ndarray
    net: np.ndarray
    for_sale: np.ndarray


def meter_days(run: Run, found: Findings) -> Iterator[MeterDay]:
    """Read the meters day by day."""
    for number, part in enumerate(_days(run, found, "meters")):
        yield MeterDay(
            day=number,
            load=part["load_kwh"],
            pv=part["pv_kwh"],
            charge=part["battery_charge_kwh"],
            discharge=part["battery_discharge_kwh"],
            curtailed=part["curtailed_kwh"],
            net=part["net_export_kwh"],
            ordered=part["ordered_kwh"],
            stored=part["stored_kwh"],
            held=part["held_kwh"],
            unserved=part["unserved_kwh"],
        )


def plan_days(run: Run, found: Findings) -> Iterator[PlanDay]:
    """Read the plans day by day."""
    for part in _days(run, found, "plans"):
        yield PlanDay(
            load=part["load_kwh"],
            pv=part["pv_kwh"],
            net=part["net_kwh"],
            for_sale=part["battery_for_sale_kwh"],
        )


def _days(run: Run, found: Findings, name: str) -> Iterator[Mapping[str, np.ndarray]]:
    """Read a table by home and interval: the columns of each day, (n_intervals, n_homes).

    Rows are expected interval by interval, home by home; a file in another order is read as a
    whole and sorted.

    Raises
    ------
    Unusable
        If readings are missing or stand twice, which is noted.
    """
    try:
        file = pq.ParquetFile(run.path / f"{name}.parquet")
        missing = set(columns.TABLES[name]) - set(file.schema_arrow.names)
    except (OSError, pa.ArrowException) as error:
        found.fail(files.READABLE, f"{name}.parquet: cannot be read ({error})")
        raise Unusable(f"{name}.parquet: cannot be read") from error
    for column in sorted(missing):
        found.fail(files.READABLE, f"{name}: no column {column}")
    if missing:
        raise Unusable(f"{name}: columns are missing")
    kinds = {c: k for c, k in columns.TABLES[name].items() if c not in ("prosumer", "start")}
    shape = run.time.per_day, run.n_homes
    try:
        order = _order(run, name, file, found)
        for day in (
            _in_order(run, name, kinds, file, found)
            if order is None
            else _sorted(run, name, kinds, file, order, found)
        ):
            yield {column: values.reshape(shape) for column, values in day.items()}
    except (OSError, pa.ArrowException) as error:
        found.fail(files.READABLE, f"{name}.parquet: cannot be read to its end ({error})")
        raise Unusable(f"{name}.parquet: cannot be read to its end") from error


def _order(run: Run, name: str, file: pq.ParquetFile, found: Findings) -> np.ndarray | None:
    """Return the permutation that sorts the rows; None where they are in order already."""
    n, row = run.n_homes, 0
    keys = []
    for group in range(file.num_row_groups):
        keys_only = {c: columns.TABLES[name][c] for c in ("prosumer", "start")}
        table = _part(name, file, group, keys_only, found)
        home = known_codes(found, table, "prosumer", run.home_of)
        since = (table["start"] - run.time.begin).astype(np.int64)
        step = run.time.interval * 60
        inside = (since % step == 0) & (since >= 0) & (since < step * run.time.n_intervals)
        found.holds(
            ONE_READING,
            inside,
            lambda i, t=table, r=row: f"{name}: row {r + i}: no interval begins at {t['start'][i]}",
        )
        if not inside.all():
            raise Unusable(f"{name}: times that are no interval's")
        keys.append(since // step * n + home)
        row += len(home)
    key = np.concatenate(keys) if keys else np.zeros(0, dtype=np.int64)
    wanted = n * run.time.n_intervals
    if len(key) == wanted and bool((key == np.arange(wanted)).all()):
        found.holds(ONE_READING, True, lambda: "")
        return None
    count = np.bincount(key, minlength=wanted)
    found.holds(
        ONE_READING,
        count == 1,
        lambda i: f"{name}: {run.homes[i % n]} at {run.time.say(i // n)} has {count[i]} rows",
    )
    if not (count == 1).all():
        raise Unusable(f"{name}: rows are missing or stand twice")
    return np.argsort(key)


def _in_order(
    run: Run, name: str, kinds: Mapping[str, str], file: pq.ParquetFile, found: Findings
) -> Iterator[dict[str, np.ndarray]]:
    size = run.n_homes * run.time.per_day
    kept: list[dict[str, np.ndarray]] = []
    held = 0
    for group in range(file.num_row_groups):
        table = _part(name, file, group, kinds, found)
        kept.append({column: table[column] for column in kinds})
        held += table.n
        while held >= size:
            whole = {c: _joined([part[c] for part in kept]) for c in kinds}
            yield {c: values[:size] for c, values in whole.items()}
            kept = [{c: values[size:] for c, values in whole.items()}]
            held -= size


def _sorted(
    run: Run,
    name: str,
    kinds: Mapping[str, str],
    file: pq.ParquetFile,
    order: np.ndarray,
    found: Findings,
) -> Iterator[dict[str, np.ndarray]]:
    size = run.n_homes * run.time.per_day
    whole = [_part(name, file, group, kinds, found) for group in range(file.num_row_groups)]
    laid = {c: _joined([part[c] for part in whole])[order] for c in kinds}
    for day in range(run.time.days):
        yield {c: v[day * size : (day + 1) * size] for c, v in laid.items()}


def _part(
    name: str, file: pq.ParquetFile, group: int, kinds: Mapping[str, str], found: Findings
) -> files.Table:
    return files.from_arrow(name, file.read_row_group(group, list(kinds)), kinds, found)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


class FrameSums:
    """Energy of each home in each frame, summed from its meter: arrays (n_frames, n_homes) [kWh].

    Attributes
    ----------
    net, load, pv, curtailed, ordered : ndarray
        Net export, gross load, available PV, curtailed energy, ordered curtailment.
    exported, imported : ndarray
        What the tariff's rule meters as export and import of the frame.
    stored : ndarray (n_homes,)
        What each battery holds at the run's end.
    """

    def __init__(self, run: Run) -> None:
        shape = run.n_frames, run.n_homes
        self._run = run
        self.net, self.load, self.pv = (np.zeros(shape) for _ in range(3))
        self.curtailed, self.ordered, self.unserved = (np.zeros(shape) for _ in range(3))
        self.exported, self.imported = np.zeros(shape), np.zeros(shape)
        self.stored = np.zeros(run.n_homes)
        self.days = 0

    def take(self, day: MeterDay) -> None:
        """Add a day."""
        time, terms = self._run.time, self._run.terms
        n_tod = len(terms.frames)
        rows = slice(day.day * n_tod, (day.day + 1) * n_tod)
        begins = time.first[rows] - day.day * time.per_day

        def summed(values: np.ndarray) -> np.ndarray:
            return np.asarray(np.add.reduceat(values, begins, axis=0))

        self.net[rows] = summed(day.net)
        self.load[rows] = summed(day.load)
        self.pv[rows] = summed(day.pv)
        self.curtailed[rows] = summed(day.curtailed)
        self.ordered[rows] = summed(day.ordered)
        self.unserved[rows] = summed(day.unserved)
        if terms.metering == "gross-metering":
            given = day.discharge - day.charge
            self.exported[rows] = summed(day.pv - day.curtailed + np.maximum(given, 0.0))
            self.imported[rows] = summed(day.load + np.maximum(-given, 0.0))
        elif terms.netting == "interval":
            self.exported[rows] = summed(np.maximum(day.net, 0.0))
            self.imported[rows] = summed(np.maximum(-day.net, 0.0))
        else:
            self.exported[rows] = np.maximum(self.net[rows], 0.0)
            self.imported[rows] = np.maximum(-self.net[rows], 0.0)
        self.stored = day.stored[-1].copy()
        self.days += 1

    def finish(self) -> None:
        """Refuse to answer for days that were not read."""
        if self.days != self._run.time.days:
            raise Unusable("meters: not all days could be read")
