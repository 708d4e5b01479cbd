"""The feeder's picture: no crossings, and what it shows."""

import io
import itertools
import subprocess
import sys

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
    assert "0.95 lower limit" in ticks and "1.05 upper limit" in ticks


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
