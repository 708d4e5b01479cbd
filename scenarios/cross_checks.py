"""What is wrong between the parts of a scenario, and in the files that it names.

The sections that are valid by themselves are checked together even where others are not, so that
a user sees all problems at once.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..market.tariff import Tariff
from ..network.feeder import Feeder
from ..network.problems import FeederError
from .behaviour_checks import flexible_problems, outage_problems
from .feeders import scenario_feeder
from .market_rules import market_problems
from .members import generate_members
from .members_file import given_columns
from .problems import ScenarioError, problem
from .profiles import PV_SOURCES, check_profiles, pv_columns, scenario_pv_file
from .schema import Scenario
from .tariffs import scenario_tariff

# A scenario that is right by itself: what is checked is laid over it.
_SOUND: dict[str, Any] = {
    "name": "sound",
    "start": dt.date(2025, 11, 1),
    "days": 1,
    "history_days": 1,
    "feeder": {"name": "kerala_village_lv"},
    "members": {"generate": {"homes": 1}},
}
_LATEST_GATE_MINUTES = 1440  # what the schema allows
_ALWAYS = ("start", "days", "history_days", "allow_outside_files", "seed", "currency")


def cross_problems(data: dict[str, Any], place: str, folder: Path) -> list[str]:
    """Problems that no key shows by itself.

    Parameters
    ----------
    data : dict
        What a scenario file holds, valid or not.
    place : str
        The file's name.
    folder : Path
        Folder that its file names are relative to.

    Returns
    -------
    list of str
        Problems of the feeder (loop, island, missing file), the tariff (gaps and overlaps of
        frames, frames that are no whole number of intervals), the profiles (too short, gaps,
        unknown names) and the members (unknown buses, too many).
    """
    problems: list[str] = []
    feeder = tariff = None
    scenario = _with(data, folder, "feeder")
    if scenario is not None:
        try:
            feeder = scenario_feeder(scenario)
        except (ScenarioError, FeederError) as error:
            problems += _placed(error.problems, place)
    scenario = _with(data, folder, "tariff", "settlement")
    if scenario is not None:
        try:
            tariff = scenario_tariff(scenario)
        except ScenarioError as error:
            problems += _placed(error.problems, place)
    if tariff is not None:
        problems += _frame_problems(data, place, tariff)
        problems += _rule_problems(data, place, folder, tariff)
        problems += _behaviour_problems(data, place, folder, tariff)
    scenario = _with(data, folder, "market")
    if scenario is not None:
        problems += [f"{place}: {line}" for line in market_problems(scenario.market, tariff)]
    scenario = _with(data, folder, "profiles")
    profile_problems: list[str] = []
    if scenario is not None:
        profile_problems = check_profiles(scenario)
        problems += _placed(profile_problems, place)
    problems += _member_problems(data, place, folder, feeder, bool(profile_problems))
    return problems


def _with(data: dict[str, Any], folder: Path, *sections: str) -> Scenario | None:
    """A sound scenario with some sections of the given one; None where these are not valid.

    The keys of the top that matter to all sections are taken over one by one where valid, so that
    a wrong number of days does not hide a wrong feeder.
    """
    mixed = dict(_SOUND)
    for key in _ALWAYS:
        if key in data and _valid({**_SOUND, key: data[key]}):
            mixed[key] = data[key]
    for section in sections:
        if section in data:
            mixed[section] = data[section]
        elif section in _SOUND:
            return None
    try:
        scenario = Scenario.model_validate(mixed)
    except ValidationError:
        return None
    scenario._folder = folder
    return scenario


def _valid(data: dict[str, Any]) -> bool:
    try:
        Scenario.model_validate(data)
    except ValidationError:
        return False
    return True


def _placed(problems: list[str], place: str) -> list[str]:
    """Problems of the scenario itself get its file's name; those of other files have their own."""
    placed = []
    for line in problems:
        head, colon, rest = line.partition(": ")
        if head == "scenario" and colon:
            placed.append(f"{place}: {rest}")
        elif head == "tariff" and colon:  # inline keys, or a preset with changes
            placed.append(f"{place}: tariff.{rest}")
        else:
            placed.append(line)
    return placed


def _frame_problems(data: dict[str, Any], place: str, tariff: Tariff) -> list[str]:
    found = []
    interval = data.get("interval_minutes", Scenario.model_fields["interval_minutes"].default)
    if isinstance(interval, int) and interval in (5, 15, 30, 60):
        for frame in tariff.frames:
            if frame.start_minute % interval or frame.minutes % interval:
                wrong = f"frame {frame.name} ({frame.clock}) is no whole number of intervals"
                remedy = "choose a shorter interval or other frame times"
                found.append(problem(place, "interval_minutes", interval, wrong, remedy))
    gate = data.get("gate_closure_minutes", 60)
    if isinstance(interval, int) and isinstance(gate, int) and interval > 0 and gate % interval:
        wrong = f"is no whole number of intervals of {interval} min"
        found.append(problem(place, "gate_closure_minutes", gate, wrong, "give a multiple"))
    currency = data.get("currency", Scenario.model_fields["currency"].default)
    if isinstance(currency, str) and currency != tariff.currency:
        wrong = f"the tariff {tariff.name} is in {tariff.currency}"
        remedy = f"write currency: {tariff.currency}, or choose another tariff"
        found.append(problem(place, "currency", currency, wrong, remedy))
    return found


def _rule_problems(data: dict[str, Any], place: str, folder: Path, tariff: Tariff) -> list[str]:
    """What the tariff and its rules ask of a scenario that the scenario does not keep."""
    found = []
    gate = data.get("gate_closure_minutes", Scenario.model_fields["gate_closure_minutes"].default)
    ahead = tariff.schedule_ahead_minutes
    if isinstance(gate, int) and not isinstance(gate, bool) and gate < ahead:
        who = "its tariff" if tariff.rules is None else f"the rules {tariff.rules}"
        wrong = f"{who} want schedules {ahead} min ahead of delivery"
        remedy = f"give {ahead} or more"
        if ahead > _LATEST_GATE_MINUTES:
            remedy = f"no gate closes earlier than {_LATEST_GATE_MINUTES} min: choose other rules"
        found.append(problem(place, "gate_closure_minutes", gate, wrong, remedy))
    found += _imbalance_problems(data, place, tariff)
    scenario = _with(data, folder, "members") if tariff.needs else None
    if scenario is not None and scenario.members.file is not None:
        try:
            columns = given_columns(scenario)
        except ScenarioError:
            return found  # told with the members themselves
        if tariff.needs_pv_size and "pv_kwp" not in columns:
            wrong = f"is missing, and the tariff {tariff.name} has rules by size of PV system"
            remedy = "add the column, 0 for homes without PV"
            found.append(problem(scenario.members.file, "line 1", "pv_kwp", wrong, remedy))
    return found


def _imbalance_problems(data: dict[str, Any], place: str, tariff: Tariff) -> list[str]:
    """Prices of broken contracts that the tariff's netting or rules leave without sense."""
    found = []
    section = data.get("settlement")
    given = section if isinstance(section, dict) else {}
    if tariff.netting == "month" and tariff.imbalance.price == "single":
        # A frame's charge is one price less retail or feed-in, and the month's bill brings these.
        # Under net metering it does not: it prices units by slab, and banks what is not used.
        path = (
            "tariff.imbalance.price" if given.get("imbalance") is None else "settlement.imbalance"
        )
        wrong = (
            f"the tariff {tariff.name} nets by month: no frame knows what a unit will be worth on "
            "the bill, so that one price for both sides cannot be reached"
        )
        remedy = "write dual, or choose a tariff that nets by frame or interval"
        found.append(problem(place, path, "single", wrong, remedy))
    factor = given.get("penalty_factor")
    if tariff.imbalance.waived and factor:
        who = f"the tariff {tariff.name}" if tariff.rules is None else f"the rules {tariff.rules}"
        wrong = f"{who} waive every penalty: it would do nothing"
        remedy = "leave it out, or choose other rules"
        found.append(problem(place, "settlement.penalty_factor", factor, wrong, remedy))
    return found


def _behaviour_problems(
    data: dict[str, Any], place: str, folder: Path, tariff: Tariff
) -> list[str]:
    """Windows of flexible load and outages against market day and run."""
    interval = data.get("interval_minutes", Scenario.model_fields["interval_minutes"].default)
    if interval not in (5, 15, 30, 60) or isinstance(interval, bool):
        return []  # told by itself
    found = []
    for section, check in (("flexible_load", flexible_problems), ("grid", outage_problems)):
        scenario = _with(data, folder, section)
        if scenario is not None:
            found += check(scenario, interval, place, tariff)
    return found


def _member_problems(
    data: dict[str, Any], place: str, folder: Path, feeder: Feeder | None, no_profiles: bool
) -> list[str]:
    """Problems of the members; they need a feeder and, for their homes, profiles that are right."""
    if feeder is None or no_profiles:
        return []
    scenario = _with(data, folder, "members", "profiles")
    if scenario is None:
        return []
    try:
        members = generate_members(scenario, feeder)
        if scenario.profiles.pv not in PV_SOURCES:
            owners = [
                name for name, kwp in zip(members.names, members.pv_kwp, strict=True) if kwp > 0.0
            ]
            pv_columns(scenario_pv_file(scenario), owners)
    except ScenarioError as error:
        return _placed(error.problems, place)
    return []
