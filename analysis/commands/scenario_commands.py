"""Commands about scenarios: run one, list, check, print the schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .console import (
    BAD_INPUT,
    Json,
    ScenarioName,
    Settings,
    app,
    bad_input_listed,
    print_json,
    print_rows,
    progress_bar,
    say,
    stoppable,
)


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
    resume: Annotated[
        bool,
        typer.Option(help="Continue an interrupted run; begin it where there is none at --out."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Simulate a scenario and write its run directory."""
    overrides = list(settings or [])
    overrides += [
        f"{key}={value}"
        for key, value in (("days", days), ("start", start), ("seed", seed))
        if value is not None
    ]
    with stoppable(), bad_input_listed(), progress_bar(not as_json) as show:
        from ...scenarios.market_rules import market_notes
        from ...sim.build import load_checked
        from ...sim.run import run_scenario
        from ..headline import headline_figures, headline_table
        from ..report import write_report

        loaded = load_checked(scenario, overrides)
        for note in market_notes(loaded):
            say(f"note: {note}")
        results = run_scenario(loaded, out=out, resume=resume, progress=show, finish=write_report)
    if as_json:
        print_json(
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
    from ...scenarios.load import load_scenario
    from ...scenarios.shipped import scenario_names

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
    print_rows(rows, as_json, "Shipped scenarios")


@app.command(epilog="Example: gridbazaar check my-village.yaml")
def check(scenario: ScenarioName, settings: Settings = None, as_json: Json = False) -> None:
    """Report all problems of a scenario, the files that it names included."""
    from ...scenarios.market_rules import market_notes
    from ...sim.build import build_world, load_checked

    problems: list[str] = []
    notes: tuple[str, ...] = ()
    try:
        loaded = load_checked(scenario, list(settings or []))
        build_world(loaded)
        notes = market_notes(loaded)
    except Exception as error:
        if not hasattr(error, "problems"):
            raise
        problems = error.problems
    if as_json:
        print_json({"ok": not problems, "problems": problems, "notes": list(notes)})
    else:
        for line in (*problems, *(f"note: {note}" for note in notes)):
            say(line)
        many = f"{len(problems) or 'no'} problem{'s' if len(problems) > 1 else ''}"
        print(f"{scenario}: {many}")
    if problems:
        raise typer.Exit(BAD_INPUT)


@app.command(epilog="Example: gridbazaar schema > gridbazaar.schema.json")
def schema(as_json: Json = True) -> None:
    """Print the JSON Schema of scenario files, for completion in editors."""
    from ...scenarios.schema import Scenario

    print(json.dumps(Scenario.model_json_schema(), indent=2, ensure_ascii=False))
