"""The scenarios that come with the package."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable


def scenario_names() -> tuple[str, ...]:
    """Names of the shipped scenarios, in alphabetical order.

    Examples
    --------
    >>> scenario_names()
    ('ieee33-town', 'kerala-estates', 'kerala-feeder', 'kerala-village')
    """
    names = [entry.name for entry in _library().iterdir() if entry.name.endswith(".yaml")]
    return tuple(sorted(name.removesuffix(".yaml") for name in names))


def scenario_file(name: str) -> Traversable:
    """The file of a shipped scenario."""
    return _library() / f"{name}.yaml"


def _library() -> Traversable:
    return files(__package__) / "library"
