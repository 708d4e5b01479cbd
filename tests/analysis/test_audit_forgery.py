"""Changes that somebody took trouble over: swaps, shifts, hashes and inputs made to fit."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from tampering import (
    CHAIN,
    SUMS,
    change_cell,
    failed,
    failed_as_it_is,
    generator,
    read_rows,
    replaced,
    with_column,
    write_manifest,
)

from gridbazaar.analysis.audit import UNDERIVABLE

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


@pytest.mark.parametrize("column", ["v_min_pu", "v_max_pu", "v_max_unchecked_pu"])
def test_forecast_voltages_are_exact_in_frames_that_were_capped_too(run, column):
    table = pq.read_table(run / "frames.parquet")
    row = int(np.argmax(table.column("iterations").to_numpy()))
    values = table.column(column).to_pylist()
    values[row] *= 0.99
    replaced(run / "frames.parquet", with_column(table, column, values))
    assert failed(run)


def test_undervoltage_is_exact_in_frames_that_were_capped_too(run):
    table = pq.read_table(run / "frames.parquet")
    row = int(np.argmax(table.column("iterations").to_numpy()))
    values = table.column("undervoltage_base").to_pylist()
    values[row] = not values[row]
    replaced(run / "frames.parquet", with_column(table, "undervoltage_base", values))
    assert failed(run) == ["undervoltage without any sale is flagged"]


def test_a_cap_shifted_from_one_seller_to_another_shows(run):
    table = pq.read_table(run / "caps.parquet")
    caps = table.column("cap_kwh").to_pylist()
    lowered = [i for i, step in enumerate(table.column("step").to_pylist()) if step == 1]
    caps[lowered[0]] += 0.01
    caps[lowered[1]] -= 0.01
    replaced(run / "caps.parquet", with_column(table, "cap_kwh", caps))
    assert "caps are lowered and given back by the rule of the network loop" in failed(run)


def test_a_front_that_collapsed_is_known_by_the_marginal_value(run):
    table = pq.read_table(run / "frames.parquet")
    values = table.column("front_collapsed").to_pylist()
    values[0] = not values[0]
    replaced(run / "frames.parquet", with_column(table, "front_collapsed", values))
    assert failed(run)


def test_a_bill_of_the_second_run_changed_with_all_that_it_enters_shows(run):
    rows = read_rows(run / "bills.csv")
    for column, change in (
        ("no_p2p_total", 5.0),
        ("saving", 5.0),
        ("saving_operation_effect", 5.0),
    ):
        at = rows[0].index(column)
        rows[1][at] = repr(round(float(rows[1][at]) + change, 2))
    replaced(run / "bills.csv", rows)
    assert failed(run) == ["the bills of the run without the market are right"]


def test_the_utility_cannot_lose_an_income(run):
    rows = read_rows(run / "utility.csv")
    at = rows[0].index("network_income")
    rows[1][at] = "0.0"
    replaced(run / "utility.csv", rows)
    assert "the utility's account follows from the bills and its purchases" in failed(run)


def leaves(document, path=()):
    """All values of a document with their keys."""
    if not isinstance(document, dict | list):
        yield path, document
        return
    pairs = document.items() if isinstance(document, dict) else enumerate(document)
    for key, part in pairs:
        yield from leaves(part, (*path, key))


def listed(file, path):
    """Whether a key, or a part that it stands in, is said not to be derivable."""
    return any(".".join(map(str, path[:n])) in UNDERIVABLE[file] for n in range(1, len(path) + 1))


@pytest.mark.parametrize("file", ["scenario.yaml", "tariff.yaml"])
def test_every_key_of_scenario_and_tariff_shows_or_is_listed(run, file):
    text = (run / file).read_text(encoding="utf-8")
    for path, value in leaves(yaml.safe_load(text)):
        if listed(file, path):
            continue
        document = part = yaml.safe_load(text)
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = other(value)
        replaced(run / file, yaml.safe_dump(document))
        assert failed(run), path


def test_a_rate_of_a_slab_that_somebody_reaches_shows(run):
    tariff = yaml.safe_load((run / "tariff.yaml").read_text(encoding="utf-8"))
    tariff["slabs"][0]["rate_per_kwh"] += 0.01
    replaced(run / "tariff.yaml", yaml.safe_dump(tariff))
    assert "every line of every bill follows from meters, contracts and tariff" in failed(run)


def other(value):
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return value * 1.01 + 0.001 if isinstance(value, float) else "x"


@pytest.mark.parametrize("file", ["scenario.yaml", "tariff.yaml"])
def test_an_input_changed_without_the_hashes_shows_in_them(run, file):
    text = (run / file).read_text(encoding="utf-8")
    replaced(run / file, text + "# nothing\n")
    assert set(failed_as_it_is(run)) == {CHAIN, SUMS}


@pytest.mark.parametrize(
    ("file", "key"),
    [("frames.parquet", "evaluations"), ("no_p2p.parquet", "substation_kvar")],
)
def test_what_cannot_be_derived_has_a_hash(run, file, key):
    change_cell(run / file, key, 0, generator(key))
    assert failed_as_it_is(run) == [SUMS]
    assert failed(run) == []


def test_a_changed_manifest_shows(run):
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert set(UNDERIVABLE["manifest.json"]) <= set(manifest)
    for key, value in manifest.items():
        if key == "versions":
            continue
        if isinstance(value, int):
            changed = value + 1
        elif isinstance(value, dict):
            changed = value | {"bills.csv": "0" * 64}
        else:
            changed = [*value, "x"] if isinstance(value, list) else "x"
        replaced(run / "manifest.json", json.dumps(manifest | {key: changed}))
        assert failed_as_it_is(run), key


@pytest.mark.parametrize(
    ("rules", "note", "right"),
    [
        (None, "tariff kseb-2025 applies until 2026-03-01; the run is from 2026-03-30", False),
        ("delhi", "rules delhi applies until 2026-03-31; {run}", True),
        ("delhi", "rules delhi applies until 2027-03-31; {run}", False),
        ("delhi", "rules delhi applies 2026-04-01 to 2027-03-31; {run}", True),
        ("delhi", "rules delhi applies from 2020-01-01 on; {run}", False),
        (None, "rules delhi applies until 2026-03-31; {run}", False),
    ],
)
def test_notes_on_dates_must_make_sense(run, rules, note, right):
    for file, section in (("scenario.yaml", "settlement"), ("tariff.yaml", None)):
        document = yaml.safe_load((run / file).read_text(encoding="utf-8"))
        if rules:
            (document[section] if section else document)["rules"] = rules
        replaced(run / file, yaml.safe_dump(document))
    note = note.format(run="the run is from 2026-03-30 to 2026-04-01")
    write_manifest(run, notes=lambda _: [note], rules=lambda _: rules)
    assert ("the manifest says if tariff or rules do not apply" in "".join(failed(run))) != right
