"""Forecasts that are handed what will happen: bounds for studies, nothing a member could do."""

from __future__ import annotations

import numpy as np

from .autoregression import autoregressive
from .forecast import ForecastRequest, ForecastSetup


class Perfect:
    """What will happen: the bound on what forecasting can gain.

    Examples
    --------
    >>> future = np.array([[1.0, 2.0]])
    >>> Perfect().predict(ForecastRequest(np.zeros((1, 4)), 2, 2, actual_kwh=future))
    array([[1., 2.]])
    """

    foresees = True

    def __init__(self, setup: ForecastSetup | None = None) -> None:
        """Nothing to set up."""

    def predict(self, request: ForecastRequest) -> np.ndarray:
        """Return the actual energy."""
        return _actual(request)


class Noisy:
    """What will happen times an error of given size and persistence.

        x^ = x exp(s z - s^2 / 2),    s^2 = ln(1 + size^2)
        z_t = a z_{t-1} + sqrt(1 - a^2) e_t,    a = exp(-step / persistence)

    so that the error's factor has mean 1 (no bias), standard deviation `size`, is never negative,
    and forgets itself within `persistence`. A share of z's variance is common to all members: an
    error about the weather rather than about one home. An interval keeps its error at every gate.

    Examples
    --------
    >>> setup = ForecastSetup("load", ("a",), 50_000, 60, noise=0.3, noise_hours=2.0,
    ...                       draw=lambda purpose, agent: np.random.default_rng(1))
    >>> request = ForecastRequest(np.zeros((1, 0)), 50_000, 24, actual_kwh=np.ones((1, 50_000)))
    >>> factor = Noisy(setup).predict(request)
    >>> round(float(factor.mean()), 1), round(float(factor.std()), 1)
    (1.0, 0.3)
    """

    foresees = True

    def __init__(self, setup: ForecastSetup) -> None:
        self._setup = setup
        if setup.draw is None:
            raise ValueError("a noisy forecast needs the run's random streams: give `draw`")
        purpose = f"forecast-{setup.quantity}"
        step_hours = setup.interval_minutes / 60.0
        keep = float(np.exp(-step_hours / setup.noise_hours)) if setup.noise_hours > 0.0 else 0.0
        agents = ("", *setup.members) if setup.noise_shared > 0.0 else setup.members
        errors = np.empty((len(agents), setup.n_intervals))
        for row, agent in enumerate(agents):
            errors[row] = setup.draw(purpose, agent).standard_normal(setup.n_intervals)
        errors = autoregressive(errors, keep)
        if setup.noise_shared > 0.0:
            errors = np.sqrt(setup.noise_shared) * errors[:1] + (
                np.sqrt(1.0 - setup.noise_shared) * errors[1:]
            )
        size = float(np.sqrt(np.log1p(setup.noise**2)))
        self._factor = np.exp(size * errors - size**2 / 2.0)

    def predict(self, request: ForecastRequest) -> np.ndarray:
        """Return the actual energy times each interval's error."""
        first = request.metered_kwh.shape[1]
        return _actual(request) * self._factor[:, first : first + request.horizon]


def _actual(request: ForecastRequest) -> np.ndarray:
    if request.actual_kwh is None:
        raise ValueError("this forecast is an experiment that must be given what will happen")
    return request.actual_kwh
