"""Gate closure: what members expect of a frame, and what they intend for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..agents.battery_plan import Outlook
from ..agents.frame_plan import FramePlan, FramePrices
from .calendar import Frame

if TYPE_CHECKING:
    from .model import MarketModel


def plan_frame(model: MarketModel, frame: Frame) -> FramePlan:
    """Forecast from the gate on, and plan the batteries from what they should then hold."""
    world, calendar = model.world, model.world.calendar
    now = calendar.index(frame.gate_minute)
    gap = calendar.index(frame.start_minute) - now
    n_frame = calendar.index(frame.end_minute) - calendar.index(frame.start_minute)
    load, pv = world.forecaster.expect(frame)
    first = calendar.index(frame.start_minute)
    prices = frame_prices(model, frame)
    kind = kinds_of_frame(model, first, n_frame + calendar.intervals_per_day)
    retail = np.array([world.tariff.retail_per_kwh(name) for name in world.tariff.frame_names])
    buy, sell = model.state.expectation.prices(
        kind,
        retail[kind],
        prices.feed_in_per_kwh,
        prices.buyer_charges_per_kwh,
        prices.seller_charges_per_kwh,
    )
    load, pv = load[:, gap:], pv[:, gap:]
    if world.flexible is not None:
        load = load + flexible_plan(model, frame, pv - load, retail[kind], buy, sell)
    outlook = Outlook(pv - load, retail[kind], n_frame, calendar.interval_hours, buy, sell)
    stored = stored_at(model, frame, now, gap)
    battery = model.battery_strategy.plan(world.fleet, stored, outlook)
    return FramePlan(load[:, :n_frame], pv[:, :n_frame], battery, prices)


def flexible_plan(
    model: MarketModel,
    frame: Frame,
    net_kwh: np.ndarray,
    retail_per_kwh: np.ndarray,
    buy_per_kwh: np.ndarray,
    sell_per_kwh: np.ndarray,
) -> np.ndarray:
    """Choose when flexible loads begin, and return what they are expected to draw.

    A block whose best time lies in the frame is settled; one whose best time is later waits for a
    later gate. The next day's is expected at the same time as this day's.

    Parameters
    ----------
    model : MarketModel
        The market; the starts that are settled go into its state.
    frame : Frame
        The frame whose gate closes.
    net_kwh, buy_per_kwh, sell_per_kwh : ndarray (n_members, n_horizon)
        PV less fixed load, and prices as members expect them, from the frame's start on.
    retail_per_kwh : ndarray (n_horizon,)
        The tariff.

    Returns
    -------
    ndarray (n_members, n_horizon)
        Expected flexible load [kWh].
    """
    flexible, calendar = model.world.flexible, model.world.calendar
    assert flexible is not None
    per_day, horizon = calendar.intervals_per_day, net_kwh.shape[1]
    first = calendar.index(frame.start_minute) % per_day
    until = first + calendar.index(frame.end_minute - frame.start_minute)
    energy = model.world.forecaster.flexible_kwh(flexible, frame)
    if flexible.by == "tariff":
        buy_per_kwh = sell_per_kwh = retail_per_kwh[None]
    starts = model.state.flexible_starts.setdefault(
        frame.day, np.full(len(net_kwh), -1, dtype=np.int64)
    )
    best = flexible.cheapest_start(energy, net_kwh, buy_per_kwh, sell_per_kwh, first)
    best = np.where(starts < 0, best, starts)
    starts[:] = np.where(best < until, best, starts)
    days = flexible.blocks(energy, best, per_day)
    return np.hstack([days, days, days])[:, first : first + horizon]


def kinds_of_frame(model: MarketModel, first: int, n: int) -> np.ndarray:
    """Return the tariff's frame of `n` intervals from the run's interval `first` on, by index."""
    names = model.world.calendar.frame_name_of_interval
    day = np.array([model.world.tariff.frame_index(name) for name in names])
    return np.asarray(day[(first + np.arange(n)) % len(day)])


def stored_at(model: MarketModel, frame: Frame, now: int, gap: int) -> np.ndarray:
    """Energy that the batteries should hold when the frame begins, by the plans in force."""
    world, hours = model.world, model.world.calendar.interval_hours
    stored = model.state.stored_kwh
    for earlier in world.calendar.frames[: frame.number]:
        if earlier.number not in model.state.pending:
            continue
        schedule = model.state.pending[earlier.number].schedule
        first = world.calendar.index(earlier.start_minute)
        for column in range(schedule.net_kwh.shape[1]):
            if now <= first + column < now + gap:
                stored = world.fleet.after(
                    stored,
                    np.minimum(
                        schedule.charge_kwh[:, column],
                        world.fleet.most_charge_kwh(stored, hours),
                    ),
                    np.minimum(
                        schedule.discharge_kwh[:, column],
                        world.fleet.most_discharge_kwh(stored, hours),
                    ),
                )
    return stored


def frame_prices(model: MarketModel, frame: Frame) -> FramePrices:
    """Return the prices that the frame's orders are made from."""
    tariff, fleet = model.world.tariff, model.world.fleet
    feed_in = tariff.feed_in_per_kwh
    transaction = tariff.transaction_charge_per_kwh
    return FramePrices(
        retail_per_kwh=tariff.retail_per_kwh(frame.name),
        feed_in_per_kwh=feed_in,
        stored_per_kwh=feed_in / fleet.round_trip_efficiency + fleet.wear_cost_per_kwh,
        buyer_charges_per_kwh=tariff.network_charge_per_kwh
        + transaction * (1.0 - tariff.seller_share),
        seller_charges_per_kwh=transaction * tariff.seller_share,
        frame=frame.name,
    )
