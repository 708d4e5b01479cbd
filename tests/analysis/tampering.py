"""What the audit's tests share: which columns there are, and how to change one thing in a file."""

import csv
import datetime as dt
import json
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gridbazaar.analysis.audit import UNDERIVABLE, audit_run
from gridbazaar.analysis.audit.columns import BILL_LINES, TABLES
from gridbazaar.analysis.audit.files import file_sum
from gridbazaar.analysis.audit.utility import MONEY

BILLS = [
    "prosumer",
    "month",
    "note",
    "month_share",
    "grid_import_kwh",
    "grid_export_kwh",
    "billed_normal_kwh",
    "billed_peak_kwh",
    "billed_off_peak_kwh",
    "p2p_bought_kwh",
    "p2p_bought_per_kwh",
    "p2p_sold_kwh",
    "p2p_sold_per_kwh",
    "bank_kwh",
    "p2p_bought",
    "p2p_sold",
    "market_transfer",
    "network_charge",
    "transaction_charge",
    "curtailed_energy",
    "network_curtailment",
    "imbalance",
    "grid_energy",
    "fixed_charge",
    "grid_support_charge",
    "export_credit",
    "bank_payout",
    "total",
    "no_p2p_total",
    "no_p2p_same_meter_total",
    "no_pv_total",
    "bank_value",
    "no_p2p_bank_value",
    "no_p2p_same_meter_bank_value",
    "battery_state_value",
    "no_p2p_battery_state_value",
    "saving",
    "saving_price_effect",
    "saving_operation_effect",
]
COLUMNS = {
    # No bus of this run is outside its limits: see test_audit_behaviour for that table.
    **{f"{n}.parquet": list(kinds) for n, kinds in TABLES.items() if n != "voltage_violations"},
    "bills.csv": BILLS,
    "bill_lines.csv": list(BILL_LINES),
    "utility.csv": ["month", "case", "bulk_purchase_kwh", *MONEY],
    "bus_minutes.csv": [
        "bus",
        "over_minutes",
        "under_minutes",
        "no_p2p_over_minutes",
        "no_p2p_under_minutes",
    ],
    "feeder_buses.csv": ["bus", "p_kw", "q_kvar", "base_kv", "n_customers", "slack"],
    "feeder_branches.csv": ["from", "to", "r_ohm", "x_ohm", "closed", "i_max_a"],
}
# A change of one of these alone shows all the same, in the sum that it enters.
ALSO_SEEN = {
    ("feeder_buses.csv", "n_customers"),
    ("fronts.parquet", "traded_kwh"),
    *(
        (file, column)
        for file in ("no_p2p_exchange.parquet", "bills.csv")
        for column in UNDERIVABLE[file]
    ),
}
DERIVABLE = [
    (file, column)
    for file, columns in COLUMNS.items()
    for column in columns
    if column not in UNDERIVABLE.get(file, {}) or (file, column) in ALSO_SEEN
]
PARQUET = [file for file in COLUMNS if file.endswith(".parquet")]
CSV = [file for file in COLUMNS if file.endswith(".csv")]


SUMS = "files are those whose hashes the manifest keeps"
CHAIN = "the ledger's chain of hashes ends at the head in the manifest"


def failed_as_it_is(path):
    """The checks that fail, by name."""
    return [check.name for check in audit_run(path).checks if not check.ok]


def failed(path):
    """The checks that fail even when the tamperer makes all hashes fit again."""
    if not write_manifest(path, sha256=lambda sums: sums_of(path, sums)):
        return failed_as_it_is(path)
    checks = audit_run(path).checks
    chain = next((check for check in checks if check.name == CHAIN and not check.ok), None)
    if chain is not None and "from the ledger" in chain.detail:
        head = chain.detail.split("manifest, ")[1].split(" ")[0]
        write_manifest(path, ledger_head_sha256=lambda _: head)
        checks = audit_run(path).checks
        assert all(check.ok for check in checks if check.name == CHAIN)
    return [check.name for check in checks if not check.ok]


def sums_of(path, sums):
    """The hashes of the files as they are now."""
    return {name: file_sum(path / name) for name in sums if (path / name).is_file()}


def write_manifest(path, **changes):
    """Change keys of the manifest; tell whether it could be read."""
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        manifest |= {key: change(manifest[key]) for key, change in changes.items()}
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        return False
    replaced(path / "manifest.json", json.dumps(manifest))
    return True


def generator(*key):
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def replaced(path, content):
    path.unlink()
    if isinstance(content, pa.Table):
        pq.write_table(content, path)
    elif isinstance(content, list):
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(content)
    else:
        path.write_text(content, encoding="utf-8")


def plain(kind):
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def with_column(table, column, values):
    kind = table.schema.field(column).type
    array = pa.array(values, plain(kind))
    if pa.types.is_dictionary(kind):
        array = array.dictionary_encode()
    return table.set_column(table.schema.get_field_index(column), column, array)


def another(column, kind, value, values, rng):
    """Some other value of the same kind: a little more or less, another name, the contrary."""
    if pa.types.is_boolean(kind):
        return not value
    if pa.types.is_integer(kind):
        return (value or 0) + 1
    if pa.types.is_timestamp(kind):
        return value + dt.timedelta(minutes=15)
    if pa.types.is_floating(kind):
        if value is None or np.isnan(value):
            return 1.0
        step = 1e-5 if column.endswith("_pu") else max(2e-3, 1e-3 * abs(value))
        return value - step if value > step and rng.random() < 0.5 else value + step
    others = [other for other in dict.fromkeys(values) if other not in (value, None)]
    return others[rng.integers(len(others))] if others else f"{value}x"


def read_rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def change_cell(path, column, row, rng):
    """Change one value in a file; return what it was and what it is."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        values = table.column(column).to_pylist()
        was = values[row]
        kind = plain(table.schema.field(column).type)
        values[row] = another(column, kind, was, values, rng)
        replaced(path, with_column(table, column, values))
        return was, values[row]
    rows = read_rows(path)
    at = rows[0].index(column)
    was = rows[row + 1][at]
    try:
        step = 15.0 if column.endswith("minutes") else 1.0 if column == "slab" else 0.01
        changed = repr(float(was) + step)
    except ValueError:
        changed = another(column, pa.string(), was, [r[at] for r in rows[1:]], rng)
    rows[row + 1][at] = changed
    replaced(path, rows)
    return was, changed


def n_rows(path):
    if path.suffix == ".parquet":
        return pq.ParquetFile(path).metadata.num_rows
    return len(read_rows(path)) - 1
