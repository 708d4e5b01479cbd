"""Comparisons: which settings, which runs, the same numbers whatever the processes, resuming."""

import json
import multiprocessing
import re
import shutil
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import pandas as pd
import pytest
from typer.testing import CliRunner

from gridbazaar.__main__ import app
from gridbazaar.analysis.compare import compare, folder_name
from gridbazaar.analysis.compare_figure import compare_figure
from gridbazaar.analysis.compare_measures import MEASURES
from gridbazaar.analysis.compare_over import settings_of
from gridbazaar.analysis.kpis import KPIS, kpi_table
from gridbazaar.market.registry import CHOICE_RULES, MECHANISMS
from gridbazaar.market.tariff_presets import preset_names
from gridbazaar.scenarios.problems import ScenarioError
from gridbazaar.sim.results import read_results
from gridbazaar.sim.run_directory import RunError

SHARED = ["days=1", "market.engine=exact"]
TIMED = ["clearing_wall_seconds"]  # of this machine, not of the data


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """One day with and without a market, in one process."""
    out = tmp_path_factory.mktemp("compare") / "both"
    return compare("kerala-village", "market.mechanism=pareto,grid-only", SHARED, out=out)


@pytest.mark.parametrize(
    ("over", "key", "values"),
    [
        ("market.choose=knee,maximin", "market.choose", ("knee", "maximin")),
        ("market.choose=all", "market.choose", tuple(CHOICE_RULES)),
        ("market.mechanism=all", "market.mechanism", tuple(MECHANISMS)),
        ("battery.absorb_deviation=all", "battery.absorb_deviation", ("false", "true")),
        ("interval_minutes=all", "interval_minutes", ("5", "15", "30", "60")),
        ("tariff=all", "tariff", preset_names()),
        ("market.goals=[1, 0.5],[0.5, 1]", "market.goals", ("[1, 0.5]", "[0.5, 1]")),
        ("tariff={preset: simple, netting: interval},simple", "tariff",
         ("{preset: simple, netting: interval}", "simple")),
        ("tariff.feed_in_per_kwh=2,3", "tariff.feed_in_per_kwh", ("2", "3")),
        (("market.reprice", [True, False]), "market.reprice", ("true", "false")),
    ],
)  # fmt: skip
def test_settings_are_read(over, key, values):
    assert settings_of(over) == (key, tuple(values))


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ("market.choose", "has no values"),
        ("market.chose=a,b", "perhaps market.choose"),
        ("market=a,b,a", "stands twice"),
        ("market.choose=knee", "nothing to compare"),
        ("market.choose=knee,,maximin", "a value is empty"),
        ("seed=all", "`all` goes with keys"),
        ("market.choose.deeper=1,2", "is no key"),
    ],
)
def test_bad_settings_say_what_to_do(over, words):
    with pytest.raises(RunError, match=re.escape(words)):
        settings_of(over)


def test_a_bad_value_stops_before_anything_is_written(tmp_path):
    out = tmp_path / "none"
    with pytest.raises(ScenarioError) as error:
        compare("kerala-village", "market.k=0.5,2,x", ["days=0"], out=out)
    assert len(error.value.problems) == 3
    assert not out.exists()


def test_the_table_is_that_of_each_run(compared):
    assert list(compared.table.setting) == ["pareto", "grid-only"]
    assert compared.notes == ()
    assert list(compared.table.columns[1:]) == [one.name for one in MEASURES]
    table = compared.table.set_index("setting")
    for setting, run in compared.runs.items():
        kpis = kpi_table(read_results(run)).set_index("kpi")
        for one in MEASURES:
            if one.kpi:
                expected = kpis.loc[one.kpi, one.side]
                assert table.loc[setting, one.name] == pytest.approx(expected, nan_ok=True)
    assert table.traded_kwh["pareto"] > 0.0 == table.traded_kwh["grid-only"]
    assert pd.isna(table.mean_price_per_kwh["grid-only"])
    kept = pd.read_csv(compared.out / "comparison.csv")
    assert list(kept["market.mechanism"]) == ["pareto", "grid-only"]
    assert len(pd.read_csv(compared.out / "indicators.csv")) == 2 * len(KPIS)
    assert (compared.out / "comparison.png").stat().st_size > 10_000


def test_the_figure_shows_no_time_and_no_count_left_of_zero(compared):
    broken = replace(compared, table=compared.table.assign(schedules_cured=[4.0, 0.0]))
    axes = compare_figure(broken).axes
    assert not [ax for ax in axes if "clearing" in ax.get_xlabel()]
    (volts,) = [ax for ax in axes if "voltage limit" in ax.get_xlabel()]
    assert [bar.get_width() for bar in volts.patches][:2] == [4.0, 0.0]
    assert min(bar.get_x() for bar in volts.patches) == 0.0


def test_processes_change_nothing(compared, tmp_path):
    over = ("market.mechanism", ["pareto", "grid-only"])
    other = compare("kerala-village", over, SHARED, out=tmp_path / "two", workers=2)
    pd.testing.assert_frame_equal(
        other.table.drop(columns=TIMED), compared.table.drop(columns=TIMED)
    )
    for setting, run in compared.runs.items():
        for name in ("trades.parquet", "bills.csv", "no_p2p.parquet"):
            assert (other.runs[setting] / name).read_bytes() == (run / name).read_bytes()


def test_resuming_keeps_what_is_finished_and_adds(compared, tmp_path):
    out = tmp_path / "again"
    shutil.copytree(compared.out, out)
    shutil.rmtree(out / "grid-only")
    before = (out / "pareto" / "timing.json").read_bytes()
    again = compare(
        "kerala-village", "market.mechanism=grid-only,pareto", SHARED, out=out, resume=True
    )
    assert (out / "pareto" / "timing.json").read_bytes() == before
    assert list(again.table.setting) == ["grid-only", "pareto"]
    with pytest.raises(RunError, match="another scenario, key or setting"):
        compare("kerala-village", "market.mechanism=all", ["days=2"], out=out, resume=True)
    with pytest.raises(RunError, match="not empty"):
        compare("kerala-village", "market.mechanism=all", SHARED, out=out)
    with pytest.raises(RunError, match="no comparison to go on with"):
        compare("kerala-village", "market.mechanism=all", out=tmp_path / "x", resume=True)


def test_a_setting_that_cannot_run_is_told_and_the_rest_goes_on(tmp_path):
    over = "feeder.name=kerala_village_lv,das12_mv_india"
    answer = CliRunner().invoke(
        app,
        ["compare", "kerala-village", "--over", over, "--days", "1", "--out", str(tmp_path / "o"),
         "--set", "members.generate.homes=3", "--set", "market.engine=exact",
         "--workers", "1", "--json"],
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    document = json.loads(answer.stdout)
    assert [row["setting"] for row in document["settings"]] == over.partition("=")[2].split(",")
    broken = tmp_path / "o" / "das12_mv_india"
    (broken / "bills.csv").unlink()
    answer = CliRunner().invoke(
        app,
        ["compare", "kerala-village", "--over", over, "--days", "1", "--out", str(tmp_path / "o"),
         "--set", "members.generate.homes=3", "--set", "market.engine=exact",
         "--workers", "1", "--json", "--resume"],
    )  # fmt: skip
    assert answer.exit_code == 1
    document = json.loads(answer.stdout)
    assert len(document["settings"]) == 1
    assert "bills.csv" in document["failed"]["das12_mv_india"][0]
    assert "bills.csv" in answer.stderr


def test_folders_never_collide():
    names = ["a", "[2, 4]", "[2, 3]", "2-4", "x.partial", "../up", ".hidden", "", "é"]
    folders = [folder_name(name) for name in names]
    assert len(set(folders)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", folder) for folder in folders)


def test_a_killed_process_is_one_error_that_names_the_way_on(tmp_path):
    def kill_one():
        while not multiprocessing.active_children():
            time.sleep(0.01)
        multiprocessing.active_children()[0].kill()

    over, out = "market.mechanism=optimum,grid-only", tmp_path / "killed"
    thread = threading.Thread(target=kill_one)
    thread.start()
    with pytest.raises(RunError, match=r"ended from outside.*--resume") as error:
        compare("kerala-village", over, SHARED, out=out, workers=2)
    thread.join()
    assert len(error.value.problems) == 1
    # A pool may see the end of one process only when the other answers: then one setting is lost.
    lost = error.value.problems[0].removeprefix(f"{out}: ").partition(": ")[0]
    assert lost in ("optimum", "grid-only", "optimum, grid-only")
    again = compare("kerala-village", over, SHARED, out=out, resume=True)
    assert list(again.table.setting) == ["optimum", "grid-only"] and not again.failed


def test_a_process_killed_while_another_starts_is_the_same_error(tmp_path, monkeypatch):
    """The pool closes its pipes then, and what starts stumbles over them."""

    def stumble(self, *args):
        raise OSError("handle is closed")

    monkeypatch.setattr(ProcessPoolExecutor, "submit", stumble)
    over, out = "market.mechanism=optimum,grid-only", tmp_path / "killed"
    with pytest.raises(RunError, match=r"ended from outside.*--resume"):
        compare("kerala-village", over, SHARED, out=out, workers=2)


def test_other_lengths_are_said(tmp_path):
    answer = CliRunner().invoke(
        app,
        ["compare", "kerala-village", "--over", "days=1,2", "--out", str(tmp_path / "o"), "--set",
         "market.mechanism=grid-only", "--set", "members.generate.homes=2", "--workers", "1"],
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    assert "differ in length (1: 1 day, 2: 2 days)" in answer.stderr
