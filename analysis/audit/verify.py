"""The audit of a finished run, from its files alone: what `gridbazaar verify` does.

Everything that can be derived is derived anew from the files that a run leaves, by code that
shares nothing with the simulator's: its own power flow on complex voltages, its own settlement,
bills, prices, splits and hashes. A number that somebody changed shows, also after the hashes were
made to fit again.

What the files cannot tell stands in `UNDERIVABLE`: it rests on meters before the run, on the
voltages of the second run, on the search, or on inputs that are not among the files. Most of it is
bounded all the same; and whatever is changed without its hash shows by the hashes of the manifest,
and by the ledger's chain, which begins with those of scenario and tariff.

The report's indicators alone are computed again by the simulator's own functions; its page and its
figures are not audited.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...sim.run_directory import PARTIAL, RunError
from .behaviour import CurtailmentAudit
from .books import read_books
from .capping import check_capping
from .check import Check, Findings, Unusable
from .columns import NEEDED
from .energy import EnergyAudit, check_frame_energy, check_positions
from .fronts import check_fronts
from .indicators import check_indicators
from .inputs import Run, read_run
from .manifest import check_manifest, check_sums
from .market import check_orders, check_prices, check_schedule, check_trades
from .members import check_members
from .meters import FrameSums, MeterDay, meter_days
from .money import check_money
from .network import FeederAudit, check_metered_voltages
from .no_p2p import check_no_p2p
from .objectives import check_objectives
from .plans import PlanAudit
from .second_run import SecondRunAudit
from .steps import read_steps
from .underivable import UNDERIVABLE

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["UNDERIVABLE", "Audit", "Check", "audit_run", "audit_table"]


@dataclass(frozen=True)
class Audit:
    """What an audit found: `ok` if every check passed."""

    ok: bool
    checks: tuple[Check, ...]


class _Watcher(Protocol):
    """Something that looks at the meters day by day."""

    def take(self, day: MeterDay) -> None: ...

    def finish(self) -> None: ...


def audit_run(path: str | Path) -> Audit:
    """Audit a finished run from its files alone.

    Files that were changed, cut short or do not belong together are failed checks.

    Parameters
    ----------
    path : str or Path
        A run directory.

    Returns
    -------
    Audit
        All checks, in the order of the run: completeness, energy, feeder, market, money,
        indicators.

    Raises
    ------
    RunError
        If there is no such directory, or it is no finished run; every missing file is listed.

    Examples
    --------
    >>> audit_run("runs/kerala-village-001").ok                          # doctest: +SKIP
    True
    """
    path = Path(path)
    _demand_run(path)
    found = Findings()
    run = read_run(path, found)
    with found.section("manifest"):
        check_sums(run, found)
        check_manifest(run, found)
    with found.section("members"):
        check_members(run, found)
    with found.section("network loop"):
        run.steps = read_steps(run, found)
    sums = _read_meters(run, found)
    with found.section("network by frame"):
        check_metered_voltages(run, found)
    with found.section("orders"):
        check_orders(run, found)
        run.books = read_books(run)
    for title, check in (
        ("prices", check_prices),
        ("trades", check_trades),
        ("objectives", check_objectives),
        ("network loop", check_capping),
    ):
        with found.section(title):
            check(run, found, run.books)
    with found.section("fronts"):
        check_fronts(run, found)
    with found.section("schedule"):
        check_schedule(run, found)
    with found.section("positions and frames"):
        if sums is None:
            raise Unusable("meters: they could not be read to their end")
        check_positions(run, found, sums)
        check_frame_energy(run, found, sums)
    with found.section("money"):
        if sums is None:
            raise Unusable("meters: they could not be read to their end")
        check_no_p2p(run, found, sums)
        check_money(run, found, sums)
    with found.section("indicators"):
        check_indicators(run, found)
    checks = found.checks()
    return Audit(all(check.ok for check in checks), checks)


def _demand_run(path: Path) -> None:
    partial = path.parent / (path.name + PARTIAL)  # of `.` too, which has no name
    if not path.is_dir():
        if partial.is_dir():
            raise RunError([f"{path}: RUN: the run is not finished: continue it with --resume"])
        what = "a file, not a directory" if path.exists() else "no such directory"
        raise RunError([f"{path}: RUN: {what}: name a directory that a run has written"])
    if path.name.endswith(PARTIAL) and not (path / "manifest.json").is_file():
        raise RunError([f"{path}: RUN: the run is not finished: continue it with --resume"])
    missing = [name for name in NEEDED if not (path / name).is_file()]
    if missing:
        raise RunError(
            [f"{path / name}: RUN: the file is missing: run the scenario again" for name in missing]
        )


def _read_meters(run: Run, found: Findings) -> FrameSums | None:
    """Lead all that look at the meters through them once; None if they cannot be read."""
    watchers: dict[str, _Watcher] = {}
    for title, kind in (
        ("meters", EnergyAudit),
        ("feeder", FeederAudit),
        ("plans", PlanAudit),
        ("run without the market", SecondRunAudit),
        ("curtailment", CurtailmentAudit),
    ):
        with found.section(title):
            watchers[title] = kind(run, found)
    sums: FrameSums | None = None
    with found.section("meters"):
        watchers["energy by frame"] = sums = FrameSums(run)
    complete = False
    with found.section("meters"):
        for day in meter_days(run, found):
            for title in list(watchers):
                watcher = watchers.pop(title)
                with found.section(title):
                    watcher.take(day)
                    watchers[title] = watcher
        complete = True
    for title, watcher in watchers.items():
        with found.section(title):
            if complete:
                watcher.finish()
    return sums if complete and "energy by frame" in watchers else None


def audit_table(audit: Audit) -> Table:
    """Return the checks as a table for the terminal; those that failed say what and where."""
    from rich.markup import escape
    from rich.table import Table

    failed = sum(not check.ok for check in audit.checks)
    title = f"all {len(audit.checks)} checks passed, from the files alone"
    if failed:
        title = f"{failed} of {len(audit.checks)} checks failed"
    table = Table(title=title, title_justify="left")
    table.add_column("check", overflow="fold")
    table.add_column("result")
    table.add_column("worst", justify="right")
    table.add_column("tolerance", justify="right")
    for check in audit.checks:
        what = escape(check.name)
        if not check.ok:
            what += f"\n[red]{escape(check.detail)}[/]"
        result = "passed" if check.ok else "[bold red]FAILED[/]"
        table.add_row(what, result, f"{check.worst:.2g}", f"{check.tolerance:.2g}")
    return table
