"""The double-entry ledger: whole minor units, append-only, each batch chained to the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .billing_month import as_minute
from .postings import FIRST_MEMBER, MARKET_ACCOUNTS, PURPOSES, Postings

NO_FRAME = -1


class LedgerError(ValueError):
    """A batch that the ledger refuses; `problems` lists every reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Batch:
    """What the ledger notes of one batch of postings.

    Attributes
    ----------
    time : numpy.datetime64
        Local civil time of its postings, in whole minutes.
    frame_id : int
        The frame it settles, `NO_FRAME` (-1) for a month's end.
    first_posting, n_postings : int
        Its rows are posting ids first_posting to first_posting + n_postings - 1.
    sha256 : str
        Hash over the hash of the batch before and this batch's content.
    """

    time: np.datetime64
    frame_id: int
    first_posting: int
    n_postings: int
    sha256: str


class Ledger:
    """Accounts of the utility, the bulk supplier, the clearing house, the platform and members.

    Rows are kept as lists of numpy arrays, one set a batch; nothing posted can be changed or taken
    away. The ledger can be pickled, so a day's end is a checkpoint.

    The chain: `genesis` is the SHA-256 of the JSON text (keys sorted, no spaces) of accounts,
    currency, inputs, minor_per_major and purposes. A batch's hash is the SHA-256 of the hash before
    it (its 64 hexadecimal characters), the ASCII text `frame_id|time|first_posting|n_postings` with
    the time as `YYYY-MM-DDTHH:MM`, and then the columns payer (int32), payee (int32), purpose
    (int16), energy_kwh (float64), amount_minor (int64), all little-endian.

    Parameters
    ----------
    members : sequence of str
        Member ids in the order of all arrays; account code of member i is 4 + i.
    currency : str
        Currency code.
    minor_per_major : int
        Minor units in one major unit.
    inputs : mapping of str to str, optional
        Hashes of what the postings rest on (scenario, tariff), by file name; the chain begins with
        them, so that inputs exchanged later show.

    Raises
    ------
    LedgerError
        If member ids are not unique or take the name of a market account.

    Examples
    --------
    >>> from gridbazaar.market.postings import UTILITY, flow
    >>> ledger = Ledger(("h1", "h2"))
    >>> batch = ledger.post(flow([4, 5], UTILITY, "grid_energy", [10.0, 2.0], [6750, 1350]),
    ...                     "2025-11-01T18:00", frame_id=0)
    >>> ledger.balances()[[0, 4, 5]].tolist()
    [8100, -6750, -1350]
    """

    def __init__(
        self,
        members: Sequence[str],
        currency: str = "INR",
        minor_per_major: int = 100,
        inputs: Mapping[str, str] | None = None,
    ) -> None:
        problems = [
            f"members: {name!r}: is the name of a market account: rename the member"
            for name in members
            if name in MARKET_ACCOUNTS
        ]
        if len(set(members)) != len(members):
            problems.append("members: ...: names repeat: give each member its own name")
        if problems:
            raise LedgerError(problems)
        self.accounts = (*MARKET_ACCOUNTS, *members)
        self.currency = currency
        self.minor_per_major = minor_per_major
        self.genesis = hashlib.sha256(
            json.dumps(
                {
                    "accounts": self.accounts,
                    "currency": currency,
                    "inputs": dict(inputs or {}),
                    "minor_per_major": minor_per_major,
                    "purposes": PURPOSES,
                },
                sort_keys=True,
                separators=(",", ":"),
            ).encode()
        ).hexdigest()
        self._rows: list[Postings] = []
        self._batches: list[Batch] = []

    def __len__(self) -> int:
        return (
            self._batches[-1].first_posting + self._batches[-1].n_postings if self._batches else 0
        )

    @property
    def batches(self) -> tuple[Batch, ...]:
        """All batches in the order they were posted."""
        return tuple(self._batches)

    @property
    def head(self) -> str:
        """The last hash of the chain."""
        return self._batches[-1].sha256 if self._batches else self.genesis

    def post(
        self, postings: Postings, time: np.datetime64 | str, frame_id: int = NO_FRAME
    ) -> Batch:
        """Append one batch.

        Parameters
        ----------
        postings : Postings
            Any number of rows, none is allowed too (the frame still gets its link in the chain).
        time : numpy.datetime64 or str
            Local civil time of all its rows, not before the last batch; cut to minutes.
        frame_id : int
            The frame it settles; leave it out for a month's end.

        Returns
        -------
        Batch
            Its ids and its hash.

        Raises
        ------
        LedgerError
            With every reason: negative amounts, unknown accounts or purposes, a payer that pays
            itself, energy that is negative or not finite, time running backwards.
        """
        moment = as_minute(time)
        self._check(postings, moment)
        columns = [
            np.array(column, dtype=kind)
            for column, kind in (
                (postings.payer, "<i4"),
                (postings.payee, "<i4"),
                (postings.purpose, "<i2"),
                (postings.energy_kwh, "<f8"),
                (postings.amount_minor, "<i8"),
            )
        ]
        for column in columns:
            column.flags.writeable = False
        rows = Postings(*columns)
        batch = Batch(
            moment,
            int(frame_id),
            len(self),
            len(rows),
            _link(self.head, frame_id, moment, len(self), rows),
        )
        self._rows.append(rows)
        self._batches.append(batch)
        return batch

    def balances(self, until: np.datetime64 | str | None = None) -> NDArray[np.int64]:
        """What every account has received less what it has paid.

        Parameters
        ----------
        until : numpy.datetime64 or str, optional
            Count postings up to this moment, itself included; by default all.

        Returns
        -------
        numpy.ndarray of int64, shape (n_accounts,)
            Whole minor units in the order of `accounts`; members begin at position 4.
        """
        return np.asarray(self.by_purpose(until=until).sum(axis=1), dtype=np.int64)

    def by_purpose(
        self,
        since: np.datetime64 | str | None = None,
        until: np.datetime64 | str | None = None,
    ) -> NDArray[np.int64]:
        """What every account has received less paid, purpose by purpose.

        Parameters
        ----------
        since, until : numpy.datetime64 or str, optional
            Count postings after `since` (itself left out) up to `until` (itself included).

        Returns
        -------
        numpy.ndarray of int64, shape (n_accounts, n_purposes)
            Whole minor units; columns in the order of `PURPOSES`.
        """
        net = np.zeros((len(self.accounts), len(PURPOSES)), dtype=np.int64)
        first = None if since is None else as_minute(since)
        last = None if until is None else as_minute(until)
        for batch, rows in zip(self._batches, self._rows, strict=True):
            if (first is not None and batch.time <= first) or (
                last is not None and batch.time > last
            ):
                continue
            np.add.at(net, (rows.payee, rows.purpose), rows.amount_minor)
            np.subtract.at(net, (rows.payer, rows.purpose), rows.amount_minor)
        return net

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """All postings as columns, ready for a table.

        Returns
        -------
        dict of str to numpy.ndarray, each of shape (n_postings,)
            `posting_id`, `time` (datetime64[m]), `frame_id` (-1 for a month's end, to be written
            as null), `payer`, `payee`, `purpose` (text), `energy_kwh`, `amount_minor`.
        """
        names = np.array(self.accounts, dtype=object)
        purposes = np.array(PURPOSES, dtype=object)
        counts = [batch.n_postings for batch in self._batches]
        times = np.array([batch.time for batch in self._batches], dtype="datetime64[m]")
        frames = np.array([batch.frame_id for batch in self._batches], dtype=np.int64)
        return {
            "posting_id": np.arange(len(self)),
            "time": np.repeat(times, counts),
            "frame_id": np.repeat(frames, counts),
            "payer": names[self._column("payer", np.int32)],
            "payee": names[self._column("payee", np.int32)],
            "purpose": purposes[self._column("purpose", np.int16)],
            "energy_kwh": self._column("energy_kwh", np.float64),
            "amount_minor": self._column("amount_minor", np.int64),
        }

    def problems(self) -> list[str]:
        """Audit the ledger itself: the check of whoever keeps one in memory.

        `gridbazaar verify` reads a finished run's postings and chains them anew with its own code,
        so that an error here cannot hide one there.

        Returns
        -------
        list of str
            What is wrong: a batch whose content no longer matches its hash, accounts that do not
            sum to zero, a clearing account that is not empty after a frame. Empty if all is well.
        """
        found = []
        previous, first, clearing = self.genesis, 0, 0
        for number, (batch, rows) in enumerate(zip(self._batches, self._rows, strict=True)):
            link = _link(previous, batch.frame_id, batch.time, first, rows)
            if link != batch.sha256:
                found.append(f"batch {number} at {batch.time}: its content does not match its hash")
            previous, first = batch.sha256, first + len(rows)
            received = rows.amount_minor[rows.payee == MARKET_ACCOUNTS.index("clearing")].sum()
            paid = rows.amount_minor[rows.payer == MARKET_ACCOUNTS.index("clearing")].sum()
            clearing += int(received) - int(paid)
            if clearing:
                found.append(
                    f"batch {number} at {batch.time}: clearing holds {clearing} minor units"
                )
                clearing = 0
        if total := int(self.balances().sum()):
            found.append(f"the accounts sum to {total} minor units instead of 0")
        return found

    def _column(self, name: str, kind: type[np.generic]) -> NDArray[np.generic]:
        parts = [getattr(rows, name) for rows in self._rows]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)

    def _check(self, postings: Postings, moment: np.datetime64) -> None:
        problems = []
        lengths = {
            len(column)
            for column in (
                postings.payer,
                postings.payee,
                postings.purpose,
                postings.energy_kwh,
                postings.amount_minor,
            )
        }
        if len(lengths) > 1:
            raise LedgerError(["columns: ...: differ in length: give every posting every column"])
        for name in ("payer", "payee"):
            code = getattr(postings, name)
            if np.any((code < 0) | (code >= len(self.accounts))):
                known = f"0-{len(self.accounts) - 1}, members from {FIRST_MEMBER}"
                problems.append(f"{name}: ...: holds an unknown account: use codes {known}")
        if np.any((postings.purpose < 0) | (postings.purpose >= len(PURPOSES))):
            problems.append(f"purpose: ...: holds an unknown code: use {', '.join(PURPOSES)}")
        if np.any(postings.payer == postings.payee):
            problems.append("payee: ...: an account pays itself: leave the posting out")
        if np.any(postings.amount_minor < 0):
            problems.append("amount_minor: ...: is negative: swap payer and payee")
        if not np.all(np.isfinite(postings.energy_kwh) & (postings.energy_kwh >= 0)):
            problems.append("energy_kwh: ...: is negative or not finite: give energy >= 0")
        if np.isnat(moment) or (self._batches and moment < self._batches[-1].time):
            problems.append(f"time: {moment}: is before the last batch: post in order of time")
        if problems:
            raise LedgerError(problems)


def _link(previous: str, frame_id: int, time: np.datetime64, first: int, rows: Postings) -> str:
    digest = hashlib.sha256(f"{previous}{frame_id}|{time}|{first}|{len(rows)}".encode("ascii"))
    for column, kind in (
        (rows.payer, "<i4"),
        (rows.payee, "<i4"),
        (rows.purpose, "<i2"),
        (rows.energy_kwh, "<f8"),
        (rows.amount_minor, "<i8"),
    ):
        digest.update(np.ascontiguousarray(column, dtype=kind).tobytes())
    return digest.hexdigest()
