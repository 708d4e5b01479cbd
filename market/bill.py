"""The month's bill: one pure function for the market, and for every counterfactual beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bill_inputs import checked_energies, checked_members
from .bill_lines import BillLines, LineWriter
from .billing_month import BillingMonth
from .month_trade import MonthTrade
from .net_metering import net_units
from .postings import (
    BULK_SUPPLIER,
    UTILITY,
    Postings,
    flow,
    join,
    member_accounts,
)
from .rounding import billable_kwh, to_minor
from .settlement import SettlementError
from .slabs import slab_use
from .tariff import Tariff

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Kinds of bill lines that are posted at the month's end, each to a ledger purpose of its name.
MONTH_END_KINDS = (
    "grid_energy",
    "fixed_charge",
    "grid_support_charge",
    "export_credit",
    "bank_payout",
)


@dataclass(frozen=True)
class Bills:
    """The bills of N members for one month.

    Attributes
    ----------
    month : BillingMonth
        The month, and whether it is prorated.
    tariff : Tariff
        What it was billed by.
    lines : BillLines
        Every line, member by member.
    grid_import_kwh, grid_export_kwh : numpy.ndarray, shape (N, n_tod)
        Metered exchange with the grid by ToD frame, before net metering. [kWh]
    billed_kwh : numpy.ndarray, shape (N, n_tod)
        Units billed at retail. [kWh]
    opening_bank_kwh, bank_kwh : numpy.ndarray, shape (N, n_pools)
        Units in the bank before and after the month (0 after a payout). [kWh]
    total_minor : numpy.ndarray of int64, shape (N,)
        What each member owes (+) or gets (-). [minor units]
    """

    month: BillingMonth
    tariff: Tariff
    lines: BillLines
    grid_import_kwh: FloatArray
    grid_export_kwh: FloatArray
    billed_kwh: FloatArray
    opening_bank_kwh: FloatArray
    bank_kwh: FloatArray
    total_minor: IntArray

    @property
    def n_members(self) -> int:
        """How many bills these are."""
        return self.total_minor.size

    @property
    def bank_gain_minor(self) -> IntArray:
        """Worth of what the month added to the bank, at the payout price, shape (N,). [minor units]

        It is not part of the total: a unit that will offset an import later is worth more.
        """
        if self.tariff.banking is None:
            return np.zeros(self.n_members, dtype=np.int64)
        gained = (self.bank_kwh - self.opening_bank_kwh).sum(axis=1)
        return to_minor(gained * self.tariff.banking.payout_per_kwh, self.tariff.minor_per_major)

    def amount_minor(self, *kinds: str) -> IntArray:
        """Sum of the lines of some kinds for each member, shape (N,). [minor units]"""
        return self.lines.amounts(self.n_members, kinds)

    def energy_kwh(self, *kinds: str) -> FloatArray:
        """Energy on the lines of some kinds for each member, shape (N,). [kWh]"""
        return self.lines.energies(self.n_members, kinds)


def bill_month(
    tariff: Tariff,
    month: BillingMonth,
    grid_import_kwh: ArrayLike,
    grid_export_kwh: ArrayLike,
    tod_index: ArrayLike,
    *,
    trade: MonthTrade | None = None,
    three_phase: ArrayLike | None = None,
    pv_kw: ArrayLike | None = None,
    bank_kwh: ArrayLike | None = None,
) -> Bills:
    """Bill one month for all members.

    The same function makes the bill with the market (grid energy after contracts, and `trade`),
    the same-meter counterfactual (metered exchange, no trade), the re-operated one (the second
    run's), and `no-pv` (gross load as imports, no exports). Each line is rounded once, half away
    from zero (`rounding.to_minor`); the total is the sum of the lines.

    Parameters
    ----------
    tariff : Tariff
        Prices and rules.
    month : BillingMonth
        The month; one that is covered in part has its slab edges and fixed charges prorated.
    grid_import_kwh, grid_export_kwh : array_like, shape (N, n_frames)
        Energy billed at retail and exported, frame by frame, >= 0. [kWh]
    tod_index : array_like of int, shape (n_frames,)
        For each column the position of its frame in `tariff.frames`.
    trade : MonthTrade, optional
        What the month's frames posted; left out: no peer-to-peer trade.
    three_phase : array_like of bool, shape (N,), optional
        Three-phase connections; by default all are single-phase.
    pv_kw : array_like, shape (N,), optional
        Size of each system; needed for a size limit of net metering or a grid-support charge. [kW]
    bank_kwh : array_like, shape (N, n_pools), optional
        Units in the bank before the month; by default none. What is left at the end of the last
        month of the tariff's settlement year is paid out, if the run reaches it. [kWh]

    Returns
    -------
    Bills
        Lines, totals and the new bank.

    Raises
    ------
    SettlementError
        With all problems: shapes, NaN, negative energy, frames the tariff lacks, missing data.

    Examples
    --------
    >>> from gridbazaar.market.billing_month import whole_month
    >>> from gridbazaar.market.tariff import Slab
    >>> from gridbazaar.market.tod import ToDFrame
    >>> tariff = Tariff("t", (ToDFrame("all day", 0, 1440),), 5.0, 3.0, 3.0,
    ...                 (Slab(50, 3.35, 50), Slab(math.inf, 4.25, 85)))
    >>> bills = bill_month(tariff, whole_month(2025, 11), [[80.0]], [[10.0]], [0])
    >>> bills.amount_minor("grid_energy").tolist(), bills.total_minor.tolist()
    ([29500], [35000])
    """
    imports, exports, index = checked_energies(tariff, grid_import_kwh, grid_export_kwh, tod_index)
    n = imports.shape[0]
    phases, size, opening_bank = checked_members(tariff, n, three_phase, pv_kw, bank_kwh)
    if trade is not None and trade.bought_kwh.shape != (n,):
        raise SettlementError([f"trade: {trade.bought_kwh.shape}: is not of {n} members: rebuild"])
    n_tod = len(tariff.frames)
    by_tod_in, by_tod_out = (
        billable_kwh(np.stack([part[:, index == k].sum(axis=1) for k in range(n_tod)], axis=1))
        for part in (imports, exports)
    )
    billed, sold_to_grid, offset = by_tod_in, by_tod_out, np.zeros_like(by_tod_in)
    bank = opening_bank
    if tariff.banking is not None:
        netted = size <= tariff.net_metering_up_to_kw
        net = net_units(tariff.banking, by_tod_in, by_tod_out, bank, netted)
        billed, sold_to_grid, offset, bank = (
            net.import_kwh,
            net.export_kwh,
            net.offset_kwh,
            net.bank_kwh,
        )

    writer = LineWriter(tariff.minor_per_major)
    if trade is not None:
        trade.write_lines(writer)
    bought = np.zeros(n) if trade is None else trade.bought_kwh
    _energy_lines(writer, tariff, month, billed, bought, phases)
    credited = billable_kwh(sold_to_grid.sum(axis=1))
    writer.add("export_credit", credited, np.full(n, tariff.feed_in_per_kwh), sign=-1)
    _support_lines(writer, tariff, month, offset, size)
    banking = tariff.banking
    if banking is not None and month.ends and month.month == banking.last_month:
        left = billable_kwh(bank.sum(axis=1))
        writer.add("bank_payout", left, np.full(n, banking.payout_per_kwh), sign=-1)
        bank = np.zeros_like(bank)
    lines = writer.lines()
    total = lines.amounts(n, None)
    return Bills(month, tariff, lines, by_tod_in, by_tod_out, billed, opening_bank, bank, total)


def month_postings(bills: Bills, bulk_purchase_kwh: float | None = None) -> Postings:
    """The ledger entries of a month's end: every bill line not posted by the frames already.

    Parameters
    ----------
    bills : Bills
        The month with the market (counterfactual bills are not posted).
    bulk_purchase_kwh : float, optional
        Net energy the feeder drew from the bulk supplier over the month, losses included; negative
        if it fed back, which the supplier pays for at the same price. [kWh]

    Returns
    -------
    Postings
        Between members and the utility, and from the utility to its bulk supplier.

    Examples
    --------
    >>> from gridbazaar.market.billing_month import whole_month
    >>> from gridbazaar.market.tariff import Slab
    >>> from gridbazaar.market.tod import ToDFrame
    >>> flat = (ToDFrame("all day", 0, 1440),)
    >>> tariff = Tariff("t", flat, 5.0, 3.0, 3.0, (Slab(math.inf, 5.0),))
    >>> bills = bill_month(tariff, whole_month(2025, 11), [[80.0]], [[10.0]], [0])
    >>> month_postings(bills, 75.0).amount_minor.tolist()
    [40000, 3000, 22500]
    """
    lines = bills.lines
    members = member_accounts(bills.n_members)
    batches = []
    for kind in MONTH_END_KINDS:
        rows = lines.of(kind)
        batches.append(
            flow(
                members[lines.member[rows]],
                UTILITY,
                kind,
                lines.energy_kwh[rows],
                lines.amount_minor[rows],
            )
        )
    if bulk_purchase_kwh is not None:
        energy = float(bulk_purchase_kwh)
        if not math.isfinite(energy):
            raise SettlementError([f"bulk_purchase_kwh: {energy}: is not finite: pass a number"])
        price = bills.tariff.bulk_price_per_kwh
        cost = to_minor(energy * price, bills.tariff.minor_per_major)
        payer, payee = (UTILITY, BULK_SUPPLIER) if energy >= 0 else (BULK_SUPPLIER, UTILITY)
        batches.append(flow(payer, payee, "bulk_purchase", abs(energy), abs(int(cost))))
    return join(batches)


def _energy_lines(
    writer: LineWriter,
    tariff: Tariff,
    month: BillingMonth,
    billed_kwh: FloatArray,
    p2p_kwh: FloatArray,
    three_phase: NDArray[np.bool_],
) -> None:
    """Energy charge by slab (and frame, where multipliers apply), and the fixed charge."""
    steps = tariff.slabs + tariff.all_units
    rates = np.array([slab.rate_per_kwh for slab in steps])
    units = billable_kwh(billed_kwh.sum(axis=1))
    use = slab_use(tariff, units, p2p_kwh, month.share)
    # P2P energy may open slabs of its own: no line without units of the grid.
    members, slabs = np.nonzero(units[:, None] * use.part * ~use.by_frame[:, None])
    writer.add_rows(
        "grid_energy", members, units[members] * use.part[members, slabs], rates[slabs], slab=slabs
    )
    multiplier = tariff.multipliers
    shares = use.part * use.by_frame[:, None]
    members, slabs, frames = np.nonzero(shares[:, :, None] * billed_kwh[:, None, :])
    writer.add_rows(
        "grid_energy",
        members,
        billed_kwh[members, frames] * shares[members, slabs],
        rates[slabs] * multiplier[frames],
        slab=slabs,
        frame=frames,
    )
    fixed = np.array([(s.fixed_single_per_month, s.fixed_three_per_month) for s in steps])
    charge = to_minor(
        fixed[use.last, three_phase.astype(np.int64)] * month.share, tariff.minor_per_major
    )
    paying = np.flatnonzero(charge)
    writer.add_money("fixed_charge", paying, charge[paying], slab=use.last[paying])


def _support_lines(
    writer: LineWriter,
    tariff: Tariff,
    month: BillingMonth,
    offset_kwh: FloatArray,
    pv_kw: FloatArray,
) -> None:
    """Grid-support charge on offset imports of the non-solar frames, by telescopic block."""
    support = tariff.grid_support
    if support is None or not support.levied_in(month.year, month.month):
        return
    frames = [tariff.frame_index(name) for name in support.frames]
    drawn = billable_kwh(offset_kwh[:, frames].sum(axis=1))
    drawn[pv_kw <= support.above_kw] = 0.0
    lower = 0.0
    for block, (edge, rate) in enumerate(support.blocks):
        upper = float(billable_kwh(edge * month.share))
        within = billable_kwh(np.clip(np.minimum(drawn, upper) - lower, 0.0, None))
        writer.add("grid_support_charge", within, np.full(drawn.size, rate), slab=block)
        lower = upper
