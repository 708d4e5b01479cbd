"""Where to draw the buses of a radial feeder: a single-line diagram without crossings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..network import Feeder

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DISTANCES = ("branches", "impedance")
# Room between a lateral's end and what begins behind it: in branches, or in widths of the picture.
GAP = {"branches": 0.6, "impedance": 0.015}


@dataclass(frozen=True, eq=False)
class FeederLayout:
    """Coordinates of the buses, in the feeder's order.

    Parameters
    ----------
    x : ndarray (n_buses,)
        Distance from the source: branches passed, or path impedance [ohm].
    row : ndarray (n_buses,)
        The row of the lateral that the bus belongs to; 0 is the main line.
    parent : ndarray (n_buses,)
        The next bus towards the source (the slack bus is its own).
    distance : str
        What `x` measures: ``branches`` or ``impedance``.
    """

    x: Floats
    row: Ints
    parent: Ints
    distance: str


def lay_out(feeder: Feeder, distance: str = "branches") -> FeederLayout:
    """Lay a feeder out as main line and laterals.

    From each bus the branch that feeds most buses goes straight on; every other child begins a
    lateral of its own. Laterals are placed from the far end of a line to its near end, each as
    close to its line as there is room, above or below, whichever side is emptier: so no
    connector crosses a line.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    distance : str
        ``branches`` or ``impedance``.

    Returns
    -------
    FeederLayout
        Coordinates of all buses.

    Raises
    ------
    ValueError
        If `distance` is unknown; the known ones are listed.

    Examples
    --------
    >>> from gridbazaar.network import load_feeder
    >>> layout = lay_out(load_feeder("ieee33_mv"))
    >>> int(layout.x.max()), sorted(set(layout.row.tolist()))
    (17, [-1, 0, 1, 2])
    """
    if distance not in DISTANCES:
        raise ValueError(f"distance {distance!r}: unknown: give one of {', '.join(DISTANCES)}")
    order = feeder.radial_order
    n = feeder.n_buses
    length = np.ones(feeder.n_branches)
    if distance == "impedance":
        length = np.hypot(feeder.r_ohm, feeder.x_ohm)
    x = np.zeros(n)
    fed = np.ones(n, dtype=np.int64)
    children: list[list[int]] = [[] for _ in range(n)]
    for i in range(1, n):
        x[i] = x[order.parent[i]] + length[order.branch[i]]
        children[order.parent[i]].append(i)
    for i in range(n - 1, 0, -1):
        fed[order.parent[i]] += fed[i]
    width = float(x.max()) if distance == "impedance" else 1.0
    row = _place(children, fed, x, x[order.parent], GAP[distance] * width)
    parent = np.empty(n, dtype=np.int64)
    parent[order.bus] = order.bus[order.parent]
    return FeederLayout(x[order.position], row[order.position], parent, distance)


def _place(children: list[list[int]], fed: Ints, x: Floats, begin_x: Floats, gap: float) -> Ints:
    """Rows of all positions, every line with its laterals being one block that is moved whole."""
    lines, laterals = _lines(children, fed)
    # A block's outline: row -> (where it begins, where it ends); row 0 is its own line.
    outline: list[dict[int, tuple[float, float]]] = [{} for _ in lines]
    shift: list[dict[int, tuple[int, int]]] = [{} for _ in lines]
    for number in range(len(lines) - 1, -1, -1):  # laterals have higher numbers than their lines
        line = lines[number]
        # A lateral's line begins with the connector at the bus that it leaves.
        block = {0: (float(begin_x[line[0]]), float(x[line[-1]]))}
        for lateral in sorted(laterals[number], key=lambda k: -begin_x[lines[k][0]]):
            up = _room(block, outline[lateral], 1, gap)
            down = _room(block, outline[lateral], -1, gap)
            mirrored = {-r: span for r, span in outline[lateral].items()}
            side, offset = (1, up) if up <= down else (-1, down)
            shift[number][lateral] = (side, offset)
            moved = outline[lateral] if side > 0 else mirrored
            leaves = outline[lateral][0][0]
            taken = [(r + side * offset, begin, end) for r, (begin, end) in moved.items()]
            # Its connector takes room in the rows that it passes.
            taken += [(side * r, leaves, leaves) for r in range(1, offset)]
            for r, begin, end in taken:
                old = block.get(r, (np.inf, -np.inf))
                block[r] = (min(old[0], begin), max(old[1], end))
        outline[number] = block
    row = np.zeros(len(children), dtype=np.int64)
    stack = [(0, 0, 1)]
    while stack:
        number, at, sign = stack.pop()
        row[lines[number]] = at
        for lateral, (side, offset) in shift[number].items():
            stack.append((lateral, at + sign * side * offset, sign * side))
    return row


def _lines(children: list[list[int]], fed: Ints) -> tuple[list[list[int]], list[list[int]]]:
    """Heavy paths, the main line first, and the laterals that begin at each."""
    lines: list[list[int]] = []
    laterals: list[list[int]] = []
    begins = [(0, -1)]
    while begins:
        head, mother = begins.pop()
        number = len(lines)
        if mother >= 0:
            laterals[mother].append(number)
        line = [head]
        lines.append(line)
        laterals.append([])
        while children[line[-1]]:
            ahead = max(children[line[-1]], key=lambda child: int(fed[child]))
            begins += [(child, number) for child in children[line[-1]] if child != ahead]
            line.append(ahead)
    return lines, laterals


def _room(
    block: dict[int, tuple[float, float]],
    lateral: dict[int, tuple[float, float]],
    side: int,
    gap: float,
) -> int:
    """The least offset to that side at which a lateral's block fits beside what is placed.

    What is placed begins farther out than the lateral does, so it fits where it ends before that.
    """
    offset = 1 - min(lateral)  # its lowest row just clears the line
    while True:
        fits = all(
            end + gap < block.get(side * (r + offset), (np.inf, 0.0))[0]
            for r, (_, end) in lateral.items()
        )
        if fits:
            return offset
        offset += 1
