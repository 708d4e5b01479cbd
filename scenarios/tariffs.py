"""The tariff of a scenario: a preset, a file or inline keys, with the scenario's own changes."""

from __future__ import annotations

import copy
import datetime as dt
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..market.tariff import Tariff
from ..market.tariff_parts import P2PRules, TariffError
from ..market.tariff_presets import preset_file, preset_names
from ..market.tariff_reading import rules_from_dict, tariff_from_dict
from ..market.tariff_rules import lay_rules
from .files import inside
from .names import nearest
from .problems import ScenarioError, problem
from .yaml_text import read_yaml_file, read_yaml_text

if TYPE_CHECKING:
    from .schema import Scenario


def tariff_data(scenario: Scenario) -> dict[str, Any]:
    """The tariff of a scenario as a plain dict, in the layout of the shipped files.

    Presets and files are read; keys given beside ``preset`` or ``file`` replace theirs, mappings
    key by key and frames by their name; the `settlement` section is laid over last.

    Parameters
    ----------
    scenario : Scenario
        With a preset name, a file name or a mapping as its tariff.

    Returns
    -------
    dict
        What `market.tariff_reading.tariff_from_dict` takes.

    Raises
    ------
    ScenarioError
        If a preset is unknown, or a file missing or not a mapping.
    """
    return _tariff_data(scenario.tariff, scenario.settlement, scenario.folder, _allowed(scenario))


def scenario_tariff(scenario: Scenario) -> Tariff:
    """The tariff of a scenario, checked.

    Parameters
    ----------
    scenario : Scenario
        See `tariff_data`.

    Returns
    -------
    Tariff
        With the scenario's changes and the regulator's rules it names.

    Raises
    ------
    ScenarioError
        With every problem of the tariff.
    """
    data = tariff_data(scenario)
    try:
        return tariff_from_dict(data, "tariff")
    except TariffError as error:
        raise ScenarioError(error.problems) from error


def tariff_notes(scenario: Scenario) -> tuple[str, ...]:
    """What a reader of the run must know about the limits of its tariff and rules.

    Dates are no error: a tariff may be tried on other days than its own.

    Parameters
    ----------
    scenario : Scenario
        Its tariff, rules, first day and number of days.

    Returns
    -------
    tuple of str
        A sentence for the tariff and for the rules if the run leaves the days on which they apply,
        and one for a rule that is not enforced.

    Examples
    --------
    >>> from .load import load_scenario
    >>> tariff_notes(load_scenario("kerala-village"))
    ()
    >>> (note,) = tariff_notes(load_scenario("kerala-village", ["tariff=kseb-older"]))
    >>> note.partition("; ")[0]
    'tariff kseb-older applies 2023-11-01 to 2024-11-30'
    """
    first, last = scenario.start, scenario.start + dt.timedelta(days=scenario.days - 1)
    dated: list[tuple[str, Tariff | P2PRules]] = []
    tariff = scenario_tariff(scenario)
    dated.append((f"tariff {tariff.name}", tariff))
    if scenario.settlement.rules is not None:
        name = scenario.settlement.rules
        rules = rules_from_dict(_rules(name, scenario.folder, _allowed(scenario)), name)
        dated.append((f"rules {rules.name}", rules))
    notes = tuple(
        f"{what} applies {_days(terms.valid_from, terms.valid_to)}; "
        f"the run is from {first} to {last}"
        for what, terms in dated
        if (terms.valid_from or first) > first or (terms.valid_to or last) < last
    )
    return (*notes, *_arrangement_notes(tariff))


def _arrangement_notes(tariff: Tariff) -> tuple[str, ...]:
    if not tariff.one_arrangement or tariff.netting != "month":
        return ()
    who = f"tariff {tariff.name}" if tariff.rules is None else f"rules {tariff.rules}"
    return (
        f"{who}: a member may have one arrangement at a time, net metering or P2P; this is not "
        f"enforced: the tariff {tariff.name} nets every member's month, also of those who trade",
    )


def _days(first: dt.date | None, last: dt.date | None) -> str:
    if first is None:
        return f"until {last}"
    return f"from {first} on" if last is None else f"{first} to {last}"


def _allowed(scenario: Scenario) -> bool:
    return scenario.allow_outside_files


def _tariff_data(tariff: Any, settlement: Any, folder: Path, outside: bool) -> dict[str, Any]:
    if isinstance(tariff, str):
        data = _named(tariff, "tariff", folder, outside)
    else:
        changes = dict(tariff)
        sources = [key for key in ("preset", "file") if key in changes]
        if len(sources) == 2:
            remedy = "give one of them"
            raise ScenarioError([problem("tariff", "preset", "", "stands beside `file`", remedy)])
        data = {}
        if sources:
            source = changes.pop(sources[0])
            if not isinstance(source, str):
                remedy = "give a name"
                raise ScenarioError([problem("tariff", sources[0], source, "is not text", remedy)])
            data = _named(source, f"tariff.{sources[0]}", folder, outside)
        data = _merged(data, changes) if sources else copy.deepcopy(changes)
    if settlement.rules is not None:
        rules = _rules(settlement.rules, folder, outside)
        try:
            data = lay_rules(data, rules, settlement.rules)
        except TariffError as error:
            raise ScenarioError(error.problems) from error
    imbalance = {
        key: value
        for key, value in (
            ("price", settlement.imbalance),
            ("penalty_factor", settlement.penalty_factor),
        )
        if value is not None
    }
    return _merged(data, {"imbalance": imbalance}) if imbalance else data


def _named(
    name: str, path: str, folder: Path, outside: bool, kind: str = "tariff"
) -> dict[str, Any]:
    known = preset_names("rules" if kind == "rules" else "tariff")
    if name in known:
        data = copy.deepcopy(_preset(name))
    elif name.lower().endswith((".yaml", ".yml")):
        data = read_yaml_file(inside(folder, name, path, outside), name)
    else:
        near = nearest(name, known)
        wrong = f"unknown {kind}" + (f", perhaps {near}" if near else "")
        remedy = f"use one of {', '.join(known)}, or a .yaml file"
        raise ScenarioError([problem("scenario", path, name, wrong, remedy)])
    if not isinstance(data, dict):
        raise ScenarioError([problem(name, "top", data, "is not a mapping", "write key: value")])
    return data


@cache
def _preset(name: str) -> Any:
    """A shipped preset, read once: every check and build of a scenario asks for it."""
    return read_yaml_text(preset_file(name).read_text(encoding="utf-8"), f"{name}.yaml")


def _rules(name: str, folder: Path, outside: bool) -> dict[str, Any]:
    return _named(name, "settlement.rules", folder, outside, kind="rules")


def _merged(base: Any, changes: Any) -> Any:
    """`changes` over `base`: mappings key by key, lists of named mappings by their names."""
    if isinstance(base, dict) and isinstance(changes, dict):
        result = dict(base)
        for key, value in changes.items():
            result[key] = _merged(base[key], value) if key in base else copy.deepcopy(value)
        return result
    if isinstance(base, list) and isinstance(changes, dict):
        names = [item.get("name") if isinstance(item, dict) else None for item in base]
        if all(key in names for key in changes):
            return [
                _merged(item, changes[name]) if name in changes else item
                for item, name in zip(base, names, strict=True)
            ]
    return copy.deepcopy(changes)
