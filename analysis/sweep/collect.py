"""One table of all runs, in the plan's order, whatever finished first."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .jobs import Job, Jobs
from .measures import columns_of, measure_columns
from .parameters import text_of
from .place import Place
from .records import read_json, write_whole
from .run_id import versions

DONE, FAILED = "done", "failed"


def results_table(jobs: Jobs, place: Place) -> pa.Table:
    """Return the table of a sweep: a row a run of the plan.

    Parameters
    ----------
    jobs : Jobs
        The plan's runs.
    place : Place
        Where their results are.

    Returns
    -------
    pyarrow.Table
        `point`, a column a parameter (numbers where all settings are numbers, else text), `seed`,
        `version` (of gridbazaar), `run_id`, `status` (`done` or `failed`), then every indicator:
        its name with the market, `no_p2p_` without, `change_` the difference. Null where an
        indicator has no meaning or the run failed.
    """
    columns: dict[str, list[Any]] = {name: [] for name in measure_columns()}
    records = {run: _row(place, job) for run, job in jobs.distinct.items()}
    head: dict[str, pa.Array] = {
        "point": pa.array([job.point for job in jobs.every], pa.int64()),
    }
    for name in jobs.plan.parameters:
        settings = [jobs.points[job.point][name] for job in jobs.every]
        head[name] = _settings_array(settings)
    head["seed"] = pa.array([job.seed for job in jobs.every], pa.int64())
    head["version"] = pa.array([versions()["gridbazaar"]] * len(jobs.every), pa.string())
    head["run_id"] = pa.array([job.run_id for job in jobs.every], pa.string())
    rows = [records[job.run_id] for job in jobs.every]
    head["status"] = pa.array([FAILED if row is None else DONE for row in rows], pa.string())
    for row in rows:
        for name, column in columns.items():
            column.append(None if row is None else row[name])
    numbers = {name: pa.array(column, pa.float64()) for name, column in columns.items()}
    return pa.table(head | numbers)


def column_list(jobs: Jobs) -> pd.DataFrame:
    """Return what every column of the table is: `column`, `title`, `unit`."""
    rows = [
        {"column": "point", "title": "number of the combination", "unit": ""},
        *(
            {"column": name, "title": one.title or name, "unit": ""}
            for name, one in jobs.plan.parameters.items()
        ),
        {"column": "seed", "title": "seed", "unit": ""},
        {"column": "version", "title": "version of gridbazaar", "unit": ""},
        {"column": "run_id", "title": "identity of the run", "unit": ""},
        {"column": "status", "title": "done or failed", "unit": ""},
        *(
            {
                "column": column.name,
                "title": column.title,
                "unit": column.unit.replace("currency", jobs.currency),
            }
            for column in measure_columns().values()
        ),
    ]
    return pd.DataFrame(rows)


def write_table(table: pa.Table, path: Path) -> None:
    """Write a Parquet file whole."""
    sink = io.BytesIO()
    pq.write_table(table, sink)
    write_whole(path, sink.getvalue())


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV file whole, with every digit."""
    write_whole(path, table.to_csv(index=False, lineterminator="\n").encode())


def _row(place: Place, job: Job) -> dict[str, float | None] | None:
    record = read_json(place.result(job.run_id))
    return None if record is None else columns_of(record["indicators"])


def _settings_array(settings: list[Any]) -> pa.Array:
    """Return settings as numbers where all of them are, else as text."""
    kinds = {type(one) for one in settings}
    if kinds == {bool}:
        return pa.array(settings, pa.bool_())
    if kinds == {int}:
        return pa.array(settings, pa.int64())
    if kinds <= {int, float}:
        return pa.array([float(one) for one in settings], pa.float64())
    texts = [one if isinstance(one, str) else text_of(one) for one in settings]
    return pa.array(texts, pa.string())
