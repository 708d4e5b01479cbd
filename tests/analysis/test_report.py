"""The report and its figures: complete, self-contained, true to the run, whatever the run is."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from gridbazaar.analysis.figures import FIGURES
from gridbazaar.analysis.figures.fronts import front_widths
from gridbazaar.analysis.figures.trades import pair_energy
from gridbazaar.analysis.figures.voltages import worst_voltages
from gridbazaar.analysis.report import write_report
from gridbazaar.network.limits import VoltageLimits
from gridbazaar.sim.results import read_results
from gridbazaar.sim.run import run_scenario


class Links(HTMLParser):
    """Collects what a page would fetch, and the identifiers in it."""

    def __init__(self):
        super().__init__()
        self.fetched, self.ids, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        for name in ("src", "href", "xlink:href", "data", "action"):
            value = attributes.get(name)
            if value and not value.startswith(("#", "data:")):
                self.fetched.append((tag, value))
        if "id" in attributes:
            self.ids.append(attributes["id"])


@pytest.fixture(scope="module")
def untraded(tmp_path_factory):
    """A day without any trade, on the grid alone."""
    out = tmp_path_factory.mktemp("grid") / "run"
    return run_scenario("kerala-village", ["days=1", "market.mechanism=grid-only"], out=out)


@pytest.fixture(scope="module")
def page(finished):
    return write_report(read_results(finished)).read_text("utf-8")


def test_the_page_fetches_nothing_and_is_sound(page):
    links = Links()
    links.feed(page)
    assert links.fetched == []
    assert not re.search(r"url\((?!#)|@import|https?://[^\s\"]+\.(js|css|woff2?)", page)
    assert len(links.ids) == len(set(links.ids)), "two figures share an identifier"
    for name in FIGURES:
        assert name in links.ids


def test_the_page_says_what_was_run(page, finished):
    manifest = read_results(finished).manifest
    for word in ("57 homes", "pareto", "3 days", "Gini", "Every check"):
        assert word in page, word
    assert re.search(r"all \d+ checks passed", page)
    for name, version in manifest["versions"].items():
        assert f"{name} {version}" in page
    assert f"Seed {manifest['seed']}." in page
    assert 'data-n="' in page and "aria-sort" in page


def test_figures_are_kept_as_vectors_and_pixels(page, finished):
    for name in FIGURES:
        assert (finished / "figures" / f"{name}.svg").read_text("utf-8").count("<svg") == 1
        assert (finished / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    kpis = json.loads((finished / "kpis.json").read_text("utf-8"))
    assert kpis["self_sufficiency"]["unit"] == "share"
    assert kpis["mean_price_per_kwh"]["no_p2p"] is None


def test_the_same_run_gives_the_same_report(page, finished):
    assert write_report(read_results(finished)).read_text("utf-8") == page


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_without_any_trade(name, untraded, tmp_path):
    figure = FIGURES[name].draw(untraded)
    figure.savefig(tmp_path / "figure.png", dpi=40)
    words = FIGURES[name].says(untraded)
    assert words.endswith(".")
    assert "nan" not in words.lower()


@pytest.mark.parametrize("name", FIGURES)
def test_axes_carry_names_and_units(name, finished):
    for ax in FIGURES[name].draw(read_results(finished)).axes:
        labels = " ".join([ax.get_xlabel(), ax.get_ylabel(), ax.get_title()])
        assert labels.strip() or not ax.axison or ax.get_shared_x_axes().get_siblings(ax)


def test_the_matrix_holds_all_energy(finished):
    results = read_results(finished)
    table = pair_energy(results)
    assert table.to_numpy().sum() == pytest.approx(results.trades.energy_kwh.sum())
    assert (np.diff(table.sum(axis=1)) <= 1e-9).all()


def test_fronts_hold_their_chosen_point(finished):
    results = read_results(finished)
    assert results.fronts.groupby(results.fronts.frame_id.astype(str)).chosen.sum().eq(1).all()
    width = front_widths(results)
    assert width.width.between(0.0, 1.0).all()
    assert width.place.dropna().between(-1e-9, 1.0 + 1e-9).all()
    points = results.frames.set_index("frame_id").front_points.dropna()
    counted = results.fronts.groupby(results.fronts.frame_id.astype(str)).size()
    assert points.astype(int).to_dict() == counted.to_dict()


def test_worst_voltage_is_the_one_nearest_to_a_limit(finished):
    state = read_results(finished).feeder_state
    limits = VoltageLimits(0.95, 1.05)
    worst = worst_voltages(state, limits)
    margin = np.minimum(limits.upper_pu - worst, worst - limits.lower_pu)
    every = np.minimum(limits.upper_pu - state.v_pu, state.v_pu - limits.lower_pu).min(axis=0)
    assert margin == pytest.approx(every, abs=1e-6)
