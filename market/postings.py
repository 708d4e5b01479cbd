"""Postings: who pays whom, for what, how much energy and how many minor units.

Accounts are whole-number codes: four of the market's own, then the members in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

UTILITY, BULK_SUPPLIER, CLEARING, PLATFORM = 0, 1, 2, 3
MARKET_ACCOUNTS = ("utility", "bulk_supplier", "clearing", "platform")
FIRST_MEMBER = len(MARKET_ACCOUNTS)

#: What a posting is for; its code is its place here. Add at the end only: the codes are hashed.
PURPOSES = (
    "p2p_energy",  # buyer -> clearing, clearing -> seller
    "market_balance",  # what a mechanism collects but does not pay out: clearing -> utility
    "network_charge",  # buyer -> utility
    "transaction_charge",  # either side -> platform
    "curtailed_energy",  # seller -> utility: sold, curtailed on order, delivered by the grid
    "network_curtailment",  # utility -> seller: retail less the price the seller got
    "imbalance",  # member -> utility: penalty, or the difference made by a single price
    "grid_energy",  # member -> utility, month's end
    "fixed_charge",  # member -> utility, month's end
    "export_credit",  # utility -> member, month's end
    "grid_support_charge",  # member -> utility, month's end
    "bank_payout",  # utility -> member, end of the settlement year
    "bulk_purchase",  # utility -> bulk supplier, month's end
    "market_transfer",  # clearing <-> member: what a mechanism pays beside price times energy
)
PURPOSE = {name: code for code, name in enumerate(PURPOSES)}


@dataclass(frozen=True)
class Postings:
    """A batch of postings as columns of equal length n; amounts are never negative.

    Attributes
    ----------
    payer, payee : numpy.ndarray of int32, shape (n,)
        Account codes.
    purpose : numpy.ndarray of int16, shape (n,)
        Positions in `PURPOSES`.
    energy_kwh : numpy.ndarray of float64, shape (n,)
        Energy that the money is for; 0 where it is for none. [kWh]
    amount_minor : numpy.ndarray of int64, shape (n,)
        Whole minor units, >= 0.
    """

    payer: NDArray[np.int32]
    payee: NDArray[np.int32]
    purpose: NDArray[np.int16]
    energy_kwh: NDArray[np.float64]
    amount_minor: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.amount_minor)


def member_accounts(n_members: int) -> NDArray[np.int64]:
    """Account codes of all members.

    Parameters
    ----------
    n_members : int
        How many members there are.

    Returns
    -------
    numpy.ndarray of int64, shape (n_members,)
        Codes in the members' order.

    Examples
    --------
    >>> member_accounts(3).tolist()
    [4, 5, 6]
    """
    return FIRST_MEMBER + np.arange(n_members)


def flow(
    payer: ArrayLike, payee: ArrayLike, purpose: str, energy_kwh: ArrayLike, signed_minor: ArrayLike
) -> Postings:
    """Postings of one purpose from signed amounts; a negative amount swaps payer and payee.

    Parameters
    ----------
    payer, payee : array_like of int, shape (n,) or ()
        Account codes for a positive amount.
    purpose : str
        One of `PURPOSES`.
    energy_kwh : array_like, shape (n,) or ()
        Energy behind each amount, >= 0. [kWh]
    signed_minor : array_like of int, shape (n,) or ()
        Whole minor units.

    Returns
    -------
    Postings
        Without the rows that have neither money nor energy.

    Examples
    --------
    >>> batch = flow([4, 5], UTILITY, "imbalance", [2.0, 0.0], [-30, 0])
    >>> batch.payer.tolist(), batch.payee.tolist(), batch.amount_minor.tolist()
    ([0], [4], [30])
    """
    amount, energy, source, target = np.broadcast_arrays(
        np.atleast_1d(np.asarray(signed_minor, dtype=np.int64)),
        np.asarray(energy_kwh, dtype=np.float64),
        np.asarray(payer, dtype=np.int32),
        np.asarray(payee, dtype=np.int32),
    )
    kept = (amount != 0) | (energy != 0.0)
    amount, energy, source, target = amount[kept], energy[kept], source[kept], target[kept]
    return Postings(
        payer=np.where(amount < 0, target, source).astype(np.int32),
        payee=np.where(amount < 0, source, target).astype(np.int32),
        purpose=np.full(amount.size, PURPOSE[purpose], dtype=np.int16),
        energy_kwh=energy.copy(),
        amount_minor=np.abs(amount),
    )


def join(batches: Sequence[Postings]) -> Postings:
    """Put batches of postings behind one another.

    Parameters
    ----------
    batches : sequence of Postings
        At least one.

    Returns
    -------
    Postings
        All rows in order.

    Examples
    --------
    >>> one = flow([4], UTILITY, "fixed_charge", 0.0, [5000])
    >>> len(join([one, one]))
    2
    """
    return Postings(
        np.concatenate([batch.payer for batch in batches]),
        np.concatenate([batch.payee for batch in batches]),
        np.concatenate([batch.purpose for batch in batches]),
        np.concatenate([batch.energy_kwh for batch in batches]),
        np.concatenate([batch.amount_minor for batch in batches]),
    )
