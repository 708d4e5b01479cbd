"""The feeder's tree in depth-first order, on which sweeps and path sums run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RadialOrder:
    """Buses renumbered depth first: every parent stands before its children.

    Positions are the new numbers; position 0 is the slack bus.

    Parameters
    ----------
    bus : ndarray (n_buses,)
        The user's bus index at each position.
    position : ndarray (n_buses,)
        The position of each of the user's buses (the inverse of `bus`).
    parent : ndarray (n_buses,)
        The position of the next bus towards the source; 0 for the slack bus itself.
    branch : ndarray (n_buses,)
        The branch that feeds the bus at each position; -1 for the slack bus.
    downstream : ndarray (n_buses,) of bool
        Whether that branch is written from the source outwards (its `from` end is the parent).

    Examples
    --------
    >>> order = depth_first(3, 2, np.array([0, 1]), np.array([1, 2]))  # the source is bus 2
    >>> order.bus.tolist(), order.position.tolist(), order.downstream[1:].tolist()
    ([2, 1, 0], [2, 1, 0], [False, False])
    """

    bus: Ints
    position: Ints
    parent: Ints
    branch: Ints
    downstream: NDArray[np.bool_]


def depth_first(n_buses: int, slack: int, from_bus: Ints, to_bus: Ints) -> RadialOrder:
    """Renumber a tree depth first from the slack bus.

    Parameters
    ----------
    n_buses : int
        Number of buses.
    slack : int
        The slack bus.
    from_bus, to_bus : ndarray (n_buses - 1,)
        Ends of the branches; they must form a tree (see `topology_problems`).

    Returns
    -------
    RadialOrder
        The order, in which laterals follow in the order of their branches.

    Examples
    --------
    >>> order = depth_first(4, 0, np.array([0, 1, 1]), np.array([1, 2, 3]))
    >>> order.bus.tolist(), order.parent.tolist()
    ([0, 1, 2, 3], [0, 0, 1, 1])
    """
    ends = np.concatenate([from_bus, to_bus])
    by_end = np.argsort(ends, kind="stable")
    start = np.searchsorted(ends[by_end], np.arange(n_buses + 1)).tolist()
    half = by_end.tolist()
    tails, heads = from_bus.tolist(), to_bus.tolist()
    n_branches = len(tails)
    bus = np.empty(n_buses, dtype=np.int64)
    parent = np.zeros(n_buses, dtype=np.int64)
    branch = np.full(n_buses, -1, dtype=np.int64)
    downstream = np.ones(n_buses, dtype=np.bool_)
    stack = [(slack, 0, -1)]
    at = 0
    while stack:
        here, above, via = stack.pop()
        bus[at], parent[at], branch[at] = here, above, via
        if via >= 0:
            downstream[at] = heads[via] == here
        # Reversed, so that the branch that was written first is walked first.
        for end in reversed(half[start[here] : start[here + 1]]):
            line = end - n_branches if end >= n_branches else end
            if line != via:
                stack.append((tails[line] if end >= n_branches else heads[line], at, line))
        at += 1
    position = np.empty(n_buses, dtype=np.int64)
    position[bus] = np.arange(n_buses)
    for array in (bus, position, parent, branch, downstream):
        array.flags.writeable = False
    return RadialOrder(bus, position, parent, branch, downstream)


def common_path_sum(order: RadialOrder, branch_value: Floats) -> Floats:
    """Sum a branch quantity over the path that two buses share from the source.

    Parameters
    ----------
    order : RadialOrder
        The tree.
    branch_value : ndarray (n_branches,)
        A value for each branch, e.g. its resistance [ohm].

    Returns
    -------
    ndarray (n_buses, n_buses)
        Entry (i, j) is the sum over the branches common to the paths from the slack bus to
        bus i and to bus j, in the user's bus order; symmetric, zero for the slack bus.

    Examples
    --------
    >>> order = depth_first(4, 0, np.array([0, 1, 1]), np.array([1, 2, 3]))
    >>> common_path_sum(order, np.array([1.0, 10.0, 100.0])).tolist()[2]
    [0.0, 1.0, 11.0, 1.0]
    """
    n = order.bus.size
    sums = np.zeros((n, n))
    value = branch_value[order.branch[1:]]
    parent = order.parent.tolist()
    for i in range(1, n):
        above = parent[i]
        sums[i, :i] = sums[above, :i]
        sums[:i, i] = sums[i, :i]
        sums[i, i] = sums[above, above] + value[i - 1]
    return sums[np.ix_(order.position, order.position)]
