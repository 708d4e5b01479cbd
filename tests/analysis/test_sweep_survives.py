"""Sweeps that are killed, interrupted, starved of disk: nothing finished is lost, all repeats."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import sweep_cases as cases
import yaml

from gridbazaar import kpi_table, read_results, sweep
from gridbazaar.analysis.audit import audit_run
from gridbazaar.analysis.process_pool import tethered_pool
from gridbazaar.analysis.sweep.dispatch import TRIES, Dispatcher
from gridbazaar.analysis.sweep.engines import Processes
from gridbazaar.analysis.sweep.estimate import TrialFailed, estimate
from gridbazaar.analysis.sweep.jobs import plan_jobs
from gridbazaar.analysis.sweep.one_run import Answer, do_job
from gridbazaar.analysis.sweep.place import Place
from gridbazaar.analysis.sweep.plan import read_plan
from gridbazaar.analysis.sweep.run_id import versions
from gridbazaar.sim.run_directory import RunError


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The sweep as it is when nothing happens to it, by one worker."""
    folder = tmp_path_factory.mktemp("plain")
    found = sweep(cases.sweep_file(folder), out=folder / "out", workers=1)
    return found


def test_the_table_has_a_row_a_run(plain, tmp_path):
    table = pd.read_parquet(plain.out / "results.parquet")
    assert list(table["members.generate.pv_share"]) == [0.0, 0.25, 0.5, 0.75]
    assert (table.status == "done").all() and (table.seed == 1).all()
    assert table.generated_kwh[0] == 0.0 < table.generated_kwh[1]
    titles = pd.read_csv(plain.out / "columns.csv").column
    assert list(titles) == list(table.columns)
    again = sweep(plain.out / "sweep.yaml", out=plain.out, resume=True)
    assert again.done_now == 0 and not list((plain.out / "scratch").iterdir())


def test_two_workers_a_kill_and_a_resume_change_no_byte(plain, tmp_path):
    """kill -9 of the sweep itself: its workers end with it; what is finished is kept."""
    file, out = cases.sweep_file(tmp_path), tmp_path / "out"
    process = cases.start(file, out, "--workers", "2")
    cases.wait_until(lambda: cases.results(out) >= 1)
    workers = cases.workers_of(process.pid)
    cases.kill(process)
    assert workers
    cases.wait_until(lambda: not any(map(cases.is_alive, workers)), 20)
    kept = {path: path.stat().st_mtime_ns for path in (out / "runs").glob("*.json")}
    with pytest.raises(RunError, match="not empty"):
        sweep(file, out=out)
    again = sweep(file, out=out, workers=2, resume=True)
    assert again.done_now == 4 - len(kept) and not again.failed
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    assert cases.data_files(out) == cases.data_files(plain.out)


def test_a_killed_worker_costs_nothing_but_time(plain, tmp_path):
    file, out = cases.sweep_file(tmp_path), tmp_path / "out"
    process = cases.start(file, out, "--workers", "2")
    cases.wait_until(lambda: any((out / "scratch").glob("*")))
    os.kill(cases.workers_of(process.pid)[0], signal.SIGKILL)
    status, document, messages = cases.ended(process)
    assert (status, document["done"], document["failed"]) == (0, 4, {}), messages
    assert cases.data_files(out) == cases.data_files(plain.out)


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(plain, tmp_path):
    file = cases.sweep_file(tmp_path)
    for i in range(5):  # on a busy machine the four runs may be over before the signal comes
        out = tmp_path / f"out-{i}"
        process = cases.start(file, out, "--workers", "1")
        cases.wait_until(lambda out=out: cases.results(out) >= 1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
        status, document, messages = cases.ended(process, 30)
        if cases.results(out) < 4:
            break
    assert status == 1 and document is None
    assert "--resume" in messages and "Traceback" not in messages
    again = sweep(file, out=out, workers=1, resume=True)
    assert 0 < again.done_now < 4
    assert cases.data_files(out) == cases.data_files(plain.out)


def test_ctrl_c_before_the_first_run_is_quiet(tmp_path):
    """While workers load as well: they are born deaf to it."""
    file = cases.sweep_file(tmp_path)
    for i, seconds in enumerate((0.0, 0.1, 0.3)):
        process = cases.start(file, tmp_path / f"out-{i}", "--workers", "2")
        workers = cases.wait_until(lambda process=process: cases.workers_of(process.pid))
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        status, _, messages = cases.ended(process, 30)
        assert status == 1 and messages == "Stopped before the first run.\n", messages
        assert not any(map(cases.is_alive, workers)) and not (tmp_path / f"out-{i}").exists()


def mounts():
    """Whether this user may mount a small disk in a name space of its own."""
    words = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def test_a_full_disk_is_said_and_earlier_results_stay_whole(plain, tmp_path):
    """On a disk of 600 kB where that can be mounted, else with files cut off at 40 kB."""
    file = cases.sweep_file(tmp_path)
    out, disk = tmp_path / "out", tmp_path / "disk"
    shutil.copytree(plain.out, out)
    lost = sorted((out / "runs").glob("*.json"))[-1]
    lost.unlink()
    (out / "results.parquet").unlink()
    kept = {path.name: path.read_bytes() for path in (out / "runs").glob("*.json")}
    if mounts():
        disk.mkdir()
        script = (
            f'mount -t tmpfs -o size=600k tmpfs "{disk}"; cp -r "{out}"/. "{disk}"; '
            f'head -c 600000 /dev/zero > "{disk}/filler" 2>/dev/null; '
            '"$@"; status=$?; '
            f'cp -r "{disk}"/runs "{tmp_path}/after"; exit $status'
        )
        words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
        target = disk
    else:
        words = ["sh", "-c", 'ulimit -f 80; "$@"', "sh"]
        target = out
    command = [sys.executable, "-m", "gridbazaar", "sweep", str(file), "--out", str(target)]
    command += ["--workers", "1", "--resume"]
    answer = subprocess.run([*words, *command], capture_output=True, text=True, check=False)
    assert answer.returncode == 1, answer.stderr
    assert "Stopped: " in answer.stderr and "--resume" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "No space left" in answer.stderr or "too large" in answer.stderr, answer.stderr
    after = tmp_path / "after" if mounts() else out / "runs"
    assert {path.name: path.read_bytes() for path in after.glob("*.json")} == kept
    again = sweep(file, out=out, workers=1, resume=True)
    assert again.done_now == 1
    assert cases.data_files(out) == cases.data_files(plain.out)


#: The command with a fault put into it; workers import the script again, and so have it too.
FAULT = """
from gridbazaar.sim.simulation import Simulation

whole = Simulation.step

def step(self):
    if self.world.scenario.profiles.load_scale == 1.5:
        raise ArithmeticError("a fault of one setting")
    whole(self)

Simulation.step = step
if __name__ == "__main__":
    from gridbazaar.__main__ import main
    main()
"""


def test_a_failed_run_leaves_its_error_and_the_rest_goes_on(tmp_path):
    file = cases.sweep_file(
        tmp_path,
        set={**cases.TINY, "market.mechanism": "grid-only"},
        parameters={"profiles.load_scale": [1.0, 1.5, 2.0]},
    )
    fault = tmp_path / "fault.py"
    fault.write_text(FAULT)
    out = tmp_path / "out"
    status, document, messages = cases.ended(
        cases.start(file, out, "--workers", "1", program=[str(fault)])
    )
    assert status == 1, messages
    assert (document["rows"], document["done"], len(document["failed"])) == (3, 2, 1)
    table = pd.read_parquet(out / "results.parquet")
    failed = table[table.status == "failed"]
    assert set(failed["profiles.load_scale"]) == {1.5} and failed.saving.isna().all()
    for run_id in failed.run_id:
        text = (out / "errors" / f"{run_id}.txt").read_text()
        assert "Traceback" in text and text.splitlines()[0] == document["failed"][run_id]
    again = sweep(file, out=out, workers=1, resume=True)
    assert again.done_now == 1  # what failed is tried again, the rest is not


def test_a_first_run_that_fails_in_its_trial_as_well_stops_nothing(tmp_path):
    """People see an estimate, from trials of the first combination; scripts do not ask for it."""
    fault = tmp_path / "fault.py"
    fault.write_text(FAULT)
    file = cases.sweep_file(tmp_path, parameters={"profiles.load_scale": [1.5, 1.0]})
    command = [sys.executable, str(fault), "sweep", str(file), "--out", str(tmp_path / "out")]
    ended = subprocess.run([*command, "--workers", "1"], capture_output=True, text=True)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert "2 runs, 1 at a time, " in ended.stderr  # of the other one it is known
    table = pd.read_parquet(tmp_path / "out" / "results.parquet")
    assert list(table.status) == ["failed", "done"]


def test_how_long_is_unknown_where_every_trial_fails(tmp_path):
    def timed(job, days):
        raise TrialFailed("a fault of every setting")

    found = estimate(plan_jobs(read_plan(cases.sweep_file(tmp_path))), 4, 1, timed)
    assert found.run_seconds is None and found.seconds is None
    assert found.in_words() == "4 runs, 1 at a time; how long is unknown: a trial run failed"


def test_workers_start_before_anything_heavy_is_loaded_here():
    """What takes both sides seconds to load is loaded at the same time."""
    heavy = {"numba", "pandas", "mesa", "scipy", "pyarrow", "matplotlib"}
    code = f"import sys, gridbazaar.analysis.sweep.full_sweep; print({heavy} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == "set()\n", answer.stderr


def test_a_plan_with_problems_leaves_no_worker_behind(tmp_path):
    file = cases.sweep_file(tmp_path, set={"members.generate.pv_kwp": [4, 2]})
    process = cases.start(file, tmp_path / "out", "--workers", "2")
    workers = cases.wait_until(lambda: cases.workers_of(process.pid))
    status, _, messages = cases.ended(process)
    assert status == 2 and "problem found" in messages, messages
    assert not any(map(cases.is_alive, workers)) and not (tmp_path / "out").exists()


def test_a_setting_whose_runs_all_fail_leaves_a_page_of_the_others(tmp_path):
    fault = tmp_path / "fault.py"
    fault.write_text(FAULT)
    file = cases.sweep_file(
        tmp_path,
        parameters={"profiles.load_scale": [1.0, 1.5], "members.generate.pv_share": [0.25, 0.5]},
        measures=["traded_kwh", "saving"],
    )
    out = tmp_path / "out"
    status, document, messages = cases.ended(
        cases.start(file, out, "--workers", "1", program=[str(fault)])
    )
    assert status == 1 and "Traceback" not in messages
    assert (document["done"], len(document["failed"])) == (2, 2)
    assert (out / "figures" / "main_effects.png").exists()
    assert "2 of 4 runs failed" in (out / "summary.html").read_text()


def test_a_file_that_changes_during_a_sweep_fails_the_runs_that_would_read_it(tmp_path):
    scenario = {
        "name": "own", "start": "2025-11-01", "days": 1, "history_days": 1,
        "feeder": {"name": "ieee33_mv"}, "members": {"file": "m.csv"},
    }  # fmt: skip
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(scenario), encoding="utf-8")
    members = tmp_path / "m.csv"
    members.write_text("member,bus\na,2\nb,3\n", encoding="utf-8")
    file = cases.sweep_file(tmp_path, scenario="own.yaml", set={}, parameters={"market.k": [0.5]})
    (job,) = plan_jobs(read_plan(file)).every
    members.write_text("member,bus\na,2\nb,4\n", encoding="utf-8")
    answer = do_job(job, versions(), str(tmp_path / "out"), "none")
    assert answer.record is None and "has changed since the sweep was planned" in answer.error
    members.write_text("member,bus\na,2\nb,3\n", encoding="utf-8")
    assert do_job(job, versions(), str(tmp_path / "out"), "none").error is None


def test_a_kill_in_its_first_moment_leaves_a_directory_that_can_be_begun(tmp_path):
    file, out = cases.sweep_file(tmp_path), tmp_path / "out"
    out.mkdir()
    (out / ".plan.json.123.tmp").touch()
    place = Place(out)
    place.begin(plan_jobs(read_plan(file)), file)
    place.let_go()
    (out / "errors" / ".x.txt.9.tmp").touch()
    place.resume(plan_jobs(read_plan(file)), file)
    assert not list(out.rglob("*.tmp"))
    place.let_go()


def test_numbers_of_workers_that_make_no_sense_are_refused(tmp_path):
    file = cases.sweep_file(tmp_path)
    with pytest.raises(RunError, match="is below 1"):
        sweep(file, out=tmp_path / "out", workers=0)
    with pytest.raises(RunError, match="a cluster has its own"):
        sweep(file, out=tmp_path / "out", workers=2, dask="tcp://127.0.0.1:9")


def test_a_pool_of_processes_does_not_wait_for_what_hangs():
    """A pool that loses a process while another starts waits for that one, else for ever."""
    began = time.monotonic()
    with tethered_pool(2) as pool:
        pool.submit(os.getpid).result()
        pool.submit(time.sleep, 600)
        pool.submit(time.sleep, 600)
    assert time.monotonic() - began < 60


TASKS = """
import os
from gridbazaar.analysis.sweep.jobs import plan_jobs
from gridbazaar.analysis.sweep.one_run import Answer, do_job
from gridbazaar.analysis.sweep.place import Place
from gridbazaar.analysis.sweep.plan import read_plan
from gridbazaar.analysis.sweep.run_id import versions

class Job:
    def __init__(self, run_id):
        self.run_id = run_id

def task(job):
    if job.run_id == "killer":
        os._exit(9)
    return Answer(job.run_id, {}, None, None, 0.0)
"""


def test_a_run_that_kills_its_worker_is_given_up_alone(tmp_path, monkeypatch):
    (tmp_path / "killer_tasks.py").write_text(TASKS)
    monkeypatch.syspath_prepend(tmp_path)
    import killer_tasks

    jobs = [killer_tasks.Job(name) for name in ("a", "killer", "b", "c", "d")]
    engine = Processes(2)
    answers = list(Dispatcher(engine, killer_tasks.task, lambda job: None).answers(jobs))
    engine.close()
    assert sorted(answer.run_id for answer in answers) == ["a", "b", "c", "d", "killer"]
    (lost,) = [answer for answer in answers if answer.error is not None]
    assert lost.run_id == "killer" and f"{TRIES} times" in lost.error
    assert all(isinstance(answer, Answer) for answer in answers)


def test_resuming_something_else_is_refused(plain, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(plain.out, out)
    file = cases.sweep_file(tmp_path, values=(0.0, 0.25))
    with pytest.raises(RunError, match="another sweep file, scenario or data file"):
        sweep(file, out=out, resume=True)
    with pytest.raises(RunError, match="holds no sweep"):
        sweep(file, out=tmp_path / "new", resume=True)
    kept = json.loads((out / "plan.json").read_text())
    kept["versions"]["numpy"] = "1.0"
    (out / "plan.json").write_text(json.dumps(kept))
    with pytest.raises(RunError, match=r"was begun with numpy 1\.0"):
        sweep(cases.sweep_file(tmp_path), out=out, resume=True)


def test_what_is_asked_for_is_kept_of_every_run(tmp_path):
    file = cases.sweep_file(tmp_path, values=(0.5,), outputs=["frames", "bills"])
    found = sweep(file, out=tmp_path / "some", workers=1)
    (run_id,) = found.table.run_id
    names = {path.name for path in (tmp_path / "some" / "tables" / run_id).iterdir()}
    assert names == {"frames.parquet", "bills.csv"}


def test_a_run_kept_whole_passes_the_audit(tmp_path):
    """Its indicators are those of the table; here the run's task is done in this process."""
    file = cases.sweep_file(tmp_path, values=(0.5,), outputs="all")
    jobs = plan_jobs(read_plan(file))
    place = Place(tmp_path / "out")
    place.begin(jobs, file)
    answer = do_job(jobs.every[0], versions(), str(place.out), "all")
    assert answer.error is None and answer.stop is None
    kept = place.tables(jobs.every[0].run_id)
    assert audit_run(kept).ok
    table = kpi_table(read_results(kept)).set_index("kpi")
    assert table.market["saving"] == answer.record["indicators"]["saving"][0]
    refused = do_job(jobs.every[0], {**versions(), "numpy": "1.0"}, str(place.out), "none")
    assert "install the same packages" in refused.error


def test_a_dry_run_says_how_many_and_how_long(tmp_path):
    file = cases.sweep_file(tmp_path, replications=3)
    process = cases.start(file, tmp_path / "out", "--dry-run")
    status, document, messages = cases.ended(process)
    assert status == 0, messages
    assert (document["points"], document["runs"], document["days"]) == (4, 12, 1)
    assert 0.0 < document["run_seconds"] <= document["seconds"]
    assert not (tmp_path / "out").exists()
