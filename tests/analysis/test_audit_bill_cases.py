"""The audit's own settlement and bills on the worked examples of tests/cases/bills.

The examples were computed apart from any program; the audit must get them right by itself, not
only agree with the bills that it audits.
"""

import csv
import math
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from gridbazaar.analysis.audit.bills import LINES, bill_month
from gridbazaar.analysis.audit.settlement import settle, shared_out, whole_minor
from gridbazaar.analysis.audit.terms import read_terms, timetable

TARIFFS = Path(__file__).parents[2] / "market/tariffs"
FOLDER = Path(__file__).parents[1] / "cases/bills"
CASES = sorted(path.parent for path in FOLDER.glob("*/input.yaml"))
RULES = ("network_charge_per_kwh", "transaction_charge_per_kwh", "seller_share", "imbalance")


def case_terms(case):
    data = yaml.safe_load((TARIFFS / f"{case['tariff']}.yaml").read_text(encoding="utf-8"))
    data.update(case.get("set", {}))
    if "rules" in case:
        rules = yaml.safe_load((TARIFFS / f"{case['rules']}.yaml").read_text(encoding="utf-8"))
        data.update({key: rules[key] for key in RULES if key in rules})
    return read_terms({key: value for key, value in data.items() if value is not None})


def case_bills(case):
    """All months billed: [(month, bill)]."""
    terms, members = case_terms(case), list(case["members"])
    scenario = {
        "start": case["first_day"],
        "days": case["days"],
        "interval_minutes": 60,
        "gate_closure_minutes": 60,
    }
    time = timetable(scenario, terms)
    shape = len(time.ids), len(members)
    given = defaultdict(lambda: np.zeros(shape))
    for row in case["frames"]:
        frame = (row["day"] - 1) * len(terms.frames) + terms.frames.index(row["frame"])
        for name, values in row.items():
            if isinstance(values, dict):
                for member, value in values.items():
                    given[name][frame, members.index(member)] = value
    net = given["net_export_kwh"]
    by_interval = terms.netting == "interval" or terms.metering == "gross-metering"
    exported = given["metered_export_kwh"] if by_interval else np.maximum(net, 0.0)
    imported = given["metered_import_kwh"] if by_interval else np.maximum(-net, 0.0)
    sums = SimpleNamespace(
        ordered=given["ordered_curtailment_kwh"], exported=exported, imported=imported
    )
    run = SimpleNamespace(
        kept=1.0,
        terms=terms,
        time=time,
        n_frames=shape[0],
        positions={"sold_kwh": given["sold_kwh"], "bought_kwh": given["bought_kwh"]},
    )
    totals = whole_minor(given["paid"].sum(axis=1) * terms.minor_per_major)
    posted = tuple(
        shared_out(given[side] * terms.minor_per_major, totals) for side in ("paid", "received")
    )
    settled = settle(run, sums, posted)
    three = np.array([bool(fact.get("three_phase")) for fact in case["members"].values()])
    pv_kw = np.array([float(fact.get("pv_kw", 0.0)) for fact in case["members"].values()])
    bank, bills = None, []
    for month in time.months():
        bill = bill_month(
            terms,
            month,
            time.tod,
            settled.billed_import,
            settled.grid_export,
            pv_kw,
            bank,
            settled,
            three,
        )
        bank = bill.bank
        bills.append((month, bill))
    return bills


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_every_line_is_the_one_worked_out_by_hand(folder):
    case = yaml.safe_load((folder / "input.yaml").read_text(encoding="utf-8"))
    wanted = defaultdict(Decimal)
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            wanted[row["month"], row["member"], row["kind"]] += Decimal(row["amount"])
    got = {}
    for month, bill in case_bills(case):
        for i, member in enumerate(case["members"]):
            for line in LINES:
                amount = int(bill.owed[line][i])
                if amount:
                    got[month.name, member, line] = Decimal(amount).scaleb(-2)
            got[month.name, member, "total"] = Decimal(int(bill.total[i])).scaleb(-2)
    assert got == {key: amount for key, amount in wanted.items() if amount or key[2] == "total"}


def test_the_examples_are_there():
    assert len(CASES) >= 10


def test_months_in_part_say_so():
    terms = case_terms({"tariff": "simple"})
    scenario = {
        "start": "2025-11-16",
        "days": 17,
        "interval_minutes": 15,
        "gate_closure_minutes": 60,
    }
    months = timetable(scenario, terms).months()
    assert [(month.name, month.note, month.ends) for month in months] == [
        ("2025-11", "prorated: 15.00 of 30 days", True),
        ("2025-12", "prorated: 2.00 of 31 days", False),
    ]
    assert math.isclose(months[0].share, 0.5)


def test_frames_cross_midnight_and_keep_the_date_on_which_they_begin():
    terms = case_terms({"tariff": "simple"})
    scenario = {
        "start": "2025-11-01",
        "days": 2,
        "interval_minutes": 30,
        "gate_closure_minutes": 60,
    }
    time = timetable(scenario, terms)
    assert time.ids[2] == "2025-11-01 off-peak"
    assert str(time.end[2]) == "2025-11-02T06:00:00" == str(time.start[3])
    assert time.first.tolist() == [0, 24, 32, 48, 72, 80] and time.n_intervals == 96
