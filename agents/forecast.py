"""Forecasts: what a member expects of its meter, made at each gate from what the meter showed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


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
    """

    metered_kwh: np.ndarray
    horizon: int
    intervals_per_day: int


class Forecast(Protocol):
    """Anything that turns a request into an expectation of shape (n_members, horizon) [kWh]."""

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

    def predict(self, request: ForecastRequest) -> np.ndarray:
        """Repeat the newest metered day over the horizon."""
        day = request.metered_kwh[:, -request.intervals_per_day :]
        return day[:, np.arange(request.horizon) % request.intervals_per_day]
