"""What can stand against a run."""

from __future__ import annotations

from pathlib import Path


class RunError(Exception):
    """A run that cannot be begun, resumed or read; `problems` lists every reason and remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class WriteError(RunError):
    """A place that cannot be written or is full: nothing was wrong with what was asked for.

    Examples
    --------
    >>> WriteError.of(Path("runs"), OSError(28, "No space left on device"), "make room").problems
    ['runs: --out: cannot be written (No space left on device): make room']
    """

    exit_status = 1

    @classmethod
    def of(cls, place: Path, error: OSError, remedy: str, what: str = "written") -> WriteError:
        """Say what the system said of a place."""
        why = error.strerror or str(error) or type(error).__name__
        return cls([f"{place}: --out: cannot be {what} ({why}): {remedy}"])


class RunStopped(KeyboardInterrupt):
    """A run that was stopped from outside; says what is kept and how to go on."""
