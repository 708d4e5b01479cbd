"""`report.html`: one self-contained file that says what a run was and what it showed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..sim.results import Results
from ..sim.whole_file import write_whole
from .audit import audit_run
from .audit.files import file_sum
from .figures import FIGURES
from .kpis import kpi_table
from .kpis.printing import kpi_document
from .page import figure_files, render
from .report_tables import (
    frame_sheet,
    headline_sheet,
    indicator_sheets,
    member_sheet,
    utility_sheet,
)
from .wording import counted

if TYPE_CHECKING:
    import pandas as pd


def write_report(results: Results) -> Path:
    """Write the report of a run, its figures and its indicators into the run directory.

    Parameters
    ----------
    results : Results
        A finished run.

    Returns
    -------
    Path
        `report.html`. Every figure is also kept as `figures/NAME.svg` and `figures/NAME.png`, the
        indicators as `kpis.json`, whose hash goes into the manifest.
    """
    folder = results.path / "figures"
    folder.mkdir(exist_ok=True)
    figures = [
        {
            "name": name,
            "title": figure.title,
            "svg": figure_files(figure.draw(results), folder, name),
            "says": figure.says(results),
        }
        for name, figure in FIGURES.items()
    ]
    indicators = write_indicators(results)
    manifest = results.manifest
    html = render(
        "report.html.j2",
        title=f"{manifest['scenario']}, {days_of(manifest)}",
        description=" ".join(results.scenario.get("description", "").split()),
        lead=in_words(results),
        headline=headline_sheet(results),
        audit=audit_run(results.path),
        figures=figures,
        indicators=indicator_sheets(indicators),
        frames=frame_sheet(results),
        members=member_sheet(results),
        utility=utility_sheet(results),
        colophon=colophon(results),
        notes=notes_of(manifest),
        unconfirmed=manifest["unconfirmed"],
    )
    path = results.path / "report.html"
    write_whole(path, html)
    return path


def write_indicators(results: Results) -> pd.DataFrame:
    """Write `kpis.json`, and its hash into the manifest, where the audit sees that it was written.

    Parameters
    ----------
    results : Results
        A finished run.

    Returns
    -------
    pandas.DataFrame
        The indicators, as :func:`gridbazaar.analysis.kpis.kpi_table` returns them.

    Examples
    --------
    >>> write_indicators(read_results("runs/kerala-village-001"))       # doctest: +SKIP
    """
    path, manifest = results.path / "kpis.json", results.path / "manifest.json"
    indicators = kpi_table(results)
    _replace(path, kpi_document(indicators))
    told = json.loads(manifest.read_text(encoding="utf-8"))
    sums = dict(told["sha256"]) | {path.name: file_sum(path)}
    _replace(manifest, told | {"sha256": dict(sorted(sums.items()))})
    return indicators


def _replace(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON file that is there whole or as it was, whenever the process is killed."""
    write_whole(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def days_of(manifest: dict[str, Any]) -> str:
    """Return the first and the last day of a run.

    Examples
    --------
    >>> days_of({"start": "2025-11-01T00:00:00", "end": "2025-12-01T00:00:00"})
    '2025-11-01 to 2025-11-30'
    >>> days_of({"start": "2025-11-01T06:00:00", "end": "2025-11-02T06:00:00"})
    '2025-11-01'
    """
    first = manifest["start"][:10]
    # The end is the moment at which the day after the last market day would begin.
    last = str((datetime.fromisoformat(manifest["end"]) - timedelta(days=1)).date())
    return first if first == last else f"{first} to {last}"


def days_in_words(days: int) -> str:
    """Return a number of days as people say it."""
    return counted(days, "day")


def in_words(results: Results) -> str:
    """Say in words what was simulated: homes, devices, days, market, tariff, seed."""
    scenario, members = results.scenario, results.members
    market, feeder = scenario["market"], scenario["feeder"]
    where = feeder.get("name") or feeder.get("path")
    how = market["mechanism"]
    if how == "pareto":
        choice = market.get("choose") or "the choice that goes with its objectives"
        how += f" ({market['engine']}, {market['objectives']} objectives, {choice})"
    cleared = f"cleared by the mechanism {how}, "
    cleared += (
        "without a look at the network"
        if market["network"] == "ignore"
        else f"checked by power flow ({market['network']})"
    )
    bids = f"; members bid by the strategy {scenario['bidding']['strategy']}"
    if how == "grid-only":
        cleared, bids = "without a market (grid-only)", ""
    rules = results.manifest["rules"]
    settled = f"settled under the tariff {results.manifest['tariff']}"
    if rules is not None:
        settled += f" and the rules {rules}"
    return (
        f"{counted(len(members), 'home')} on the feeder {where}, "
        f"{int((members.pv_kwp > 0).sum()):,} of them with PV "
        f"({members.pv_kwp.sum():,.0f} kWp) and "
        f"{int((members.battery_kwh > 0).sum()):,} with a battery "
        f"({members.battery_kwh.sum():,.0f} kWh). {days_in_words(scenario['days'])} {cleared}, "
        f"{settled}{bids}; seed {results.manifest['seed']}."
    )


def notes_of(manifest: dict[str, Any]) -> list[str]:
    """Return what a reader of the run must know, who is left out of trade included."""
    notes = list(manifest["notes"])
    left_out = manifest["left_out_of_trade"]
    if left_out:
        some = ", ".join(left_out[:8]) + (", ..." if len(left_out) > 8 else "")
        rules = "its tariff" if manifest["rules"] is None else f"the rules {manifest['rules']}"
        notes.append(
            f"{len(left_out)} members have systems too large for P2P trade under {rules} and "
            f"deal with the grid alone: {some}"
        )
    return notes


def colophon(results: Results) -> str:
    """Say what a run was made with."""
    versions: dict[str, Any] = results.manifest["versions"]
    made = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"Seed {results.manifest['seed']}. Made with {made}. Seed and scenario in the run's "
        "directory repeat every number."
    )
