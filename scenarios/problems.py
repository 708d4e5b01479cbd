"""What is wrong with a scenario: every problem at once, each with its place and its remedy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import PurePath

_LONGEST_VALUE = 60
_LONGEST_LINE = 1200
_LONGEST_WORDS = 400  # they may name what stands in another file
_LONGEST_PATH = 120  # a column's name may be as long as a file


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
        self.problems = [_bearable(line) for line in problems]
        super().__init__("\n".join(self.problems))


def problem(place: str, path: str, value: object, wrong: str, remedy: str) -> str:
    """One problem as a line; a long or many-line value is cut short.

    Examples
    --------
    >>> problem("my.yaml", "market.k", 2, "is above 1", "give a number from 0 to 1")
    'my.yaml: market.k: 2: is above 1: give a number from 0 to 1'
    """
    path, wrong = _cut(path or "top", _LONGEST_PATH), _cut(wrong, _LONGEST_WORDS)
    return f"{place}: {path}: {shown(value)}: {wrong}: {remedy}"


def shown(value: object) -> str:
    """A value as it fits into a line; printable characters only."""
    plain = isinstance(value, str | PurePath | dt.date)
    return _cut(str(value) if plain else repr(value), _LONGEST_VALUE)


def _bearable(line: str) -> str:
    """A line of bearable length: the name of a file in it may be as long as the scenario."""
    half = _LONGEST_LINE // 2
    return line if len(line) <= _LONGEST_LINE else f"{line[:half]} ... {line[-half:]}"


def _cut(text: str, longest: int) -> str:
    text = "".join(c if c.isprintable() else " " for c in text[: 4 * longest])
    text = " ".join(text.split()) or "(empty)"
    return text if len(text) <= longest else text[: longest - 3] + "..."
