"""Runs that are really killed, wherever they are, and then go on to the same files."""

import random
import signal

import pytest
from forked_runs import ForkedRuns
from same_files import assert_same_tree

# A plain village of six, so that a run of two days takes a second.
SCENARIO = """
schema_version: 1
name: tiny
start: 2025-11-01
days: 2
history_days: 7
feeder: {name: kerala_village_lv, source_voltage_pu: 1.043}
members: {generate: {homes: 6}}
market: {engine: exact}
"""
KILLS = 10
RUN = ("run", "tiny.yaml", "--out")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed") / "runs"
    folder.mkdir()
    (folder / "tiny.yaml").write_text(SCENARIO)
    return folder


@pytest.fixture(scope="module")
def command(place):
    with ForkedRuns() as forked:
        yield lambda *words, **wanted: forked(*words, cwd=place, figures=1, **wanted)


@pytest.fixture(scope="module")
def whole(command):
    done = command(*RUN, "whole")
    assert done["status"] == 0, done["err"]
    return done


def test_killed_at_ten_random_moments_it_writes_the_same_files(command, place, whole):
    rng = random.Random(20251101)
    changes = rng.sample(range(1, whole["changes"] + 1), KILLS // 2)
    moments = [rng.uniform(0.0, whole["seconds"]) for _ in range(KILLS - len(changes))]
    kills = [{"at_change": n} for n in sorted(changes)] + [{"after": t} for t in sorted(moments)]
    for i, kill in enumerate(kills):
        out = f"killed-{i}"
        while (first := command(*RUN, out, **kill))["status"] == 0:
            kill = {"after": 0.5 * kill["after"]}  # this run was faster than the whole one
            out += "-sooner"
        assert first["status"] == -signal.SIGKILL, (kill, first["err"])
        done = command(*RUN, out, "--resume")
        assert done["status"] == 0, (kill, done["err"])
        assert_same_tree(place / "whole", place / out)
        assert not (place / f"{out}.partial").exists()


@pytest.mark.parametrize("last", range(0, 6, 2))
def test_killed_at_its_last_steps_it_is_not_simulated_again(command, place, whole, last):
    out = f"last-{last}"
    first = command(*RUN, out, at_change=whole["changes"] - last)
    assert first["status"] == -signal.SIGKILL
    done = command(*RUN, out, "--resume")
    assert done["status"] == 0, done["err"]
    assert_same_tree(place / "whole", place / out)
    assert done["changes"] < 0.6 * whole["changes"]  # of files; the days' own are not among them


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_asked_to_stop_says_how_to_go_on(command, place, whole, number):
    out = f"asked-{number}"
    # Half way through its changes all days are finished, and files are being written.
    first = command(*RUN, out, at_change=whole["changes"] // 2, signal=number)
    assert first["status"] == 1, first["err"]
    assert "--resume" in first["err"] and "Traceback" not in first["err"]
    assert command(*RUN, out, "--resume")["status"] == 0
    assert_same_tree(place / "whole", place / out)


def test_a_run_stopped_on_its_first_day_says_that_nothing_is_kept(command, place, whole):
    first = command(*RUN, "soon", at_change=6, signal=signal.SIGINT)
    assert first["status"] == 1, first["err"]
    assert "nothing is kept" in first["err"] and "Traceback" not in first["err"]
    assert not list(place.glob("soon*"))
    assert command(*RUN, "soon", "--resume")["status"] == 0
    assert_same_tree(place / "whole", place / "soon")


def test_the_same_command_may_be_repeated_until_it_succeeds(command, place, whole):
    again = command(*RUN, "whole", "--resume", "--json")
    assert again["status"] == 0, again["err"]
    assert again["changes"] <= 1  # the lock that is not there is looked for
    other = command(*RUN, "whole", "--resume", "--seed", 2)
    assert other["status"] == 2
    assert "another scenario, seed or setting" in other["err"]
