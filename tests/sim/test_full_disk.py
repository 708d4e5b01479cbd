"""A disk that is full or read-only: a clear answer, earlier results whole, and a way to go on."""

import pytest
from forked_runs import ForkedRuns
from same_files import assert_same_tree
from small_disk import SmallDisk

from gridbazaar.sim.run_directory import RunDirectory

SCENARIO = """
schema_version: 1
name: tiny
start: 2025-11-01
days: 2
history_days: 7
feeder: {name: kerala_village_lv, source_voltage_pu: 1.043}
members: {generate: {homes: 6}}
market: {engine: exact}
"""
RUN = ("run", "tiny.yaml", "--out")


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    with SmallDisk(tmp_path_factory.mktemp("disk") / "small") as small:
        (small.folder / "tiny.yaml").write_text(SCENARIO)
        yield small


@pytest.fixture(scope="module")
def command(disk):
    with ForkedRuns() as forked:
        yield lambda *words: forked(*words, cwd=disk.folder, figures=1, **disk.limits)


@pytest.fixture(scope="module")
def earlier(command, disk):
    done = command(*RUN, "earlier")
    assert done["status"] == 0, done["err"]
    return disk.folder / "earlier"


def refused(done, word):
    assert done["status"] == 1, done["err"]
    assert "Traceback" not in done["err"] and "Exception ignored" not in done["err"]
    assert word in done["err"], done["err"]


@pytest.mark.parametrize("room", [0, 30_000, 400_000])
def test_a_full_disk_is_told_and_the_run_goes_on_once_there_is_room(
    command, disk, earlier, tmp_path, room
):
    kept = {path: path.read_bytes() for path in earlier.rglob("*") if path.is_file()}
    disk.leave_room(room)
    try:
        out = disk.folder / f"full-{room}"
        first = command(*RUN, out.name)
        refused(first, "No space left" if disk.mounted else "File too large")
        assert "make room" in first["err"] or "name a place" in first["err"]
        assert not out.exists()
        assert {path: path.read_bytes() for path in kept} == kept
    finally:
        disk.leave_room(None)
    done = command(*RUN, out.name, "--resume")
    assert done["status"] == 0, done["err"]
    assert_same_tree(earlier, out)


@pytest.mark.parametrize(
    "words", [("report", "earlier"), ("bill", "earlier", "home-001"), ("export", "earlier")]
)
def test_results_stay_whole_when_the_disk_is_full(command, disk, earlier, words):
    """Built once with room; then again without: what was there stays as it was."""
    before = {path: path.read_bytes() for path in earlier.rglob("*") if path.is_file()}
    disk.leave_room(2_000)
    try:
        refused(command(*words), "No space left" if disk.mounted else "File too large")
    finally:
        disk.leave_room(None)
    now = {path: path.read_bytes() for path in earlier.rglob("*") if path.is_file()}
    assert now == before
    assert not [path for path in disk.folder.iterdir() if path.name.startswith(".")]


def test_a_place_that_is_read_only_is_refused(command, disk, earlier):
    # Root that may not mount can write everywhere: there only what stands under a file cannot be.
    out = "new" if disk.read_only(True) else "tiny.yaml/new"
    commands = [(*RUN, out), ("run", "tiny.yaml", "--out", out, "--resume")]
    if out == "new":
        commands += [("run", "tiny.yaml"), ("report", "earlier"), ("export", "earlier")]
        commands += [("bill", "earlier", "home-001")]
    try:
        for words in commands:
            done = command(*words)
            refused(done, "--out" if "--out" in words else "")
            wrong = ("Read-only", "denied", "Not a directory")
            assert any(word in done["err"] for word in wrong), (words, done["err"])
        assert command("verify", "earlier")["status"] == 0
    finally:
        disk.read_only(False)


def test_two_runs_at_once_into_one_directory_are_refused(command, disk):
    alive = RunDirectory.begin(disk.folder / "shared", "tiny", disk.folder)
    try:
        for extra in ((), ("--resume",)):
            done = command(*RUN, "shared", *extra)
            assert done["status"] == 2
            assert "another process is working there" in done["err"]
    finally:
        alive.abandon()


def test_a_directory_under_a_file_cannot_be_made(command, disk):
    done = command(*RUN, "tiny.yaml/out")
    refused(done, "Not a directory")
