"""What the frames of a month have posted for each member, summed up for its bill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bill_lines import LineWriter
from .settlement import FrameSettlement

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class MonthTrade:
    """Sums over a month's settled frames; arrays have shape (N,).

    Attributes
    ----------
    bought_kwh, sold_kwh : numpy.ndarray
        Peer-to-peer energy. [kWh]
    replaced_kwh : numpy.ndarray
        Sold energy that was curtailed on order and delivered by the grid. [kWh]
    unkept_kwh : numpy.ndarray
        Sold and not delivered, bought and not used, without `replaced_kwh`. [kWh]
    paid_minor, received_minor : numpy.ndarray of int64
        Peer-to-peer payments. [minor units]
    transfer_minor : numpy.ndarray of int64
        What the mechanism paid each member beside the price of energy. [minor units]
    network_charge_minor, transaction_charge_minor, curtailed_energy_minor, imbalance_minor
        What the member owes. [minor units]
    network_curtailment_minor : numpy.ndarray of int64
        What the utility pays the member. [minor units]
    balance_minor : int
        What the mechanism collected and did not pay out: the utility's. [minor units]
    """

    bought_kwh: FloatArray
    sold_kwh: FloatArray
    replaced_kwh: FloatArray
    unkept_kwh: FloatArray
    paid_minor: IntArray
    received_minor: IntArray
    transfer_minor: IntArray
    network_charge_minor: IntArray
    transaction_charge_minor: IntArray
    curtailed_energy_minor: IntArray
    network_curtailment_minor: IntArray
    imbalance_minor: IntArray
    balance_minor: int

    @classmethod
    def of(cls, frames: Sequence[FrameSettlement]) -> MonthTrade:
        """Sum the settlements of a month.

        Parameters
        ----------
        frames : sequence of FrameSettlement
            At least one, all with the same members.

        Returns
        -------
        MonthTrade
            Sums; money adds exactly, in whole minor units.
        """
        contracts = [frame.contracts for frame in frames]
        gaps = [frame.deviation for frame in frames]
        charges = [frame.charges for frame in frames]
        return cls(
            bought_kwh=np.sum([deal.bought_kwh for deal in contracts], axis=0),
            sold_kwh=np.sum([deal.sold_kwh for deal in contracts], axis=0),
            replaced_kwh=np.sum([gap.replaced_kwh for gap in gaps], axis=0),
            unkept_kwh=np.sum(
                [gap.seller_shortfall_kwh + gap.buyer_shortfall_kwh for gap in gaps], axis=0
            ),
            paid_minor=np.sum([deal.paid_minor for deal in contracts], axis=0),
            received_minor=np.sum([deal.received_minor for deal in contracts], axis=0),
            transfer_minor=np.sum([deal.transfers_minor for deal in contracts], axis=0),
            network_charge_minor=np.sum([part.network_charge_minor for part in charges], axis=0),
            transaction_charge_minor=np.sum(
                [part.transaction_charge_minor for part in charges], axis=0
            ),
            curtailed_energy_minor=np.sum(
                [part.curtailed_energy_minor for part in charges], axis=0
            ),
            network_curtailment_minor=np.sum(
                [part.network_curtailment_minor for part in charges], axis=0
            ),
            imbalance_minor=np.sum([part.imbalance_minor for part in charges], axis=0),
            balance_minor=sum(deal.balance_minor for deal in contracts),
        )

    def write_lines(self, writer: LineWriter) -> None:
        """Write the member's lines: what it bought and sold, and the charges on it.

        Parameters
        ----------
        writer : LineWriter
            Where the lines go; those with neither money nor energy are left out.
        """
        traded = self.bought_kwh + self.sold_kwh
        nothing = np.zeros_like(traded)
        for kind, amount, energy in (
            ("p2p_bought", self.paid_minor, self.bought_kwh),
            ("p2p_sold", -self.received_minor, self.sold_kwh),
            ("market_transfer", -self.transfer_minor, nothing),
            ("network_charge", self.network_charge_minor, None),
            ("transaction_charge", self.transaction_charge_minor, None),
            ("curtailed_energy", self.curtailed_energy_minor, self.replaced_kwh),
            ("network_curtailment", -self.network_curtailment_minor, self.replaced_kwh),
            ("imbalance", self.imbalance_minor, None),
        ):
            base = {"network_charge": self.bought_kwh, "imbalance": self.unkept_kwh}
            units = np.where(amount != 0, base.get(kind, traded), 0.0) if energy is None else energy
            members = np.flatnonzero((amount != 0) | (units != 0.0))
            writer.add_money(kind, members, amount[members], units[members])
