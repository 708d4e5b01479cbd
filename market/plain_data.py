"""Read a plain dict key by key, collecting every problem instead of stopping at the first."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar

from .tod import MINUTES_PER_DAY

T = TypeVar("T")

#: Largest price, energy or power that is read: money in 64-bit integers has an end.
LARGEST = 1e6


class PlainData:
    """One mapping of a data file; each reader method takes a key, checks it and returns a value.

    A value that is wrong is noted in `problems` and answered with a harmless stand-in, so that the
    reading goes on and all problems come out at once.

    Parameters
    ----------
    data : object
        What stands at `path` in the file; anything but a mapping is a problem.
    place : str
        The file, for the messages.
    path : str
        Where in the file, for the messages ("" at the top).
    problems : list of str
        Where problems are collected; shared by all parts of one file.
    """

    def __init__(self, data: object, place: str, path: str, problems: list[str]) -> None:
        self.place, self.path, self.problems = place, path, problems
        self.known: set[str] = set()
        self.data: Mapping[object, object] = {}
        if isinstance(data, Mapping):
            self.data = data
        else:
            self.problem("", data, "is not a mapping of keys to values", "write key: value lines")

    def at(self, key: str) -> str:
        """The full path of a key."""
        return ".".join(part for part in (self.path, key) if part)

    def problem(self, key: str, value: object, wrong: str, remedy: str) -> None:
        """Note a problem as `file: path: value: what is wrong: what to do`."""
        shown = repr(value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        self.problems.append(f"{self.place}: {self.at(key) or 'top'}: {shown}: {wrong}: {remedy}")

    def has(self, key: str) -> bool:
        """Whether a key is there and not null; the key counts as known from now on."""
        self.known.add(key)
        return self.data.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """A piece of text that is not empty."""
        if not self.has(key):
            return self._default(key, default, "text", "")
        value = self.data[key]
        if isinstance(value, str) and value.strip():
            return value.strip()
        self.problem(key, value, "is not text", "write a text that is not empty")
        return ""

    def choice(self, key: str, names: Sequence[str], default: str) -> str:
        """One of a list of names."""
        value = self.data[key] if self.has(key) else default
        if isinstance(value, str) and value in names:
            return value
        self.problem(key, value, "is unknown", f"use one of {', '.join(names)}")
        return default

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        value = self.data[key] if self.has(key) else default
        if isinstance(value, bool):
            return value
        self.problem(key, value, "is neither true nor false", "write true or false")
        return default

    def number(
        self,
        key: str,
        default: float | None = None,
        low: float = 0.0,
        high: float = LARGEST,
        above: bool = False,
    ) -> float:
        """A finite number from `low` (itself excluded if `above`) to `high`."""
        if not self.has(key):
            return self._default(key, default, "a number", low + 1.0 if math.isfinite(low) else 0.0)
        value = self.data[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.problem(key, value, "is not a number", "write a plain number without unit")
        elif not math.isfinite(value):
            self.problem(key, value, "is not finite", "write a finite number")
        elif value < low or (above and value == low):
            least = "above" if above else "of at least"
            wrong = "is negative" if low == 0.0 and value < 0 else "is too small"
            self.problem(key, value, wrong, f"write a number {least} {low:,.10g}")
        elif value > high:
            self.problem(key, value, "is too large", f"write a number of at most {high:,.10g}")
        else:
            return float(value)
        return low + 1.0 if math.isfinite(low) else 0.0

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self.data[key] if self.has(key) else default
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.problem(
            key, value, "is not a whole number in range", f"write one from {low} to {high}"
        )
        return default

    def minute(self, key: str) -> int:
        """A time of day as minutes after midnight, from `HH:MM` text.

        YAML 1.1 reads an unquoted 18:00 as the number 1080, which is the same minute; so whole
        numbers from 0 to 1440 are taken as minutes.
        """
        if not self.has(key):
            return int(self._default(key, None, "a time of day", 0.0))
        value = self.data[key]
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MINUTES_PER_DAY:
            return value
        match = (
            re.fullmatch(r"(\d{1,2}):(\d{2})", value.strip()) if isinstance(value, str) else None
        )
        if match and int(match[2]) < 60 and int(match[1]) * 60 + int(match[2]) <= MINUTES_PER_DAY:
            return int(match[1]) * 60 + int(match[2])
        self.problem(key, value, "is not a time of day", 'write it as "HH:MM", "00:00" to "24:00"')
        return 0

    def day(self, key: str) -> date | None:
        """A date, or None where the key is missing."""
        if not self.has(key):
            return None
        value = self.data[key]
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        try:
            return date.fromisoformat(str(value).strip())
        except ValueError:
            self.problem(key, value, "is not a date", "write it as YYYY-MM-DD")
            return None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where the key is missing."""
        items = self._list(key)
        if all(isinstance(item, str) and item.strip() for item in items):
            return tuple(str(item) for item in items)
        self.problem(key, items, "is not a list of texts", "write one text a line, each after '- '")
        return ()

    def part(self, key: str) -> PlainData | None:
        """The mapping under a key, or None where it is missing."""
        if not self.has(key):
            return None
        return PlainData(self.data[key], self.place, self.at(key), self.problems)

    def parts(self, key: str) -> list[PlainData]:
        """The list of mappings under a key; empty where it is missing."""
        return [
            PlainData(item, self.place, f"{self.at(key)}[{index}]", self.problems)
            for index, item in enumerate(self._list(key))
        ]

    def close(self) -> None:
        """Refuse every key that no method asked for; call it last."""
        for key in self.data:
            if key not in self.known:
                known = ", ".join(sorted(self.known))
                self.problem(str(key), self.data[key], "is an unknown key", f"use one of {known}")

    def _list(self, key: str) -> list[object]:
        if not self.has(key):
            return []
        value = self.data[key]
        if isinstance(value, Sequence) and not isinstance(value, str):
            return list(value)
        self.problem(key, value, "is not a list", "write one item a line, each after '- '")
        return []

    def _default(self, key: str, default: T | None, kind: str, stand_in: T) -> T:
        if default is None:
            self.problem(key, None, "is missing", f"write {kind}")
            return stand_in
        return default
