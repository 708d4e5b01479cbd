"""What members foresee at each gate: the scenario's forecast of load and PV, made once a gate."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..agents.flexible_load import FlexibleLoad
from ..agents.forecast import Forecast, ForecastRequest, ForecastSetup
from ..agents.forecast_clear_sky import ClearSkyScaled
from ..agents.registry import FORECASTS
from ..market.tod import MINUTES_PER_DAY
from ..scenarios.schema import Scenario
from ..scenarios.streams import stream
from .calendar import Calendar, Frame

# Two markets ask for the same frames, one shortly after the other.
_KEPT = 4


def wants_clear_sky(scenario: Scenario) -> bool:
    """Whether PV is forecast as clear sky times clearness."""
    chosen = scenario.forecast.pv
    if scenario.forecast.name in ("perfect", "noisy"):
        return False
    return chosen == "clear-sky" or (chosen is None and scenario.forecast.name != "persistence")


class Forecaster:
    """Forecasts of all members at every gate, shared by the market and its counterfactual.

    Only meter data before the gate reach a method; methods that declare `foresees` (experiments)
    are given the actual values, and nothing else.

    Parameters
    ----------
    scenario : Scenario
        Method and settings.
    calendar : Calendar
        The run's frames.
    members : tuple of str
        Names.
    load_kwh, pv_kwh : ndarray (n_members, n_intervals)
        What meters show, history included.
    first_index : int
        Column at which the run begins.
    clear_sky_kwh : ndarray (n_members, n_intervals), optional
        PV under a clear sky; without it, it is learned from the meter where it is needed.
    """

    def __init__(
        self,
        scenario: Scenario,
        calendar: Calendar,
        members: tuple[str, ...],
        load_kwh: np.ndarray,
        pv_kwh: np.ndarray,
        first_index: int,
        clear_sky_kwh: np.ndarray | None = None,
    ) -> None:
        self._calendar = calendar
        self._first_index = first_index
        self._metered = {"load": load_kwh, "pv": pv_kwh}
        self._clear_sky_kwh = clear_sky_kwh
        settings = scenario.forecast
        self._methods: dict[str, Forecast] = {}
        for quantity in self._metered:
            setup = ForecastSetup(
                quantity,
                members,
                load_kwh.shape[1],
                calendar.interval_minutes,
                settings.weight,
                settings.noise,
                settings.noise_hours,
                settings.noise_shared,
                partial(stream, scenario.seed),
            )
            self._methods[quantity] = FORECASTS[settings.name](setup)
        if wants_clear_sky(scenario):
            self._methods["pv"] = ClearSkyScaled(self._methods["pv"])
        self._made: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def expect(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Return load and PV expected at a frame's gate, from the gate to a day past the frame.

        Returns
        -------
        tuple of ndarray (n_members, n_intervals)
            Load and PV [kWh]; their first interval begins at the gate.
        """
        if frame.number not in self._made:
            self._made[frame.number] = self._predict(frame, "load"), self._predict(frame, "pv")
            for old in list(self._made)[:-_KEPT]:
                del self._made[old]
        return self._made[frame.number]

    def flexible_kwh(self, flexible: FlexibleLoad, frame: Frame) -> np.ndarray:
        """Return the flexible energy that each member expects of a frame's market day.

        The mean of the days before the gate; a method that foresees is asked about the day itself,
        with the error of the day's first interval.

        Parameters
        ----------
        flexible : FlexibleLoad
            Flexible loads, history included.
        frame : Frame
            The frame whose gate closes.

        Returns
        -------
        ndarray (n_members,)
            [kWh].
        """
        method, per_day = self._methods["load"], self._calendar.intervals_per_day
        if not method.foresees:
            return flexible.expected_kwh(frame.gate_minute // MINUTES_PER_DAY)
        before = self._metered["load"][:, : self._first_index + frame.day * per_day]
        actual = flexible.energy_kwh[:, flexible.history_days + frame.day, None]
        return method.predict(ForecastRequest(before, 1, per_day, actual_kwh=actual))[:, 0]

    def _predict(self, frame: Frame, quantity: str) -> np.ndarray:
        calendar, metered = self._calendar, self._metered[quantity]
        gate = self._first_index + calendar.index(frame.gate_minute)
        horizon = calendar.index(frame.end_minute) - calendar.index(frame.gate_minute)
        horizon += calendar.intervals_per_day
        method = self._methods[quantity]
        at = calendar.time(frame.gate_minute)
        ahead = slice(gate, gate + horizon)
        clear = self._clear_sky_kwh
        return method.predict(
            ForecastRequest(
                metered[:, :gate],
                horizon,
                calendar.intervals_per_day,
                at.weekday() * MINUTES_PER_DAY + at.hour * 60 + at.minute,
                clear_sky_kwh=clear[:, : ahead.stop]
                if quantity == "pv" and clear is not None
                else None,
                actual_kwh=metered[:, ahead] if method.foresees else None,
            )
        )
