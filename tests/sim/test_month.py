"""The default month shows each part of the model at work, whatever the seed."""

import pandas as pd
import pytest

from gridbazaar.sim.build import build_world, load_checked
from gridbazaar.sim.simulation import Simulation


def month(seed: int, engine: str) -> pd.DataFrame:
    world = build_world(load_checked("kerala-village", [f"seed={seed}", f"market.engine={engine}"]))
    simulation = Simulation(world)
    while simulation.next_frame is not None:
        simulation.step()
    rows = [row for day in simulation.with_market.finished_days for row in day.frames]
    simulation.release()
    return pd.DataFrame(rows)


# The search is the default engine; the closed form clears the same frames in a fifth of the time.
@pytest.mark.parametrize(
    ("seed", "engine"), [(1, "nsga2"), (2, "exact"), (3, "exact"), (4, "exact"), (5, "exact")]
)
def test_the_month_shows_each_part_at_work(seed, engine):
    frames = month(seed, engine)
    normal, peak, off_peak = (
        frames[frames.name == name] for name in ("normal", "peak", "off-peak")
    )
    capped = frames[frames.capped_kwh > 0.0]
    # Frames that need no correction, frames cured by capping, surplus held back.
    assert (normal.capped_kwh == 0.0).sum() >= 3
    assert len(capped) >= 3
    assert (frames.withheld_kwh > 1.0).sum() >= 2
    # Peak and off-peak frames trade.
    assert (peak.traded_kwh > 1.0).sum() >= 20
    assert (off_peak.traded_kwh > 0.1).sum() >= 10
    # The unchecked schedules break the limit, the accepted ones do not.
    assert (capped.v_max_unchecked_pu > 1.05).all()
    assert (frames[frames.status == "cleared"].v_max_pu <= 1.05).all()
    assert (capped.traded_kwh > 0.0).all()
    # Prices stay in bounds, and differ from frame to frame.
    traded = frames[frames.traded_kwh > 0.0]
    assert (traded.mcp_per_kwh <= traded.retail_per_kwh).all()
    assert (traded.mcp_per_kwh >= traded.feed_in_per_kwh).all()
    assert frames[frames.traded_kwh == 0.0].mcp_per_kwh.isna().all()
    assert normal.mcp_per_kwh.nunique() >= 10


def test_without_the_check_the_market_would_break_the_limit():
    world = build_world(
        load_checked("kerala-village", ["days=3", "market.engine=exact", "market.network=ignore"])
    )
    simulation = Simulation(world)
    while simulation.next_frame is not None:
        simulation.step()
    frames = [row for day in simulation.with_market.finished_days for row in day.frames]
    simulation.release()
    assert max(row["v_max_pu"] for row in frames) > 1.05
