"""The feeder of a run, read from the two files beside its results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import columns, files
from .check import Findings, Unusable

TREE = "the feeder is one tree of known buses"


@dataclass(frozen=True)
class Feeder:
    """The feeder's branches in an order in which every branch comes after the one that feeds it.

    `parent` and `bus` (n_buses - 1,) are the ends of the branches; `z` is their impedance in p.u.
    of 1 kW at nominal voltage: complex, (n_buses - 1,).
    """

    names: tuple[str, ...]
    slack: int
    parent: np.ndarray
    bus: np.ndarray
    z: np.ndarray

    @property
    def n(self) -> int:
        """Number of buses."""
        return len(self.names)


def read_feeder(path: Path, found: Findings) -> Feeder:
    """Read the feeder's two files; the source is the first bus, or the one that `slack` marks.

    Raises
    ------
    Unusable
        If buses and branches do not make one tree at one voltage level.
    """
    buses = files.read_csv(path / "feeder_buses.csv", columns.BUSES, found, ("slack",))
    branches = files.read_csv(path / "feeder_branches.csv", columns.BRANCHES, found)
    names = [str(name) for name in buses.text("bus")]
    number = {name: i for i, name in enumerate(names)}
    closed = branches["closed"] == 1
    start, end = (branches.codes(side, number)[closed] for side in ("from", "to"))
    z = (branches["r_ohm"] + 1j * branches["x_ohm"])[closed]
    base = buses["base_kv"]
    sound = (
        len(number) == len(names)
        and len(names) > 0
        and bool((start >= 0).all() and (end >= 0).all())
        and bool((base == base[:1]).all() and (base > 0).all())
        and bool(np.isfinite(z).all())
    )
    marked = np.arange(len(names)) == 0
    if "slack" in buses.columns:
        marked = buses["slack"] == 1
        only_flags = bool((marked | (buses["slack"] == 0)).all())
        sound = sound and only_flags and int(marked.sum()) == 1
    slack = int(marked.argmax()) if sound else 0
    order = _outwards(len(names), slack, start, end) if sound else None
    found.holds(TREE, order is not None, lambda: "feeder_buses.csv, feeder_branches.csv")
    if order is None:
        raise Unusable("the feeder's buses and branches make no tree")
    parent, bus, branch = order
    return Feeder(tuple(names), slack, parent, bus, z[branch] / (1000.0 * float(base[0]) ** 2))


def _outwards(
    n: int, slack: int, start: np.ndarray, end: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Walk from the source outwards; None if some bus is not reached once and only once."""
    if len(start) != n - 1:
        return None
    at: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for i, (a, b) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        at[a].append((b, i))
        at[b].append((a, i))
    seen, walk = {slack}, [(slack, -1, -1)]
    for here, _, _ in walk:
        for there, edge in at[here]:
            if there not in seen:
                seen.add(there)
                walk.append((there, here, edge))
    if len(walk) != n:
        return None
    rows = np.array(walk, dtype=np.int64)[1:]
    return rows[:, 1], rows[:, 0], rows[:, 2]
