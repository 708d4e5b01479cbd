"""Hand out runs to workers, and survive what happens to them."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future

from .engines import Engine
from .jobs import Job
from .one_run import Answer
from .stopped import SweepStopped

#: A run whose process was ended this often is given up; the last times it ran alone.
TRIES = 3
LOST = "the cluster took runs back or was lost: see that it is up"
Task = Callable[[Job], Answer]


class Dispatcher:
    """Runs on an engine, in whatever order they end.

    A standard pool of processes breaks when one of them is killed, and loses the runs of the
    others as well. Then a new pool is made, and what has no result on disk is run again, each run
    alone: so a run that kills its process (for want of memory, say) is found, given up after
    three tries, and costs no other run its result.

    Parameters
    ----------
    engine : Engine
        Where workers live.
    task : callable
        What a worker does with a job; it answers, and raises only what is not the job's fault.
    kept : callable
        A job's answer if its result is on disk, else None.
    """

    def __init__(self, engine: Engine, task: Task, kept: Callable[[Job], Answer | None]) -> None:
        self._engine, self._task, self._kept = engine, task, kept
        self._executor: Executor | None = None
        self._flying: dict[Future[Answer], Job] = {}
        self._landed: queue.SimpleQueue[Future[Answer]] = queue.SimpleQueue()
        self._strikes: dict[str, int] = {}

    def answers(self, jobs: Sequence[Job]) -> Generator[Answer, None, None]:
        """Yield an answer for every job.

        Raises
        ------
        SweepStopped
            If results cannot be kept, or the cluster is gone.
        """
        waiting, suspects = deque(jobs), deque[Job]()
        width = self._engine.width or len(waiting)
        finished = False
        try:
            while waiting or suspects or self._flying:
                if suspects:  # one at a time, so that the culprit is known
                    if not self._flying:
                        self._send(suspects.popleft())
                else:
                    while waiting and len(self._flying) < width:
                        self._send(waiting.popleft())
                for job, answer in self._next():
                    if answer is not None:
                        if answer.stop is not None:
                            raise SweepStopped([answer.stop])
                        yield answer
                        continue
                    self._strikes[job.run_id] = strikes = self._strikes.get(job.run_id, 0) + 1
                    if strikes < TRIES:
                        suspects.append(job)
                    else:
                        yield Answer(job.run_id, None, _killed(strikes), None, 0.0)
            finished = True
        finally:
            if not finished:
                self._engine.drop()

    def _send(self, job: Job) -> None:
        try:
            if self._executor is None:
                self._executor = self._engine.open()
            future = self._executor.submit(self._task, job)
        except BrokenExecutor as error:
            future = Future()
            future.set_exception(error)
        self._flying[future] = job
        future.add_done_callback(self._landed.put)

    def _next(self) -> Iterator[tuple[Job, Answer | None]]:
        """Wait for one future; a broken pool's futures all come together, without answers."""
        future = self._landed.get()
        job = self._flying.pop(future)
        if future.cancelled() or isinstance(future.exception(), CancelledError):
            raise SweepStopped([LOST])
        error = future.exception()
        if error is None:
            yield job, future.result()
        elif isinstance(error, BrokenExecutor):
            lost = [job, *self._flying.values()]
            self._engine.drop()  # all futures are answered now
            self._executor = None
            self._flying.clear()
            self._landed = queue.SimpleQueue()
            for one in lost:
                yield one, self._kept(one)
        elif type(error).__name__ == "KilledWorker":  # Dask has tried again by itself
            self._strikes[job.run_id] = TRIES
            yield job, self._kept(job)
        elif isinstance(error, OSError):
            raise SweepStopped([f"the cluster was lost ({error}): see that it is up"])
        else:
            raise error


def _killed(times: int) -> str:
    return (
        f"its worker process was ended from outside, {times} times, the last times with no other "
        "run beside it: perhaps it needs more memory than there is"
    )
