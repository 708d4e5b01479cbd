"""Worked examples: each folder of tests/cases/bills is a run with its bills worked out apart."""

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import yaml

from gridbazaar.market.bill import bill_month, month_postings
from gridbazaar.market.bill_lines import KINDS
from gridbazaar.market.billing_month import billing_months
from gridbazaar.market.ledger import Ledger
from gridbazaar.market.month_trade import MonthTrade
from gridbazaar.market.settlement import settle_frame
from gridbazaar.market.tariff_presets import preset_file
from gridbazaar.market.tariff_reading import tariff_from_dict
from gridbazaar.market.tariff_rules import lay_rules

CASES = sorted(path.parent for path in (Path(__file__).parents[1] / "cases/bills").glob("*/*.yaml"))
COLUMNS = (
    "net_export_kwh",
    "sold_kwh",
    "bought_kwh",
    "paid",
    "received",
    "ordered_curtailment_kwh",
    "scheduled_grid_export_kwh",
    "metered_export_kwh",
    "metered_import_kwh",
)


def read_tariff(case):
    data = yaml.safe_load(preset_file(case["tariff"]).read_text(encoding="utf-8"))
    data.update(case.get("set", {}))
    if "rules" in case:
        text = preset_file(case["rules"]).read_text(encoding="utf-8")
        data = lay_rules(data, yaml.safe_load(text), case["rules"])
    return tariff_from_dict({k: v for k, v in data.items() if v is not None}, case["tariff"])


def run_case(case):
    """All frames settled and all months billed: (ledger, bills by month)."""
    tariff, members = read_tariff(case), list(case["members"])
    day_one = np.datetime64(case["first_day"]) + np.timedelta64(tariff.day_start_minute, "m")
    given = {}
    for row in case["frames"]:
        given.setdefault((row["day"], row["frame"]), {}).update(row)
    assert all(set(row) <= {"day", "frame", *COLUMNS} for row in case["frames"])
    starts, minutes, index, settled = [], [], [], []
    ledger = Ledger(members, tariff.currency, tariff.minor_per_major)
    start = day_one
    for day in range(1, case["days"] + 1):
        for k, frame in enumerate(tariff.frames):
            end = start + np.timedelta64(frame.minutes, "m")
            row = given.pop((day, frame.name), {})
            arrays = {
                name: [float(row.get(name, {}).get(member, 0.0)) for member in members]
                for name in COLUMNS
            }
            if tariff.netting != "interval" and tariff.metering != "gross-metering":
                del arrays["metered_export_kwh"], arrays["metered_import_kwh"]
            done = settle_frame(tariff, len(settled), frame.name, end, **arrays)
            ledger.post(done.postings, end, len(settled))
            starts.append(start), minutes.append(frame.minutes), index.append(k)
            settled.append(done)
            start = end
    assert not given, f"frames that the run does not have: {sorted(given)}"
    facts = case["members"].values()
    bank, result = None, []
    for month in billing_months(starts, minutes):
        part = settled[month.frames]
        bills = bill_month(
            tariff,
            month,
            np.stack([done.billed_import_kwh for done in part], axis=1),
            np.stack([done.grid_export_kwh for done in part], axis=1),
            index[month.frames],
            trade=MonthTrade.of(part),
            three_phase=[bool(fact.get("three_phase")) for fact in facts],
            pv_kw=[float(fact.get("pv_kw", 0)) for fact in facts],
            bank_kwh=bank,
        )
        bank = bills.bank_kwh
        result.append(bills)
    ledger.post(month_postings(result[-1]), start)
    for bills in result[:-1]:
        ledger.post(month_postings(bills), start)
    return ledger, result


def bill_rows(bills, members):
    """The bill as rows (month, member, kind, frame, slab, amount) -> count, and their energy."""
    tariff, lines = bills.tariff, bills.lines
    steps = tariff.slabs + tariff.all_units
    rows, energies = Counter(), {}
    for n in range(len(lines)):
        kind = KINDS[lines.kind[n]]
        edge = steps[lines.slab[n]].up_to_kwh if lines.slab[n] >= 0 else None
        if kind == "grid_support_charge":
            edge = tariff.grid_support.blocks[lines.slab[n]][0]
        key = (
            bills.month.name,
            members[lines.member[n]],
            kind,
            tariff.frame_names[lines.frame[n]] if lines.frame[n] >= 0 else "",
            "" if edge is None else f"{edge:g}",
            Decimal(int(lines.amount_minor[n])).scaleb(-2),
        )
        rows[key] += 1
        energies[key] = float(lines.energy_kwh[n])
    for i, member in enumerate(members):
        total = Decimal(int(bills.total_minor[i])).scaleb(-2)
        rows[(bills.month.name, member, "total", "", "", total)] += 1
    return rows, energies


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_bill_is_the_one_worked_out_from_the_rule(folder):
    case = yaml.safe_load((folder / "input.yaml").read_text(encoding="utf-8"))
    members = list(case["members"])
    ledger, months = run_case(case)
    got, energies = Counter(), {}
    for bills in months:
        rows, energy = bill_rows(bills, members)
        got += rows
        energies.update(energy)
    wanted, wanted_kwh = Counter(), {}
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = tuple(row[name] for name in ("month", "member", "kind", "frame", "slab"))
            key = (*key, Decimal(row["amount"]))
            wanted[key] += 1
            if row["energy_kwh"]:
                wanted_kwh[key] = float(row["energy_kwh"])
    assert got == wanted
    for key, kwh in wanted_kwh.items():
        assert energies[key] == pytest.approx(kwh, abs=1e-6), key
    assert ledger.problems() == []
    owed = np.sum([bills.total_minor for bills in months], axis=0)
    assert ledger.balances()[4:].tolist() == (-owed).tolist()


def test_there_are_cases_for_what_goes_wrong_most():
    names = {folder.name for folder in CASES}
    assert len(names) >= 10
    assert {"zero-use", "across-midnight", "banking-across-months", "export-above-import"} <= names
    for folder in CASES:
        assert (folder / "SOURCE.md").stat().st_size > 100
