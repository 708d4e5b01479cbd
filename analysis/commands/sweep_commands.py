"""Commands about many runs: sweep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import Json, app, bad_input_listed, print_json, progress_bar, say

if TYPE_CHECKING:
    from ..sweep.estimate import Estimate
    from ..sweep.jobs import Jobs
    from ..sweep.run_sweep import Sweep


@app.command(epilog="Example: gridbazaar sweep my-study.yaml --out runs/my-study --workers 2")
def sweep(
    file: Annotated[Path, typer.Argument(help="The sweep's YAML file (see docs/sweeps.md).")],
    out: Annotated[Path | None, typer.Option(help="New directory for the results.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one a core.")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A Dask scheduler, instead of processes."),
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Go on with an interrupted sweep: run only what is missing.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check every combination, say how many and how long."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run every combination of a sweep's file: one table, means, effects, figures."""
    from ..sweep.full_sweep import check_workers
    from ..sweep.full_sweep import sweep as run_sweep
    from ..sweep.stopped import SweepStopped

    with bad_input_listed():
        check_workers(workers, dask)
    if dry_run:
        _dry_run(file, workers, as_json)
        return
    begun = False

    def announce(jobs: Jobs, ahead: Estimate) -> None:
        from ..sweep.page import in_words

        say(in_words(jobs))
        say(ahead.in_words())

    try:
        with bad_input_listed(), progress_bar(not as_json, "runs") as show:

            def progress(done: int, of: int, text: str) -> None:
                nonlocal begun
                begun = True
                if show is not None:
                    show(done, of, text)

            found = run_sweep(
                file,
                out=out,
                workers=workers,
                dask=dask,
                resume=resume,
                progress=progress,
                announce=None if as_json else announce,
            )
    except SweepStopped as error:
        for reason in error.reasons:
            say(f"Stopped: {reason}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        if begun:
            say("Stopped. Finished runs are kept: the same command with --resume goes on.")
        else:
            say("Stopped before the first run.")
        raise typer.Exit(1) from None
    if as_json:
        print_json(found.as_dict())
    else:
        _tell(found)
    for note in found.notes:
        say(f"note: {note}")
    for run_id, wrong in found.failed.items():
        say(f"run {run_id}: {wrong}")
    if found.failed:
        raise typer.Exit(1)


def _dry_run(file: Path, workers: int | None, as_json: bool) -> None:
    with bad_input_listed():
        from ..process_pool import usable_cores
        from ..sweep.estimate import estimate
        from ..sweep.jobs import plan_jobs
        from ..sweep.page import in_words
        from ..sweep.plan import read_plan

        jobs = plan_jobs(read_plan(file))
        found = estimate(jobs, len(jobs.distinct), workers or usable_cores())
    if as_json:
        print_json(
            {
                "points": len(jobs.points),
                "seeds": list(jobs.seeds),
                "rows": len(jobs.every),
                "runs": found.runs,
                "days": found.days,
                "workers": found.workers,
                "run_seconds": found.run_seconds,
                "seconds": found.seconds,
            }
        )
    else:
        print(in_words(jobs))
        print(found.in_words())


def _tell(found: Sweep) -> None:
    """Print the effects on the measures, and where everything is."""
    from rich.console import Console
    from rich.table import Table

    from ..kpis.printing import shown
    from ..sweep.figures import drawn_measures
    from ..sweep.measures import measure_columns

    console = Console()
    table = Table(title="Change of the mean from the first to the last setting")
    table.title_justify = "left"
    for head in ("indicator", "parameter", "from → to"):
        table.add_column(head, overflow="fold")
    for head in ("change", "95 % interval"):
        table.add_column(head, justify="right")
    measures = drawn_measures(found.jobs, found.table)
    rows = found.effects[found.effects.indicator.isin(measures)]
    for row in rows.sort_values("indicator", key=lambda s: s.map(measures.index),
                                kind="stable").to_dict("records"):  # fmt: skip
        unit = "points" if row["unit"] == "share" else row["unit"]
        change, low, high = (shown(row[n], unit) for n in ("difference", "ci95_low", "ci95_high"))
        title = measure_columns()[row["indicator"]].title
        title += f", {unit}" if unit not in ("points", "index") else ""
        interval = "n/a" if low == "n/a" else f"{low} to {high}"
        moved = f"{row['first']} → {row['last']}"
        name = found.jobs.plan.short_name(row["parameter"])
        table.add_row(title, name, moved, change, interval)
    if len(rows):
        console.print(table)
    console.print(f"results  {found.out / 'results.parquet'}", soft_wrap=True)
    console.print(f"summary  {found.out / 'summary.html'}", soft_wrap=True)
