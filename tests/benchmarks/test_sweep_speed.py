"""A sweep's own cost beside its runs, and two workers beside one: ratios within one machine."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

_SPEC = importlib.util.spec_from_file_location(
    "sweep_cases", Path(__file__).parents[1] / "analysis" / "sweep_cases.py"
)
cases = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(cases)

OVERHEAD, SPEEDUP = 0.05, 1.7
#: As many runs as the worked study of the documentation has.
SHARES, SEEDS, DAYS = tuple(round(0.02 * i, 2) for i in range(1, 28)), 5, 7

#: The same runs by hand, one after the other in one process with one thread: simulate, write the
#: run's directory, read its indicators.
BY_HAND = """
import shutil, sys, time
from gridbazaar import kpi_table
from gridbazaar.sim.run import run_scenario

days, seeds, folder, *shares = sys.argv[1:]
def one(share, seed, out):
    settings = [f"members.generate.pv_share={share}", f"seed={seed}", f"days={days}"]
    kpi_table(run_scenario("kerala-village", settings, out=out))
    shutil.rmtree(out)
one(shares[0], 1, folder + "/warm")
began = time.perf_counter()
for share in shares:
    for seed in range(1, int(seeds) + 1):
        one(share, seed, folder + "/run")
print(time.perf_counter() - began)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """135 runs of a week of the village."""
    path = tmp_path_factory.mktemp("speed") / "sweep.yaml"
    document = {
        "name": "speed",
        "scenario": "kerala-village",
        "days": DAYS,
        "parameters": {"members.generate.pv_share": list(SHARES)},
        "replications": SEEDS,
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def one_worker(file):
    """Wall time of the sweep with one worker, and the times of its runs."""
    return swept(file, file.parent / "one", 1)


def swept(file, out, workers):
    began = time.perf_counter()
    status, document, messages = cases.ended(
        cases.start(file, out, "--workers", str(workers)), seconds=3600
    )
    seconds = time.perf_counter() - began
    assert (status, document["done"]) == (0, len(SHARES) * SEEDS), messages
    runs = json.loads((out / "timing.json").read_text())["run_seconds"]
    return seconds, sum(runs.values())


def test_a_sweep_costs_little_beside_its_runs(file, one_worker):
    """Everything counts: start, checks, workers' start, tables, figures, page."""
    wall, own = one_worker
    runs = len(SHARES) * SEEDS
    print(f"\n{runs} runs of {DAYS} days: {wall:.1f} s, of it {own:.1f} s in the runs themselves")
    print(f"overhead {wall / own - 1.0:.1%}")
    assert wall / own - 1.0 < OVERHEAD


def test_a_sweep_is_no_slower_than_the_runs_by_hand(file, one_worker, tmp_path):
    words = [sys.executable, "-c", BY_HAND, str(DAYS), str(SEEDS), str(tmp_path)]
    words += [str(share) for share in SHARES]
    from gridbazaar.analysis.sweep.engines import ONE_THREAD

    environment = {**os.environ, **ONE_THREAD}
    answer = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    by_hand = float(answer.stdout)
    print(f"\nthe same runs by hand: {by_hand:.1f} s, the sweep {one_worker[0]:.1f} s: "
          f"{one_worker[0] / by_hand - 1.0:+.1%}")  # fmt: skip
    assert one_worker[0] / by_hand - 1.0 < OVERHEAD


def test_two_workers_beside_one(file, one_worker):
    """On two cores that have nothing else to do."""
    two, _ = swept(file, file.parent / "two", 2)
    print(f"\none worker {one_worker[0]:.1f} s, two {two:.1f} s: {one_worker[0] / two:.2f} times")
    assert one_worker[0] / two >= SPEEDUP
