"""Forecasts: what a member expects of its meter, made at each gate from what the meter showed.

Here are the request that every method answers and the two simplest methods; the others stand in
`forecast_average`, `forecast_given` and, for PV, `forecast_clear_sky`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

MINUTES_PER_DAY = 24 * 60
DAYS_PER_WEEK = 7
#: A generator for (purpose, agent): the run's named random streams, handed in from above.
Draw = Callable[[str, str], np.random.Generator]


@dataclass(frozen=True)
class ForecastRequest:
    """What a forecast may look at, for one quantity (load or PV) of all members at once.

    Attributes
    ----------
    metered_kwh : ndarray (n_members, n_past)
        Every metered interval before the gate, the newest last.
    horizon : int
        Number of intervals to forecast, the first one beginning at the gate.
    intervals_per_day : int
        Metering intervals in a day.
    gate_minute_of_week : int
        When the gate closes: minutes since Monday, 00:00.
    weekdays_differ : bool
        False for what knows no weekdays (the sun): all days are of one type then.
    clear_sky_kwh : ndarray (n_members, n_past + horizon) or None
        For PV, what a clear sky would give in the past intervals and in those to forecast.
    actual_kwh : ndarray (n_members, horizon) or None
        What will happen; given only to methods that declare `foresees`.
    """

    metered_kwh: np.ndarray
    horizon: int
    intervals_per_day: int
    gate_minute_of_week: int = 0
    weekdays_differ: bool = True
    clear_sky_kwh: np.ndarray | None = None
    actual_kwh: np.ndarray | None = None

    @property
    def hours(self) -> float:
        """Length of an interval [h]."""
        return 24.0 / self.intervals_per_day

    def is_weekend(self, interval: np.ndarray) -> np.ndarray:
        """Tell which intervals, counted from the gate (negative: before it), are Sat or Sun."""
        if not self.weekdays_differ:
            return np.zeros(np.shape(interval), dtype=bool)
        step = MINUTES_PER_DAY // self.intervals_per_day
        minute = self.gate_minute_of_week + np.asarray(interval) * step
        return np.asarray(minute // MINUTES_PER_DAY % DAYS_PER_WEEK >= 5)


@dataclass(frozen=True)
class ForecastSetup:
    """What a method is built with, once a run and quantity.

    Attributes
    ----------
    quantity : str
        `load` or `pv`; it names the random streams.
    members : tuple of str
        Names of the members, keys of their random streams.
    n_intervals, interval_minutes : int
        Intervals of the profiles, history included, and their length [min].
    weight : float
        Weight of the newest day in the exponentially weighted average.
    noise, noise_hours, noise_shared : float
        For `noisy`: size of the error (standard deviation over the value), how long it lasts
        (e-folding) [h], and the share of its variance that all members have in common.
    draw : callable or None
        The run's random streams.
    """

    quantity: str = "load"
    members: tuple[str, ...] = ()
    n_intervals: int = 0
    interval_minutes: int = 15
    weight: float = 0.1
    noise: float = 0.2
    noise_hours: float = 6.0
    noise_shared: float = 0.0
    draw: Draw | None = None


class Forecast(Protocol):
    """Anything that turns a request into an expectation of shape (n_members, horizon) [kWh].

    A method is a pure function of the request: it keeps nothing, so that a resumed run forecasts
    what the uninterrupted one would have.
    """

    foresees: bool

    def predict(self, request: ForecastRequest) -> np.ndarray:
        """Return the expected energy of each member and interval [kWh]."""
        ...


class Persistence:
    """Tomorrow is like yesterday: the same interval of the newest day that the meter has shown.

    The reference that every other forecast has to beat [1]_.

    References
    ----------
    .. [1] R. J. Hyndman and G. Athanasopoulos, *Forecasting: Principles and Practice*, 3rd ed.,
       2021, section 5.2 (seasonal naive method).

    Examples
    --------
    >>> past = np.array([[9.0, 9.0, 1.0, 2.0, 3.0]])          # newest day: 1, 2, 3
    >>> Persistence().predict(ForecastRequest(past, horizon=4, intervals_per_day=3))
    array([[1., 2., 3., 1.]])
    """

    foresees = False

    def __init__(self, setup: ForecastSetup | None = None) -> None:
        """Nothing to set up."""

    def predict(self, request: ForecastRequest) -> np.ndarray:
        """Repeat the newest metered day over the horizon."""
        day = request.metered_kwh[:, -request.intervals_per_day :]
        return day[:, np.arange(request.horizon) % request.intervals_per_day]


class Weekly:
    """Like a week ago: the same interval of the same weekday, seasonal naive with a week's season.

    With less than a week of history, or for what knows no weekdays, it is `Persistence`.

    Examples
    --------
    >>> past = np.arange(14.0)[None]                          # two intervals a day, a week
    >>> Weekly().predict(ForecastRequest(past, horizon=3, intervals_per_day=2))
    array([[0., 1., 2.]])
    """

    foresees = False

    def __init__(self, setup: ForecastSetup | None = None) -> None:
        """Nothing to set up."""

    def predict(self, request: ForecastRequest) -> np.ndarray:
        """Repeat the newest metered week over the horizon."""
        week = DAYS_PER_WEEK * request.intervals_per_day
        if not request.weekdays_differ or request.metered_kwh.shape[1] < week:
            return Persistence().predict(request)
        newest = request.metered_kwh[:, -week:]
        return newest[:, np.arange(request.horizon) % week]
