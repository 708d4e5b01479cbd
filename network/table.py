"""A feeder as it was read: rows with their places, checked as a whole before a Feeder is made."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .feeder import Feeder, OpenTie
from .problems import FeederError, bus_problems, impedance_problems, topology_problems


@dataclass(frozen=True)
class BusRow:
    """One bus as read: where it stands (``file: place``), its name, load, voltage level."""

    place: str
    name: str
    p_kw: float
    q_kvar: float
    base_kv: float
    n_customers: int = 0


@dataclass(frozen=True)
class BranchRow:
    """One branch as read: where it stands, the names of its ends, impedance, state, ampacity."""

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
    index = {name: i for i, name in reversed(list(enumerate(names)))}
    problems += bus_problems(names, lambda i: table.buses[i].place)
    problems += _load_problems(table)
    problems += _level_problems(table)
    slack = _slack(table, index, problems)

    known: list[BranchRow] = []
    open_rows: list[BranchRow] = []
    for row in table.branches:
        strange = [end for end in (row.from_bus, row.to_bus) if end not in index]
        for end in strange:
            problems.append(
                f"{row.place}: {end!r}: the branch's end is no known bus: correct it or add the bus"
            )
        if not strange:
            (known if row.closed else open_rows).append(row)
    from_bus = np.array([index[row.from_bus] for row in known], dtype=np.int64)
    to_bus = np.array([index[row.to_bus] for row in known], dtype=np.int64)
    closed = [row for row in table.branches if row.closed]
    problems += impedance_problems(
        np.array([row.r_ohm for row in closed]),
        np.array([row.x_ohm for row in closed]),
        lambda i: closed[i].place,
    )
    problems += [
        f"{row.place}: {row.i_max_a}: i_max_a is not positive: give the ampacity, or leave it empty"
        for row in closed
        if not (math.isnan(row.i_max_a) or row.i_max_a > 0.0)
    ]
    if slack is not None:
        problems += topology_problems(
            names,
            slack,
            from_bus,
            to_bus,
            lambda i: known[i].place,
            lambda i: table.buses[i].place,
        )
    if not (math.isfinite(table.source_voltage_pu) and table.source_voltage_pu > 0.0):
        problems.append(
            f"{table.place}: {table.source_voltage_pu}: the source voltage is not positive: give "
            "a voltage in p.u."
        )
    if problems or slack is None:
        raise FeederError(problems)
    return Feeder(
        name=table.name,
        source=table.source,
        bus_names=tuple(names),
        slack=slack,
        base_kv=table.buses[slack].base_kv,
        from_bus=from_bus,
        to_bus=to_bus,
        r_ohm=np.array([row.r_ohm for row in known], dtype=np.float64),
        x_ohm=np.array([row.x_ohm for row in known], dtype=np.float64),
        i_max_a=np.array([row.i_max_a for row in known], dtype=np.float64),
        load_kw=np.array([row.p_kw for row in table.buses]),
        load_kvar=np.array([row.q_kvar for row in table.buses]),
        n_customers=np.array([row.n_customers for row in table.buses], dtype=np.int64),
        source_voltage_pu=table.source_voltage_pu,
        open_ties=tuple(
            OpenTie(index[row.from_bus], index[row.to_bus], row.r_ohm, row.x_ohm)
            for row in open_rows
        ),
    )


def _slack(table: FeederTable, index: dict[str, int], problems: list[str]) -> int | None:
    """The one slack bus, or None with the problem noted."""
    if not table.buses:
        problems.append(f"{table.place}: 0 buses: the feeder is empty: give its buses")
        return None
    if len(table.slack_buses) != 1:
        some = ", ".join(repr(name) for name in table.slack_buses) or "none"
        problems.append(
            f"{table.place}: {some}: {len(table.slack_buses)} slack buses: give exactly one source"
        )
        return None
    name = table.slack_buses[0]
    if name not in index:
        problems.append(f"{table.place}: {name!r}: the slack bus is no known bus: add the bus")
        return None
    return index[name]


def _load_problems(table: FeederTable) -> list[str]:
    return [
        f"{row.place}: {value}: {key} is missing or not finite: give a number (0 for no load)"
        for row in table.buses
        for key, value in (("p_kw", row.p_kw), ("q_kvar", row.q_kvar))
        if not math.isfinite(value)
    ]


def _level_problems(table: FeederTable) -> list[str]:
    """Buses whose nominal voltage is unusable or differs from the first one's."""
    found = []
    level = None
    for row in table.buses:
        if not (math.isfinite(row.base_kv) and row.base_kv > 0.0):
            found.append(f"{row.place}: {row.base_kv}: base_kv is not positive: give it in kV")
        elif level is None:
            level = row.base_kv
        elif row.base_kv != level:
            found.append(
                f"{row.place}: {row.base_kv}: another voltage level than the first bus's {level} "
                "kV: give one level only; refer a transformer's impedance to it"
            )
    return found
