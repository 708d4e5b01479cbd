"""One check of the audit, and the collector that turns comparisons into checks.

A check keeps the worst value that it met, the tolerance, and the place of the worst. Comparisons
of one name are one check, however many arrays (or days) they come from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Place = Callable[..., str]


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes
    ----------
    name : str
        What was checked, as a person says it.
    ok : bool
        Whether no value was beyond the tolerance.
    worst : float
        The greatest deviation found, in the unit that `detail` names; infinite where a value is
        missing or the files could not be examined.
    tolerance : float
        The greatest deviation that passes.
    detail : str
        How much was compared, and where the worst value stands.
    """

    name: str
    ok: bool
    worst: float
    tolerance: float
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """Return the check as plain data for JSON; an infinite worst value is null."""
        return {
            "name": self.name,
            "ok": self.ok,
            "worst": self.worst if math.isfinite(self.worst) else None,
            "tolerance": self.tolerance,
            "detail": self.detail,
        }


class Unusable(Exception):
    """Something that a check needs cannot be read; the message says what and where."""


class Findings:
    """Collects comparisons under the names of checks, in the order of first mention.

    Examples
    --------
    >>> found = Findings()
    >>> found.close("sums agree", [1.0, 2.0], [1.0, 2.5], 1e-6, lambda i: f"row {i}", "kWh")
    >>> check = found.checks()[0]
    >>> check.ok, check.worst, check.detail
    (False, 0.5, '1 of 2 values wrong; worst at row 1: 2 kWh recorded, 2.5 derived')
    """

    def __init__(self) -> None:
        self._open: dict[str, _Running] = {}

    def close(
        self,
        name: str,
        recorded: ArrayLike,
        derived: ArrayLike,
        tolerance: float,
        place: Place,
        unit: str = "",
    ) -> None:
        """Compare recorded with derived values; NaN agrees with NaN only.

        `place` gets the index of a value (one number a dimension) and says where it stands.
        """
        found, wanted = np.broadcast_arrays(
            np.asarray(recorded, dtype=np.float64), np.asarray(derived, dtype=np.float64)
        )
        with np.errstate(invalid="ignore"):
            gap = np.abs(found - wanted)
        gap = np.where(np.isnan(gap), np.inf, gap)
        gap = np.where((np.isnan(found) & np.isnan(wanted)) | (found == wanted), 0.0, gap)
        self._take(
            name,
            gap,
            tolerance,
            lambda *at: (
                f"{place(*at)}: {found[at]:.10g}{_unit(unit)} recorded, {wanted[at]:.10g} derived"
            ),
        )

    def at_most(
        self, name: str, excess: ArrayLike, tolerance: float, place: Place, unit: str = ""
    ) -> None:
        """Demand that no excess is above the tolerance; NaN is a missing value and fails."""
        beyond = np.asarray(excess, dtype=np.float64)
        gap = np.where(np.isnan(beyond), np.inf, np.maximum(beyond, 0.0))
        self._take(
            name,
            gap,
            tolerance,
            lambda *at: f"{place(*at)}: {beyond[at]:.6g}{_unit(unit)} too much",
        )

    def holds(self, name: str, good: ArrayLike, place: Place) -> None:
        """Demand that every flag is true; the worst value is the number of those that are not."""
        flags = np.asarray(good, dtype=np.bool_)
        running = self._running(name, 0.0)
        bad = np.argwhere(~flags)
        running.compared += flags.size
        running.wrong += len(bad)
        if len(bad):
            if not running.worst > 0.0:
                running.say = place(*(int(i) for i in bad[0]))
            running.worst = float(running.wrong)

    def fail(self, name: str, reason: str) -> None:
        """Note that something could not be examined, or is not as it must be."""
        running = self._running(name, 0.0)
        running.compared += 1
        running.wrong += 1
        if not running.worst > 0.0:
            running.say = reason
        running.worst = max(running.worst, float(running.wrong))

    def explain(self, name: str, note: str) -> None:
        """Add a sentence to a check's detail, such as what could not be derived."""
        running = self._running(name, 0.0)
        if note not in running.notes:
            running.notes.append(note)

    @contextmanager
    def section(self, title: str) -> Iterator[None]:
        """Turn anything that goes wrong inside into a failed check `title` is examined.

        A file that somebody has changed may break any assumption of the code that reads it: that
        is a finding, not a crash.
        """
        try:
            yield
        except Unusable as error:
            self.fail(f"{title}: can be examined", str(error))
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:
            self.fail(
                f"{title}: can be examined",
                f"the files are not in order ({type(error).__name__}: {error})",
            )

    def checks(self) -> tuple[Check, ...]:
        """Return what was found."""
        return tuple(running.check(name) for name, running in self._open.items())

    def _running(self, name: str, tolerance: float) -> _Running:
        return self._open.setdefault(name, _Running(tolerance))

    def _take(self, name: str, gap: np.ndarray, tolerance: float, say: Callable[..., str]) -> None:
        running = self._running(name, tolerance)
        running.tolerance = tolerance
        running.compared += gap.size
        if not gap.size:
            return
        worst = float(gap.max())
        running.wrong += int((gap > tolerance).sum())
        if worst > running.worst:
            running.worst = worst
            running.say = say(*(int(i) for i in np.unravel_index(int(gap.argmax()), gap.shape)))


@dataclass
class _Running:
    tolerance: float
    compared: int = 0
    wrong: int = 0
    worst: float = 0.0
    say: str = ""

    def __post_init__(self) -> None:
        self.notes: list[str] = []

    def check(self, name: str) -> Check:
        if self.wrong:
            detail = f"{self.wrong:,} of {self.compared:,} values wrong; worst at {self.say}"
        elif self.compared:
            detail = f"{self.compared:,} values"
            if self.worst > 0.0:
                detail += f"; worst at {self.say}"
        else:
            detail = "nothing to check"
        return Check(
            name, not self.wrong, self.worst, self.tolerance, "; ".join([detail, *self.notes])
        )


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""
