"""Runs that are killed at every change of a file, and at many moments, under everything that has
a memory: batteries that plan, strategies that learn, outages, net metering, priors of a mechanism.
"""

import random
import signal

import pytest
from forked_runs import ForkedRuns
from same_files import assert_same_tree
from small_disk import SmallDisk

BASE = """
schema_version: 1
name: tiny
start: 2025-11-01
days: 2
history_days: 7
feeder: {name: kerala_village_lv, source_voltage_pu: 1.043}
members: {generate: {homes: 6}}
"""
SCENARIOS = {
    "plain": "market: {engine: exact}",
    "planning": """
market: {engine: exact}
battery: {strategy: optimal}
forecast: {name: noisy}
flexible_load: {share: 0.2, by: price}
grid: {outages: [{start: 2025-11-02 16:00, hours: 4}]}
bidding: {strategy: zero-intelligence-plus}
outputs: {bus_voltages: true}
""",
    "net metering": """
start: 2026-03-30
days: 3
market: {engine: exact, mechanism: agv, prior_orders: 2, prior_samples: 20}
bidding: {strategy: adaptive}
tariff: {preset: kseb-2025, net_metering_up_to_kw: 5}
""",
    "search": "market: {population: 20, generations: 20}\nbattery: {strategy: time-of-use}",
}
KILLS = 25


def scenario(name):
    """The base with the keys of one scenario laid over it."""
    own = SCENARIOS[name]
    keys = {line.split(":")[0] for line in own.splitlines() if line and line[0].isalpha()}
    kept = [line for line in BASE.splitlines() if line.split(":")[0] not in keys]
    return "\n".join([*kept, own, ""])


@pytest.fixture(params=SCENARIOS)
def runs(request, tmp_path):
    place = tmp_path / "runs"
    place.mkdir()
    (place / "tiny.yaml").write_text(scenario(request.param))
    with ForkedRuns() as forked:

        def command(*words, **wanted):
            return forked("run", "tiny.yaml", "--out", *words, cwd=place, figures=1, **wanted)

        whole = command("whole")
        assert whole["status"] == 0, whole["err"]
        yield request.param, command, place, whole


def test_killed_at_random_moments(runs):
    """Runs are killed and gone on with, again and again, and come out as the whole one."""
    name, command, place, whole = runs
    rng = random.Random(name)
    killed, tries, out = 0, 0, 0
    while killed < KILLS:
        tries += 1
        assert tries <= 10 * KILLS, f"only {killed} of {tries} runs could be killed"
        after = rng.uniform(0.0, 0.8 * whole["seconds"])
        done = command(f"killed-{out}", "--resume", after=after)
        assert done["status"] in (0, -signal.SIGKILL), done["err"]
        if done["status"] != 0:
            killed += 1
            continue
        assert_same_tree(place / "whole", place / f"killed-{out}")
        out += 1
    done = command(f"killed-{out}", "--resume")
    assert done["status"] == 0, done["err"]
    assert_same_tree(place / "whole", place / f"killed-{out}")


def test_killed_before_every_change_of_a_file(runs):
    name, command, place, whole = runs
    if name != "plain":  # the changes of a file are the same in all: a part of them is enough
        changes = range(1, whole["changes"] + 1, 9)
    else:
        changes = range(1, whole["changes"] + 1)
    for n in changes:
        first = command(f"at-{n}", at_change=n)
        assert first["status"] == -signal.SIGKILL, (n, first["err"])
        done = command(f"at-{n}", "--resume")
        assert done["status"] == 0, (n, done["err"])
        assert_same_tree(place / "whole", place / f"at-{n}")


def test_a_disk_that_fills_up_at_any_time(tmp_path):
    rng = random.Random(5)
    with SmallDisk(tmp_path / "small") as disk, ForkedRuns() as forked:
        (disk.folder / "tiny.yaml").write_text(scenario("plain"))

        def command(*words):
            return forked(
                "run", "tiny.yaml", "--out", *words, cwd=disk.folder, figures=1, **disk.limits
            )

        assert command("whole")["status"] == 0
        needed = sum(p.stat().st_size for p in (disk.folder / "whole").rglob("*"))
        for i in range(30):
            disk.leave_room(int(rng.uniform(0.0, needed)))
            first = command(f"full-{i}")
            assert first["status"] in (0, 1), first["err"]
            assert "Traceback" not in first["err"] and "Exception ignored" not in first["err"]
            disk.leave_room(None)
            done = command(f"full-{i}", "--resume")
            assert done["status"] == 0, done["err"]
            assert_same_tree(disk.folder / "whole", disk.folder / f"full-{i}")
