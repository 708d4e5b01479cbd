"""PV forecasts: what a clear sky would give, times the clearness that a method expects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .forecast import Forecast, ForecastRequest

# Below this share of a system's highest clear-sky output a quotient of two small numbers means
# little: there the clearness of the whole day stands in.
LOW_SUN = 0.05
MOST_CLEARNESS = 1.25
_MOST_DAYS = 60
_ENVELOPE_DAYS = 21


class ClearSkyScaled:
    """Clear sky times forecast clearness, the clearness forecast by any other method.

    The clearness k = metered / clear sky carries the clouds, the clear sky the known path of the
    sun; a method for load forecasts k as if it were a load without weekdays. Averaging k instead
    of kWh keeps the seasons and the shape of a tilted plane out of the average [1]_.

    References
    ----------
    .. [1] P. Bacher, H. Madsen and H. A. Nielsen, "Online short-term solar power forecasting",
       Solar Energy 83(10), 2009, 1772-1783, doi:10.1016/j.solener.2009.05.016.

    Examples
    --------
    Half of the clear sky came yesterday; today's clear sky is a tenth higher.

    >>> from gridbazaar.agents.forecast import Persistence
    >>> clear = np.array([[0.0, 2.0, 4.0, 0.0, 0.0, 2.2, 4.4, 0.0]])
    >>> request = ForecastRequest(np.array([[0.0, 1.0, 2.0, 0.0]]), 4, 4, clear_sky_kwh=clear)
    >>> ClearSkyScaled(Persistence()).predict(request)
    array([[0. , 1.1, 2.2, 0. ]])
    """

    foresees = False

    def __init__(self, inner: Forecast) -> None:
        self.inner = inner

    def predict(self, request: ForecastRequest) -> np.ndarray:
        """Return the expected PV output of each member and interval [kWh]."""
        per_day = request.intervals_per_day
        n_past = request.metered_kwh.shape[1]
        n_days = min(n_past // per_day, _MOST_DAYS)
        predicted = np.zeros((len(request.metered_kwh), request.horizon))
        owner = np.flatnonzero(request.metered_kwh.any(axis=1))
        if not n_days or not owner.size:
            return predicted
        first = n_past - n_days * per_day
        shown = request.metered_kwh[owner, first:].reshape(len(owner), n_days, per_day)
        clear = (
            clear_sky_envelope(request.metered_kwh[owner], per_day, n_past, request.horizon)
            if request.clear_sky_kwh is None
            else request.clear_sky_kwh[owner]
        )
        past = clear[:, first:n_past].reshape(shown.shape)
        total = past.sum(axis=2, keepdims=True)
        of_day = np.divide(
            shown.sum(axis=2, keepdims=True), total, out=np.zeros_like(total), where=total > 0.0
        )
        high = past > LOW_SUN * past.max(axis=(1, 2), keepdims=True)
        clearness = np.divide(shown, past, out=np.zeros_like(shown), where=high)
        clearness = np.where(high, clearness, of_day).clip(0.0, MOST_CLEARNESS)
        expected = self.inner.predict(
            replace(
                request,
                metered_kwh=clearness.reshape(len(owner), -1),
                weekdays_differ=False,
                clear_sky_kwh=None,
            )
        )
        predicted[owner] = clear[:, n_past:] * expected.clip(0.0, MOST_CLEARNESS)
        return predicted


def clear_sky_envelope(
    metered_kwh: np.ndarray, intervals_per_day: int, n_past: int, horizon: int
) -> np.ndarray:
    """Return a clear sky learned from the meter: the best of each interval in three weeks.

    For PV from a record, whose orientation nobody knows [1]_.

    Parameters
    ----------
    metered_kwh : ndarray (n_members, n_past)
        PV output before the gate.
    intervals_per_day, n_past, horizon : int
        Intervals in a day, before the gate, and to forecast.

    Returns
    -------
    ndarray (n_members, n_past + horizon)
        The same day, again and again [kWh].

    References
    ----------
    .. [1] V. P. A. Lonij et al., "Forecasts of PV power output using power measurements of 80
       residential PV installs", 38th IEEE Photovoltaic Specialists Conference, 2012.

    Examples
    --------
    >>> clear_sky_envelope(np.array([[0.0, 2.0, 0.0, 3.0]]), 2, 4, 2)
    array([[0., 3., 0., 3., 0., 3.]])
    """
    n_days = min(n_past // intervals_per_day, _ENVELOPE_DAYS)
    newest = metered_kwh[:, n_past - n_days * intervals_per_day : n_past]
    best = newest.reshape(len(metered_kwh), n_days, intervals_per_day).max(axis=1)
    # The newest day ends at the gate: interval i before or after it has slot i modulo a day.
    slot = np.arange(-n_past, horizon) % intervals_per_day
    return np.asarray(best[:, slot])
