"""The error of a sweep that cannot keep what it finds."""

from __future__ import annotations

from collections.abc import Sequence


class SweepStopped(Exception):
    """A sweep that had to stop before its end; what is finished is kept.

    Parameters
    ----------
    reasons : sequence of str
        What happened, and what to do.
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("\n".join(self.reasons))
