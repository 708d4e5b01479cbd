"""The five steps of settling a frame, each a pure function over arrays of all members.

`settlement.settle_frame` checks the inputs and runs them in order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .postings import CLEARING, PLATFORM, UTILITY, Postings, flow, join, member_accounts
from .rounding import split_minor, to_minor
from .tariff import Tariff

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Bought and sold energy of a frame may differ by this much through rounding. [kWh]
ENERGY_TOLERANCE_KWH = 1e-6


@dataclass(frozen=True)
class Metered:
    """Step 1: metered energy of the frame, both >= 0, shape (N,). [kWh]"""

    export_kwh: FloatArray
    import_kwh: FloatArray

    @property
    def net_export_kwh(self) -> FloatArray:
        """Net export x, positive into the network. [kWh]"""
        return self.export_kwh - self.import_kwh


@dataclass(frozen=True)
class Contracts:
    """Step 2: firm positions (kWh) and payments (whole minor units) by member, shape (N,)."""

    sold_kwh: FloatArray
    bought_kwh: FloatArray
    paid_minor: IntArray
    received_minor: IntArray
    balance_minor: int  # collected but not paid out: goes to the utility, who bears a deficit
    transfer_minor: IntArray | None = None  # beside price times energy: to the member (+) or by it

    @property
    def transfers_minor(self) -> IntArray:
        """What each member gets (+) or pays (-) beside price times energy. [minor units]"""
        if self.transfer_minor is None:
            return np.zeros_like(self.paid_minor)
        return self.transfer_minor

    @property
    def net_sale_kwh(self) -> FloatArray:
        """Contracted net sale c = sold - bought. [kWh]"""
        return self.sold_kwh - self.bought_kwh


@dataclass(frozen=True)
class Deviation:
    """Step 3: the grid's part, shape (N,), in kWh."""

    grid_import_kwh: FloatArray  # y < 0
    grid_export_kwh: FloatArray  # y > 0
    replaced_kwh: FloatArray  # sold, curtailed on order: the grid delivers it at the seller's price
    seller_shortfall_kwh: FloatArray  # sold and not delivered, without `replaced_kwh`
    buyer_shortfall_kwh: FloatArray  # bought and not used
    deviation_kwh: FloatArray  # from the schedule; never priced


@dataclass(frozen=True)
class FrameCharges:
    """Step 4: what a member pays (+) or gets (-) beside the energy itself, minor units, (N,)."""

    network_charge_minor: IntArray
    transaction_charge_minor: IntArray
    curtailed_energy_minor: IntArray
    network_curtailment_minor: IntArray
    imbalance_minor: IntArray
    imbalance_price_per_kwh: float | None  # the single price; None under dual pricing


def metering(
    net_export_kwh: FloatArray, export_kwh: FloatArray | None, import_kwh: FloatArray | None
) -> Metered:
    """Step 1: exports and imports of the frame.

    Parameters
    ----------
    net_export_kwh : numpy.ndarray, shape (N,)
        Net export x. [kWh]
    export_kwh, import_kwh : numpy.ndarray, shape (N,), optional
        Given under netting by interval or gross metering; else both are netted over the frame.

    Returns
    -------
    Metered
        Exports max(x, 0) and imports max(-x, 0), or what was given. [kWh]

    Examples
    --------
    >>> metering(np.array([3.0, -2.0]), None, None).import_kwh.tolist()
    [0.0, 2.0]
    """
    if export_kwh is None or import_kwh is None:
        return Metered(np.maximum(net_export_kwh, 0.0), np.maximum(-net_export_kwh, 0.0))
    return Metered(export_kwh, import_kwh)


def schedule(
    tariff: Tariff,
    sold_kwh: FloatArray,
    bought_kwh: FloatArray,
    paid: FloatArray,
    received: FloatArray,
    transfer: FloatArray | None = None,
) -> Contracts:
    """Step 2: the contracts in whole minor units, so that both sides sum to the same.

    Parameters
    ----------
    tariff : Tariff
        Names the minor unit.
    sold_kwh, bought_kwh : numpy.ndarray, shape (N,)
        Positions. [kWh]
    paid, received : numpy.ndarray, shape (N,)
        Payments for energy. [currency]
    transfer : numpy.ndarray, shape (N,), optional
        What each gets (+) or pays (-) beside that. [currency]

    Returns
    -------
    Contracts
        Each side's rounded total is split among its members by largest remainders. Totals that
        agree to a thousandth of a minor unit are one total; else the difference is the balance.

    Examples
    --------
    >>> import math
    >>> from gridbazaar.market.tariff import Slab
    >>> from gridbazaar.market.tod import ToDFrame
    >>> flat = (ToDFrame("all day", 0, 1440),)
    >>> tariff = Tariff("flat", flat, 6.75, 3.15, 3.15, (Slab(math.inf, 6.75),))
    >>> third, zero = np.full(3, 1 / 3), np.zeros(3)
    >>> deal = schedule(tariff, third, third, third, np.array([1.0, 0.0, 0.0]))
    >>> deal.paid_minor.tolist(), deal.received_minor.tolist()
    ([34, 33, 33], [100, 0, 0])
    """
    per_major = tariff.minor_per_major
    total_paid, total_received = float(paid.sum()), float(received.sum())
    paid_minor = int(to_minor(total_paid, per_major))
    same = (
        abs(total_paid - total_received) * per_major <= 1e-3 + 1e-12 * abs(total_paid) * per_major
    )
    received_minor = paid_minor if same else int(to_minor(total_received, per_major))
    given = None if transfer is None else split_minor(transfer * per_major)
    return Contracts(
        sold_kwh,
        bought_kwh,
        split_minor(paid * per_major, paid_minor),
        split_minor(received * per_major, received_minor),
        paid_minor - received_minor - (0 if given is None else int(given.sum())),
        given,
    )


def deviation(
    metered: Metered,
    contracts: Contracts,
    net_export_kwh: FloatArray,
    ordered_curtailment_kwh: FloatArray,
    curtailed_sale_kwh: FloatArray,
    scheduled_grid_export_kwh: FloatArray,
) -> Deviation:
    """Step 3: what the grid supplies and absorbs beyond the contracts.

    A net sale c is delivered from metered exports, a net purchase from metered imports; what a
    seller lacks is imported, what a buyer does not use is exported. Netted over the frame that is
    y = x - c. Curtailed sales cannot exceed what the seller lacks.

    Parameters
    ----------
    metered : Metered
        Step 1.
    contracts : Contracts
        Step 2.
    net_export_kwh, ordered_curtailment_kwh, curtailed_sale_kwh : numpy.ndarray, shape (N,)
        Metered net export; curtailment ordered by the grid; its part that had been sold. [kWh]
    scheduled_grid_export_kwh : numpy.ndarray, shape (N,)
        Scheduled exchange with the grid g. [kWh]

    Returns
    -------
    Deviation
        Energies of the grid's part; grid_export - grid_import = x - c.

    Examples
    --------
    >>> meter = metering(np.array([6.0]), None, None)
    >>> ten, none = np.array([10.0]), np.zeros(1)
    >>> deal = Contracts(ten, none, np.array([0]), np.array([5000]), 0)
    >>> gap = deviation(meter, deal, np.array([6.0]), np.array([3.0]), np.array([3.0]), none)
    >>> gap.grid_import_kwh.tolist(), gap.replaced_kwh.tolist(), gap.seller_shortfall_kwh.tolist()
    ([4.0], [3.0], [1.0])
    """
    net_sale = contracts.net_sale_kwh
    sale, purchase = np.maximum(net_sale, 0.0), np.maximum(-net_sale, 0.0)
    lacking = np.maximum(sale - metered.export_kwh, 0.0)
    unused = np.maximum(purchase - metered.import_kwh, 0.0)
    replaced = np.minimum(curtailed_sale_kwh, lacking)
    return Deviation(
        grid_import_kwh=np.maximum(metered.import_kwh - purchase, 0.0) + lacking,
        grid_export_kwh=np.maximum(metered.export_kwh - sale, 0.0) + unused,
        replaced_kwh=replaced,
        seller_shortfall_kwh=lacking - replaced,
        buyer_shortfall_kwh=unused,
        deviation_kwh=net_export_kwh
        + ordered_curtailment_kwh
        - net_sale
        - scheduled_grid_export_kwh,
    )


def imbalance_price(
    tariff: Tariff, frame_name: str, contracts: Contracts, gap: Deviation
) -> FrameCharges:
    """Step 4: charges on the contracts, the price of falling short, and ordered curtailment.

    Retail is the reference rate of the frame: the slab a member will end in is not known before
    the month's end. Energy sold and curtailed on order is delivered by the grid, which sells it to
    the seller at the price the seller got (the market clearing price where there is one price);
    the utility bears retail less that price. Its posting is the difference of two rounded amounts,
    so that a seller who is curtailed altogether nets exactly zero.

    Parameters
    ----------
    tariff : Tariff
        Prices and rules.
    frame_name : str
        A frame of the tariff.
    contracts : Contracts
        Step 2.
    gap : Deviation
        Step 3.

    Returns
    -------
    FrameCharges
        Whole minor units by member. Network and transaction charges are rounded once in total and
        split by largest remainders; the transaction charge first between the two sides (a tied
        minor unit goes to the sellers).

    Examples
    --------
    >>> import math
    >>> from gridbazaar.market.tariff import Imbalance, Slab
    >>> from gridbazaar.market.tod import ToDFrame
    >>> flat = (ToDFrame("all day", 0, 1440),)
    >>> tariff = Tariff("flat", flat, 6.75, 3.15, 3.15, (Slab(math.inf, 6.75),),
    ...                 imbalance=Imbalance(penalty_factor=0.2))
    >>> one, none = np.array([1.0]), np.zeros(1)
    >>> deal = Contracts(one, none, np.array([0]), np.array([500]), 0)
    >>> gap = Deviation(one, none, none, one, none, -one)
    >>> imbalance_price(tariff, "all day", deal, gap).imbalance_minor.tolist()
    [135]
    """
    per_major = tariff.minor_per_major
    retail, feed_in = tariff.retail_per_kwh(frame_name), tariff.feed_in_per_kwh
    sold, bought = contracts.sold_kwh, contracts.bought_kwh

    network = split_minor(bought * (tariff.network_charge_per_kwh * per_major))
    rate = tariff.transaction_charge_per_kwh * per_major
    by_seller, by_buyer = (
        sold * (rate * tariff.seller_share),
        bought * (rate * (1.0 - tariff.seller_share)),
    )
    seller_total, buyer_total = split_minor([by_seller.sum(), by_buyer.sum()])
    transaction = split_minor(by_seller, seller_total) + split_minor(by_buyer, buyer_total)

    curtailed_energy = to_minor(gap.replaced_kwh * retail, per_major)
    share = np.divide(gap.replaced_kwh, sold, out=np.zeros_like(sold), where=sold > 0)
    paid_back = to_minor(contracts.received_minor * share, 1)

    short, unused = gap.seller_shortfall_kwh, gap.buyer_shortfall_kwh
    factor = tariff.imbalance.factor
    owed = factor * (retail * short + max(feed_in, 0.0) * unused)
    single: float | None = None
    if tariff.imbalance.price == "single":
        net_short = float(short.sum() - unused.sum())
        single = (retail + feed_in) / 2.0
        if abs(net_short) > ENERGY_TOLERANCE_KWH:
            single = retail if net_short > 0 else feed_in
        # The month's bill will charge retail and credit feed-in: here only the difference.
        owed = owed + (single - retail) * short - (single - feed_in) * unused
    return FrameCharges(
        network,
        transaction,
        curtailed_energy,
        curtailed_energy - paid_back,
        to_minor(owed, per_major),
        single,
    )


def postings(contracts: Contracts, gap: Deviation, charges: FrameCharges) -> Postings:
    """Step 5: the frame's ledger entries; the clearing account ends as it began.

    Parameters
    ----------
    contracts : Contracts
        Step 2.
    gap : Deviation
        Step 3.
    charges : FrameCharges
        Step 4.

    Returns
    -------
    Postings
        By member and purpose, without rows that carry neither money nor energy.

    Examples
    --------
    >>> none, zero = np.zeros(1), np.zeros(1, dtype=np.int64)
    >>> deal = Contracts(none, none, zero, zero, 0)
    >>> charges = FrameCharges(zero, zero, zero, zero, zero, None)
    >>> len(postings(deal, Deviation(none, none, none, none, none, none), charges))
    0
    """
    member = member_accounts(contracts.sold_kwh.size)
    sold, bought = contracts.sold_kwh, contracts.bought_kwh
    traded = sold + bought
    unkept = gap.seller_shortfall_kwh + gap.buyer_shortfall_kwh
    imbalance = charges.imbalance_minor
    pool_energy = abs(float(bought.sum() - sold.sum()))
    if pool_energy <= ENERGY_TOLERANCE_KWH * (1 + float(sold.sum())):
        pool_energy = 0.0
    return join(
        [
            flow(member, CLEARING, "p2p_energy", bought, contracts.paid_minor),
            flow(CLEARING, member, "p2p_energy", sold, contracts.received_minor),
            flow(CLEARING, member, "market_transfer", 0.0, contracts.transfers_minor),
            flow(CLEARING, UTILITY, "market_balance", pool_energy, contracts.balance_minor),
            _charge(member, UTILITY, "network_charge", bought, charges.network_charge_minor),
            _charge(
                member, PLATFORM, "transaction_charge", traded, charges.transaction_charge_minor
            ),
            flow(
                member,
                UTILITY,
                "curtailed_energy",
                gap.replaced_kwh,
                charges.curtailed_energy_minor,
            ),
            flow(
                UTILITY,
                member,
                "network_curtailment",
                gap.replaced_kwh,
                charges.network_curtailment_minor,
            ),
            _charge(member, UTILITY, "imbalance", unkept, imbalance),
        ]
    )


def _charge(
    payer: IntArray, payee: int, purpose: str, energy_kwh: FloatArray, minor: IntArray
) -> Postings:
    """Postings of a charge: only where there is money, energy alone says nothing here."""
    return flow(payer, payee, purpose, np.where(minor != 0, energy_kwh, 0.0), minor)
