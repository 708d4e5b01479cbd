"""A feeder as it was read: rows with their places, checked as a whole before a Feeder is made."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .feeder import Feeder, OpenTie
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


@dataclass(frozen=True)
class BusRow:
    """One bus as read: where it stands (``file: place``), its name, load [kW, kvar], level [kV].

    Examples
    --------
    >>> BusRow("lane.csv: line 3", "b", 5.0, 1.0, 0.4).n_customers
    0
    """

    place: str
    name: str
    p_kw: float
    q_kvar: float
    base_kv: float
    n_customers: int = 0


@dataclass(frozen=True)
class BranchRow:
    """One branch as read: where it stands, its ends' names, impedance [ohm], state, ampacity [A].

    Examples
    --------
    >>> row = BranchRow("lane.csv: line 2", "a", "b", 0.1, 0.05)
    >>> row.closed, row.i_max_a
    (True, nan)
    """

    place: str
    from_bus: str
    to_bus: str
    r_ohm: float
    x_ohm: float
    closed: bool = True
    i_max_a: float = math.nan


@dataclass
class FeederTable:
    """All rows of a feeder, with the problems met so far.

    Parameters
    ----------
    name, source : str
        As in `Feeder`.
    place : str
        The file, for problems that no row is to blame for.
    buses, branches : list
        The rows.
    slack_buses : list of str
        Names of the buses that a source holds; exactly one is right.
    source_voltage_pu : float
        Voltage of the source [p.u.].
    problems : list of str
        What the reader itself found wrong.
    """

    name: str
    source: str
    place: str
    buses: list[BusRow] = field(default_factory=list)
    branches: list[BranchRow] = field(default_factory=list)
    slack_buses: list[str] = field(default_factory=list)
    source_voltage_pu: float = 1.0
    problems: list[str] = field(default_factory=list)


def feeder_from_table(table: FeederTable) -> Feeder:
    """Check a feeder's rows as a whole and build it.

    Parameters
    ----------
    table : FeederTable
        What a reader found.

    Returns
    -------
    Feeder
        The radial feeder; open branches become its `open_ties`.

    Raises
    ------
    FeederError
        With every problem of every row.

    Examples
    --------
    >>> table = FeederTable("lane", "an example", "lane.csv", slack_buses=["1"])
    >>> table.buses += [BusRow("lane.csv: line 2", "1", 0, 0, 0.4),
    ...                 BusRow("lane.csv: line 3", "2", 5, 1, 0.4)]
    >>> table.branches += [BranchRow("lane.csv: line 2", "1", "2", 0.1, 0.05)]
    >>> feeder_from_table(table).r_ohm.tolist()
    [0.1]
    """
    problems = list(table.problems)
    names = [row.name for row in table.buses]
    index = {name: i for i, name in reversed(list(enumerate(names))) if name}
    problems += bus_problems(names, lambda i: table.buses[i].place)
    load_kw = np.array([row.p_kw for row in table.buses], dtype=np.float64)
    load_kvar = np.array([row.q_kvar for row in table.buses], dtype=np.float64)
    problems += load_problems(load_kw, load_kvar, lambda i: table.buses[i].place)
    problems += _level_problems(table)
    slack = _slack(table, index, problems)

    closed = [row for row in table.branches if row.closed]
    problems += impedance_problems(
        np.array([row.r_ohm for row in closed], dtype=np.float64),
        np.array([row.x_ohm for row in closed], dtype=np.float64),
        lambda i: closed[i].place,
    )
    problems += rating_problems(
        np.array([row.i_max_a for row in closed], dtype=np.float64), lambda i: closed[i].place
    )
    problems += source_voltage_problem(table.source_voltage_pu, table.place)
    for row in table.branches:
        for end in (row.from_bus, row.to_bus):
            if end not in index:
                problems.append(
                    f"{row.place}: {end!r}: the branch's end is no known bus: correct it or add "
                    "the bus"
                )
    joined = [row for row in closed if row.from_bus in index and row.to_bus in index]
    if slack is not None:
        # A bus that stands twice counts once, and with an end unknown no island is certain.
        first = [names[i] for i in sorted(index.values())]
        number = {name: i for i, name in enumerate(first)}
        problems += topology_problems(
            first,
            number[names[slack]],
            np.array([number[row.from_bus] for row in joined], dtype=np.int64),
            np.array([number[row.to_bus] for row in joined], dtype=np.int64),
            lambda i: joined[i].place,
            lambda i: table.buses[index[first[i]]].place,
            complete=len(joined) == len(closed),
        )
    ties = [
        OpenTie(index[row.from_bus], index[row.to_bus], row.r_ohm, row.x_ohm)
        for row in table.branches
        if not row.closed and row.from_bus in index and row.to_bus in index
    ]
    tie_rows = [row for row in table.branches if not row.closed]
    problems += tie_problems(
        [(row.r_ohm, row.x_ohm) for row in tie_rows], lambda i: tie_rows[i].place
    )
    if problems or slack is None:
        raise FeederError(problems)
    return Feeder(
        name=table.name,
        source=table.source,
        bus_names=tuple(names),
        slack=slack,
        base_kv=table.buses[slack].base_kv,
        from_bus=np.array([index[row.from_bus] for row in joined], dtype=np.int64),
        to_bus=np.array([index[row.to_bus] for row in joined], dtype=np.int64),
        r_ohm=np.array([row.r_ohm for row in joined], dtype=np.float64),
        x_ohm=np.array([row.x_ohm for row in joined], dtype=np.float64),
        i_max_a=np.array([row.i_max_a for row in joined], dtype=np.float64),
        load_kw=load_kw,
        load_kvar=load_kvar,
        n_customers=np.array([row.n_customers for row in table.buses], dtype=np.int64),
        source_voltage_pu=table.source_voltage_pu,
        open_ties=tuple(ties),
        checked=True,
    )


def _slack(table: FeederTable, index: dict[str, int], problems: list[str]) -> int | None:
    """The one slack bus, or None with the problem noted."""
    if not table.buses:
        problems.append(f"{table.place}: 0 buses: the feeder is empty: give its buses")
        return None
    if not table.slack_buses:
        problems.append(f"{table.place}: none: 0 slack buses: give exactly one source")
        return None
    if len(table.slack_buses) > 1:
        places = [
            f"{table.buses[index[name]].place}: {name!r}" if name in index else repr(name)
            for name in table.slack_buses
        ]
        problems.append(f"{'; '.join(places)}: {len(places)} slack buses: give exactly one source")
        return None
    name = table.slack_buses[0]
    if name not in index:
        problems.append(f"{table.place}: {name!r}: the slack bus is no known bus: add the bus")
        return None
    return index[name]


def _level_problems(table: FeederTable) -> list[str]:
    """Buses whose nominal voltage is unusable or differs from the first one's."""
    found = []
    level = None
    for row in table.buses:
        problem = level_problem(row.base_kv, row.place)
        if problem:
            found += problem
        elif level is None:
            level = row.base_kv
        elif row.base_kv != level:
            found.append(
                f"{row.place}: {row.base_kv}: another voltage level than the first bus's {level} "
                "kV: give one level only; refer a transformer's impedance to it"
            )
    return found
