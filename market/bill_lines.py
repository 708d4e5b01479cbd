"""Bill lines as columns, and how they read on a householder's bill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .rounding import to_minor

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Kinds of lines in the order in which a bill shows them. Amounts are what the member owes (+).
KINDS = (
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
)
KIND = {name: code for code, name in enumerate(KINDS)}
NONE = -1


@dataclass(frozen=True)
class BillLines:
    """The lines of a month's bills as columns of equal length, sorted by member and kind.

    Attributes
    ----------
    member : numpy.ndarray of int64
        Position of the member.
    kind : numpy.ndarray of int64
        Position in `KINDS`.
    frame, slab : numpy.ndarray of int64
        Position of the ToD frame and of the slab (telescopic ones first, then all-units), -1 where
        the line is about all of them or none.
    energy_kwh, rate_per_kwh : numpy.ndarray of float64
        Units, and their price before rounding (NaN for lines that have none). [kWh, currency/kWh]
    amount_minor : numpy.ndarray of int64
        What the member owes (+) or gets (-). [minor units]
    """

    member: IntArray
    kind: IntArray
    frame: IntArray
    slab: IntArray
    energy_kwh: FloatArray
    rate_per_kwh: FloatArray
    amount_minor: IntArray

    def __len__(self) -> int:
        return self.member.size

    def of(self, *kinds: str) -> NDArray[np.bool_]:
        """Mask of the lines of some kinds; an unknown kind raises KeyError with the known ones."""
        unknown = [kind for kind in kinds if kind not in KIND]
        if unknown:
            raise KeyError(f"no bill line is called {unknown}: use {', '.join(KINDS)}")
        return np.isin(self.kind, [KIND[kind] for kind in kinds])

    def amounts(self, n_members: int, kinds: Sequence[str] | None) -> IntArray:
        """Money of some kinds (None: of all) for each member, shape (n_members,). [minor units]"""
        rows = slice(None) if kinds is None else self.of(*kinds)
        total = np.zeros(n_members, dtype=np.int64)
        np.add.at(total, self.member[rows], self.amount_minor[rows])
        return total

    def energies(self, n_members: int, kinds: Sequence[str]) -> FloatArray:
        """Energy of some kinds for each member, shape (n_members,). [kWh]"""
        rows = self.of(*kinds)
        return np.bincount(
            self.member[rows], weights=self.energy_kwh[rows], minlength=n_members
        ).astype(np.float64)


class LineWriter:
    """Collects the lines of a month, rounds each once, and sorts them at the end.

    Parameters
    ----------
    minor_per_major : int
        Minor units in one major unit.
    """

    def __init__(self, minor_per_major: int) -> None:
        self.minor_per_major = minor_per_major
        self._parts: list[tuple[NDArray[np.float64] | NDArray[np.int64], ...]] = []

    def add(
        self,
        kind: str,
        energy_kwh: FloatArray,
        rate_per_kwh: FloatArray,
        sign: int = 1,
        slab: int = NONE,
    ) -> None:
        """One line for each member that has energy: energy x rate, rounded once.

        Parameters
        ----------
        kind : str
            One of `KINDS`.
        energy_kwh, rate_per_kwh : numpy.ndarray, shape (N,)
            Units and price. [kWh, currency/kWh]
        sign : int
            1 if the member owes it, -1 if it is credited.
        slab : int
            The block it belongs to.
        """
        members = np.flatnonzero(energy_kwh)
        self.add_rows(
            kind, members, energy_kwh[members], rate_per_kwh[members], sign=sign, slab=slab
        )

    def add_rows(
        self,
        kind: str,
        members: IntArray,
        energy_kwh: FloatArray,
        rate_per_kwh: FloatArray,
        *,
        sign: int = 1,
        frame: ArrayLike = NONE,
        slab: ArrayLike = NONE,
    ) -> None:
        """Lines given row by row; the amount is energy x rate, rounded once.

        Parameters
        ----------
        kind : str
            One of `KINDS`.
        members : numpy.ndarray of int64, shape (n,)
            Whose line each is.
        energy_kwh, rate_per_kwh : numpy.ndarray, shape (n,)
            Units and price. [kWh, currency/kWh]
        sign : int
            1 if the member owes it, -1 if it is credited.
        frame, slab : array_like of int, shape (n,) or ()
            Positions, -1 for none.
        """
        amount = sign * to_minor(energy_kwh * rate_per_kwh, self.minor_per_major)
        self._append(kind, members, amount, energy_kwh, rate_per_kwh, frame, slab)

    def add_money(
        self,
        kind: str,
        members: IntArray,
        amount_minor: IntArray,
        energy_kwh: ArrayLike = 0.0,
        slab: ArrayLike = NONE,
    ) -> None:
        """Lines whose amount is known already, in whole minor units; their rate is the average.

        Parameters
        ----------
        kind : str
            One of `KINDS`.
        members : numpy.ndarray of int64, shape (n,)
            Whose line each is.
        amount_minor : numpy.ndarray of int64, shape (n,)
            What the member owes (+) or gets (-). [minor units]
        energy_kwh : array_like, shape (n,) or ()
            Units behind it, 0 for none. [kWh]
        slab : array_like of int, shape (n,) or ()
            Positions, -1 for none.
        """
        energy = np.broadcast_to(np.asarray(energy_kwh, dtype=np.float64), members.shape)
        major = np.abs(amount_minor) / self.minor_per_major
        rate = np.divide(major, energy, out=np.full(members.shape, np.nan), where=energy > 0)
        self._append(kind, members, amount_minor, energy, rate, NONE, slab)

    def lines(self) -> BillLines:
        """All lines so far, sorted by member, kind, slab and frame."""
        if not self._parts:
            whole, real = np.zeros(0, dtype=np.int64), np.zeros(0)
            return BillLines(whole, whole, whole, whole, real, real, whole)
        columns = [np.concatenate(column) for column in zip(*self._parts, strict=True)]
        member, kind, frame, slab, energy, rate, amount = columns
        order = np.lexsort((frame, slab, kind, member))
        return BillLines(
            member[order],
            kind[order],
            frame[order],
            slab[order],
            energy[order],
            rate[order],
            amount[order],
        )

    def _append(
        self,
        kind: str,
        members: IntArray,
        amount: IntArray,
        energy: FloatArray,
        rate: FloatArray,
        frame: ArrayLike,
        slab: ArrayLike,
    ) -> None:
        shape = members.shape
        self._parts.append(
            (
                members.astype(np.int64),
                np.full(shape, KIND[kind], dtype=np.int64),
                np.broadcast_to(np.asarray(frame, dtype=np.int64), shape),
                np.broadcast_to(np.asarray(slab, dtype=np.int64), shape),
                energy,
                rate,
                amount,
            )
        )
