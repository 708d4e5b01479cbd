"""Sweep files: what they may say, every problem at once, and the points of their designs."""

import re

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gridbazaar.__main__ import app
from gridbazaar.analysis.sweep import jobs, run_id
from gridbazaar.analysis.sweep.design import design_points, unit_points
from gridbazaar.analysis.sweep.extras import distributed_module
from gridbazaar.analysis.sweep.jobs import plan_jobs
from gridbazaar.analysis.sweep.parameters import Parameter, text_of
from gridbazaar.analysis.sweep.plan import Design, Plan, read_plan
from gridbazaar.scenarios.problems import ScenarioError
from gridbazaar.sim.run_directory import RunError

BASE = {"name": "n", "scenario": "kerala-village", "days": 1}


def written(folder, **keys):
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({**BASE, **keys}, sort_keys=False), encoding="utf-8")
    return path


def problems(folder, **keys):
    with pytest.raises(ScenarioError) as error:
        plan_jobs(read_plan(written(folder, **keys)))
    return error.value.problems


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"parameterz": {}}, "parameterz: {}: unknown key, perhaps parameters: correct or remove"),
        ({}, "parameters: (empty): is missing: give it"),
        ({"parameters": {"market.k": {"value": [1]}}}, "unknown key, perhaps values"),
        ({"parameters": {"market.k": {"steps": 2}}}, "takes exactly one form: give one of values"),
        ({"parameters": {"market.k": {"range": [0, 1]}}}, "`range` and `steps` go together"),
        ({"parameters": {"market.k": {"uniform": [1, 0]}}}, "the first number must be below"),
        ({"parameters": {"market.k": {"loguniform": [0, 1]}}}, "a logarithm has no zero"),
        ({"parameters": {"market.k": {"normal": [0, 1]}}}, "`normal` and `within` go together"),
        ({"parameters": {"market.k": [0, 0]}}, "0 stands twice"),
        ({"parameters": {"market.k": {"uniform": [0, 1]}}}, "no list of values for a grid"),
        ({"parameters": {"seed": [1, 2]}}, "seeds stand in `seeds` or `replications`"),
        ({"parameters": {"market.k": [0, 0.0]}}, "0.0 stands twice"),
        ({"parameters": {"market.k": [1, "1"]}}, "1\" stands twice"),
        ({"parameters": {"x": {"levels": [{"value": 1, "set": {"market.k": 0.1}},
                                          {"value": 1.0, "set": {"market.k": 0.2}}]}}},
         "1.0 stands twice"),
        ({"parameters": {"market.k": [-1]}, "days": 0}, "days: 0: is below 1: give 1 or more"),
        ({"parameters": {"saving": {"key": "market.k", "values": [0]}}},
         "is the name of a column of the results already: name it otherwise"),
        ({"parameters": {"seed": {"key": "market.k", "values": [0]}}}, "is the name of a column"),
        ({"parameters": {"tariff.feed_in_per_kwh": [2, 3], "tariff": ["simple", "report"]}},
         "tariff.feed_in_per_kwh is moved by parameters.tariff.feed_in_per_kwh already"),
        ({"parameters": {"tariff": ["simple", "report"]}, "set": {"tariff.feed_in_per_kwh": 2}},
         "set.tariff.feed_in_per_kwh: 2: tariff is moved by parameters.tariff as well"),
        ({"parameters": {"market.k": {"range": [0, 1], "steps": 9999},
                         "tariff.feed_in_per_kwh": {"range": [0, 1], "steps": 9999}}},
         "makes 9.998e+07 runs, more than 200000"),
        ({"parameters": {"market.k": [0]}, "replications": 100_000, "seeds": None,
          "design": {"name": "latin-hypercube", "points": 1_000_000}}, "makes 1e+11 runs"),
        ({"parameters": {"market.k": [0], "x": {"key": "market.k", "values": [1]}}},
         "the key is moved by parameters.market.k already"),
        ({"parameters": {"market.k": [0]}, "set": {"market.k": 1}}, "as well: remove one"),
        ({"parameters": {"market.k": [0]}, "set": {"seed": 1}}, "has a key of its own"),
        ({"parameters": {"market.k": [0]}, "measures": ["savings"]}, "perhaps saving"),
        ({"parameters": {"market.k": [0]}, "outputs": ["frame"]}, "perhaps frames"),
        ({"parameters": {"market.k": [0]}, "scenario": "kerala"}, "neither a shipped scenario"),
        ({"parameters": {"market.k": [0]}, "scenario": "../x.yaml"}, "leads out of the scenario"),
        ({"parameters": {"market.k": [0]}, "scenario": "x.yaml"}, "no such file"),
        ({"parameters": {"market.k": [0]}, "seeds": [1, 1]}, "a seed stands twice"),
        ({"parameters": {"market.k": [0]}, "seeds": [1], "replications": 2}, "exclude one another"),
        ({"parameters": {"market.k": {"uniform": [0, 1]}},
          "design": {"name": "saltelli", "points": 60}}, "needs a power of 2"),
        ({"parameters": {"market.k": {"uniform": [0, 1]}}, "design": "latin-hypercube"},
         "the other designs need them"),
        ({"parameters": {"market.k": [0]}, "set": {"market.lambda": float("nan")}},
         "set.market.lambda: nan: no scenario can hold it"),
        ({"parameters": {"market.k": [0, b"hello"]}}, "parameters.market.k.values.1"),
        ({"parameters": {"p": {"levels": [{"value": 1, "set": {"market.k": float("inf")}}]}}},
         "no scenario can hold it: give a finite number"),
        ({"parameters": {f"market.x{i}": [0, 1] for i in range(2000)}},
         "makes about 10^602 runs"),
        ({"parameters": {"market.k": {"uniform": [-1e308, 1e308]}},
          "design": {"name": "latin-hypercube", "points": 4}}, "the two are too far apart"),
        ({"parameters": {"market.k": {"range": [-1e308, 1e308], "steps": 3}}},
         "the two are too far apart"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said(tmp_path, keys, words):
    found = problems(tmp_path, **keys)
    assert any(words in text for text in found), found


def test_every_combination_is_checked_and_every_problem_listed_once(tmp_path):
    found = problems(
        tmp_path,
        parameters={
            "market.k": [0.5, 2, -1],
            "feeder.name": ["no-such-feeder", "kerala_village_lv"],
        },
    )
    assert len(found) == 3
    assert any("market.k: 2: is above 1" in text for text in found)
    assert any("market.k: -1: is negative" in text for text in found)
    assert any("no-such-feeder" in text and "first at market.k=0.5" in text for text in found)


def test_what_is_wrong_with_keys_and_with_scenarios_is_told_together(tmp_path):
    found = problems(
        tmp_path,
        set={"market.enginee": "exact"},
        parameters={"market.k": [0.5, 2]},
        measures=["savingg"],
        outputs=["framess"],
    )
    words = ("perhaps saving", "perhaps frames", "market.enginee", "market.k: 2: is above 1")
    assert len(found) == 4 and all(any(word in text for text in found) for word in words), found


def test_the_name_left_out_is_the_files(tmp_path):
    path = tmp_path / "my study, 2.yaml"
    text = "{scenario: kerala-village, parameters: {market.k: [0]}}"
    path.write_text(text, encoding="utf-8")
    assert read_plan(path).plan.name == "my-study-2"


def test_a_run_is_known_by_the_code_that_makes_it(tmp_path, monkeypatch):
    path = written(tmp_path, parameters={"market.k": [0]})
    before = plan_jobs(read_plan(path))
    now = {**run_id.versions(), "code": "changed"}
    monkeypatch.setattr(jobs, "versions", lambda: now)
    after = plan_jobs(read_plan(path))
    assert before.every[0].run_id != after.every[0].run_id and before.digest != after.digest


def test_what_shows_only_with_the_members_is_found_before_the_first_run(tmp_path):
    (tmp_path / "m.csv").write_text("member,bus\na,1\nb,no-such-bus\n", encoding="utf-8")
    scenario = {
        "name": "own", "start": "2025-11-01", "feeder": {"name": "ieee33_mv"},
        "members": {"file": "m.csv"},
    }  # fmt: skip
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(scenario), encoding="utf-8")
    found = problems(tmp_path, scenario="own.yaml", parameters={"market.k": [0, 1]})
    assert any("no-such-bus" in text for text in found)


def test_a_bad_file_ends_with_2_and_writes_nothing(tmp_path):
    path = written(tmp_path, parameters={"market.k": [2]})
    answer = CliRunner().invoke(app, ["sweep", str(path), "--out", str(tmp_path / "o")])
    assert answer.exit_code == 2
    assert "1 problem found" in answer.stderr and not (tmp_path / "o").exists()
    answer = CliRunner().invoke(app, ["sweep", str(path), "--workers", "1", "--dask", "tcp://x"])
    assert answer.exit_code == 2 and "give one" in answer.stderr


def test_a_grid_goes_through_every_combination_in_order(tmp_path):
    linked = [
        {"value": "low", "set": {"market.k": 0.1, "tariff.feed_in_per_kwh": 2}},
        {"value": "high", "set": {"market.k": 0.9, "tariff.feed_in_per_kwh": 3}},
    ]
    path = written(
        tmp_path,
        parameters={
            "both": {"levels": linked},
            "members.generate.pv_share": {"range": [0.2, 0.4], "steps": 3},
        },
        replications=2,
    )
    made = plan_jobs(read_plan(path))
    assert [tuple(point.values()) for point in made.points] == [
        (both, share) for both in ("low", "high") for share in (0.2, 0.3, 0.4)
    ]
    assert [(job.point, job.seed) for job in made.every] == [
        (point, seed) for point in range(6) for seed in (1, 2)
    ]
    assert len(made.distinct) == 12
    last = made.every[-1].scenario()
    assert (last.market.k, last.seed, last.days) == (0.9, 2, 1)
    assert last.members.generate.pv_share == 0.4
    assert last.tariff == {"preset": "simple", "feed_in_per_kwh": 3}


def test_a_run_is_known_by_what_it_rests_on(tmp_path):
    def ids(**keys):
        path = written(tmp_path, **{"parameters": {"market.k": [0.1, 0.2]}, **keys})
        return [job.run_id for job in plan_jobs(read_plan(path)).every]

    base = ids()
    assert base == ids(description="other words", measures=["saving"])
    assert base == ids(parameters={"k": {"key": "market.k", "values": [0.1, 0.2]}})
    assert not set(base) & set(ids(seeds=[7]))
    assert not set(base) & set(ids(days=2))
    assert not set(base) & set(ids(set={"tariff.feed_in_per_kwh": 2.0}))


def test_a_run_is_known_by_the_files_it_reads(tmp_path):
    scenario = {
        "name": "own", "start": "2025-11-01", "feeder": {"name": "ieee33_mv"},
        "members": {"file": "m.csv"},
    }  # fmt: skip
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(scenario), encoding="utf-8")
    path = written(tmp_path, scenario="own.yaml", parameters={"market.k": [0]})
    (tmp_path / "m.csv").write_text("member,bus\na,2\nb,3\n", encoding="utf-8")
    before = plan_jobs(read_plan(path)).every[0].run_id
    assert plan_jobs(read_plan(path)).every[0].run_id == before
    (tmp_path / "m.csv").write_text("member,bus\na,2\nb,4\n", encoding="utf-8")
    assert plan_jobs(read_plan(path)).every[0].run_id != before


DRAWN = st.one_of(
    st.tuples(st.floats(-5, 5), st.floats(0.1, 5)).map(
        lambda p: Parameter(uniform=(p[0], p[0] + p[1]))
    ),
    st.tuples(st.floats(0.01, 5), st.floats(0.1, 5)).map(
        lambda p: Parameter(loguniform=(p[0], p[0] + p[1]))
    ),
    st.tuples(st.floats(-2, 2), st.floats(0.1, 3)).map(
        lambda p: Parameter(normal=p, within=(-1.0, 1.5))
    ),
    st.integers(-3, 3).map(lambda low: Parameter(integer=(low, low + 4))),
    st.lists(st.integers(), min_size=1, max_size=6, unique=True).map(
        lambda values: Parameter(choice=values)
    ),
)


@settings(max_examples=60, deadline=None)
@given(DRAWN, st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_a_parameter_is_the_quantile_of_its_distribution(parameter, places):
    drawn = [parameter.at(u) for u in sorted(places)]
    if parameter.choice is not None:
        assert set(drawn) <= set(parameter.choice)
        return
    form = parameter.within or parameter.uniform or parameter.loguniform or parameter.integer
    assert all(form[0] - 1e-9 <= value <= form[1] + 1e-9 for value in drawn)
    assert (np.diff(drawn) >= -1e-12).all()
    assert parameter.at(0.0) == pytest.approx(form[0], abs=1e-6)
    assert parameter.at(1.0) == pytest.approx(form[1], abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 1000))
def test_a_latin_hypercube_has_one_draw_in_every_part(points, d, seed):
    design = Design(name="latin-hypercube", points=points, seed=seed)
    draws = unit_points(design, d)
    assert draws.shape == (points, d)
    parts = np.sort((draws * points).astype(int), axis=0)
    assert (parts == np.arange(points)[:, None]).all()
    assert (unit_points(design, d) == draws).all()


@pytest.mark.parametrize("second_order", [False, True])
def test_saltellis_design_has_the_size_that_is_said(second_order):
    parameters = {name: Parameter(uniform=(0.0, 1.0)) for name in "abc"}
    design = Design(name="saltelli", points=8, seed=3, second_order=second_order)
    plan = Plan(name="n", scenario="s", parameters=parameters, design=design)
    points = design_points(plan)
    assert len(points) == plan.n_points == 8 * (8 if second_order else 5)
    assert points == design_points(plan)


def test_settings_are_texts_that_overrides_take():
    assert [text_of(value) for value in (True, None, 0.1, "a: b", {"k": [1]})] == [
        "true", "null", "0.1", '"a: b"', '{"k": [1]}'
    ]  # fmt: skip


def test_a_missing_package_names_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(RunError, match=re.escape("pip install 'gridbazaar[cluster]'")):
        distributed_module()
