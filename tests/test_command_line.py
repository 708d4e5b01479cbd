"""The installed command, as a user types it."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

VILLAGE = """
schema_version: 1
name: mine
start: 2025-11-01
days: 1
feeder: {name: kerala_village_lv, source_voltage_pu: 1.043}
members: {generate: {}}
"""


def gridbazaar(*words: str, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "gridbazaar", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def three_days(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three-days")
    done = gridbazaar("run", "--days", "3", "--out", "out", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_a_run_says_where_its_results_are(three_days):
    folder, said = three_days
    assert (said["frames"], said["days"], said["prosumers"]) == (9, 3, 57)
    assert said["headline"]["traded_kwh"] > 100
    assert 0 < said["seconds"] < 300
    assert sorted(p.name for p in folder.iterdir()) == ["out"]
    wanted = {
        *("bills.csv", "frames.parquet", "ledger.parquet", "manifest.json", "members.parquet"),
        *("meters.parquet", "network.parquet", "orders.parquet", "positions.parquet"),
        *("report.html", "scenario.yaml", "tariff.yaml", "feeder_buses.csv", "timing.json"),
        *("feeder_branches.csv", "trades.parquet"),
    }
    assert {p.name for p in (folder / "out").iterdir()} >= wanted


def test_verify_accepts_the_run_and_not_a_changed_one(three_days, tmp_path):
    folder, _ = three_days
    good = gridbazaar("verify", "out", "--json", cwd=folder)
    assert good.returncode == 0, good.stdout
    said = json.loads(good.stdout)
    assert said["ok"] and all(check["ok"] for check in said["checks"])
    assert set(said["checks"][0]) >= {"name", "ok", "worst", "tolerance", "detail"}
    bills = pd.read_csv(folder / "out" / "bills.csv")
    kept = bills.copy()
    bills.loc[3, "total"] += 0.01
    bills.to_csv(folder / "out" / "bills.csv", index=False)
    bad = gridbazaar("verify", "out", cwd=folder)
    kept.to_csv(folder / "out" / "bills.csv", index=False)
    assert bad.returncode == 1
    assert "fail" in bad.stdout.lower()


def test_the_report_needs_nothing_from_outside(three_days):
    folder, _ = three_days
    html = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "kerala-village" in html
    for outside in ('src="http', 'href="http', "@import", "url(http"):
        assert outside not in html


def test_people_get_a_table_and_the_paths(tmp_path):
    done = gridbazaar("run", "--days", "1", "--set", "market.engine=exact", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "energy traded between members" in done.stdout
    assert "runs/kerala-village-001/report.html" in done.stdout


def test_lists_are_documents_on_request(tmp_path):
    shipped = json.loads(gridbazaar("scenarios", "--json", cwd=tmp_path).stdout)
    assert {row["name"] for row in shipped} >= {"kerala-village", "kerala-feeder", "ieee33-town"}
    feeders = json.loads(gridbazaar("feeders", "--json", cwd=tmp_path).stdout)
    assert len(feeders) == 14
    schema = json.loads(gridbazaar("schema", cwd=tmp_path).stdout)
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    "command", ["run", "scenarios", "check", "schema", "feeders", "verify", "report", "clear"]
)
def test_every_command_has_help_with_an_example(command, tmp_path):
    done = gridbazaar(command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Example: gridbazaar" in done.stdout


LOOP = ("from,to,r_ohm,x_ohm,closed\na,b,1,1,1\nb,c,1,1,1\nc,a,1,1,1\n", "loop")
ISLAND = ("from,to,r_ohm,x_ohm,closed\na,b,1,1,1\n", "c")
FRAME_GAP = "tariff: {preset: simple, frames: [{name: day, start: '06:00', end: '20:00'}]}\n"
OVERLAP = (
    "tariff: {preset: simple, frames: [{name: day, start: '06:00', end: '20:00'}, "
    "{name: night, start: '19:00', end: '06:00'}]}\n"
)
BAD_SCENARIOS = {
    "unknown key": (VILLAGE + "dayz: 3\n", ["dayz", "unknown key", "days"]),
    "wrong type": (VILLAGE.replace("days: 1", "days: soon"), ["days", "soon", "whole number"]),
    "days 0": (VILLAGE.replace("days: 1", "days: 0"), ["days", "0", "1 or more"]),
    "days negative": (VILLAGE.replace("days: 1", "days: -4"), ["days", "-4"]),
    "negative size": (
        VILLAGE.replace("generate: {}", "generate: {pv_kwp: [-3, 7]}"),
        ["members.generate.pv_kwp", "-3", "negative"],
    ),
    "battery efficiency": (
        VILLAGE + "battery: {round_trip_efficiency: 1.2}\n",
        ["battery.round_trip_efficiency", "1.2"],
    ),
    "frames with a gap": (VILLAGE + FRAME_GAP, ["frames", "20:00"]),
    "frames that overlap": (VILLAGE + OVERLAP, ["frames", "19:00"]),
    "not YAML": ("name: [unclosed\n", ["bad.yaml"]),
}


@pytest.mark.parametrize("case", BAD_SCENARIOS)
def test_a_bad_scenario_is_refused_in_words(case, tmp_path):
    text, wanted = BAD_SCENARIOS[case]
    (tmp_path / "bad.yaml").write_text(text)
    done = gridbazaar("run", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for word in wanted:
        assert word in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["bad.yaml"]


@pytest.mark.parametrize(("branches", "word"), [LOOP, ISLAND])
def test_a_feeder_that_is_no_tree_is_refused(branches, word, tmp_path):
    (tmp_path / "f_buses.csv").write_text(
        "bus,p_kw,q_kvar,base_kv,n_customers\na,0,0,0.4,0\nb,1,0,0.4,1\nc,1,0,0.4,1\n"
    )
    (tmp_path / "f_branches.csv").write_text(branches)
    text = VILLAGE.replace("name: kerala_village_lv, source_voltage_pu: 1.043", "path: f")
    (tmp_path / "bad.yaml").write_text(text)
    done = gridbazaar("run", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_members_on_a_bus_that_the_feeder_lacks_are_refused(tmp_path):
    (tmp_path / "members.csv").write_text("member,bus,pv_kwp\nanna,4,3.0\nbinu,nowhere,0\n")
    (tmp_path / "bad.yaml").write_text(VILLAGE.replace("generate: {}", "file: members.csv"))
    done = gridbazaar("run", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "nowhere" in done.stderr and "members.csv" in done.stderr


@pytest.mark.parametrize("case", ["too short", "with a gap"])
def test_a_profile_that_does_not_cover_the_run_is_refused(case, tmp_path):
    times = pd.date_range("2025-10-01", "2025-11-05", freq="30min", inclusive="left")
    if case == "too short":
        times = times[: 48 * 20]
    table = pd.DataFrame({"timestamp": times, "h": 0.2})
    if case == "with a gap":
        table = table.drop(index=range(200, 230))
    table.to_csv(tmp_path / "load.csv", index=False)
    members = "member,bus\n" + "anna,4\n"
    (tmp_path / "members.csv").write_text(members)
    text = VILLAGE.replace("generate: {}", "file: members.csv") + "profiles: {load: load.csv}\n"
    (tmp_path / "bad.yaml").write_text(text)
    done = gridbazaar("run", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "load.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_several_problems_are_listed_at_once(tmp_path):
    text = VILLAGE.replace("days: 1", "days: 0") + "dayz: 1\nbattery: {soc_min: 2}\n"
    (tmp_path / "bad.yaml").write_text(text)
    done = gridbazaar("check", "bad.yaml", "--json", cwd=tmp_path)
    assert done.returncode == 2
    said = json.loads(done.stdout)
    assert not said["ok"]
    assert len(said["problems"]) >= 3


def test_one_problem_is_one(tmp_path):
    (tmp_path / "bad.yaml").write_text(VILLAGE.replace("days: 1", "days: 0"))
    done = gridbazaar("check", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1] == "bad.yaml: 1 problem"


def test_missing_files_and_directories_are_refused(three_days, tmp_path):
    assert gridbazaar("run", "nothing.yaml", cwd=tmp_path).returncode == 2
    assert gridbazaar("run", "kerala-vilage", cwd=tmp_path).returncode == 2
    assert gridbazaar("verify", "nothing", cwd=tmp_path).returncode == 2
    folder, _ = three_days
    again = gridbazaar("run", "--days", "1", "--out", "out", cwd=folder)
    assert again.returncode == 2
    assert "not empty" in again.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a POSIX thing")
def test_a_terminal_shows_the_simulated_day(tmp_path):
    import os
    import pty

    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "gridbazaar", "run", "--days", "1"]
    command += ["--set", "market.engine=exact"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=writer, stderr=writer)
    os.close(writer)
    shown = b""
    while True:
        try:
            part = os.read(reader, 65536)
        except OSError:  # Linux ends a terminal whose other side is closed with an error
            break
        if not part:
            break
        shown += part
    assert process.wait() == 0, shown.decode(errors="replace")
    text = shown.decode(errors="replace")
    assert "01 Nov 2025" in text and "/3 frames" in text
