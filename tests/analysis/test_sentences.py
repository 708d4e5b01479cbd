"""Sentences and headings of a report: singular, small money, ends of days, what a rule has not."""

import doctest
import re

import numpy as np
import pytest

from gridbazaar.analysis import page, report, wording
from gridbazaar.analysis.comparison_figures import trade_of_runs
from gridbazaar.analysis.figures import FIGURES
from gridbazaar.analysis.report import days_of, in_words
from gridbazaar.sim.results import read_results
from gridbazaar.sim.run import run_scenario
from gridbazaar.sim.run_directory import RunError


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One home on the grid alone, for a day."""
    settings = ["days=1", "market.mechanism=grid-only", "members.generate.homes=1"]
    return run_scenario("kerala-village", settings, out=tmp_path_factory.mktemp("one") / "run")


@pytest.mark.parametrize("module", [wording, report])
def test_examples_in_the_docstrings_are_right(module):
    assert doctest.testmod(module).failed == 0


def test_one_home_without_a_market_is_told_as_it_is(alone):
    words = in_words(alone)
    assert words.startswith("1 home on") and "without a market (grid-only)" in words
    assert "checked by power flow" not in words and "bid by" not in words
    assert days_of(alone.manifest) == alone.manifest["start"][:10]
    assert "chooses from no Pareto front" in FIGURES["pareto_front"].says(alone)
    assert "1 member unaffected" in FIGURES["savings"].says(alone)


@pytest.mark.parametrize("name", FIGURES)
def test_percent_is_written_one_way(name, finished):
    assert not re.search(r"\d%", FIGURES[name].says(read_results(finished)))


def test_the_day_says_feeds_where_it_feeds(finished):
    results = read_results(finished)
    net = results.community.net_export_kwh.groupby(results.community.start.dt.hour).sum()
    words = FIGURES["average_day"].says(results)
    assert ("feeds in most" in words) == (net.max() > 0.0)


def test_the_legend_of_prices_has_every_colour(finished):
    results = read_results(finished)
    (legend,) = FIGURES["prices"].draw(results).legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert {f"trade, {name}" for name in results.frames.name.unique()} < set(labels)


def test_dates_are_those_of_the_run(alone):
    figure = FIGURES["energy_by_day"].draw(alone)
    figure.canvas.draw()
    ticks = figure.axes[-1].get_xticklabels()
    first = int(alone.manifest["start"][8:10])
    assert [text.get_text().split()[0] for text in ticks] == [str(first)]


def test_no_price_is_drawn_where_nothing_was_traded(alone):
    heights = [bar.get_height() for bar in trade_of_runs([("alone", alone)]).axes[1].patches]
    assert heights and np.isnan(heights).all()


def test_pictures_have_the_resolution_that_journals_ask_for():
    assert page.PNG_DPI >= 300


def test_a_file_is_not_called_missing(tmp_path):
    (tmp_path / "run.txt").write_text("x")
    with pytest.raises(RunError, match="is a file: name the directory"):
        read_results(tmp_path / "run.txt")
