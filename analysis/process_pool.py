"""What the standard pool of processes leaves to its users."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")


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
        Of its answer.

    Raises
    ------
    BrokenExecutor
        If the pool has lost a process, or cannot start one.
    """
    try:
        return pool.submit(task, *args)
    except OSError as error:
        raise BrokenExecutor(f"a process could not be started: {error}") from error


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
