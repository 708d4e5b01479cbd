"""`utility.csv`: the utility's month with the market and without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import columns, files
from .bills import Bill
from .check import Findings, Unusable
from .inputs import Run
from .ledger import bulk_kwh
from .settlement import Settlement, whole_minor

CASES = ("market", "no-p2p", "same-meter", "difference")
ROWS = "the utility has one row in every month and case"
ACCOUNT = "the utility's account follows from the bills and its purchases"
BULK = "what the utility bought is what the feeder drew"
UNITS_KWH = 1e-6

#: Each item, and the bill line that it sums up; what remains is derived by itself.
ITEMS = {
    "energy_sales": "grid_energy",
    "fixed_charges": "fixed_charge",
    "network_income": "network_charge",
    "grid_support": "grid_support_charge",
    "imbalance": "imbalance",
    "curtailed_energy": "curtailed_energy",
    "network_curtailment": "network_curtailment",
    "market_balance": None,
    "export_purchases": "export_credit",
    "bank_payouts": "bank_payout",
    "bulk_purchases": None,
}
_REVENUE = (
    "energy_sales",
    "fixed_charges",
    "network_income",
    "grid_support",
    "imbalance",
    "curtailed_energy",
    "market_balance",
)
_PURCHASES = ("export_purchases", "bank_payouts", "bulk_purchases")
MONEY = (*ITEMS, "revenue", "purchases", "net", "banked_value")


@dataclass(frozen=True)
class Ways:
    """All months' bills, derived four ways."""

    market: list[Bill]
    same_meter: list[Bill]
    no_p2p: list[Bill]
    no_pv: list[Bill]


def banked(run: Run, bills: list[Bill]) -> np.ndarray:
    """Return what each month adds to the banks at the payout price, (n_months, n_homes) [minor]."""
    terms = run.terms
    before = [np.zeros_like(bills[0].bank), *(bill.bank for bill in bills[:-1])]
    gained = [
        (bill.bank - earlier).sum(axis=1) for bill, earlier in zip(bills, before, strict=True)
    ]
    return whole_minor(np.array(gained) * terms.payout * terms.minor_per_major * terms.banks)


def check_utility(run: Run, found: Findings, settled: Settlement, ways: Ways) -> None:
    """Derive every row."""
    kinds = {"month": columns.TEXT, "case": columns.TEXT, "bulk_purchase_kwh": columns.REAL}
    kinds |= dict.fromkeys(MONEY, columns.REAL)
    table = files.read_csv(run.path / "utility.csv", kinds, found)
    wanted = [(month.name, case) for month in run.months for case in CASES]
    there = list(zip(table.text("month"), table.text("case"), strict=True))
    found.holds(
        ROWS, there == wanted, lambda: f"{len(there)} rows, {len(wanted)} derived, in order"
    )
    if there != wanted:
        raise Unusable("utility.csv: its rows are not the months and cases of the run")
    shape = len(run.months), len(CASES)

    def place(m: int, c: int) -> str:
        return f"{CASES[c]}, {run.months[m].name}"

    recorded = table["bulk_purchase_kwh"].reshape(shape)
    own = np.array([bulk_kwh(run, month, run.network) for month in run.months])
    second = np.array([bulk_kwh(run, month, run.second) for month in run.months])
    bulk = np.stack([own, second, own, own - second], axis=1)
    found.close(BULK, recorded, bulk, UNITS_KWH, place, "kWh")
    unit = run.terms.minor_per_major
    price = run.terms.bulk_price * unit
    rows: dict[str, np.ndarray] = {}
    three = (ways.market, ways.no_p2p, ways.same_meter)
    for item, line in ITEMS.items():
        if line is not None:
            values = np.array([[int(bill.owed[line].sum()) for bill in bills] for bills in three])
        elif item == "market_balance":
            kept = [int(settled.balance[month.frames].sum()) for month in run.months]
            values = np.array([kept, np.zeros(shape[0]), np.zeros(shape[0])])
        else:
            values = -whole_minor(bulk[:, :3].T * price)
        rows[item] = values
    rows["revenue"] = np.sum([rows[item] for item in _REVENUE], axis=0)
    rows["purchases"] = np.sum([rows[item] for item in _PURCHASES], axis=0)
    rows["net"] = rows["revenue"] + rows["purchases"] + rows["network_curtailment"]
    rows["banked_value"] = np.array([banked(run, bills).sum(axis=1) for bills in three])
    for column, values in rows.items():
        derived = np.stack([*values, values[0] - values[1]], axis=1)
        found.close(
            ACCOUNT,
            table[column].reshape(shape) * unit,
            derived,
            1e-4,
            lambda m, c, name=column: f"{name} of {place(m, c)}",
            "minor units",
        )
