"""`KEY=a,b,c` and `KEY=all`: which settings a comparison goes through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..market.tariff_presets import preset_names
from ..network.library import feeder_names
from ..scenarios.names import nearest
from ..scenarios.problems import problem
from ..scenarios.schema import Scenario
from ..sim.run_directory import RunError

ALL = "all"
Over = str | tuple[str, Sequence[object]]


def settings_of(over: Over) -> tuple[str, tuple[str, ...]]:
    """Return the key and its values, as texts that `--set KEY=VALUE` would take.

    Parameters
    ----------
    over : str or tuple
        ``"KEY=a,b,c"`` or ``"KEY=all"``, or ``(key, values)``. A comma inside brackets, braces or
        quotes does not part values. `all` stands for every name that the key knows.

    Returns
    -------
    key : str
        Path of the key in a scenario.
    values : tuple of str
        Its values, in the order given.

    Raises
    ------
    RunError
        If the key is not one of a scenario, `all` has no meaning for it, a value stands twice or
        fewer than two are given.

    Examples
    --------
    >>> settings_of("members.generate.pv_kwp=[2, 4],[3, 7]")
    ('members.generate.pv_kwp', ('[2, 4]', '[3, 7]'))
    >>> settings_of("market.engine=all")
    ('market.engine', ('nsga2', 'exact'))
    >>> settings_of(("market.k", [0.25, 0.75]))
    ('market.k', ('0.25', '0.75'))
    """
    if isinstance(over, str):
        key, equals, text = over.partition("=")
        if not equals:
            remedy = "write KEY=a,b,c, e.g. market.choose=demand-first,knee"
            raise RunError([problem("compare", "--over", over, "has no values", remedy)])
        values = _parted(text)
    else:
        key, values = over[0], tuple(_text(value) for value in over[1])
    key = key.strip()
    schema = _place(key)
    if schema is None:
        near = nearest(key, _keys())
        remedy = f"perhaps {near}" if near else "see `gridbazaar schema`, e.g. market.choose"
        raise RunError([problem("compare", "--over", key, "is no key of a scenario", remedy)])
    if values == (ALL,):
        values = known_values(key, schema)
    problems = []
    for value in dict.fromkeys(values):
        if values.count(value) > 1:
            problems.append(problem("compare", "--over", value, "stands twice", "name it once"))
        if not value:
            wrong, remedy = "a value is empty", "write KEY=a,b,c"
            problems.append(problem("compare", "--over", over, wrong, remedy))
    if not problems and len(values) < 2:
        wrong, remedy = "one value leaves nothing to compare", "give two or more, or `all`"
        problems.append(problem("compare", "--over", ",".join(values), wrong, remedy))
    if problems:
        raise RunError(problems)
    return key, values


def known_values(key: str, schema: dict[str, Any]) -> tuple[str, ...]:
    """Return every value that a key knows by name.

    Raises
    ------
    RunError
        If its values are not a list of names.
    """
    presets: dict[str, Callable[[], tuple[str, ...]]] = {
        "tariff": preset_names,
        "settlement.rules": lambda: preset_names("rules"),
        "feeder.name": feeder_names,
    }
    if key in presets:
        return presets[key]()
    for one in (schema, *schema.get("anyOf", ())):
        if "enum" in one:
            return tuple(_text(value) for value in one["enum"])
        if one.get("type") == "boolean":
            return ("false", "true")
    wrong, remedy = "`all` goes with keys that take a name of a list", "write the values out"
    raise RunError([problem("compare", "--over", f"{key}={ALL}", wrong, remedy)])


def _parted(text: str) -> tuple[str, ...]:
    """Part a text at the commas that stand in no bracket and no quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in "[{(":
            depth += 1
        elif c in "]})":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return tuple(part.strip() for part in (*parts, text[start:]))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _place(key: str) -> dict[str, Any] | None:
    """Return what the scenario's schema says about a key; None where there is no such key."""
    whole = Scenario.model_json_schema()
    here: dict[str, Any] = whole
    for name in key.split("."):
        here = _section(here, whole)
        if _is_open(here):
            return {}  # inline keys of a tariff are read elsewhere
        if name not in here.get("properties", {}):
            return None
        here = here["properties"][name]
    return here


def _section(schema: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference, or the one alternative that holds keys."""
    for one in (schema, *schema.get("anyOf", ())):
        if "$ref" in one:
            found: dict[str, Any] = whole["$defs"][one["$ref"].rpartition("/")[2]]
            return found
        if "properties" in one or _is_open(one):
            return dict(one)
    return {}


def _is_open(schema: dict[str, Any]) -> bool:
    """Whether a schema takes any keys: pydantic before 2.11 leaves it at the type."""
    any_key = schema.get("additionalProperties", True) is True
    return schema.get("type") == "object" and "properties" not in schema and any_key


def _keys() -> list[str]:
    """Return every key of a scenario, as a path."""
    whole = Scenario.model_json_schema()

    def walk(schema: dict[str, Any], path: str) -> list[str]:
        found = []
        for name, one in _section(schema, whole).get("properties", {}).items():
            found += [f"{path}{name}", *walk(one, f"{path}{name}.")]
        return found

    return walk(whole, "")
