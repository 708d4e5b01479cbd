"""Money: ledger and bills against what meters, contracts and the tariff say they must be."""

from __future__ import annotations

import math

import numpy as np

from . import columns, files, ledger
from .bill_lines import check_bill_lines
from .bills import LINES, Bill, bill_month
from .check import Findings, Unusable
from .inputs import Run
from .mechanisms import check_budget, check_transfers, levelled_months
from .meters import FrameSums
from .settlement import Settlement, settle, whole_minor
from .utility import Ways, banked, check_utility

UNITS_KWH = 1e-6

ONE_BILL = "every home has one bill in every month"
UNITS = "energy on the bills is what meters and contracts leave"
WHOLE = "bills are in whole minor units"
LINE = "every line of every bill follows from meters, contracts and tariff"
LEDGER = "the bills' lines are the ledger's postings, home by home"
TOTALS = "each total is the sum of its lines"
SAME_METER = "the bills of the same meters without peer-to-peer trade are right"
NO_PV = "the bills of the gross load are right"
STORED = "what batteries still hold is valued at the feed-in price"
SAVING = "savings are differences of the bills"
NO_P2P = "the bills of the run without the market are right"
BANKED = "what months put in the banks is valued at the payout price"

_PURPOSE_OF = {
    "p2p_bought": "p2p_energy",
    "p2p_sold": "p2p_energy",
    **{line: line for line in LINES[2:]},
}
_TOTALS = ("total", "no_p2p_total", "no_p2p_same_meter_total", "no_pv_total")
_AVERAGES = ("p2p_bought_per_kwh", "p2p_sold_per_kwh")
_VALUES = (
    "bank_value",
    "no_p2p_bank_value",
    "no_p2p_same_meter_bank_value",
    "battery_state_value",
    "no_p2p_battery_state_value",
)
_SAVINGS = ("saving", "saving_price_effect", "saving_operation_effect")


def check_money(run: Run, found: Findings, sums: FrameSums) -> None:
    """Derive every posting and every bill, and compare."""
    laid = ledger.batches(run)
    with found.section("ledger"):
        entries = ledger.recorded_entries(run, found, laid)
        ledger.check_clearing(run, found, entries, laid)
        ledger.check_chain(run, found, entries, laid)
    transfer = check_transfers(run, found, ledger.posted_transfers(run, entries, laid))
    settled = settle(run, sums, transfer=transfer)
    check_budget(run, found, settled.balance)
    levelled = levelled_months(run, sums, settled)
    second = run.no_p2p
    no_sun = np.zeros_like(sums.load)
    ways = Ways(
        market=_bills(run, settled.billed_import, settled.grid_export, settled, levelled),
        same_meter=_bills(run, sums.imported, sums.exported),
        no_p2p=_bills(run, second["import_kwh"], second["export_kwh"]),
        no_pv=_bills(run, sums.load, no_sun),
    )
    with found.section("postings"):
        ledger.check_postings(run, found, entries, laid, settled, ways.market, levelled)
    with found.section("bills"):
        recorded = _BillFile(run, found)
        recorded.check_units(settled, ways.market)
        recorded.check_lines(ways.market)
        recorded.check_against_ledger(entries, laid)
        recorded.check_totals(ways)
        recorded.check_savings(sums, ways)
    with found.section("bill lines"):
        check_bill_lines(run, found, settled, ways.market)
    with found.section("utility"):
        check_utility(run, found, settled, ways)


def _bills(
    run: Run,
    imports: np.ndarray,
    exports: np.ndarray,
    traded: Settlement | None = None,
    levelled: list[np.ndarray] | None = None,
) -> list[Bill]:
    """Bill every month, each with the bank that the one before left."""
    levelled = levelled or [np.zeros(run.n_homes, dtype=np.int64) for _ in run.months]
    bank: np.ndarray | None = None
    bills = []
    for month, given in zip(run.months, levelled, strict=True):
        bills.append(
            bill_month(
                run.terms,
                month,
                run.time.tod,
                imports,
                exports,
                run.members["pv_kwp"],
                bank,
                traded,
                run.members["three_phase"] > 0.5,
                given,
            )
        )
        bank = bills[-1].bank
    return bills


class _BillFile:
    """`bills.csv` in the order of months and homes; every array is (n_months, n_homes)."""

    def __init__(self, run: Run, found: Findings) -> None:
        self._run, self._found = run, found
        self._unit = run.terms.minor_per_major
        self._billed = [
            f"billed_{name.replace('-', '_').replace(' ', '_')}_kwh" for name in run.terms.frames
        ]
        numbers = ["month_share", "grid_import_kwh", "grid_export_kwh", *self._billed]
        numbers += ["p2p_bought_kwh", "p2p_sold_kwh", "bank_kwh"]
        money = [*LINES, *_TOTALS, *_VALUES, *_SAVINGS]
        kinds = {name: columns.TEXT for name in ("prosumer", "month", "note")}
        kinds |= {name: columns.REAL for name in (*numbers, *money)}
        kinds |= {name: "real?" for name in _AVERAGES}
        table = files.read_csv(run.path / "bills.csv", kinds, found)
        months = {month.name: i for i, month in enumerate(run.months)}
        key = table.codes("month", months) * run.n_homes + table.codes("prosumer", run.home_of)
        known = (table.codes("month", months) >= 0) & (table.codes("prosumer", run.home_of) >= 0)
        found.holds(ONE_BILL, known, lambda i: f"bills.csv: line {i + 2}: unknown home or month")
        count = np.bincount(key[known], minlength=len(months) * run.n_homes)
        found.holds(ONE_BILL, count == 1, lambda i: f"{self._at(i)} has {count[i]} bills")
        if not known.all() or not (count == 1).all():
            raise Unusable("bills.csv: bills are missing, unknown or stand twice")
        order, self._shape = np.argsort(key), (len(months), run.n_homes)
        self._number = {c: table[c][order].reshape(self._shape) for c in (*numbers, *_AVERAGES)}
        notes = table.text("note")[order].reshape(self._shape)
        wanted = np.array([month.note for month in run.months], dtype=object)[:, None]
        found.holds(
            ONE_BILL,
            np.asarray(notes == wanted, dtype=np.bool_),
            lambda m, h: f"note of {self._place(m, h)}: {notes[m, h]!r}",
        )
        self._minor: dict[str, np.ndarray] = {}
        for column in money:
            exact = table[column][order].reshape(self._shape) * self._unit
            self._minor[column] = np.rint(exact)
            found.close(
                WHOLE,
                exact,
                np.rint(exact),
                1e-6,
                lambda m, h, c=column: f"{c} of {self._place(m, h)}",
                "minor units",
            )

    def _place(self, month: int, home: int) -> str:
        return f"{self._run.homes[home]}, {self._run.months[month].name}"

    def _at(self, row: int) -> str:
        return self._place(row // self._run.n_homes, row % self._run.n_homes)

    def _compare(self, name: str, column: str, derived: list[np.ndarray] | np.ndarray) -> None:
        self._found.close(
            name,
            self._minor[column],
            np.asarray(derived, dtype=np.float64),
            0.0,
            lambda m, h: f"{column} of {self._place(m, h)}",
            "minor units",
        )

    def check_units(self, settled: Settlement, market: list[Bill]) -> None:
        """Compare the energies on the bills, and the average prices of traded energy."""
        months = self._run.months
        derived: dict[str, np.ndarray] = {
            "month_share": np.array([np.full(self._shape[1], month.share) for month in months]),
            "grid_import_kwh": np.array([bill.taken.sum(axis=1) for bill in market]),
            "grid_export_kwh": np.array([bill.given.sum(axis=1) for bill in market]),
            "bank_kwh": np.array([bill.bank.sum(axis=1) for bill in market]),
        }
        for k, column in enumerate(self._billed):
            derived[column] = np.array([bill.billed[:, k] for bill in market])
        for side, part in (("bought", settled.bought), ("sold", settled.sold)):
            energy = np.array([part[month.frames].sum(axis=0) for month in months])
            money = np.abs(np.array([bill.owed[f"p2p_{side}"] for bill in market])) / self._unit
            derived[f"p2p_{side}_kwh"] = energy
            derived[f"p2p_{side}_per_kwh"] = np.divide(
                money, energy, out=np.full(energy.shape, np.nan), where=energy > 0.0
            )
        for column, values in derived.items():
            self._found.close(
                UNITS,
                self._number[column],
                values,
                UNITS_KWH,
                lambda m, h, c=column: f"{c} of {self._place(m, h)}",
            )

    def check_lines(self, market: list[Bill]) -> None:
        """Compare every line."""
        for line in LINES:
            self._compare(LINE, line, [bill.owed[line] for bill in market])

    def check_against_ledger(self, entries: ledger.Entries, laid: ledger.Batches) -> None:
        """Add up the ledger's own postings by home, month and line."""
        month = laid.month[entries.batch]
        for line, purpose in _PURPOSE_OF.items():
            posted = np.zeros(self._shape)
            for side, sign in ((entries.payer, 1.0), (entries.payee, -1.0)):
                rows = (entries.purpose == ledger.CODE[purpose]) & (side >= ledger.FIRST_HOME)
                if line == "p2p_bought" or line == "p2p_sold":
                    rows &= sign > 0 if line == "p2p_bought" else sign < 0
                at = month[rows], side[rows] - ledger.FIRST_HOME
                np.add.at(posted, at, sign * entries.amount[rows])
            self._compare(LEDGER, line, posted)

    def check_totals(self, ways: Ways) -> None:
        """Compare the totals, and add the lines up."""
        self._compare(TOTALS, "total", np.sum([self._minor[line] for line in LINES], axis=0))
        for name, column, bills in (
            (LINE, "total", ways.market),
            (SAME_METER, "no_p2p_same_meter_total", ways.same_meter),
            (NO_P2P, "no_p2p_total", ways.no_p2p),
            (NO_PV, "no_pv_total", ways.no_pv),
        ):
            self._compare(name, column, [bill.total for bill in bills])
        for column, bills in (
            ("bank_value", ways.market),
            ("no_p2p_bank_value", ways.no_p2p),
            ("no_p2p_same_meter_bank_value", ways.same_meter),
        ):
            self._compare(BANKED, column, banked(self._run, bills))

    def check_savings(self, sums: FrameSums, ways: Ways) -> None:
        """Value banks and batteries, and split the savings."""
        run, at = self._run, self._minor
        for column, stored in (
            ("battery_state_value", sums.stored),
            ("no_p2p_battery_state_value", run.no_p2p["stored_kwh"][-1]),
        ):
            self._compare(STORED, column, self._stored(stored))
        market = at["total"] - at["bank_value"]
        same_meter = at["no_p2p_same_meter_total"] - at["no_p2p_same_meter_bank_value"]
        no_p2p = at["no_p2p_total"] - at["no_p2p_bank_value"]
        saving = no_p2p - at["no_p2p_battery_state_value"] - (market - at["battery_state_value"])
        self._compare(SAVING, "saving", saving)
        self._compare(SAVING, "saving_price_effect", same_meter - market)
        self._compare(SAVING, "saving_operation_effect", saving - (same_meter - market))

    def _stored(self, stored: np.ndarray) -> np.ndarray:
        """Value what batteries can still deliver at the run's end, (n_months, n_homes)."""
        run, battery = self._run, self._run.scenario["battery"]
        empty = float(battery["soc_min"]) * run.members["battery_kwh"]
        usable = np.maximum(stored - empty, 0.0) * math.sqrt(
            float(battery["round_trip_efficiency"])
        )
        value = np.zeros(self._shape)
        value[-1] = whole_minor(np.maximum(usable * run.terms.feed_in, 0.0) * self._unit)
        return value
