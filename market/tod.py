"""Time-of-Day frames: the blocks of the day that a tariff and its market know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MINUTES_PER_DAY = 1440


@dataclass(frozen=True)
class ToDFrame:
    """One block of the day; it may cross midnight, and stays one frame then.

    Attributes
    ----------
    name : str
        The frame's name, unique in its tariff.
    start_minute : int
        Minutes after midnight at which it begins, 0 to 1439. [min]
    end_minute : int
        Minutes after midnight at which it ends, 1 to 1440. At or before `start_minute` it is the
        next day's minute; equal to it, the frame is the whole day. [min]
    multiplier : float
        What the tariff's rate is multiplied by in this frame.

    Examples
    --------
    >>> ToDFrame("off-peak", 22 * 60, 6 * 60, 1.0).minutes
    480
    """

    name: str
    start_minute: int
    end_minute: int
    multiplier: float = 1.0

    @property
    def minutes(self) -> int:
        """Length of the frame. [min]"""
        return (self.end_minute - self.start_minute - 1) % MINUTES_PER_DAY + 1

    @property
    def clock(self) -> str:
        """The frame as people read it, `22:00-06:00`."""
        return f"{clock(self.start_minute)}-{clock(self.end_minute)}"

    @property
    def column(self) -> str:
        """The frame's name as part of a table's column, `off_peak`."""
        return self.name.replace("-", "_").replace(" ", "_")

    def holds(self, minute_of_day: int) -> bool:
        """Whether a minute of the day (0 to 1439) lies in the frame."""
        return (minute_of_day - self.start_minute) % MINUTES_PER_DAY < self.minutes


def clock(minute: int) -> str:
    """Minutes after midnight as `HH:MM`.

    Parameters
    ----------
    minute : int
        0 to 1440; 1440 reads 24:00. [min]

    Returns
    -------
    str
        The time of day.

    Examples
    --------
    >>> clock(1320)
    '22:00'
    """
    return f"{minute // 60:02d}:{minute % 60:02d}"


def coverage_problems(frames: Sequence[ToDFrame]) -> list[str]:
    """Say where frames leave the day uncovered or cover it twice.

    Parameters
    ----------
    frames : sequence of ToDFrame
        Frames in any order.

    Returns
    -------
    list of str
        One sentence for each gap and each overlap; empty if the day is covered exactly once.

    Examples
    --------
    >>> coverage_problems([ToDFrame("day", 360, 1080), ToDFrame("night", 1020, 300)])
    ['05:00-06:00 belongs to no frame', '17:00-18:00 belongs to several frames (day, night)']
    """
    count = np.zeros(MINUTES_PER_DAY, dtype=np.int64)
    for frame in frames:
        count[(frame.start_minute + np.arange(frame.minutes)) % MINUTES_PER_DAY] += 1
    problems = []
    edges = np.flatnonzero(np.diff(count)) + 1
    starts = [0, *edges.tolist()]
    ends = [*edges.tolist(), MINUTES_PER_DAY]
    for start, end in zip(starts, ends, strict=True):
        span = f"{clock(start)}-{clock(end)}"
        if count[start] == 0:
            problems.append(f"{span} belongs to no frame")
        elif count[start] > 1:
            both = dict.fromkeys(frame.name for frame in frames if frame.holds(start))
            names = ", ".join(list(both)[:8]) + (", ..." if len(both) > 8 else "")
            problems.append(f"{span} belongs to several frames ({names})")
    return problems
