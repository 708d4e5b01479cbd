import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.network.library import load_feeder
from gridbazaar.scenarios.feeders import scenario_feeder
from gridbazaar.scenarios.load import ScenarioError, load_scenario
from gridbazaar.scenarios.members import generate_members, member_buses
from gridbazaar.scenarios.schema import GenerateSection


def members_of(name="kerala-village", *overrides):
    scenario = load_scenario(name, overrides)
    return generate_members(scenario, scenario_feeder(scenario))


@given(st.integers(1, 200), st.floats(0, 1), st.floats(0, 1), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_shares_are_exact_and_sizes_in_range(homes, pv_share, battery_share, seed):
    members = members_of(
        "ieee33-town",
        f"members.generate.homes={homes}",
        f"members.generate.pv_share={pv_share}",
        f"members.generate.battery_share={battery_share}",
        f"seed={seed}",
    )
    has_pv, has_battery = members.pv_kwp > 0, members.battery_kwh > 0
    assert len(members) == homes
    assert has_pv.sum() == np.floor(pv_share * homes + 0.5)
    assert has_battery.sum() == np.floor(battery_share * homes + 0.5)
    assert (has_battery & has_pv).sum() == min(has_pv.sum(), has_battery.sum())
    assert ((members.pv_kwp[has_pv] >= 3) & (members.pv_kwp[has_pv] <= 7)).all()
    np.testing.assert_allclose(members.battery_kw, members.battery_kwh / 2)
    np.testing.assert_allclose(members.inverter_kw, members.pv_kwp + members.battery_kw)
    assert np.isnan(members.tilt_deg[~has_pv]).all()


def test_the_village_has_one_home_a_customer():
    members, feeder = members_of(), load_feeder("kerala_village_lv")
    assert len(members) == 57 == feeder.n_customers.sum()
    np.testing.assert_array_equal(
        np.bincount(members.bus, minlength=feeder.n_buses), feeder.n_customers
    )
    assert (members.pv_kwp > 0).sum() == 20
    assert (members.battery_kwh > 0).sum() == 14


def test_the_feeder_scenario_has_twenty_homes_a_bus():
    members = members_of("kerala-feeder")
    count = np.bincount(members.bus)
    assert len(members) == 540
    assert set(count[1:].tolist()) == {20}


def test_the_town_follows_the_load():
    members, feeder = members_of("ieee33-town"), load_feeder("ieee33_mv")
    count = np.bincount(members.bus, minlength=feeder.n_buses)
    np.testing.assert_allclose(count, 1000 * feeder.load_kw / feeder.load_kw.sum(), atol=1.0)


def test_one_home_more_leaves_the_others():
    few, many = (members_of("ieee33-town", f"members.generate.homes={n}") for n in (100, 101))
    np.testing.assert_array_equal(few.bus, many.bus[:100])
    np.testing.assert_array_equal(few.ask_margin_per_kwh, many.ask_margin_per_kwh[:100])
    assert few.profile == many.profile[:100]
    both = (few.pv_kwp > 0) & (many.pv_kwp[:100] > 0)
    np.testing.assert_array_equal(few.pv_kwp[both], many.pv_kwp[:100][both])
    assert ((few.pv_kwp > 0) != (many.pv_kwp[:100] > 0)).sum() <= 1


def test_seeds_make_different_villages_and_the_same_seed_the_same():
    one, again, two = members_of(), members_of(), members_of("kerala-village", "seed=2")
    for key, value in vars(one).items():
        np.testing.assert_array_equal(value, vars(again)[key])
    assert not np.array_equal(one.pv_kwp, two.pv_kwp)
    assert one.profile != two.profile
    assert not one.pv_kwp.flags.writeable


def test_each_home_of_a_round_is_placed_before_the_next():
    bus = member_buses(GenerateSection(homes_per_bus=2), load_feeder("das12_mv_india"))
    assert bus.tolist() == [*range(1, 12), *range(1, 12)]


@pytest.fixture
def listed(tmp_path, village_text):
    start, end = village_text.index("  generate:"), village_text.index("profiles:")
    path = tmp_path / "own.yaml"
    path.write_text(village_text[:start] + "  file: m.csv\n\n" + village_text[end:])
    buses = [name for name, n in zip(*village_buses(), strict=True) if n][:3]
    return path, buses


def village_buses():
    feeder = load_feeder("kerala_village_lv")
    return feeder.bus_names, feeder.n_customers


def test_members_from_a_file(listed):
    path, buses = listed
    (path.parent / "m.csv").write_text(
        "member,bus,pv_kwp,battery_kwh,battery_kw,profile,week_offset,bid_margin_per_kwh\n"
        f"anna,{buses[0]},3.5,6,,H05,2,0.25\nbinu,{buses[1]},,,,,,\nchitra,{buses[2]},4,5,5,,,\n"
    )
    scenario = load_scenario(path)
    members = generate_members(scenario, scenario_feeder(scenario))
    assert members.names == ("anna", "binu", "chitra")
    assert members.pv_kwp.tolist() == [3.5, 0.0, 4.0]
    assert members.battery_kw.tolist() == [3.0, 0.0, 5.0]
    assert members.inverter_kw.tolist() == [6.5, 0.0, 9.0]
    assert members.tilt_deg[0] == 10.0
    assert members.azimuth_deg[2] == 180.0
    assert (members.profile[0], int(members.week_offset[0])) == ("H05", 2)
    assert len(set(zip(members.profile, members.week_offset.tolist(), strict=True))) == 3
    assert members.bid_margin_per_kwh.tolist() == [0.25, 0.0, 0.0]


def test_batteries_that_cannot_be_are_refused(listed):
    path, buses = listed
    (path.parent / "m.csv").write_text(
        "member,bus,battery_kwh,battery_kw\n"
        f"anna,{buses[0]},6,0\nbinu,{buses[1]},0,2\nchitra,{buses[2]},5,\n"
    )
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert len(caught.value.problems) == 2
    assert "m.csv: line 2 battery_kw: 0.0: a battery of 6 kWh without power" in str(caught.value)
    assert "m.csv: line 3 battery_kw: 2.0: power without a battery" in str(caught.value)
