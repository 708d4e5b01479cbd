"""The prosumer: one household that asks or bids once a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import mesa

from ..market.order import Order
from .bidding import BiddingStrategy, Need, Outcome

if TYPE_CHECKING:
    from .frame_plan import FramePlan

# Orders below a watt-hour are not worth a message; float noise must not become one.
LEAST_ORDER_KWH = 1e-3
# A worth of nothing but for round-off still is a bid of nothing.
_ROUND_OFF = 1e-9


@dataclass(frozen=True)
class Preferences:
    """What sets one household apart: the saving it wants before it trades with a peer [per kWh]."""

    ask_margin_per_kwh: float
    bid_margin_per_kwh: float


class Prosumer(mesa.Agent):
    """A household with a meter; its row of the community's arrays is `row`.

    Reservation prices (net of charges, so that trading never costs more than not trading):

        bid:  retail - buyer's charges - own margin
        ask:  feed-in + seller's charges + own margin                     (surplus of PV)
        ask:  feed-in / round-trip efficiency + wear + charges + margin   (energy from the battery)

    The energy in a battery could have been exported when it was stored: feed-in over efficiency is
    what replacing it costs. An order that mixes both asks the dearer price for all of it, so that
    no unit is sold at a loss. Where charges take more than the whole retail price, the bid is below
    nothing, and the operator keeps it out of the book: even energy for nothing would be dear.
    """

    def __init__(
        self,
        model: mesa.Model,
        name: str,
        row: int,
        preferences: Preferences,
        strategy: BiddingStrategy,
    ) -> None:
        super().__init__(model)
        self.name = name
        self.row = row
        self.preferences = preferences
        self.strategy = strategy
        self._last: tuple[Need, float] | None = None

    def decide(self, plan: FramePlan) -> Order | None:
        """Send one order for the frame, or none where there is nothing to trade."""
        net_kwh = float(plan.net_kwh[self.row])
        self._last = None
        if abs(net_kwh) < LEAST_ORDER_KWH:
            return None
        need = self._need(plan, net_kwh)
        price = self.strategy.quote(need)
        self._last = (need, price)
        if need.side == "ask" or price > -_ROUND_OFF:
            price = max(price, 0.0)
        return Order(self.name, need.side, need.quantity_kwh, price)

    def learn(self, traded_kwh: float, mcp_per_kwh: float | None) -> None:
        """Tell the strategy what became of the order of this frame."""
        if self._last is not None:
            need, price = self._last
            self.strategy.observe(Outcome(need, price, traded_kwh, mcp_per_kwh))

    def _need(self, plan: FramePlan, net_kwh: float) -> Need:
        prices = plan.prices
        if net_kwh < 0.0:
            reservation = (
                prices.retail_per_kwh
                - prices.buyer_charges_per_kwh
                - self.preferences.bid_margin_per_kwh
            )
            return Need(
                "bid",
                -net_kwh,
                reservation,
                prices.retail_per_kwh,
                prices.feed_in_per_kwh,
                prices.frame,
            )
        from_battery = plan.battery_for_sale_kwh[self.row] > LEAST_ORDER_KWH
        worth = prices.stored_per_kwh if from_battery else prices.feed_in_per_kwh
        reservation = worth + prices.seller_charges_per_kwh + self.preferences.ask_margin_per_kwh
        return Need(
            "ask",
            net_kwh,
            reservation,
            prices.retail_per_kwh,
            prices.feed_in_per_kwh,
            prices.frame,
        )
