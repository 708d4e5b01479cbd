"""Small sweeps for tests, in processes of their own that may be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

TINY = {
    "members.generate.homes": 4,
    "market.engine": "exact",
    "history_days": 1,
}


def sweep_file(folder, values=(0.0, 0.25, 0.5, 0.75), **keys):
    """Write a sweep of a village of four homes over one day."""
    path = Path(folder) / "sweep.yaml"
    document = {
        "name": "tiny",
        "scenario": "kerala-village",
        "set": TINY,
        "days": 1,
        "parameters": {"members.generate.pv_share": list(values)},
        "measures": [],  # no figures: they cost more than the runs
        **keys,
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def start(file, out, *more, env=None, shell_before="", program=("-m", "gridbazaar")):
    """Start `gridbazaar sweep` in a process group of its own."""
    command = [sys.executable, *program, "sweep", str(file), "--out", str(out)]
    command += ["--json", *more]
    if shell_before:
        command = ["sh", "-c", f'{shell_before}; exec "$@"', "sh", *command]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **(env or {})},
    )


def ended(process, seconds=120):
    """Wait for a process; return its status, its JSON document (or None) and its messages."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, json.loads(out) if out.strip() else None, err


def results(out):
    """Return how many runs have their result."""
    return len(list((Path(out) / "runs").glob("*.json")))


def wait_until(what, seconds=90):
    """Wait until something is true; return its value."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        if time.monotonic() > deadline:
            raise TimeoutError("it never came")
        time.sleep(0.005)
    return value


def workers_of(pid):
    """Return the worker processes of a sweep: its children that run Python code for it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended meanwhile
            parent = int(stat.rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in words:
                found.append(int(entry.name))
    return found


def is_alive(pid):
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(process):
    """End a process by kill -9, and nothing else."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    process.stderr.close()


def data_files(out):
    """Return every data file of a sweep, by name, as bytes: all but times and pictures."""
    out = Path(out)
    names = ["results.parquet", "columns.csv", "summary.csv", "effects.csv", "plan.json"]
    files = [out / name for name in names] + sorted((out / "runs").iterdir())
    return {str(path.relative_to(out)): path.read_bytes() for path in files}
