"""The part of a book that an engine works on: who takes part, with energy to trade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .order import OrderBook

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class FrameMarket:
    """Participants of one frame with positive quantities, and the price or its bounds.

    Parameters
    ----------
    price_per_kwh : float
        Market clearing price; nan where the price is part of the search.
    price_bounds : tuple of float
        Lowest and highest price that a search may use [currency/kWh].
    rational : bool
        Whether nobody may trade at a price worse than its order (matters where the price is
        part of the search; else who loses has already been left out).
    sellers, buyers : (m,), (n,) int
        Indices of the participants in the book.
    offer_per_kwh, capacity_kwh, bid_per_kwh, demand_kwh : float
        Their orders.
    silent_pairs_bid : float
        Sum of b_j over pairs of participants that cannot trade as one of them has no energy
        [currency/kWh]; such a pair adds b_j ln(1e-6) to the published buyer welfare.

    Examples
    --------
    >>> book = OrderBook(("s", "t"), [3.0, 5.0], [2.0, 0.0], ("b",), [6.0], [4.0])
    >>> market = FrameMarket.of(book, np.ones(2, bool), np.ones(1, bool), 5.0)
    >>> market.sellers.tolist(), market.most_kwh, market.silent_pairs_bid
    ([0], 2.0, 6.0)
    """

    price_per_kwh: float
    price_bounds: tuple[float, float]
    rational: bool
    sellers: IntArray
    buyers: IntArray
    offer_per_kwh: FloatArray
    capacity_kwh: FloatArray
    bid_per_kwh: FloatArray
    demand_kwh: FloatArray
    silent_pairs_bid: float

    @classmethod
    def of(
        cls,
        book: OrderBook,
        selling: BoolArray,
        buying: BoolArray,
        price_per_kwh: float,
        price_bounds: tuple[float, float] = (0.0, np.inf),
        rational: bool = True,
    ) -> FrameMarket:
        """Take the participants with energy to trade out of a book.

        Parameters
        ----------
        book : OrderBook
            The orders.
        selling, buying : (m,), (n,) bool
            Who takes part.
        price_per_kwh, price_bounds, rational
            See the class.

        Returns
        -------
        FrameMarket
            Prices and quantities of those with a positive quantity.
        """
        sellers = np.flatnonzero(selling & (book.capacity_kwh > 0))
        buyers = np.flatnonzero(buying & (book.demand_kwh > 0))
        all_bids = float(book.bid_per_kwh[buying].sum())
        live_bids = float(book.bid_per_kwh[buyers].sum())
        silent = int(selling.sum()) * all_bids - sellers.size * live_bids
        return cls(
            price_per_kwh,
            price_bounds,
            rational,
            sellers,
            buyers,
            book.offer_per_kwh[sellers],
            book.capacity_kwh[sellers],
            book.bid_per_kwh[buyers],
            book.demand_kwh[buyers],
            silent,
        )

    @property
    def m(self) -> int:
        """Number of sellers."""
        return int(self.sellers.size)

    @property
    def n(self) -> int:
        """Number of buyers."""
        return int(self.buyers.size)

    @property
    def most_kwh(self) -> float:
        """T_max = min(sum G, sum D): the most that can be traded [kWh]."""
        return float(min(self.capacity_kwh.sum(), self.demand_kwh.sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Candidate schedules of a `FrameMarket` with their objectives.

    Parameters
    ----------
    sold_kwh, bought_kwh : (k, m), (k, n) float
        Totals of the market's participants [kWh].
    price_per_kwh : (k,) float
        Price of each point [currency/kWh].
    f1, f2 : (k,) float
        Objectives, both maximised.
    collapsed : bool
        The objectives do not conflict.
    evaluations, generations : int
        What finding them cost.
    energy_value, capacity_value, demand_value : float arrays or None
        Multipliers, see `Front`.
    energy_kwh : (k, m, n) float or None
        Energies of pairs where the search carried them (`pairwise`).

    Examples
    --------
    >>> one = np.ones(1)
    >>> len(Points(np.ones((1, 1)), np.ones((1, 1)), one, one, one))
    1
    """

    sold_kwh: FloatArray
    bought_kwh: FloatArray
    price_per_kwh: FloatArray
    f1: FloatArray
    f2: FloatArray
    collapsed: bool = False
    evaluations: int = 0
    generations: int = 0
    energy_value: FloatArray | None = None
    capacity_value: FloatArray | None = None
    demand_value: FloatArray | None = None
    energy_kwh: FloatArray | None = None

    def __len__(self) -> int:
        return int(self.f1.size)
