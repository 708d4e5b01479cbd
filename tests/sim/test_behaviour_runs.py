"""Runs under each behaviour: causal, resumable, closed in energy and money."""

import filecmp

import numpy as np
import pandas as pd
import pytest

from gridbazaar.analysis.audit import audit_run
from gridbazaar.sim.build import build_world, load_checked
from gridbazaar.sim.model import MarketModel
from gridbazaar.sim.run import run_scenario

QUICK = ["days=3", "market.engine=exact"]
OUTAGE = "grid.outages=[{start: 2025-11-02 16:00, hours: 4}]"
EVERYTHING = [
    *QUICK,
    "forecast.name=noisy",
    "battery.strategy=optimal",
    "bidding.strategy=zero-intelligence-plus",
    "flexible_load.share=0.2",
    "flexible_load.by=price",
    "grid.curtailment=sensitivity",
    "grid.transformer_kva=15",
    OUTAGE,
]


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return run_scenario("kerala-village", EVERYTHING, out=tmp_path_factory.mktemp("full") / "run")


def test_learning_and_planning_resume_to_the_same_files(full, tmp_path):
    def stop(done, total, text):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_scenario("kerala-village", EVERYTHING, out=tmp_path / "out", progress=stop)
    resumed = run_scenario("kerala-village", EVERYTHING, out=tmp_path / "out", resume=True)
    names = sorted(p.name for p in full.path.iterdir() if p.is_file() and p.name != "timing.json")
    same, differ, errors = filecmp.cmpfiles(full.path, resumed.path, names, shallow=False)
    assert (differ, errors) == ([], []) and "forecast_errors.csv" in same


CHOICES = [
    ["forecast.name=ar"],
    ["forecast.name=average", "battery.strategy=time-of-use"],
    ["forecast.name=weekly", "bidding.strategy=adaptive", "flexible_load.share=0.3"],
    ["battery.strategy=optimal", "flexible_load.share=0.3", "flexible_load.by=price"],
]


@pytest.mark.parametrize("settings", CHOICES, ids=lambda s: s[0])
def test_what_happens_after_a_gate_does_not_change_its_orders(settings):
    """Everything the meters show from the gate on is changed; the orders must not notice."""
    books, number = [], 4
    for changes in (False, True):
        world = build_world(load_checked("kerala-village", [*QUICK, *settings]))
        frame = world.calendar.frames[number]
        gate = world.first_index + world.calendar.index(frame.gate_minute)
        if changes:
            for metered in (world.load_kwh, world.pv_kwh):
                metered[:, gate:] = 0.3 * metered[:, gate:][:, ::-1]
        model = MarketModel(world)
        while number not in model.state.pending:
            model.step()
        result = model.state.pending[number]
        books.append((result.book, result.plan))
        model.release()
    (left, plan), (right, changed_plan) = books
    assert (left.sellers, left.buyers) == (right.sellers, right.buyers)
    for name in ("offer_per_kwh", "capacity_kwh", "bid_per_kwh", "demand_kwh"):
        assert np.array_equal(getattr(left, name), getattr(right, name))
    assert np.array_equal(plan.profile_kwh, changed_plan.profile_kwh)


def test_the_perfect_forecast_foresees():
    run = build_world(load_checked("kerala-village", [*QUICK, "forecast.name=perfect"]))
    frame = run.calendar.frames[2]
    load, _ = run.forecaster.expect(frame)
    first = run.first_index + run.calendar.index(frame.gate_minute)
    assert np.array_equal(load, run.load_kwh[:, first : first + load.shape[1]])


def test_in_an_outage_nothing_flows_and_nothing_is_owed(full):
    dark = (full.meters.start >= "2025-11-02 16:00") & (full.meters.start < "2025-11-02 20:00")
    inside, outside = full.meters[dark], full.meters[~dark]
    for column in (
        "load_kwh", "net_export_kwh", "battery_charge_kwh", "battery_discharge_kwh", "ordered_kwh",
    ):  # fmt: skip
        assert (inside[column] == 0.0).all()
    assert inside.unserved_kwh.sum() > 10.0
    assert (inside.curtailed_kwh == inside.pv_kwh).all()
    assert (outside.unserved_kwh == 0.0).all()
    network = full.network[(full.network.start >= "2025-11-02 16:00")].head(16)
    assert network.v_max_pu.isna().all() and (network.substation_kw == 0.0).all()
    assert full.manifest["unsolved_intervals"] == 0
    frames = full.frames.set_index("frame_id")
    assert frames.void_share["2025-11-02 normal"] == pytest.approx(2 / 12)
    assert frames.void_share["2025-11-02 peak"] == pytest.approx(2 / 4)
    assert (frames.void_share > 0.0).sum() == 2
    assert frames.unserved_kwh.sum() == pytest.approx(inside.unserved_kwh.sum())


def test_contracts_of_the_dark_hours_are_void_in_the_ledger(full):
    posted = full.ledger[(full.ledger.purpose == "p2p_energy") & (full.ledger.payee == "clearing")]
    paid = posted.groupby("frame_id", observed=True).energy_kwh.sum()
    frames = full.frames.set_index("frame_id")
    for name in paid.index:
        kept = (1.0 - frames.void_share[name]) * frames.traded_kwh[name]
        assert paid[name] == pytest.approx(kept, abs=1e-5)


def test_an_outage_of_all_days_leaves_fixed_charges_alone(tmp_path):
    run = run_scenario(
        "kerala-village",
        ["days=1", "market.engine=exact", "grid.outages=[{start: 2025-11-01 06:00, hours: 24}]"],
        out=tmp_path / "out",
    )
    assert run.meters.net_export_kwh.abs().sum() == 0.0
    assert (run.frames.void_share == 1.0).all()
    assert run.ledger.energy_kwh.abs().sum() == 0.0
    assert (run.bills.total == run.bills.no_p2p_total).all()


def test_flexible_load_moves_within_its_day_and_its_window(full, tmp_path):
    fixed = run_scenario("kerala-village", QUICK, out=tmp_path / "fixed")
    moved = pd.read_parquet(full.path / "flexible_load.parquet")
    assert ((moved.end - moved.start) == pd.Timedelta(hours=2)).all()
    assert (moved.start.dt.hour >= 6).all() and (moved.end.dt.hour <= 22).all()

    def by_day(meters: pd.DataFrame) -> pd.Series:
        total = meters.load_kwh + meters.unserved_kwh
        day = (meters.start - pd.Timedelta(hours=6)).dt.date
        return total.groupby([meters.prosumer, day], observed=True).sum()

    assert by_day(full.meters).to_numpy() == pytest.approx(by_day(fixed.meters).to_numpy())
    same = full.meters.load_kwh.to_numpy() == fixed.meters.load_kwh.to_numpy()
    assert not same.all()


def test_every_curtailed_kwh_has_a_member_and_a_reason(full):
    reasons = pd.read_parquet(full.path / "curtailment.parquet")
    meters = full.meters.set_index(["prosumer", "start"])
    keys = ["prosumer", "start"]
    given = reasons.groupby(keys, observed=True)[["energy_kwh", "held_kwh"]].sum()
    told = given.reindex(meters.index).fillna(0.0)
    curtailed = (meters.curtailed_kwh + meters.held_kwh).to_numpy()
    assert told.energy_kwh.to_numpy() == pytest.approx(curtailed, abs=1e-8)
    assert told.held_kwh.to_numpy() == pytest.approx(meters.held_kwh.to_numpy(), abs=1e-8)
    assert {"outage", "envelope", "transformer"} <= set(reasons.reason.astype(str))
    limit = np.hypot(full.network.substation_kw, full.network.substation_kvar)
    assert limit[full.network.substation_kw < 0.0].max() <= 15.0 + 1e-6


def test_batteries_close_over_a_whole_run(full):
    eta = np.sqrt(0.9)
    meters = full.meters.sort_values(["prosumer", "start"])
    sums = meters.groupby("prosumer", observed=True).agg(
        charge=("battery_charge_kwh", "sum"),
        discharge=("battery_discharge_kwh", "sum"),
        last=("stored_kwh", "last"),
    )
    members = full.members.set_index("prosumer").reindex(sums.index)
    inside = 0.5 * members.battery_kwh + eta * sums.charge - sums.discharge / eta
    assert sums["last"].to_numpy() == pytest.approx(inside.to_numpy(), abs=1e-9)


def test_violations_are_counted_by_bus_and_minute(tmp_path):
    run = run_scenario(
        "kerala-village",
        ["days=1", "market.engine=exact", "feeder.source_voltage_pu=0.97"],
        out=tmp_path / "out",
    )
    rows = pd.read_parquet(run.path / "voltage_violations.parquet")
    under = rows[rows.kind == "under"].groupby("bus", observed=True).minutes.sum()
    counted = pd.read_csv(run.path / "bus_minutes.csv", dtype={"bus": str}).set_index("bus")
    assert under.sum() > 0
    assert (counted.under_minutes.reindex(under.index) == under).all()
    assert counted.under_minutes.sum() == under.sum()
    assert (rows[rows.kind == "under"].v_pu < 0.95).all()


def test_forecast_errors_follow_from_the_files(full):
    errors = pd.read_csv(full.path / "forecast_errors.csv").set_index(["prosumer", "quantity"])
    plans, meters = full.plans, full.meters
    actual = (meters.load_kwh + meters.unserved_kwh).to_numpy()
    gap = plans.load_kwh.to_numpy() - actual
    by_time = pd.DataFrame({"gap": gap, "actual": actual, "start": meters.start})
    community = by_time.groupby("start").sum()
    row = errors.loc[("community", "load")]
    assert row.mae_over_mean == pytest.approx(community.gap.abs().sum() / community.actual.sum())
    assert row.bias_over_mean == pytest.approx(gap.sum() / actual.sum())
    one = (meters.prosumer == "home-007").to_numpy()
    row = errors.loc[("home-007", "load")]
    assert row.mae_over_mean == pytest.approx(np.abs(gap[one]).sum() / actual[one].sum())


def test_nobody_is_drawn_into_trade_by_charges_above_retail(tmp_path):
    """Of energy that sellers give for nothing, buyers would still pay dearer than of the grid's."""
    settings = [
        "days=1",
        "market.engine=exact",
        "forecast.name=perfect",
        "tariff={preset: simple, network_charge_per_kwh: 7.5, feed_in_per_kwh: 0}",
        "members.generate.ask_margin_per_kwh=[0, 0]",
    ]
    results = run_scenario("kerala-village", settings, out=tmp_path / "run")
    bids = results.orders[results.orders.side == "bid"]
    homes = results.members.set_index("prosumer").bid_margin_per_kwh
    retail = results.frames.set_index("frame_id").retail_per_kwh
    needs = results.positions[results.positions.grid_import_scheduled_kwh > 1e-3]
    worth = needs.frame_id.map(retail).astype(float) - 7.5
    worth = (worth - needs.prosumer.map(homes).astype(float)).to_numpy()
    assert (worth < 0.0).sum() > 50 and (bids.price_per_kwh >= 0.0).all()
    assert not needs.bought_kwh[worth < 0.0].any()
    assert (results.bills.saving_price_effect >= -0.01).all()
    assert [check for check in audit_run(results.path).checks if not check.ok] == []


def test_a_perfect_forecast_foresees_flexible_load_and_a_noisy_one_errs_about_it(tmp_path):
    errors = {}
    for name in ("perfect", "noisy"):
        settings = ["days=2", "market.engine=exact", f"forecast.name={name}", "forecast.noise=0.3"]
        settings += ["flexible_load={share: 0.5, by: price}"]
        results = run_scenario("kerala-village", settings, out=tmp_path / name)
        table = pd.read_csv(results.path / "forecast_errors.csv")
        errors[name] = table[table.quantity == "load"].set_index("prosumer").mae_over_mean
    assert errors["perfect"].max() < 1e-12
    assert 0.1 < errors["noisy"].drop("community").median() < 0.4
