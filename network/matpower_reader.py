"""Feeders from MATPOWER case files (`.m`), read as numbers: nothing in the file is executed."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from .feeder import Feeder
from .matpower_text import WIDTH, MatpowerCase, parse_case
from .problems import FeederError
from .table import BranchRow, BusRow, FeederTable, feeder_from_table

# Columns of MATPOWER's matrices (manual, appendix B: data file format).
BUS_I, BUS_TYPE, PD, QD, GS, BS, BASE_KV = 0, 1, 2, 3, 4, 5, 9
GEN_BUS, PG, QG, VG, GEN_STATUS = 0, 1, 2, 5, 7
F_BUS, T_BUS, BR_R, BR_X, BR_B, RATE_A, TAP, SHIFT, BR_STATUS = 0, 1, 2, 3, 4, 5, 8, 9, 10
PQ_BUS, SLACK_BUS, ISOLATED_BUS = 1, 3, 4


def read_matpower_feeder(path: Path) -> Feeder:
    """Read a radial feeder from a MATPOWER case.

    The matrices ``mpc.bus``, ``mpc.gen`` and ``mpc.branch`` are read as numbers, with the
    conversions that MATPOWER's own distribution cases write below them (ohms to p.u., kW to MW,
    kVA at a power factor to kW and kvar). Any other statement is refused. Branches with status 0
    are open ties; generators other than the slack bus's are negative loads; ``rateA`` becomes the
    ampacity.

    Parameters
    ----------
    path : Path
        The case file.

    Returns
    -------
    Feeder
        The feeder; its source voltage is the slack generator's ``Vg``.

    Raises
    ------
    FeederError
        With every problem as ``file: line N: value: what is wrong: what to do``: loops, islands,
        several slack buses, line charging, shunts, taps, voltage-controlled buses, and so on.

    Examples
    --------
    >>> import tempfile
    >>> case = Path(tempfile.mkdtemp()) / "case2.m"
    >>> _ = case.write_text('''function mpc = case2
    ... mpc.baseMVA = 1;
    ... mpc.bus = [1 3 0 0 0 0 1 1 0 11; 2 1 0.1 0.05 0 0 1 1 0 11];
    ... mpc.gen = [1 0 0 10 -10 1.02 100 1];
    ... mpc.branch = [1 2 0.01 0.02 0 0 0 0 0 0 1];
    ... ''')
    >>> feeder = read_matpower_feeder(case)
    >>> feeder.load_kw.tolist(), feeder.r_ohm.round(6).tolist(), feeder.source_voltage_pu
    ([0.0, 100.0], [1.21], 1.02)
    """
    table = FeederTable(path.stem, f"the user's MATPOWER case {path}", str(path))
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        why = error.strerror or error
        raise FeederError([f"{path}: {why}: the file cannot be read: give a .m case"]) from None
    case = parse_case(text, path)
    for name in WIDTH:
        if name not in case.matrices:
            table.problems.append(f"{path}: mpc.{name}: missing matrix: give mpc.{name} = [...]")
    if math.isnan(case.base_mva):
        table.problems.append(f"{path}: mpc.baseMVA: missing: give it as a number")
    if table.problems:
        raise FeederError(table.problems)
    if not _bus_numbers(case, path, table.problems):
        # Which bus is meant is unknown: anything more would be a guess.
        raise FeederError(table.problems)
    _add_buses(case, path, table)
    _add_generators(case, path, table)
    _add_branches(case, path, table)
    return feeder_from_table(table)


def _bus_numbers(case: MatpowerCase, path: Path, problems: list[str]) -> bool:
    """Whether every bus is called by a whole number; the others are noted."""
    for matrix, columns in (("bus", (BUS_I,)), ("gen", (GEN_BUS,)), ("branch", (F_BUS, T_BUS))):
        problems += [
            f"{path}: line {number}: {row[column]:g}: not a bus number: give a positive whole "
            "number"
            for number, row in case.matrices[matrix]
            for column in columns
            if not (row[column].is_integer() and row[column] > 0.0)
        ]
    return not problems


def _add_buses(case: MatpowerCase, path: Path, table: FeederTable) -> None:
    to_kw = 1.0 if case.in_kw else 1000.0
    for number, row in case.matrices["bus"]:
        place = f"{path}: line {number}"
        p, q = row[PD], row[QD]
        if case.kva_to_kvar:
            q = p * math.sin(math.acos(case.power_factor))
        if case.kva_to_kw:
            p *= case.power_factor
        if row[GS] != 0.0 or row[BS] != 0.0:
            table.problems.append(
                f"{place}: Gs {row[GS]:g}, Bs {row[BS]:g}: shunts are not modelled: give them as "
                "constant Pd, Qd, or set them to 0"
            )
        if row[BUS_TYPE] == SLACK_BUS:
            table.slack_buses.append(str(int(row[BUS_I])))
        elif row[BUS_TYPE] not in (PQ_BUS, ISOLATED_BUS):
            table.problems.append(
                f"{place}: bus type {row[BUS_TYPE]:g}: only the source holds a voltage: make the "
                "bus a load bus (type 1)"
            )
        table.buses.append(BusRow(place, str(int(row[BUS_I])), p * to_kw, q * to_kw, row[BASE_KV]))


def _add_generators(case: MatpowerCase, path: Path, table: FeederTable) -> None:
    """The slack generator gives the source voltage; the others are negative loads."""
    at = {row.name: i for i, row in reversed(list(enumerate(table.buses)))}
    source: tuple[str, float] | None = None
    for number, row in case.matrices["gen"]:
        place, name = f"{path}: line {number}", str(int(row[GEN_BUS]))
        if math.isnan(row[GEN_STATUS]):
            table.problems.append(f"{place}: nan: the status is missing: give 1 or 0")
        if not row[GEN_STATUS] > 0.0:
            continue
        if name not in at:
            table.problems.append(
                f"{place}: {name!r}: the generator's bus is no known bus: correct it"
            )
        elif name not in table.slack_buses:
            bus = table.buses[at[name]]
            p, q = bus.p_kw - 1000.0 * row[PG], bus.q_kvar - 1000.0 * row[QG]
            table.buses[at[name]] = replace(bus, p_kw=p, q_kvar=q)
        elif source is None:
            source = place, row[VG]
            table.source_voltage_pu = row[VG]
        elif row[VG] != source[1]:
            table.problems.append(
                f"{place}: Vg {row[VG]:g}: another generator at the slack bus holds {source[1]:g} "
                f"({source[0]}): give both the same Vg"
            )
    if source is None and len(table.slack_buses) == 1:
        table.problems.append(
            f"{path}: mpc.gen: {table.slack_buses[0]!r}: no generator in service at the slack bus, "
            "so that the source voltage is unknown: give one with its Vg"
        )


def _add_branches(case: MatpowerCase, path: Path, table: FeederTable) -> None:
    level = table.buses[0].base_kv if table.buses else math.nan
    ohm = 1.0 if case.in_ohm else level**2 / case.base_mva
    for number, row in case.matrices["branch"]:
        place = f"{path}: line {number}"
        closed = row[BR_STATUS] > 0.0
        if math.isnan(row[BR_STATUS]):
            table.problems.append(f"{place}: nan: the status is missing: give 1 or 0")
        if closed and row[BR_B] != 0.0:
            table.problems.append(
                f"{place}: b {row[BR_B]:g}: line charging is not modelled: set b to 0 if it does "
                "not matter"
            )
        if closed and (row[TAP] not in (0.0, 1.0) or row[SHIFT] != 0.0):
            table.problems.append(
                f"{place}: ratio {row[TAP]:g}, angle {row[SHIFT]:g}: tap changers are not "
                "modelled: set both to 0 and adjust the source's Vg"
            )
        if not row[RATE_A] >= 0.0:
            table.problems.append(
                f"{place}: rateA {row[RATE_A]:g}: not a rating: give it in MVA, or 0 where it is "
                "unknown"
            )
        rated = math.nan  # 0 (and inf) is unlimited
        if 0.0 < row[RATE_A] < math.inf and level > 0.0:
            rated = row[RATE_A] * 1000.0 / (math.sqrt(3.0) * level)
        table.branches.append(
            BranchRow(
                place,
                str(int(row[F_BUS])),
                str(int(row[T_BUS])),
                row[BR_R] * ohm,
                row[BR_X] * ohm,
                closed,
                rated,
            )
        )
