"""What a run rests on, as the texts that it keeps: scenario and tariff, and their hashes."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import Any

import numpy as np
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


def world_sum(world: World) -> str:
    """Return one SHA-256 over all that a run rests on, what its files hold included.

    A run that goes on after a kill must find the same: scenario, tariff, feeder, members and
    profiles. Names of files are left out; where they lie makes no difference.
    """
    digest = hashlib.sha256()
    for text in (scenario_text(world), tariff_text(world)):
        digest.update(text.encode())
    arrays = {"load": world.load_kwh, "pv": world.pv_kwh, "outage": world.outage}
    parts: list[Any] = [world.members, world.feeder, *([world.flexible] if world.flexible else [])]
    for part in parts:
        for field in fields(part):
            value = getattr(part, field.name)
            if isinstance(value, np.ndarray):
                arrays[f"{type(part).__name__}.{field.name}"] = value
            elif field.name not in ("name", "source"):
                digest.update(f"{field.name}={value!r};".encode())
    for name, array in arrays.items():
        digest.update(f"{name}:{array.dtype}{array.shape};".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _yaml(document: Any) -> str:
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return text
