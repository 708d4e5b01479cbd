"""Runs side by side: differences are right, what does not compare is said, bad input is listed."""

import json
import re
import shutil

import pytest
from typer.testing import CliRunner

from gridbazaar.__main__ import app
from gridbazaar.analysis.kpis import kpi_table
from gridbazaar.analysis.side_by_side import (
    comparison_notes,
    indicator_sheets,
    member_sheet,
    read_all,
    setting_sheet,
)
from gridbazaar.sim.results import read_results
from gridbazaar.sim.run import run_scenario


@pytest.fixture(scope="module")
def shorter(tmp_path_factory):
    """A day of the same village under another price rule, tariff and seed."""
    changes = ["days=1", "seed=1", "market.price_rule=mid-market", "tariff=simple"]
    out = tmp_path_factory.mktemp("other") / "run"
    return run_scenario("kerala-village", changes, out=out).path


def test_what_was_set_otherwise_is_listed(finished, shorter):
    rows = {row[0]: row[1:] for row in setting_sheet(read_all([finished, shorter])).rows}
    assert rows["days"] == ["3", "1"]
    assert rows["market.price_rule"] == ["merit-order", "mid-market"]
    assert rows["tariff.name"][1] == "simple"
    assert rows["seed"] == ["2", "1"]
    assert "feeder.name" not in rows


def test_lengths_are_noted_and_sums_are_by_day(finished, shorter):
    labelled = read_all([finished, shorter])
    notes = " ".join(comparison_notes(labelled))
    assert "length" in notes and "3 days" in notes and "1 day" in notes
    assert "differ in tariff" in notes and "differ in seed" in notes
    assert "currency" not in notes and "members" not in notes
    assert comparison_notes(labelled[:1]) == []
    tables = [kpi_table(run.results) for run in labelled]
    rows = {row[0]: row for _, sheet in indicator_sheets(labelled, tables) for row in sheet.rows}
    load = rows["load"]
    assert load[1] == "kWh a day"
    expected = read_results(finished).community.load_kwh.sum() / 3
    assert float(load[2].replace(",", "")) == pytest.approx(expected, abs=0.5)
    assert rows["least voltage"][1] == "p.u."
    assert rows["accepted schedules above the upper limit"][1] == "frames a day"


def test_members_are_compared_one_by_one(finished, shorter):
    sheet = member_sheet(read_all([finished, shorter]))
    saving = read_results(finished).bills.groupby("prosumer").saving.sum() / 3
    for row in sheet.rows:
        assert row[1][1] == pytest.approx(saving[row[0]])
        assert row[3][1] == pytest.approx(row[2][1] - row[1][1])


def test_the_command_writes_one_page(finished, shorter, tmp_path):
    page = tmp_path / "both.html"
    done = CliRunner().invoke(
        app, ["report", str(finished), str(shorter), "--out", str(page), "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["out"] == str(page)
    text = page.read_text("utf-8")
    assert text.count("<svg") == 3
    assert "The runs differ in length" in text
    assert not re.search(r'(src|href)="(?!#)', text)


def test_every_problem_of_every_run_is_told_at_once(finished, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "half.partial").mkdir()
    lacking = tmp_path / "lacking"
    shutil.copytree(finished, lacking)
    (lacking / "no_p2p.parquet").unlink()
    runs = [tmp_path / "none", empty, tmp_path / "half", lacking, finished, finished]
    done = CliRunner().invoke(app, ["report", *map(str, runs)])
    assert done.exit_code == 2
    for words in (
        "none: RUN: no such directory",
        "empty: RUN: the directory holds no run",
        "half: RUN: the run is not finished",
        "no_p2p.parquet: RUN: the file is missing",
        "is named twice",
    ):
        assert words in done.stderr, words
    assert "5 problems" in done.stderr
    assert not list(tmp_path.glob("*.html"))


def test_one_run_takes_no_out(finished, tmp_path):
    done = CliRunner().invoke(app, ["report", str(finished), "--out", str(tmp_path / "a.html")])
    assert done.exit_code == 2
    assert "leave it out" in done.stderr


def test_labels_tell_runs_of_one_name_apart(finished, tmp_path):
    other = tmp_path / finished.name
    shutil.copytree(finished, other)
    labels = [run.label for run in read_all([finished, other])]
    assert len(set(labels)) == 2
    assert all(label.endswith(finished.name) for label in labels)
