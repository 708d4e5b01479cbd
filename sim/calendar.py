"""The run's calendar: its market days and ToD frames, in whole minutes since the run began."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..market.tod import MINUTES_PER_DAY, ToDFrame


@dataclass(frozen=True)
class Frame:
    """One ToD frame of the run.

    Attributes
    ----------
    number, day : int
        Position in the run, and market day that it belongs to, both from 0.
    frame_id : str
        Date on which it begins and its name, as in `2025-11-01 normal`.
    name : str
        Name of the tariff's frame.
    start_minute, end_minute : int
        Minutes since the run began.
    gate_minute : int
        When its orders are final; never before the run begins.
    start, end : datetime
        Local civil time.
    """

    number: int
    day: int
    frame_id: str
    name: str
    start_minute: int
    end_minute: int
    gate_minute: int
    start: dt.datetime
    end: dt.datetime

    @property
    def month(self) -> str:
        """The billing month `YYYY-MM`: the calendar month in which the frame begins."""
        return f"{self.start:%Y-%m}"


@dataclass(frozen=True)
class Calendar:
    """Every frame and interval of a run.

    A market day begins at the first frame boundary of the day (06:00 under KSEB's frames), so that
    a frame that crosses midnight stays one frame.

    Examples
    --------
    >>> tod = [ToDFrame("day", 360, 1320), ToDFrame("night", 1320, 360)]
    >>> calendar = Calendar(tuple(tod), dt.date(2025, 11, 1), 2, 15, 60)
    >>> [f.frame_id for f in calendar.frames]
    ['2025-11-01 day', '2025-11-01 night', '2025-11-02 day', '2025-11-02 night']
    >>> calendar.frames[1].end, calendar.frames[0].gate_minute, calendar.frames[1].gate_minute
    (datetime.datetime(2025, 11, 2, 6, 0), 0, 900)
    """

    tod_frames: tuple[ToDFrame, ...]
    first_date: dt.date
    days: int
    interval_minutes: int
    gate_closure_minutes: int

    @cached_property
    def start(self) -> dt.datetime:
        """Local time at which the run begins."""
        boundary = min(frame.start_minute for frame in self.tod_frames)
        return dt.datetime.combine(self.first_date, dt.time()) + dt.timedelta(minutes=boundary)

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """All frames in order of time."""
        boundary = min(frame.start_minute for frame in self.tod_frames)
        ordered = sorted(self.tod_frames, key=lambda frame: frame.start_minute)
        return tuple(
            self._frame(day * len(ordered) + i, day, tod, tod.start_minute - boundary)
            for day in range(self.days)
            for i, tod in enumerate(ordered)
        )

    def _frame(self, number: int, day: int, tod: ToDFrame, minute_of_day: int) -> Frame:
        start_minute = day * MINUTES_PER_DAY + minute_of_day
        end_minute = start_minute + tod.minutes
        start = self.time(start_minute)
        return Frame(
            number=number,
            day=day,
            frame_id=f"{start:%Y-%m-%d} {tod.name}",
            name=tod.name,
            start_minute=start_minute,
            end_minute=end_minute,
            gate_minute=max(start_minute - self.gate_closure_minutes, 0),
            start=start,
            end=self.time(end_minute),
        )

    @property
    def intervals_per_day(self) -> int:
        """Metering intervals in a day."""
        return MINUTES_PER_DAY // self.interval_minutes

    @property
    def interval_hours(self) -> float:
        """Length of a metering interval [h]."""
        return self.interval_minutes / 60.0

    @property
    def end_minute(self) -> int:
        """Minutes from the run's start to its end."""
        return self.days * MINUTES_PER_DAY

    def time(self, minute: int) -> dt.datetime:
        """Return the local time of a minute of the run."""
        return self.start + dt.timedelta(minutes=minute)

    def index(self, minute: int) -> int:
        """Return the number of whole metering intervals before a minute of the run."""
        return minute // self.interval_minutes

    @cached_property
    def frame_name_of_interval(self) -> tuple[str, ...]:
        """Name of the frame that each interval of a market day belongs to."""
        boundary = min(frame.start_minute for frame in self.tod_frames)
        minutes = boundary + np.arange(self.intervals_per_day) * self.interval_minutes
        return tuple(
            next(f.name for f in self.tod_frames if f.holds(int(m) % MINUTES_PER_DAY))
            for m in minutes
        )

    def day_intervals(self, day: int) -> Sequence[dt.datetime]:
        """Return the start of each interval of a market day."""
        first = day * MINUTES_PER_DAY
        return [self.time(first + i * self.interval_minutes) for i in range(self.intervals_per_day)]
