"""The same days and seed under several settings of one key: runs, one table, one figure."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..scenarios.load import load_scenario
from ..scenarios.problems import ScenarioError
from ..sim.results import read_results
from ..sim.run import run_scenario
from ..sim.run_directory import PARTIAL, RunError, WriteError
from ..sim.whole_file import write_whole
from .compare_measures import read_measures
from .compare_over import Over, settings_of
from .kpis import kpi_table
from .process_pool import submitted, tethered_pool
from .wording import counted

Progress = Callable[[int, int, str], None]
PLAN = "comparison.json"


@dataclass(frozen=True)
class Comparison:
    """Several settings of one key, side by side.

    Attributes
    ----------
    key : str
        What was varied.
    table : pandas.DataFrame
        A row per setting that ran: `setting`, then the measures, units in their names.
    indicators : pandas.DataFrame
        Every indicator of every setting, one row each.
    runs : dict of str to Path
        The run directory of each setting.
    failed : dict of str to list of str
        What was wrong with each setting that did not run.
    out : Path
        The directory with the runs, `comparison.csv`, `indicators.csv` and the figure.
    currency : str
        The money of the first run.
    notes : tuple of str
        What a reader must know before comparing.
    """

    key: str
    table: pd.DataFrame
    indicators: pd.DataFrame
    runs: dict[str, Path]
    failed: dict[str, list[str]]
    out: Path
    currency: str
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        settings = self.table.astype(object).where(self.table.notna(), None).to_dict("records")
        return {
            "out": str(self.out),
            "key": self.key,
            "currency": self.currency,
            "settings": [{**row, "run": str(self.runs[row["setting"]])} for row in settings],
            "failed": self.failed,
            "notes": list(self.notes),
        }


def compare(
    scenario: str | Path,
    over: Over,
    overrides: Sequence[str] = (),
    *,
    out: str | Path | None = None,
    resume: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
    root: Path = Path("runs"),
) -> Comparison:
    """Run a scenario under several settings of one key and set the outcomes side by side.

    Homes, devices, weather and every random draw are the same in all runs: what differs is what
    the setting does. Results do not depend on the number of processes.

    Parameters
    ----------
    scenario : str or Path
        Shipped name or YAML file.
    over : str or tuple
        The key and its values: ``"market.choose=demand-first,knee"``, ``"market.choose=all"`` or
        ``("market.k", [0.25, 0.5])``.
    overrides : sequence of str
        Changes that all runs share, e.g. ``["days=7"]``.
    out : str or Path, optional
        New directory; by default the next free `ROOT/compare-SCENARIO-NNN`.
    resume : bool
        Go on in a directory that an interrupted comparison left (finished runs are kept); values
        may be added.
    workers : int
        Processes; more than one needs the usual ``if __name__ == "__main__"`` in a script.
    progress : callable, optional
        Called as `progress(runs_done, runs_total, text)`.
    root : Path
        Where directories without a given name are made.

    Returns
    -------
    Comparison
        What ran, measured; and what did not, with its problems.

    Raises
    ------
    ScenarioError, RunError
        With every problem of every setting, before anything is run or written; or if a process
        was ended from outside, with the settings that `resume` has yet to run.

    Examples
    --------
    >>> both = compare("kerala-village", "market.engine=all", ["days=2"])   # doctest: +SKIP
    >>> both.table[["setting", "surplus", "traded_kwh"]]                    # doctest: +SKIP
    """
    key, values = settings_of(over)
    changes = {value: [*overrides, f"{key}={value}"] for value in values}
    _check(scenario, changes)
    place = _reserve(scenario, key, overrides, out, resume, root)
    runs = {value: place / folder_name(value) for value in values}
    jobs = {value: (scenario, changes[value], runs[value]) for value in values}
    rows: dict[str, dict[str, Any]] = {}
    indicators: dict[str, pd.DataFrame] = {}
    failed: dict[str, list[str]] = {}
    for done, (value, answer) in enumerate(_all(jobs, workers, place), 1):
        if isinstance(answer, list):
            failed[value] = answer
        else:
            rows[value], indicators[value] = answer
        if progress is not None:
            progress(done, len(values), f"{key}={value}")
    if not rows:
        raise RunError([f"{value}: {text}" for value, texts in failed.items() for text in texts])
    ran = [value for value in values if value in rows]
    table = pd.DataFrame([{"setting": value, **rows[value]} for value in ran])
    every = pd.concat([indicators[v].assign(setting=v) for v in ran], ignore_index=True)
    every.insert(0, "setting", every.pop("setting"))
    kept = {value: read_results(runs[value]) for value in ran}
    currency = kept[ran[0]].manifest["currency"]
    notes = _notes({value: int(results.scenario["days"]) for value, results in kept.items()})
    comparison = Comparison(key, table, every, runs, failed, place, currency, notes)
    _write(comparison)
    return comparison


def folder_name(value: str) -> str:
    """Return a file name for a setting: its own text where that is safe, else with a hash.

    Examples
    --------
    >>> folder_name("demand-first")
    'demand-first'
    >>> folder_name("[2, 4]")
    '2-4-2d2b1c39'
    """
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", value).strip("-.")[:60]
    if safe != value or not safe or safe.endswith(PARTIAL):
        safe += ("-" if safe else "") + hashlib.sha256(value.encode()).hexdigest()[:8]
    return safe


def _check(scenario: str | Path, changes: dict[str, list[str]]) -> None:
    """Load every setting's scenario, so that a bad one is known before the first run."""
    problems: list[str] = []
    for overrides in changes.values():
        try:
            load_scenario(scenario, overrides)
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(list(dict.fromkeys(problems)))


def _reserve(
    scenario: str | Path,
    key: str,
    overrides: Sequence[str],
    out: str | Path | None,
    resume: bool,
    root: Path,
) -> Path:
    """Make the comparison's directory, or find the one to go on in."""
    name = Path(scenario).stem if str(scenario).endswith((".yaml", ".yml")) else str(scenario)
    plan = {"scenario": str(scenario), "key": key, "overrides": list(overrides)}
    if out is not None:
        place = Path(out)
    else:
        stem = f"compare-{name.replace(' ', '-')}-"
        taken = sorted(root.glob(f"{stem}[0-9]*"))
        number = int(taken[-1].name.removeprefix(stem)) if taken else 0
        place = root / f"{stem}{max(number, 1) if resume else number + 1:03d}"
    if resume:
        try:
            kept = json.loads((place / PLAN).read_text("utf-8"))
        except (OSError, ValueError):
            wrong = "holds no comparison to go on with: compare without --resume"
            raise RunError([f"{place}: --resume: {wrong}"]) from None
        if kept != plan:
            wrong = "was begun with another scenario, key or setting"
            remedy = "repeat the same command with --resume, or begin anew in another directory"
            raise RunError([f"{place}: --resume: {wrong}: {remedy}"])
        return place
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        wrong = "exists and is not empty: name a new directory, or go on with --resume"
        raise RunError([f"{place}: --out: {wrong}"])
    try:
        place.mkdir(parents=True, exist_ok=True)
        write_whole(place / PLAN, json.dumps(plan, indent=2) + "\n")
    except OSError as error:
        raise WriteError.of(place, error, "name a place you may write to") from error
    return place


Job = tuple[str | Path, list[str], Path]
Answer = tuple[dict[str, Any], pd.DataFrame] | list[str]


def _all(jobs: dict[str, Job], workers: int, place: Path) -> Iterator[tuple[str, Answer]]:
    """Run all jobs, and hand each answer on as it comes."""
    if workers <= 1 or len(jobs) == 1:
        for value, job in jobs.items():
            yield value, run_setting(*job)
        return
    answered: set[str] = set()
    with tethered_pool(min(workers, len(jobs))) as pool:
        try:
            waiting: dict[Future[Answer], str] = {
                submitted(pool, run_setting, *job): value for value, job in jobs.items()
            }
            for future in as_completed(waiting):
                try:
                    answer = future.result()
                except OSError as error:
                    answer = [f"its files could not be written: {error}: repeat with --resume"]
                answered.add(waiting[future])
                yield waiting[future], answer
        except BrokenExecutor as error:  # one killed process takes all other jobs along
            lost = ", ".join(value for value in jobs if value not in answered)
            wrong = "a process was ended from outside, perhaps for want of memory"
            remedy = f"repeat with --resume, or fewer --workers than {workers}"
            raise RunError([f"{place}: {lost}: {wrong}: {remedy}"]) from error


def run_setting(scenario: str | Path, overrides: list[str], out: Path) -> Answer:
    """Run one setting, or go on with it, or read it where it is finished; then measure it.

    Returns
    -------
    tuple or list of str
        Measures and indicators; or what was wrong.
    """
    try:
        if not out.exists():
            begun = out.with_name(out.name + PARTIAL)
            if begun.is_dir() and not any(begun.iterdir()):
                shutil.rmtree(begun)
            run_scenario(scenario, overrides, out=out, resume=begun.is_dir())
        results = read_results(out)
        indicators = kpi_table(results)
        return read_measures(results, indicators), indicators
    except (ScenarioError, RunError) as error:
        return list(error.problems)


def _notes(days: dict[str, int]) -> tuple[str, ...]:
    """Say that lengths differ: sums of a longer run are larger for that alone."""
    if len(set(days.values())) < 2:
        return ()
    each = ", ".join(f"{value}: {counted(number, 'day')}" for value, number in days.items())
    return (
        f"the runs differ in length ({each}): sums of energy, money and time are of the whole run, "
        "and extremes of a longer run are wider",
    )


def _write(comparison: Comparison) -> None:
    from .compare_figure import compare_figure
    from .page import figure_files

    numbers = comparison.table.rename(columns={"setting": comparison.key})
    for name, table in (("comparison", numbers), ("indicators", comparison.indicators)):
        write_whole(comparison.out / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
    figure_files(compare_figure(comparison), comparison.out, "comparison")
