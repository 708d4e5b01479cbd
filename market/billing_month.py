"""Billing months: which frames belong to a calendar month, and how much of it a run covers."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from .tod import MINUTES_PER_DAY


@dataclass(frozen=True)
class BillingMonth:
    """One calendar month of a run, whole or in part.

    Attributes
    ----------
    year, month : int
        The calendar month.
    first_frame, n_frames : int
        Its frames are positions first_frame to first_frame + n_frames - 1 of the run.
    minutes : int
        Time its frames cover. [min]
    ends : bool
        Whether the run reaches the month's last frame.

    Examples
    --------
    >>> november = BillingMonth(2025, 11, 0, 45, 15 * 1440, ends=False)
    >>> november.share, november.note
    (0.5, 'prorated: 15.00 of 30 days')
    """

    year: int
    month: int
    first_frame: int
    n_frames: int
    minutes: int
    ends: bool = True

    @property
    def name(self) -> str:
        """The month as `YYYY-MM`."""
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def days(self) -> int:
        """Days in the calendar month."""
        return calendar.monthrange(self.year, self.month)[1]

    @property
    def share(self) -> float:
        """Part of the month that is billed: fixed charges and slab edges are multiplied by it."""
        return self.minutes / (self.days * MINUTES_PER_DAY)

    @property
    def prorated(self) -> bool:
        """Whether the run covers only part of the month."""
        return self.minutes != self.days * MINUTES_PER_DAY

    @property
    def note(self) -> str:
        """What the bill says about the month: empty for a whole one."""
        if not self.prorated:
            return ""
        return f"prorated: {self.minutes / MINUTES_PER_DAY:.2f} of {self.days} days"

    @property
    def frames(self) -> slice:
        """The month's positions in arrays over the run's frames."""
        return slice(self.first_frame, self.first_frame + self.n_frames)


def whole_month(year: int, month: int, n_frames: int = 0) -> BillingMonth:
    """A calendar month that is covered from end to end.

    Parameters
    ----------
    year, month : int
        The calendar month.
    n_frames : int
        How many frames stand for it.

    Returns
    -------
    BillingMonth
        Not prorated.

    Examples
    --------
    >>> whole_month(2025, 11, 90).share
    1.0
    """
    days = calendar.monthrange(year, month)[1]
    return BillingMonth(year, month, 0, n_frames, days * MINUTES_PER_DAY)


def billing_months(starts: ArrayLike, minutes: ArrayLike) -> tuple[BillingMonth, ...]:
    """Cut a run's frames into calendar months; a frame belongs to the month in which it begins.

    Parameters
    ----------
    starts : array_like of datetime64, shape (n_frames,)
        Beginnings of the frames, local civil time, ascending.
    minutes : array_like of int, shape (n_frames,)
        Their lengths. [min]

    Returns
    -------
    tuple of BillingMonth
        In order of time. A month ends in the run if the last frame's end lies in the next month
        or the run goes on into it.

    Raises
    ------
    ValueError
        If there is no frame, or if they do not ascend.

    Examples
    --------
    >>> days = np.arange("2025-11-16T06:00", "2025-12-03T06:00", 1440, dtype="datetime64[m]")
    >>> [(month.name, month.note) for month in billing_months(days, [1440] * 17)]
    [('2025-11', 'prorated: 15.00 of 30 days'), ('2025-12', 'prorated: 2.00 of 31 days')]
    """
    start = np.asarray(starts, dtype="datetime64[m]")
    length = np.asarray(minutes, dtype=np.int64)
    if start.size == 0 or start.shape != length.shape:
        raise ValueError("starts and minutes: need one start and one length for each frame")
    if np.any(np.diff(start) <= np.timedelta64(0, "m")):
        raise ValueError("starts: the frames are not in order of time: sort them")
    month_of = start.astype("datetime64[M]")
    firsts = np.flatnonzero(np.r_[True, month_of[1:] != month_of[:-1]])
    lasts = np.r_[firsts[1:], start.size]
    after_run = (start[-1] + np.timedelta64(int(length[-1]), "m")).astype("datetime64[M]")
    months = []
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        year, month = str(month_of[first]).split("-")
        ends = last < start.size or after_run > month_of[first]
        months.append(
            BillingMonth(
                int(year),
                int(month),
                first,
                last - first,
                int(length[first:last].sum()),
                bool(ends),
            )
        )
    return tuple(months)


def as_minute(time: np.datetime64 | str) -> np.datetime64:
    """A moment cut to whole minutes.

    Parameters
    ----------
    time : numpy.datetime64 or str
        Local civil time; text as `YYYY-MM-DDTHH:MM`.

    Returns
    -------
    numpy.datetime64
        In minutes.

    Examples
    --------
    >>> str(as_minute("2025-11-01T06:00:59"))
    '2025-11-01T06:00'
    """
    return cast(np.datetime64, np.array(time, dtype="datetime64[m]")[()])
