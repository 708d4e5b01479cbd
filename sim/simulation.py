"""A market and its counterfactual, run side by side over the same days."""

from __future__ import annotations

from dataclasses import dataclass

from ..market.tod import MINUTES_PER_DAY
from .calendar import Frame
from .model import MarketModel
from .recording import DayRecord, community_day
from .state import MarketState
from .world import World


@dataclass
class SimulationState:
    """What a checkpoint at a day's end keeps of both markets."""

    with_market: MarketState
    without_market: MarketState

    @property
    def finished_days(self) -> int:
        """Market days that lie behind it."""
        return self.with_market.minute // MINUTES_PER_DAY


class Simulation:
    """The scenario's market, and the same homes under `grid-only` at every step.

    The counterfactual has the same load, PV, seed, forecast, batteries and export envelope, and
    operates itself anew: its batteries end up elsewhere because nothing is sold to peers.

    Parameters
    ----------
    world : World
        Everything that the scenario fixes.
    state : SimulationState, optional
        Where a checkpoint left it.
    """

    def __init__(self, world: World, state: SimulationState | None = None) -> None:
        self.world = world
        self.with_market = MarketModel(world, state=state.with_market if state else None)
        self.without_market = MarketModel(
            world, "grid-only", state=state.without_market if state else None
        )

    @property
    def next_frame(self) -> Frame | None:
        """The frame that the next `step()` finishes; None when the run is over."""
        return self.with_market.next_frame

    def step(self) -> None:
        """Run both markets to the end of the next frame."""
        self.with_market.step()
        self.without_market.step()

    def take_finished_days(self) -> list[DayRecord]:
        """Return the market's days that ended since the last call, and forget both markets'.

        Each takes along what its counterfactual's meters counted, and what all of them and the
        feeder did.
        """
        days = self.with_market.finished_days
        for day, without in zip(days, self.without_market.finished_days, strict=True):
            day.no_p2p_exchange = without.exchange
            day.no_p2p = community_day(without)
        self.with_market.finished_days = []
        self.without_market.finished_days = []
        return days

    def state(self) -> SimulationState:
        """Return what a checkpoint keeps; take it at a day's end only."""
        return SimulationState(self.with_market.state, self.without_market.state)

    def release(self) -> None:
        """Let both models go, so that many runs fit into one process."""
        self.with_market.release()
        self.without_market.release()
