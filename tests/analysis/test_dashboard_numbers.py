"""The page's numbers are those of `gridbazaar run` for the same scenario and seed."""

import numpy as np
import pytest

from gridbazaar.analysis.dashboard.balance_view import day_balance
from gridbazaar.analysis.dashboard.live_market import Desk
from gridbazaar.analysis.dashboard.members_table import table_rows
from gridbazaar.sim.run import run_scenario


@pytest.fixture(scope="module", params=["pareto", "pay-as-bid"])
def played_and_run(request, tmp_path_factory):
    """A market played as the page plays it, and the same scenario run into files."""
    overrides = ["days=2", "seed=5", f"market.mechanism={request.param}"]
    desk = Desk("kerala-village", overrides)
    moments = []
    while not desk.run.finished:
        desk.run.step()
        moments.append(desk.run.look())
    out = tmp_path_factory.mktemp("played") / "run"
    return moments, run_scenario("kerala-village", overrides, out=out)


def test_frames_are_the_runs(played_and_run):
    moments, results = played_and_run
    rows = moments[-1].frames
    frames = results.frames
    assert [row["frame_id"] for row in rows] == list(frames.frame_id.astype(str))
    for name in ("traded_kwh", "curtailed_kwh", "v_max_metered_pu", "retail_per_kwh"):
        assert [row[name] for row in rows] == frames[name].tolist()
    prices = np.array([row["mcp_per_kwh"] for row in rows], float)
    np.testing.assert_array_equal(prices, frames.mcp_per_kwh.to_numpy(float))
    drawn = results.positions.groupby("frame_id", observed=True, sort=False).grid_import_kwh.sum()
    np.testing.assert_allclose([row["grid_import_kwh"] for row in rows], drawn.to_numpy())


def test_bills_and_savings_end_as_the_runs(played_and_run):
    moments, results = played_and_run
    rows = table_rows(moments[-1].world, moments[-1])
    bills = results.bills.groupby("prosumer", sort=False)[["total", "saving"]].sum()
    assert [row["name"] for row in rows] == list(bills.index)
    np.testing.assert_allclose([row["bill"] for row in rows], bills.total, atol=1e-9)
    np.testing.assert_allclose([row["saving"] for row in rows], bills.saving, atol=0.0051)


def test_the_feeder_and_the_day_are_the_frames_own(played_and_run):
    moments, _ = played_and_run
    for moment in moments:
        assert moment.first <= moment.strained < moment.filled
        assert moment.v_pu.max() <= moment.frame["v_max_metered_pu"] + 1e-12
        assert moment.v_pu.min() >= moment.frame["v_min_metered_pu"] - 1e-12
        sources, uses = (sum(part[1] for part in parts) for parts in day_balance(moment))
        assert sources == pytest.approx(uses, abs=1e-6 * moment.filled)
        if moment.front is not None:
            assert moment.front["frame_id"] == moment.frame["frame_id"]
