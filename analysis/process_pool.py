"""What the standard pool of processes leaves to its users."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

T = TypeVar("T")


@contextmanager
def tethered_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of processes that end with whoever started them, and at the end of the block.

    A pool that has lost a process while another started waits for that one for ever, which nobody
    tells to end: here the tether does.

    Parameters
    ----------
    workers : int
        How many processes at most.
    """
    spawn = multiprocessing.get_context("spawn")  # Mesa sets it, and forked threads deadlock
    tether, hold = spawn.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=live_with, initargs=(tether,))
    try:
        yield pool
    finally:
        hold.close()
        pool.shutdown(wait=True, cancel_futures=True)
        tether.close()


def live_with(tether: Connection) -> None:
    """Prepare a worker process: Ctrl-C is its parent's to answer; without it, it ends.

    Parameters
    ----------
    tether : Connection
        Nothing is ever sent on it; it becomes ready when its other end closes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        wait([tether])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def submitted(pool: Executor, task: Callable[..., T], *args: Any) -> Future[T]:
    """Hand a task to a pool of processes.

    Where a process is killed just while another one starts, the standard pool says so by an
    OSError of its closed pipe, and not as it does else.

    Parameters
    ----------
    pool : Executor
        Of processes.
    task : callable
        With its arguments.

    Returns
    -------
    Future
        Of its answer; with a `BrokenExecutor` if the pool has lost a process, or cannot start one.
    """
    try:
        return pool.submit(task, *args)
    except (BrokenExecutor, OSError) as error:
        failed: Future[T] = Future()
        failed.set_exception(BrokenExecutor(f"a process could not be started: {error}"))
        return failed


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
