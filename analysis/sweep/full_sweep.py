"""A whole sweep, from its file to its page. What `gridbazaar.sweep` does."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ...sim.run_directory import RunError
from ..process_pool import usable_cores
from .engines import Cluster, Engine, Processes
from .plan import read_plan

if TYPE_CHECKING:
    from .run_sweep import Announce, Progress, Sweep


def sweep(
    file: str | Path,
    *,
    out: str | Path | None = None,
    workers: int | None = None,
    dask: str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    announce: Announce | None = None,
    root: Path = Path("runs"),
) -> Sweep:
    """Run every combination of a sweep's file, and set the outcomes beside one another.

    Results are the same, byte for byte, for any number of workers, on processes or on a Dask
    cluster (with the same packages on one type of processor), and after any interruption.

    Parameters
    ----------
    file : str or Path
        The sweep's YAML file (docs/sweeps.md).
    out : str or Path, optional
        New directory; by default the next free ``ROOT/sweep-NAME-NNN``.
    workers : int, optional
        Processes, each with one thread; by default one a core. A script needs the usual
        ``if __name__ == "__main__"``.
    dask : str, optional
        Address of a Dask scheduler, instead of processes.
    resume : bool
        Go on in a directory that an interrupted sweep left: only what is missing is run, and what
        failed is tried again.
    progress : callable, optional
        Called as ``progress(runs_done, runs_total, text)``.
    announce : callable, optional
        Called as ``announce(jobs, estimate)`` before the first run, after trials of a few runs.
    root : Path
        Where directories without a given name are made.

    Returns
    -------
    Sweep
        Table, summary, and what failed.

    Raises
    ------
    ScenarioError, RunError
        With every problem of every combination, before anything is run or written.
    SweepStopped
        If results can no longer be kept (a full disk, a lost cluster). What is finished is kept.

    Examples
    --------
    >>> found = sweep("tariff-study.yaml", workers=2)                      # doctest: +SKIP
    >>> found.table.groupby("members.generate.pv_share").saving.mean()      # doctest: +SKIP
    """
    check_workers(workers, dask)
    plan_file = read_plan(file)
    engine: Engine
    if dask is None:
        engine = Processes(min(workers or usable_cores(), plan_file.plan.n_rows) or 1)
    else:
        engine = Cluster(dask)
    with closing(engine):
        engine.begin()
        from .run_sweep import run_plan  # takes seconds, which the workers load in as well

        return run_plan(
            plan_file,
            engine,
            out=out,
            resume=resume,
            progress=progress,
            announce=announce,
            root=root,
        )


def check_workers(workers: int | None, dask: str | None) -> None:
    """Refuse a number of workers that makes no sense.

    Raises
    ------
    RunError
        If it is below 1, or given for a cluster.
    """
    if workers is not None and dask is not None:
        wrong = "stands beside --dask: a cluster has its own, give one"
        raise RunError([f"--workers: {workers}: {wrong}"])
    if workers is not None and workers < 1:
        raise RunError([f"--workers: {workers}: is below 1: give 1 or more"])
