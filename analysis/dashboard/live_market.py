"""Mesa's face of the page: a model that one step plays a frame further, and that Reset builds anew.

Mesa's `SolaraViz` builds a model from keywords behind Reset and calls `step()` behind Play and
Step. Whatever is wrong there must be shown in the page and leave it usable: neither raises.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import mesa

from ...scenarios.load import load_scenario
from ...scenarios.problems import ScenarioError
from .market_run import MarketRun
from .settings import chosen_scenario, settings_of

_LATE = 3.0  # seconds after Reset in which the thread that played before may still come by
_UNWATCHED = 0.5  # seconds from look to look for a browser that comes back


class Desk:
    """What outlives a reset on one page: the scenario as given, its controls, the run in force.

    Parameters
    ----------
    scenario : str
        A shipped name or a YAML file.
    overrides : list of str
        Changes as `path=value`.
    watched : callable
        Whether a browser shows the page now; the market waits while none does.

    Raises
    ------
    ScenarioError
        With every problem.

    Examples
    --------
    >>> desk = Desk("kerala-estates", ["days=2"])
    >>> desk.open({"days": 1}), desk.run.scenario.days
    ([], 1)
    >>> len(desk.open({"price_rule": "fixed"})), desk.run.scenario.days  # needs a price: it stays
    (1, 1)
    """

    def __init__(
        self, scenario: str, overrides: list[str], watched: Callable[[], bool] = lambda: True
    ) -> None:
        self.scenario, self.overrides, self.watched = scenario, overrides, watched
        self.closed = False
        self.settings = settings_of(load_scenario(scenario, overrides))
        self.run = MarketRun(chosen_scenario(scenario, overrides, self.settings, {}))
        self.player: threading.Thread | None = None
        self.retired: tuple[threading.Thread, float] | None = None

    def open(self, choices: dict[str, Any]) -> list[str]:
        """Begin anew with other choices; return the problems, with which the old run stays."""
        try:
            run = MarketRun(chosen_scenario(self.scenario, self.overrides, self.settings, choices))
        except ScenarioError as error:
            return error.problems
        except Exception as error:
            return [f"{type(error).__name__}: {error}"]
        here = threading.current_thread()
        if self.player is not None and self.player is not here:
            self.retired = (self.player, time.monotonic() + _LATE)
        self.player = None
        old, self.run = self.run, run
        old.release()
        return []

    def close(self) -> None:
        """End for good: the page is gone, and whoever still plays stops."""
        self.closed = True
        self.run.release()

    def may_step(self) -> bool:
        """Tell a step of the new run from the last one of a thread that played the old run."""
        here = threading.current_thread()
        if self.retired is not None:
            thread, until = self.retired
            if thread is here and time.monotonic() < until:
                return False
        self.player = here
        return True


class LiveMarket(mesa.Model):
    """The market on a page. A step plays one ToD frame, with its counterfactual.

    Parameters
    ----------
    desk : Desk
        The page's.
    **kwargs
        A value for each control, by the name of the setting; without any the desk's run is taken
        as it is.

    Attributes
    ----------
    run : MarketRun
        What is played.
    problems : list of str
        Why the choices could not be taken; the run before goes on then.
    """

    def __init__(self, desk: Desk, **kwargs: Any) -> None:
        super().__init__()
        self.desk = desk
        self.problems = desk.open(kwargs) if kwargs else []
        self.run = desk.run

    def step(self) -> None:
        """Play one frame; an error is kept by the run and ends it.

        Mesa's player goes on when its tab is closed: nothing is played for nobody.
        """
        if self.desk.closed:
            self.running = False
        elif not self.desk.watched():
            time.sleep(_UNWATCHED)
        elif self.desk.may_step():
            self.running = self.run.step()
