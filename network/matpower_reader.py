"""Feeders from MATPOWER case files (`.m`), read as numbers: nothing in the file is executed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from .feeder import Feeder
from .problems import FeederError
from .table import BranchRow, BusRow, FeederTable, feeder_from_table

# Columns of MATPOWER's matrices (manual, appendix B: data file format).
BUS_I, BUS_TYPE, PD, QD, GS, BS, BASE_KV = 0, 1, 2, 3, 4, 5, 9
GEN_BUS, PG, QG, VG, GEN_STATUS = 0, 1, 2, 5, 7
F_BUS, T_BUS, BR_R, BR_X, BR_B, RATE_A, TAP, SHIFT, BR_STATUS = 0, 1, 2, 3, 4, 5, 8, 9, 10
WIDTH = {"bus": 10, "gen": 8, "branch": 11}
PQ_BUS, SLACK_BUS, ISOLATED_BUS = 1, 3, 4

# Statements that MATPOWER's distribution cases use to convert what their matrices hold.
FROM_OHM = r"mpc\.branch\(:,\[BR_RBR_X\]\)=mpc\.branch\(:,\[BR_RBR_X\]\)/\(Vbase\^2/Sbase\)"
FROM_KW = r"mpc\.bus\(:,\[PD,?QD\]\)=mpc\.bus\(:,\[PD,?QD\]\)/1e3"
POWER_FACTOR = r"pf=([0-9.]+)"
Q_FROM_KVA = r"mpc\.bus\(:,QD\)=mpc\.bus\(:,PD\)\*sin\(acos\(pf\)\)"
P_FROM_KVA = r"mpc\.bus\(:,PD\)=mpc\.bus\(:,PD\)\*pf"
HARMLESS = (
    r"function.*|end|return|mpc\.version=.*|\[.*\]=idx_(bus|brch|gen|cost)(\(\))?"
    r"|Vbase=mpc\.bus\(1,BASE_KV\)\*1e3|Sbase=mpc\.baseMVA\*1e6"
)


@dataclass
class _Case:
    """What the file holds: matrices as (line number, row), and the conversions it asks for."""

    base_mva: float = math.nan
    matrices: dict[str, list[tuple[int, list[float]]]] = field(default_factory=dict)
    in_ohm: bool = False
    in_kw: bool = False
    power_factor: float = math.nan
    kva_to_kvar: bool = False
    kva_to_kw: bool = False


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
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise FeederError([f"{path}: {error}: the file cannot be read: give a .m case"]) from None
    case = _parse(text, path, table.problems)
    for name in WIDTH:
        if name not in case.matrices:
            table.problems.append(f"{path}: mpc.{name}: missing matrix: give mpc.{name} = [...]")
    if not case.base_mva > 0.0:
        table.problems.append(
            f"{path}: mpc.baseMVA: {case.base_mva}: missing or not positive: give it as a number"
        )
    if table.problems:
        raise FeederError(table.problems)
    _add_buses(case, path, table)
    _add_generators(case, path, table)
    _add_branches(case, path, table)
    return feeder_from_table(table)


def _parse(text: str, path: Path, problems: list[str]) -> _Case:
    """Matrices and conversions of the file; statements that are not understood are noted."""
    case = _Case()
    matrix: str | None = None  # the matrix that is open; "" for one that is skipped
    statement, begun = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        code = re.sub(r"%.*", "", line).strip()
        if matrix is None:
            joined = re.sub(r"\.\.\.$", "", code)
            statement, begun = statement + joined, begun or number
            if code.endswith("...") or not statement:
                continue
            opened = re.match(r"mpc\.(\w+)\s*=\s*([\[{])(.*)", statement)
            if opened is None:
                for part in filter(None, re.sub(r"\s+", "", statement).split(";")):
                    _statement(part, case, f"{path}: line {begun}", problems)
                statement, begun = "", 0
                continue
            matrix = opened[1] if opened[1] in WIDTH and opened[2] == "[" else ""
            if matrix:
                case.matrices[matrix] = []
            code, statement, begun = opened[3], "", 0
        body, closed, _ = code.partition("]" if matrix else "}" if "}" in code else "]")
        if matrix:
            for cells in filter(None, (part.strip() for part in body.split(";"))):
                _row(cells, matrix, number, path, case, problems)
        if closed:
            matrix = None
    return case


def _row(
    cells: str, matrix: str, number: int, path: Path, case: _Case, problems: list[str]
) -> None:
    try:
        row = [float(cell) for cell in cells.replace(",", " ").split()]
    except ValueError:
        problems.append(
            f"{path}: line {number}: {cells!r}: not a row of numbers: write the numbers out"
        )
        return
    if len(row) < WIDTH[matrix]:
        problems.append(
            f"{path}: line {number}: {len(row)} columns: mpc.{matrix} needs {WIDTH[matrix]}: give "
            "them in MATPOWER's order"
        )
        return
    case.matrices[matrix].append((number, row))


def _statement(code: str, case: _Case, place: str, problems: list[str]) -> None:
    """Take up one statement, with its white space removed."""
    base = re.fullmatch(r"mpc\.baseMVA=([-+.0-9eE]+)(?:/([-+.0-9eE]+))?", code)
    factor = re.fullmatch(POWER_FACTOR, code)
    if base:
        case.base_mva = float(base[1]) / float(base[2] or 1.0)
    elif factor:
        case.power_factor = float(factor[1])
    elif re.fullmatch(FROM_OHM, code):
        case.in_ohm = True
    elif re.fullmatch(FROM_KW, code):
        case.in_kw = True
    elif re.fullmatch(Q_FROM_KVA, code) and case.power_factor <= 1.0:
        case.kva_to_kvar = True
    elif re.fullmatch(P_FROM_KVA, code) and case.power_factor <= 1.0:
        case.kva_to_kw = True
    elif not re.fullmatch(HARMLESS, code):
        problems.append(
            f"{place}: {code!r}: a statement that is not executed here: write its result into the "
            "matrices and remove it"
        )


def _name(value: float) -> str:
    return f"{value:g}" if value != int(value) else str(int(value))


def _add_buses(case: _Case, path: Path, table: FeederTable) -> None:
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
            table.slack_buses.append(_name(row[BUS_I]))
        elif row[BUS_TYPE] not in (PQ_BUS, ISOLATED_BUS):
            table.problems.append(
                f"{place}: bus type {row[BUS_TYPE]:g}: only the source holds a voltage: make the "
                "bus a load bus (type 1)"
            )
        table.buses.append(BusRow(place, _name(row[BUS_I]), p * to_kw, q * to_kw, row[BASE_KV]))


def _add_generators(case: _Case, path: Path, table: FeederTable) -> None:
    """The slack generator gives the source voltage; the others are negative loads."""
    at = {row.name: i for i, row in enumerate(table.buses)}
    for number, row in case.matrices["gen"]:
        name = _name(row[GEN_BUS])
        if row[GEN_STATUS] <= 0.0:
            continue
        if name in table.slack_buses:
            table.source_voltage_pu = row[VG]
        elif name in at:
            bus = table.buses[at[name]]
            table.buses[at[name]] = BusRow(
                bus.place,
                bus.name,
                bus.p_kw - 1000.0 * row[PG],
                bus.q_kvar - 1000.0 * row[QG],
                bus.base_kv,
            )
        else:
            table.problems.append(
                f"{path}: line {number}: {name!r}: the generator's bus is no known bus: correct it"
            )


def _add_branches(case: _Case, path: Path, table: FeederTable) -> None:
    level = table.buses[0].base_kv if table.buses else math.nan
    ohm = 1.0 if case.in_ohm else level**2 / case.base_mva
    for number, row in case.matrices["branch"]:
        place = f"{path}: line {number}"
        closed = row[BR_STATUS] > 0.0
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
        rated = row[RATE_A] * 1000.0 / (math.sqrt(3.0) * level) if row[RATE_A] > 0.0 else math.nan
        table.branches.append(
            BranchRow(
                place,
                _name(row[F_BUS]),
                _name(row[T_BUS]),
                row[BR_R] * ohm,
                row[BR_X] * ohm,
                closed,
                rated,
            )
        )
