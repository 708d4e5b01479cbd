"""`competition-padding`: phantom orders make competition, so that truthful prices leave money."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..clearing import Clearing, GridTerms
from ..mechanism import ClearingRules, Traits
from ..order import OrderBook
from .merit import fill, values_per_kwh, volume
from .outcome import outcome, pairs, priced
from .surplus import SurplusCurve

FloatArray = NDArray[np.float64]


class CompetitionPadding:
    r"""Truthful double auction by padding, with a surplus of money [1]_.

    The shorter side of the book is padded with a phantom order of

    .. math:: P = c \,(\max_i G_i + \max_j D_j)

    kWh that is served before all others; c is `market.padding`. With demand padded, buyers are
    served as in the greatest surplus of the padded market, T kWh in all, and pay what they take
    from the others in it (their Clarke payment). The T kWh are then bought from the cheapest
    sellers, in a Vickrey auction for just T. Supply padded is the mirror image. Buyers' prices lie
    at or above the cost of the (T + P - D_j)-th kWh, sellers' at or below that of the (T + G_i)-th:
    with c >= 1 the difference is never negative, and goes to the utility's account. The padding
    must cover the largest orders of *both* sides: with the larger of the two alone, books run a
    deficit.

    Padding demand to make truthful payments balance is the paper's idea, for bundles of units. The
    form for divisible energy is ours: the phantom's size from the two largest orders, padding the
    side with less energy (a choice that no price report changes), and the two Vickrey stages. A
    seller's report cannot move T while it sells, as the others alone offer T kWh below the padded
    market's price; so stating one's price is best, whatever the others do. Every member has a price
    of its own, paid by energy.

    Parameters
    ----------
    rules : ClearingRules, optional
        `padding` is used.

    References
    ----------
    .. [1] L. Y. Chu, "Truthful bundle/multiunit double auctions", Management Science 55 (2009)
       1184-1198.

    Examples
    --------
    >>> book = OrderBook(tuple("stuv"), [2.0, 3.0, 4.0, 5.0], [4.0] * 4,
    ...                  tuple("bcd"), [7.0, 6.0, 5.5], [4.0] * 3)
    >>> done = CompetitionPadding().clear(book, GridTerms(7.0, 2.0), np.random.default_rng(1))
    >>> done.traded_kwh, done.paid.tolist(), done.received.tolist()
    (8.0, [22.0, 22.0, 0.0], [16.0, 16.0, 0.0, 0.0])
    """

    def __init__(self, rules: ClearingRules | None = None) -> None:
        self.padding = (rules or ClearingRules()).padding
        self.traits = Traits(
            individually_rational=True,
            budget_balanced="weak" if self.padding >= 1.0 else "no",
            uniform_price=False,
            truthful="dominant",
        )

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Trade what the padded market serves, each member at its own price."""
        largest = float(book.capacity_kwh.max(initial=0.0) + book.demand_kwh.max(initial=0.0))
        pad_demand = bool(book.demand_kwh.sum() <= book.capacity_kwh.sum())
        padded = self.padding * largest * (1.0 if pad_demand else -1.0)
        traded = volume(book, terms, padded)
        if traded <= 1e-12 * largest:
            return Clearing.no_trade(book)
        value = values_per_kwh(book, terms)
        sold = fill(book.offer_per_kwh, book.capacity_kwh, traded)
        bought = fill(-value, book.demand_kwh, traded)
        buys = np.arange(book.m + book.n) >= book.m
        padded_market = SurplusCurve(
            np.concatenate([book.offer_per_kwh, value]),
            np.concatenate([book.capacity_kwh, book.demand_kwh]),
            buys,
        )
        if pad_demand:
            seller_gain = _gain(
                SurplusCurve(book.offer_per_kwh, book.capacity_kwh, buys[: book.m]), -traded
            )
            buyer_gain = _gain(padded_market, -padded)[buys]
        else:
            seller_gain = _gain(padded_market, -padded)[~buys]
            buyer_gain = _gain(SurplusCurve(value, book.demand_kwh, buys[book.m :]), traded)
        gets = book.offer_per_kwh + _by_kwh(seller_gain, sold)
        pays = value - _by_kwh(buyer_gain, bought)
        deals = pairs(book, sold, bought)
        return outcome(book, priced(deals, gets[deals.seller], pays[deals.buyer]))


def _gain(market: SurplusCurve, incoming_kwh: float) -> FloatArray:
    return np.maximum(market.greatest(incoming_kwh) - market.without(incoming_kwh), 0.0)


def _by_kwh(money: FloatArray, energy_kwh: FloatArray) -> FloatArray:
    return np.divide(money, energy_kwh, out=np.zeros(money.size), where=energy_kwh > 0.0)
