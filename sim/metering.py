"""Real time: what every meter, battery and bus does in one interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..agents.dispatch import Dispatch, dispatch
from ..agents.grid import GridState
from ..agents.schedule import Schedule
from .calendar import Frame

if TYPE_CHECKING:
    from .model import MarketModel

# Energy below this [kWh] is round-off, not a curtailment worth a row.
_LEAST_KWH = 1e-9


def meter_interval(model: MarketModel, frame: Frame, column: int, start: int) -> None:
    """Let one interval happen: meters, batteries, envelope, power flow, curtailment.

    Parameters
    ----------
    model : MarketModel
        The market.
    frame : Frame
        The frame that the interval belongs to.
    column : int
        The interval's place in the frame.
    start : int
        Minute of the run at which it begins.
    """
    world, calendar = model.world, model.world.calendar
    now = calendar.index(start)
    at = now % calendar.intervals_per_day
    index = world.first_index + now
    load, pv = world.load_kwh[:, index], world.pv_kwh[:, index]
    if world.flexible is not None:
        day = now // calendar.intervals_per_day
        load = load + world.flexible.running_kwh(day, model.state.flexible_starts[day], at)
    schedule = model.state.pending[frame.number].schedule
    if world.outage[now]:
        done, unserved = _without_supply(model, load, pv)
        grid, held = model.grid.dark(), np.zeros(len(load))
        load = np.zeros(len(load))
        _record_curtailment(model, at, "outage", pv, held)
    else:
        unserved = np.zeros(len(load))
        done = _act(model, schedule, column, load, pv)
        out = np.maximum(done.net_export_kwh, 0.0)
        curtailable = np.minimum(pv - done.curtailed_kwh + done.discharge_kwh, out)
        grid = model.grid.watch(load, done.net_export_kwh, curtailable)
        # A battery that holds back loses nothing: it does so before PV is curtailed.
        held = np.minimum(grid.ordered_kwh, done.discharge_kwh)
        by_voltage = grid.ordered_kwh - grid.for_transformer_kwh
        held_by_voltage = np.minimum(by_voltage, held)
        _record_curtailment(model, at, "envelope", done.curtailed_kwh, 0.0 * held)
        _record_curtailment(model, at, "overvoltage", by_voltage, held_by_voltage)
        _record_curtailment(
            model, at, "transformer", grid.for_transformer_kwh, held - held_by_voltage
        )
    stored = done.stored_kwh + held / world.fleet.one_way_efficiency
    model.state.stored_kwh = stored
    model.state.minute = start + calendar.interval_minutes
    for name, values in (
        ("load_kwh", load),
        ("pv_kwh", pv),
        ("battery_charge_kwh", done.charge_kwh),
        ("battery_discharge_kwh", done.discharge_kwh - held),
        ("curtailed_kwh", done.curtailed_kwh + (grid.ordered_kwh - held)),
        ("net_export_kwh", done.net_export_kwh - grid.ordered_kwh),
        ("ordered_kwh", grid.ordered_kwh),
        ("stored_kwh", stored),
        ("held_kwh", held),
        ("unserved_kwh", unserved),
    ):
        model.day.meters[name][:, at] = values
    _watch(model, grid, at, bool(world.outage[now]))


def _act(
    model: MarketModel, schedule: Schedule, column: int, load: np.ndarray, pv: np.ndarray
) -> Dispatch:
    """Let batteries follow their plans, within the export envelope."""
    world, hours = model.world, model.world.calendar.interval_hours
    target = schedule.discharge_kwh[:, column] - schedule.charge_kwh[:, column]
    if world.scenario.battery.absorb_deviation:
        # It makes up for less sun or more load, but only for what is needed at home or sold:
        # unsold exports are a forecast, and stored energy is worth more than feed-in.
        needed = np.maximum(load - pv + schedule.firm_export_kwh[:, column], 0.0)
        target = np.minimum(target - (pv - load - schedule.net_kwh[:, column]), needed)
    limit_kw = np.minimum(schedule.export_limit_kw[:, column], world.members.inverter_kw)
    return dispatch(
        load,
        pv,
        target,
        model.state.stored_kwh,
        world.fleet,
        limit_kw * hours,
        hours,
        schedule.grid_charge_kwh[:, column],
    )


def _without_supply(
    model: MarketModel, load: np.ndarray, pv: np.ndarray
) -> tuple[Dispatch, np.ndarray]:
    """Nothing flows: load is not served, inverters trip with the grid, batteries stand still.

    Inverters that follow the grid must not feed an island (IEEE 1547, IEC 62116), and homes are
    taken to have no switch that would let them run on their own battery.
    """
    none = np.zeros(len(load))
    return Dispatch(none, none, pv, none, model.state.stored_kwh), load


def _record_curtailment(
    model: MarketModel, at: int, reason: str, energy: np.ndarray, held: np.ndarray
) -> None:
    """Keep who held back how much, and why."""
    rows = np.flatnonzero(energy > _LEAST_KWH)
    if rows.size:
        model.day.curtailments.append(
            {
                "interval": at,
                "reason": reason,
                "prosumer": rows,
                "energy_kwh": energy[rows],
                "held_kwh": held[rows],
            }
        )


def _watch(model: MarketModel, grid: GridState, at: int, is_dark: bool) -> None:
    """Record the feeder, and the buses that are outside their limits."""
    limits, minutes = model.world.connection.limits, model.world.calendar.interval_minutes
    v_pu, state, network = grid.v_pu, model.state, model.day.network
    if np.isnan(v_pu).any():
        state.unsolved_intervals += not is_dark
        lowest = highest = -1
    else:
        lowest, highest = int(v_pu.argmin()), int(v_pu.argmax())
    network["v_min_bus"][at], network["v_max_bus"][at] = lowest, highest
    network["v_min_pu"][at], network["v_max_pu"][at] = v_pu[lowest], v_pu[highest]
    network["substation_kw"][at] = grid.substation_kw
    network["substation_kvar"][at] = grid.substation_kvar
    network["loss_kw"][at] = grid.loss_kw
    over, under = v_pu > limits.upper_pu, v_pu < limits.lower_pu
    state.over_minutes += minutes * over
    state.under_minutes += minutes * under
    outside = np.flatnonzero(over | under)
    if outside.size:
        model.day.violations.append({"interval": at, "bus": outside, "v_pu": v_pu[outside]})
    if model.day.bus_v_pu is not None:
        model.day.bus_v_pu[at] = v_pu
