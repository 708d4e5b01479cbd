"""The utility's side of a month: what it takes in, what it pays, with and without the market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .bill import Bills
from .rounding import to_major, to_minor


@dataclass(frozen=True)
class UtilityAccount:
    """Income (+) and cost (-) of the utility over a month, in whole minor units.

    Attributes
    ----------
    energy_sales, fixed_charges, network_income, grid_support : int
        What members pay for grid energy, connection, peer-to-peer energy and banked units.
    imbalance : int
        Penalties, and the difference made by a single price.
    curtailed_energy, network_curtailment : int
        Energy delivered in place of curtailed sales at retail; what is given back of it.
    market_balance : int
        What a mechanism collects and does not pay out.
    export_purchases, bank_payouts, bulk_purchases : int
        What it pays for energy, <= 0 (unless a price is negative, or the feeder fed back).
    """

    energy_sales: int
    fixed_charges: int
    network_income: int
    grid_support: int
    imbalance: int
    curtailed_energy: int
    network_curtailment: int
    market_balance: int
    export_purchases: int
    bank_payouts: int
    bulk_purchases: int

    @property
    def revenue(self) -> int:
        """All that it takes in."""
        return (
            self.energy_sales
            + self.fixed_charges
            + self.network_income
            + self.grid_support
            + self.imbalance
            + self.curtailed_energy
            + self.market_balance
        )

    @property
    def purchases(self) -> int:
        """All that it pays for energy, as a cost (<= 0 as a rule)."""
        return self.export_purchases + self.bank_payouts + self.bulk_purchases

    @property
    def net(self) -> int:
        """Revenue and costs together: the change of its ledger balance over the month."""
        return self.revenue + self.purchases + self.network_curtailment

    def less(self, other: UtilityAccount) -> UtilityAccount:
        """Difference of two months, item by item (with the market less without)."""
        return UtilityAccount(
            *(getattr(self, item.name) - getattr(other, item.name) for item in fields(self))
        )


def utility_account(
    bills: Bills, bulk_purchase_kwh: float, market_balance_minor: int = 0
) -> UtilityAccount:
    """The utility's month from the members' bills and its bulk purchase.

    Parameters
    ----------
    bills : Bills
        Of all members, with the market or a counterfactual.
    bulk_purchase_kwh : float
        Net energy the feeder drew, losses included; negative if it fed back. [kWh]
    market_balance_minor : int
        `MonthTrade.balance_minor`. [minor units]

    Returns
    -------
    UtilityAccount
        Its `net` equals the change of the utility's ledger balance to the minor unit.

    Examples
    --------
    >>> import math
    >>> from gridbazaar.market.bill import bill_month
    >>> from gridbazaar.market.billing_month import whole_month
    >>> from gridbazaar.market.tariff import Slab, Tariff
    >>> from gridbazaar.market.tod import ToDFrame
    >>> flat = (ToDFrame("all day", 0, 1440),)
    >>> tariff = Tariff("t", flat, 5.0, 3.0, 3.0, (Slab(math.inf, 5.0),))
    >>> bills = bill_month(tariff, whole_month(2025, 11), [[80.0]], [[10.0]], [0])
    >>> account = utility_account(bills, 75.0)
    >>> account.revenue, account.purchases, account.net
    (40000, -25500, 14500)
    """

    def owed(*kinds: str) -> int:
        return int(bills.amount_minor(*kinds).sum())

    price = bills.tariff.bulk_price_per_kwh
    return UtilityAccount(
        energy_sales=owed("grid_energy"),
        fixed_charges=owed("fixed_charge"),
        network_income=owed("network_charge"),
        grid_support=owed("grid_support_charge"),
        imbalance=owed("imbalance"),
        curtailed_energy=owed("curtailed_energy"),
        network_curtailment=owed("network_curtailment"),
        market_balance=market_balance_minor,
        export_purchases=owed("export_credit"),
        bank_payouts=owed("bank_payout"),
        bulk_purchases=-int(to_minor(bulk_purchase_kwh * price, bills.tariff.minor_per_major)),
    )


def account_table(
    accounts: Sequence[UtilityAccount], minor_per_major: int
) -> dict[str, NDArray[np.float64]]:
    """Accounts as columns, one row each, in major units: income is positive, cost negative.

    Parameters
    ----------
    accounts : sequence of UtilityAccount
        Months or cases.
    minor_per_major : int
        Minor units in one major unit.

    Returns
    -------
    dict of str to numpy.ndarray, each of shape (n_accounts,)
        Each item, then `revenue`, `purchases` and `net` as the account sums them.

    Examples
    --------
    >>> account = UtilityAccount(40000, 0, 500, 0, 0, 0, 0, 0, -3000, 0, -22500)
    >>> table = account_table([account], 100)
    >>> table["revenue"].tolist(), table["network_income"].tolist(), table["net"].tolist()
    ([405.0], [5.0], [150.0])
    """
    names = [item.name for item in fields(UtilityAccount)] + ["revenue", "purchases", "net"]
    return {
        name: to_major(
            np.array([getattr(account, name) for account in accounts], dtype=np.int64),
            minor_per_major,
        )
        for name in names
    }
