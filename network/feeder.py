"""The feeder: one radial network at one voltage level, as the market sees it."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .problems import (
    FeederError,
    bus_problems,
    impedance_problems,
    level_problem,
    load_problems,
    rating_problems,
    source_voltage_problem,
    tie_problems,
    topology_problems,
)
from .radial import RadialOrder, common_path_sum, depth_first
from .sweep import SweepArrays, sweep_arrays

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OpenTie:
    """A branch that exists but is open: the sweep leaves it out.

    Parameters
    ----------
    from_bus, to_bus : int
        Bus indices of its ends.
    r_ohm, x_ohm : float
        Its impedance [ohm], should it ever be closed; nan where unknown.

    Examples
    --------
    >>> OpenTie(3, 7, 0.5, 0.4).to_bus
    7
    """

    from_bus: int
    to_bus: int
    r_ohm: float
    x_ohm: float


@dataclass(frozen=True, eq=False)
class Feeder:
    """A radial, balanced three-phase feeder with one source and one voltage level.

    Arrays are copied, read-only and in the user's own bus and branch order. A feeder that is not
    a tree of usable branches raises at once.

    Parameters
    ----------
    name, source : str
        What it is called, and where its numbers come from.
    bus_names : tuple of str (n_buses,)
        The user's names, in the user's order.
    slack : int
        Index of the bus whose voltage the source holds.
    base_kv : float
        Nominal line-to-line voltage [kV].
    from_bus, to_bus : ndarray (n_branches,)
        Bus indices of the closed branches' ends, in either direction.
    r_ohm, x_ohm : ndarray (n_branches,)
        Series impedance a phase [ohm]; 0 is a closed switch.
    i_max_a : ndarray (n_branches,)
        Ampacity [A]; nan where unknown.
    load_kw, load_kvar : ndarray (n_buses,)
        Nominal three-phase load [kW, kvar], for studies of the feeder itself.
    n_customers : ndarray (n_buses,)
        Customers at each bus.
    source_voltage_pu : float
        Voltage of the slack bus [p.u.].
    open_ties : tuple of OpenTie
        Branches that are left open.
    checked : bool
        Whether all that `network.problems` looks for has been looked for already, as readers do
        with the places of their files.

    Raises
    ------
    FeederError
        With all problems: loops, islands, unusable impedances, duplicates, wrong shapes.

    Examples
    --------
    >>> lane = Feeder("lane", "an example", ("sub", "a", "b"), 0, 0.4, [0, 1], [1, 2],
    ...               [0.01, 0.02], [0.005, 0.01])
    >>> lane.n_buses, lane.bus_index("b"), lane.with_source_voltage(1.02).source_voltage_pu
    (3, 2, 1.02)
    """

    name: str
    source: str
    bus_names: tuple[str, ...]
    slack: int
    base_kv: float
    from_bus: Ints
    to_bus: Ints
    r_ohm: Floats
    x_ohm: Floats
    i_max_a: Floats = None  # type: ignore[assignment]  # filled with nan below
    load_kw: Floats = None  # type: ignore[assignment]  # filled with zeros below
    load_kvar: Floats = None  # type: ignore[assignment]
    n_customers: Ints = None  # type: ignore[assignment]
    source_voltage_pu: float = 1.0
    open_ties: tuple[OpenTie, ...] = ()
    checked: InitVar[bool] = False

    def __post_init__(self, checked: bool) -> None:
        n, m = len(self.bus_names), np.size(self.from_bus)
        put = object.__setattr__
        put(self, "bus_names", tuple(str(name) for name in self.bus_names))
        put(self, "slack", int(self.slack))
        put(self, "base_kv", float(self.base_kv))
        put(self, "source_voltage_pu", float(self.source_voltage_pu))
        problems: list[str] = []
        for key, dtype, size, default in (
            ("from_bus", np.int64, m, None),
            ("to_bus", np.int64, m, None),
            ("r_ohm", np.float64, m, None),
            ("x_ohm", np.float64, m, None),
            ("i_max_a", np.float64, m, np.nan),
            ("load_kw", np.float64, n, 0.0),
            ("load_kvar", np.float64, n, 0.0),
            ("n_customers", np.int64, n, 0),
        ):
            given: ArrayLike | None = getattr(self, key)
            place = f"{self.name}: {key}"
            if given is None and default is not None:
                given = np.full(size, default)
            array = _as_numbers(given, dtype, place, problems)
            array.flags.writeable = False
            put(self, key, array)
            if array.shape != (size,):
                problems.append(
                    f"{place}: shape {array.shape}: {size} values are needed: give one "
                    f"value a {'branch' if size == m else 'bus'}"
                )
        if not checked:
            problems = problems or self._problems()
        if problems:
            raise FeederError(problems)

    def _problems(self) -> list[str]:
        def bus_place(i: int) -> str:
            return f"{self.name}: bus {i}"

        def branch_place(i: int) -> str:
            return f"{self.name}: branch {i}"

        def tie_place(i: int) -> str:
            return f"{self.name}: open tie {i}"

        n = self.n_buses
        found = bus_problems(self.bus_names, bus_place)
        found += impedance_problems(self.r_ohm, self.x_ohm, branch_place)
        found += rating_problems(self.i_max_a, branch_place)
        found += load_problems(self.load_kw, self.load_kvar, bus_place)
        found += level_problem(self.base_kv, f"{self.name}: base_kv")
        found += source_voltage_problem(
            self.source_voltage_pu, f"{self.name}: source_voltage_pu", False
        )
        found += tie_problems([(tie.r_ohm, tie.x_ohm) for tie in self.open_ties], tie_place)
        found += [
            f"{bus_place(int(i))}: {self.n_customers[i]}: n_customers is negative: give a count"
            for i in np.flatnonzero(self.n_customers < 0)
        ]
        if not 0 <= self.slack < n:
            found.append(f"{self.name}: slack: {self.slack}: no such bus: give 0 to {n - 1}")
        ends = [
            (branch_place(i), bus)
            for i, pair in enumerate(zip(self.from_bus, self.to_bus, strict=False))
            for bus in pair
        ] + [
            (tie_place(i), bus)
            for i, tie in enumerate(self.open_ties)
            for bus in (tie.from_bus, tie.to_bus)
        ]
        stray = [
            f"{place}: {bus}: no such bus: give 0 to {n - 1}"
            for place, bus in ends
            if not 0 <= bus < n
        ]
        found += stray
        if not stray and 0 <= self.slack < n:
            found += topology_problems(
                self.bus_names, self.slack, self.from_bus, self.to_bus, branch_place, bus_place
            )
        return found

    @property
    def n_buses(self) -> int:
        """Number of buses, the slack bus included."""
        return len(self.bus_names)

    @property
    def n_branches(self) -> int:
        """Number of closed branches (n_buses - 1)."""
        return int(self.from_bus.size)

    @cached_property
    def radial_order(self) -> RadialOrder:
        """The tree in depth-first order."""
        return depth_first(self.n_buses, self.slack, self.from_bus, self.to_bus)

    @cached_property
    def sweep_arrays(self) -> SweepArrays:
        """The arrays that the power-flow kernel reads."""
        return sweep_arrays(self.radial_order, self.r_ohm, self.x_ohm, self.base_kv)

    @cached_property
    def path_resistance_ohm(self) -> Floats:
        """Resistance common to the paths of two buses [ohm], (n_buses, n_buses), read-only."""
        return _read_only(common_path_sum(self.radial_order, self.r_ohm))

    @cached_property
    def path_reactance_ohm(self) -> Floats:
        """Reactance common to the paths of two buses [ohm], (n_buses, n_buses), read-only."""
        return _read_only(common_path_sum(self.radial_order, self.x_ohm))

    @cached_property
    def _index_of_name(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.bus_names)}

    def bus_index(self, name: str) -> int:
        """Index of a bus by its name.

        Raises
        ------
        FeederError
            If the feeder has no such bus; the known names are listed.
        """
        try:
            return self._index_of_name[str(name)]
        except KeyError:
            some = ", ".join(self.bus_names[:12]) + (", ..." if self.n_buses > 12 else "")
            raise FeederError(
                [f"{self.name}: bus: {name!r}: no such bus: give one of {some}"]
            ) from None

    def with_source_voltage(self, source_voltage_pu: float) -> Feeder:
        """Return the same feeder with another voltage at the slack bus [p.u.]."""
        problems = source_voltage_problem(
            source_voltage_pu, f"{self.name}: source_voltage_pu", False
        )
        if problems:
            raise FeederError(problems)
        other = replace(self, source_voltage_pu=source_voltage_pu, checked=True)
        # Nothing cached depends on the source voltage: share it.
        for key, value in self.__dict__.items():
            other.__dict__.setdefault(key, value)
        return other


def _as_numbers(
    given: ArrayLike | None, dtype: type[np.generic], place: str, problems: list[str]
) -> NDArray[Any]:
    """A copy of the user's numbers; what would be cut off to fit is noted."""
    try:
        numbers = np.array(given, np.float64)  # a copy
        array = numbers if dtype is np.float64 else np.zeros(numbers.shape, dtype)
        if dtype is not np.float64:
            broken = numbers[~(np.floor(numbers) == numbers)]
            if broken.size:
                problems.append(f"{place}: {broken[0]}: not a whole number: give whole numbers")
            else:
                array = numbers.astype(dtype)
    except (TypeError, ValueError) as error:
        problems.append(f"{place}: {error}: not numbers: give numbers")
        array = np.zeros(np.shape(np.asarray(given, object)), dtype)
    return array


def _read_only(array: Floats) -> Floats:
    array.flags.writeable = False
    return array
