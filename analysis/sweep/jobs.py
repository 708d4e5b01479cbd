"""Every run of a sweep, checked before the first one starts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...scenarios.load import scenario_from_dict, scenario_source
from ...scenarios.problems import ScenarioError, problem
from ...scenarios.schema import Scenario
from ...sim.build import build_world
from .contradictions import can_be_made, contradictions
from .design import Point, design_points
from .parameters import text_of
from .plan import Plan, PlanFile
from .run_id import plan_digest, run_id, scenario_digest, versions


@dataclass(frozen=True)
class Job:
    """One run, as it is sent to a worker.

    Attributes
    ----------
    run_id : str
        Its identity: scenario, seed and versions.
    source : dict
        What the base scenario's file holds.
    place, folder : str
        The file's name, and the folder that file names are relative to.
    overrides : tuple of str
        All changes, days and seed included, as ``path=value``.
    point, seed : int
        Which combination it is, and its seed.
    """

    run_id: str
    source: dict[str, Any]
    place: str
    folder: str
    overrides: tuple[str, ...]
    point: int
    seed: int

    def scenario(self) -> Scenario:
        """Return the run's scenario, checked."""
        return scenario_from_dict(self.source, self.place, Path(self.folder), self.overrides)


@dataclass(frozen=True)
class Jobs:
    """All runs of a plan, in its order: seeds within points.

    Attributes
    ----------
    plan : Plan
        What the file says.
    points : list of dict
        Setting by parameter, of every combination.
    seeds : tuple of int
        Seeds that every combination runs with.
    every : list of Job
        A job for each row of the results; two rows may share a run.
    digest : str
        Hash of the plan and of all that its runs rest on.
    currency : str
        Money of the base scenario.
    """

    plan: Plan
    points: list[Point]
    seeds: tuple[int, ...]
    every: list[Job]
    digest: str
    currency: str

    @property
    def distinct(self) -> dict[str, Job]:
        """Runs by identity: combinations that come out alike run once."""
        found: dict[str, Job] = {}
        for job in self.every:
            found.setdefault(job.run_id, job)
        return found


def plan_jobs(file: PlanFile) -> Jobs:
    """Return every run of a plan, after checking every combination.

    Each combination's scenario is loaded with all its checks; and for each setting of each
    parameter (the least and the greatest of a sampled one) one world is built, so that what only
    shows with members and profiles is found before the first run as well.

    Parameters
    ----------
    file : PlanFile
        See `plan.read_plan`.

    Returns
    -------
    Jobs
        Ready to run.

    Raises
    ------
    ScenarioError, RunError
        With every problem of every combination; nothing has been written.
    """
    plan = file.plan
    wrong_together = contradictions(plan, file.path.name)
    source, place, folder = scenario_source(file.scenario)
    shared = [f"{key}={text_of(value)}" for key, value in plan.set.items()]
    if plan.days is not None:
        shared.append(f"days={plan.days}")
    points = design_points(plan) if can_be_made(plan) else [{}]
    loaded: list[Scenario] = []
    changes: list[list[str]] = []
    found: dict[str, Point] = {}
    for point in points:
        settings = [*shared, *_changes(plan, point)]
        changes.append(settings)
        try:
            loaded.append(scenario_from_dict(source, place, folder, settings))
        except ScenarioError as error:
            for text in error.problems:
                found.setdefault(text, point)
    if not found and not wrong_together:
        for i in _representatives(plan, points):
            try:
                build_world(loaded[i])
            except ScenarioError as error:
                for text in error.problems:
                    found.setdefault(text, points[i])
    if found or wrong_together:
        told = [_where(text, point) for text, point in found.items()]
        raise ScenarioError([*wrong_together, *told])
    first = loaded[0].seed
    seeds = tuple(plan.seeds or range(first, first + (plan.replications or 1)))
    if seeds[-1] >= 2**63:
        wrong, remedy = "leads beyond the greatest seed", "give a smaller seed"
        raise ScenarioError([problem(file.path.name, "replications", seeds[-1], wrong, remedy)])
    stamp = versions()
    every = [
        Job(
            run_id(digest, seed, stamp),
            source,
            place,
            str(folder),
            (*settings, f"seed={seed}"),
            number,
            seed,
        )
        for number, (digest, settings) in enumerate(
            zip(map(scenario_digest, loaded), changes, strict=True)
        )
        for seed in seeds
    ]
    document = plan.model_dump(mode="json", exclude={"description"})
    digest = plan_digest({"plan": document, "runs": [job.run_id for job in every]})
    return Jobs(plan, points, seeds, every, digest, loaded[0].currency)


def _changes(plan: Plan, point: Point) -> list[str]:
    settings: dict[str, Any] = {}
    for name, label in point.items():
        settings |= plan.parameters[name].settings(name, label)
    return [f"{key}={text_of(value)}" for key, value in settings.items()]


def _representatives(plan: Plan, points: list[Point]) -> Iterable[int]:
    """Return points among which every setting of every parameter occurs (of draws: the ends)."""
    chosen: set[int] = set()
    for name, parameter in plan.parameters.items():
        at = [point[name] for point in points]
        if parameter.listed:
            firsts: dict[str, int] = {}
            for i, label in enumerate(at):
                firsts.setdefault(text_of(label), i)
            # In a grid the first points differ in one parameter alone from the very first.
            chosen |= set(firsts.values())
        else:
            order = sorted(range(len(at)), key=lambda i: at[i])
            chosen |= {order[0], order[-1]}
    return sorted(chosen)


def _where(text: str, point: Point) -> str:
    if not point:
        return text
    settings = ", ".join(f"{name}={text_of(value)}" for name, value in point.items())
    return f"{text} (first at {settings})"
