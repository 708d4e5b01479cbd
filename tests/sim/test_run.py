"""Runs into directories: the same everywhere, resumable, never half-written."""

import filecmp
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gridbazaar.sim.build import build_world, load_checked
from gridbazaar.sim.results import read_results
from gridbazaar.sim.run import run_scenario
from gridbazaar.sim.run_directory import RunDirectory, RunError
from gridbazaar.sim.simulation import Simulation

QUICK = ["days=3", "market.engine=exact"]


def data_files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_file() and p.name != "timing.json")


def assert_same_files(left: Path, right: Path) -> None:
    assert data_files(left) == data_files(right)
    _, differ, errors = filecmp.cmpfiles(left, right, data_files(left), shallow=False)
    assert (differ, errors) == ([], [])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "first"
    return run_scenario("kerala-village", QUICK, out=out)


def test_one_seed_is_one_result_byte_for_byte(finished, tmp_path):
    again = run_scenario("kerala-village", QUICK, out=tmp_path / "again")
    assert_same_files(finished.path, again.path)


def test_another_seed_is_another_result(finished, tmp_path):
    other = run_scenario("kerala-village", [*QUICK, "seed=2"], out=tmp_path / "other")
    assert not np.array_equal(other.meters.load_kwh, finished.meters.load_kwh)


def test_a_run_that_stops_after_a_day_resumes_to_the_same_files(finished, tmp_path):
    stopped = []

    def stop(done, total, text):
        if done == 4:
            stopped.append(text)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_scenario("kerala-village", QUICK, out=tmp_path / "out", progress=stop)
    assert stopped and not (tmp_path / "out").exists()
    seen = []
    resumed = run_scenario(
        "kerala-village",
        QUICK,
        out=tmp_path / "out",
        resume=True,
        progress=lambda done, total, text: seen.append(done),
    )
    assert seen[0] == 3  # the first day is not simulated again
    assert_same_files(finished.path, resumed.path)


def test_a_killed_process_resumes_to_the_same_files(finished, tmp_path):
    command = [sys.executable, "-m", "gridbazaar", "run", "kerala-village", "--out", "out"]
    command += [word for setting in QUICK for word in ("--set", setting)]
    process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True)
    state = tmp_path / "out.partial" / "checkpoint" / "state.pickle"
    deadline = time.monotonic() + 120
    while not state.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert state.exists()
    if (tmp_path / "out.partial").exists():
        run_scenario("kerala-village", QUICK, out=tmp_path / "out", resume=True)
    assert_same_files(finished.path, tmp_path / "out")


def test_resuming_with_another_setting_is_refused(tmp_path):
    def stop(done, total, text):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_scenario("kerala-village", QUICK, out=tmp_path / "out", progress=stop)
    with pytest.raises(RunError, match="another scenario, seed or setting"):
        run_scenario("kerala-village", [*QUICK, "seed=9"], out=tmp_path / "out", resume=True)


def test_directories_are_new_and_never_overwritten(finished, tmp_path):
    first = run_scenario("kerala-village", ["days=1", "market.engine=exact"], root=tmp_path)
    second = run_scenario("kerala-village", ["days=1", "market.engine=exact"], root=tmp_path)
    assert [first.path.name, second.path.name] == ["kerala-village-001", "kerala-village-002"]
    with pytest.raises(RunError, match="exists and is not empty"):
        run_scenario("kerala-village", QUICK, out=finished.path)


def test_a_directory_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="no such directory"):
        read_results(tmp_path / "nothing")
    with pytest.raises(RunError, match="the directory holds no run"):
        read_results(tmp_path)


def test_a_model_can_be_rebuilt_from_its_state_at_every_day():
    world = build_world(load_checked("kerala-village", QUICK))

    def run(rebuild: bool) -> Simulation:
        simulation = Simulation(world)
        while simulation.next_frame is not None:
            simulation.step()
            ended = simulation.take_finished_days()
            if rebuild and ended and simulation.next_frame is not None:
                kept = pickle.dumps(simulation.state())
                simulation.release()
                simulation = Simulation(world, pickle.loads(kept))
        return simulation

    straight, rebuilt = run(rebuild=False), run(rebuild=True)
    assert straight.with_market.state.ledger.head == rebuilt.with_market.state.ledger.head
    assert np.array_equal(
        straight.with_market.state.stored_kwh, rebuilt.with_market.state.stored_kwh
    )


def test_energy_and_money_are_conserved(finished):
    positions, ledger = finished.positions, finished.ledger
    by_frame = positions.groupby("frame_id", observed=True)[["sold_kwh", "bought_kwh"]].sum()
    assert by_frame.sold_kwh.to_numpy() == pytest.approx(by_frame.bought_kwh.to_numpy(), abs=1e-6)
    p2p = ledger[ledger.purpose == "p2p_energy"]
    into = p2p[p2p.payee == "clearing"].amount_minor.sum()
    out = p2p[p2p.payer == "clearing"].amount_minor.sum()
    assert into == out > 0
    members = set(finished.members.prosumer)
    owed = ledger[ledger.payer.isin(members)].amount_minor.sum()
    got = ledger[ledger.payee.isin(members)].amount_minor.sum()
    assert round(100 * finished.bills.total.sum()) == owed - got


def test_without_trade_every_bill_equals_its_no_p2p_bill(tmp_path):
    run = run_scenario(
        "kerala-village", [*QUICK, "market.mechanism=grid-only"], out=tmp_path / "out"
    )
    bills = run.bills
    assert run.frames.traded_kwh.sum() == 0.0
    assert (bills.total == bills.no_p2p_total).all()
    assert (bills.total == bills.no_p2p_same_meter_total).all()
    assert (bills.saving == 0.0).all()


def test_bus_voltages_are_written_on_request(tmp_path):
    run = run_scenario(
        "kerala-village",
        ["days=1", "market.engine=exact", "outputs.bus_voltages=true"],
        out=tmp_path / "out",
    )
    import pandas as pd

    volts = pd.read_parquet(run.path / "bus_voltages.parquet")
    highest = volts.groupby("start").v_pu.max().to_numpy()
    assert highest == pytest.approx(run.network.v_max_pu.to_numpy())


def test_the_constrained_search_has_its_counterfactual_too(tmp_path):
    run = run_scenario(
        "kerala-village", ["days=1", "market.network=constrained"], out=tmp_path / "out"
    )
    assert run.frames.traded_kwh.sum() > 0.0
    assert (run.frames.v_max_pu <= 1.05).all()


def test_a_feeder_beyond_its_loadability_is_counted_not_fatal(tmp_path):
    run = run_scenario(
        "kerala-village", [*QUICK, "days=1", "profiles.load_scale=18"], out=tmp_path / "out"
    )
    assert run.manifest["unsolved_intervals"] > 0
    assert run.network.v_min_pu.isna().sum() == run.manifest["unsolved_intervals"]


def test_a_run_that_finished_no_day_leaves_nothing(tmp_path):
    def stop(done, total, text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_scenario("kerala-village", QUICK, out=tmp_path / "out", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_run_killed_before_it_began_can_be_resumed(finished, tmp_path):
    (tmp_path / "out.partial").mkdir()
    resumed = run_scenario("kerala-village", QUICK, out=tmp_path / "out", resume=True)
    assert_same_files(finished.path, resumed.path)


def test_a_run_that_is_alive_cannot_be_resumed(tmp_path):
    alive = RunDirectory.begin(tmp_path / "out", "mine", tmp_path)
    with pytest.raises(RunError, match="another process is working there"):
        RunDirectory.resume(tmp_path / "out", "mine", tmp_path)
    alive.abandon()


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    for out in (None, tmp_path / "file" / "out"):
        with pytest.raises(RunError, match="cannot be created"):
            run_scenario("kerala-village", QUICK, out=out, root=tmp_path / "file" / "runs")


def test_batteries_do_not_discharge_into_unsold_export(finished):
    """With deviations absorbed, a battery gives no more than the home needs and has sold."""
    meters, positions = finished.meters, finished.positions
    frame = finished.frames[["frame_id", "start", "end"]]
    for row in frame.itertuples():
        inside = meters[(meters.start >= row.start) & (meters.start < row.end)]
        out = inside.groupby("prosumer", observed=True)[
            ["load_kwh", "pv_kwh", "battery_discharge_kwh"]
        ].sum()
        sold = positions[positions.frame_id == row.frame_id].set_index("prosumer").sold_kwh
        need = (inside.load_kwh - inside.pv_kwh).clip(lower=0.0)
        need = need.groupby(inside.prosumer, observed=True).sum()
        assert (out.battery_discharge_kwh <= need + sold.reindex(out.index) + 1e-6).all()
