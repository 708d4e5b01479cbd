"""Commands that read finished runs: verify, report, bill."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import Json, app, bad_input_listed, print_json, say


@app.command(epilog="Example: gridbazaar verify runs/kerala-village-001")
def verify(
    run_directory: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    as_json: Json = False,
) -> None:
    """Audit a finished run from its files alone: energy, money, limits, completeness."""
    from ..audit import audit_run

    with bad_input_listed():
        audit = audit_run(run_directory)
    if as_json:
        print_json({"ok": audit.ok, "checks": [check.as_dict() for check in audit.checks]})
    else:
        from rich.console import Console

        from ..audit import audit_table

        Console().print(audit_table(audit))
    if not audit.ok:
        raise typer.Exit(1)


@app.command(epilog="Example: gridbazaar kpis runs/kerala-village-001")
def kpis(
    run_directory: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    as_json: Json = False,
) -> None:
    """Print every indicator of a run: with the market, without, difference."""
    from ...sim.results import read_results
    from ..kpis import kpi_table
    from ..kpis.printing import kpi_document, kpi_rich_table

    with bad_input_listed():
        results = read_results(run_directory)
    if as_json:
        print_json({"run": str(run_directory), "kpis": kpi_document(kpi_table(results))})
        return
    from rich.console import Console

    Console().print(kpi_rich_table(results))


@app.command(epilog="Example: gridbazaar report runs/kerala-village-001 runs/kerala-village-002")
def report(
    run_directories: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Finished runs; several: side by side.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The page of several runs; else next to the first."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Build the HTML report of a run again; of several runs, one page side by side."""
    from ...sim.results import read_results
    from ...sim.run_directory import RunError
    from ..report import write_report
    from ..side_by_side import write_side_by_side

    with bad_input_listed():
        if len(run_directories) > 1:
            page = write_side_by_side(run_directories, out)
        elif out is not None:
            wrong = "goes with several runs: one run's report stands in its directory"
            raise RunError([f"{out}: --out: {wrong}: leave it out"])
        else:
            page = write_report(read_results(run_directories[0]))
    if as_json:
        print_json({"out": str(page), "runs": [str(path) for path in run_directories]})
    else:
        print(page)


@app.command(epilog="Example: gridbazaar bill runs/kerala-village-001 home-005 --month 2025-11")
def bill(
    run_directory: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="Whose bill, e.g. home-005.")],
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="One month; by default all of the run.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The page; by default RUN/bills/MEMBER.html."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a member's bill as one HTML page to read and print."""
    from ..bill_page import write_bill

    with bad_input_listed():
        written = write_bill(run_directory, member, month, out)
    if as_json:
        print_json(written.as_dict())
        return
    for one in written.months:
        owed = "to receive" if one.total < 0 else "to pay"
        print(
            f"{written.prosumer} {one.month}: {abs(one.total):,.2f} {written.currency} {owed}, "
            f"saving {one.saving:,.2f}"
        )
    print(f"page  {written.out}")


@app.command(epilog="Example: gridbazaar export runs/kerala-village-001 --format xlsx")
def export(
    run_directory: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    form: Annotated[
        str, typer.Option("--format", metavar="csv|xlsx", help="CSV files or one workbook.")
    ] = "csv",
    tables: Annotated[
        list[str] | None,
        typer.Option("--table", metavar="NAME", help="One table only. Repeatable."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="New directory or workbook; else export in the run.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the tables of a run for spreadsheets and other programs."""
    from ..export import export_run

    with bad_input_listed():
        written = export_run(run_directory, form, tables or (), out)
    if as_json:
        print_json(written.as_dict())
        return
    for name, rows in written.rows.items():
        print(f"{name}: {rows:,} rows")
    for name, rows in written.left_out.items():
        say(f"{name}: left out, its {rows:,} rows do not fit a worksheet: use --format csv")
    print(f"tables  {written.out}")
