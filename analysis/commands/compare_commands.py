"""Commands that set runs beside each other: compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import (
    Json,
    ScenarioName,
    Settings,
    app,
    bad_input_listed,
    print_json,
    progress_bar,
    say,
    stoppable,
)


@app.command(
    epilog="Example: gridbazaar compare kerala-village --over market.choose=demand-first,knee "
    "--days 2"
)
def compare(
    scenario: ScenarioName,
    over: Annotated[
        str,
        typer.Option(
            metavar="KEY=A,B,...", help="The key to vary and its values; KEY=all: every known name."
        ),
    ],
    days: Annotated[int | None, typer.Option(help="Market days to simulate.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First day.")] = None,
    seed: Annotated[int | None, typer.Option(help="One seed makes one result.")] = None,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option(help="New directory for runs and results.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one a core.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with an interrupted comparison.")] = False,
    as_json: Json = False,
) -> None:
    """Run the same days under several settings: one table and one figure."""
    overrides = list(settings or [])
    overrides += [
        f"{key}={value}"
        for key, value in (("days", days), ("start", start), ("seed", seed))
        if value is not None
    ]
    with stoppable(), bad_input_listed(), progress_bar(not as_json, "runs") as show:
        from ..compare import compare as compare_settings
        from ..process_pool import usable_cores

        comparison = compare_settings(
            scenario,
            over,
            overrides,
            out=out,
            resume=resume,
            workers=workers or usable_cores(),
            progress=show,
        )
    if as_json:
        print_json(comparison.as_dict())
    else:
        from rich.console import Console

        from ..compare_figure import compare_tables

        console = Console()
        for table in compare_tables(comparison):
            console.print(table)
        console.print(f"results  {comparison.out}", soft_wrap=True)
        console.print(f"figure   {comparison.out / 'comparison.png'}", soft_wrap=True)
    for note in comparison.notes:
        say(f"note: {note}")
    for setting, problems in comparison.failed.items():
        for problem in problems:
            say(f"{comparison.key}={setting}: {problem}")
    if comparison.failed:
        raise typer.Exit(1)
