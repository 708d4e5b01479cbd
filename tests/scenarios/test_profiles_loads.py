import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gridbazaar.scenarios.calendar import matching_days, weekday
from gridbazaar.scenarios.feeders import scenario_feeder
from gridbazaar.scenarios.load import ScenarioError, load_scenario
from gridbazaar.scenarios.loads import home_pairs, nsw_homes_2013, run_dates, week_offsets
from gridbazaar.scenarios.members import generate_members
from gridbazaar.scenarios.profiles import build_profiles
from gridbazaar.scenarios.resample import change_resolution


def built(name="kerala-village", *overrides):
    scenario = load_scenario(name, overrides)
    members = generate_members(scenario, scenario_feeder(scenario))
    return scenario, members, build_profiles(scenario, members)


@given(
    arrays(np.float64, (2, 3, 48), elements=st.floats(0, 10, allow_subnormal=False)),
    st.sampled_from([24, 48, 96, 288]),
)
@settings(max_examples=50, deadline=None)
def test_resolution_changes_preserve_energy(daily, per_day):
    changed = change_resolution(daily, per_day)
    assert changed.shape == (2, 3, per_day)
    np.testing.assert_allclose(changed.sum(axis=-1), daily.sum(axis=-1), rtol=1e-12)
    assert (changed >= 0).all()


def test_neither_divides_the_other():
    coarse = change_resolution(np.arange(32.0), 24)  # 45 min to 60 min
    assert coarse.sum() == pytest.approx(np.arange(32.0).sum())
    assert coarse[0] == pytest.approx(0 + 1 / 3)


@pytest.mark.parametrize("minutes", [5, 15, 30, 60])
def test_loads_are_the_measured_ones_whatever_the_interval(minutes):
    _, members, profiles = built("kerala-village", "days=3", f"interval_minutes={minutes}")
    homes = nsw_homes_2013()
    grid = profiles.grid
    for row in (0, 20, 56):
        days = matching_days(grid.dates, homes.first, homes.n_days, int(members.week_offset[row]))
        measured = homes.kwh[homes.names.index(members.profile[row]), days].ravel()
        energy = measured[12 : 12 + grid.n_intervals * minutes // 30]  # from 06:00
        assert profiles.load_kwh[row].sum() == pytest.approx(energy.sum(), rel=1e-12)
        if minutes <= 30:
            split = np.repeat(energy / (30 // minutes), 30 // minutes)
            np.testing.assert_allclose(profiles.load_kwh[row], split, rtol=1e-12)


def test_weekdays_stay_aligned():
    homes = nsw_homes_2013()
    dates = run_dates(load_scenario("ieee33-town").start, 30, 28)
    for week in week_offsets(homes, dates):
        there = homes.first + matching_days(dates, homes.first, homes.n_days, week)
        assert (weekday(there) == weekday(dates)).all()


def test_a_thousand_homes_have_a_thousand_pairs_at_small_offsets():
    scenario = load_scenario("ieee33-town")
    members = generate_members(scenario, scenario_feeder(scenario))
    pairs = set(zip(members.profile, members.week_offset.tolist(), strict=True))
    assert len(pairs) == len(members) == 1000
    assert np.abs(members.week_offset).max() == 15  # 31 offsets x 33 homes = 1,023
    village = generate_members(*village_and_feeder())
    assert sorted(set(village.week_offset.tolist())) == [0, 1]


def village_and_feeder():
    scenario = load_scenario("kerala-village")
    return scenario, scenario_feeder(scenario)


def test_more_members_leave_the_pairs_of_the_others():
    homes = nsw_homes_2013()
    dates = run_dates(load_scenario("kerala-village").start, 30, 28)
    few, few_weeks = home_pairs(homes, dates, 40, 7)
    many, many_weeks = home_pairs(homes, dates, 400, 7)
    assert many[:40] == few
    assert (many_weeks[:40] == few_weeks).all()
    with pytest.raises(ScenarioError, match="too many"):
        home_pairs(homes, dates, 33 * 51 + 1, 7)


def test_a_longer_run_begins_with_the_shorter_one():
    _, _, short = built("kerala-village", "days=2")
    _, _, long = built("kerala-village", "days=5")
    n = short.grid.n_intervals
    np.testing.assert_array_equal(short.load_kwh, long.load_kwh[:, :n])
    np.testing.assert_array_equal(short.pv_kwh, long.pv_kwh[:, :n])


def test_load_scale():
    _, _, one = built("kerala-village", "days=1")
    _, _, two = built("kerala-village", "days=1", "profiles.load_scale=2")
    np.testing.assert_allclose(two.load_kwh, 2 * one.load_kwh)


def test_measured_facts_of_november():
    _, members, profiles = built()
    first = profiles.grid.run_start
    run = profiles.load_kwh[:, first : first + 30 * profiles.grid.per_day]
    per_day = run.reshape(len(members), 30, 96).sum(axis=2).mean(axis=1)
    assert 6.5 < np.median(per_day) < 10.5  # the median home of the sources has 8.8
    day = run.sum(axis=0).reshape(30, 96).mean(axis=0)
    bands = np.array([day[:48].sum(), day[48:64].sum(), day[64:].sum()]) / day.sum()
    np.testing.assert_allclose(bands, [0.52, 0.21, 0.27], atol=0.05)
