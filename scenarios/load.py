"""Load a scenario: a shipped name or a YAML file, with overrides, all its problems at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .cross_checks import cross_problems
from .names import nearest
from .overrides import apply_overrides
from .problems import ScenarioError, problem
from .schema import Scenario
from .shipped import scenario_file, scenario_names
from .validation import sound_part
from .yaml_text import read_yaml_file, read_yaml_text

__all__ = [
    "ScenarioError",
    "load_scenario",
    "scenario_from_dict",
    "scenario_source",
]


def load_scenario(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """Load and check a scenario.

    Parameters
    ----------
    name_or_path : str or Path
        A shipped name (see `shipped.scenario_names`) or a YAML file.
    overrides : sequence of str
        Changes as ``path=value``, the path with dots, the value as YAML, e.g. ``days=7``,
        ``market.engine=exact``, ``tariff.feed_in_per_kwh=2.5``, ``members.generate.pv_kwp=[2, 4]``.

    Returns
    -------
    Scenario
        Checked together with the feeder, tariff, members and profiles that it names.

    Raises
    ------
    ScenarioError
        With every problem as ``file: path: value: what is wrong: what to do``.

    Examples
    --------
    >>> load_scenario("kerala-village", ["days=7"]).days
    7
    >>> try:
    ...     load_scenario("kerala-village", ["days=0", "seed=-1"])
    ... except ScenarioError as error:
    ...     print(error)
    kerala-village.yaml: days: 0: is below 1: give 1 or more
    kerala-village.yaml: seed: -1: is negative: give 0 or more
    """
    return scenario_from_dict(*scenario_source(name_or_path), overrides)


def scenario_source(name_or_path: str | Path) -> tuple[Any, str, Path]:
    """Read a scenario's file without checking it: what many variants of it begin with.

    Parameters
    ----------
    name_or_path : str or Path
        A shipped name (see `shipped.scenario_names`) or a YAML file.

    Returns
    -------
    tuple
        What the file holds, its name for messages, and the folder that file names are relative
        to: the first three arguments of `scenario_from_dict`.

    Raises
    ------
    ScenarioError
        If there is no such scenario, or its file is no YAML.

    Examples
    --------
    >>> data, place, _ = scenario_source("kerala-village")
    >>> place, data["days"]
    ('kerala-village.yaml', 30)
    """
    text, path = str(name_or_path), Path(name_or_path)
    if text in scenario_names():
        shipped = scenario_file(text)
        place = shipped.name
        data = read_yaml_text(shipped.read_text(encoding="utf-8"), place)
        folder = Path(str(shipped)).parent
    else:
        place = path.name or text
        if path.suffix.lower() not in (".yaml", ".yml") and not _is_file(path):
            near = nearest(text, scenario_names())
            wrong = "neither a shipped scenario nor a file"
            wrong += f", perhaps {near}" if near else ""
            remedy = f"use one of {', '.join(scenario_names())}, or a YAML file"
            raise ScenarioError([problem("scenario", "name", text, wrong, remedy)])
        data = read_yaml_file(path, place)
        folder = path.resolve().parent
    return data, place, folder


def scenario_from_dict(
    data: Any, place: str, folder: Path, overrides: Sequence[str] = ()
) -> Scenario:
    """Build a scenario from a plain mapping.

    Parameters
    ----------
    data : object
        What a scenario file holds.
    place : str
        Name for messages.
    folder : Path
        Folder that file names are relative to.
    overrides : sequence of str
        See `load_scenario`.

    Returns
    -------
    Scenario
        Checked as `load_scenario` does.

    Raises
    ------
    ScenarioError
        With every problem.
    """
    if not isinstance(data, dict):
        wrong, remedy = "is not a mapping of keys to values", "write key: value lines"
        raise ScenarioError([problem(place, "top", data, wrong, remedy)])
    data, problems = apply_overrides(data, overrides)
    sound, refused = sound_part(data, place)
    problems += refused
    problems += cross_problems(sound, place, folder)
    if problems:
        raise ScenarioError(list(dict.fromkeys(problems)))
    scenario = Scenario.model_validate(data)
    scenario._folder = folder
    return scenario


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
