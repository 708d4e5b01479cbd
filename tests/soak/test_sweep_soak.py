"""Sweeps at length: killed again and again at random moments, and 500 runs in one process."""

import importlib.util
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from gridbazaar import sweep

_SPEC = importlib.util.spec_from_file_location(
    "sweep_cases", Path(__file__).parents[1] / "analysis" / "sweep_cases.py"
)
cases = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(cases)

KILLS = 20
RUNS, FLAT_MB = 500, 20.0


@pytest.fixture(scope="module")
def long_sweep(tmp_path_factory):
    """A sweep of 60 runs of three days, and what it gives when nothing happens."""
    folder = tmp_path_factory.mktemp("long")
    shares = [round(0.05 * i, 2) for i in range(1, 13)]
    file = cases.sweep_file(folder, values=shares, replications=5, days=3)
    return file, sweep(file, out=folder / "plain", workers=1)


def random_kills(file, out, victim, seed):
    """Go on with a sweep until it ends; kill -9 `victim(process)` at random moments."""
    rng, kills = random.Random(seed), 0
    while True:
        more = ["--resume"] if (out / "plan.json").exists() else []
        process = cases.start(file, out, "--workers", "2", *more)
        killed = False
        while process.poll() is None:
            time.sleep(rng.uniform(0.0, 8.0))
            pid = victim(process) if kills < KILLS else None
            if pid is not None and process.poll() is None:
                os.kill(pid, signal.SIGKILL)
                kills, killed = kills + 1, True
        status, _, messages = cases.ended(process)
        if status == 0:
            print(f"\nkilled {kills} times: {cases.results(out)} runs, none lost")
            assert kills > 0
            return
        assert killed and status == -signal.SIGKILL, messages


def test_killed_again_and_again(long_sweep, tmp_path):
    file, plain = long_sweep
    random_kills(file, tmp_path / "out", lambda process: process.pid, seed=1)
    assert cases.data_files(tmp_path / "out") == cases.data_files(plain.out)


def test_workers_killed_again_and_again(long_sweep, tmp_path):
    """A run whose process was killed thrice is given up, so each is killed more rarely."""
    file, plain = long_sweep
    rng, deaths = random.Random(2), 0

    def a_worker(process):
        nonlocal deaths
        workers = cases.workers_of(process.pid)
        if workers and cases.results(tmp_path / "out") > 6 * deaths:
            deaths += 1
            return rng.choice(workers)
        return None

    random_kills(file, tmp_path / "out", a_worker, seed=2)
    assert cases.data_files(tmp_path / "out") == cases.data_files(plain.out)


def resident_mb(pid):
    """Return the memory of a process that is in use [MB]."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_memory_is_flat_over_500_runs(tmp_path):
    """Memory of the one worker, from the 50th run to the last."""
    shares = [round(0.002 * i, 3) for i in range(1, RUNS + 1)]
    file, out = cases.sweep_file(tmp_path, values=shares), tmp_path / "out"
    process = cases.start(file, out, "--workers", "1")
    seen = []
    while process.poll() is None:
        done, workers = cases.results(out), cases.workers_of(process.pid)
        if workers and (not seen or done > seen[-1][0]):
            try:
                seen.append((done, resident_mb(workers[0])))
            except (OSError, IndexError):
                break  # it has just ended
        time.sleep(0.05)
    status, document, messages = cases.ended(process)
    assert (status, document["done"]) == (0, RUNS), messages
    done, memory = np.array([row for row in seen if row[0] >= 50 and row[1] > 50.0]).T
    slope = np.polyfit(done, memory, 1)[0]
    first, last = memory[done < 100].mean(), memory[done > RUNS - 50].mean()
    print(
        f"\n{RUNS} runs in one worker: {first:.0f} MB at runs 50 to 100, {last:.0f} MB at the "
        f"last 50, {1000.0 * slope:+.1f} kB a run"
    )
    assert last - first < FLAT_MB
