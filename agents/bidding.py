"""Bidding strategies: the price that a member puts on its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


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
    """

    side: Literal["ask", "bid"]
    quantity_kwh: float
    reservation_per_kwh: float
    retail_per_kwh: float
    feed_in_per_kwh: float


@dataclass(frozen=True)
class Outcome:
    """What the market made of an order: energy traded and the frame's price (None: no trade)."""

    need: Need
    quoted_per_kwh: float
    traded_kwh: float
    mcp_per_kwh: float | None


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

    def quote(self, need: Need) -> float:
        """Return the reservation price."""
        return need.reservation_per_kwh

    def observe(self, outcome: Outcome) -> None:
        """Nothing to learn: the truth does not depend on the market."""
