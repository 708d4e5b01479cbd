"""The same sweep on a real Dask cluster: a scheduler and two workers in processes of their own."""

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import Future

import pytest
import sweep_cases as cases

from gridbazaar import sweep
from gridbazaar.analysis.sweep.engines import Cluster
from gridbazaar.analysis.sweep.run_sweep import _trial_on
from gridbazaar.analysis.sweep.stopped import SweepStopped
from gridbazaar.sim.run_directory import RunError

DASK = [sys.executable, "-m", "dask"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler's file and the processes of two workers (the first of `dask worker` nannies)."""
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    started = [
        subprocess.Popen(
            [*DASK, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
             "--scheduler-file", str(file)],
            **quiet,
        )
    ]  # fmt: skip
    try:
        address = cases.wait_until(lambda: file.exists() and read_address(file))
        started += [
            subprocess.Popen(
                [*DASK, "worker", address, "--nthreads", "1", "--no-dashboard",
                 "--local-directory", str(folder / f"w{i}")],
                **quiet,
            )
            for i in range(2)
        ]  # fmt: skip
        yield address
    finally:
        for process in started[::-1]:
            process.send_signal(signal.SIGTERM)
        for process in started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def read_address(file):
    try:
        return json.loads(file.read_text())["address"]
    except ValueError:  # half written
        return None


def test_the_cluster_gives_the_same_bytes(cluster, tmp_path):
    file = cases.sweep_file(tmp_path)
    by_process = sweep(file, out=tmp_path / "processes", workers=1)
    by_cluster = sweep(file, out=tmp_path / "cluster", dask=cluster)
    assert by_cluster.done_now == 4 and not by_cluster.failed
    assert cases.data_files(tmp_path / "cluster") == cases.data_files(by_process.out)
    # Begun here and gone on with there.
    shutil.copytree(by_process.out, tmp_path / "both")
    for path in sorted((tmp_path / "both" / "runs").iterdir())[1:]:
        path.unlink()
    again = sweep(file, out=tmp_path / "both", dask=cluster, resume=True)
    assert again.done_now == 3
    assert cases.data_files(tmp_path / "both") == cases.data_files(by_process.out)


def test_a_killed_worker_of_the_cluster_loses_nothing(cluster, tmp_path):
    from distributed import Client

    file, out = cases.sweep_file(tmp_path, replications=2), tmp_path / "out"
    with Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2)
        victim = next(iter(client.run(os.getpid).values()))  # the nanny starts it again
        process = cases.start(file, out, "--dask", cluster)
        cases.wait_until(lambda: cases.results(out) >= 1)
        os.kill(victim, signal.SIGKILL)
    status, document, messages = cases.ended(process)
    assert (status, document["done"], document["failed"]) == (0, 8, {}), messages


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "nowhere.json", "foo", "tcp://", ":::", "http://127.0.0.1:9"]
)
def test_a_cluster_that_does_not_answer_is_said(address):
    cluster = Cluster(address, patience_seconds=1.0)
    with pytest.raises(RunError, match="no scheduler with workers answers"):
        _ = cluster.workers
    cluster.close()


def test_a_cluster_that_is_lost_during_the_trials_stops_the_sweep():
    """Another trial would be given to a client that answers nothing any more."""

    class Lost:
        def open(self):
            return self

        def submit(self, *_):
            future = Future()
            future.cancel()
            return future

    with pytest.raises(SweepStopped, match="was lost"):
        _trial_on(Lost())(None, 1)
