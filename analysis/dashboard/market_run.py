"""A market and its counterfactual, played for the page: a frame a step, errors kept in words."""

from __future__ import annotations

import logging
import threading
from typing import Any

from ...scenarios.schema import Scenario
from ...sim.build import build_world
from ...sim.recording import DayRecord
from ...sim.simulation import Simulation
from .moment import Moment, moment_of

_log = logging.getLogger(__name__)


class MarketRun:
    """A scenario being played.

    Playing and drawing happen on different threads: both hold the run's lock.

    Parameters
    ----------
    scenario : Scenario
        Checked, with every bus voltage kept.

    Attributes
    ----------
    frames : list of dict
        A row for each frame that ended.
    error : str
        What stopped the run, in words; empty as long as nothing did.

    Raises
    ------
    ScenarioError
        With every problem of the scenario's data.

    Examples
    --------
    >>> from gridbazaar.scenarios.load import load_scenario
    >>> run = MarketRun(load_scenario("kerala-estates", ["days=1", "outputs.bus_voltages=true"]))
    >>> run.step(), run.look().frame["frame_id"]
    (True, '2025-11-01 normal')
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.simulation = Simulation(build_world(scenario))
        self.lock = threading.RLock()
        self.frames: list[dict[str, Any]] = []
        self.error = ""
        self._record: DayRecord | None = None
        self._moment: Moment | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing is left to play."""
        return bool(self.error) or self.simulation.next_frame is None

    def step(self) -> bool:
        """Play one frame; return whether more are left. An error ends the run and is kept."""
        with self.lock:
            if self.finished:
                return False
            try:
                self.simulation.step()
                self._keep()
            except Exception as error:
                frame = self.simulation.next_frame
                where = frame.frame_id if frame else "the run's end"
                self.error = f"{where}: {type(error).__name__}: {error}"
                _log.exception("the run stopped at %s", where)
            return not self.finished

    def look(self) -> Moment | None:
        """Return all that the page shows of the frame that ended last; None before the first."""
        with self.lock:
            if self._record is None:
                return None
            if self._moment is None or self._moment.number != len(self.frames):
                self._moment = moment_of(self.simulation, self._record, self.frames)
            return self._moment

    def release(self) -> None:
        """Let the models go: Mesa keeps each alive in a table of its own."""
        with self.lock:
            self.simulation.release()

    def _keep(self) -> None:
        """Remember the frame that ended, and the day that it belongs to."""
        days = self.simulation.take_finished_days()
        self._record = days[-1] if days else self.simulation.with_market.day
        positions, trades = self._record.positions[-1], self._record.trades[-1]
        traded = float(trades["energy_kwh"].sum())
        paid = float((trades["energy_kwh"] * trades["buyer_price_per_kwh"]).sum())
        row = dict(self._record.frames[-1])
        row["mean_price_per_kwh"] = paid / traded if traded > 0.0 else None
        for name in ("grid_import_kwh", "grid_export_kwh"):
            row[name] = float(positions[name].sum())
        self.frames.append(row)
