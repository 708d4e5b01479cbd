import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.scenarios.calendar import IntervalGrid, matching_days, same_date_in, weekday

DATES = st.dates(dt.date(1960, 1, 1), dt.date(2190, 12, 31))
YEAR = np.datetime64("2013-01-01", "D")


def day_of(index, first=YEAR):
    return first + index


@given(DATES, st.integers(-25, 25))
@settings(max_examples=300, deadline=None)
def test_every_date_meets_a_day_of_the_same_weekday_near_it(date, weeks):
    dates = np.array([date], "datetime64[D]")
    index = matching_days(dates, YEAR, 365, weeks)
    assert 0 <= index[0] < 365
    there = np.array([day_of(index[0])])
    assert weekday(there)[0] == weekday(dates)[0] == date.weekday()
    # On the circle of the year the day is at most 3 days (and the year's odd day or two) away.
    season = (int(index[0]) - 7 * weeks) - int((same_date_in(dates, 2013) - YEAR).astype(int)[0])
    assert min(season % 364, -season % 364) <= 5


@given(DATES)
@settings(max_examples=100, deadline=None)
def test_different_offsets_are_different_days(date):
    dates = np.array([date], "datetime64[D]")
    days = [int(matching_days(dates, YEAR, 365, weeks)[0]) for weeks in range(-25, 26)]
    assert len(set(days)) == len(days)


def test_the_very_date_stands_for_itself():
    first = np.datetime64("2024-06-01", "D")
    dates = np.arange(first, first + 60)
    assert matching_days(dates, first, 60).tolist() == list(range(60))
    assert matching_days(dates, first, 59).tolist()[-1] == -1


def test_november_2025_is_a_run_of_days_without_repeats():
    dates = np.arange(np.datetime64("2025-10-04"), np.datetime64("2025-12-04"))
    days = matching_days(dates, YEAR, 365)
    assert (np.diff(days) == 1).all()
    assert str(day_of(days[28])) == "2013-11-02"  # both are Saturdays


def test_short_data_of_another_year_serve_their_season_only():
    first = np.datetime64("2013-10-01", "D")
    dates = np.array(["2025-10-20", "2025-06-01"], "datetime64[D]")
    assert (matching_days(dates, first, 60) >= 0).tolist() == [True, False]


def test_leap_day():
    assert str(same_date_in(np.array(["2024-02-29"], "datetime64[D]"), 2013)[0]) == "2013-02-28"
    assert str(same_date_in(np.array(["2013-02-28"], "datetime64[D]"), 2024)[0]) == "2024-02-28"


@pytest.mark.parametrize("minutes", [5, 15, 30, 60])
def test_the_grid_covers_history_run_and_look_ahead(minutes):
    grid = IntervalGrid.of(dt.date(2025, 11, 1), 3, 2, minutes, 360)
    assert grid.n_intervals == 7 * 1440 // minutes
    assert str(grid.starts[0]) == "2025-10-30T06:00"
    assert str(grid.starts[grid.run_start]) == "2025-11-01T06:00"
    assert str(grid.starts[grid.run_start + 3 * grid.per_day]) == "2025-11-04T06:00"
    assert str(grid.end) == "2025-11-06T06:00"
    assert grid.dates.tolist()[0] == dt.date(2025, 10, 30)
    assert grid.dates.tolist()[-1] == dt.date(2025, 11, 6)
