"""What the community pools share: everybody takes part, at a price that no order sets.

A pool prices each member's whole net energy of the frame, grid part included: S kWh of supply at
p_sell, D kWh of demand at p_buy, r retail and f feed-in. Its p_buy and p_sell are blends: of T =
min(S, D), shared among members in proportion to size, at one *inner* price p, and of the rest at
the grid's prices. With s_i = G_i T / S and d_j = D_j T / D,

    p_sell G_i = p s_i + f (G_i - s_i),        p_buy D_j = p d_j + r (D_j - d_j),

so the pool is written as a trade of T kWh at p, and what remains is each member's own exchange with
the utility: members pay what the pool would bill them, energy and money close, and the feeder is
asked the same question as under any other rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..clearing import Clearing, GridTerms
from ..order import OrderBook
from .merit import in_proportion
from .outcome import outcome, pairs, priced


@dataclass(frozen=True, slots=True)
class PoolPrices:
    """Prices of a pool [currency/kWh].

    Parameters
    ----------
    inner : float
        p, of the energy that members exchange.
    sell, buy : float
        p_sell and p_buy, of a seller's and a buyer's whole net energy, grid part included.

    Examples
    --------
    >>> PoolPrices(5.0, 4.0, 5.0).sell
    4.0
    """

    inner: float
    sell: float
    buy: float


def blended(inner: float, supply_kwh: float, demand_kwh: float, terms: GridTerms) -> PoolPrices:
    """Blend an inner price with the grid's prices for the rest.

    Parameters
    ----------
    inner : float
        p [currency/kWh].
    supply_kwh, demand_kwh : float
        S and D [kWh].
    terms : GridTerms
        Retail r and feed-in f.

    Returns
    -------
    PoolPrices
        p_sell = (p T + f (S - T)) / S (f without supply), p_buy = (p T + r (D - T)) / D (r without
        demand).

    Examples
    --------
    >>> blended(5.0, 10.0, 40.0, GridTerms(7.0, 3.0))
    PoolPrices(inner=5.0, sell=5.0, buy=6.5)
    """
    traded = min(supply_kwh, demand_kwh)
    sell, buy = terms.feed_in_per_kwh, terms.retail_per_kwh
    if supply_kwh > 0.0:
        sell += (inner - sell) * traded / supply_kwh
    if demand_kwh > 0.0:
        buy += (inner - buy) * traded / demand_kwh
    return PoolPrices(inner, sell, buy)


def clear_pool(book: OrderBook, inner_per_kwh: float) -> Clearing:
    """Trade T = min(S, D) at the inner price, everybody in proportion to its order.

    Parameters
    ----------
    book : OrderBook
        The orders; their prices are not asked.
    inner_per_kwh : float
        p [currency/kWh].

    Returns
    -------
    Clearing
        `no-trade` where a side is empty.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b", "c"), [6.0, 2.0], [4.0, 1.0])
    >>> clear_pool(book, 5.0).bought_kwh.tolist()
    [4.0, 1.0]
    """
    traded = float(min(book.capacity_kwh.sum(), book.demand_kwh.sum()))
    if traded <= 0.0:
        return Clearing.no_trade(book)
    sold, bought = (in_proportion(side, traded) for side in (book.capacity_kwh, book.demand_kwh))
    deals = pairs(book, np.asarray(sold), np.asarray(bought))
    return outcome(book, priced(deals, inner_per_kwh, inner_per_kwh), inner_per_kwh)
