"""About how long a sweep will take, measured before it starts."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from .jobs import Job, Jobs
from .one_run import simulate

#: A first run that takes longer than this compiled something: it is measured again.
_WARM_SECONDS = 1.0
#: A sweep that takes longer than this is worth trials of two more combinations.
_LONG_SECONDS = 300.0


class TrialFailed(Exception):
    """A trial that did not come to its end; its run will say why."""


@dataclass(frozen=True)
class Estimate:
    """What lies ahead.

    Attributes
    ----------
    runs, left : int
        Distinct runs of the plan, and those without a result.
    days : int
        Market days of a run.
    run_seconds : float or None
        Mean time of one run, from trials of two lengths; None if all of them failed.
    workers : int
        Runs at a time.
    """

    runs: int
    left: int
    days: int
    run_seconds: float | None
    workers: int

    @property
    def seconds(self) -> float | None:
        """Wall time of what is left."""
        if self.run_seconds is None:
            return None
        rounds = -(-self.left // self.workers) if self.left < 4 * self.workers else 0
        return self.run_seconds * (rounds or self.left / self.workers)

    def in_words(self) -> str:
        """Return it as a line for people."""
        left = "" if self.left == self.runs else f", {self.left} of them left"
        many = f"{self.runs} run{'s' if self.runs > 1 else ''}"
        at_a_time = f"{self.workers} at a time"
        if self.run_seconds is None or self.seconds is None:
            return f"{many}{left}, {at_a_time}; how long is unknown: a trial run failed"
        each = f"{self.run_seconds:.1f} s each"
        return f"{many}{left}, {at_a_time}, {each}: about {_duration(self.seconds)}"


def estimate(
    jobs: Jobs, left: int, workers: int, timed: Callable[[Job, int], float] | None = None
) -> Estimate:
    """Measure how long runs take, by trials of a day on a few of the plan's combinations.

    A run costs a + b days: reading and writing once, then every day alike. The trials run one day
    and two (the plan's own length if that is less) on the first combination, after one more that
    loads and compiles; if minutes lie ahead, on the middle and the last one as well. Nothing is
    kept of them; of one that fails nothing is said, since its run will leave its error.

    Parameters
    ----------
    jobs : Jobs
        The plan's runs.
    left : int
        Those without a result.
    workers : int
        Runs at a time.
    timed : callable, optional
        Returns how long a job of so many days takes where the sweep will run, or raises
        `TrialFailed`; by default here.

    Returns
    -------
    Estimate
        With the mean of the trials.
    """
    every = list(jobs.distinct.values())
    days = every[0].scenario().days
    timed = timed or timed_run

    def expected(trials: list[float | None]) -> Estimate:
        known = [seconds for seconds in trials if seconds is not None]
        mean = sum(known) / len(known) if known else None
        return Estimate(len(every), left, days, mean, workers)

    if left == 0:
        return expected([0.0])
    warm = _trial(every[0], 1, timed)
    if warm is not None and warm > _WARM_SECONDS:
        _trial(every[0], 1, timed)
    first = _trial(every[0], days, timed)
    soon = expected([first]).seconds
    if soon is not None and soon < _LONG_SECONDS:
        return expected([first])
    others = sorted({len(every) // 2, len(every) - 1} - {0})
    return expected([first, *(_trial(every[i], days, timed) for i in others)])


def timed_run(job: Job, days: int) -> float:
    """Return how long a job takes [s], made so many days long; nothing is kept of it.

    Raises
    ------
    TrialFailed
        If the job fails.
    """
    short = replace(job, overrides=(*job.overrides, f"days={days}"))
    try:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            simulate(short, Path(folder))
            return time.perf_counter() - started
    except Exception as error:  # whatever it is, it is the run's to tell
        raise TrialFailed(str(error)) from error


def _trial(job: Job, days: int, timed: Callable[[Job, int], float]) -> float | None:
    """Return how long a run of so many days takes, from one day and two; None if it fails."""
    try:
        one = timed(job, 1)
        slope = 0.0 if days == 1 else max(timed(job, 2) - one, 0.0)
    except TrialFailed:
        return None
    return one + slope * (days - 1)


def _duration(seconds: float) -> str:
    """Return a time as people say it.

    Examples
    --------
    >>> _duration(50.0), _duration(200.0), _duration(9000.0)
    ('50 s', '3 min', '2.5 h')
    """
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.1f} h"
