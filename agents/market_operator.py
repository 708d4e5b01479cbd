"""The market operator: collects orders, clears the frame, publishes schedule and envelope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mesa
import numpy as np

from ..market.capping import CappingOptions, clear_within_limits
from ..market.clearing import Clearing, GridTerms
from ..market.mechanism import LearnsPrices, Mechanism
from ..market.order import Order, OrderBook
from ..market.price_history import PriceHistory
from ..network.envelope import admit_exports
from ..network.feeder import Feeder
from ..network.limits import VoltageLimits
from ..network.power_flow import solve_power_flow
from .feeder_check import FeederCheck, FeederForecast
from .frame_plan import FramePlan
from .schedule import Schedule

ROUND_OFF = 1e-9  # of an offer: a search's totals add up to this


@dataclass(frozen=True)
class Connection:
    """Where members stand on which feeder, and the limits that hold there."""

    feeder: Feeder
    bus: np.ndarray
    limits: VoltageLimits
    power_factor: float
    interval_hours: float


@dataclass(frozen=True)
class FrameResult:
    """What clearing one frame gave: the plan behind it, orders, the market's outcome, the schedule.

    `v_min_pu` and `v_max_pu` are the extreme voltages of the whole schedule on its forecast, what
    the envelope lets unsold surplus export included.
    """

    plan: FramePlan
    book: OrderBook
    clearing: Clearing
    schedule: Schedule
    v_min_pu: float
    v_max_pu: float


class MarketOperator(mesa.Agent):
    """Runs one ToD frame of the market: book, price, clearing, feeder check, envelope.

    Orders of members that `may_trade` leaves out do not enter the book, nor do bids below nothing:
    such members exchange with the grid alone, within the same envelope.
    """

    def __init__(
        self,
        model: mesa.Model,
        mechanism: Mechanism,
        options: CappingOptions,
        connection: Connection,
        rows: dict[str, int],
        may_trade: np.ndarray | None = None,
    ) -> None:
        super().__init__(model)
        self.mechanism = mechanism
        self.options = options
        self.connection = connection
        self.rows = rows
        self.may_trade = np.ones(len(rows), dtype=bool) if may_trade is None else may_trade

    def clear(
        self,
        orders: Sequence[Order],
        plan: FramePlan,
        terms: GridTerms,
        rng: np.random.Generator,
        past: PriceHistory | None = None,
    ) -> FrameResult:
        """Clear the frame's orders within what the feeder carries on the members' forecasts.

        `past` is what a mechanism with priors may know of members' earlier orders.
        """
        at, mechanism = self.connection, self.mechanism
        if past is not None and isinstance(mechanism, LearnsPrices):
            mechanism = mechanism.with_history(past)
        book = OrderBook.from_orders(
            [o for o in orders if self.may_trade[self.rows[o.member]] and o.price_per_kwh >= 0.0]
        )
        forecast = FeederForecast.of_plan(
            plan, at.feeder, at.bus, at.limits, at.power_factor, at.interval_hours
        )
        check = FeederCheck(forecast, self._rows_of(book.sellers))
        clearing = clear_within_limits(mechanism, book, terms, check, rng, self.options)
        schedule = self._schedule(orders, book, clearing, plan, forecast)
        flow = solve_power_flow(
            at.feeder,
            forecast.injection_kw(schedule.sold_kwh + schedule.grid_export_kwh),
            forecast.reactive_kvar,
        )
        lowest, highest = float(flow.v_pu.min()), float(flow.v_pu.max())
        return FrameResult(plan, book, clearing, schedule, lowest, highest)

    def _schedule(
        self,
        orders: Sequence[Order],
        book: OrderBook,
        clearing: Clearing,
        plan: FramePlan,
        forecast: FeederForecast,
    ) -> Schedule:
        n = len(plan.net_kwh)
        sellers, buyers = self._rows_of(book.sellers), self._rows_of(book.buyers)
        sold, bought, paid, received, transfer, capped = (np.zeros(n) for _ in range(6))
        sold[sellers], bought[buyers] = clearing.sold_kwh, clearing.bought_kwh
        received[sellers], paid[buyers] = clearing.energy_received, clearing.energy_paid
        if clearing.seller_transfer is not None and clearing.buyer_transfer is not None:
            transfer[sellers], transfer[buyers] = clearing.seller_transfer, clearing.buyer_transfer
        offered, demand = np.zeros(n), np.zeros(n)
        for order in orders:  # also of those whom the rules keep out of the book
            wanted = offered if order.side == "ask" else demand
            wanted[self.rows[order.member]] = order.quantity_kwh
        capped[sellers] = np.maximum(book.capacity_kwh - clearing.caps_kwh, 0.0)

        # Of an offer, surplus of PV is sold before energy of the battery, which is the dearer one;
        # what the battery cannot sell stays in it.
        for_sale = plan.battery_for_sale_kwh
        surplus = offered - for_sale
        from_battery = np.maximum(sold - surplus, 0.0)
        sale_share = np.divide(from_battery, for_sale, out=np.zeros(n), where=for_sale > 0.0).clip(
            0.0, 1.0
        )
        unsold = np.maximum(surplus - (sold - from_battery) - capped, 0.0)
        unsold[unsold <= ROUND_OFF * offered] = 0.0  # or round-off would bind a member's export

        share = self._admit(unsold, sold, plan, forecast)
        exported = share * unsold
        return Schedule(
            sold_kwh=sold,
            bought_kwh=bought,
            paid=paid,
            received=received,
            transfer=transfer,
            grid_export_kwh=exported,
            grid_import_kwh=np.maximum(demand - bought, 0.0),
            withheld_kwh=unsold - exported,
            capped_kwh=capped,
            export_limit_kw=self._export_limit_kw(sold + exported, capped, share, plan),
            charge_kwh=plan.battery.charge_kwh,
            discharge_kwh=plan.battery.discharge_kwh
            + sale_share[:, None] * plan.battery.for_sale_kwh,
            net_kwh=plan.pv_kwh - plan.load_kwh,
            firm_export_kwh=sold[:, None]
            * forecast.export_kw_per_kwh
            * self.connection.interval_hours,
            grid_charge_kwh=plan.battery.from_grid_kwh,
        )

    def _rows_of(self, members: Sequence[str]) -> np.ndarray:
        return np.array([self.rows[name] for name in members], dtype=np.int64)

    def _admit(
        self, unsold: np.ndarray, sold: np.ndarray, plan: FramePlan, forecast: FeederForecast
    ) -> np.ndarray:
        """Return the share of its unsold surplus that each member may export, (n_members,)."""
        share = np.ones(len(unsold))
        waiting = np.flatnonzero(unsold > 0.0)
        if waiting.size:
            share[waiting] = admit_exports(
                forecast.feeder,
                forecast.injection_kw(sold),
                forecast.reactive_kvar,
                forecast.bus[waiting],
                unsold[waiting, None] * forecast.export_kw_per_kwh[waiting],
                forecast.limits,
            )
        return share

    def _export_limit_kw(
        self, allowed_kwh: np.ndarray, capped: np.ndarray, share: np.ndarray, plan: FramePlan
    ) -> np.ndarray:
        """Turn the admitted energy into the operating envelope, (n_members, n_intervals).

        A member that the feeder binds - capped, or with surplus withheld - may export phi n+ in
        each interval, phi = (o + s + e) / P+; the others up to their inverter's rating.
        """
        bound = (capped > 0.0) | (share < 1.0)
        phi = np.divide(
            plan.self_netted_kwh + allowed_kwh,
            plan.exported_kwh,
            out=np.ones(len(bound)),
            where=plan.exported_kwh > 0.0,
        )
        limit = np.full(plan.export_kwh.shape, np.inf)
        limit[bound] = phi[bound, None] * plan.export_kwh[bound] / self.connection.interval_hours
        return limit
