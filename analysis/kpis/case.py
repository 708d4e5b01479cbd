"""What indicators are computed from: the two sides of a run as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .welfare import greatest_surplus

if TYPE_CHECKING:
    import pandas as pd

    from ...sim.results import Results

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Case:
    """One side: the community and its feeder with the market, or re-operated without it.

    Attributes
    ----------
    load_kwh, unserved_kwh, generated_kwh, curtailed_kwh, ordered_kwh : (n_intervals,)
        All meters together [kWh]; unserved is load of hours without supply, which `load_kwh`
        leaves out; generated is what PV delivered, ordered what was curtailed on the grid's order
        in real time.
    import_kwh, export_kwh, net_export_kwh : (n_intervals,)
        What all meters together draw and feed, and the difference [kWh].
    substation_kw, substation_kvar, loss_kw, v_min_pu, v_max_pu : (n_intervals,)
        The feeder; NaN where the power flow had no solution.
    over_minutes, under_minutes : (n_buses,)
        Time outside the limits [min].
    bill : (n_members,)
        Bills of the whole run less what battery and bank of units hold at its end [currency].
    utility : dict of str to float
        The utility's account over the run [currency].
    """

    load_kwh: Floats
    unserved_kwh: Floats
    generated_kwh: Floats
    curtailed_kwh: Floats
    ordered_kwh: Floats
    import_kwh: Floats
    export_kwh: Floats
    net_export_kwh: Floats
    substation_kw: Floats
    substation_kvar: Floats
    loss_kw: Floats
    v_min_pu: Floats
    v_max_pu: Floats
    over_minutes: Floats
    under_minutes: Floats
    bill: Floats
    utility: dict[str, float]


@dataclass(frozen=True, eq=False)
class Book:
    """All orders of a run, one row each, with what they traded.

    Attributes
    ----------
    frame : (n,) int
        Frame of each order.
    ask : (n,) bool
        Whether it sells.
    price_per_kwh, quantity_kwh, traded_kwh : (n,)
        What was asked for, and what became of it.
    """

    frame: NDArray[np.int64]
    ask: NDArray[np.bool_]
    price_per_kwh: Floats
    quantity_kwh: Floats
    traded_kwh: Floats

    @cached_property
    def greatest(self) -> tuple[float, float]:
        """Greatest surplus that the orders of all frames allow, and its volume."""
        order = np.argsort(self.frame, kind="stable")
        cuts = np.flatnonzero(np.diff(self.frame[order])) + 1
        money = volume = 0.0
        for rows in np.split(order, cuts):
            bid, ask = rows[~self.ask[rows]], rows[self.ask[rows]]
            one = greatest_surplus(
                self.price_per_kwh[bid],
                self.quantity_kwh[bid],
                self.price_per_kwh[ask],
                self.quantity_kwh[ask],
            )
            money, volume = money + one[0], volume + one[1]
        return money, volume


@dataclass(frozen=True, eq=False)
class Figures:
    """Everything that the indicators of a run need.

    Attributes
    ----------
    market, no_p2p : Case
        The two sides.
    hours : float
        Length of an interval [h].
    lower_pu, upper_pu : float
        Voltage limits [p.u.].
    minor : float
        One minor unit [currency].
    saving, price_effect, operation_effect : (n_members,)
        What the market was worth to each member [currency].
    book : Book
        Orders.
    paid, received : float
        What buyers pay into the market and sellers get out of it, each net of what flows the
        other way: by the side of the member's order in the frame [currency].
    sold_kwh, bought_kwh, net_kwh, ordered_kwh, deviation_kwh : (n_frames, n_members)
        Contracts and meters by frame [kWh]; of contracts, what no outage made void.
    retail_per_kwh, feed_in_per_kwh, price_per_kwh : (n_frames,)
        Prices [currency/kWh]; NaN without trade, or where energy has none.
    trade_kwh, trade_per_kwh : (n_trades,)
        Energy that no outage made void and price of each seller-buyer pair; NaN where energy has
        none.
    scheduled_v_max_pu, unchecked_v_max_pu : (n_frames,)
        Greatest voltage of the accepted schedule, and of the first one, before the network's
        check changed anything; NaN where there is none [p.u.].
    capped_kwh, withheld_kwh : float
        Taken from sellers by caps; held back by the export envelope [kWh].
    one_price : bool
        Whether one retail and one feed-in price hold for all members in a frame.
    coincident_kwh : float
        Contracted energy fed and drawn at the same time [kWh].
    peak_current_a, ampacity_a : (n_branches,)
        Greatest current of each branch, and what it may carry; NaN where not known [A].
    """

    market: Case
    no_p2p: Case
    hours: float
    lower_pu: float
    upper_pu: float
    minor: float
    saving: Floats
    price_effect: Floats
    operation_effect: Floats
    book: Book
    paid: float
    received: float
    sold_kwh: Floats
    bought_kwh: Floats
    net_kwh: Floats
    ordered_kwh: Floats
    deviation_kwh: Floats
    retail_per_kwh: Floats
    feed_in_per_kwh: Floats
    price_per_kwh: Floats
    trade_kwh: Floats
    trade_per_kwh: Floats
    scheduled_v_max_pu: Floats
    unchecked_v_max_pu: Floats
    capped_kwh: float
    withheld_kwh: float
    one_price: bool
    coincident_kwh: float
    peak_current_a: Floats
    ampacity_a: Floats


def side(results: Results, which: str) -> Case:
    """Return one side of a run, `market` or `no-p2p`."""
    market = which == "market"
    meters = results.community if market else results.no_p2p
    feeder = results.network if market else results.no_p2p
    minutes = results.bus_minutes
    prefix = "" if market else "no_p2p_"
    bills = results.bills
    owed = bills.total if market else bills.no_p2p_total
    held = bills[f"{prefix}battery_state_value"] + bills[f"{prefix}bank_value"]
    account = results.utility[results.utility.case == which].drop(columns=["month", "case"]).sum()

    def column(table: pd.DataFrame, name: str) -> Floats:
        return np.asarray(table[name].to_numpy(dtype=np.float64, na_value=np.nan))

    return Case(
        load_kwh=column(meters, "load_kwh"),
        unserved_kwh=column(meters, "unserved_kwh"),
        generated_kwh=column(meters, "pv_kwh") - column(meters, "curtailed_kwh"),
        curtailed_kwh=column(meters, "curtailed_kwh"),
        ordered_kwh=column(meters, "ordered_kwh"),
        import_kwh=column(meters, "import_kwh"),
        export_kwh=column(meters, "export_kwh"),
        net_export_kwh=column(meters, "net_export_kwh"),
        substation_kw=column(feeder, "substation_kw"),
        substation_kvar=column(feeder, "substation_kvar"),
        loss_kw=column(feeder, "loss_kw"),
        v_min_pu=column(feeder, "v_min_pu"),
        v_max_pu=column(feeder, "v_max_pu"),
        over_minutes=column(minutes, f"{prefix}over_minutes"),
        under_minutes=column(minutes, f"{prefix}under_minutes"),
        bill=(owed - held).groupby(bills.prosumer, sort=False).sum().to_numpy(dtype=np.float64),
        utility={str(name): float(amount) for name, amount in account.items()},
    )
