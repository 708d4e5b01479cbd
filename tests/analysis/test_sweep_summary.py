"""Means, intervals, effects and indices of sweeps, against what is known by hand."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy import stats

from gridbazaar.analysis.kpis.registry import KPIS
from gridbazaar.analysis.sweep.design import design_points
from gridbazaar.analysis.sweep.figures import FIGURES, sobol_figure, strongest
from gridbazaar.analysis.sweep.jobs import plan_jobs
from gridbazaar.analysis.sweep.measures import columns_of, measure_columns
from gridbazaar.analysis.sweep.plan import read_plan
from gridbazaar.analysis.sweep.sobol import missing_points, sobol_indices
from gridbazaar.analysis.sweep.summary import effects, mean_interval, parts_of, summarize


def planned(folder, **keys):
    document = {"name": "n", "scenario": "kerala-village", "days": 1, "measures": ["saving"]}
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({**document, **keys}, sort_keys=False), encoding="utf-8")
    return plan_jobs(read_plan(path))


def made_up(jobs, of):
    """A table as a sweep writes it, with `of(point, seed)` for `saving` and 1 for the rest."""
    rows = []
    for job in jobs.every:
        point = jobs.points[job.point]
        measures = dict.fromkeys(measure_columns(), 1.0)
        rows.append(
            {"point": job.point, **point, "seed": job.seed, "status": "done", **measures,
             "saving": of(point, job.seed)}
        )  # fmt: skip
    return pd.DataFrame(rows)


def row_of(table, **where):
    for name, value in where.items():
        table = table[table[name] == value]
    (row,) = table.to_dict("records")
    return row


def test_an_interval_is_students():
    values = [3.0, 5.0, 4.0, 9.0]
    found = mean_interval([*values, np.nan])
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (found.n, found.mean) == (4, 5.25)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert mean_interval([2.0]).mean == 2.0 and np.isnan(mean_interval([2.0]).low)
    assert mean_interval([]).n == 0


def test_ninety_five_of_a_hundred_intervals_hold_the_mean():
    draws = np.random.default_rng(1).normal(2.0, 3.0, (2000, 5))
    held = [found.low < 2.0 < found.high for found in map(mean_interval, draws)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_means_and_effects_are_over_seeds(tmp_path):
    jobs = planned(
        tmp_path, parameters={"market.k": [0.0, 0.5, 1.0], "market.padding": [0, 1]}, seeds=[1, 2]
    )
    village = {1: 100.0, 2: 300.0}  # what a seed's homes do, whatever the setting
    table = made_up(jobs, lambda p, s: village[s] + 10.0 * p["market.k"] + 0.5 * s * p["market.k"])
    row = row_of(summarize(jobs, table), parameter="market.k", setting="1", indicator="saving")
    assert (row["runs"], row["observations"], row["unit"]) == (4, 2, "INR")
    assert row["mean"] == pytest.approx(200.0 + 10.0 + 0.75)
    half = stats.t.ppf(0.975, 1) * (311.0 - 110.5) / 2.0
    assert row["ci95_high"] - row["mean"] == pytest.approx(half)
    row = row_of(effects(jobs, table), parameter="market.k", indicator="saving")
    assert (row["first"], row["last"], row["observations"]) == ("0", "1", 2)
    assert row["difference"] == pytest.approx(10.75)  # paired: the villages cancel out
    half = stats.t.ppf(0.975, 1) * (11.0 - 10.5) / 2.0
    assert row["ci95_high"] - row["difference"] == pytest.approx(half)
    row = row_of(effects(jobs, table), parameter="market.padding", indicator="saving")
    assert (row["difference"], row["ci95_low"]) == (0.0, 0.0)
    assert strongest(jobs, table) == ["market.k", "market.padding"]


def test_failed_runs_are_left_out(tmp_path):
    jobs = planned(tmp_path, parameters={"market.k": [0.0, 1.0]}, seeds=[1, 2, 3])
    table = made_up(jobs, lambda p, s: p["market.k"])
    table.loc[0, "status"] = "failed"
    table.loc[0, list(measure_columns())] = np.nan
    row = row_of(summarize(jobs, table), setting="0", indicator="saving")
    assert (row["runs"], row["observations"], row["mean"]) == (2, 2, 0.0)
    assert row_of(effects(jobs, table), indicator="saving")["observations"] == 2


def test_draws_with_one_seed_are_compared_by_welch(tmp_path):
    design = {"name": "latin-hypercube", "points": 40, "seed": 2}
    jobs = planned(tmp_path, parameters={"market.k": {"uniform": [0, 1]}}, design=design)
    noise = np.random.default_rng(3).normal(size=40)
    table = made_up(jobs, lambda p, s: 5.0 * p["market.k"])
    table["saving"] += noise
    part, labels = parts_of(table["market.k"])
    assert len(labels) == 5 and (part.value_counts() == 8).all()
    first, last = table.saving[part == 0], table.saving[part == 4]
    by_scipy = stats.ttest_ind(last, first, equal_var=False).confidence_interval(0.95)
    row = row_of(effects(jobs, table), indicator="saving")
    assert (row["ci95_low"], row["ci95_high"]) == pytest.approx(tuple(by_scipy))


def test_sobol_indices_of_a_known_function(tmp_path):
    """Ishigami and Homma's function has its indices in closed form."""
    names = ["market.k", "market.padding", "bidding.margin_per_kwh"]
    jobs = planned(
        tmp_path,
        parameters={name: {"uniform": [0.0, 1.0]} for name in names},
        design={"name": "saltelli", "points": 4, "seed": 5},
    )
    more = replace(jobs, plan=jobs.plan.model_copy(update={"design": jobs.plan.design.model_copy(
        update={"points": 4096})}))  # fmt: skip
    more = replace(more, points=design_points(more.plan))
    x = np.pi * (2.0 * np.array([list(point.values()) for point in more.points]) - 1.0)
    y = np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    table = pd.DataFrame({"point": range(len(y)), "status": "done", "seed": 1})
    table = table.join(pd.DataFrame(1.0, table.index, list(measure_columns())))
    table["saving"] = y
    found = sobol_indices(more, table)
    assert set(found.indicator) == {"saving"}  # the rest does not vary
    exact = {"first": (0.3139, 0.4424, 0.0), "total": (0.5576, 0.4424, 0.2437)}
    for order, values in exact.items():
        here = found[found.order == order].set_index("parameter").loc[names]
        assert here["index"].to_numpy() == pytest.approx(values, abs=0.06)
        assert (np.abs(here["index"].to_numpy() - values) <= 2.0 * here.ci95 + 0.01).all()
    for name in names:
        table[name] = [point[name] for point in more.points]
    assert len([ax for ax in sobol_figure(more, table, found).axes if ax.get_visible()]) == 1
    table.loc[3, "status"] = "failed"
    assert missing_points(more, table) == 1


def test_figures_are_drawn_of_all_that_has_a_value(tmp_path):
    jobs = planned(
        tmp_path,
        parameters={"market.k": [0.0, 1.0], "market.engine": ["nsga2", "exact"]},
        measures=["saving", "better_off", "traded_kwh"],
        seeds=[1, 2],
    )
    table = made_up(jobs, lambda p, s: s + p["market.k"])
    table["better_off"] = np.nan
    for name, _, draw, _ in FIGURES:
        axes = [ax for ax in draw(jobs, table).axes if ax.get_visible()]
        assert len(axes) == (4 if name == "main_effects" else 2), name


def test_columns_are_market_counterfactual_and_difference():
    values = {name: [3.0, None if kpi.no_p2p is None else 1.0] for name, kpi in KPIS.items()}
    row = columns_of(values)
    assert list(row) == list(measure_columns())
    assert (row["saving"], "change_saving" in row) == (3.0, False)
    assert (row["no_p2p_losses_kwh"], row["change_losses_kwh"]) == (1.0, 2.0)
    assert columns_of({**values, "losses_kwh": [None, 1.0]})["change_losses_kwh"] is None
    assert measure_columns()["change_self_sufficiency"].unit == "points"


def test_combinations_of_one_saltelli_draw_are_one_observation(tmp_path):
    """Intervals as of so many independent runs would be too narrow by far: most are repeats."""
    jobs = planned(
        tmp_path,
        parameters={"market.k": {"choice": [0.0, 1.0]}, "members.generate.pv_share": [0.2, 0.4]},
        design={"name": "saltelli", "points": 16},
    )
    assert len(jobs.points) == 16 * 4
    table = made_up(jobs, lambda p, s: 10.0 * p["market.k"] + p["members.generate.pv_share"])
    row = row_of(summarize(jobs, table), parameter="market.k", setting="1", indicator="saving")
    here = table[table["market.k"] == 1.0]
    means = here.saving.groupby(here.point // 4).mean()
    assert row["observations"] == len(means) <= 16 < row["runs"] == len(here)
    half = stats.t.ppf(0.975, len(means) - 1) * stats.sem(means)
    assert (row["mean"], row["ci95_high"]) == pytest.approx((means.mean(), means.mean() + half))
    moved = row_of(effects(jobs, table), parameter="market.k", indicator="saving")
    assert moved["observations"] <= 32
    assert moved["difference"] == pytest.approx(moved["mean_last"] - moved["mean_first"])


def test_settings_close_together_keep_names_of_their_own():
    assert parts_of(pd.Series([0.5, 0.50000001]))[1] == ["0.5", "0.50000001"]
    near = parts_of(pd.Series(1.0 + 1e-6 * np.arange(100)))[1]
    assert len(set(near)) == 5 and all(low != high for low, high in (x.split(" to ") for x in near))


def test_names_in_figures_neither_hide_one_another_nor_are_cut(tmp_path):
    jobs = planned(
        tmp_path,
        parameters={"market.k": {"uniform": [0.01, 0.99]},
                    "members.generate.pv_share": {"uniform": [0.011, 0.97]}},
        design={"name": "latin-hypercube", "points": 40},
        measures=["self_sufficiency", "better_off"],
    )  # fmt: skip
    table = made_up(jobs, lambda p, s: 0.0)
    table["self_sufficiency"] = table["market.k"]
    for _, _, draw, _ in FIGURES:
        figure = draw(jobs, table)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        for ax in figure.axes:
            for text in (ax.title, ax._left_title):
                box = text.get_window_extent()
                assert box.x1 <= figure.bbox.x1 + 1.0, text.get_text()
            names = [text for text in ax.get_xticklabels() if " to " in text.get_text()]
            flat = [text.get_window_extent() for text in names if text.get_rotation() == 0.0]
            assert all(a.x1 < b.x0 for a, b in itertools.pairwise(flat))
