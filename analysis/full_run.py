"""A whole run: simulated, written, reported. What `gridbazaar.run` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..scenarios.schema import Scenario
from ..sim.results import Results
from ..sim.run import run_scenario
from .report import write_report


def run(scenario: str | Path | Scenario, overrides: Sequence[str] = (), **options: Any) -> Results:
    """Simulate a scenario into a run directory, report included.

    Parameters and errors are those of :func:`gridbazaar.sim.run.run_scenario`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = run("kerala-village", ["days=1"], out=folder + "/day")
    ...     len(results.frames), (results.path / "report.html").exists()
    (3, True)
    """
    return run_scenario(scenario, overrides, finish=write_report, **options)
