"""Build the world of a run from its scenario."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..agents.battery import BatteryFleet
from ..agents.market_operator import Connection
from ..network.limits import VoltageLimits
from ..scenarios.feeders import scenario_feeder
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
        load_kwh=profiles.load_kwh,
        pv_kwh=profiles.pv_kwh,
        first_index=profiles.run_start,
        forecaster=Forecaster(
            scenario,
            calendar,
            members.names,
            profiles.load_kwh,
            profiles.pv_kwh,
            profiles.run_start,
            clear_sky_profiles(scenario, members, profiles.grid)
            if wants_clear_sky(scenario)
            else None,
        ),
    )
