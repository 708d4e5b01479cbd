"""A run passes its audit, and no number that can be derived may be changed unnoticed.

One run of three days of the village is made by the program itself; each test links its files into
a folder of its own and changes one thing there.
"""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tampering import (
    COLUMNS,
    CSV,
    DERIVABLE,
    PARQUET,
    change_cell,
    failed,
    generator,
    n_rows,
    read_rows,
    replaced,
    with_column,
)

from gridbazaar.analysis.audit import UNDERIVABLE, audit_run, audit_table
from gridbazaar.analysis.audit.check import Findings
from gridbazaar.analysis.audit.columns import TABLES
from gridbazaar.analysis.audit.files import read_parquet

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def test_a_run_passes(run):
    audit = audit_run(run)
    assert [(c.name, c.detail) for c in audit.checks if not c.ok] == []
    assert audit.ok
    assert len({check.name for check in audit.checks}) == len(audit.checks) > 50
    assert all("nothing to check" not in c.detail for c in audit.checks), "a check that is empty"
    table = audit_table(audit)
    assert table.row_count == len(audit.checks)
    json.dumps([check.as_dict() for check in audit.checks], allow_nan=False)


def test_the_lists_of_columns_are_those_of_the_files(finished):
    for file, columns in COLUMNS.items():
        path = finished / file
        there = pq.read_schema(path).names if path.suffix == ".parquet" else read_rows(path)[0]
        assert there == columns, f"{file}: audit its new column, or say why it cannot be derived"
    for file, columns in UNDERIVABLE.items():
        assert set(columns) <= set(COLUMNS.get(file, columns)), file
        assert (finished / file).is_file()


@pytest.mark.parametrize(("file", "column"), DERIVABLE, ids=lambda part: part)
def test_a_changed_value_shows(run, file, column):
    rng = generator(file, column)
    row = int(rng.integers(n_rows(run / file)))
    was, now = change_cell(run / file, column, row, rng)
    assert failed(run), f"row {row}: {was!r} became {now!r} unnoticed"


@pytest.mark.parametrize("column", ["load_kwh", "pv_kwh"])
def test_a_changed_forecast_shows_once_there_are_meters_to_forecast_from(run, column):
    rng = generator(column)
    n = n_rows(run / "plans.parquet")
    change_cell(run / "plans.parquet", column, int(rng.integers(n // 2, n)), rng)
    assert "forecasts repeat the newest metered day" in failed(run)


@pytest.mark.parametrize("file", PARQUET)
def test_a_missing_value_or_column_shows(run, file):
    table = pq.read_table(run / file)
    kinds = TABLES[file.removesuffix(".parquet")]
    for column, kind in kinds.items():
        values = table.column(column).to_pylist()
        there = [i for i, value in enumerate(values) if value not in (None, "")]
        there = [i for i in there if not (isinstance(values[i], float) and np.isnan(values[i]))]
        values[there[generator(file, column).integers(len(there))]] = None
        replaced(run / file, with_column(table, column, values))
        if kind.endswith("?"):  # null where there is nothing: only the whole audit can tell
            if (file, column) in DERIVABLE:
                assert failed(run), column
        else:
            assert "no value is missing where there must be one" in read_alone(run / file)
        replaced(run / file, table.drop_columns([column]))
        assert "every file can be read and has its columns" in read_alone(run / file)
    assert "every file can be read and has its columns" in failed(run)


def read_alone(path):
    """The checks that fail when a table is read, the rest of the audit left out."""
    found = Findings()
    read_parquet(path, found)
    return [check.name for check in found.checks() if not check.ok]


@pytest.mark.parametrize("file", [*PARQUET, *CSV])
def test_a_dropped_or_repeated_row_shows(run, file):
    rng = generator(file)
    if file.endswith(".csv"):
        rows = read_rows(run / file)
        at = int(rng.integers(1, len(rows)))
        replaced(run / file, rows[:at] + rows[at + 1 :])
        assert failed(run)
        replaced(run / file, rows[: at + 1] + rows[at:])
        assert failed(run)
        return
    table = pq.read_table(run / file)
    at = int(rng.integers(table.num_rows - 1))
    replaced(run / file, pa.concat_tables([table[:at], table[at + 1 :]]))
    assert failed(run)
    replaced(run / file, pa.concat_tables([table[: at + 1], table[at:]]))
    assert failed(run)
