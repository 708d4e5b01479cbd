"""`gridbazaar flow` and `gridbazaar feeders` as a user meets them: output, files, exit status."""

import csv
import json

import pytest
from typer.testing import CliRunner

from gridbazaar.__main__ import app
from gridbazaar.network import feeder_names

CONTRACT = {
    "status",
    "v_min_pu",
    "v_min_bus",
    "v_max_pu",
    "v_max_bus",
    "loss_kw",
    "loss_kvar",
    "iterations",
}


def _run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def _json(*arguments):
    answer = _run("flow", *arguments, "--json")
    return answer.exit_code, json.loads(answer.stdout)


def test_the_33_bus_feeder_by_its_published_figures():
    code, found = _json("ieee33_mv")
    assert code == 0 and found.keys() >= CONTRACT
    assert (found["status"], found["v_min_bus"], found["v_max_bus"]) == ("converged", "18", "1")
    assert found["v_min_pu"] == pytest.approx(0.913090, abs=1e-6)
    assert found["loss_kw"] == pytest.approx(202.677, abs=1e-3)
    assert found["loss_kvar"] == pytest.approx(135.141, abs=1e-3)


def test_past_the_nose_no_voltage_is_told_and_nothing_is_written(tmp_path):
    assert _json("ieee33_mv", "--scale", 3.62)[0] == 0
    code, found = _json("ieee33_mv", "--scale", 3.63, "--out", tmp_path / "new")
    assert code == 1 and found["status"] == "diverged"
    assert found["v_min_pu"] is None and found["loss_kw"] is None and found["v_min_bus"] is None
    assert not (tmp_path / "new").exists()
    said = _run("flow", "ieee33_mv", "--scale", 3.63)
    assert said.exit_code == 1 and "loadability limit" in said.stderr
    assert "voltage " not in said.stdout.replace("source voltage", "")


def test_generation_raises_and_the_source_voltage_counts():
    _, found = _json("kerala_village_lv", "--scale", -1, "--source-voltage", 1.02)
    assert found["v_min_pu"] == 1.02 and found["v_max_bus"] == "70" and found["source_kw"] < 0.0
    assert found["loading_max_branch"] == "1-2" and 0.0 < found["loading_max"] < 1.5


def test_people_read_names_losses_and_the_worst_branch():
    text = _run("flow", "kerber_village_lv").stdout
    assert "0.954976 p.u. at bus 70" in text and "8.990 kW" in text
    assert "branch 1-2: 507.0 of 577.4 A, 87.8%" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_out_holds_pictures_and_tables_that_agree(tmp_path):
    out = tmp_path / "new" / "flow"
    code, found = _json("das28_mv_india", "--out", out)
    assert code == 0 and found["out"] == str(out)
    assert sorted(file.name for file in out.parent.iterdir()) == ["flow"]
    assert (out / "feeder.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (out / "feeder.svg").read_text()
    with (out / "buses.csv").open() as file:
        v = {row["bus"]: float(row["v_pu"]) for row in csv.DictReader(file)}
    assert len(v) == 28 and min(v, key=v.get) == found["v_min_bus"]
    with (out / "branches.csv").open() as file:
        branches = list(csv.DictReader(file))
    assert sum(float(row["loss_kw"]) for row in branches) == pytest.approx(found["loss_kw"])
    assert {row["loading"] for row in branches} == {""}  # no ampacity is known there
    again = _run("flow", "das28_mv_india", "--out", out)
    assert again.exit_code == 2 and "not an empty directory" in again.stderr


def test_other_loads(tmp_path):
    loads = tmp_path / "evening.csv"
    rows = ["bus,p_kw,q_kvar,base_kv"] + [f"{bus},10,2,11" for bus in range(12, 0, -1)]
    loads.write_text("\n".join(rows))
    code, found = _json("das12_mv_india", "--buses", loads, "--scale", 2)
    assert code == 0 and found["load_kw"] == 220.0 and found["load_kvar"] == 44.0
    loads.write_text("bus,p_kw,q_kvar,base_kv\n1,0,0,11\n1,0,0,\n99,1,1,11\n3,,x,0.4\n")
    wrong = _run("flow", "das12_mv_india", "--buses", loads)
    assert wrong.exit_code == 2 and wrong.stdout == ""
    for problem in (
        "line 3: '1': the bus stands",
        "'99': feeder",
        "p_kw is missing",
        "'x': q_kvar",
    ):
        assert problem in wrong.stderr
    assert "0.4: base_kv is not" in wrong.stderr and "'2', '4', '5'" in wrong.stderr


def test_bad_input_is_listed_whole(tmp_path):
    (tmp_path / "buses.csv").write_text(
        "bus,p_kw,q_kvar,base_kv\n1,0,0,0.4\n2,5,1,0.4\n3,5,1,0.4\n4,5,1,0.4\n4,5,1,0.4\n"
    )
    (tmp_path / "branches.csv").write_text(
        "from,to,r_ohm,x_ohm\n1,2,-0.1,0\n2,3,0.1,0\n3,1,0.1,0\n3,9,0.1,0\n"
    )
    wrong = _run("flow", tmp_path, "--scale", "inf", "--source-voltage", 0, "--json")
    assert wrong.exit_code == 2 and wrong.stdout == ""
    for problem in (
        "--scale: inf",
        "--source-voltage: 0.0",
        "line 6: '4': the bus stands a second time",
        "line 2: -0.1: negative r_ohm",
        "line 4: '3'-'1': the branch closes a loop",
        "'9': the branch's end is no known bus",
    ):
        assert problem in wrong.stderr
    assert "no path" not in wrong.stderr  # what '9' was meant for may be what feeds bus 4
    unknown = _run("flow", "nowhere")
    assert unknown.exit_code == 2 and "ieee33_mv" in unknown.stderr


def test_feeders_fit_80_columns_and_json_keeps_all():
    text = _run("feeders").stdout
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    for name in feeder_names():
        row = next(line.split() for line in lines if line.split()[:1] == [name])
        assert len(row) == 7
    assert "doi:10.1109/61.25627" in text
    entries = json.loads(_run("feeders", "--json").stdout)
    assert [entry["name"] for entry in entries] == list(feeder_names())
    assert {"n_open_ties", "load_kvar", "source", "v_min_bus"} <= entries[0].keys()


def test_out_where_nothing_can_be_written_is_told_before_solving(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("taken")
    for out in (tmp_path / "file" / "flow", tmp_path / "file" / "a" / "b"):
        wrong = _run("flow", "das12_mv_india", "--out", out)
        assert wrong.exit_code == 2 and "stands under a file" in wrong.stderr
        assert wrong.stdout == "" and wrong.stderr.startswith("1 problem found")
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda *_: False)  # the superuser may write anywhere
        wrong = _run("flow", "das12_mv_india", "--out", tmp_path / "new" / "flow")
    assert wrong.exit_code == 2 and f"{tmp_path} cannot be written" in wrong.stderr
    wrong = _run("flow", "das12_mv_india", "--out", tmp_path / ("x" * 300))
    assert wrong.exit_code == 2 and "File name too long" in wrong.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--scale", "1e300"),
        ("--scale", "-1e8"),
        ("--source-voltage", "230"),
        ("--source-voltage", "1e-9"),
        ("--source-voltage", "nan"),
    ],
)
def test_an_absurd_number_is_one_problem(option, value):
    wrong = _run("flow", "ieee33_mv", option, value)
    assert wrong.exit_code == 2 and wrong.stdout == ""
    lines = wrong.stderr.splitlines()
    assert len(lines) == 2 and lines[1].strip().startswith(option)
