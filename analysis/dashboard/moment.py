"""All that the page shows of one moment: the frame that ended last, and the day around it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...market.clearing import GridTerms
from ...market.mechanism import ClearingRules, build_mechanism
from ...market.order import OrderBook
from ...sim.bill_table import bills_frame
from ...sim.month_end import bills_so_far
from ...sim.recording import DayRecord
from ...sim.simulation import Simulation
from ...sim.world import World

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moment:
    """The run at a frame's end.

    Attributes
    ----------
    world : World
        What the scenario fixes.
    number, total : int
        Frames that ended, frames of the run.
    frames : list of dict
        A row for each frame that ended, the newest last.
    record : DayRecord
        The market day of that frame.
    first, filled : int
        Interval of the day at which the frame began, and at which it ended.
    bills : pandas.DataFrame
        Bills as if the run ended now, summed over its months, a row a member in their order.
    exact : tuple of ndarray or None
        f1 and f2 of the exact front of the submitted orders, without the network.
    strained : int
        Interval of the day, within the frame, whose voltages come nearest to a limit or go
        farthest beyond it.
    """

    world: World
    number: int
    total: int
    frames: list[dict[str, Any]]
    record: DayRecord
    first: int
    filled: int
    bills: pd.DataFrame
    exact: tuple[Floats, Floats] | None
    strained: int

    @property
    def frame(self) -> dict[str, Any]:
        """The frame that ended last."""
        return self.frames[self.number - 1]

    @property
    def v_pu(self) -> Floats:
        """Voltage of each bus in the strained interval, nan without supply, (n_buses,)."""
        assert self.record.bus_v_pu is not None
        return self.record.bus_v_pu[self.strained]

    @property
    def front(self) -> dict[str, Any] | None:
        """The frame's Pareto front; None where nothing was chosen from one."""
        fronts = self.record.fronts
        same = fronts and fronts[-1]["frame_id"] == self.frame["frame_id"]
        return fronts[-1] if same else None

    @property
    def critical(self) -> tuple[str, ...]:
        """Names of the buses that the market's check found outside a limit in any iteration."""
        steps = [f" {names} " for names in self.record.capping[-1]["critical_buses"]]
        buses = self.world.feeder.bus_names  # a name may hold blanks
        return tuple(name for name in buses if any(f" {name} " in step for step in steps))

    def clock(self, interval: int) -> str:
        """Return the time of day at which an interval of the day begins, as `12:15`."""
        calendar = self.world.calendar
        return f"{calendar.time(interval * calendar.interval_minutes):%H:%M}"


def moment_of(simulation: Simulation, record: DayRecord, frames: list[dict[str, Any]]) -> Moment:
    """Gather what the page shows.

    Parameters
    ----------
    simulation : Simulation
        The market and its counterfactual, at a frame's end.
    record : DayRecord
        The market day of the frame that ended last.
    frames : list of dict
        A row for each frame that ended.

    Returns
    -------
    Moment
        Its arrays are those of the record; what is recorded later stands beyond `filled`.
    """
    world, market = simulation.world, simulation.with_market
    calendar = world.calendar
    done = calendar.frames[len(frames) - 1]
    first = calendar.index(done.start_minute) % calendar.intervals_per_day
    filled = first + calendar.index(done.end_minute - done.start_minute)
    bills = bills_frame(world, bills_so_far(market), bills_so_far(simulation.without_market))
    money = bills.drop(columns=["prosumer", "month", "note"]).groupby(bills.prosumer, sort=False)
    return Moment(
        world=world,
        number=len(frames),
        total=len(calendar.frames),
        frames=frames,
        record=record,
        first=first,
        filled=filled,
        bills=money.sum(),
        exact=_exact_front(market.rules, record, world.members.names),
        strained=first + _most_strained(world, record, slice(first, filled)),
    )


def _most_strained(world: World, record: DayRecord, columns: slice) -> int:
    """Return the interval of the frame that lies farthest beyond a limit, or nearest to one."""
    limits, network = world.connection.limits, record.network
    beyond = np.maximum(
        network["v_max_pu"][columns] - limits.upper_pu,
        limits.lower_pu - network["v_min_pu"][columns],
    )
    return 0 if np.isnan(beyond).all() else int(np.nanargmax(beyond))


def _exact_front(
    rules: ClearingRules, record: DayRecord, names: tuple[str, ...]
) -> tuple[Floats, Floats] | None:
    """Return the exact front of the frame's orders; None where the mechanism has no front."""
    frame, orders = record.frames[-1], record.orders[-1]
    if rules.mechanism != "pareto" or not frame["sellers"] or not frame["buyers"]:
        return None
    m = frame["sellers"]
    members = [names[row] for row in orders["prosumer"]]
    book = OrderBook(
        tuple(members[:m]),
        orders["price_per_kwh"][:m],
        orders["quantity_kwh"][:m],
        tuple(members[m:]),
        orders["price_per_kwh"][m:],
        orders["quantity_kwh"][m:],
    )
    terms = GridTerms(frame["retail_per_kwh"], max(frame["feed_in_per_kwh"], 0.0))
    exact = build_mechanism(dataclasses.replace(rules, engine="exact"))
    front = exact.clear(book, terms, np.random.default_rng(1)).front
    return None if front is None else (front.f1, front.f2)
