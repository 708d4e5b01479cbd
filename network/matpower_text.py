"""The text of a MATPOWER case: its matrices as numbers, its unit conversions, and nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .number_text import DECIMAL, number_from_text
from .problems import FeederError

_LONGEST_SHOWN = 80
WIDTH = {"bus": 10, "gen": 8, "branch": 11}  # least columns of the matrices that are read

# Statements that MATPOWER's distribution cases use to convert what their matrices hold.
FROM_OHM = r"mpc\.branch\(:,\[BR_RBR_X\]\)=mpc\.branch\(:,\[BR_RBR_X\]\)/\(Vbase\^2/Sbase\)"
FROM_KW = r"mpc\.bus\(:,\[PD,?QD\]\)=mpc\.bus\(:,\[PD,?QD\]\)/1e3"
Q_FROM_KVA = r"mpc\.bus\(:,QD\)=mpc\.bus\(:,PD\)\*sin\(acos\(pf\)\)"
P_FROM_KVA = r"mpc\.bus\(:,PD\)=mpc\.bus\(:,PD\)\*pf"
HARMLESS = (
    r"function.*|end|return|mpc\.version=(''|\"\"|[0-9.]+)|\[.*\]=idx_(bus|brch|gen|cost)(\(\))?"
    r"|Vbase=mpc\.bus\(1,BASE_KV\)\*1e3|Sbase=mpc\.baseMVA\*1e6"
)


@dataclass
class MatpowerCase:
    """What a case holds.

    Parameters
    ----------
    base_mva : float
        Power base [MVA]; nan where the file gives none.
    matrices : dict
        ``bus``, ``gen`` and ``branch`` as lists of (line number, row).
    in_ohm, in_kw : bool
        Whether impedances stand in ohm and loads in kW, by a conversion below the matrices.
    power_factor : float
        The power factor of loads in kVA; nan where the file gives none.
    kva_to_kvar, kva_to_kw : bool
        Whether Qd, and Pd, are to be found from a load in kVA.

    Examples
    --------
    >>> case = parse_case("mpc.baseMVA = 100/10;", Path("case.m"))
    >>> case.base_mva, case.matrices
    (10.0, {})
    """

    base_mva: float = math.nan
    matrices: dict[str, list[tuple[int, list[float]]]] = field(default_factory=dict)
    in_ohm: bool = False
    in_kw: bool = False
    power_factor: float = math.nan
    kva_to_kvar: bool = False
    kva_to_kw: bool = False


def parse_case(text: str, path: Path) -> MatpowerCase:
    """Read a case's matrices and conversions; nothing is executed.

    Comments (also ``%{ ... %}``), strings and continuation lines are understood. Every statement
    but the known ones is refused, what follows a matrix on its line included.

    Parameters
    ----------
    text : str
        The file's text.
    path : Path
        The file, for the problems.

    Returns
    -------
    MatpowerCase
        Numbers as they stand, with the conversions that the file asks for.

    Raises
    ------
    FeederError
        With every problem as ``file: line N: value: what is wrong: what to do``.

    Examples
    --------
    >>> case = parse_case("mpc.gen = [1 0 0 10 -10 1.02 100 1];  % the source", Path("case.m"))
    >>> case.matrices["gen"]
    [(1, [1.0, 0.0, 0.0, 10.0, -10.0, 1.02, 100.0, 1.0])]
    """
    if "\0" in text or not re.search(r"\bmpc\s*\.", text):
        raise FeederError(
            [
                f"{path}: no mpc.bus, mpc.gen, mpc.branch: not a text in MATPOWER's case format, "
                "version 2: open the case in MATPOWER and write it with savecase"
            ]
        )
    parser = _Parser(path)
    for number, line in _logical_lines(text, path, parser.problems):
        parser.line(number, line)
    if parser.matrix is not None:
        # What the open bracket swallowed says nothing about the case.
        raise FeederError(
            [
                f"{path}: line {parser.begun}: mpc.{parser.matrix}: the matrix is never closed: "
                "put ]; behind its last row"
            ]
        )
    if parser.problems:
        raise FeederError(parser.problems)
    return parser.case


def _logical_lines(text: str, path: Path, problems: list[str]) -> Iterator[tuple[int, str]]:
    """Lines without comments and the insides of strings, continued lines joined."""
    blocks: list[int] = []  # where the open block comments begin
    joined, begun = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if bare == "%{":
            blocks.append(number)
        elif blocks:
            if bare == "%}":
                blocks.pop()
        else:
            code, dots, _ = _code(line).partition("...")
            begun = begun or number
            joined += code + " "
            if not dots:
                yield begun, joined.strip()
                joined, begun = "", 0
    if joined.strip():
        yield begun, joined.strip()
    if blocks:
        problems.append(
            f"{path}: line {blocks[0]}: %{{: the block comment is never closed: put %}} on a line "
            "of its own"
        )


def _code(line: str) -> str:
    """The line without its comment, its strings emptied; a transposing quote is kept."""
    if "'" not in line and '"' not in line:
        return line.partition("%")[0]
    kept: list[str] = []
    quote = ""  # the mark that closes the open string
    for mark in line:
        if quote:
            if mark == quote:
                kept.append(mark)
                quote = ""
        elif mark == "%":
            break
        else:
            # Behind a value a quote transposes it; anywhere else it begins a string.
            if mark == '"' or (mark == "'" and not (kept and re.match(r"[\w\])}.]", kept[-1]))):
                quote = mark
            kept.append(mark)
    return "".join(kept)


class _Parser:
    """Statements and rows, line by line; `matrix` is the one that is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.case = MatpowerCase()
        self.problems: list[str] = []
        self.matrix: str | None = None
        self.begun = 0
        self._depth = 0
        self._wanted = False

    def line(self, number: int, rest: str) -> None:
        """Take up one line without comments."""
        while rest := rest.lstrip("; ,\t").strip():  # empty statements, thousands at once
            if self.matrix is not None:
                rest = self._matrix_line(number, rest)
                continue
            opened = re.match(r"mpc\.(\w+)\s*=\s*([\[{])(.*)", rest)
            if opened:
                self.matrix, self.begun, self._depth = opened[1], number, 1
                self._wanted = opened[1] in WIDTH
                rest = opened[3]
                if opened[1] in self.case.matrices:
                    self._wanted = False
                    self._note(
                        number, f"mpc.{opened[1]}", "the matrix stands a second time", "keep one"
                    )
                elif self._wanted:
                    self.case.matrices[opened[1]] = []
                continue
            code, rest = _first_statement(rest)
            if code := re.sub(r"\s+", "", code):
                self._statement(code, number)

    def _note(self, number: int, value: str, wrong: str, remedy: str) -> None:
        value = value if len(value) <= _LONGEST_SHOWN else value[: _LONGEST_SHOWN - 3] + "..."
        self.problems.append(f"{self.path}: line {number}: {value}: {wrong}: {remedy}")

    def _matrix_line(self, number: int, text: str) -> str:
        """Take up rows of the open matrix; what stands behind its end is given back."""
        end = len(text)
        for bracket in re.finditer(r"[\[\]{}]", text):
            self._depth += 1 if bracket[0] in "[{" else -1
            if not self._depth:
                end = bracket.start()
                break
        if self._wanted:
            for cells in filter(None, (part.strip() for part in text[:end].split(";"))):
                self._row(cells, number)
        if end == len(text):
            return ""
        tail, rest = _first_statement(text[end + 1 :])
        if tail.strip():
            self._note(
                number,
                repr(tail.strip()),
                f"stands behind mpc.{self.matrix}'s closing bracket and is not executed here",
                "write its result into the matrix and remove it",
            )
        self.matrix = None
        return rest

    def _row(self, cells: str, number: int) -> None:
        matrix = str(self.matrix)
        try:
            row = [number_from_text(cell) for cell in cells.replace(",", " ").split()]
        except ValueError:
            self._note(number, repr(cells), "not a row of numbers", "write the numbers out")
            return
        if len(row) < WIDTH[matrix]:
            self._note(
                number,
                f"{len(row)} columns",
                f"mpc.{matrix} needs {WIDTH[matrix]}",
                "give them in MATPOWER's order",
            )
            return
        self.case.matrices[matrix].append((number, row))

    def _statement(self, code: str, number: int) -> None:
        """Take up one statement, with its white space removed."""
        case = self.case
        base = re.fullmatch(r"mpc\.baseMVA=(.*)", code)
        factor = re.fullmatch(r"pf=(.*)", code)
        known = case.power_factor <= 1.0
        if base or factor:
            key, given = ("mpc.baseMVA", base[1]) if base else ("pf", factor[1] if factor else "")
            value = _quotient(given)
            if not (math.isfinite(value) and 0.0 < value <= (math.inf if base else 1.0)):
                many = "a positive number" if base else "a number from 0 to 1"
                self._note(number, f"{key} = {given}", f"not {many}", f"give {key} as {many}")
            elif not math.isnan(case.base_mva if base else case.power_factor):
                self._note(number, f"{key} = {given}", f"{key} stands a second time", "keep one")
            elif base:
                case.base_mva = value
            else:
                case.power_factor = value
        elif re.fullmatch(FROM_OHM, code) and "branch" in case.matrices and not case.in_ohm:
            case.in_ohm = True
        elif re.fullmatch(FROM_KW, code) and "bus" in case.matrices and not case.in_kw:
            case.in_kw = True
        # Qd is found from the kVA that Pd still holds: so before Pd, and each once.
        elif re.fullmatch(Q_FROM_KVA, code) and known and not (case.kva_to_kvar or case.kva_to_kw):
            case.kva_to_kvar = True
        elif re.fullmatch(P_FROM_KVA, code) and known and not case.kva_to_kw:
            case.kva_to_kw = True
        elif not re.fullmatch(HARMLESS, code):
            self._note(
                number,
                repr(code),
                "a statement that is not executed here",
                "write its result into the matrices and remove it",
            )


def _first_statement(text: str) -> tuple[str, str]:
    """The text up to the first ; or , outside brackets, and what follows."""
    depth = 0
    for i, mark in enumerate(text):
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
        elif mark in ";," and depth <= 0:
            return text[:i], text[i + 1 :]
    return text, ""


def _quotient(code: str) -> float:
    """A number or the quotient of two; nan where the code is neither."""
    given = re.fullmatch(rf"({DECIMAL})(?:/({DECIMAL}))?", code)
    below = float(given[2] or 1.0) if given else 0.0
    return float(given[1]) / below if given and below else math.nan
