"""The feeder's picture: no crossings, and what it shows."""

import io
import itertools
import subprocess
import sys
import time

import numpy as np
import pytest

from gridbazaar.analysis.feeder_figure import draw_feeder
from gridbazaar.analysis.feeder_layout import lay_out
from gridbazaar.network import Feeder, feeder_names, load_feeder, solve_power_flow


def _segments(feeder, layout):
    """Horizontal (row, from, to, line) and vertical (x, low, high) strokes that are drawn."""
    flat, upright = [], []
    for bus in range(feeder.n_buses):
        up = layout.parent[bus]
        if bus == feeder.slack:
            continue
        flat.append((layout.row[bus], layout.x[up], layout.x[bus], (up, bus)))
        if layout.row[bus] != layout.row[up]:
            upright.append((layout.x[up], *sorted((layout.row[up], layout.row[bus])), (up, bus)))
    return flat, upright


def _assert_no_crossings(feeder, distance):
    layout = lay_out(feeder, distance)
    flat, upright = _segments(feeder, layout)
    tiny = 1e-9 * max(layout.x.max(), 1.0)
    for x, low, high, (up, _) in upright:
        for row, begin, end, (a, b) in flat:
            if low < row < high and up not in (a, b):
                assert not begin - tiny <= x <= end + tiny, (up, a, b)
    rows = {}
    for row, begin, end, _ in flat:
        rows.setdefault(row, []).append((begin, end))
    for spans in rows.values():
        spans.sort()
        for (_, end), (begin, _) in itertools.pairwise(spans):
            assert begin >= end - tiny


@pytest.mark.parametrize("distance", ["branches", "impedance"])
@pytest.mark.parametrize("name", feeder_names())
def test_shipped_feeders_are_drawn_without_crossings(name, distance):
    _assert_no_crossings(load_feeder(name), distance)


def test_random_trees_are_drawn_without_crossings():
    rng = np.random.default_rng(0)
    for n in (2, 3, 10, 40, 80, 120):
        parent = [int(rng.integers(max(0, i - 6), i)) for i in range(1, n)]
        r = rng.uniform(0.0, 1.0, n - 1)
        feeder = Feeder(
            "tree", "a test", tuple(map(str, range(n))), 0, 1.0, parent, range(1, n), r, r
        )
        _assert_no_crossings(feeder, "branches")
        _assert_no_crossings(feeder, "impedance")


def _voltages(feeder, factor=1.0):
    flow = solve_power_flow(
        feeder, -factor * feeder.load_kw[None], -factor * feeder.load_kvar[None]
    )
    return flow.v_pu[0]


@pytest.mark.parametrize("name", ["das28_mv_india", "ieee33_mv", "ieee_euro_lv"])
def test_pictures_are_written(name):
    feeder = load_feeder(name)
    figure = draw_feeder(feeder, _voltages(feeder), title="a heading")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=60)
    assert file.getvalue().startswith(b"\x89PNG") and len(file.getvalue()) > 5000
    assert figure.get_suptitle() == "a heading"


def test_values_limits_and_counts_are_told():
    feeder = load_feeder("das28_mv_india")
    v = _voltages(feeder)
    tree, bar = draw_feeder(feeder, v).axes
    assert f"lowest {v.min():.4f} p.u. at bus 26" in tree.get_title()
    legend = [text.get_text() for text in tree.get_legend().get_texts()]
    assert f"below 0.95 p.u. ({(v < 0.95).sum()} buses)" in legend
    ticks = [label.get_text() for label in bar.get_yticklabels()]
    assert "0.95 lower limit" in ticks and "upper limit\n1.05" in bar.get_title(loc="left")
    assert "lowest and highest voltage" in legend


def test_colours_span_the_voltages_and_ticks_are_even():
    feeder = load_feeder("ieee_euro_lv")
    v = _voltages(feeder, 0.3)
    tree, bar = draw_feeder(feeder, v).axes
    assert v.min() > 0.95 and bar.get_ylim() == pytest.approx((v.min(), v.max()), abs=0.0025)
    assert "lower limit\n0.95" in bar.get_xlabel() and "upper limit" in bar.get_title(loc="left")
    steps = np.diff(bar.get_yticks())
    assert len(steps) > 1 and steps == pytest.approx(np.full(len(steps), steps[0]))
    flat = draw_feeder(feeder, np.ones(feeder.n_buses)).axes[1]
    assert np.ptp(flat.get_ylim()) == pytest.approx(0.005)
    low = int(v.argmin())
    assert f"{feeder.bus_names[low]}: {v[low]:.4f}" in [text.get_text() for text in tree.texts]


def test_the_legend_says_that_triangles_are_thinned():
    feeder = load_feeder("ieee_euro_lv")
    v = np.full(feeder.n_buses, 0.94)
    legend = draw_feeder(feeder, v).axes[0].get_legend().get_texts()
    (word,) = [text.get_text() for text in legend if "below" in text.get_text()]
    assert word.startswith(f"below 0.95 p.u. ({feeder.n_buses} buses, ") and word.endswith("drawn)")


def test_open_ties_are_drawn_on_large_feeders_too():
    feeder = load_feeder("brazil136_mv")
    tree = draw_feeder(feeder, _voltages(feeder)).axes[0]
    assert len(tree.patches) == len(feeder.open_ties) > 0


@pytest.mark.parametrize("n_buses", [3, 70])
def test_dollar_signs_in_names_are_no_mathematics(n_buses):
    names = tuple(f"${i}^{{$" for i in range(n_buses))
    ones = np.full(n_buses - 1, 0.1)
    feeder = Feeder(
        "a$b^{$", "a test", names, 0, 0.4, range(n_buses - 1), range(1, n_buses), ones, ones
    )
    figure = draw_feeder(feeder, np.linspace(1.0, 0.9, n_buses))
    figure.savefig(io.BytesIO(), format="svg")
    assert figure.get_suptitle().startswith("a$b^{$")


def test_closed_switches_stand_apart():
    """Two laterals that leave at the two ends of a switch do not run into each other."""
    ends = np.array([[0, 1], [1, 2], [2, 3], [3, 4], [1, 5], [5, 6], [2, 7], [7, 8], [3, 9]])
    r = np.array([1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    feeder = Feeder("s", "a test", tuple("abcdefghij"), 0, 1.0, ends[:, 0], ends[:, 1], r, 0 * r)
    layout = lay_out(feeder, "impedance")
    assert layout.x[1] < layout.x[2] < layout.x[3]
    _assert_no_crossings(feeder, "impedance")
    dead = Feeder("s", "a test", tuple("abc"), 0, 1.0, [0, 1], [1, 2], [0.0, 0.0], [0.0, 0.0])
    assert lay_out(dead, "impedance").x.tolist() == [0.0, 1.0, 2.0]


def test_a_star_of_thousands_of_laterals_is_laid_out_at_once():
    n = 6000
    ones = np.ones(n - 1)
    star = Feeder(
        "star", "a test", tuple(map(str, range(n))), 0, 1.0, 0 * ones, range(1, n), ones, ones
    )
    begun = time.perf_counter()
    row = lay_out(star).row
    assert time.perf_counter() - begun < 5.0  # about 0.3; a search row by row takes a minute
    assert len(set(row.tolist())) == n - 1  # the slack bus shares the main line's row


def test_a_diverged_row_is_refused():
    feeder = load_feeder("das12_mv_india")
    with pytest.raises(ValueError, match="one finite voltage for each of the 12 buses"):
        draw_feeder(feeder, np.full(12, np.nan))
    with pytest.raises(ValueError, match="branches, impedance"):
        lay_out(feeder, "miles")


def test_pyplot_is_not_touched():
    code = (
        "import sys; import gridbazaar.analysis.feeder_figure; "
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("low, high", [(1.0330, 1.0499), (0.948, 0.951), (0.9, 1.1), (1.0, 1.003)])
def test_no_tick_reads_as_another_value(low, high):
    feeder = load_feeder("das28_mv_india")
    v = np.linspace(low, high, feeder.n_buses)
    bar = draw_feeder(feeder, v).axes[1]
    for at, label in zip(bar.get_yticks(), bar.get_yticklabels(), strict=True):
        if label.get_text():
            assert float(label.get_text().split()[0]) == pytest.approx(at, abs=1e-9)


def test_a_limit_within_reach_is_drawn():
    feeder = load_feeder("das28_mv_india")
    bar = draw_feeder(feeder, np.linspace(1.030, 1.0495, feeder.n_buses)).axes[1]
    assert bar.get_ylim() == pytest.approx((1.030, 1.05))
    assert "1.05 upper limit" in [label.get_text() for label in bar.get_yticklabels()]
    assert bar.get_title(loc="left") == "p.u."
    assert len(bar.lines) == 2


def test_the_number_is_named_and_a_flat_feeder_has_no_extremes():
    feeder = load_feeder("das12_mv_india")
    ones = np.ones(feeder.n_buses)
    assert draw_feeder(feeder, ones).axes[0].get_title() == "1.0000 p.u. at every bus"
    named = draw_feeder(feeder, _voltages(feeder), value="the worst:").axes[0].get_title()
    assert named.startswith("the worst:\nlowest ")
