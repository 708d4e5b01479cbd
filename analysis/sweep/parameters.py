"""What a parameter of a sweep may be: values, a range, linked keys, or a distribution."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ...scenarios.schema_base import Section

Pair = Annotated[tuple[float, float], Field(strict=False)]
WholePair = Annotated[tuple[int, int], Field(strict=False)]
LISTED = ("values", "range", "levels", "choice")
DRAWN = ("uniform", "loguniform", "normal", "integer")


def _writable(value: Any) -> Any:
    """Refuse what no scenario can hold, such as a number that is not finite."""
    try:
        text_of(value)
    except (ValueError, TypeError, RecursionError):
        raise PydanticCustomError(
            "writable",
            "no scenario can hold it: give a finite number, a text, a date, true or false, or a "
            "list or mapping of them",
        ) from None
    return value


Writable = Annotated[Any, AfterValidator(_writable)]


class Level(Section):
    """One level of a parameter that moves several keys together."""

    value: float | int | str
    """What the level is called in tables and figures."""
    set: dict[str, Writable] = Field(min_length=1)
    """The scenario's keys at this level, as path: value."""


class Parameter(Section):
    """One thing that a sweep varies; exactly one of the forms below says how.

    `values`, `range`, `levels` and `choice` have a list of settings, so that a grid can take
    them; `uniform`, `loguniform`, `normal` and `integer` are distributions for sampled designs.
    A sampled design draws from a list with equal chances.
    """

    key: str | None = None
    """Path of the scenario's key; left out, the parameter's own name."""
    title: str | None = None
    """What figures call it; left out, its name."""
    values: list[Writable] | None = Field(default=None, min_length=1)
    """Settings, one after the other."""
    range: Pair | None = None
    """First and last of equally spaced values, `steps` of them."""
    steps: int | None = Field(default=None, ge=2, le=10_000)
    """How many values `range` has."""
    levels: list[Level] | None = Field(default=None, min_length=1)
    """Settings of several keys at once."""
    choice: list[Writable] | None = Field(default=None, min_length=1)
    """The same as `values`."""
    uniform: Pair | None = None
    """Least and greatest of a uniform distribution."""
    loguniform: Pair | None = None
    """Least and greatest of a distribution whose logarithm is uniform."""
    normal: Pair | None = None
    """Mean and standard deviation of a normal distribution, cut off at `within`."""
    within: Pair | None = None
    """Least and greatest of `normal`."""
    integer: WholePair | None = None
    """Least and greatest of whole numbers with equal chances."""

    @model_validator(mode="after")
    def _one_form(self) -> Parameter:
        given = [name for name in (*LISTED, *DRAWN) if getattr(self, name) is not None]
        if len(given) != 1:
            forms = ", ".join((*LISTED, *DRAWN))
            raise PydanticCustomError("form", f"takes exactly one form: give one of {forms}")
        form = given[0]
        if (form == "range") != (self.steps is not None):
            raise PydanticCustomError("form", "`range` and `steps` go together: give both")
        if (form == "normal") != (self.within is not None):
            raise PydanticCustomError("form", "`normal` and `within` go together: give both")
        if form == "levels" and self.key is not None:
            raise PydanticCustomError("form", "`levels` name their own keys: remove `key`")
        self._check_numbers(form)
        return self

    def _check_numbers(self, form: str) -> None:
        pairs = {"normal": self.within, "loguniform": self.loguniform, "uniform": self.uniform}
        pair = pairs.get(form) or self.range or self.integer
        if pair is not None and not pair[0] < pair[1]:
            raise PydanticCustomError(
                "order", "the first number must be below the second: write [least, greatest]"
            )
        if pair is not None and not math.isfinite(pair[1] - pair[0]):
            raise PydanticCustomError("order", "the two are too far apart: give smaller numbers")
        if self.loguniform is not None and self.loguniform[0] <= 0.0:
            raise PydanticCustomError("order", "a logarithm has no zero: begin above 0")
        if form == "normal" and self.normal is not None and self.normal[1] <= 0.0:
            raise PydanticCustomError("order", "a standard deviation is above 0: write it second")
        if self.listed:
            seen: set[Any] = set()
            for label in self.labels():
                if not seen.isdisjoint(ways := _as_tables_show(label)):
                    wrong = f"{text_of(label)} stands twice: name it once"
                    raise PydanticCustomError("twice", "{wrong}", {"wrong": wrong})
                seen |= ways

    @property
    def listed(self) -> bool:
        """Whether it has a list of settings, which a grid needs."""
        return any(getattr(self, name) is not None for name in LISTED)

    def labels(self) -> list[Any]:
        """Return the settings of a listed parameter, as tables show them.

        Examples
        --------
        >>> Parameter(range=(0.0, 1.0), steps=3).labels()
        [0.0, 0.5, 1.0]
        """
        if self.levels is not None:
            return [level.value for level in self.levels]
        if self.range is not None:
            first, last = self.range
            steps = self.steps or 2
            # Rounded: 0.84 / 2 shall be 0.42 in tables, and in the identity of a run.
            spaced = np.linspace(first, last, steps)
            return [float(f"{value:.12g}") for value in spaced]
        return list(self.values if self.values is not None else self.choice or [])

    def at(self, u: float) -> Any:
        """Return the setting at a place of the unit interval: the quantile of the distribution.

        Parameters
        ----------
        u : float
            From 0 to 1.

        Returns
        -------
        object
            A number, or one of the listed settings (each with an equal part of the interval).

        Examples
        --------
        >>> Parameter(uniform=(2.0, 4.0)).at(0.25)
        2.5
        >>> round(Parameter(loguniform=(1.0, 100.0)).at(0.5), 9)
        10.0
        >>> [Parameter(integer=(1, 3)).at(u) for u in (0.0, 0.5, 1.0)]
        [1, 2, 3]
        >>> round(Parameter(normal=(0.0, 1.0), within=(-1.0, 3.0)).at(0.5), 3)
        0.198
        >>> Parameter(choice=["a", "b"]).at(0.7)
        'b'
        """
        u = min(max(float(u), 0.0), 1.0)
        if self.listed:
            labels = self.labels()
            return labels[min(int(u * len(labels)), len(labels) - 1)]
        if self.integer is not None:
            low, high = self.integer
            return low + min(int(u * (high - low + 1)), high - low)
        if self.uniform is not None:
            first, last = self.uniform
            return first + (last - first) * u
        if self.loguniform is not None:
            first, last = np.log(self.loguniform)
            return float(np.exp(first + (last - first) * u))
        from scipy import stats  # most sweeps need it only at their end

        mean, deviation = self.normal or (0.0, 1.0)
        low_z, high_z = ((x - mean) / deviation for x in self.within or (-np.inf, np.inf))
        drawn = float(stats.truncnorm.ppf(u, low_z, high_z, loc=mean, scale=deviation))
        low_x, high_x = self.within or (drawn, drawn)
        return min(max(drawn, low_x), high_x)  # rounding may lead out of the ends

    def settings(self, name: str, label: Any) -> dict[str, Any]:
        """Return the scenario's keys, path: value, for one setting."""
        if self.levels is not None:
            return next(dict(level.set) for level in self.levels if level.value == label)
        return {self.key or name: label}

    def keys(self, name: str) -> tuple[str, ...]:
        """Return every key of the scenario that this parameter moves."""
        if self.levels is not None:
            return tuple(dict.fromkeys(key for level in self.levels for key in level.set))
        return (self.key or name,)


def _as_tables_show(label: Any) -> set[Any]:
    """Return what a setting may be in tables, where 1 is 1.0, and among texts "1" as well."""
    text = label if isinstance(label, str) else text_of(label)
    number = isinstance(label, int | float) and not isinstance(label, bool)
    return {text, label} if number else {text}


def text_of(value: Any) -> str:
    """Return a setting as JSON text, which is also YAML: what `--set KEY=TEXT` takes.

    Examples
    --------
    >>> text_of([2, 4]), text_of("knee"), text_of(dt.date(2026, 1, 1))
    ('[2, 4]', '"knee"', '"2026-01-01"')
    """

    def other(thing: Any) -> str:
        if isinstance(thing, dt.date | dt.datetime):
            return thing.isoformat()
        raise TypeError(f"{thing!r} is no value of a scenario")

    return json.dumps(value, default=other, ensure_ascii=False, allow_nan=False)
