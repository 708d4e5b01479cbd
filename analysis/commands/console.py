"""What all commands share: the application, its messages, JSON, the progress bar."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def say(message: str) -> None:
    """Write a line for people to standard error."""
    print(message, file=sys.stderr)


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    print(json.dumps(document, ensure_ascii=False, allow_nan=False))


@contextmanager
def bad_input_listed() -> Iterator[None]:
    """Answer bad input with every problem on a line of its own and exit status 2.

    What was asked for rightly and could not be done, because a place cannot be written or is
    full, ends with exit status 1.
    """
    try:
        yield
    except Exception as error:
        problems = getattr(error, "problems", None)
        status = getattr(error, "exit_status", BAD_INPUT)
        if problems is None:
            if not isinstance(error, OSError):
                raise
            problems, status = [_told_by_the_system(error)], 1
        count = len(problems)
        say(f"{count} problem{'s' if count > 1 else ''} found:")
        for problem in problems:
            say(f"  {problem}")
        raise typer.Exit(status) from error


def _told_by_the_system(error: OSError) -> str:
    why = error.strerror or str(error) or type(error).__name__
    where = "" if error.filename is None else f"{error.filename}: "
    return f"{where}{why}: make room, or name another place"


@contextmanager
def stoppable() -> Iterator[None]:
    """Answer Ctrl-C, and the system's polite request to end (SIGTERM), with how to go on."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _stop) if main else None
    try:
        yield
    except KeyboardInterrupt as stop:
        say(
            str(stop)
            or "Stopped. Finished days are kept: the same command with --resume goes on from there."
        )
        raise typer.Exit(1) from None
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def progress_bar(
    wanted: bool, unit: str = "frames"
) -> Iterator[Callable[[int, int, str], None] | None]:
    """Show a progress bar on standard error where a person is watching."""
    if not wanted or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} " + unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("reading data", total=1)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield show


def print_rows(rows: list[dict[str, Any]], as_json: bool, title: str) -> None:
    """Print rows as one JSON list, or as a table for people."""
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)
