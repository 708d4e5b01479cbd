"""The feeder of a scenario: a shipped one or the user's own files, at the scenario's voltage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..network.feeder import Feeder
from ..network.library import feeder_names, load_feeder
from ..network.problems import FeederError
from .files import inside
from .names import nearest
from .problems import ScenarioError, problem

if TYPE_CHECKING:
    from .schema import Scenario


def scenario_feeder(scenario: Scenario) -> Feeder:
    """The feeder that a scenario names, at its source voltage.

    Parameters
    ----------
    scenario : Scenario
        With `feeder.name` or `feeder.path`.

    Returns
    -------
    Feeder
        Checked and radial.

    Raises
    ------
    ScenarioError
        If the name is unknown, or with all the problems of the files.
    """
    section = scenario.feeder
    if section.name is not None:
        if section.name not in feeder_names():
            near = nearest(section.name, feeder_names())
            wrong = "unknown feeder" + (f", perhaps {near}" if near else "")
            remedy = f"use one of {', '.join(feeder_names())}, or `path` for your own files"
            raise ScenarioError([problem("scenario", "feeder.name", section.name, wrong, remedy)])
        feeder = load_feeder(section.name)
    else:
        prefix = _prefix(scenario, str(section.path))
        try:
            feeder = load_feeder(prefix)
        except FeederError as error:
            raise ScenarioError(error.problems) from error
        except (OSError, ValueError) as error:
            wrong = f"cannot be read ({error})"
            remedy = "give PREFIX of PREFIX_buses.csv and PREFIX_branches.csv"
            raise ScenarioError(
                [problem("scenario", "feeder.path", section.path, wrong, remedy)]
            ) from error
    return feeder.with_source_voltage(section.source_voltage_pu)


def _prefix(scenario: Scenario, name: str) -> Path:
    """The prefix, once every file that may stand behind it is seen to be allowed."""
    allowed = scenario.allow_outside_files
    prefix = inside(scenario.folder, name, "feeder.path", allowed)
    for part in ("buses.csv", "branches.csv"):  # each may be a symbolic link
        for file in (f"{name}_{part}", f"{name}/{part}"):
            inside(scenario.folder, file, "feeder.path", allowed)
    return prefix
