"""Bills while a run goes on: they leave the market alone, and end as the run's bills."""

import pickle

import numpy as np
import pytest

from gridbazaar.scenarios.load import load_scenario
from gridbazaar.sim.bill_table import bills_frame
from gridbazaar.sim.build import build_world
from gridbazaar.sim.model import MarketModel
from gridbazaar.sim.month_end import bills_so_far
from gridbazaar.sim.simulation import Simulation

OVERRIDES = ["start=2025-11-29", "days=4", "market.engine=exact"]


@pytest.mark.parametrize("mechanism", ["pareto", "bill-sharing"])
def test_asking_for_bills_changes_nothing(mechanism):
    world = build_world(
        load_scenario("kerala-estates", [*OVERRIDES, f"market.mechanism={mechanism}"])
    )
    asked, left_alone = MarketModel(world), MarketModel(world)
    while asked.next_frame is not None:
        asked.step()
        left_alone.step()
        bills_so_far(asked)
        assert pickle.dumps(asked.state.ledger) == pickle.dumps(left_alone.state.ledger)
    ends = [[month.market.total_minor for month in m.state.bills] for m in (asked, left_alone)]
    np.testing.assert_array_equal(*ends)
    last = bills_so_far(asked)
    assert len(last) == len(asked.state.bills) == 2
    for so_far, final in zip(last, asked.state.bills, strict=True):
        np.testing.assert_array_equal(so_far.market.total_minor, final.market.total_minor)
        np.testing.assert_array_equal(so_far.stored_kwh, final.stored_kwh)


def test_each_frame_is_billed_as_if_the_run_ended_there():
    """A run of so many days has the bills that a longer run shows at that day's end."""
    long = Simulation(build_world(load_scenario("kerala-estates", OVERRIDES)))
    for days in (1, 2, 3):
        for _ in range(3):
            long.step()
        short = Simulation(
            build_world(load_scenario("kerala-estates", [*OVERRIDES, f"days={days}"]))
        )
        while short.next_frame is not None:
            short.step()
        months = [bills_so_far(m) for m in (long.with_market, long.without_market)]
        seen = bills_frame(long.world, *months).groupby("prosumer").saving.sum()
        final = [m.state.bills for m in (short.with_market, short.without_market)]
        expected = bills_frame(short.world, *final).groupby("prosumer").saving.sum()
        np.testing.assert_allclose(seen, expected, atol=0.005)
