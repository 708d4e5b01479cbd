"""Run a scenario into a run directory: simulate, checkpoint, write, audit, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..scenarios.schema import Scenario
from .build import build_world, load_checked
from .results import Results, read_results
from .resuming import (
    begun,
    begun_or_resumed,
    finished_before,
    is_finished,
    left_behind,
    origin_of,
)
from .run_directory import RunDirectory
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
        Continue the unfinished run at `out`, or the scenario's newest. Where `out` holds nothing
        yet, the run begins; where it holds this very run, finished, that is read: the same
        command may be repeated until it succeeds.
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
    WriteError
        If the place cannot be written or is full; finished days are kept.
    RunStopped
        A `KeyboardInterrupt` that says what is kept.
    """
    started = time.perf_counter()
    loaded = load_checked(scenario, overrides)
    world = build_world(loaded)
    where = None if out is None else Path(out)
    if resume and where is not None and is_finished(where):
        return finished_before(where, world)
    directory = begun_or_resumed(world, where, root) if resume else begun(world, where, root)
    try:
        if directory.whole:  # killed at its very last steps
            directory.finish()
            return read_results(directory.out)
        origin = origin_of(world)
        simulation = _simulation(world, directory, origin)
        built = time.perf_counter()
        _simulate(simulation, directory, origin, progress)
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
    except BaseException as error:
        told = left_behind(directory, error)
        if told is error:
            raise
        raise told from error
    finally:
        directory.release()


def _simulation(world: World, directory: RunDirectory, origin: dict[str, str]) -> Simulation:
    """Begin the simulation, or go on from the last state kept."""
    state: SimulationState | None = directory.checkpoint.load_state(origin)
    if state is not None:
        directory.checkpoint.check_days(state.finished_days)
    return Simulation(world, state)


def _simulate(
    simulation: Simulation,
    directory: RunDirectory,
    origin: dict[str, str],
    progress: Progress | None,
) -> None:
    total = len(simulation.world.calendar.frames)
    while (frame := simulation.next_frame) is not None:
        if progress is not None:
            progress(frame.number, total, f"{frame.start:%a %d %b %Y}, {frame.name}")
        simulation.step()
        days = simulation.take_finished_days()
        for day in days:
            directory.checkpoint.save_day(day)
        if days:
            directory.checkpoint.save_state(simulation.state(), origin)
    if progress is not None:
        progress(total, total, "writing files")
