"""What the schema finds wrong with a plain mapping, in the words of whoever wrote the file."""

from __future__ import annotations

import copy
import types
from collections.abc import Iterable
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .names import nearest
from .problems import problem
from .schema import Scenario

_TYPES = {
    "int_type": ("is not a whole number", "write a whole number"),
    "int_from_float": ("is not a whole number", "write a whole number"),
    "float_type": ("is not a number", "write a number"),
    "string_type": ("is not text", "write text, in quotes where it looks like a number"),
    "bool_type": ("is neither true nor false", "write true or false"),
    "model_type": ("is not a mapping of keys to values", "write key: value lines below the key"),
    "dict_type": ("is not a mapping of keys to values", "write key: value lines below the key"),
    "tuple_type": ("is not a list", "write two numbers as [low, high]"),
    "too_long": ("has too many items", "write two numbers as [low, high]"),
    "date_type": ("is not a date", "write it as YYYY-MM-DD"),
    "date_from_datetime_inexact": ("is not a date", "write it as YYYY-MM-DD"),
    "datetime_type": ("is not a local time", "write it as YYYY-MM-DD HH:MM"),
    "finite_number": ("is not finite", "write a finite number"),
    "string_too_short": ("is empty", "write at least one character"),
    "string_too_long": ("is too long", "write a shorter text"),
}
_BOUNDS = {
    "greater_than_equal": ("ge", "is below {}", "give {} or more"),
    "greater_than": ("gt", "is not above {}", "give more than {}"),
    "less_than_equal": ("le", "is above {}", "give {} or less"),
    "less_than": ("lt", "is not below {}", "give less than {}"),
}


def schema_problems(data: Any, place: str) -> list[str]:
    """All that the schema refuses in a scenario's mapping.

    Parameters
    ----------
    data : object
        What a scenario file holds.
    place : str
        The file's name.

    Returns
    -------
    list of str
        ``file: path: value: what is wrong: what to do``; empty if nothing is.

    Examples
    --------
    >>> schema_problems({"name": "x", "start": "soon", "dayz": 3, "feeder": {"name": "a"},
    ...                  "members": {"generate": {}}}, "my.yaml")
    ['my.yaml: start: soon: is not a date: write it as YYYY-MM-DD', \
'my.yaml: dayz: 3: unknown key, perhaps days: correct or remove it']
    """
    return sound_part(data, place)[1]


def sound_part(data: Any, place: str) -> tuple[Any, list[str]]:
    """A scenario's mapping without the values that the schema refuses, and what is wrong with them.

    Whoever checks between keys goes on with the sound part, so that one wrong value does not hide
    the next. Pydantic tells contradictions between keys of a section only once each by itself is
    right: so refused values are left out and the rest is asked again.

    Parameters
    ----------
    data : object
        What a scenario file holds; it is left as it is.
    place : str
        The file's name.

    Returns
    -------
    tuple
        The sound part (required keys may lack), and the problems.

    Examples
    --------
    >>> sound_part({"days": 0, "seed": 3}, "my.yaml")[0]
    {'seed': 3}
    """
    sound = copy.deepcopy(data)
    problems: list[str] = []
    left_out: set[tuple[int | str, ...]] = set()
    while True:
        try:
            Scenario.model_validate(sound)
        except ValidationError as error:
            details = error.errors(include_url=False)
        else:
            break
        told = [detail for detail in details if not _is_echo(detail, left_out)]
        problems += [_line(detail, place) for detail in told]
        before = len(left_out)
        for detail in told:
            left_out |= _leave_out(sound, detail["loc"])
        if len(left_out) == before:
            break
    return sound, list(dict.fromkeys(problems))


def _is_echo(detail: ErrorDetails, left_out: set[tuple[int | str, ...]]) -> bool:
    """Whether a complaint only follows from a value that was left out."""
    location = detail["loc"]
    if detail["type"] == "missing":
        return location in left_out
    keys = str(detail.get("ctx", {}).get("keys", "")).split()
    return any((*location, key) in left_out for key in keys)


def _leave_out(data: Any, location: tuple[int | str, ...]) -> set[tuple[int | str, ...]]:
    """Take the value at a place out of its mapping; returns where it stood."""
    if location[:1] == ("tariff",):
        location = ("tariff",)
    here, steps = data, []
    for step in location:
        if not isinstance(here, dict) or step not in here:
            return set()
        steps.append(step)
        if step == location[-1] or not isinstance(here[step], dict):
            del here[step]
            return {tuple(steps)}
        here = here[step]
    return set()


def _line(detail: ErrorDetails, place: str) -> str:
    kind, location, value = detail["type"], detail["loc"], detail["input"]
    context = detail.get("ctx", {})
    if location[:1] == ("tariff",):  # a union: each arm complains, in its own words
        wrong = "is neither a name nor a mapping"
        return problem(place, "tariff", value, wrong, "give a preset, a .yaml file or the keys")
    path = _path(location)
    if kind == "extra_forbidden":
        near = nearest(str(location[-1]), _known_keys(location[:-1]))
        wrong = "unknown key" + (f", perhaps {near}" if near else "")
        remedy = "correct or remove it"
        if not near:
            remedy = f"use one of {', '.join(_known_keys(location[:-1]))}"
        return problem(place, path, value, wrong, remedy)
    if kind == "missing":
        what = "a number is missing" if isinstance(location[-1], int) else "is missing"
        remedy = "write two numbers as [low, high]" if isinstance(location[-1], int) else "give it"
        return problem(place, path, "", what, remedy)
    if kind in ("literal_error", "string_pattern_mismatch") or kind in _BOUNDS:
        return problem(place, path, value, *in_our_words(detail))
    if kind == "unknown_name":
        near = context["nearest"]
        wrong = "unknown name" + (f", perhaps {near}" if near else "")
        return problem(place, path, value, wrong, f"use one of {context['known']}")
    if kind in ("contradiction", "range_order"):
        return problem(place, path, value, "values contradict one another", detail["msg"])
    if kind == "tuple_type" and (keys := _known_keys(location)):
        item = ", ".join(f"{key}: ..." for key in keys)
        return problem(place, path, value, "is not a list", f"write items as [{{{item}}}]")
    wrong, remedy = in_our_words(detail)
    return problem(place, path, value, wrong, remedy or "see gridbazaar schema")


def in_our_words(detail: ErrorDetails) -> tuple[str, str]:
    """What is wrong with one value, and what to do; no remedy where the kind has no words here.

    Examples
    --------
    >>> in_our_words({"type": "less_than_equal", "loc": ("k",), "msg": "", "input": 2,
    ...               "ctx": {"le": 1.0}})
    ('is above 1', 'give 1 or less')
    """
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind in _BOUNDS:
        key, wrong, remedy = _BOUNDS[kind]
        bound = context[key]
        bound = f"{bound:g}" if isinstance(bound, float) else str(bound)
        if key == "ge" and bound == "0" and isinstance(value, int | float):
            wrong = "is negative"
        return wrong.format(bound), remedy.format(bound)
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", "")
        return "is none of the values allowed", f"use {expected}"
    if kind == "string_pattern_mismatch":
        return "has characters that are not allowed here", f"match {context['pattern']}"
    return _TYPES.get(kind, (detail["msg"], ""))


def _path(location: Iterable[int | str]) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _known_keys(location: Iterable[int | str]) -> tuple[str, ...]:
    """Keys of the section, or of each item of the list, at a place of the schema."""
    model: type[BaseModel] = Scenario
    for step in location:
        if isinstance(step, int):
            continue
        field = model.model_fields.get(str(step))
        inner = _section(field.annotation) if field else None
        if inner is None:
            return ()
        model = inner
    return tuple(model.model_fields)


def _section(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType, tuple):
        return next(filter(None, map(_section, get_args(annotation))), None)
    return None
