"""Forecasts by exponentially weighted averages, with and without what the last hour showed."""

from __future__ import annotations

import numpy as np

from .forecast import ForecastRequest, ForecastSetup

# Older days would weigh less than 1e-5 on weekdays; leaving them out bounds the work at a gate.
MOST_DAYS = 120
_RESIDUAL_DAYS = 14


class Average:
    """Exponentially weighted mean of past days, by interval and by day type (weekday, weekend).

    With days of the interval's type counted back from the newest, j = 0, 1, ...,

        x^ = sum_j (1 - a)^j x_j / sum_j (1 - a)^j,      a = the weight of the newest day [1]_.

    A type that the history lacks is stood in for by all days.

    References
    ----------
    .. [1] R. J. Hyndman and G. Athanasopoulos, *Forecasting: Principles and Practice*, 3rd ed.,
       2021, section 8.1 (simple exponential smoothing).

    Examples
    --------
    >>> past = np.array([[4.0, 2.0]])                         # one interval a day: 4, then 2
    >>> request = ForecastRequest(past, horizon=1, intervals_per_day=1, weekdays_differ=False)
    >>> Average(ForecastSetup(weight=0.5)).predict(request)   # (2 + 0.5 x 4) / 1.5
    array([[2.66666667]])
    """

    foresees = False

    def __init__(self, setup: ForecastSetup | None = None) -> None:
        self.weight = (setup or ForecastSetup()).weight

    def predict(self, request: ForecastRequest) -> np.ndarray:
        """Return the average of the interval and day type that each interval ahead has."""
        return _of_type(self.profiles(request), request, np.arange(request.horizon))

    def profiles(self, request: ForecastRequest) -> np.ndarray:
        """Return the weekday's and the weekend's profile, (2, n_members, intervals_per_day).

        Their first interval is the one that begins at the gate.
        """
        per_day = request.intervals_per_day
        past = request.metered_kwh
        n_days = min(past.shape[1] // per_day, MOST_DAYS)
        if not n_days:
            mean = past.mean(axis=1) if past.shape[1] else np.zeros(len(past))
            return np.broadcast_to(mean[None, :, None], (2, len(past), per_day))
        days = past[:, -n_days * per_day :].reshape(len(past), n_days, per_day)
        before = np.arange(-n_days * per_day, 0).reshape(n_days, per_day)
        weekend = request.is_weekend(before)
        return np.stack([self._mean(days, weekend == kind) for kind in (False, True)])

    def _mean(self, days: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Average the days (n_members, n_days, per_day) that count (n_days, per_day)."""
        counts = np.where(counts.any(axis=0), counts, True)
        newer = np.cumsum(counts[::-1], axis=0)[::-1] - counts
        weights = np.where(counts, (1.0 - self.weight) ** newer, 0.0)
        weights /= weights.sum(axis=0)
        return np.asarray(np.einsum("nds,ds->ns", days, weights))


class Autoregressive:
    """The average, corrected by how far the last hour before the gate was off it.

    The hourly residuals r of the last fortnight follow r_h = phi r_{h-1} + e_h; phi is estimated
    for each member by least squares, within [0, 1], and the last hour's residual dies out as
    phi^L over the lead of L hours: a first-order autoregressive error about a seasonal mean [1]_.
    A forecast is never negative.

    References
    ----------
    .. [1] G. E. P. Box, G. M. Jenkins, G. C. Reinsel and G. M. Ljung, *Time Series Analysis:
       Forecasting and Control*, 5th ed., Wiley, 2015, chapters 3 and 5.

    Examples
    --------
    A load of 1 kWh an hour on all days, but for the three hours before the gate: of what the
    last one was above the average less and less is expected to last.

    >>> past = np.concatenate([np.ones(24 * 20 - 3), [3.0, 2.0, 1.5]])[None]
    >>> request = ForecastRequest(past, horizon=3, intervals_per_day=24, weekdays_differ=False)
    >>> Autoregressive().predict(request).round(2)
    array([[1.22, 1.11, 1.05]])
    """

    foresees = False

    def __init__(self, setup: ForecastSetup | None = None) -> None:
        self.average = Average(setup)

    def predict(self, request: ForecastRequest) -> np.ndarray:
        """Return the average plus the fading residual of the last hour."""
        profiles = self.average.profiles(request)
        mean = _of_type(profiles, request, np.arange(request.horizon))
        per_hour = max(request.intervals_per_day // 24, 1)
        n_hours = (
            min(request.metered_kwh.shape[1], _RESIDUAL_DAYS * request.intervals_per_day)
            // per_hour
        )
        if n_hours < 2:
            return np.asarray(np.maximum(mean, 0.0))
        before = np.arange(-n_hours * per_hour, 0)
        shown = request.metered_kwh[:, -n_hours * per_hour :]
        residual = shown - _of_type(profiles, request, before)
        hourly = residual.reshape(len(residual), n_hours, per_hour).mean(axis=2)
        size = (hourly[:, :-1] ** 2).sum(axis=1)
        both = (hourly[:, 1:] * hourly[:, :-1]).sum(axis=1)
        phi = np.divide(both, size, out=np.zeros_like(size), where=size > 1e-12).clip(0.0, 1.0)
        lead = (np.arange(request.horizon) + 0.5) / per_hour + 0.5
        fading = phi[:, None] ** lead * hourly[:, -1:]
        return np.asarray(np.maximum(mean + fading, 0.0))


def _of_type(profiles: np.ndarray, request: ForecastRequest, interval: np.ndarray) -> np.ndarray:
    """Pick the profile of each interval's day type, (n_members, n_intervals)."""
    weekend = request.is_weekend(interval)
    slot = interval % request.intervals_per_day
    return np.where(weekend, profiles[1][:, slot], profiles[0][:, slot])
