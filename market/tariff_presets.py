"""The shipped tariffs and rule presets: names and data files.

A new preset is one more YAML file in `tariffs/`; its name is the file's, without `.yaml`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal

from .tariff_parts import TariffError

RULES_MARK = "kind: rules"


def preset_file(name: str) -> Traversable:
    """The data file of a shipped tariff or rule preset.

    Parameters
    ----------
    name : str
        For instance `simple` or `delhi-2024`.

    Returns
    -------
    importlib.resources.abc.Traversable
        YAML text, to be read by whoever may import a YAML parser.

    Raises
    ------
    TariffError
        If there is no such preset; the message lists those there are.

    Examples
    --------
    >>> preset_file("simple").name
    'simple.yaml'
    """
    found = files(__package__) / "tariffs" / f"{name}.yaml"
    if name not in preset_names() + preset_names("rules"):
        raise TariffError(
            [
                f"tariffs: preset: {name!r}: is unknown: use a tariff "
                f"({', '.join(preset_names())}) or rules ({', '.join(preset_names('rules'))})"
            ]
        )
    return found


@cache
def preset_names(kind: Literal["tariff", "rules"] = "tariff") -> tuple[str, ...]:
    """Names of the shipped presets of one kind, in alphabetical order.

    Parameters
    ----------
    kind : {"tariff", "rules"}
        Whole tariffs, or rules for peer-to-peer trade to lay over one.

    Returns
    -------
    tuple of str
        The names.

    Examples
    --------
    >>> preset_names("rules")
    ('delhi-2024', 'karnataka-draft-2024', 'none', 'up-2023')
    """
    names = [
        entry.name.removesuffix(".yaml")
        for entry in (files(__package__) / "tariffs").iterdir()
        if entry.name.endswith(".yaml")
        and (RULES_MARK in entry.read_text(encoding="utf-8").splitlines()) == (kind == "rules")
    ]
    return tuple(sorted(names))
