"""The ledger: its form, its chain of hashes, and every posting against what it must be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from . import files
from .bills import MONTH_END, Bill
from .check import Findings
from .files import Table
from .inputs import MARKET_ACCOUNTS, Run, known_codes
from .settlement import BALANCED_KWH, Settlement, whole_minor
from .terms import Month

ENERGY_POSTED_KWH = 1e-6

FORM = "postings are numbered, in order of time, in whole minor units that are not negative"
CLEARED = "the clearing account is empty after every frame"
ENERGY_BALANCES = "peer-to-peer energy posted as bought is the energy posted as sold"
CHAIN = "the ledger's chain of hashes ends at the head in the manifest"
POSTED = "every posting stands, between the right accounts"

UTILITY, BULK, CLEARING, PLATFORM = range(4)
FIRST_HOME = len(MARKET_ACCOUNTS)
#: The purposes in the order of their codes, which the chain hashes.
PURPOSES = (
    "p2p_energy",
    "market_balance",
    "network_charge",
    "transaction_charge",
    "curtailed_energy",
    "network_curtailment",
    "imbalance",
    "grid_energy",
    "fixed_charge",
    "export_credit",
    "grid_support_charge",
    "bank_payout",
    "bulk_purchase",
    "market_transfer",
)
CODE = {name: i for i, name in enumerate(PURPOSES)}


@dataclass(frozen=True)
class Entries:
    """Postings as columns; `batch` counts the frames and, after its last frame, each month."""

    batch: np.ndarray
    purpose: np.ndarray
    payer: np.ndarray
    payee: np.ndarray
    energy: np.ndarray
    amount: np.ndarray


@dataclass(frozen=True)
class Batches:
    """When and for which frame each batch is posted; `frame` is -1 for a month's end."""

    frame: np.ndarray
    time: np.ndarray
    month: np.ndarray


def batches(run: Run) -> Batches:
    """Lay out the batches: one a frame, and one more after the last frame of each month."""
    frame, moment, month = [], [], []
    for number, part in enumerate(run.months):
        for i in [*range(part.frames.start, part.frames.stop), -1]:
            frame.append(i)
            moment.append(run.time.end[part.frames.stop - 1 if i < 0 else i])
            month.append(number)
    return Batches(np.array(frame), np.array(moment), np.array(month))


def recorded_entries(run: Run, found: Findings, laid: Batches) -> Entries:
    """Return the ledger's rows with the batch that each belongs to, and check their form."""
    table = run.ledger
    n, energy, amount = table.n, table["energy_kwh"], table["amount_minor"]
    purpose = known_codes(found, table, "purpose", CODE)
    payer, payee = table["payer_code"], table["payee_code"]

    def place(i: int) -> str:
        return f"ledger: row {i}, posting {table['posting_id'][i]}"

    of_frame = np.zeros(run.n_frames, dtype=np.int64)
    of_frame[laid.frame[laid.frame >= 0]] = np.flatnonzero(laid.frame >= 0)
    at_month_end = np.flatnonzero(laid.frame < 0)
    ends = laid.time[at_month_end]
    month = np.minimum(np.searchsorted(ends, table["time"]), len(ends) - 1)
    batch = np.where(table["frame"] >= 0, of_frame[table["frame"]], at_month_end[month])
    whole = np.isfinite(amount) & (amount >= 0) & (amount < 2**53)
    amount = np.where(whole, amount, 0).astype(np.int64)
    for good in (
        table["posting_id"] == np.arange(n),
        table["time"] == laid.time[batch],
        np.diff(batch, prepend=0) >= 0,
        np.isfinite(energy) & (energy >= 0.0),
        whole,
        payer != payee,
    ):
        found.holds(FORM, good, place)
    return Entries(batch, purpose, payer, payee, energy, amount)


def check_clearing(run: Run, found: Findings, entries: Entries, laid: Batches) -> None:
    """Demand that the clearing account is empty after each batch, in money and in energy."""
    n = len(laid.frame)
    signs = (entries.payee == CLEARING).astype(np.int64) - (entries.payer == CLEARING)
    held = np.zeros(n, dtype=np.int64)
    np.add.at(held, entries.batch, signs * entries.amount)

    def place(b: int) -> str:
        return f"{str(laid.time[b])[:16]}"

    found.close(CLEARED, held, np.zeros(n), 0.0, place, "minor units")
    peers = np.where(entries.purpose == CODE["p2p_energy"], signs * entries.energy, 0.0)
    left = np.bincount(entries.batch, weights=peers, minlength=n)
    found.close(ENERGY_BALANCES, left, np.zeros(n), BALANCED_KWH, place, "kWh")


def check_chain(run: Run, found: Findings, entries: Entries, laid: Batches) -> None:
    """Recompute the chain of hashes over all batches.

    It begins with the SHA-256 of a JSON text of accounts, currency, minor units, purposes and the
    hashes of scenario and tariff. Each link is the SHA-256 of the link before it, of
    `frame|time|first posting|number of postings`, and of the columns payer, payee (4 bytes),
    purpose (2), energy and amount (8), little-endian.
    """
    inputs = ("scenario.yaml", "tariff.yaml")
    genesis = {
        "accounts": [*MARKET_ACCOUNTS, *run.homes],
        "currency": run.manifest.get("currency"),
        "inputs": {name: files.file_sum(run.path / name) for name in inputs},
        "minor_per_major": run.manifest.get("minor_per_major"),
        "purposes": PURPOSES,
    }
    text = json.dumps(genesis, sort_keys=True, separators=(",", ":"))
    head = hashlib.sha256(text.encode()).hexdigest()
    columns = [
        np.ascontiguousarray(getattr(entries, name), dtype=kind)
        for name, kind in (
            ("payer", "<i4"),
            ("payee", "<i4"),
            ("purpose", "<i2"),
            ("energy", "<f8"),
            ("amount", "<i8"),
        )
    ]
    edges = np.searchsorted(entries.batch, np.arange(len(laid.frame) + 1))
    for number, frame in enumerate(laid.frame.tolist()):
        first, last = int(edges[number]), int(edges[number + 1])
        moment = str(laid.time[number])[:16]
        link = hashlib.sha256(f"{head}{frame}|{moment}|{first}|{last - first}".encode())
        for column in columns:
            link.update(column[first:last].tobytes())
        head = link.hexdigest()
    wanted = run.manifest.get("ledger_head_sha256")
    found.holds(CHAIN, head == wanted, lambda: f"{wanted} in the manifest, {head} from the ledger")


def posted_transfers(run: Run, entries: Entries, laid: Batches) -> np.ndarray:
    """Return what frames paid beside price times energy, as posted, (n_frames, n_homes)."""
    given = np.zeros((run.n_frames, run.n_homes), dtype=np.int64)
    frame = laid.frame[entries.batch]
    for side, sign in ((entries.payee, 1), (entries.payer, -1)):
        rows = (entries.purpose == CODE["market_transfer"]) & (side >= FIRST_HOME) & (frame >= 0)
        np.add.at(given, (frame[rows], side[rows] - FIRST_HOME), sign * entries.amount[rows])
    return given


def check_postings(
    run: Run,
    found: Findings,
    entries: Entries,
    laid: Batches,
    settled: Settlement,
    bills: list[Bill],
    levelled: list[np.ndarray],
) -> None:
    """Compare every posting with the one derived: who, to whom, energy and amount."""
    derived = _joined([*_frame_entries(settled, laid), *_month_entries(run, laid, bills, levelled)])
    for purpose, name in enumerate(PURPOSES):
        mine, theirs = (_sorted(part, purpose) for part in (derived, entries))
        counts = [np.bincount(part.batch, minlength=len(laid.frame)) for part in (theirs, mine)]
        found.holds(
            POSTED,
            counts[0] == counts[1],
            lambda b, c=counts, n=name: (
                f"{str(laid.time[b])[:16]}: {c[0][b]} {n} postings recorded, {c[1][b]} derived"
            ),
        )
        same = counts[0] == counts[1]
        mine, theirs = (_only(part, same[part.batch]) for part in (mine, theirs))

        def place(i: int, rows: Entries = theirs) -> str:
            return (
                f"{_account(run, rows.payer[i])} to {_account(run, rows.payee[i])}, "
                + str(laid.time[rows.batch[i]])[:16]
            )

        found.holds(POSTED, (theirs.payer == mine.payer) & (theirs.payee == mine.payee), place)
        found.close(
            "posted amounts are what they must be",
            theirs.amount,
            mine.amount,
            0.0,
            lambda i, p=place, n=name: f"{n}, {p(i)}",
            "minor units",
        )
        found.close(
            "posted energies are what they must be",
            theirs.energy,
            mine.energy,
            ENERGY_POSTED_KWH,
            lambda i, p=place, n=name: f"{n}, {p(i)}",
            "kWh",
        )


def _account(run: Run, code: int) -> str:
    return (*MARKET_ACCOUNTS, *run.homes)[code]


def _entries(
    batch: np.ndarray,
    purpose: str,
    payer: np.ndarray | int,
    payee: np.ndarray | int,
    energy: np.ndarray,
    signed: np.ndarray,
) -> Entries:
    """Make entries from signed amounts; nothing is posted for neither money nor energy."""
    kept = (signed != 0) | (energy != 0.0)
    payer, payee = (np.broadcast_to(side, signed.shape)[kept] for side in (payer, payee))
    signed, back = signed[kept], signed[kept] < 0
    return Entries(
        batch[kept],
        np.full(signed.size, CODE[purpose]),
        np.where(back, payee, payer),
        np.where(back, payer, payee),
        energy[kept],
        np.abs(signed),
    )


def _frame_entries(settled: Settlement, laid: Batches) -> Iterator[Entries]:
    n_frames, n = settled.sold.shape
    of_frame = np.flatnonzero(laid.frame >= 0)
    batch = np.repeat(of_frame, n)
    home = np.tile(FIRST_HOME + np.arange(n), n_frames)

    def rows(
        purpose: str,
        payer: np.ndarray | int,
        payee: np.ndarray | int,
        energy: np.ndarray,
        money: np.ndarray,
        with_money: bool = False,
    ) -> Entries:
        told = np.where(money != 0, energy, 0.0) if with_money else energy
        return _entries(batch, purpose, payer, payee, told.ravel(), money.ravel())

    traded = settled.sold + settled.bought
    yield rows("p2p_energy", home, CLEARING, settled.bought, settled.paid)
    yield rows("p2p_energy", CLEARING, home, settled.sold, settled.received)
    nothing = np.zeros_like(settled.sold)
    yield rows("market_transfer", CLEARING, home, nothing, settled.transfer)
    sold, bought = settled.sold.sum(axis=1), settled.bought.sum(axis=1)
    pool = np.abs(bought - sold)
    pool = np.where(pool > BALANCED_KWH * (1.0 + sold), pool, 0.0)
    yield _entries(of_frame, "market_balance", CLEARING, UTILITY, pool, settled.balance)
    yield rows("network_charge", home, UTILITY, settled.bought, settled.network, True)
    yield rows("transaction_charge", home, PLATFORM, traded, settled.transaction, True)
    yield rows("curtailed_energy", home, UTILITY, settled.replaced, settled.curtailed)
    yield rows("network_curtailment", UTILITY, home, settled.replaced, settled.given_back)
    yield rows("imbalance", home, UTILITY, settled.unkept, settled.imbalance, True)


def _month_entries(
    run: Run, laid: Batches, bills: list[Bill], levelled: list[np.ndarray]
) -> Iterator[Entries]:
    price, unit = run.terms.bulk_price, run.terms.minor_per_major
    ends = np.flatnonzero(laid.frame < 0)
    for batch, given in zip(ends, levelled, strict=True):
        home = FIRST_HOME + np.arange(given.size)
        at, nothing = np.full(given.size, batch), np.zeros(given.size)
        yield _entries(at, "market_transfer", CLEARING, home, nothing, given)
    for batch, month, bill in zip(ends, run.months, bills, strict=True):
        for line in MONTH_END:
            if line in bill.entries:
                part = bill.entries[line]
                at, home = np.full(part.home.size, batch), FIRST_HOME + part.home
                yield _entries(at, line, home, UTILITY, part.energy, part.amount)
        drawn = bulk_kwh(run, month, run.network)
        cost = whole_minor(np.array([drawn * price * unit]))
        if drawn == 0.0:  # a month without supply
            continue
        sides = (UTILITY, BULK) if drawn >= 0.0 else (BULK, UTILITY)
        yield Entries(
            np.array([batch]),
            np.array([CODE["bulk_purchase"]]),
            np.array(sides[:1]),
            np.array(sides[1:]),
            np.array([abs(drawn)]),
            np.abs(cost),
        )


def bulk_kwh(run: Run, month: Month, feeder: Table) -> float:
    """Return what the bulk supplier delivered in a month, losses included [kWh].

    An interval whose power flow has no solution leaves no number to buy by.
    """
    first = run.time.first[month.frames.start]
    last = first + run.time.length[month.frames].sum()
    return float(np.nansum(feeder["substation_kw"][first:last])) * run.time.hours


def _joined(parts: list[Entries]) -> Entries:
    return Entries(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("batch", "purpose", "payer", "payee", "energy", "amount")
        )
    )


def _only(entries: Entries, kept: np.ndarray) -> Entries:
    return Entries(*(column[kept] for column in vars(entries).values()))


def _sorted(entries: Entries, purpose: int) -> Entries:
    """Return the postings of one purpose, batch by batch, else in the order they stand in."""
    part = _only(entries, entries.purpose == purpose)
    return _only(part, np.argsort(part.batch, kind="stable"))
