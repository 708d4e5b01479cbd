"""Where to draw the buses of a radial feeder: a single-line diagram without crossings."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..network import Feeder
from ..network.radial import RadialOrder

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DISTANCES = ("branches", "impedance")
# Room between a lateral's end and what begins behind it: in branches, or in widths of the picture.
GAP = {"branches": 0.6, "impedance": 0.015}
# A closed switch is drawn so long, in widths of the picture, that what it joins stands apart.
SHORTEST = 0.001


@dataclass(frozen=True, eq=False)
class FeederLayout:
    """Coordinates of the buses, in the feeder's order.

    Parameters
    ----------
    x : ndarray (n_buses,)
        Distance from the source: branches passed, or path impedance [ohm], in which a branch
        counts at least a thousandth of the longest path.
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
    children: list[list[int]] = [[] for _ in range(n)]
    fed = np.ones(n, dtype=np.int64)
    for i in range(1, n):
        children[order.parent[i]].append(i)
    for i in range(n - 1, 0, -1):
        fed[order.parent[i]] += fed[i]
    x = _path_sum(order, np.ones(feeder.n_branches))
    if distance == "impedance":
        length = np.hypot(feeder.r_ohm, feeder.x_ohm)
        whole = float(_path_sum(order, length).max())
        if whole > 0.0:  # else all is switches, which branches tell apart
            x = _path_sum(order, np.maximum(length, SHORTEST * whole))
    width = float(x.max()) if distance == "impedance" else 1.0
    row = _place(children, fed, x, x[order.parent], GAP[distance] * width)
    parent = np.empty(n, dtype=np.int64)
    parent[order.bus] = order.bus[order.parent]
    return FeederLayout(x[order.position], row[order.position], parent, distance)


def _path_sum(order: RadialOrder, length: Floats) -> Floats:
    """What the branches on the path from the source add up to, by position."""
    x = np.zeros(order.bus.size)
    for i in range(1, order.bus.size):
        x[i] = x[order.parent[i]] + length[order.branch[i]]
    return x


@dataclass
class _Block:
    """A line with its laterals, which is moved whole; row 0 is the line itself.

    On each side (1 above, -1 below) rows begin the farther from the source the farther out they
    are, because connectors pass the rows inside. So the beginnings are steps, kept outermost
    first: `tops` with the step's outermost row, `minus_begins` with minus its beginning.
    """

    end: dict[int, float]
    tops: dict[int, list[int]]
    minus_begins: dict[int, list[float]]

    def offset_for(self, lateral: _Block, side: int, gap: float) -> int:
        """The least offset to that side at which a lateral's block fits beside what is placed.

        What is placed begins farther out than the lateral does, so it fits where each of its
        rows ends before that.
        """
        offset = 1 - min(lateral.end)  # its lowest row just clears the line
        tops, minus_begins = self.tops[side], self.minus_begins[side]
        for row, end in lateral.end.items():
            inside = bisect_left(minus_begins, -(end + gap))
            if inside < len(tops):
                offset = max(offset, tops[inside] + 1 - row)
        return offset

    def put(self, lateral: _Block, side: int, offset: int, leaves: float) -> None:
        """Take up a lateral that leaves the line at `leaves`, no farther out than those before."""
        tops, minus_begins = self.tops[side], self.minus_begins[side]
        outermost = offset + max(lateral.end)
        while tops and tops[-1] <= outermost:
            tops.pop()
            minus_begins.pop()
        tops += [offset + top for top in lateral.tops[1]] + [offset]
        minus_begins += [*lateral.minus_begins[1], -leaves]
        for row, end in lateral.end.items():
            at = side * (row + offset)
            self.end[at] = max(self.end.get(at, -np.inf), end)


def _place(children: list[list[int]], fed: Ints, x: Floats, begin_x: Floats, gap: float) -> Ints:
    """Rows of all positions, every line with its laterals being one block that is moved whole."""
    lines, laterals = _lines(children, fed)
    blocks: list[_Block] = [_Block({}, {}, {})] * len(lines)
    shift: list[dict[int, tuple[int, int]]] = [{} for _ in lines]
    for number in range(len(lines) - 1, -1, -1):  # laterals have higher numbers than their lines
        block = _Block({0: float(x[lines[number][-1]])}, {1: [], -1: []}, {1: [], -1: []})
        # Where the connectors that end in a row leave the line.
        ends_in: dict[int, float] = {}
        for lateral in sorted(laterals[number], key=lambda k: -begin_x[lines[k][0]]):
            up = block.offset_for(blocks[lateral], 1, gap)
            down = block.offset_for(blocks[lateral], -1, gap)
            side, offset = (1, up) if up <= down else (-1, down)
            shift[number][lateral] = (side, offset)
            leaves = float(begin_x[lines[lateral][0]])
            block.put(blocks[lateral], side, offset, leaves)
            ends_in[side * offset] = max(ends_in.get(side * offset, -np.inf), leaves)
        # A connector takes room in the rows that it passes: each row sees those that end beyond.
        for side in (1, -1):
            farthest = -np.inf
            for out in range(max((side * r for r in ends_in), default=0), 0, -1):
                block.end[side * out] = max(block.end.get(side * out, -np.inf), farthest)
                farthest = max(farthest, ends_in.get(side * out, -np.inf))
        blocks[number] = block
        for lateral in laterals[number]:
            blocks[lateral] = block  # done with: its rows stand in the line's block now
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
