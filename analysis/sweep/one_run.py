"""What a worker does: one run, from its scenario to its indicators, kept before it answers."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...sim.build import build_world
from ...sim.checkpoint import Checkpoint
from ...sim.input_texts import scenario_text
from ...sim.recording import DayRecord
from ...sim.results import read_results
from ...sim.run_directory import RunDirectory
from ...sim.run_files import write_run_files
from ...sim.simulation import Simulation
from ..kpis.reading import figures_of
from ..kpis.table import kpi_values
from .jobs import Job
from .memory import Tidy
from .place import Place
from .records import write_json
from .run_id import run_id, scenario_digest, versions

#: A Dask worker may have several threads; a run has its process to itself, as everywhere else.
_ONE_AT_A_TIME = threading.Lock()
_TIDY = Tidy()
_CHANGED = (
    "a file that the scenario names has changed since the sweep was planned: results would not "
    "belong together; restore it and --resume, or begin anew in another directory"
)


@dataclass(frozen=True)
class Answer:
    """What became of a run.

    Attributes
    ----------
    run_id : str
        Which run.
    record : dict or None
        Its result, as it stands in its file; None if it failed.
    error : str or None
        What went wrong with the run itself, with the trace of calls.
    stop : str or None
        What went wrong with writing: no other run would be kept either.
    seconds : float
        Wall time of the run in its worker.
    """

    run_id: str
    record: dict[str, Any] | None
    error: str | None
    stop: str | None
    seconds: float


class _DaysInMemory(Checkpoint):
    """The days of a run that is not gone on with: handed on without a file."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.kept: list[DayRecord] = []

    def days(self, n_days: int) -> Iterator[DayRecord]:
        """Hand out the days, each once."""
        for _ in range(n_days):
            yield self.kept.pop(0)


class _Work(RunDirectory):
    """A run's directory that nobody needs if the run is killed."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        self.work = work
        self.checkpoint: _DaysInMemory = _DaysInMemory(work)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file, without waiting for the disk."""
        (self.work / name).write_text(text, encoding="utf-8")


def do_job(job: Job, stamp: dict[str, str], out: str, outputs: str | list[str]) -> Answer:
    """Run a job and keep its result.

    Parameters
    ----------
    job : Job
        The run.
    stamp : dict of str to str
        Versions that the sweep was planned with.
    out : str
        The sweep's directory. Where it cannot be seen from here (a cluster without a shared file
        system), the answer alone carries the result, and whoever asked writes it.
    outputs : str or list of str
        ``"none"``, ``"all"``, or the tables of the run to keep.

    Returns
    -------
    Answer
        Never an exception for what is the run's own fault: that is an answer as well.
    """
    started = time.perf_counter()
    place = Place(Path(out))
    shared = place.is_begun()
    try:
        if stamp != versions():
            raise _other_versions(stamp)
        with _ONE_AT_A_TIME, _folder(place if shared else None, job.run_id) as folder:
            record = _record(job, folder)
            if shared:
                try:
                    if outputs != "none":
                        _keep_tables(folder, place.tables(job.run_id), outputs)
                    write_json(place.result(job.run_id), record)
                except OSError as error:
                    return Answer(job.run_id, None, None, str(error), _since(started))
        return Answer(job.run_id, record, None, None, _since(started))
    except OSError as error:
        # Reading is done when a plan is checked: what fails now is writing.
        return Answer(job.run_id, None, None, str(error), _since(started))
    except Exception as error:
        text = f"{type(error).__name__}: {error}\n\n{traceback.format_exc()}"
        return Answer(job.run_id, None, text, None, _since(started))


def simulate(job: Job, folder: Path, planned: bool = False) -> dict[str, list[float | None]]:
    """Simulate a job into a folder and return its indicators.

    Parameters
    ----------
    job : Job
        The run.
    folder : Path
        An existing folder, which gets the files of the run.
    planned : bool
        Whether what was read must be what the plan was made with.

    Returns
    -------
    dict of str to list
        By indicator: with the market, and in the counterfactual.

    Raises
    ------
    RuntimeError
        If it must be and is not.
    """
    started = time.perf_counter()
    world = build_world(job.scenario())
    if planned and job.run_id != run_id(scenario_digest(world.scenario), job.seed, versions()):
        raise RuntimeError(_CHANGED)
    directory = _Work(folder)
    directory.write_text("scenario.yaml", scenario_text(world))
    simulation = Simulation(world)
    try:
        while simulation.next_frame is not None:
            simulation.step()
            directory.checkpoint.kept += simulation.take_finished_days()
        write_run_files(simulation, directory)
        clearing = sum(simulation.with_market.clearing_seconds)
    finally:
        simulation.release()
    timing = {"clearing_seconds": clearing, "seconds": _since(started)}
    directory.write_json("timing.json", timing)
    values = kpi_values(figures_of(read_results(folder)))
    return {name: list(pair) for name, pair in values.items()}


def _record(job: Job, folder: Path) -> dict[str, Any]:
    return {
        "run_id": job.run_id,
        "seed": job.seed,
        "overrides": list(job.overrides),
        "versions": versions(),
        "indicators": simulate(job, folder, planned=True),
    }


@contextmanager
def _folder(place: Place | None, run_id: str) -> Iterator[Path]:
    """Give a folder for a run's files, on the sweep's own disk where that is shared."""
    above = None if place is None else place.scratch
    folder = Path(tempfile.mkdtemp(prefix=f"{run_id}-{os.getpid()}-", dir=above))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _TIDY.after_a_run()


def _keep_tables(folder: Path, kept: Path, outputs: str | list[str]) -> None:
    """Move the run's files, or some of its tables, to their place; it appears at once."""
    if outputs != "all":
        for path in folder.iterdir():
            if path.stem not in outputs or path.suffix not in (".parquet", ".csv"):
                path.unlink()
    if kept.exists():  # a worker was killed between this and the result
        shutil.rmtree(kept)
    # The folder itself stays for its owner to remove.
    new = folder / "kept"
    new.mkdir()
    for path in list(folder.iterdir()):
        if path != new:
            path.rename(new / path.name)
    new.rename(kept)


def _other_versions(stamp: dict[str, str]) -> RuntimeError:
    here = versions()
    differ = [
        f"{name} {here.get(name)} instead of {wanted}"
        for name, wanted in stamp.items()
        if here.get(name) != wanted
    ]
    return RuntimeError(
        f"this worker has {', '.join(differ)}: results would differ; install the same packages "
        "for every worker"
    )


def _since(started: float) -> float:
    return time.perf_counter() - started
