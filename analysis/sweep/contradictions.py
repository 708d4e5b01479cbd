"""What the keys of a sweep's file say together that cannot be, before any combination is made."""

from __future__ import annotations

from ...scenarios.names import nearest
from ...scenarios.problems import problem
from ...sim.results import MONEY, TABLES
from .measures import measure_names
from .plan import GRID, Plan

#: Columns of the table of all runs that are neither parameters nor indicators.
OWN_COLUMNS = ("point", "seed", "version", "run_id", "status")
KEPT = (*TABLES, *MONEY)
#: Rows of a sweep at most: each is checked and held in memory before the first run.
MOST_RUNS = 200_000
_KEYS_OF_THEIR_OWN = ("seed", "days", "name")


def contradictions(plan: Plan, place: str) -> list[str]:
    """Return what contradicts itself in a plan, without its scenario.

    Parameters
    ----------
    plan : Plan
        Each key sound by itself.
    place : str
        The file's name, for messages.

    Returns
    -------
    list of str
        A line each: place, what is wrong, what to do.

    Examples
    --------
    >>> from .parameters import Parameter
    >>> plan = Plan(name="n", scenario="s", parameters={"seed_": Parameter(key="seed", values=[1])})
    >>> contradictions(plan, "s.yaml")
    ['s.yaml: parameters.seed_: seed: is not varied as a parameter: seeds stand in `seeds` or \
`replications`, the length in `days`']
    """
    return [*_of_keys(plan, place), *_of_size(plan, place), *_unknown(plan, place)]


def can_be_made(plan: Plan) -> bool:
    """Whether a plan's combinations can be made at all, whatever else is wrong with it."""
    listed = all(parameter.listed for parameter in plan.parameters.values())
    return (plan.design.name != GRID or listed) and plan.n_rows <= MOST_RUNS


def _of_keys(plan: Plan, place: str) -> list[str]:
    problems = []
    taken: dict[str, str] = {}
    columns = {*OWN_COLUMNS, *measure_names()}
    for name, parameter in plan.parameters.items():
        path = f"parameters.{name}"
        keys = parameter.keys(name)
        if name in columns and name not in keys:
            wrong = "is the name of a column of the results already"
            remedy = "name it otherwise, with `key: PATH` for what it moves"
            problems.append(problem(place, path, name, wrong, remedy))
        if plan.design.name == GRID and not parameter.listed:
            wrong = "a distribution has no list of values for a grid"
            remedy = "give `values`, or `range` and `steps`, or take a sampled design"
            problems.append(problem(place, path, plan.design.name, wrong, remedy))
        for key in keys:
            if key in _KEYS_OF_THEIR_OWN:
                wrong = "is not varied as a parameter"
                remedy = "seeds stand in `seeds` or `replications`, the length in `days`"
                problems.append(problem(place, path, key, wrong, remedy))
            elif other := _overlapping(key, taken):
                wrong = f"{_what_moves(key, other)} by {taken[other]} already"
                problems.append(problem(place, path, key, wrong, "move each key once"))
        taken |= dict.fromkeys(keys, path)
    for key in plan.set:
        if other := _overlapping(key, taken):
            wrong = f"{_what_moves(key, other)} by {taken[other]} as well"
            # A part of what all runs share may vary, but not the other way round.
            if key == other or key.startswith(f"{other}."):
                problems.append(problem(place, f"set.{key}", plan.set[key], wrong, "remove one"))
        if key in ("seed", "days"):
            wrong, remedy = "has a key of its own", "write `days`, `seeds` or `replications`"
            problems.append(problem(place, f"set.{key}", plan.set[key], wrong, remedy))
    return problems


def _overlapping(key: str, taken: dict[str, str]) -> str | None:
    """Return a key that holds this one, or a part of it: the later would undo the earlier."""
    for other in taken:
        if key == other or key.startswith(f"{other}.") or other.startswith(f"{key}."):
            return other
    return None


def _what_moves(key: str, other: str) -> str:
    return "the key is moved" if key == other else f"{other} is moved"


def _of_size(plan: Plan, place: str) -> list[str]:
    rows = plan.n_rows
    if rows <= MOST_RUNS:
        return []
    size = f"{rows:.6g}" if rows < 10**15 else f"about 10^{int(rows.bit_length() * 0.30103)}"
    wrong = f"makes {size} runs, more than {MOST_RUNS}"
    remedy = "take fewer settings or seeds, or draw with latin-hypercube"
    return [problem(place, "design", plan.design.name, wrong, remedy)]


def _unknown(plan: Plan, place: str) -> list[str]:
    problems = []
    for name, known, what in (
        ("measures", measure_names(), "measure"),
        ("outputs", KEPT, "table"),
    ):
        given = getattr(plan, name)
        for one in given if isinstance(given, list) else []:
            if one not in known:
                near = nearest(one, known)
                wrong = f"unknown {what}" + (f", perhaps {near}" if near else "")
                remedy = "see docs/kpis.md" if name == "measures" else "use " + ", ".join(known)
                problems.append(problem(place, name, one, wrong, remedy))
    return problems
