"""Bidding strategies: the price that a member puts on its order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np


@dataclass(frozen=True)
class Need:
    """What a strategy is told before it names a price.

    Attributes
    ----------
    side : {'ask', 'bid'}
        Whether the member sells or buys.
    quantity_kwh : float
        Energy of the order.
    reservation_per_kwh : float
        Price at which trading is as good as not trading, charges and the member's own preference
        margin included: the least for an ask, the greatest for a bid.
    retail_per_kwh, feed_in_per_kwh : float
        The grid's prices in the frame.
    frame : str
        Kind of the frame, its name in the tariff: what is learned of one may not hold in another.
    """

    side: Literal["ask", "bid"]
    quantity_kwh: float
    reservation_per_kwh: float
    retail_per_kwh: float
    feed_in_per_kwh: float
    frame: str = ""


def span_of(need: Need) -> float:
    """Return how far a quote may move from the reservation price to the grid's other price.

    An ask may rise to retail, a bid may fall to feed-in; nobody trades beyond.

    Examples
    --------
    >>> span_of(Need("bid", 2.0, 7.9, retail_per_kwh=8.4, feed_in_per_kwh=3.15))
    4.75
    """
    if need.side == "ask":
        return max(need.retail_per_kwh - need.reservation_per_kwh, 0.0)
    return max(need.reservation_per_kwh - max(need.feed_in_per_kwh, 0.0), 0.0)


@dataclass(frozen=True)
class Outcome:
    """What the market made of an order: energy traded and the frame's price (None: no trade)."""

    need: Need
    quoted_per_kwh: float
    traded_kwh: float
    mcp_per_kwh: float | None


@dataclass(frozen=True)
class BiddingSetup:
    """What a member's strategy is built with.

    Attributes
    ----------
    draw : callable
        Returns the member's own random stream, at its start. A strategy that keeps the generator
        is pickled with it at a checkpoint, and goes on where it stopped.
    margin_per_kwh : float
        The margin of `fixed-margin`.
    """

    draw: Callable[[], np.random.Generator] = np.random.default_rng
    margin_per_kwh: float = 0.0


class BiddingStrategy(Protocol):
    """One member's way of naming prices; each member has an instance of its own."""

    def quote(self, need: Need) -> float:
        """Return the price of the order [currency/kWh]."""
        ...

    def observe(self, outcome: Outcome) -> None:
        """Learn from what became of the last order."""
        ...


class Truthful:
    """Say what the energy is worth: the reservation price itself.

    Examples
    --------
    >>> Truthful().quote(Need("bid", 2.0, 7.9, retail_per_kwh=8.4, feed_in_per_kwh=3.15))
    7.9
    """

    def __init__(self, setup: BiddingSetup | None = None) -> None:
        """Nothing to set up."""

    def quote(self, need: Need) -> float:
        """Return the reservation price."""
        return need.reservation_per_kwh

    def observe(self, outcome: Outcome) -> None:
        """Nothing to learn: the truth does not depend on the market."""


class FixedMargin:
    """The reservation price and a fixed mark-up: asks that much dearer, bids that much lower [1]_.

    The simplest shading of one's worth, never beyond the grid's other price.

    References
    ----------
    .. [1] M. H. Rothkopf and R. M. Harstad, "Modeling competitive bidding: a critical essay",
       Management Science 40(3), 1994, 364-384, doi:10.1287/mnsc.40.3.364.

    Examples
    --------
    >>> shy = FixedMargin(BiddingSetup(margin_per_kwh=0.5))
    >>> round(shy.quote(Need("bid", 2.0, 7.9, retail_per_kwh=8.4, feed_in_per_kwh=3.15)), 2)
    7.4
    """

    def __init__(self, setup: BiddingSetup | None = None) -> None:
        self.margin_per_kwh = (setup or BiddingSetup()).margin_per_kwh

    def quote(self, need: Need) -> float:
        """Return the reservation price less, or with, the margin."""
        away = min(self.margin_per_kwh, span_of(need))
        return need.reservation_per_kwh + (away if need.side == "ask" else -away)

    def observe(self, outcome: Outcome) -> None:
        """Nothing to learn: the margin is fixed."""
