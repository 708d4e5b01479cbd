"""The audit sees changes in what the grid did, in outages, violations and forecast errors."""

import csv
import os

import pyarrow.parquet as pq
import pytest
from tampering import another, failed, generator, plain, replaced, with_column

from gridbazaar.analysis.audit import audit_run
from gridbazaar.sim.run import run_scenario

SETTINGS = [
    "days=2",
    "market.engine=exact",
    "feeder.source_voltage_pu=0.958",
    "battery.strategy=optimal",
    "forecast.name=average",
    "flexible_load.share=0.3",
    "flexible_load.by=price",
    "grid.transformer_kva=5",
    "grid.outages=[{start: 2025-11-02 16:00, hours: 3}]",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("behaviour") / "run"
    return run_scenario("kerala-village", SETTINGS, out=out).path


@pytest.fixture
def run(finished, tmp_path):
    for file in finished.iterdir():
        if file.is_file():
            os.link(file, tmp_path / file.name)
    return tmp_path


def test_a_run_with_every_option_passes(finished):
    assert [check for check in audit_run(finished).checks if not check.ok] == []


@pytest.mark.parametrize("column", ["start", "bus", "kind", "v_pu", "minutes"])
def test_a_changed_violation_shows(run, column):
    table = pq.read_table(run / "voltage_violations.parquet")
    assert table.num_rows > 100
    values = table.column(column).to_pylist()
    at = int(generator(column).integers(len(values)))
    kind = plain(table.schema.field(column).type)
    values[at] = another(column, kind, values[at], values, generator(column))
    replaced(run / "voltage_violations.parquet", with_column(table, column, values))
    assert failed(run)


def test_a_dropped_violation_shows(run):
    table = pq.read_table(run / "voltage_violations.parquet")
    replaced(run / "voltage_violations.parquet", table[1:])
    assert failed(run)


@pytest.mark.parametrize(
    ("file", "column", "where"),
    [
        ("meters", "unserved_kwh", lambda row: row["unserved_kwh"] > 0.0),
        ("meters", "load_kwh", lambda row: row["unserved_kwh"] > 0.0),
        ("curtailment", "energy_kwh", lambda row: row["reason"] == "transformer"),
        ("curtailment", "energy_kwh", lambda row: row["reason"] == "outage"),
        ("frames", "void_share", lambda row: row["void_share"] > 0.0),
        ("no_p2p_exchange", "load_kwh", lambda row: row["load_kwh"] > 1.0),
    ],
)
def test_a_changed_number_shows(run, file, column, where):
    table = pq.read_table(run / f"{file}.parquet")
    at = next(i for i, row in enumerate(table.to_pylist()) if where(row))
    values = table.column(column).to_pylist()
    values[at] += 0.01
    replaced(run / f"{file}.parquet", with_column(table, column, values))
    assert failed(run)


@pytest.mark.parametrize("column", range(7))
def test_a_changed_forecast_error_shows(run, column):
    with (run / "forecast_errors.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    rows[-1][column] = "x" if column < 2 else str(1.01 * float(rows[-1][column]) + 0.01)
    replaced(run / "forecast_errors.csv", rows)
    assert failed(run)


@pytest.mark.parametrize("mechanism", ["vcg", "pay-as-bid", "bill-sharing"])
def test_an_outage_makes_payments_of_other_mechanisms_void_too(mechanism, tmp_path):
    settings = ["days=1", f"market.mechanism={mechanism}"]
    outage = "grid.outages=[{start: 2025-11-01 10:00, hours: 2}]"
    finished = run_scenario("kerala-village", [*settings, outage], out=tmp_path / "run")
    assert [check for check in audit_run(finished.path).checks if not check.ok] == []
