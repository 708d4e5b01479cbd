"""The audit of a finished run, from its files alone: what `gridbazaar verify` does.

Everything that can be derived is derived anew from the files that a run leaves, by code that
shares nothing with the simulator's: its own power flow on complex voltages, its own settlement,
bills, prices, splits and hashes. A number that somebody changed shows, also after the hashes were
made to fit again.

What the files cannot tell, because it rests on something that is not among them:

- `frames`: `front_points`, `evaluations` (the search); `v_min_pu`, `v_max_pu`, `undervoltage_base`
  of frames without a step of the network loop (forecast voltages; they must lie within the limits,
  about the source's voltage, and agree with the flag); `withheld_kwh` where sellers offer from
  batteries (bounded)
- `capping`: `caps_kwh`, `traded_kwh`, `v_min_pu`, `v_max_pu`, `critical_buses` of steps that
  neither began the loop nor were accepted (forecasts; bounded and consistent)
- `members`: `profile`, `week_offset` (the load data), and everything where members come from a file
- `bills`: `no_p2p_total` of homes with PV or a battery and `no_p2p_battery_state_value` (a second
  run's meters; a change of one of them alone breaks the saving); of `bus_minutes` the two columns
  `no_p2p_...`
- `meters`: `load_kwh` and `pv_kwh` themselves are measurements; every sum that they enter is
  checked, down to the voltages
- `manifest`: `versions`; `feeder_buses`, `feeder_branches`: loads, customers and ampacities, which
  the run does not use
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..sim.run_directory import PARTIAL, RunError
from .audit_books import read_books
from .audit_capping import check_capping
from .audit_check import Check, Findings, Unusable
from .audit_energy import EnergyAudit, check_frame_energy, check_positions
from .audit_files import NEEDED
from .audit_forecast import ForecastAudit
from .audit_inputs import Run, read_run
from .audit_market import check_orders, check_prices, check_schedule, check_trades
from .audit_members import check_members
from .audit_meters import FrameSums, MeterDay, meter_days
from .audit_money import check_money
from .audit_network import FeederAudit, check_metered_voltages
from .audit_objectives import check_objectives

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Audit", "Check", "audit_run", "audit_table"]


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
        All checks, in the order of the run: completeness, energy, feeder, market, money.

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
    with found.section("members"):
        check_members(run, found)
    sums = _read_meters(run, found)
    with found.section("network by frame"):
        check_metered_voltages(run, found)
    with found.section("orders"):
        check_orders(run, found)
        run.books = read_books(run)
    for title, check in (
        ("prices", check_prices),
        ("trades", check_trades),
        ("schedule", check_schedule),
        ("objectives", check_objectives),
        ("network loop", check_capping),
    ):
        with found.section(title):
            check(run, found, run.books)
    with found.section("positions and frames"):
        if sums is None:
            raise Unusable("meters: they could not be read to their end")
        check_positions(run, found, sums)
        check_frame_energy(run, found, sums)
    with found.section("money"):
        if sums is None:
            raise Unusable("meters: they could not be read to their end")
        check_money(run, found, sums)
    checks = found.checks()
    return Audit(all(check.ok for check in checks), checks)


def _demand_run(path: Path) -> None:
    partial = path.with_name(path.name + PARTIAL)
    if not path.is_dir():
        if partial.is_dir():
            raise RunError([f"{path}: RUN: the run is not finished: continue it with --resume"])
        raise RunError([f"{path}: RUN: no such directory: name a directory that a run has written"])
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
        ("orders", ForecastAudit),
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
    """Return the checks as a table for the terminal; failed ones say where."""
    from rich.table import Table

    failed = sum(not check.ok for check in audit.checks)
    title = (
        f"{failed} of {len(audit.checks)} checks failed"
        if failed
        else (f"all {len(audit.checks)} checks passed, from the files alone")
    )
    table = Table(title=title, title_justify="left")
    table.add_column("check", overflow="fold")
    table.add_column("result")
    table.add_column("worst", justify="right")
    table.add_column("tolerance", justify="right")
    table.add_column("detail", overflow="fold")
    for check in audit.checks:
        result = "[green]passed[/]" if check.ok else "[bold red]FAILED[/]"
        table.add_row(
            check.name, result, f"{check.worst:.2g}", f"{check.tolerance:.2g}", check.detail
        )
    return table
