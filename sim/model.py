"""The Mesa model of one market: its agents, its arrays, and the processes that move it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import mesa
import numpy as np
import simpy

from ..agents.bidding import BiddingSetup
from ..agents.grid import GridAgent
from ..agents.market_operator import FrameResult, MarketOperator
from ..agents.price_expectation import PriceExpectation, Published
from ..agents.prosumer import LEAST_ORDER_KWH, Preferences, Prosumer
from ..agents.registry import BATTERY_STRATEGIES, BIDDING_STRATEGIES, CURTAILMENT_RULES
from ..market.capping import CappingOptions
from ..market.clearing import GridTerms
from ..market.ledger import Ledger
from ..market.mechanism import ClearingRules, LearnsPrices, build_mechanism
from ..scenarios.market_rules import clearing_rules
from ..scenarios.streams import stream
from .calendar import Frame
from .clock import Clock, Phase
from .forecast_errors import ForecastErrors
from .frame_record import end_frame
from .gate import plan_frame
from .input_texts import input_sums
from .metering import meter_interval
from .month_end import end_month, run_months
from .recording import DayRecord
from .state import MarketState
from .world import World


class MarketModel(mesa.Model):
    """One market on one world. A `step()` runs to the end of the next ToD frame.

    Parameters
    ----------
    world : World
        Everything that the scenario fixes.
    mechanism : str, optional
        A mechanism other than the scenario's: the counterfactual runs `grid-only`.
    state : MarketState, optional
        Where a checkpoint left the market; by default the run's beginning.

    Attributes
    ----------
    state : MarketState
        All that changes; pickle it at a day's end and the model can be built anew from it.
    day : DayRecord
        What the current market day has recorded so far.
    last : FrameResult or None
        The frame that was cleared last.
    clearing_seconds : list of float
        Time that each clearing took, network checks included; never part of a result.
    """

    def __init__(
        self, world: World, mechanism: str | None = None, state: MarketState | None = None
    ) -> None:
        super().__init__(rng=world.scenario.seed)
        self.world = world
        scenario = world.scenario
        self.rules = scenario_rules(world, mechanism)
        self.state = state or first_state(world)
        self.battery_strategy = BATTERY_STRATEGIES[scenario.battery.strategy]()
        self.prosumers = [
            Prosumer(self, name, row, Preferences(*margins), self.state.strategies[row])
            for row, (name, *margins) in enumerate(
                zip(
                    world.members.names,
                    world.members.ask_margin_per_kwh.tolist(),
                    world.members.bid_margin_per_kwh.tolist(),
                    strict=True,
                )
            )
        ]
        rows = {prosumer.name: prosumer.row for prosumer in self.prosumers}
        self.operator = MarketOperator(
            self,
            build_mechanism(self.rules),
            CappingOptions.of_rules(self.rules),
            world.connection,
            rows,
            world.may_trade,
        )
        self.grid = GridAgent(
            self,
            world.connection,
            CURTAILMENT_RULES[scenario.grid.curtailment],
            scenario.grid.transformer_kva,
        )
        self.day = self._new_day(self.state.minute // (24 * 60))
        self.finished_days: list[DayRecord] = []
        self.last: FrameResult | None = None
        self.clearing_seconds: list[float] = []
        self.clock = Clock(self.state.minute)
        for process in (
            self._gates(),
            self._meters(),
            self._frame_ends(),
            self._month_ends(),
            self._day_ends(),
        ):
            self.clock.add(process)

    # --- running ---------------------------------------------------------------------------

    @property
    def next_frame(self) -> Frame | None:
        """The frame that the next `step()` finishes; None when the run is over."""
        ahead = (f for f in self.world.calendar.frames if f.end_minute > self.state.minute)
        return next(ahead, None)

    def step(self) -> None:
        """Run to the end of the next frame; an error stops the model and is raised."""
        frame = self.next_frame
        if frame is None:
            self.running = False
            return
        try:
            self.clock.run_through(frame.end_minute, Phase.PAUSE)
        except BaseException:
            self.running = False
            raise
        self.running = self.next_frame is not None

    def release(self) -> None:
        """Let go of the agents: Mesa 3.3 keeps every model alive in a table of its own."""
        self.remove_all_agents()
        mesa.Agent._ids.pop(self, None)

    # --- processes -------------------------------------------------------------------------

    def _gates(self) -> Iterator[simpy.Event]:
        for frame in self.world.calendar.frames:
            if frame.start_minute < self.state.minute or frame.number in self.state.pending:
                continue
            yield self.clock.at(frame.gate_minute, Phase.GATE)
            started = time.perf_counter()
            self._close_gate(frame)
            self.clearing_seconds.append(time.perf_counter() - started)

    def _meters(self) -> Iterator[simpy.Event]:
        calendar = self.world.calendar
        for frame in calendar.frames:
            if frame.end_minute <= self.state.minute:
                continue
            length = calendar.interval_minutes
            for column, start in enumerate(range(frame.start_minute, frame.end_minute, length)):
                yield self.clock.at(start + length, Phase.METER)
                meter_interval(self, frame, column, start)

    def _frame_ends(self) -> Iterator[simpy.Event]:
        for frame in self.world.calendar.frames:
            if frame.end_minute > self.state.minute:
                yield self.clock.at(frame.end_minute, Phase.FRAME_END)
                self._end_frame(frame)

    def _month_ends(self) -> Iterator[simpy.Event]:
        frames = self.world.calendar.frames
        for month in run_months(self):
            end_minute = frames[month.first_frame + month.n_frames - 1].end_minute
            if end_minute > self.state.minute:
                yield self.clock.at(end_minute, Phase.MONTH_END)
                end_month(self, month)

    def _day_ends(self) -> Iterator[simpy.Event]:
        per_day = 24 * 60
        for day in range(self.state.minute // per_day, self.world.calendar.days):
            yield self.clock.at((day + 1) * per_day, Phase.DAY_END)
            if (flexible := self.world.flexible) is not None:
                self.day.flexible = {
                    "start": self.state.flexible_starts.pop(day),
                    "energy_kwh": flexible.energy_kwh[:, flexible.history_days + day],
                }
            self.finished_days.append(self.day)
            self.day = self._new_day(day + 1)

    def _new_day(self, day: int) -> DayRecord:
        return DayRecord.empty(
            day,
            self.world.n_members,
            self.world.calendar.intervals_per_day,
            self.world.feeder.n_buses,
            self.world.scenario.outputs.bus_voltages,
        )

    # --- gate closure ----------------------------------------------------------------------

    def _close_gate(self, frame: Frame) -> None:
        plan = plan_frame(self, frame)
        orders = [order for p in self.prosumers if (order := p.decide(plan)) is not None]
        terms = GridTerms(plan.prices.retail_per_kwh, max(plan.prices.feed_in_per_kwh, 0.0))
        rng = stream(self.world.scenario.seed, "clearing", frame.name, frame.day)
        result = self.operator.clear(orders, plan, terms, rng, self.state.past)
        if isinstance(self.operator.mechanism, LearnsPrices):
            self.state.past.record(result.book, terms)
        traded = result.schedule.sold_kwh + result.schedule.bought_kwh
        if self.rules.mechanism != "grid-only":  # there no peer will ever buy or sell
            self.state.expectation.observe(
                self.world.tariff.frame_index(frame.name),
                np.where(np.abs(plan.net_kwh) < LEAST_ORDER_KWH, 0.0, plan.net_kwh),
                traded,
                Published.of(result.book, float(result.schedule.sold_kwh.sum()), _price_of(result)),
            )
        for prosumer in self.prosumers:
            prosumer.learn(float(traded[prosumer.row]), result.clearing.mcp_per_kwh)
        self.state.pending[frame.number] = result
        self.last = result

    def _end_frame(self, frame: Frame) -> None:
        end_frame(self, frame, self.state.pending.pop(frame.number))


def first_state(world: World) -> MarketState:
    """Return the state in which a run begins."""
    scenario = world.scenario
    return MarketState(
        minute=0,
        stored_kwh=scenario.battery.initial_soc * world.fleet.capacity_kwh,
        strategies=[
            BIDDING_STRATEGIES[scenario.bidding.strategy](
                BiddingSetup(
                    partial(stream, scenario.seed, "bidding", name),
                    scenario.bidding.margin_per_kwh,
                )
            )
            for name in world.members.names
        ],
        ledger=Ledger(
            world.members.names,
            world.tariff.currency,
            world.tariff.minor_per_major,
            input_sums(world),
        ),
        over_minutes=np.zeros(world.feeder.n_buses),
        under_minutes=np.zeros(world.feeder.n_buses),
        errors=ForecastErrors.none(world.n_members),
        expectation=PriceExpectation.none(world.n_members, len(world.tariff.frames)),
    )


def _price_of(result: FrameResult) -> float | None:
    """The clearing price, or where a mechanism has several the mean that buyers pay."""
    bought = float(result.schedule.bought_kwh.sum())
    if result.clearing.mcp_per_kwh is not None or bought <= 0.0:
        return result.clearing.mcp_per_kwh
    return float(result.schedule.paid.sum()) / bought


def scenario_rules(world: World, mechanism: str | None) -> ClearingRules:
    """Return the clearing rules that the scenario asks for."""
    rules = clearing_rules(world.scenario.market)
    rules = replace(rules, mechanism=mechanism) if mechanism else rules
    if rules.mechanism == "grid-only" and rules.network == "constrained":
        # Nothing is searched where nothing is traded; the envelope is the same either way.
        rules = replace(rules, network="adaptive-capping")
    return rules
