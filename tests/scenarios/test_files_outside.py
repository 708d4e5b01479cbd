"""A file name in a scenario cannot leave the scenario's folder unless the scenario says so."""

import os
import shutil

import pytest
from mutations import write_inputs
from watched_writes import time_limit

from gridbazaar.scenarios.load import ScenarioError
from gridbazaar.sim.build import build_world, load_checked

#: Every key that takes a file name: the key, its value in the study, and the files behind it.
PLACES = {
    "feeder.path": ("lane", ["lane_buses.csv", "lane_branches.csv"]),
    "feeder.path (MATPOWER)": ("case3.m", ["case3.m"]),
    "feeder.path (pandapower)": ("net.json", ["net.json"]),
    "members.file": ("members.csv", ["members.csv"]),
    "profiles.load": ("load.csv", ["load.csv"]),
    "profiles.load (Parquet)": ("load.parquet", ["load.parquet"]),
    "profiles.pv": ("pv.csv", ["pv.csv"]),
    "tariff": ("tariff.yaml", ["tariff.yaml"]),
    "tariff.file": ("tariff.yaml", ["tariff.yaml"]),
    "settlement.rules": ("rules.yaml", ["rules.yaml"]),
}
DRAWN = ["members={generate: {homes: 2}}", "profiles.pv=kochi"]
OTHER_BUSES = ("feeder.path (MATPOWER)", "feeder.path (pandapower)")


@pytest.fixture
def folders(tmp_path):
    """The scenario's folder, and another one with the same files."""
    home, outside = tmp_path / "home", tmp_path / "outside"
    for folder in (home, outside):
        folder.mkdir()
        write_inputs(folder)
    return home, outside


def load(home, place, name, *settings):
    key = place.split(" ")[0]
    extra = DRAWN if place in OTHER_BUSES else []
    return build_world(load_checked(home / "scenario.yaml", [*extra, f"{key}={name}", *settings]))


def refused(home, place, name, *settings):
    with pytest.raises(ScenarioError) as told:
        load(home, place, name, *settings)
    return "\n".join(told.value.problems)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("how", ["absolute", "dots", "link", "linked folder"])
def test_a_name_that_leads_out_is_refused_unless_the_scenario_says_so(folders, place, how):
    home, outside = folders
    name, files = PLACES[place]
    if how == "absolute":
        given = outside / name
    elif how == "dots":
        given = f"../outside/{name}"
    elif how == "link":
        given = name
        for file in files:
            (home / file).unlink()
            (home / file).symlink_to(outside / file)
    else:
        (home / "sub").symlink_to(outside)
        given = f"sub/{name}"
    told = refused(home, place, given)
    assert "leads out of the scenario's folder" in told
    assert "set allow_outside_files: true" in told
    if place == "feeder.path (pandapower)":  # accepted, but pandapower is not installed here
        assert "leads out" not in refused(home, place, given, "allow_outside_files=true")
    else:
        assert load(home, place, given, "allow_outside_files=true").n_members >= 2


@pytest.mark.parametrize("file", ["lane_buses.csv", "lane_branches.csv"])
def test_one_of_the_feeders_files_may_not_be_a_link_that_leads_out(folders, file):
    home, outside = folders
    (home / file).unlink()
    (home / file).symlink_to(outside / file)
    assert "leads out" in refused(home, "feeder.path", "lane")


def test_the_files_of_a_feeders_folder_may_not_lead_out(folders):
    home, outside = folders
    (home / "grid").mkdir()
    shutil.copy(home / "lane_buses.csv", home / "grid" / "buses.csv")
    shutil.copy(home / "lane_branches.csv", home / "grid" / "branches.csv")
    assert load(home, "feeder.path", "grid").n_members == 3
    (home / "grid" / "buses.csv").unlink()
    (home / "grid" / "buses.csv").symlink_to(outside / "lane_buses.csv")
    assert "leads out" in refused(home, "feeder.path", "grid")


@pytest.mark.parametrize("place", PLACES)
def test_a_link_within_the_folder_is_followed(folders, place):
    home, _ = folders
    name, files = PLACES[place]
    (home / "kept").mkdir()
    for file in files:
        (home / file).rename(home / "kept" / file)
        (home / file).symlink_to(home / "kept" / file)
    if place == "feeder.path (pandapower)":
        assert "leads out" not in refused(home, place, name)
    else:
        assert load(home, place, name).n_members >= 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("place", [place for place in PLACES if place != "feeder.path"])
def test_a_pipe_is_refused_and_not_waited_for(folders, place):
    home, _ = folders
    name, _ = PLACES[place]
    (home / name).unlink()
    os.mkfifo(home / name)
    with time_limit(20.0):
        assert "is a pipe or a device" in refused(home, place, name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("file", ["scenario.yaml", "lane_branches.csv"])
def test_no_pipe_is_waited_for(folders, file):
    home, _ = folders
    (home / file).unlink()
    os.mkfifo(home / file)
    with time_limit(20.0):
        assert "is a pipe or a device" in refused(home, "feeder.path", "lane")
