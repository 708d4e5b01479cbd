"""What a clearing returns: frozen types that say who trades what, at which price, and why.

Energy is in kWh, prices in currency/kWh, voltages in p.u.; arrays are aligned with the book.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .order import OrderBook, OrderError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Status = Literal["cleared", "no-trade", "infeasible-base", "infeasible-limit"]
STATUSES: tuple[Status, ...] = ("cleared", "no-trade", "infeasible-base", "infeasible-limit")


@dataclass(frozen=True, slots=True)
class GridTerms:
    """Prices at which everybody can trade with the grid: the bounds of the market's price.

    Parameters
    ----------
    retail_per_kwh : float
        Retail price r of the frame [currency/kWh], >= 0.
    feed_in_per_kwh : float
        Feed-in price f of the frame [currency/kWh], >= 0.

    Raises
    ------
    OrderError
        If a price is NaN, infinite or negative.

    Examples
    --------
    >>> GridTerms(7.5, 3.0).retail_per_kwh
    7.5
    """

    retail_per_kwh: float
    feed_in_per_kwh: float

    def __post_init__(self) -> None:
        problems = [
            f"terms: {name} is {value}: give a finite number >= 0"
            for name, value in (
                ("retail_per_kwh", self.retail_per_kwh),
                ("feed_in_per_kwh", self.feed_in_per_kwh),
            )
            if not isfinite(value) or value < 0
        ]
        if problems:
            raise OrderError(problems)


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Seller-buyer pairs with energy > 0.

    Parameters
    ----------
    seller, buyer : (t,) int
        Indices into `book.sellers` and `book.buyers`.
    energy_kwh : (t,) float
        Energy of the pair [kWh].
    price_per_kwh : (t,) float
        Price of the pair: what the seller gets [currency/kWh].
    buyer_price_per_kwh : (t,) float or None
        What the buyer pays, where that is another price; None where it is the same.

    Examples
    --------
    >>> len(Trades.none())
    0
    """

    seller: IntArray
    buyer: IntArray
    energy_kwh: FloatArray
    price_per_kwh: FloatArray
    buyer_price_per_kwh: FloatArray | None = None

    def __len__(self) -> int:
        return int(self.energy_kwh.size)

    @property
    def paid_per_kwh(self) -> FloatArray:
        """What the buyer of each pair pays, shape (t,) [currency/kWh]."""
        return self.price_per_kwh if self.buyer_price_per_kwh is None else self.buyer_price_per_kwh

    def received(self, m: int) -> FloatArray:
        """Price times energy of each of m sellers, shape (m,) [currency]."""
        money = self.energy_kwh * self.price_per_kwh
        return np.asarray(np.bincount(self.seller, weights=money, minlength=m), dtype=np.float64)

    def paid(self, n: int) -> FloatArray:
        """Price times energy of each of n buyers, shape (n,) [currency]."""
        money = self.energy_kwh * self.paid_per_kwh
        return np.asarray(np.bincount(self.buyer, weights=money, minlength=n), dtype=np.float64)

    @classmethod
    def none(cls) -> Trades:
        """No pair at all."""
        empty = np.zeros(0, dtype=np.int64)
        return cls(empty, empty.copy(), np.zeros(0), np.zeros(0))


@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """The set of best compromises that the search found, in increasing order of f2.

    With one price for the frame that is the order of traded energy too; under `surplus`, where
    each point has its own price, energy goes up and down along it.

    Parameters
    ----------
    f1, f2 : (k,) float
        Buyer and seller objective of each point, both maximised.
    sold_kwh, bought_kwh : (k, m), (k, n) float
        Seller and buyer totals [kWh].
    chosen : int
        Index of the point that the choice rule took.
    collapsed : bool
        The objectives do not conflict: there is one answer.
    evaluations, generations : int
        What the search cost; the evaluations of a frame that was capped are those of all its
        clearings.
    price_per_kwh : (k,) float or None
        Price of each point where the price is part of the search (`surplus`), else None.
    energy_value : (k,) float or None
        Least weight lambda of f2 at which max f1 + lambda f2 is this point (`exact` without a
        network; None under `surplus`, where lambda is 1).
    capacity_value, demand_value : (k, m), (k, n) float or None
        Multipliers of the limits s_i <= G_i and d_j <= D_j: by how much f1 + lambda f2 would grow
        if this limit alone were one kWh wider (`exact` without a network); 0 where it does not
        bind. Under `per-buyer` D_j is in f1 as well: a buyer whose demand itself were one kWh
        greater would add b_j (ln(1 + x) - x/(1 + x)) more, x = d_j/D_j. Under `surplus` they are
        those of the welfare f1 + f2 at the point's price.
    energy_kwh : (k, m, n) float or None
        Energies of pairs where the search carried them (`pairwise`), else pairs follow from the
        totals.

    Examples
    --------
    >>> one = np.array([1.0])
    >>> Front(one, one, np.ones((1, 1)), np.ones((1, 1)), 0, True, 1, 0).traded_kwh.tolist()
    [1.0]
    """

    f1: FloatArray
    f2: FloatArray
    sold_kwh: FloatArray
    bought_kwh: FloatArray
    chosen: int
    collapsed: bool
    evaluations: int
    generations: int
    price_per_kwh: FloatArray | None = None
    energy_value: FloatArray | None = None
    capacity_value: FloatArray | None = None
    demand_value: FloatArray | None = None
    energy_kwh: FloatArray | None = None

    @property
    def traded_kwh(self) -> FloatArray:
        """Energy traded at each point, shape (k,) [kWh]."""
        return np.asarray(self.sold_kwh.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class CappingStep:
    """One clearing of the network loop, kept as it was.

    Parameters
    ----------
    caps_kwh : (m,) float
        Capacities that it cleared with [kWh].
    sold_kwh : (m,) float
        What each seller would have sold [kWh].
    critical_buses : tuple of str
        Buses outside their limits.
    v_min_pu, v_max_pu : float
        Worst voltages of its schedule [p.u.].
    traded_kwh : float
        Energy that it traded [kWh].
    phase : {"first", "cap", "switch", "restore", "search"}
        `first`: as cleared without the feeder; `cap`: after capping; `switch`: another point of
        the front; `restore`: a step of the bisection that gives capacity back; `search`: the
        outcome of a search with voltages as its constraint (`constrained`).
    feasible : bool
        The network check accepted it.

    Examples
    --------
    >>> nine = np.array([9.0])
    >>> CappingStep(nine, nine, ("bus 4",), 0.98, 1.061, 9.0, "first", False).feasible
    False
    """

    caps_kwh: FloatArray
    sold_kwh: FloatArray
    critical_buses: tuple[str, ...]
    v_min_pu: float
    v_max_pu: float
    traded_kwh: float
    phase: Literal["first", "cap", "switch", "restore", "search"] = "cap"
    feasible: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Clearing:
    """The outcome of one frame.

    Parameters
    ----------
    status : {"cleared", "no-trade", "infeasible-base", "infeasible-limit"}
        How it ended.
    mcp_per_kwh : float or None
        The market clearing price [currency/kWh]; None without a trade or a single price.
    sold_kwh, bought_kwh : (m,), (n,) float
        Accepted totals [kWh].
    received, paid : (m,), (n,) float
        All money in major units, transfers included.
    trades : Trades
        The pairs; their totals are `sold_kwh` and `bought_kwh`.
    f1, f2 : float or None
        The objectives at the accepted point.
    front : Front or None
        The front that it was chosen from.
    capping : tuple of CappingStep
        Every step of the network loop, the unchecked first choice included; empty where nothing
        had to be corrected.
    caps_kwh : (m,) float
        Final caps [kWh], the capacity where uncapped.
    undervoltage_base : bool
        Some bus is below its limit without any sale, or the power flow has no solution then;
        capping sellers cannot cure that.
    v_min_pu, v_max_pu : float or None
        Voltages of the accepted schedule on its forecast [p.u.]; None if no network was asked.
    lost_kwh : float
        Energy that the book could have matched but the price rule or a price by hand excludes.
    switch_front_kwh : float or None
        What `switch: front` would have served [kWh]: the most energy of a feasible point of the
        first front, 0 if it has none; None where the chosen point was feasible at once.
    notes : tuple of str
        What a reader should know, e.g. that a price given by hand bypasses the bounds.
    seller_transfer, buyer_transfer : (m,), (n,) float or None
        What each gets (+) or pays (-) beside price times energy [currency]; None where a mechanism
        pays by price and energy alone. A line of its own on the bill.

    Examples
    --------
    >>> from gridbazaar.market.order import OrderBook
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> Clearing.no_trade(book).status
    'no-trade'
    """

    status: Status
    mcp_per_kwh: float | None
    sold_kwh: FloatArray
    bought_kwh: FloatArray
    received: FloatArray
    paid: FloatArray
    trades: Trades
    f1: float | None
    f2: float | None
    front: Front | None
    capping: tuple[CappingStep, ...]
    caps_kwh: FloatArray
    undervoltage_base: bool = False
    v_min_pu: float | None = None
    v_max_pu: float | None = None
    lost_kwh: float = 0.0
    switch_front_kwh: float | None = None
    notes: tuple[str, ...] = ()
    seller_transfer: FloatArray | None = None
    buyer_transfer: FloatArray | None = None

    @property
    def energy_received(self) -> FloatArray:
        """What sellers get for energy, transfers apart, shape (m,) [currency]."""
        if self.seller_transfer is None:
            return self.received
        return self.trades.received(self.received.size)

    @property
    def energy_paid(self) -> FloatArray:
        """What buyers pay for energy, transfers apart, shape (n,) [currency]."""
        return self.paid if self.buyer_transfer is None else self.trades.paid(self.paid.size)

    @property
    def traded_kwh(self) -> float:
        """Energy sold in the frame [kWh]."""
        return float(self.sold_kwh.sum())

    @property
    def iterations(self) -> int:
        """Number of times that sellers were capped: the published count of iterations.

        At most `max_iterations`, and one more where the feeder is above its limit without any sale
        (it stops those who move that bus). Steps of other phases are in `capping` and not counted
        here; the column `iterations` of a run's frames is the number of all steps.
        """
        return sum(step.phase == "cap" for step in self.capping)

    @classmethod
    def no_trade(cls, book: OrderBook, notes: tuple[str, ...] = ()) -> Clearing:
        """Return the clearing of a frame in which nothing can be traded.

        Parameters
        ----------
        book : OrderBook
            The orders.
        notes : tuple of str, optional
            What a reader should know.

        Returns
        -------
        Clearing
            Status `no-trade`, price None, all quantities 0.

        Examples
        --------
        >>> from gridbazaar.market.order import OrderBook
        >>> Clearing.no_trade(OrderBook((), [], [], ("b",), [6.0], [4.0])).bought_kwh.tolist()
        [0.0]
        """
        m, n = book.m, book.n
        return cls(
            status="no-trade",
            mcp_per_kwh=None,
            sold_kwh=np.zeros(m),
            bought_kwh=np.zeros(n),
            received=np.zeros(m),
            paid=np.zeros(n),
            trades=Trades.none(),
            f1=None,
            f2=None,
            front=None,
            capping=(),
            caps_kwh=book.capacity_kwh,
            notes=notes,
        )
