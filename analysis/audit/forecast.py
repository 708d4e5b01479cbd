"""Orders against what their home's meter had shown, where nothing else enters them."""

from __future__ import annotations

import numpy as np

from .check import Findings
from .inputs import Run
from .market import LEAST_ORDER_KWH
from .meters import MeterDay

NAME = "homes without a battery order what yesterday's meter makes them expect"
SAME_KWH = 1e-9


class ForecastAudit:
    """Derives the orders of homes without a battery under the forecast `persistence`.

    Such a home expects each interval of a frame to be what the newest metered day before the gate
    showed at that time, and orders the sum of PV less load. Frames whose gate closes on the first
    day rest on history that is not on file; a battery's plan is its strategy's own.
    """

    def __init__(self, run: Run, found: Findings) -> None:
        self._run, self._found = run, found
        orders = run.orders
        self._ordered = np.zeros((run.n_frames, run.n_homes))
        self._ordered[orders.frame, orders.home] = (
            np.where(orders.is_ask, 1.0, -1.0) * orders.quantity
        )
        self._plain = run.members["battery_kwh"] == 0.0
        self._yesterday: np.ndarray | None = None
        time = run.time
        minutes = np.maximum(time.first * time.interval - time.gate_minutes, 0)
        self._gate = minutes // time.interval
        self._known = run.setting("forecast", "name") == "persistence"
        if not self._known:
            found.explain(NAME, f"forecast {run.setting('forecast', 'name')} is not derivable")

    def take(self, day: MeterDay) -> None:
        """Check the frames whose gate closes within a day, or at its end."""
        time = self._run.time
        today = day.pv - day.load
        yesterday = np.zeros((0, today.shape[1])) if self._yesterday is None else self._yesterday
        shown = np.concatenate([yesterday, today])
        ends = self._gate - (day.day + 1) * time.per_day + len(shown)
        in_reach = (
            (ends > len(shown) - time.per_day) & (ends <= len(shown)) & (ends >= time.per_day)
        )
        for frame in np.flatnonzero(in_reach & self._known):
            self._check(int(frame), shown[ends[frame] - time.per_day : ends[frame]])
        self._yesterday = today

    def finish(self) -> None:
        """Nothing is left to check when all days are read."""

    def _check(self, frame: int, newest_day: np.ndarray) -> None:
        time = self._run.time
        ahead = time.first[frame] - self._gate[frame] + np.arange(time.length[frame])
        expected = newest_day[ahead % time.per_day].sum(axis=0)
        sent = np.where(np.abs(expected) < LEAST_ORDER_KWH, 0.0, expected)
        doubtful = np.abs(np.abs(expected) - LEAST_ORDER_KWH) < SAME_KWH
        compared = np.flatnonzero(self._plain & ~doubtful)
        self._found.close(
            NAME,
            self._ordered[frame][compared],
            sent[compared],
            SAME_KWH,
            lambda i: f"order of {self._run.frame_home(frame, int(compared[i]))}",
            "kWh",
        )
