"""The command line: what each command takes, prints and returns; the work is done below.

Exit status: 0 success; 1 what was asked for could not be done; 2 bad input, nothing written.
Imports that cost time stand inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="gridbazaar",
    help="Simulate peer-to-peer electricity markets on real distribution feeders.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
)

BAD_INPUT = 2
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
ScenarioName = Annotated[
    str, typer.Argument(help="A shipped scenario (see [b]gridbazaar scenarios[/b]) or a YAML file.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change one key, e.g. market.engine=exact. Repeatable."
    ),
]


def main() -> None:
    """Run the command line."""
    app()


def _say(message: str) -> None:
    """Write a line for people to standard error."""
    print(message, file=sys.stderr)


def _print_json(document: Any) -> None:
    print(json.dumps(document, ensure_ascii=False, allow_nan=False))


@contextmanager
def _bad_input_listed() -> Iterator[None]:
    """Answer bad input with every problem on a line of its own and exit status 2."""
    try:
        yield
    except Exception as error:
        problems = getattr(error, "problems", None)
        if problems is None:
            raise
        count = len(problems)
        _say(f"{count} problem{'s' if count > 1 else ''} found:")
        for problem in problems:
            _say(f"  {problem}")
        raise typer.Exit(BAD_INPUT) from error


@contextmanager
def _stoppable() -> Iterator[None]:
    """Answer Ctrl-C with how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        _say("Stopped. Finished days are kept: the same command with --resume goes on from there.")
        raise typer.Exit(1) from None


@contextmanager
def _progress(wanted: bool) -> Iterator[Callable[[int, int, str], None] | None]:
    """Show a progress bar on standard error where a person is watching."""
    if not wanted or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} frames"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("reading data", total=1)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield show


@app.command(
    epilog="Example: gridbazaar run kerala-village --days 7 --seed 3 --set market.choose=knee"
)
def run(
    scenario: ScenarioName = "kerala-village",
    days: Annotated[int | None, typer.Option(help="Market days to simulate.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First day.")] = None,
    seed: Annotated[int | None, typer.Option(help="One seed makes one result.")] = None,
    out: Annotated[Path | None, typer.Option(help="New directory for the results.")] = None,
    settings: Settings = None,
    resume: Annotated[bool, typer.Option(help="Continue an interrupted run.")] = False,
    as_json: Json = False,
) -> None:
    """Simulate a scenario and write its run directory."""
    overrides = list(settings or [])
    overrides += [
        f"{key}={value}"
        for key, value in (("days", days), ("start", start), ("seed", seed))
        if value is not None
    ]
    with _stoppable(), _bad_input_listed(), _progress(not as_json) as show:
        from .analysis.headline import headline_figures, headline_table
        from .analysis.report import write_report
        from .sim.run import run_scenario

        results = run_scenario(
            scenario, overrides, out=out, resume=resume, progress=show, finish=write_report
        )
    if as_json:
        _print_json(
            {
                "out": str(results.path),
                "frames": len(results.frames),
                "days": results.scenario["days"],
                "prosumers": len(results.members),
                "seconds": results.timing["seconds"],
                "headline": headline_figures(results),
            }
        )
        return
    from rich.console import Console

    console = Console()
    console.print(headline_table(results))
    console.print(f"results  {results.path}", soft_wrap=True)
    console.print(f"report   {results.path / 'report.html'}", soft_wrap=True)


@app.command(epilog="Example: gridbazaar scenarios --json")
def scenarios(as_json: Json = False) -> None:
    """List the shipped scenarios."""
    from .scenarios.load import load_scenario, scenario_names

    rows = []
    for name in scenario_names():
        scenario = load_scenario(name)
        rows.append(
            {
                "name": name,
                "feeder": scenario.feeder.name,
                "start": str(scenario.start),
                "days": scenario.days,
                "description": " ".join(scenario.description.split()),
            }
        )
    _print_rows(rows, as_json, "Shipped scenarios")


@app.command(epilog="Example: gridbazaar check my-village.yaml")
def check(scenario: ScenarioName, settings: Settings = None, as_json: Json = False) -> None:
    """Report all problems of a scenario, the files that it names included."""
    from .sim.build import build_world, load_checked

    problems: list[str] = []
    try:
        build_world(load_checked(scenario, list(settings or [])))
    except Exception as error:
        if not hasattr(error, "problems"):
            raise
        problems = error.problems
    if as_json:
        _print_json({"ok": not problems, "problems": problems})
    else:
        for problem in problems:
            _say(problem)
        print(f"{scenario}: {len(problems)} problems" if problems else f"{scenario}: no problem")
    if problems:
        raise typer.Exit(BAD_INPUT)


@app.command(epilog="Example: gridbazaar schema > gridbazaar.schema.json")
def schema(as_json: Json = True) -> None:
    """Print the JSON Schema of scenario files, for completion in editors."""
    from .scenarios.schema import Scenario

    print(json.dumps(Scenario.model_json_schema(), indent=2, ensure_ascii=False))


@app.command(
    epilog="Example: gridbazaar clear --sellers sellers.csv --buyers buyers.csv "
    "--frame normal --mcp 5.5 --participation all"
)
def clear(
    sellers: Annotated[
        str,
        typer.Option(metavar="FILE", help="CSV: seller, capacity_kwh, offer_per_kwh, frame, bus."),
    ],
    buyers: Annotated[
        str, typer.Option(metavar="FILE", help="CSV: buyer, demand_kwh, bid_per_kwh, frame, bus.")
    ],
    frame: Annotated[str | None, typer.Option(metavar="NAME", help="Its rows only.")] = None,
    mcp: Annotated[float | None, typer.Option(help="The price, given by hand.")] = None,
    price_rule: Annotated[
        str | None, typer.Option(help="merit-order, k-double-auction or mid-market.")
    ] = None,
    retail: Annotated[float | None, typer.Option(help="Retail price of the grid.")] = None,
    feed_in: Annotated[float | None, typer.Option(help="Feed-in price of the grid.")] = None,
    engine: Annotated[str, typer.Option(help="nsga2 or exact.")] = "nsga2",
    objectives: Annotated[str, typer.Option(help="published, per-buyer or surplus.")] = "published",
    encoding: Annotated[str, typer.Option(help="marginal or pairwise.")] = "marginal",
    choose: Annotated[str | None, typer.Option(help="demand-first, knee, ...")] = None,
    participation: Annotated[str, typer.Option(help="rational or all.")] = "rational",
    feeder: Annotated[
        str | None, typer.Option(help="Check voltages; orders then need a column bus.")
    ] = None,
    hours: Annotated[float | None, typer.Option(help="Length of the frame.")] = None,
    source_voltage: Annotated[float | None, typer.Option(help="At the feeder's source.")] = None,
    method: Annotated[
        str, typer.Option(help="adaptive-capping, constrained or ignore.")
    ] = "adaptive-capping",
    population: Annotated[int, typer.Option(help="Of the search.")] = 100,
    generations: Annotated[int, typer.Option(help="At most.")] = 200,
    seed: Annotated[int, typer.Option(help="One seed makes one result.")] = 1,
    published: Annotated[
        str | None, typer.Option(metavar="FILE", help="CSV of transactions to set beside ours.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="New directory for the figure and the transactions.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Clear one frame from two CSV files of orders."""
    from .analysis.clear_orders import clear as clear_orders

    with _bad_input_listed():
        cleared = clear_orders(
            sellers,
            buyers,
            frame=frame,
            mcp=mcp,
            price_rule=price_rule,
            retail=retail,
            feed_in=feed_in,
            engine=engine,
            objectives=objectives,
            encoding=encoding,
            choose=choose,
            participation=participation,
            feeder=feeder,
            hours=hours,
            source_voltage=source_voltage,
            method=method,
            population=population,
            generations=generations,
            seed=seed,
            published=published,
            out=out,
        )
    if as_json:
        _print_json(cleared.as_dict())
    else:
        from rich.console import Console

        from .analysis.clear_files import outcome_table, transactions_table

        console = Console()
        console.print(outcome_table(cleared))
        pairs = transactions_table(cleared)
        if pairs is not None:
            console.print(pairs)
        for note in cleared.clearing.notes:
            _say(f"note: {note}")
        if out is not None:
            console.print(f"results  {out}", soft_wrap=True)
    if not cleared.feasible:
        raise typer.Exit(1)


@app.command(epilog="Example: gridbazaar feeders --json")
def feeders(as_json: Json = False) -> None:
    """List the feeder library with sizes, published figures and sources."""
    from .network.library import feeder_index

    entries = feeder_index().values()
    if as_json:
        _print_json([asdict(entry) for entry in entries])
        return
    from rich.console import Console

    from .analysis.flow import feeders_table

    Console().print(feeders_table(entries))


@app.command(epilog="Example: gridbazaar flow ieee33_mv --scale 1.2 --out flow33")
def flow(
    feeder: Annotated[
        str,
        typer.Argument(
            help="A shipped feeder (see [b]gridbazaar feeders[/b]), a folder or prefix of CSV "
            "files, a MATPOWER .m case or a pandapower .json network."
        ),
    ],
    buses: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Other loads: bus,p_kw,q_kvar.")
    ] = None,
    scale: Annotated[float, typer.Option(metavar="X", help="Factor on all loads.")] = 1.0,
    source_voltage: Annotated[
        float | None, typer.Option(metavar="V", help="Voltage at the source, in p.u.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="New directory for the picture and the tables.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Solve one power flow of a feeder; exit status 1 when it has no solution."""
    from .analysis.flow import (
        MEANING,
        feeder_as_asked,
        flow_figures,
        flow_table,
        solve_feeder,
        write_flow,
    )

    with _bad_input_listed():
        answer = solve_feeder(feeder_as_asked(feeder, buses, scale, source_voltage, out))
    written = out is not None and answer.status == "converged"
    if out is not None and written:
        write_flow(answer, out)
    if as_json:
        _print_json({**flow_figures(answer), "out": str(out) if written else None})
    else:
        from rich.console import Console

        console = Console()
        console.print(flow_table(answer))
        if written:
            console.print(f"results  {out}", soft_wrap=True)
    if answer.status != "converged":
        _say(MEANING[answer.status] + (" Nothing was written." if out is not None else ""))
        raise typer.Exit(1)


@app.command(epilog="Example: gridbazaar verify runs/kerala-village-001")
def verify(
    run_directory: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    as_json: Json = False,
) -> None:
    """Audit a finished run from its files alone: energy, money, limits, completeness."""
    from .analysis.audit import audit_run

    with _bad_input_listed():
        audit = audit_run(run_directory)
    if as_json:
        _print_json({"ok": audit.ok, "checks": [check.as_dict() for check in audit.checks]})
    else:
        from rich.console import Console

        from .analysis.audit import audit_table

        Console().print(audit_table(audit))
    if not audit.ok:
        raise typer.Exit(1)


@app.command(epilog="Example: gridbazaar report runs/kerala-village-001")
def report(
    run_directory: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
) -> None:
    """Build the HTML report of a run again."""
    from .analysis.report import write_report
    from .sim.results import read_results

    with _bad_input_listed():
        results = read_results(run_directory)
    print(write_report(results))


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
    from .analysis.bill_page import write_bill

    with _bad_input_listed():
        written = write_bill(run_directory, member, month, out)
    if as_json:
        _print_json(written.as_dict())
        return
    for one in written.months:
        owed = "to receive" if one.total < 0 else "to pay"
        print(
            f"{written.prosumer} {one.month}: {abs(one.total):,.2f} {written.currency} {owed}, "
            f"saving {one.saving:,.2f}"
        )
    print(f"page  {written.out}")


def _print_rows(rows: list[dict[str, Any]], as_json: bool, title: str) -> None:
    """Print rows as one JSON list, or as a table for people."""
    if as_json:
        _print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
