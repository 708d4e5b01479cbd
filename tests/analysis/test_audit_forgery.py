"""Changes that somebody took trouble over: swaps, shifts, hashes and inputs made to fit."""

import json

import pyarrow.parquet as pq
import pytest
import yaml
from tampering import (
    CHAIN,
    change_cell,
    failed,
    failed_as_it_is,
    generator,
    read_rows,
    replaced,
    with_column,
)

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


@pytest.mark.parametrize("file", ["meters.parquet", "positions.parquet", "ledger.parquet"])
def test_two_homes_swapped_show(run, file):
    table = pq.read_table(run / file)
    swap = {"home-003": "home-011", "home-011": "home-003"}
    for column in {"prosumer", "payer", "payee"} & set(table.column_names):
        values = [swap.get(value, value) for value in table.column(column).to_pylist()]
        table = with_column(table, column, values)
    replaced(run / file, table)
    assert failed(run)


def test_two_homes_swapped_in_the_bills_show(run):
    rows = read_rows(run / "bills.csv")
    rows[3][0], rows[11][0] = rows[11][0], rows[3][0]
    replaced(run / "bills.csv", rows)
    assert failed(run)


def test_two_buses_swapped_show(run):
    table = pq.read_table(run / "members.parquet")
    buses = table.column("bus").to_pylist()
    buses[3], buses[30] = buses[30], buses[3]
    replaced(run / "members.parquet", with_column(table, "bus", buses))
    assert "bus voltages are those of a power flow of the audit's own" in failed(run)


def test_the_order_of_readings_does_not_matter(run):
    table = pq.read_table(run / "meters.parquet")
    replaced(run / "meters.parquet", table.take(generator().permutation(table.num_rows)))
    assert failed(run) == []


@pytest.mark.parametrize("column", ["energy_kwh", "amount_minor", "payer", "purpose"])
def test_a_changed_posting_shows_even_with_fitting_hashes(run, column):
    change_cell(run / "ledger.parquet", column, 40, generator(column))
    assert CHAIN in failed_as_it_is(run)
    assert failed(run)


def test_a_shifted_payment_shows_even_with_fitting_hashes_and_bills(run):
    # One paisa from one buyer's payment to another's, on bills and totals too: nothing is out of
    # balance, but neither is price times energy.
    table = pq.read_table(run / "ledger.parquet")
    amounts = table.column("amount_minor").to_pylist()
    amounts[0] += 1
    amounts[1] -= 1
    payers = table.column("payer").to_pylist()[:2]
    replaced(run / "ledger.parquet", with_column(table, "amount_minor", amounts))
    rows = read_rows(run / "bills.csv")
    for home, paisa in zip(payers, (0.01, -0.01), strict=True):
        row = next(row for row in rows if row[0] == home)
        for column, sign in (
            ("p2p_bought", 1),
            ("total", 1),
            ("saving", -1),
            ("saving_price_effect", -1),
        ):
            at = rows[0].index(column)
            row[at] = repr(round(float(row[at]) + sign * paisa, 2))
    replaced(run / "bills.csv", rows)
    assert "posted amounts are what they must be" in failed(run)
    assert "the bills' lines are the ledger's postings, home by home" not in failed(run)


def test_moved_load_shows_even_where_the_meter_balances(run):
    table = pq.read_table(run / "meters.parquet")
    for column, sign in (("load_kwh", 1.0), ("net_export_kwh", -1.0)):
        values = table.column(column).to_pylist()
        for row in (5000, 5000 + 57):  # the same home, an interval later: back again
            values[row] += sign * 0.05
            sign = -sign
        table = with_column(table, column, values)
    replaced(run / "meters.parquet", table)
    found = failed(run)
    assert "net export = PV - load + discharge - charge - curtailed" not in found
    assert "positions follow from meters and contracts" not in found
    assert "the feeder's power closes, from complex voltages and branch flows" in found


def test_known_steps_of_the_network_loop_are_exact(run):
    table = pq.read_table(run / "capping.parquet")
    frame, good = table.column("frame_id").to_pylist(), table.column("feasible").to_pylist()
    accepted = max(i for i, name in enumerate(frame) if name == frame[0] and good[i])
    for row in (0, accepted):
        for column in ("caps_kwh", "traded_kwh"):
            values = table.column(column).to_pylist()
            values[row] -= 0.002
            replaced(run / "capping.parquet", with_column(table, column, values))
            assert failed(run), (row, column)


@pytest.mark.parametrize(
    ("column", "value"),
    [("v_max_pu", 1.0501), ("v_max_pu", 1.0), ("v_min_pu", 1.05), ("v_min_pu", 0.94)],
)
def test_forecast_voltages_are_bounded(run, column, value):
    table = pq.read_table(run / "frames.parquet")
    values = table.column(column).to_pylist()
    values[1] = value
    replaced(run / "frames.parquet", with_column(table, column, values))
    assert failed(run)


@pytest.mark.parametrize("column", ["withheld_kwh", "front_collapsed"])
def test_what_is_exact_in_most_frames_is_checked_there(run, column):
    table = pq.read_table(run / "frames.parquet")
    values = table.column(column).to_pylist()
    values[0] = not values[0] if column == "front_collapsed" else values[0] + 0.05
    replaced(run / "frames.parquet", with_column(table, column, values))
    assert failed(run)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("feeder.source_voltage_pu", 1.0431),
        ("feeder.power_factor", 0.94),
        ("battery.round_trip_efficiency", 0.91),
        ("battery.initial_soc", 0.45),
        ("market.grid_margin_per_kwh", 5.0),
        ("market.price_rule", "mid-market"),
        ("seed", 2),
        ("days", 4),
        ("start", "2025-11-02"),
        ("members.generate.homes", 56),
        ("outputs.bus_voltages", False),
        ("market.mechanism", "grid-only"),
    ],
)
def test_a_changed_scenario_shows(run, path, value):
    scenario = yaml.safe_load((run / "scenario.yaml").read_text(encoding="utf-8"))
    part = scenario
    *above, key = path.split(".")
    for name in above:
        part = part[name]
    part[key] = value
    replaced(run / "scenario.yaml", yaml.safe_dump(scenario))
    assert failed(run)


@pytest.mark.parametrize(
    "key",
    [
        "reference_rate_per_kwh",
        "feed_in_per_kwh",
        "bulk_price_per_kwh",
        "network_charge_per_kwh",
        "transaction_charge_per_kwh",
        "seller_share",
    ],
)
def test_a_changed_tariff_shows(run, key):
    tariff = yaml.safe_load((run / "tariff.yaml").read_text(encoding="utf-8"))
    tariff[key] += 0.01
    replaced(run / "tariff.yaml", yaml.safe_dump(tariff))
    assert failed(run)


@pytest.mark.parametrize(
    "key",
    ["status", "scenario", "seed", "currency", "minor_per_major", "start", "end", "prosumers",
     "frames", "unsolved_intervals", "ledger_head_sha256", "tariff", "unconfirmed"],
)  # fmt: skip
def test_a_changed_manifest_shows(run, key):
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    value = manifest[key]
    manifest[key] = value + 1 if isinstance(value, int) else [] if key == "unconfirmed" else "x"
    replaced(run / "manifest.json", json.dumps(manifest))
    assert failed(run)
