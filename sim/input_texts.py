"""What a run rests on, as the texts that it keeps: scenario and tariff, and their hashes."""

from __future__ import annotations

import hashlib
from typing import Any

import yaml

from .world import World


def scenario_text(world: World) -> str:
    """Return the scenario as resolved, every key written out."""
    return _yaml(world.scenario.model_dump(mode="json", exclude_none=True))


def tariff_text(world: World) -> str:
    """Return the tariff with all that scenario and rules changed, in the layout of its file."""
    return _yaml(world.tariff_data)


def input_sums(world: World) -> dict[str, str]:
    """Return the SHA-256 of each text by its file name: what the ledger's chain begins with."""
    texts = {"scenario.yaml": scenario_text(world), "tariff.yaml": tariff_text(world)}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def _yaml(document: Any) -> str:
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return text
