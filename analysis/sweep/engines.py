"""Where workers live: processes of this machine, or a Dask cluster. Both give an executor."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Protocol

from ...sim.run_directory import RunError
from ..process_pool import submitted, tethered_pool
from .extras import distributed_module

#: One thread a worker: more would fight for the cores, and sums could come out otherwise.
ONE_THREAD = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMBA_NUM_THREADS",
    )
}
_STARTS = 3


class Engine(Protocol):
    """Gives executors of `concurrent.futures`, as often as one breaks."""

    width: int | None
    """How many runs are handed out at a time; None: all of them, the cluster has a queue."""

    @property
    def workers(self) -> int:
        """How many runs it does at a time."""
        ...

    def begin(self) -> None:
        """Start what takes its time, without waiting for it."""
        ...

    def open(self) -> Executor:
        """Return an executor: the one begun, or after `drop` a fresh one."""
        ...

    def drop(self) -> None:
        """Let go of the executor, of its running work too; nothing waits for an answer."""
        ...

    def close(self) -> None:
        """Let go of everything, after the last answer."""
        ...


class Processes:
    """Processes of this machine, each with one thread; they end with whoever started them.

    Parameters
    ----------
    workers : int
        How many.
    """

    def __init__(self, workers: int) -> None:
        self.width: int | None = workers
        self.workers = workers
        self._pool: Executor | None = None
        self._end = contextlib.ExitStack()
        self._ready: list[Future[int]] = []

    def begin(self) -> None:
        """Start processes, which load what runs need; this one can do other work meanwhile."""
        self._pool = pool = self._end.enter_context(tethered_pool(self.workers))
        with _environment(ONE_THREAD), _deaf_to_interrupts():
            # Each starts a process: the first is not ready so soon.
            self._ready = [submitted(pool, _load) for _ in range(self.workers)]

    def open(self) -> Executor:
        """Wait until each process has loaded what it needs.

        Raises
        ------
        RunError
            If they cannot be started.
        """
        for _ in range(_STARTS):
            if self._pool is None:
                self.begin()
            try:
                # The pool watches a process from the first answer on that follows its start.
                wait(self._ready)
                for future in self._ready:
                    future.result()
                assert self._pool is not None
                return self._pool
            except BrokenExecutor:
                self.drop()  # one was killed while it started: once more
        wrong = "worker processes end as soon as they start"
        remedy = 'a script needs `if __name__ == "__main__":` around what it does'
        raise RunError([f"--workers: {self.workers}: {wrong}: {remedy}"])

    def drop(self) -> None:
        """End the processes at once."""
        self._ready, self._pool = [], None
        self._end.close()

    def close(self) -> None:
        """End the processes, which have nothing left to write."""
        self.drop()


class Cluster:
    """A Dask cluster that somebody has started.

    Parameters
    ----------
    address : str
        Of its scheduler, e.g. ``tcp://127.0.0.1:8786``, or a scheduler file's name.
    patience_seconds : float
        How long its answer is waited for.
    """

    width: int | None = None

    def __init__(self, address: str, patience_seconds: float = 20.0) -> None:
        self._address, self._patience_seconds = address, patience_seconds
        self._client: Any = None
        self._executor: Executor | None = None

    def begin(self) -> None:
        """Do nothing: the cluster is there, and a plan is checked before it is asked."""

    @property
    def workers(self) -> int:
        """How many runs the cluster does at a time.

        Raises
        ------
        RunError
            If Dask is not installed, or no scheduler answers, or it has no workers.
        """
        return max(len(self._connected().nthreads()), 1)  # a run has its process to itself

    def open(self) -> Executor:
        """Return the client's executor; a run whose worker is lost is given to another."""
        # Not `pure`: two runs of one name would be one. A killed worker's run is tried again by
        # the scheduler (`allowed-failures`), and then comes back as one KilledWorker.
        if self._executor is None:
            self._executor = self._connected().get_executor(pure=False, retries=1)
        return self._executor

    def _connected(self) -> Any:
        if self._client is not None:
            return self._client
        distributed = distributed_module()
        address, patience = self._address, self._patience_seconds
        by_file = address.endswith(".json")
        at = {"scheduler_file" if by_file else "address": address}
        try:
            told = json.loads(Path(address).read_text("utf-8"))["address"] if by_file else address
            # First without a client, which does not end cleanly where nobody answers.
            there = distributed.comm.get_address_host_port(told)
            socket.create_connection(there, timeout=patience).close()
            self._client = distributed.Client(**at, timeout=patience, set_as_default=False)
            self._client.wait_for_workers(1, timeout=patience)
        except (OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
            remedy = "start `dask scheduler` and `dask worker ADDRESS`, and give the ADDRESS"
            wrong = f"no scheduler with workers answers ({error})"
            raise RunError([f"--dask: {address}: {wrong}: {remedy}"]) from error
        return self._client

    def drop(self) -> None:
        """Take back what has not been answered."""
        if self._executor is not None:
            with contextlib.suppress(RuntimeError, OSError):  # the cluster may be gone
                self._executor.shutdown(wait=False)
            self._executor = None

    def close(self) -> None:
        """Leave the cluster as it was."""
        self.drop()
        if self._client is not None:
            self._client.close()
            self._client = None


def _load() -> int:
    """Load what a run needs."""
    import pyarrow

    from . import one_run  # noqa: F401

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    return os.getpid()


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let processes that are started meanwhile never hear Ctrl-C; here it is heard afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # it lets interrupts through again when it starts
    heard: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    # The mask is what a child inherits; other threads of this process hear nevertheless.
    handler = signal.signal(signal.SIGINT, lambda number, _: heard.append(number)) if main else None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if main:
            signal.signal(signal.SIGINT, handler)
        if heard:
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """Set variables of the environment for what is started meanwhile."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
