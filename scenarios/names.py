"""Names that a scenario may use, taken from the registry of the room that owns them.

Each list exists once, as the keys of a dict in its own room; this file only says which dict
answers for which key. An unknown name is refused with the list of known ones.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_ROOMS = {
    "MECHANISMS": "market",
    "PRICE_RULES": "market",
    "CHOICE_RULES": "market",
    "OBJECTIVES": "market",
    "ENGINES": "market",
    "ENCODINGS": "market",
    "PARTICIPATION": "market",
    "NETWORK_METHODS": "market",
    "WHOSE": "market",
    "SWITCHES": "market",
    "CAP_BASES": "market",
    "FORECASTS": "agents",
    "BATTERY_STRATEGIES": "agents",
    "BIDDING_STRATEGIES": "agents",
    "CURTAILMENT_RULES": "agents",
}


def known_names(registry: str) -> tuple[str, ...]:
    """Names that one registry knows.

    Parameters
    ----------
    registry : str
        Name of the registry's dict, e.g. ``"PRICE_RULES"``.

    Returns
    -------
    tuple of str
        Its keys, in the registry's order.

    Examples
    --------
    >>> "merit-order" in known_names("PRICE_RULES")
    True
    """
    package = __package__.rpartition(".")[0]
    module = importlib.import_module(f"{package}.{_ROOMS[registry]}.registry")
    return tuple(getattr(module, registry))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Known word most like `word`, or None where none is near.

    Examples
    --------
    >>> nearest("batery", ["battery", "feeder"])
    'battery'
    """
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


class NameFrom:
    """Pydantic annotation: a string that must be a key of the given registry.

    The registry is asked when a value is validated, not when the schema is imported, so
    that reading the schema costs no import of the rooms below. The JSON Schema lists the
    names as an ``enum``.
    """

    def __init__(self, registry: str) -> None:
        self.registry = registry

    def _check(self, value: str) -> str:
        known = known_names(self.registry)
        if value not in known:
            raise PydanticCustomError(
                "unknown_name",
                "unknown name, known are {known}",
                {"known": ", ".join(known), "nearest": nearest(value, known) or ""},
            )
        return value

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Validate as a string, then against the registry."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe as a string with the registry's names as its values."""
        described = handler(schema)
        described["enum"] = list(known_names(self.registry))
        return described
