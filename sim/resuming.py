"""How a run begins, goes on after it was stopped, and what it leaves when it is stopped."""

from __future__ import annotations

import platform
from pathlib import Path

from .checkpoint import origin_problems
from .code_sum import code_sum
from .input_texts import scenario_text, world_sum
from .results import Results, read_results
from .run_directory import RunDirectory
from .run_errors import RunError, RunStopped, WriteError
from .versions import versions
from .world import World

_SCENARIO = "scenario.yaml"
_PYTHON = "python"


def origin_of(world: World) -> dict[str, str]:
    """Return what a checkpoint belongs to: versions, hashes of our own code and of all inputs."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {**versions(), _PYTHON: python, "code": code_sum(), "inputs": world_sum(world)}


def begun(world: World, out: Path | None, root: Path) -> RunDirectory:
    """Reserve a directory for a new run.

    Raises
    ------
    RunError
        If the place is taken or cannot be written.
    """
    directory = RunDirectory.begin(out, world.scenario.name, root)
    return _with_scenario(directory, world)


def begun_or_resumed(world: World, out: Path | None, root: Path) -> RunDirectory:
    """Find the unfinished run to go on with; where a named place holds none, begin it.

    Raises
    ------
    RunError
        If it is another scenario's, is worked on, cannot be written, or none was named and none
        is found.
    """
    if out is not None:
        try:
            return begun(world, out, root)
        except WriteError:
            raise
        except RunError:
            if not RunDirectory(out).work.is_dir():
                raise
    return _with_scenario(RunDirectory.resume(out, world.scenario.name, root), world)


def _with_scenario(directory: RunDirectory, world: World) -> RunDirectory:
    """See that the scenario stands in the directory, and no other."""
    kept = directory.work / _SCENARIO
    try:
        if not kept.exists():  # new, or killed before it began
            directory.write_text(_SCENARIO, scenario_text(world))
        _same_scenario(kept, world)
    except BaseException as error:
        told = left_behind(directory, error)
        if told is error:
            raise
        raise told from error
    return directory


def _same_scenario(kept: Path, world: World) -> None:
    if kept.read_bytes() != scenario_text(world).encode():
        raise RunError(
            [
                f"{kept}: --resume: was begun with another scenario, seed or setting: repeat the "
                "same command with --resume, or begin anew in another directory"
            ]
        )


def is_finished(out: Path) -> bool:
    """Whether a finished run stands at a place, and no unfinished one beside it."""
    return (out / "manifest.json").is_file() and not RunDirectory(out).work.exists()


def finished_before(out: Path, world: World) -> Results:
    """Read a run that was finished before, if it is this very run.

    Raises
    ------
    RunError
        If it was made from another scenario or by other versions.
    """
    results = read_results(out)
    _same_scenario(out / _SCENARIO, world)
    differ = origin_problems(out, results.manifest["versions"], versions())
    if differ:
        raise RunError(differ)
    RunDirectory(out).unlock_finished()  # if it was killed one step before its end
    return results


def left_behind(directory: RunDirectory, error: BaseException) -> BaseException:
    """Remove a run that has nothing worth keeping; return the error, with what is kept.

    Parameters
    ----------
    directory : RunDirectory
        Of the run that was stopped.
    error : BaseException
        What stopped it. An `OSError` becomes a `WriteError`, Ctrl-C a `RunStopped`; others stay.
    """
    worth_keeping = directory.checkpoint.exists or directory.whole
    if not worth_keeping and not isinstance(error, RunError):
        directory.abandon()
    directory.release()
    again = "repeat the same command with --resume to go on from there"
    if isinstance(error, OSError):
        remedy = "nothing was kept: make room, or name another place, and run again"
        if worth_keeping:
            remedy = f"finished days are kept: make room and {again}"
        return WriteError.of(_place(error, directory), error, remedy)
    if isinstance(error, KeyboardInterrupt):
        if worth_keeping:
            return RunStopped(f"Stopped. Finished days are kept in {directory.work}: {again}.")
        return RunStopped("Stopped before the first day was finished: nothing is kept.")
    return error


def _place(error: OSError, directory: RunDirectory) -> Path:
    return Path(str(error.filename)) if error.filename else directory.work
