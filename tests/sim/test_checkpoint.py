"""Checkpoints that are damaged, of another version or of other inputs are refused in words."""

import pytest

from gridbazaar.sim import resuming, run_directory
from gridbazaar.sim.run import run_scenario
from gridbazaar.sim.run_directory import RunDirectory, RunError
from gridbazaar.sim.run_errors import RunStopped, WriteError
from gridbazaar.sim.whole_file import whole_file

SCENARIO = """
schema_version: 1
name: tiny
start: 2025-11-01
days: 3
history_days: 7
feeder: {name: kerala_village_lv, source_voltage_pu: 1.043}
members: {file: members.csv}
market: {engine: exact}
"""


@pytest.fixture
def stopped(tmp_path):
    """A run that was stopped after its second day: its scenario and its place."""
    (tmp_path / "tiny.yaml").write_text(SCENARIO)
    (tmp_path / "members.csv").write_text("member,bus,pv_kwp\na,4,3\nb,5,0\nc,6,5\n")

    def stop(done, total, text):
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(RunStopped, match="Finished days are kept"):
        run_scenario(tmp_path / "tiny.yaml", out=tmp_path / "out", progress=stop)
    return tmp_path / "tiny.yaml", tmp_path / "out"


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(stopped, match):
    scenario, out = stopped
    before = contents(RunDirectory(out).work)
    with pytest.raises(RunError, match=match):
        run_scenario(scenario, out=out, resume=True)
    assert contents(RunDirectory(out).work) == before  # it may be brought back


@pytest.mark.parametrize("name", ["state.pickle", "day-0000.pickle", "day-0001.pickle"])
@pytest.mark.parametrize("how", ["empty", "cut", "flipped", "no line", "other format"])
def test_a_damaged_checkpoint_is_refused(stopped, name, how):
    file = RunDirectory(stopped[1]).work / "checkpoint" / name
    whole = file.read_bytes()
    at = len(whole) // 2
    file.write_bytes(
        {
            "empty": b"",
            "cut": whole[:at],
            "flipped": whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
            "no line": whole.partition(b"\n")[2],
            "other format": whole.replace(b"checkpoint 1", b"checkpoint 2", 1),
        }[how]
    )
    refused(stopped, f"{name}: --resume: the checkpoint is damaged: remove the directory")


def test_a_day_that_is_missing_is_told_at_once(stopped):
    (RunDirectory(stopped[1]).work / "checkpoint" / "day-0000.pickle").unlink()
    refused(stopped, "the checkpoint cannot be read")


def test_another_version_is_refused(stopped, monkeypatch):
    was = resuming.versions()
    monkeypatch.setattr(resuming, "versions", lambda: was | {"numpy": "9.9"})
    refused(stopped, "was begun with numpy .*, now it is 9.9: results would mix")


def test_a_changed_file_of_the_scenario_is_refused(stopped):
    scenario, _ = stopped
    file = scenario.with_name("members.csv")
    kept = file.read_text()
    file.write_text(kept.replace("c,6,5", "c,6,4"))
    refused(stopped, "a file that the scenario names has changed since it was begun")
    file.write_text(kept)
    run_scenario(scenario, out=stopped[1], resume=True)


def test_another_scenario_is_refused(stopped):
    scenario, _ = stopped
    scenario.write_text(SCENARIO.replace("days: 3", "days: 4"))
    refused(stopped, "another scenario, seed or setting")


def test_a_finished_run_of_another_version_is_refused(tmp_path, monkeypatch):
    settings = ["days=1", "market.engine=exact", "members.generate.homes=5"]
    run_scenario("kerala-village", settings, out=tmp_path / "out")
    again = run_scenario("kerala-village", settings, out=tmp_path / "out", resume=True)
    assert again.path == tmp_path / "out"
    was = resuming.versions()
    monkeypatch.setattr(resuming, "versions", lambda: was | {"gridbazaar": "9.9"})
    with pytest.raises(RunError, match="was begun with gridbazaar"):
        run_scenario("kerala-village", settings, out=tmp_path / "out", resume=True)


def test_what_is_put_at_the_final_name_meanwhile_is_not_touched(stopped):
    scenario, out = stopped
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match=r"exists and is not empty|has been put there"):
        run_scenario(scenario, out=out, resume=True)
    assert (out / "mine.txt").read_text() == "mine"
    (out / "mine.txt").unlink()
    assert run_scenario(scenario, out=out, resume=True).path == out


@pytest.mark.parametrize("out", ["", ".", "..", "/", "a\0b"])
def test_what_is_no_name_of_a_directory_is_refused(out, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for resume in (False, True):
        with pytest.raises(RunError, match="is no name of a new directory"):
            run_scenario("kerala-village", ["days=1"], out=out, resume=resume)


def test_two_default_names_at_once_are_two_directories(tmp_path, monkeypatch):
    """Another run takes its final name just between the look at it and the reservation."""
    taken = RunDirectory._taken

    def finishing(self):
        if self.out.name == "mine-001":
            (self.out).mkdir(exist_ok=True)
        return taken(self)

    monkeypatch.setattr(run_directory.RunDirectory, "_taken", finishing)
    mine = RunDirectory.begin(None, "mine", tmp_path)
    assert mine.out.name == "mine-002"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine-001", "mine-002.partial"]
    mine.abandon()


def test_a_place_that_cannot_be_written_is_no_bad_input(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError) as told:
        run_scenario("kerala-village", ["days=1"], out=tmp_path / "file" / "out")
    assert told.value.exit_status == 1


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("first")
    with pytest.raises(KeyboardInterrupt), whole_file(page) as new:
        new.write_text("sec")
        raise KeyboardInterrupt
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("page.html", "first")]
