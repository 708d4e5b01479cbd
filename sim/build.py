"""Build the world of a run from its scenario."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..agents.battery import BatteryFleet
from ..agents.flexible_load import FlexibleLoad
from ..agents.market_operator import Connection
from ..market.tariff import Tariff
from ..network.limits import VoltageLimits
from ..scenarios.feeders import scenario_feeder
from ..scenarios.flexible import FlexibleShare, split_load, window_minutes
from ..scenarios.load import load_scenario
from ..scenarios.members import generate_members
from ..scenarios.profiles import build_profiles, clear_sky_profiles
from ..scenarios.schema import Scenario
from ..scenarios.tariffs import scenario_tariff, tariff_data
from .calendar import Calendar
from .forecaster import Forecaster, wants_clear_sky
from .world import World


def load_checked(scenario: str | Path | Scenario, overrides: Sequence[str] = ()) -> Scenario:
    """Return a checked scenario from its name, its file, or one that is loaded already.

    Raises
    ------
    ScenarioError
        With every problem.
    ValueError
        If overrides are given for a loaded scenario, which is final.
    """
    if isinstance(scenario, Scenario):
        if overrides:
            raise ValueError("overrides go with a scenario's name or file: load it with them")
        return scenario
    return load_scenario(scenario, overrides)


def build_world(scenario: Scenario) -> World:
    """Read and draw everything that the scenario fixes before the first minute.

    Raises
    ------
    ScenarioError
        With every problem of the feeder, the members, the tariff or the profiles.
    """
    feeder = scenario_feeder(scenario)
    tariff = scenario_tariff(scenario)
    members = generate_members(scenario, feeder)
    profiles = build_profiles(scenario, members, tariff.day_start_minute)
    flexible = split_load(scenario, profiles.load_kwh, profiles.grid)
    load_kwh = profiles.load_kwh if flexible is None else flexible.fixed_kwh
    battery = scenario.battery
    calendar = Calendar(
        tariff.frames,
        scenario.start,
        scenario.days,
        scenario.interval_minutes,
        scenario.gate_closure_minutes,
    )
    return World(
        scenario=scenario,
        tariff=tariff,
        tariff_data=tariff_data(scenario),
        calendar=calendar,
        members=members,
        fleet=BatteryFleet(
            members.battery_kwh,
            members.battery_kw,
            battery.round_trip_efficiency,
            battery.soc_min,
            battery.soc_max,
            battery.wear_cost_per_kwh,
        ),
        connection=Connection(
            feeder,
            members.bus,
            VoltageLimits(scenario.feeder.v_min_pu, scenario.feeder.v_max_pu),
            scenario.feeder.power_factor,
            calendar.interval_hours,
        ),
        load_kwh=load_kwh,
        pv_kwh=profiles.pv_kwh,
        first_index=profiles.run_start,
        forecaster=Forecaster(
            scenario,
            calendar,
            members.names,
            load_kwh,
            profiles.pv_kwh,
            profiles.run_start,
            clear_sky_profiles(scenario, members, profiles.grid)
            if wants_clear_sky(scenario)
            else None,
        ),
        outage=outage_mask(scenario, calendar),
        flexible=None if flexible is None else _flexible_load(scenario, flexible, tariff),
    )


def outage_mask(scenario: Scenario, calendar: Calendar) -> np.ndarray:
    """Return which intervals of the run have no supply, (n_intervals,) of bool."""
    dark = np.zeros(calendar.index(calendar.end_minute), dtype=bool)
    for outage in scenario.grid.outages:
        first = calendar.index(round((outage.start - calendar.start).total_seconds() / 60.0))
        dark[first : first + round(outage.hours / calendar.interval_hours)] = True
    return dark


def _flexible_load(scenario: Scenario, split: FlexibleShare, tariff: Tariff) -> FlexibleLoad:
    section = scenario.flexible_load
    begin, end = window_minutes(section.earliest, section.latest, tariff.day_start_minute)
    return FlexibleLoad(
        energy_kwh=split.energy_kwh,
        history_days=scenario.history_days,
        earliest=begin // scenario.interval_minutes,
        latest=end // scenario.interval_minutes,
        duration=round(section.duration_hours * 60.0 / scenario.interval_minutes),
        by=section.by,
        habit=split.habit,
    )
