"""Savings: a month's bills beside their counterfactuals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bill import Bills

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Savings:
    """What the market changed for each member; arrays of whole minor units, shape (N,).

    A positive saving is money the member keeps, a negative one is a loss: signs are never dropped.

    Attributes
    ----------
    total_minor : numpy.ndarray of int64
        The bill with the market.
    no_p2p_minor : numpy.ndarray of int64
        The bill of the second run, re-operated without peer-to-peer trade (the headline).
    same_meter_minor : numpy.ndarray of int64
        The same meter data billed without peer-to-peer trade.
    no_pv_minor : numpy.ndarray of int64
        The gross load from the grid, without PV and battery; capital cost is left out.
    bank_gain_minor, no_p2p_bank_gain_minor, same_meter_bank_gain_minor : numpy.ndarray of int64
        Worth of units each put in the bank of net metering, at the payout price (else 0).
    """

    total_minor: IntArray
    no_p2p_minor: IntArray
    same_meter_minor: IntArray
    no_pv_minor: IntArray
    bank_gain_minor: IntArray
    no_p2p_bank_gain_minor: IntArray
    same_meter_bank_gain_minor: IntArray

    @property
    def saving_minor(self) -> IntArray:
        """No-p2p bill less the bill, each less what it put in the bank."""
        return (self.no_p2p_minor - self.no_p2p_bank_gain_minor) - (
            self.total_minor - self.bank_gain_minor
        )

    @property
    def price_effect_minor(self) -> IntArray:
        """The part of the saving that trade makes with the same meter data."""
        return (self.same_meter_minor - self.same_meter_bank_gain_minor) - (
            self.total_minor - self.bank_gain_minor
        )

    @property
    def operation_effect_minor(self) -> IntArray:
        """The rest: what operating batteries and loads for the market has changed."""
        return self.saving_minor - self.price_effect_minor


def compare_bills(bills: Bills, no_p2p: Bills, same_meter: Bills, no_pv: Bills) -> Savings:
    """Set a month's bills beside their counterfactuals.

    Parameters
    ----------
    bills : Bills
        With the market.
    no_p2p, same_meter, no_pv : Bills
        `bill_month` of the second run, of the metered exchange without trade, of the gross load.

    Returns
    -------
    Savings
        By member; saving = price effect + operation effect.

    Raises
    ------
    ValueError
        If they are not of the same month, tariff and number of members: mixing netting rules
        or tariffs would invent savings.

    Examples
    --------
    >>> import math
    >>> from gridbazaar.market.bill import bill_month
    >>> from gridbazaar.market.billing_month import whole_month
    >>> from gridbazaar.market.tariff import Slab, Tariff
    >>> from gridbazaar.market.tod import ToDFrame
    >>> flat = (ToDFrame("all day", 0, 1440),)
    >>> tariff = Tariff("t", flat, 5.0, 3.0, 3.0, (Slab(math.inf, 5.0),))
    >>> def month(bought, sold):
    ...     return bill_month(tariff, whole_month(2025, 11), [[bought]], [[sold]], [0])
    >>> saved = compare_bills(month(70, 0), month(80, 4), month(75, 0), month(100, 0))
    >>> saved.saving_minor.tolist(), saved.price_effect_minor.tolist()
    ([3800], [2500])
    """
    for name, other in (("no_p2p", no_p2p), ("same_meter", same_meter), ("no_pv", no_pv)):
        alike = (
            other.tariff == bills.tariff
            and other.month.name == bills.month.name
            and other.month.minutes == bills.month.minutes
            and other.n_members == bills.n_members
        )
        if not alike:
            raise ValueError(
                f"{name}: {other.tariff.name} {other.month.name}: is not of the same members, "
                f"month and tariff ({bills.tariff.name} {bills.month.name}): "
                "bill it by the same rules"
            )
    return Savings(
        bills.total_minor,
        no_p2p.total_minor,
        same_meter.total_minor,
        no_pv.total_minor,
        bills.bank_gain_minor,
        no_p2p.bank_gain_minor,
        same_meter.bank_gain_minor,
    )
