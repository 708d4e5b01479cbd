"""Run a scenario into a run directory: simulate, checkpoint, write, audit, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..scenarios.schema import Scenario
from .build import build_world, load_checked
from .input_texts import scenario_text
from .results import Results, read_results
from .run_directory import RunDirectory, RunError
from .run_files import write_run_files
from .simulation import Simulation, SimulationState
from .world import World

Progress = Callable[[int, int, str], None]
Finish = Callable[[Results], object]


def run_scenario(
    scenario: str | Path | Scenario,
    overrides: Sequence[str] = (),
    *,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    finish: Finish | None = None,
    root: Path = Path("runs"),
) -> Results:
    """Simulate a scenario and write its run directory.

    The run works in `OUT.partial`, keeps a checkpoint at each market day's end, and takes its
    final name when all files are there. A run that was stopped goes on with `resume=True` and
    writes the same data files, byte for byte.

    Parameters
    ----------
    scenario : str, Path or Scenario
        Shipped name, YAML file, or a loaded scenario.
    overrides : sequence of str
        Changes as `path=value`, e.g. ``["days=7", "market.engine=exact"]``.
    out : str or Path, optional
        New directory; by default the next free `runs/SCENARIO-NNN`.
    resume : bool
        Continue the unfinished run at `out`, or the scenario's newest.
    progress : callable, optional
        Called as `progress(frames_done, frames_total, text)`.
    finish : callable, optional
        Called with the results before the directory takes its final name (the report).
    root : Path
        Where directories without a given name are made.

    Returns
    -------
    Results
        The finished run, read from its files.

    Raises
    ------
    ScenarioError, RunError
        With every problem; nothing is written then.
    """
    started = time.perf_counter()
    loaded = load_checked(scenario, overrides)
    world = build_world(loaded)
    where = None if out is None else Path(out)
    if resume:
        directory = RunDirectory.resume(where, loaded.name, root)
        simulation = _resumed(world, directory)
    else:
        directory = RunDirectory.begin(where, loaded.name, root)
        directory.write_text("scenario.yaml", scenario_text(world))
        simulation = Simulation(world)
    built = time.perf_counter()
    try:
        _simulate(simulation, directory, progress)
    except BaseException:
        if directory.load_state() is None:
            directory.abandon()  # not one day was finished: nothing is worth resuming
        raise
    simulated = time.perf_counter()
    write_run_files(simulation, directory)
    timing = {
        "build_seconds": built - started,
        "simulate_seconds": simulated - built,
        "write_seconds": time.perf_counter() - simulated,
        "clearing_seconds": sum(simulation.with_market.clearing_seconds),
    }
    simulation.release()
    total = len(world.calendar.frames)
    del simulation, world  # a large community's profiles would stand beside the report's tables
    directory.write_json("timing.json", timing | {"seconds": time.perf_counter() - started})
    if finish is not None:
        if progress is not None:
            progress(total, total, "report")
        finish(read_results(directory.work))
        directory.write_json("timing.json", timing | {"seconds": time.perf_counter() - started})
    directory.finish()
    return read_results(directory.out)


def _simulate(simulation: Simulation, directory: RunDirectory, progress: Progress | None) -> None:
    total = len(simulation.world.calendar.frames)
    while (frame := simulation.next_frame) is not None:
        if progress is not None:
            progress(frame.number, total, f"{frame.start:%a %d %b %Y}, {frame.name}")
        simulation.step()
        days = simulation.take_finished_days()
        for day in days:
            directory.save_day(day)
        if days:
            directory.save_state(simulation.state())
    if progress is not None:
        progress(total, total, "writing files")


def _resumed(world: World, directory: RunDirectory) -> Simulation:
    kept = directory.work / "scenario.yaml"
    if not kept.exists():  # killed before it began
        directory.write_text("scenario.yaml", scenario_text(world))
    if kept.read_text(encoding="utf-8") != scenario_text(world):
        raise RunError(
            [
                f"{kept}: --resume: was begun with another scenario, seed or setting: repeat the "
                "same command with --resume, or begin anew in another directory"
            ]
        )
    state: SimulationState | None = directory.load_state()
    return Simulation(world, state)
