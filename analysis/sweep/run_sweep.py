"""A sweep from its plan to its table, summary and figures."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ..process_pool import submitted
from .collect import DONE, column_list, results_table, write_csv, write_table
from .dispatch import LOST, Dispatcher
from .engines import Engine
from .estimate import Estimate, TrialFailed, estimate, timed_run
from .jobs import Job, Jobs, plan_jobs
from .one_run import Answer, do_job
from .place import Place, new_place
from .plan import SALTELLI, PlanFile
from .records import read_json, write_json, write_whole
from .run_id import versions
from .sobol import missing_points, sobol_indices
from .stopped import SweepStopped
from .summary import effects, summarize

Progress = Callable[[int, int, str], None]
Announce = Callable[[Jobs, Estimate], None]


@dataclass(frozen=True)
class Sweep:
    """A sweep that has come to its end.

    Attributes
    ----------
    jobs : Jobs
        The plan's runs.
    out : Path
        Its directory.
    table : pandas.DataFrame
        A row a run: parameters, seed, version, status, every indicator.
    summary, effects : pandas.DataFrame
        Means by setting, and what moving a parameter changes, with 95 % confidence intervals.
    sobol : pandas.DataFrame or None
        Indices of Saltelli's design.
    failed : dict of str to str
        The first line of what went wrong, by run.
    done_now : int
        Runs that were run, and not kept from before.
    seconds : dict of str to float
        Time of each run that was run now, in its worker.
    notes : tuple of str
        What a reader must know.
    """

    jobs: Jobs = field(repr=False)
    out: Path
    table: pd.DataFrame
    summary: pd.DataFrame
    effects: pd.DataFrame
    sobol: pd.DataFrame | None
    failed: dict[str, str]
    done_now: int
    seconds: dict[str, float] = field(repr=False)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return what scripts need to go on."""
        done = int((self.table.status == DONE).sum())
        return {
            "out": str(self.out),
            "results": str(self.out / "results.parquet"),
            "summary": str(self.out / "summary.csv"),
            "rows": len(self.table),
            "done": done,
            "done_now": self.done_now,
            "failed": self.failed,
            "notes": list(self.notes),
        }


def run_plan(
    plan_file: PlanFile,
    engine: Engine,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    announce: Announce | None = None,
    root: Path = Path("runs"),
) -> Sweep:
    """Check a plan, run what has no result yet, and write the outcome.

    Parameters
    ----------
    plan_file : PlanFile
        What is to be run.
    engine : Engine
        Who runs it.
    out, resume, progress, announce, root
        See `full_sweep.sweep`.

    Returns
    -------
    Sweep
        Table, summary, and what failed.

    Raises
    ------
    ScenarioError, RunError, SweepStopped
        See `full_sweep.sweep`.
    """
    jobs = plan_jobs(plan_file)
    place = Place(Path(out) if out is not None else new_place(root, jobs.plan.name, resume))
    at_a_time = engine.workers
    engine.open()  # workers that cannot start leave no directory
    with closing(_held(place, jobs, plan_file.path, resume)):
        every = jobs.distinct
        done = place.done(every)
        left = [job for run_id, job in every.items() if run_id not in done]
        if announce is not None:
            try:
                ahead = estimate(jobs, len(left), at_a_time, _trial_on(engine))
            except SweepStopped as error:
                raise _stopped(place, error.reasons) from error
            announce(jobs, ahead)
        seconds = _run(jobs, left, place, engine, progress)
        if progress is not None:
            progress(len(every), len(every), "tables and figures")
        try:
            return write_outcome(jobs, place, seconds)
        except OSError as error:
            raise _stopped(place, [str(error)]) from error


def write_outcome(jobs: Jobs, place: Place, seconds: dict[str, float]) -> Sweep:
    """Write table, summary, figures and page of the runs that have results.

    Parameters
    ----------
    jobs : Jobs
        The plan's runs.
    place : Place
        Where their results are.
    seconds : dict of str to float
        Time of each run that was run now.

    Returns
    -------
    Sweep
        What was written.
    """
    out = place.out
    arrow = results_table(jobs, place)
    table = arrow.to_pandas()
    failed = {
        run_id: (place.error(run_id).read_text("utf-8").splitlines() or [""])[0]
        for run_id in jobs.distinct
        if place.error(run_id).exists() and not place.result(run_id).exists()
    }
    means, changes = summarize(jobs, table), effects(jobs, table)
    indices, notes = None, []
    if failed:
        notes.append(
            f"{len(failed)} of {len(jobs.distinct)} runs failed: see {place.errors}; means and "
            "effects are of the others, and settings may differ in which these are"
        )
    if jobs.plan.design.name == SALTELLI:
        if missing := missing_points(jobs, table):
            notes.append(f"no Sobol indices: {missing} combinations have no finished run")
        else:
            indices = sobol_indices(jobs, table)
    write_table(arrow, out / "results.parquet")
    write_csv(column_list(jobs), out / "columns.csv")
    write_csv(means, out / "summary.csv")
    write_csv(changes, out / "effects.csv")
    if indices is not None:
        write_csv(indices, out / "sobol.csv")
    write_json(out / "timing.json", _timing(out, seconds))
    found = Sweep(
        jobs, out, table, means, changes, indices, failed, len(seconds), seconds, tuple(notes)
    )
    if (table.status == DONE).any():
        from .page import write_page

        write_page(jobs, place, found)
    place.clear_scratch()
    return found


def _trial_on(engine: Engine) -> Callable[[Job, int], float]:
    """Return how to time a run on a worker, which so has loaded and compiled what runs need."""

    def timed(job: Job, days: int) -> float:
        executor = engine.open()
        try:
            return submitted(executor, timed_run, job, days).result()
        except CancelledError as error:
            raise SweepStopped([LOST]) from error
        except Exception as error:  # the trial's own, or of its worker's end
            if isinstance(error, BrokenExecutor):
                engine.drop()
            raise TrialFailed(str(error)) from error

    return timed


def _run(
    jobs: Jobs, left: list[Job], place: Place, engine: Engine, progress: Progress | None
) -> dict[str, float]:
    """Run what is left; return the time of each."""
    outputs = jobs.plan.outputs
    task = functools.partial(
        do_job, stamp=versions(), out=str(place.out.resolve()), outputs=outputs
    )
    dispatcher = Dispatcher(engine, task, functools.partial(_kept, place))
    total, seconds = len(jobs.distinct), {}
    before = total - len(left)
    points = {job.run_id: job for job in left}
    if progress is not None:
        progress(before, total, "starting workers")
    # Meanwhile, what the page needs: this process has nothing else to do.
    threading.Thread(target=_load_page, daemon=True).start()
    try:
        with closing(dispatcher.answers(left)) as answers:
            for answer in answers:
                seconds[answer.run_id] = answer.seconds
                _keep(place, answer)
                if progress is not None:
                    job = points[answer.run_id]
                    progress(before + len(seconds), total, f"point {job.point}, seed {job.seed}")
    except SweepStopped as error:
        raise _stopped(place, error.reasons) from error
    except OSError as error:
        raise _stopped(place, [str(error)]) from error
    return seconds


def _load_page() -> None:
    from . import page  # noqa: F401


def _keep(place: Place, answer: Answer) -> None:
    """Write what a worker could not see the place for; write or remove the error's file."""
    if answer.error is not None:
        write_whole(place.error(answer.run_id), answer.error.encode())
        return
    if not place.result(answer.run_id).exists():
        write_json(place.result(answer.run_id), answer.record)
    place.error(answer.run_id).unlink(missing_ok=True)


def _kept(place: Place, job: Job) -> Answer | None:
    record = read_json(place.result(job.run_id))
    return None if record is None else Answer(job.run_id, record, None, None, 0.0)


def _stopped(place: Place, reasons: Iterable[str]) -> SweepStopped:
    runs = len(list(place.runs.glob("*.json")))
    kept = f"{runs} finished run{'s are' if runs != 1 else ' is'} kept in {place.out}"
    return SweepStopped([f"{reason}: {kept}: mend it, then repeat with --resume --out {place.out}"
                         for reason in reasons])  # fmt: skip


class _held:
    """A sweep's directory, begun or gone on with, until it is closed."""

    def __init__(self, place: Place, jobs: Jobs, file: Path, resume: bool) -> None:
        self._place = place
        if resume:
            place.resume(jobs, file)
        else:
            place.begin(jobs, file)

    def close(self) -> None:
        self._place.let_go()


def _timing(out: Path, seconds: dict[str, float]) -> dict[str, Any]:
    """Return times by run: those of now beside those of before."""
    before = read_json(out / "timing.json") or {}
    return {"run_seconds": {**before.get("run_seconds", {}), **seconds}}
