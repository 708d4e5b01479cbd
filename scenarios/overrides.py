"""Changes of a scenario from the command line, from Python and from sweeps: ``path=value``."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from .problems import ScenarioError, problem
from .yaml_text import read_yaml_text

_PLACE = "--set"


def apply_overrides(
    data: dict[str, Any], overrides: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    """Apply changes to a plain mapping; the given one is left as it is.

    Parameters
    ----------
    data : dict
        What a scenario file holds.
    overrides : sequence of str
        ``path=value``; the path has dots, the value is YAML. A step into a list is an index or
        the ``name`` of an item. A step into the tariff's name turns it into a change of it.

    Returns
    -------
    tuple
        The changed mapping and the problems of the overrides.

    Examples
    --------
    >>> apply_overrides({"market": {"k": 0.5}}, ["market.k=0.1", "days=3"])
    ({'market': {'k': 0.1}, 'days': 3}, [])
    >>> apply_overrides({"tariff": "simple"}, ["tariff.feed_in_per_kwh=3"])[0]
    {'tariff': {'preset': 'simple', 'feed_in_per_kwh': 3}}
    """
    changed: dict[str, Any] = copy.deepcopy(data)
    problems: list[str] = []
    for override in overrides:
        path, equals, text = override.partition("=")
        steps = [step.strip() for step in path.split(".")]
        if not equals or not all(steps):
            wrong, remedy = "is not path=value", "write for example market.k=0.3"
            problems.append(problem(_PLACE, "top", override, wrong, remedy))
            continue
        try:
            value = read_yaml_text(text, f"{_PLACE} {path}")
        except ScenarioError as error:
            problems += error.problems
            continue
        wrong_step = _put(changed, steps, value)
        if wrong_step is not None:
            wrong = f"cannot step into {wrong_step!r}"
            remedy = "give a path of keys as in the scenario file"
            problems.append(problem(_PLACE, path, text, wrong, remedy))
    return changed, problems


def _put(data: dict[str, Any], steps: Sequence[str], value: Any) -> str | None:
    """Set a value; returns the step that leads nowhere, or None."""
    here: Any = data
    for depth, step in enumerate(steps[:-1]):
        if isinstance(here, dict):
            inner = here.get(step)
            if step == "tariff" and depth == 0 and isinstance(inner, str):
                is_file = inner.lower().endswith((".yaml", ".yml"))
                inner = here[step] = {"file" if is_file else "preset": inner}
            elif inner is None:
                inner = here[step] = {}
            here = inner
        elif (index := _index(here, step)) is not None:
            here = here[index]
        else:
            return step
    last = steps[-1]
    if isinstance(here, dict):
        here[last] = value
        return None
    index = _index(here, last)
    if index is None:
        return last
    here[index] = value
    return None


def _index(here: Any, step: str) -> int | None:
    """Position of a step in a list: its number, or the item of that name."""
    if not isinstance(here, list):
        return None
    if step.isascii() and step.isdigit() and int(step) < len(here):
        return int(step)
    names = [item.get("name") if isinstance(item, dict) else None for item in here]
    return names.index(step) if step in names else None
