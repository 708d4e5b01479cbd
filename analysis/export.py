"""The tables of a run for spreadsheets and other programs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_float_dtype

from ..scenarios.problems import problem
from ..sim.results import MONEY, TABLES, Results, read_results
from ..sim.run_directory import RunError
from .kpis import kpi_table
from .new_directory import new_directory

FORMATS = ("csv", "xlsx")
_WITH_UNITS = ("_kwh", "_share")  # of the columns of the settlement that are no money
SHEET_ROWS = 1_048_575  # what a worksheet holds below its heading
_OTHERS: dict[str, Callable[[Results], pd.DataFrame]] = {
    "community": lambda results: results.community,
    "bus_minutes": lambda results: results.bus_minutes,
    "kpis": kpi_table,
}
EXPORTED = (*TABLES, *MONEY, *_OTHERS)


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes
    ----------
    out : Path
        Directory of CSV files, or the workbook.
    rows : dict of str to int
        Rows of each table written.
    left_out : dict of str to int
        Rows of each table that is too long for a worksheet.
    """

    out: Path
    rows: dict[str, int]
    left_out: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"out": str(self.out), "rows": self.rows, "left_out": self.left_out}


def export_run(
    run: str | Path,
    form: str = "csv",
    tables: Sequence[str] = (),
    out: str | Path | None = None,
) -> Export:
    """Write a run's tables as CSV files or as one workbook.

    Parameters
    ----------
    run : str or Path
        A finished run.
    form : {"csv", "xlsx"}
        A directory of CSV files, or one workbook with a sheet a table (needs openpyxl).
    tables : sequence of str
        Some tables only; by default all.
    out : str or Path, optional
        New directory or workbook; by default `RUN/export` or `RUN/export.xlsx`.

    Returns
    -------
    Export
        Column names carry units, money the run's currency; `bus_voltages` is exported where the
        run kept it. A workbook leaves out tables longer than a worksheet, unless they were asked
        for by name.

    Raises
    ------
    RunError
        With every problem, before anything is written: no run, unknown format or table, a place
        that is taken, a table that was asked for and does not fit, openpyxl not installed.

    Examples
    --------
    >>> export_run("runs/kerala-village-001", tables=["frames"]).rows       # doctest: +SKIP
    {'frames': 90}
    """
    results = read_results(run)
    kept = [name for name in ("bus_voltages",) if (results.path / f"{name}.parquet").is_file()]
    known = (*EXPORTED, *kept)
    problems = []
    if form not in FORMATS:
        remedy = f"use {' or '.join(FORMATS)}"
        problems.append(problem("export", "--format", form, "is not known", remedy))
    for name in tables:
        if name not in known:
            remedy = f"use {', '.join(known)}"
            problems.append(problem("export", "--table", name, "the run has no such table", remedy))
    place = Path(out) if out is not None else results.path / _usual_name(form)
    taken = place.exists() and (not place.is_dir() or any(place.iterdir()) or form == "xlsx")
    if taken:
        remedy = "name another place or remove it"
        problems.append(problem("export", "--out", place, "exists already", remedy))
    elif not place.absolute().parent.is_dir():
        remedy = "name a place in a directory that exists"
        problems.append(problem("export", "--out", place, "its directory does not exist", remedy))
    if form == "xlsx":
        problems += _workbook_problems()
    if problems:
        raise RunError(problems)
    wanted = tuple(dict.fromkeys(tables)) or known
    if form == "csv":
        return _write_csv(results, wanted, place)
    return _write_workbook(results, wanted, place, by_name=bool(tables))


def read_table(results: Results, name: str) -> pd.DataFrame:
    """Return one table of a run by its name, as `Results` or the indicators give it."""
    if name in _OTHERS:
        return _OTHERS[name](results)
    if name == "bus_voltages":
        return pd.read_parquet(results.path / "bus_voltages.parquet")
    table: pd.DataFrame = getattr(results, name)
    return table


def exported_table(results: Results, name: str) -> pd.DataFrame:
    """Return a table as it is exported: the run's money stands in the names of its columns.

    Amounts of the settlement get the currency as their unit (`saving_inr`), prices as well
    (`mcp_inr_per_kwh`); the run's own files keep their names.
    """
    table = read_table(results, name)
    currency = str(results.manifest["currency"]).lower()
    settled = name in MONEY
    names = {}
    for column in map(str, table.columns):
        if column.endswith("_per_kwh"):
            names[column] = column.removesuffix("per_kwh") + f"{currency}_per_kwh"
        elif settled and is_float_dtype(table[column]) and not column.endswith(_WITH_UNITS):
            names[column] = f"{column}_{currency}"
    return table.rename(columns=names)


def _usual_name(form: str) -> str:
    return "export.xlsx" if form == "xlsx" else "export"


def _workbook_problems() -> list[str]:
    try:
        import openpyxl  # noqa: F401
    except ImportError:
        remedy = "install it with: pip install 'gridbazaar[xlsx]', or use --format csv"
        return [problem("export", "--format", "xlsx", "openpyxl is not installed", remedy)]
    return []


def _write_csv(results: Results, tables: Sequence[str], place: Path) -> Export:
    """Write one file after the other; a large table is never held beside another."""
    rows = {}
    with new_directory(place) as work:
        for name in tables:
            table = exported_table(results, name)
            table.to_csv(work / f"{name}.csv", index=False, lineterminator="\n")
            rows[name] = len(table)
    return Export(place, rows, {})


def _write_workbook(results: Results, tables: Sequence[str], place: Path, by_name: bool) -> Export:
    """Write a sheet a table, row by row."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    rows: dict[str, int] = {}
    left_out: dict[str, int] = {}
    book = Workbook(write_only=True)
    for name in tables:
        table = exported_table(results, name)
        if len(table) > SHEET_ROWS:
            left_out[name] = len(table)
            continue
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        heading = []
        for column in table.columns:
            cell = WriteOnlyCell(sheet, value=str(column))
            cell.font = Font(bold=True)
            heading.append(cell)
        sheet.append(heading)
        plain = table.astype(object).where(table.notna(), None)
        for row in plain.itertuples(index=False, name=None):
            sheet.append(row)
        rows[name] = len(table)
    if left_out and by_name:
        remedy = f"a worksheet holds {SHEET_ROWS:,}: use --format csv"
        raise RunError(
            [
                problem("export", "--table", name, f"has {count:,} rows", remedy)
                for name, count in left_out.items()
            ]
        )
    with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.absolute().parent) as work:
        whole = Path(work) / "book.xlsx"
        book.save(whole)
        whole.replace(place)
    return Export(place, rows, left_out)
