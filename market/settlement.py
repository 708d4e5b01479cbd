"""Settlement of one ToD frame, in five steps.

1. `metering`         what each member put into and took from the grid, under the netting rule
2. `schedule`         what it had contracted with its peers: volumes and payments, in whole paise
3. `deviation`        what the grid supplied or absorbed beyond the contract, and who fell short
4. `imbalance_price`  what falling short costs, and who bears curtailment ordered by the grid
5. `postings`         the frame's entries, peer to peer through the clearing account

`settle_frame` runs them (they stand in `settlement_steps`) over arrays of all members. Only the
peer-to-peer contract is firm: what is left, y = x - c, is imported or exported and billed at the
month's end (`bill`). The scheduled exchange with the grid is a forecast and is never priced.

The steps know positions and payments by member, not who made them: a market that clears a day or
an interval settles the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .billing_month import as_minute
from .postings import Postings
from .settlement_steps import (
    ENERGY_TOLERANCE_KWH,
    Contracts,
    Deviation,
    FrameCharges,
    Metered,
    deviation,
    imbalance_price,
    metering,
    postings,
    schedule,
)
from .tariff import Tariff

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class SettlementError(ValueError):
    """Inputs that cannot be settled, with all their problems at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class FrameSettlement:
    """All that settling a frame gave; arrays have shape (N,)."""

    frame_id: int
    frame_name: str
    time: np.datetime64
    metered: Metered
    contracts: Contracts
    deviation: Deviation
    charges: FrameCharges
    postings: Postings

    @property
    def billed_import_kwh(self) -> FloatArray:
        """Imports billed at the retail tariff: without what replaced curtailed sales. [kWh]"""
        return self.deviation.grid_import_kwh - self.deviation.replaced_kwh

    @property
    def grid_export_kwh(self) -> FloatArray:
        """Exports credited at the month's end. [kWh]"""
        return self.deviation.grid_export_kwh

    @property
    def cost_minor(self) -> IntArray:
        """What the frame's postings cost each member (+) or earn it (-). [minor units]"""
        charge = self.charges
        return (
            self.contracts.paid_minor
            - self.contracts.received_minor
            - self.contracts.transfers_minor
            + charge.network_charge_minor
            + charge.transaction_charge_minor
            + charge.curtailed_energy_minor
            - charge.network_curtailment_minor
            + charge.imbalance_minor
        )


def settle_frame(
    tariff: Tariff,
    frame_id: int,
    frame_name: str,
    time: np.datetime64 | str,
    net_export_kwh: ArrayLike,
    *,
    sold_kwh: ArrayLike | None = None,
    bought_kwh: ArrayLike | None = None,
    paid: ArrayLike | None = None,
    received: ArrayLike | None = None,
    transfer: ArrayLike | None = None,
    ordered_curtailment_kwh: ArrayLike | None = None,
    curtailed_sale_kwh: ArrayLike | None = None,
    scheduled_grid_export_kwh: ArrayLike | None = None,
    metered_export_kwh: ArrayLike | None = None,
    metered_import_kwh: ArrayLike | None = None,
    pool: bool = False,
) -> FrameSettlement:
    r"""Settle one frame for all N members.

    With x the metered net export, c = sold - bought the contracted net sale and g the scheduled
    exchange with the grid: y = x - c is imported (y < 0) or exported (y > 0), and the deviation
    x + ordered curtailment - c - g is reported and never priced.

    Parameters
    ----------
    tariff : Tariff
        Prices and rules.
    frame_id : int
        The frame's number in the run.
    frame_name : str
        A frame of the tariff.
    time : numpy.datetime64 or str
        End of the frame, local civil time; the time of its postings.
    net_export_kwh : array_like, shape (N,)
        Metered net export x. [kWh]
    sold_kwh, bought_kwh : array_like, shape (N,), optional
        Contracted with peers, >= 0; left out: no trade. [kWh]
    paid, received : array_like, shape (N,), optional
        Payments of buyers and to sellers for energy, each at its own price. What is paid and not
        received goes to the utility, who bears a deficit. [currency]
    transfer : array_like, shape (N,), optional
        What the mechanism pays (+) or takes (-) beside price x energy. [currency]
    ordered_curtailment_kwh : array_like, shape (N,), optional
        Energy not fed in because the grid ordered it, >= 0. [kWh]
    curtailed_sale_kwh : array_like, shape (N,), optional
        The part of it that had been sold; by default as much as the seller falls short. [kWh]
    scheduled_grid_export_kwh : array_like, shape (N,), optional
        Scheduled exchange g, positive into the grid. [kWh]
    metered_export_kwh, metered_import_kwh : array_like, shape (N,), optional
        Sums of the intervals' positive and negative net exports (netting `interval`), or gross
        generation and gross load (gross metering); refused where the tariff does not use them.
    pool : bool
        True where the payments cover a community's whole net energy, so that energy bought and
        sold may differ: the pool settles the rest with the utility through its balance.

    Returns
    -------
    FrameSettlement
        Energies, whole minor units and the postings.

    Raises
    ------
    SettlementError
        With all problems: shapes that differ, NaN, negative energy, energy bought that is not
        energy sold, data the tariff needs and did not get.

    Examples
    --------
    A home sells 10 kWh to its neighbour at 5 INR/kWh and delivers 8; the grid supplies 2.

    >>> import math
    >>> from gridbazaar.market.tariff import Slab, Tariff
    >>> from gridbazaar.market.tod import ToDFrame
    >>> flat = (ToDFrame("all day", 0, 1440),)
    >>> tariff = Tariff("flat", flat, 6.75, 3.15, 3.15, (Slab(math.inf, 6.75),),
    ...                 network_charge_per_kwh=0.31)
    >>> done = settle_frame(tariff, 0, "all day", "2025-11-02T00:00", [8.0, -12.0],
    ...                     sold_kwh=[10, 0], bought_kwh=[0, 10], paid=[0, 50], received=[50, 0])
    >>> done.deviation.grid_import_kwh.tolist(), done.cost_minor.tolist()
    ([2.0, 2.0], [-5000, 5310])
    """
    x = np.asarray(net_export_kwh, dtype=np.float64)
    problems: list[str] = []

    def column(name: str, values: ArrayLike | None, low: float) -> FloatArray:
        array = np.zeros_like(x) if values is None else np.asarray(values, dtype=np.float64)
        if array.shape != x.shape or array.ndim != 1:
            problems.append(
                f"{name}: shape {array.shape}: is not one value a member: "
                f"give an array of shape {x.shape[:1]}"
            )
        elif not np.all(np.isfinite(array)):
            problems.append(f"{name}: NaN or infinite: is not a number: pass finite values")
        elif np.any(array < low):
            problems.append(f"{name}: {array.min():g}: is negative: pass values >= 0")
        return array

    column("net_export_kwh", x, -np.inf)
    sold, bought = column("sold_kwh", sold_kwh, 0.0), column("bought_kwh", bought_kwh, 0.0)
    pays, gets = column("paid", paid, -np.inf), column("received", received, -np.inf)
    beside = None if transfer is None else column("transfer", transfer, -np.inf)
    ordered = column("ordered_curtailment_kwh", ordered_curtailment_kwh, 0.0)
    sale_cut = ordered
    if curtailed_sale_kwh is not None:
        sale_cut = column("curtailed_sale_kwh", curtailed_sale_kwh, 0.0)
    planned = column("scheduled_grid_export_kwh", scheduled_grid_export_kwh, -np.inf)
    gross = metered_export_kwh is not None and metered_import_kwh is not None
    exports = column("metered_export_kwh", metered_export_kwh, 0.0)
    imports = column("metered_import_kwh", metered_import_kwh, 0.0)
    wants_gross = tariff.netting == "interval" or tariff.metering == "gross-metering"
    if gross != wants_gross:
        problems.append(
            f"metered_export_kwh, metered_import_kwh: tariff {tariff.name}: "
            + ("are missing: give " + tariff.needs[0] if wants_gross else "are not used: drop them")
        )
    if frame_name not in tariff.frame_names:
        problems.append(
            f"frame_name: {frame_name!r}: is unknown: use one of {', '.join(tariff.frame_names)}"
        )
    if problems:
        raise SettlementError(problems)
    if abs(bought.sum() - sold.sum()) > ENERGY_TOLERANCE_KWH * (1 + sold.sum()) and not pool:
        raise SettlementError(
            [
                f"bought_kwh: {bought.sum():g}: is not the energy sold ({sold.sum():g}): "
                "pass positions that balance, or pool=True"
            ]
        )
    meter = metering(x, exports if gross else None, imports if gross else None)
    contracts = schedule(tariff, sold, bought, pays, gets, beside)
    gap = deviation(meter, contracts, x, ordered, sale_cut, planned)
    charges = imbalance_price(tariff, frame_name, contracts, gap)
    entries = postings(contracts, gap, charges)
    moment = as_minute(time)
    return FrameSettlement(frame_id, frame_name, moment, meter, contracts, gap, charges, entries)
