"""What an outage does to the indicators: void contracts count for nothing, lost load is told."""

import numpy as np
import pytest

from gridbazaar.analysis.audit import audit_run
from gridbazaar.analysis.headline import headline_figures, headline_rows
from gridbazaar.analysis.kpis import kpi_table
from gridbazaar.analysis.report_tables import frame_sheet
from gridbazaar.sim.results import Results
from gridbazaar.sim.run import run_scenario

SETTINGS = ["days=1", "market.engine=exact", "forecast.name=average"]


def run_with_outage(folder, outage):
    settings = [*SETTINGS, f"grid.outages=[{outage}]"]
    return Results(run_scenario("kerala-village", settings, out=folder / "run").path)


@pytest.fixture(scope="module")
def partly_dark(tmp_path_factory):
    """Five of twelve daylight hours without supply, in the thick of trade."""
    outage = "{start: 2025-11-01 11:00, hours: 5}"
    return run_with_outage(tmp_path_factory.mktemp("partly"), outage)


def test_contracts_count_as_far_as_they_are_not_void(partly_dark):
    frames, positions, orders = partly_dark.frames, partly_dark.positions, partly_dark.orders
    kept = (1.0 - frames.set_index("frame_id").void_share).to_dict()
    assert frames.void_share.tolist() == pytest.approx([5 / 12, 0.0, 0.0])
    left = positions.frame_id.map(kept).astype(float)
    contract = (left * (positions.sold_kwh - positions.bought_kwh)).to_numpy()
    metered = (positions.metered_net_export_kwh + positions.ordered_curtailment_kwh).to_numpy()
    met = np.minimum(np.maximum(np.sign(contract) * metered, 0.0), abs(contract)).sum()
    price = frames.set_index("frame_id").mcp_per_kwh.to_dict()
    bids = orders[orders.side == "bid"].merge(positions, on=["frame_id", "prosumer"])
    gain = (bids.price_per_kwh - bids.frame_id.map(price).astype(float).fillna(0.0)).to_numpy()
    energy = (bids.frame_id.map(kept).astype(float) * bids.bought_kwh).to_numpy()
    market = kpi_table(partly_dark).set_index("kpi").market
    assert energy.sum() < 0.75 * positions.bought_kwh.sum()
    assert market["traded_kwh"] == pytest.approx(energy.sum())
    assert market["fulfilment"] == pytest.approx(met / abs(contract).sum())
    # The ledger holds whole paise, hence the margin.
    assert market["buyers_surplus"] == pytest.approx((energy * gain).sum(), abs=1.0)
    assert headline_figures(partly_dark)["traded_kwh"] == pytest.approx(energy.sum())


def test_the_report_says_how_much_of_the_trade_was_void(partly_dark):
    sheet = frame_sheet(partly_dark)
    assert all(len(row) == len(sheet.columns) for row in sheet.rows)
    void = sheet.columns.index("of it void by outage kWh")
    traded = partly_dark.frames.traded_kwh[0]
    assert [row[void][0] for row in sheet.rows] == [f"{traded * 5 / 12:,.0f}", "0", "0"]


def test_load_without_supply_is_told_and_is_no_load(partly_dark):
    table = kpi_table(partly_dark).set_index("kpi")
    meters = partly_dark.meters
    dark = (meters.start >= "2025-11-01T11:00") & (meters.start < "2025-11-01T16:00")
    assert table.market["unserved_kwh"] == pytest.approx(meters.unserved_kwh[dark].sum())
    assert table.market["unserved_kwh"] > 50.0
    assert table.market["load_kwh"] == pytest.approx(meters.load_kwh[~dark].sum())
    assert table.no_p2p["unserved_kwh"] == pytest.approx(table.market["unserved_kwh"])


def test_a_run_without_any_supply_has_indicators_and_passes_the_audit(tmp_path):
    results = run_with_outage(tmp_path, "{start: 2025-11-01 06:00, hours: 24}")
    table = kpi_table(results).set_index("kpi")
    assert table.loc[["v_min_pu", "v_max_pu", "violation_depth_pu"], "market"].isna().all()
    assert table.market["load_kwh"] == 0.0
    assert table.market["traded_kwh"] == 0.0
    assert dict(headline_rows(results))["voltages, least and greatest"] == "n/a"
    assert [check for check in audit_run(results.path).checks if not check.ok] == []
