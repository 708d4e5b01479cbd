"""The identity of a run: what it rests on, so that the same identity means the same result."""

from __future__ import annotations

import hashlib
import json
import platform
from functools import cache
from pathlib import Path
from typing import Any

from ...scenarios.schema import Scenario
from ...scenarios.tariffs import tariff_data
from ...sim.code_sum import code_sum
from ...sim.versions import versions as package_versions

_LENGTH = 20  # hexadecimal digits: 80 bits, so that a billion runs do not collide


@cache
def versions() -> dict[str, str]:
    """Return what results depend on: versions of Python and packages, a hash of our own code."""
    return {"python": platform.python_version(), **package_versions(), "code": code_sum()}


def scenario_digest(scenario: Scenario) -> str:
    """Return a hash of all that a scenario fixes but its seed.

    The resolved scenario with every default, the tariff with all changes, and the content of the
    files that it names count; comments and the order of keys do not.

    Parameters
    ----------
    scenario : Scenario
        Checked.

    Returns
    -------
    str
        Hexadecimal.
    """
    document = scenario.model_dump(mode="json", exclude={"seed", "description"})
    document["tariff"] = tariff_data(scenario)
    document["files"] = {str(path.name): _sum(path) for path in named_files(scenario)}
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def named_files(scenario: Scenario) -> list[Path]:
    """Return the files of the user's own that a scenario's runs read."""
    names = [scenario.members.file, scenario.profiles.load, scenario.profiles.pv]
    files = [scenario.file(name) for name in names if name]
    if scenario.feeder.path:
        files += [scenario.file(f"{scenario.feeder.path}_{p}.csv") for p in ("buses", "branches")]
    return [path for path in files if path.is_file()]


def run_id(digest: str, seed: int, stamp: dict[str, str]) -> str:
    """Return a run's identity from its scenario, its seed and the versions that compute it.

    Examples
    --------
    >>> run_id("ab", 1, {"gridbazaar": "0.1.0"})
    'a454950cfe96c3265e2e'
    """
    text = json.dumps([digest, seed, stamp], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def plan_digest(document: dict[str, Any]) -> str:
    """Return a hash of a plan and of all its runs' identities."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
