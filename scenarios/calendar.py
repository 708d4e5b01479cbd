"""Time: the grid of metering intervals of a run, and how another year's data meet its dates.

Time is the feeder's local civil time without daylight saving, as naive ``datetime64[m]``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.datetime64]

# Members plan over the next frames: two days beyond the last are enough for any of them.
LOOK_AHEAD_DAYS = 2
_MOST_OFFSET_WEEKS = 52


@dataclass(frozen=True)
class IntervalGrid:
    """Metering intervals from the first day of history to the end of the look-ahead.

    Attributes
    ----------
    first : datetime64[m]
        Start of the first interval: the first frame boundary of the first day of history.
    interval_minutes : int
        Length of an interval [min].
    history_days, days, look_ahead_days : int
        Market days before the run, of the run, and after it.

    Examples
    --------
    >>> grid = IntervalGrid.of(dt.date(2025, 11, 1), 30, 28, 15, day_start_minute=360)
    >>> str(grid.first), grid.n_intervals, str(grid.starts[grid.run_start])
    ('2025-10-04T06:00', 5760, '2025-11-01T06:00')
    """

    first: np.datetime64
    interval_minutes: int
    history_days: int
    days: int
    look_ahead_days: int = LOOK_AHEAD_DAYS

    @classmethod
    def of(
        cls,
        start: dt.date,
        days: int,
        history_days: int,
        interval_minutes: int,
        day_start_minute: int,
    ) -> IntervalGrid:
        """Grid of a run that starts on `start` at `day_start_minute` after midnight."""
        midnight = np.datetime64(start, "m") - np.timedelta64(history_days * 1440, "m")
        first = midnight + np.timedelta64(day_start_minute, "m")
        return cls(first, interval_minutes, history_days, days)

    @property
    def per_day(self) -> int:
        """Intervals in a day."""
        return 1440 // self.interval_minutes

    @property
    def n_intervals(self) -> int:
        """Intervals of history, run and look-ahead together."""
        return (self.history_days + self.days + self.look_ahead_days) * self.per_day

    @property
    def run_start(self) -> int:
        """Index of the run's first interval."""
        return self.history_days * self.per_day

    @property
    def starts(self) -> Times:
        """Start of each interval, (n_intervals,)."""
        step = np.timedelta64(self.interval_minutes, "m")
        return np.asarray(self.first + np.arange(self.n_intervals) * step)

    @property
    def end(self) -> np.datetime64:
        """End of the last interval."""
        return self.first + np.timedelta64(self.n_intervals * self.interval_minutes, "m")

    @property
    def dates(self) -> Times:
        """Civil dates that the grid touches, ``datetime64[D]``."""
        last = (self.end - np.timedelta64(1, "m")).astype("datetime64[D]")
        return np.arange(self.first.astype("datetime64[D]"), last + np.timedelta64(1, "D"))


def minute_of_day(times: Times) -> NDArray[np.float64]:
    """Minutes since midnight, whatever the unit of the times.

    Examples
    --------
    >>> minute_of_day(np.array(["2025-11-01T06:30:30"], "datetime64[s]")).tolist()
    [390.5]
    """
    since = times - times.astype("datetime64[D]")
    return np.asarray(since / np.timedelta64(1, "m"), dtype=np.float64)


def weekday(dates: Times) -> NDArray[np.int64]:
    """Weekday of each date, Monday 0.

    Examples
    --------
    >>> weekday(np.array(["2025-11-01"], "datetime64[D]"))
    array([5])
    """
    return (dates.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday


def same_date_in(dates: Times, year: int) -> Times:
    """The same month and day in another year; 29 February falls back to the 28th.

    Examples
    --------
    >>> same_date_in(np.array(["2024-02-29", "2025-11-01"], "datetime64[D]"), 2013).tolist()
    [datetime.date(2013, 2, 28), datetime.date(2013, 11, 1)]
    """
    day = dates.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    day_of_month = (day - month.astype("datetime64[D]")).astype(np.int64)
    month_there = np.datetime64(f"{year:04d}-01", "M") + (
        month - day.astype("datetime64[Y]").astype("datetime64[M]")
    )
    days_there = (month_there + 1).astype("datetime64[D]") - month_there.astype("datetime64[D]")
    offset = np.minimum(day_of_month, days_there.astype(np.int64) - 1)
    return np.asarray(month_there.astype("datetime64[D]") + offset)


def matching_days(
    dates: Times, first: np.datetime64, n_days: int, week_offset: int = 0
) -> NDArray[np.int64]:
    """Day of a data set that stands for each date: the nearest with the same weekday.

    Where the data hold the very date, it stands for itself. Else the date's month and day are
    looked up in the data's own years, and the nearest day of the same weekday is taken, at most
    three days away. A data set of a year or more is a circle of whole weeks: what falls off one
    end comes in at the other, 52 weeks away, so that weekdays always match.

    Parameters
    ----------
    dates : ndarray of datetime64[D]
        Dates to find.
    first : datetime64[D]
        First whole day of the data.
    n_days : int
        Whole days in the data.
    week_offset : int
        Whole weeks to move on, so that one home can stand for several members.

    Returns
    -------
    ndarray of int64
        Index of a day of the data for each date; -1 where the data have none that fits.

    Examples
    --------
    >>> matching_days(np.array(["2025-11-01"], "datetime64[D]"), np.datetime64("2013-01-01"), 365)
    array([305])
    """
    dates = dates.astype("datetime64[D]")
    first = first.astype("datetime64[D]")
    own = (dates - first).astype(np.int64)
    inside = (own >= 0) & (own < n_days)
    anchor = own.copy()
    candidates = []
    last_year = int(str((first + n_days).astype("datetime64[Y]")))
    for year in range(int(str(first.astype("datetime64[Y]"))), last_year + 1):
        there = same_date_in(dates, year)
        shift = (weekday(dates) - weekday(there) + 3) % 7 - 3
        candidates.append((there - first).astype(np.int64) + shift)
    table = np.stack(candidates)  # (n_years, n_dates)
    miss = np.maximum(np.maximum(-table, table - (n_days - 1)), 0)
    best = table[np.argmin(miss, axis=0), np.arange(len(dates))]
    anchor = np.where(inside, own, best) + 7 * week_offset
    if n_days >= 7 * _MOST_OFFSET_WEEKS:
        circle = 7 * _MOST_OFFSET_WEEKS
        anchor = np.where(anchor < 0, anchor + circle * (-(anchor // circle)), anchor)
        over = anchor - (n_days - 1)
        anchor = np.where(over > 0, anchor - circle * (-(-over // circle)), anchor)
    return np.where((anchor >= 0) & (anchor < n_days), anchor, -1)
