"""What can be wrong with a radial feeder, found all at once and told with place and remedy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Place = Callable[[int], str]

# Beyond these a number is in another unit, or a slip: wide enough for any real feeder.
SOURCE_VOLTAGE_PU = (0.5, 1.5)
BASE_KV = (0.01, 2000.0)
MOST_OHM = 1e9
MOST_KW = 1e9


_LONGEST = 1200


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
        self.problems = [_cut(line) for line in problems]
        head = f"the feeder cannot be used, {len(self.problems)} problem(s):"
        super().__init__("\n  ".join([head, *self.problems]))


def _cut(line: str) -> str:
    """A line of bearable length: a cell may be as long as its file."""
    half = _LONGEST // 2
    return line if len(line) <= _LONGEST else f"{line[:half]} ... {line[-half:]}"


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
    """Impedances that are missing, infinite, negative or absurd (zero is a closed switch).

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
        for i in np.flatnonzero(~((values >= 0.0) & (values <= MOST_OHM))):
            value = float(values[i])
            if not np.isfinite(value):
                wrong = f"missing or not finite {key}"
            elif value < 0.0:
                wrong = f"negative {key}"
            else:
                wrong = f"{key} is no branch's impedance (above {MOST_OHM:g})"
            found.append(
                f"{place(int(i))}: {_shown(value)}: {wrong}: give {key} >= 0 (0 is a closed switch)"
            )
    return found


def tie_problems(impedances: Sequence[tuple[float, float]], place: Place) -> list[str]:
    """Open ties whose impedance no branch has (nan is unknown, and fine).

    Parameters
    ----------
    impedances : sequence of (r_ohm, x_ohm)
        Series resistance and reactance of each tie [ohm].
    place : callable
        ``place(i)`` tells where tie `i` stands.

    Returns
    -------
    list of str
        Problems, empty when there are none.

    Examples
    --------
    >>> tie_problems([(np.nan, 0.1), (-5.0, 0.1)], lambda i: f"br.csv: line {i + 2}")
    ['br.csv: line 3: -5.0: negative r_ohm: give r_ohm >= 0 (0 is a closed switch)']
    """
    known = np.nan_to_num(
        np.array(impedances, np.float64).reshape(-1, 2), nan=0.0, posinf=np.inf, neginf=-np.inf
    )
    return impedance_problems(known[:, 0], known[:, 1], place)


def rating_problems(i_max_a: NDArray[np.float64], place: Place) -> list[str]:
    """Ampacities that are not positive (nan is unknown, and fine).

    Parameters
    ----------
    i_max_a : ndarray (n_branches,)
        Ampacity [A].
    place : callable
        ``place(i)`` tells where branch `i` stands.

    Returns
    -------
    list of str
        Problems, empty when there are none.

    Examples
    --------
    >>> rating_problems(np.array([np.nan, -5.0]), lambda i: f"br.csv: line {i + 2}")
    ['br.csv: line 3: -5.0: i_max_a is not positive: give the ampacity, or leave it empty']
    """
    return [
        f"{place(int(i))}: {i_max_a[i]}: i_max_a is not positive: give the ampacity, or leave it "
        "empty"
        for i in np.flatnonzero(i_max_a <= 0.0)
    ]


def load_problems(
    load_kw: NDArray[np.float64], load_kvar: NDArray[np.float64], place: Place
) -> list[str]:
    """Loads that are missing, infinite or absurd.

    Parameters
    ----------
    load_kw, load_kvar : ndarray (n_buses,)
        Loads [kW, kvar].
    place : callable
        ``place(i)`` tells where bus `i` stands.

    Returns
    -------
    list of str
        Problems, empty when there are none.

    Examples
    --------
    >>> load_problems(np.array([1.0, np.nan]), np.zeros(2), lambda i: f"b.csv: line {i + 2}")
    ['b.csv: line 3: no value: p_kw is missing or not finite: give a number (0 for no load)']
    """
    found = []
    for key, values in (("p_kw", load_kw), ("q_kvar", load_kvar)):
        for i in np.flatnonzero(~(np.abs(values) <= MOST_KW)):
            value = float(values[i])
            wrong = "missing or not finite" if not np.isfinite(value) else "no feeder's load"
            found.append(
                f"{place(int(i))}: {_shown(value)}: {key} is {wrong}: give a number (0 for no load)"
            )
    return found


def level_problem(base_kv: float, place: str) -> list[str]:
    """A nominal voltage that is missing or that no feeder has.

    Examples
    --------
    >>> level_problem(0.0, "b.csv: line 2")
    ['b.csv: line 2: 0.0: base_kv is not positive: give it in kV, line to line']
    """
    if not (np.isfinite(base_kv) and base_kv > 0.0):
        wrong = "base_kv is not positive"
    elif not BASE_KV[0] <= base_kv <= BASE_KV[1]:
        wrong = f"base_kv is no feeder's voltage ({BASE_KV[0]:g} to {BASE_KV[1]:g} kV)"
    else:
        return []
    return [f"{place}: {_shown(base_kv)}: {wrong}: give it in kV, line to line"]


def source_voltage_problem(
    source_voltage_pu: float, place: str, plausible: bool = True
) -> list[str]:
    """A source voltage far from any network's, or, if not `plausible`, one that is not positive.

    Examples
    --------
    >>> source_voltage_problem(230.0, "--source-voltage")
    ['--source-voltage: 230.0: not a voltage from 0.5 to 1.5 p.u.: give it in p.u., such as 1.02']
    """
    low, high = SOURCE_VOLTAGE_PU if plausible else (5e-324, 1.7e308)
    if low <= source_voltage_pu <= high:
        return []
    return [
        f"{place}: {_shown(source_voltage_pu)}: not a voltage from {low:g} to {high:g} p.u.: give "
        "it in p.u., such as 1.02"
    ]


def _shown(value: float) -> str:
    return "no value" if np.isnan(value) else str(float(value))


def topology_problems(
    names: Sequence[str],
    slack: int,
    from_bus: NDArray[np.int64],
    to_bus: NDArray[np.int64],
    branch_place: Place,
    bus_place: Place,
    complete: bool = True,
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
    complete : bool
        Whether all branches are given; otherwise islands are not looked for.

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
        if complete and key != fed:
            some = ", ".join(repr(names[bus]) for bus in buses[:5])
            more = f" and {len(buses) - 5} more" if len(buses) > 5 else ""
            found.append(
                f"{bus_place(buses[0])}: {some}{more}: no path to the slack bus "
                f"{names[slack]!r}: close a branch to it or remove the bus(es)"
            )
    return found
