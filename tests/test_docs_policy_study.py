"""The page of the policy study tells what its file of measured numbers says."""

import importlib
import sys
from pathlib import Path

import pandas as pd
import pytest

from gridbazaar.analysis.sweep.jobs import plan_jobs
from gridbazaar.analysis.sweep.plan import read_plan

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    yield importlib.import_module("policy_study")
    for name in ("policy_study", "doc_tables"):
        sys.modules.pop(name, None)


def test_the_tables_are_those_of_the_numbers(study):
    page = (DOCS / study.PAGE).read_text(encoding="utf-8")
    for name, text in study.tables(study.read_numbers()).items():
        again = sys.modules["doc_tables"].with_table(page, name, text)
        assert again == page, f"{name}: run docs/policy_study.py --tables"


def test_every_combination_of_the_file_was_run_with_every_seed(study):
    jobs = plan_jobs(read_plan(DOCS / study.PLAN))
    planned = pd.DataFrame([{**jobs.points[job.point], "seed": job.seed} for job in jobs.every])
    numbers = study.read_numbers()
    assert len(planned) == 135
    pd.testing.assert_frame_equal(numbers[list(planned.columns)], planned)


def test_the_conclusions_are_what_the_intervals_say(study):
    table = study.contrasts(study.read_numbers()).set_index(
        ["parameter", "first", "last", "measure"]
    )

    def change(*where):
        row = table.loc[where]
        return row.change, row.low, row.high

    mean = study.read_numbers().groupby("charge")[["saving", "traded_kwh"]].mean()
    assert change("charge", 0.0, 0.84, "saving") == pytest.approx((-936, -1023, -849), abs=0.6)
    assert change("charge", 0.0, 0.84, "traded_kwh") == pytest.approx((-29, -40, -19), abs=0.6)
    assert mean.saving[0.0] == pytest.approx(2032, abs=0.5)
    assert 0.84 * mean.traded_kwh[0.84] == pytest.approx(958, abs=0.5)
    net = "change_utility_net_after_banked"
    assert change("charge", 0.0, 0.84, net) == pytest.approx((-11, -20, -2), abs=0.6)
    assert change("pv_share", 0.2, 0.35, "saving") == pytest.approx((811, 428, 1193), abs=0.6)
    assert change("pv_share", 0.35, 0.5, "saving") == pytest.approx((-507, -1233, 220), abs=0.6)
    assert change("pv_share", 0.35, 0.5, "curtailed_kwh") == pytest.approx((723, 531, 915), abs=0.6)
    better = change("pv_share", 0.35, 0.5, "better_off")
    assert better == pytest.approx((-0.115, -0.183, -0.047), abs=0.001)
    assert change("night_over_day", 0.9, 1.11, "saving") == pytest.approx(
        (-404, -449, -359), abs=0.6
    )
    assert change("night_over_day", 0.9, 1.11, net) == pytest.approx((417, 368, 467), abs=0.6)
