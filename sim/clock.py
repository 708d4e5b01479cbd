"""The one clock: SimPy's environment in whole minutes, with an order among simultaneous events."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

import simpy
from simpy.events import EventPriority


class Phase(IntEnum):
    """What happens first when several things fall on the same minute."""

    METER = 10
    FRAME_END = 20
    MONTH_END = 30
    DAY_END = 40
    PAUSE = 50
    GATE = 60
    FRAME_START = 70


class _At(simpy.Event):
    """An event at a minute and phase; SimPy's priority breaks ties in time."""

    def __init__(self, env: simpy.Environment, minute: int, phase: int) -> None:
        super().__init__(env)
        self._ok = True
        self._value = None
        env.schedule(self, EventPriority(phase), minute - env.now)


class Clock:
    """SimPy's environment with phases, so that the order of registration never matters.

    Parameters
    ----------
    first_minute : int
        Minute at which the clock starts: 0, or that of a checkpoint.

    Examples
    --------
    >>> clock, seen = Clock(), []
    >>> def meter():
    ...     yield clock.at(15, Phase.METER)
    ...     seen.append("meter")
    >>> def gate():
    ...     yield clock.at(15, Phase.GATE)
    ...     seen.append("gate")
    >>> clock.add(gate()); clock.add(meter())
    >>> clock.run_through(15, Phase.GATE); seen
    ['meter', 'gate']
    """

    def __init__(self, first_minute: int = 0) -> None:
        self._env = simpy.Environment(initial_time=first_minute)

    @property
    def minute(self) -> int:
        """Minutes since the run began."""
        return int(self._env.now)

    def at(self, minute: int, phase: Phase) -> simpy.Event:
        """Return an event that a process can wait for."""
        return _At(self._env, minute, phase)

    def add(self, process: Iterator[simpy.Event]) -> None:
        """Start a process: a generator that yields what it waits for."""
        self._env.process(process)  # type: ignore[arg-type]

    def run_through(self, minute: int, phase: Phase) -> None:
        """Run all events up to and including this minute's phase."""
        try:
            # Phases leave room between them: the stop comes behind all events of its phase.
            self._env.run(until=_At(self._env, minute, phase + 1))
        except BaseException as error:
            # SimPy raises a copy made from the error's text; the original knows its problems.
            original = error.__cause__
            if type(original) is type(error):
                raise original from None
            raise
