"""About how long a sweep will take, measured before it starts."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .jobs import Job, Jobs
from .one_run import simulate

#: A first run that takes longer than this compiled something: it is measured again.
_WARM_SECONDS = 1.0
_PROBES = 3


@dataclass(frozen=True)
class Estimate:
    """What lies ahead.

    Attributes
    ----------
    runs, left : int
        Distinct runs of the plan, and those without a result.
    days : int
        Market days of a run.
    run_seconds : float
        Mean time of one run, from trials of two lengths.
    workers : int
        Runs at a time.
    """

    runs: int
    left: int
    days: int
    run_seconds: float
    workers: int

    @property
    def seconds(self) -> float:
        """Wall time of what is left."""
        rounds = -(-self.left // self.workers) if self.left < 4 * self.workers else 0
        return self.run_seconds * (rounds or self.left / self.workers)

    def in_words(self) -> str:
        """Return it as a line for people."""
        left = "" if self.left == self.runs else f", {self.left} of them left"
        many = f"{self.runs} run{'s' if self.runs > 1 else ''}"
        at_a_time = f"{self.workers} at a time"
        return (
            f"{many}{left}, {at_a_time}, {self.run_seconds:.1f} s each on this machine: "
            f"about {_duration(self.seconds)}"
        )


def estimate(jobs: Jobs, left: int, workers: int) -> Estimate:
    """Measure how long runs take, by trials of a day on a few of the plan's combinations.

    A run costs a + b days: reading and writing once, then every day alike. The trials run one day
    and two (the plan's own length if that is less), on the first, the middle and the last
    combination, after one more that loads and compiles. Nothing is kept of them.

    Parameters
    ----------
    jobs : Jobs
        The plan's runs.
    left : int
        Those without a result.
    workers : int
        Runs at a time.

    Returns
    -------
    Estimate
        With the mean of the trials.
    """
    every = list(jobs.distinct.values())
    days = every[0].scenario().days
    chosen = sorted({0, len(every) // 2, len(every) - 1})[:_PROBES]
    if left == 0:
        return Estimate(len(every), 0, days, 0.0, workers)
    if _timed(every[0], 1) > _WARM_SECONDS:
        _timed(every[0], 1)
    found = []
    for i in chosen:
        one = _timed(every[i], 1)
        slope = 0.0 if days == 1 else max(_timed(every[i], 2) - one, 0.0)
        found.append(one + slope * (days - 1))
    return Estimate(len(every), left, days, sum(found) / len(found), workers)


def _timed(job: Job, days: int) -> float:
    short = Job(
        job.run_id,
        job.source,
        job.place,
        job.folder,
        (*job.overrides, f"days={days}"),
        job.point,
        job.seed,
    )
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        simulate(short, Path(folder))
        return time.perf_counter() - started


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
