"""What can be wrong with a radial feeder, found all at once and told with place and remedy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Place = Callable[[int], str]


class FeederError(ValueError):
    """A feeder cannot be used; every problem is listed.

    Parameters
    ----------
    problems : sequence of str
        One line each: ``file: place: value: what is wrong: what to do``.

    Examples
    --------
    >>> FeederError(["lane.csv: line 3: -1: negative r_ohm: give r >= 0"]).problems
    ['lane.csv: line 3: -1: negative r_ohm: give r >= 0']
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        head = f"the feeder cannot be used, {len(self.problems)} problem(s):"
        super().__init__("\n  ".join([head, *self.problems]))


def bus_problems(names: Sequence[str], place: Place) -> list[str]:
    """Buses without a name, and names used twice.

    Parameters
    ----------
    names : sequence of str
        Bus names in the user's order.
    place : callable
        ``place(i)`` tells where bus `i` stands, as ``file: place``.

    Returns
    -------
    list of str
        Problems, empty when there are none.

    Examples
    --------
    >>> bus_problems(["1", "2", "2"], lambda i: f"b.csv: line {i + 2}")
    ["b.csv: line 4: '2': the bus stands a second time (first: b.csv: line 3): keep one row a bus"]
    """
    found = []
    first: dict[str, int] = {}
    for i, name in enumerate(names):
        if not name:
            found.append(f"{place(i)}: '': the bus has no name: give each bus a name")
        elif name in first:
            found.append(
                f"{place(i)}: {name!r}: the bus stands a second time "
                f"(first: {place(first[name])}): keep one row a bus"
            )
        else:
            first[name] = i
    return found


def impedance_problems(
    r_ohm: NDArray[np.float64], x_ohm: NDArray[np.float64], place: Place
) -> list[str]:
    """Impedances that are missing, infinite or negative (zero is a closed switch, and fine).

    Parameters
    ----------
    r_ohm, x_ohm : ndarray (n_branches,)
        Series resistance and reactance [ohm].
    place : callable
        ``place(i)`` tells where branch `i` stands.

    Returns
    -------
    list of str
        Problems, empty when there are none.

    Examples
    --------
    >>> impedance_problems(np.array([0.0, -1.0]), np.zeros(2), lambda i: f"br.csv: line {i + 2}")
    ['br.csv: line 3: -1.0: negative r_ohm: give r_ohm >= 0 (0 is a closed switch)']
    """
    found = []
    for key, values in (("r_ohm", r_ohm), ("x_ohm", x_ohm)):
        for i in np.flatnonzero(~(np.isfinite(values) & (values >= 0.0))):
            value = float(values[i])
            wrong = "negative" if value < 0.0 and np.isfinite(value) else "missing or not finite"
            found.append(
                f"{place(int(i))}: {value}: {wrong} {key}: give {key} >= 0 (0 is a closed switch)"
            )
    return found


def topology_problems(
    names: Sequence[str],
    slack: int,
    from_bus: NDArray[np.int64],
    to_bus: NDArray[np.int64],
    branch_place: Place,
    bus_place: Place,
) -> list[str]:
    """Loops, islands, duplicate branches and branches from a bus to itself.

    Every branch that closes a loop is named, and every island once, with its first buses.

    Parameters
    ----------
    names : sequence of str
        Bus names.
    slack : int
        Index of the slack bus.
    from_bus, to_bus : ndarray (n_branches,)
        Bus indices of the closed branches' ends, all within range.
    branch_place, bus_place : callable
        Where a branch and a bus stand.

    Returns
    -------
    list of str
        Problems, empty when the closed branches form one tree.

    Examples
    --------
    >>> ends = np.array([0, 1, 2]), np.array([1, 2, 0])
    >>> where = lambda i: f"br.csv: line {i + 2}"
    >>> topology_problems(["1", "2", "3"], 0, *ends, where, where)
    ["br.csv: line 4: '3'-'1': the branch closes a loop: open one branch of the loop (closed = 0)"]
    """
    found = []
    root = list(range(len(names)))

    def representative(bus: int) -> int:
        while root[bus] != bus:
            root[bus] = root[root[bus]]
            bus = root[bus]
        return bus

    seen: dict[tuple[int, int], int] = {}
    for i, (a, b) in enumerate(zip(from_bus.tolist(), to_bus.tolist(), strict=True)):
        ends = f"{names[a]!r}-{names[b]!r}"
        pair = (min(a, b), max(a, b))
        if a == b:
            found.append(
                f"{branch_place(i)}: {ends}: the branch joins a bus to itself: remove it or "
                "correct an end"
            )
        elif pair in seen:
            found.append(
                f"{branch_place(i)}: {ends}: a second branch between the same buses (first: "
                f"{branch_place(seen[pair])}): give one branch of the joint impedance"
            )
        else:
            seen[pair] = i
            one, other = representative(a), representative(b)
            if one == other:
                found.append(
                    f"{branch_place(i)}: {ends}: the branch closes a loop: open one branch of "
                    "the loop (closed = 0)"
                )
            root[one] = other
    islands: dict[int, list[int]] = defaultdict(list)
    for bus in range(len(names)):
        islands[representative(bus)].append(bus)
    fed = representative(slack)
    for key, buses in islands.items():
        if key != fed:
            some = ", ".join(repr(names[bus]) for bus in buses[:5])
            more = f" and {len(buses) - 5} more" if len(buses) > 5 else ""
            found.append(
                f"{bus_place(buses[0])}: {some}{more}: no path to the slack bus "
                f"{names[slack]!r}: close a branch to it or remove the bus(es)"
            )
    return found
