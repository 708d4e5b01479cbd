"""Who gained, who lost, who did not change: one threshold for figures, sentences, indicators."""

from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.analysis.comparison_figures import says_savings_of_runs
from gridbazaar.analysis.figures.members import savings, says_savings
from gridbazaar.analysis.kpis.members import gain_or_loss, share_better_off, share_worse_off


def run_with(saving):
    """What the figure reads of a run, with these savings."""
    names = [f"home-{i:03d}" for i in range(len(saving))]
    zero = 0.0 * pd.Series(saving)
    bills = pd.DataFrame(
        {
            "prosumer": names,
            "saving": saving,
            "saving_price_effect": saving,
            "saving_operation_effect": zero,
        }
    )
    members = pd.DataFrame({"prosumer": names, "pv_kwp": zero, "battery_kwh": zero})
    manifest = {"currency": "INR", "minor_per_major": 100}
    return SimpleNamespace(bills=bills, members=members, manifest=manifest, scenario={"days": 1})


def labels(figure):
    return {text.get_text() for text in figure.axes[0].get_legend().get_texts()}


def test_three_classes_are_counted():
    run = run_with([5.0, 3.0, 0.01, 0.0, -0.01, -0.4])
    assert labels(savings(run)) == {"better off, neither: 2", "worse off: 1", "unaffected: 3"}
    words = says_savings(run)
    assert "1 of 6 members lost, 0.40 INR together and 0.40 at worst; 3 unaffected" in words
    assert "1 of 6 lost, 3 unaffected" in says_savings_of_runs([("a", run)])


def test_no_empty_axes_where_nothing_changed():
    run = run_with([0.0, 0.01, -0.01])
    figure = savings(run)
    assert figure.axes == [] and figure.texts[0].get_text() == "no member gained or lost"
    assert "no member gained or lost: 3 members unaffected" in says_savings(run)
    assert "1 member unaffected" in says_savings(run_with([0.0]))


@pytest.mark.parametrize("n", [151])
def test_large_communities_have_the_same_classes(n):
    assert labels(savings(run_with([1.0] * n + [0.0]))) == {
        f"better off, neither: {n}",
        "unaffected: 1",
    }


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9))
@settings(max_examples=40, deadline=None)
def test_classes_are_a_partition_by_paise(paise):
    saving = [one / 100 for one in paise]
    turn = gain_or_loss(saving, 0.01)
    assert turn.tolist() == [(one > 1) - (one < -1) for one in paise]
    better, worse = share_better_off(saving, 0.01), share_worse_off(saving, 0.01)
    assert better + worse + (turn == 0).mean() == pytest.approx(1.0)
