"""What is wrong with a scenario: every problem at once, each with its place and its remedy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import PurePath

_LONGEST_VALUE = 60


class ScenarioError(ValueError):
    """A scenario that cannot be run.

    Parameters
    ----------
    problems : sequence of str
        One line each: ``file: path: value: what is wrong: what to do``.

    Examples
    --------
    >>> ScenarioError([problem("my.yaml", "days", 0, "is below 1", "give 1 or more")]).problems
    ['my.yaml: days: 0: is below 1: give 1 or more']
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


def problem(place: str, path: str, value: object, wrong: str, remedy: str) -> str:
    """One problem as a line; a long or many-line value is cut short.

    Examples
    --------
    >>> problem("my.yaml", "market.k", 2, "is above 1", "give a number from 0 to 1")
    'my.yaml: market.k: 2: is above 1: give a number from 0 to 1'
    """
    return f"{place}: {path or 'top'}: {shown(value)}: {wrong}: {remedy}"


def shown(value: object) -> str:
    """A value as it fits into a line; printable characters only."""
    text = str(value) if isinstance(value, str | PurePath | dt.date) else repr(value)
    text = "".join(c if c.isprintable() else " " for c in text[: 4 * _LONGEST_VALUE])
    text = " ".join(text.split()) or "(empty)"
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."
