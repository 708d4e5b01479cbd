"""The file of a sweep: what it may say, and reading it with all its problems at once."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from ...scenarios.files import inside
from ...scenarios.names import nearest
from ...scenarios.problems import ScenarioError, problem
from ...scenarios.schema_base import Section
from ...scenarios.shipped import scenario_names
from ...scenarios.validation import in_our_words
from ...scenarios.yaml_text import read_yaml_file
from .parameters import Parameter, Writable

_REMEDIES = {
    "too_short": "give at least one",
    "list_type": "write a list as [one, two]",
    "float_parsing": "write a number",
    "int_parsing": "write a whole number",
}
#: What figures show where a sweep's file names nothing.
DEFAULT_MEASURES = (
    "traded_kwh",
    "saving",
    "better_off",
    "self_sufficiency",
    "change_utility_net_after_banked",
    "peak_export_kw",
)
GRID: Literal["grid"] = "grid"
LATIN: Literal["latin-hypercube"] = "latin-hypercube"
SALTELLI: Literal["saltelli"] = "saltelli"


class Design(Section):
    """Which combinations are run."""

    name: Literal["grid", "latin-hypercube", "saltelli"] = GRID
    """`grid`: every combination of listed settings; `latin-hypercube`: `points` draws that fill
    the space evenly; `saltelli`: Saltelli's design, from which Sobol indices are estimated."""
    points: int | None = Field(default=None, ge=2, le=1_000_000)
    """Of `latin-hypercube`: combinations. Of `saltelli`: base draws N, a power of 2, which make
    N (d + 2) combinations of d parameters, or N (2 d + 2) with `second_order`."""
    seed: int = Field(default=1, ge=0, le=2**32 - 1)
    """Seed of the draws (not of the runs)."""
    second_order: bool = False
    """Whether indices of pairs of parameters are wanted as well."""

    @model_validator(mode="after")
    def _points(self) -> Design:
        if (self.name == GRID) != (self.points is None):
            raise PydanticCustomError(
                "points", "a grid has no `points`, the other designs need them: correct it"
            )
        if self.name == SALTELLI and self.points is not None and self.points & (self.points - 1):
            raise PydanticCustomError(
                "points", "Saltelli's design needs a power of 2: give `points` as 64, 128, 256 ..."
            )
        return self


def _parameter(value: Any) -> Any:
    return {"values": value} if isinstance(value, list) else value


def _design(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Plan(Section):
    """One sweep: a scenario, what varies, and how often."""

    schema_version: Literal[1] = 1
    """Version of this layout of sweep files."""
    name: str = Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Short name; it also names the sweep's directory. Left out, the file's name without its
    ending."""
    description: str = ""
    """What the sweep is for."""
    scenario: str
    """A shipped scenario, or a scenario file, relative to the sweep's."""
    allow_outside_files: bool = False
    """True: the scenario's file may lie outside the sweep's folder."""
    set: dict[str, Writable] = Field(default_factory=dict)
    """Changes that all runs share, as path: value."""
    days: int | None = Field(default=None, ge=1, le=3660)
    """Market days of every run; left out, the scenario's."""
    parameters: dict[str, Annotated[Parameter, BeforeValidator(_parameter)]] = Field(min_length=1)
    """What varies: a path of the scenario (or a name of your own with `key` or `levels`), and a
    list of values or one of the forms of a parameter."""
    design: Annotated[Design, BeforeValidator(_design)] = Design()
    """Which combinations are run: a name, or its keys."""
    replications: int | None = Field(default=None, ge=1, le=100_000)
    """How many seeds each combination is run with, from the scenario's seed upwards."""
    seeds: list[Annotated[int, Field(ge=0, le=2**63 - 1)]] | None = Field(
        default=None, min_length=1
    )
    """The seeds themselves; or give `replications`, not both."""
    outputs: Literal["none", "all"] | list[str] = "none"
    """What is kept of each run beside its indicators: nothing, its whole directory, or a list of
    its tables."""
    measures: list[str] = Field(default_factory=lambda: list(DEFAULT_MEASURES))
    """Indicators of the figures and of the page; the tables hold every indicator. `change_NAME`
    is the difference that the market makes, `no_p2p_NAME` the value without it."""

    @model_validator(mode="after")
    def _agree(self) -> Plan:
        if self.replications is not None and self.seeds is not None:
            raise PydanticCustomError("seeds", "`replications` and `seeds` exclude one another")
        if self.seeds is not None and len(set(self.seeds)) < len(self.seeds):
            raise PydanticCustomError("seeds", "a seed stands twice in `seeds`: name it once")
        return self

    def short_name(self, name: str) -> str:
        """Return the last parts of a parameter's name, as many as tell it from the others.

        Examples
        --------
        >>> one = Parameter(values=[1, 2])
        >>> names = ("market.k", "tariff.frames.peak.multiplier", "tariff.frames.normal.multiplier")
        >>> plan = Plan(name="n", scenario="s", parameters=dict.fromkeys(names, one))
        >>> [plan.short_name(name) for name in names]
        ['k', 'peak.multiplier', 'normal.multiplier']
        """
        parts = name.split(".")
        for first in range(len(parts) - 1, 0, -1):
            tail = ".".join(parts[first:])
            if sum(f".{one}".endswith(f".{tail}") for one in self.parameters) == 1:
                return tail
        return name

    @property
    def rows_per_draw(self) -> int:
        """How many combinations come from one draw: d + 2 or 2 d + 2 in Saltelli's design."""
        d = len(self.parameters)
        if self.design.name != SALTELLI:
            return 1
        return 2 * d + 2 if self.design.second_order else d + 2

    @property
    def n_points(self) -> int:
        """How many combinations there are, without making them.

        Examples
        --------
        >>> one = {"market.k": Parameter(uniform=(0.0, 1.0))}
        >>> sampled = Design(name="saltelli", points=64)
        >>> Plan(name="n", scenario="s", parameters=one, design=sampled).n_points
        192
        """
        if self.design.name == GRID:
            return math.prod(len(one.labels()) for one in self.parameters.values())
        return (self.design.points or 0) * self.rows_per_draw

    @property
    def n_rows(self) -> int:
        """How many rows the results have: a combination with each seed."""
        return self.n_points * (len(self.seeds) if self.seeds else self.replications or 1)


@dataclass(frozen=True)
class PlanFile:
    """A plan with its place: where it was read, and the mapping of its base scenario.

    Attributes
    ----------
    plan : Plan
        What the file says.
    path : Path
        The file.
    scenario : str
        A shipped scenario's name, or the absolute path of a scenario's file.
    """

    plan: Plan
    path: Path
    scenario: str


def read_plan(path: str | Path) -> PlanFile:
    """Read a sweep's file.

    Parameters
    ----------
    path : str or Path
        A YAML file.

    Returns
    -------
    PlanFile
        Its keys are sound each by itself; `jobs.plan_jobs` checks what they say together.

    Raises
    ------
    ScenarioError
        With every problem as ``file: path: value: what is wrong: what to do``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "s.yaml"
    ...     text = "{name: s, scenario: kerala-village, parameters: {market.k: [0, 1]}}"
    ...     _ = file.write_text(text)
    ...     read_plan(file).plan.parameters["market.k"].labels()
    [0, 1]
    """
    path = Path(path)
    data = read_yaml_file(path, path.name)
    if isinstance(data, dict):
        data = {"name": _name_of(path), **data}
    if not isinstance(data, dict):
        wrong, remedy = "is not a mapping of keys to values", "write key: value lines"
        raise ScenarioError([problem(path.name, "top", data, wrong, remedy)])
    try:
        plan = Plan.model_validate(data)
    except ValidationError as error:
        lines = [_line(detail, path.name) for detail in error.errors(include_url=False)]
        raise ScenarioError(list(dict.fromkeys(lines))) from error
    problems: list[str] = []
    scenario = plan.scenario
    if scenario not in scenario_names():
        if not scenario.lower().endswith((".yaml", ".yml")):
            near = nearest(scenario, scenario_names())
            wrong = "is neither a shipped scenario nor a YAML file"
            wrong += f", perhaps {near}" if near else ""
            remedy = f"use one of {', '.join(scenario_names())}, or a .yaml file"
            problems.append(problem(path.name, "scenario", scenario, wrong, remedy))
        else:
            try:
                folder = path.resolve().parent
                scenario = str(inside(folder, scenario, "scenario", plan.allow_outside_files))
            except ScenarioError as error:
                problems += error.problems
    if problems:
        raise ScenarioError(problems)
    return PlanFile(plan, path, scenario)


def _name_of(path: Path) -> str:
    """Return a file's name without its ending, with characters that a name may have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._")[:80] or "sweep"


def _line(detail: ErrorDetails, place: str) -> str:
    location = [str(step) for step in detail["loc"]]
    path, value = ".".join(location), detail["input"]
    if detail["type"] == "extra_forbidden":
        sections: dict[str, type[Section]] = {"parameters": Parameter, "design": Design}
        section = sections.get(location[0], Plan) if len(location) > 1 else Plan
        known = tuple(section.model_fields)
        near = nearest(location[-1], known)
        wrong = "unknown key" + (f", perhaps {near}" if near else "")
        remedy = "correct or remove it" if near else f"use one of {', '.join(known)}"
        return problem(place, path, value, wrong, remedy)
    if detail["type"] == "missing":
        return problem(place, path, "", "is missing", "give it")
    wrong, remedy = in_our_words(detail)
    if not remedy:
        wrong, _, remedy = detail["msg"].partition(": ")
        remedy = remedy or _REMEDIES.get(detail["type"], "see the page on sweeps")
    return problem(place, path, value, wrong[0].lower() + wrong[1:], remedy)
