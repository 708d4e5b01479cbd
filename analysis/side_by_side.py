"""Several runs on one page: what was set otherwise, what came out otherwise, and by how much."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..sim.results import Results, read_results
from ..sim.run_directory import RunError
from ..sim.whole_file import write_whole
from .audit import audit_run
from .comparison_figures import COMPARISON_FIGURES
from .figures import FIGURES
from .kpis import kpi_table
from .kpis.printing import shown
from .page import Cell, Sheet, figure_files, render
from .report import colophon, in_words
from .report import days_in_words as _days
from .report_tables import number
from .wording import counted

#: Units of sums over a run: of runs of different lengths they compare by day only.
SUMS = ("kWh", "bus-minutes", "intervals", "frames", "kg CO2")


@dataclass(frozen=True)
class Labelled:
    """A run and what it is called on the page."""

    label: str
    results: Results

    @property
    def days(self) -> int:
        """Market days of the run."""
        return int(self.results.scenario["days"])

    @property
    def currency(self) -> str:
        """Its money."""
        return str(self.results.manifest["currency"])


def read_all(runs: Sequence[str | Path]) -> list[Labelled]:
    """Open several runs; each is called by the shortest end of its path that tells it apart.

    Raises
    ------
    RunError
        With every problem of every run: no such directory, no run, not finished, named twice.
    """
    problems, opened = [], []
    for run in runs:
        try:
            opened.append(read_results(run))
        except RunError as error:
            problems += error.problems
    places = [results.path.resolve() for results in opened]
    for place in sorted({place for place in places if places.count(place) > 1}):
        problems.append(f"{place}: RUN: is named twice: name each run once")
    if problems:
        raise RunError(problems)
    depth = 1
    while len({place.parts[-depth:] for place in places}) < len(places):
        depth += 1
    return [
        Labelled("/".join(place.parts[-depth:]), results)
        for place, results in zip(places, opened, strict=True)
    ]


def write_side_by_side(runs: Sequence[str | Path], out: str | Path | None = None) -> Path:
    """Write one self-contained page that sets several runs side by side, the first as the base.

    Parameters
    ----------
    runs : sequence of str or Path
        Two or more finished runs.
    out : str or Path, optional
        The page; by default `FIRST-beside-SECOND.html` next to the first run.

    Returns
    -------
    Path
        The page. Its figures stand inside it.

    Raises
    ------
    RunError
        With every problem; nothing is written then.
    """
    labelled = read_all(runs)
    path = _place(labelled, out)
    tables = [kpi_table(run.results) for run in labelled]
    with tempfile.TemporaryDirectory() as folder:
        figures = [
            {
                "title": figure.title,
                "svg": figure_files(
                    figure.draw([(run.label, run.results) for run in labelled]),
                    Path(folder),
                    name,
                ),
                "says": figure.says([(run.label, run.results) for run in labelled]),
            }
            for name, figure in COMPARISON_FIGURES.items()
        ]
    audits = [audit_run(run.results.path) for run in labelled]
    html = render(
        "side_by_side.html.j2",
        title=" beside ".join(run.label for run in labelled),
        runs=[
            {
                "label": run.label,
                "words": in_words(run.results),
                "ok": audit.ok,
                "audit": f"{sum(check.ok for check in audit.checks)} of {len(audit.checks)} checks "
                "passed",
                "colophon": colophon(run.results),
            }
            for run, audit in zip(labelled, audits, strict=True)
        ],
        notes=comparison_notes(labelled),
        settings=setting_sheet(labelled),
        indicators=indicator_sheets(labelled, tables),
        figures=figures,
        members=member_sheet(labelled),
        sentences=Sheet(
            ("figure", *(run.label for run in labelled)),
            [
                [figure.title, *(figure.says(run.results) for run in labelled)]
                for figure in FIGURES.values()
            ],
        ),
    )
    write_whole(path, html)
    return path


def _place(labelled: list[Labelled], out: str | Path | None) -> Path:
    first, second = (run.results.path.resolve() for run in labelled[:2])
    more = f"-and-{len(labelled) - 2}-more" if len(labelled) > 2 else ""
    path = first.parent / f"{first.name}-beside-{second.name}{more}.html"
    if out is not None:
        path = Path(out)
        if path.is_dir() or not path.absolute().parent.is_dir():
            wrong = "is a directory" if path.is_dir() else "stands in a directory that is not there"
            raise RunError([f"{path}: --out: {wrong}: name a file in a directory that exists"])
    return path


def comparison_notes(labelled: list[Labelled]) -> list[str]:
    """Return what a reader must know before comparing: lengths, tariffs, homes, seeds, money."""

    def differing(what: str, of: list[Any], remark: str) -> list[str]:
        if len(set(of)) < 2:
            return []
        each = ", ".join(f"{run.label}: {v}" for run, v in zip(labelled, of, strict=True))
        return [f"The runs differ in {what} ({each}). {remark}"]

    manifests = [run.results.manifest for run in labelled]
    homes = [tuple(run.results.members.prosumer) for run in labelled]
    notes = differing(
        "length",
        [_days(run.days) for run in labelled],
        "Sums of energy and money are given by day; peaks and extremes of a longer run are wider.",
    )
    notes += differing(
        "their days",
        [m["start"][:10] for m in manifests],
        "Weather and load are not the same: differences are not the setting's alone.",
    )
    notes += differing(
        "tariff",
        [_tariff_words(m) for m in manifests],
        "Bills, savings and the price bounds follow the tariff as much as the market.",
    )
    notes += differing(
        "currency", [m["currency"] for m in manifests], "No difference of money is formed."
    )
    if len(set(homes)) > 1:
        notes += differing(
            "members",
            [counted(len(h), "home") for h in homes],
            "Members are not compared one by one.",
        ) or ["The runs have other members: they are not compared one by one."]
    notes += differing(
        "seed",
        [m["seed"] for m in manifests],
        "Homes, devices and preferences are drawn anew: part of each difference is chance.",
    )
    return notes


def _tariff_words(manifest: dict[str, Any]) -> str:
    rules = manifest["rules"]
    return str(manifest["tariff"]) + (f" with {rules}" if rules is not None else "")


def setting_sheet(labelled: list[Labelled]) -> Sheet:
    """Return every key of the scenario, and of the tariff, that is not the same in all runs."""
    flat = []
    for run in labelled:
        values = _flat(run.results.scenario)
        for name in ("description", "tariff"):
            values = {k: v for k, v in values.items() if k.split(".")[0] != name}
        values |= _flat(run.results.tariff, "tariff.")
        flat.append(values)
    keys = dict.fromkeys(key for values in flat for key in values)
    long = ("source", "title", "notes", "unconfirmed")
    rows: list[list[Cell]] = []
    for key in keys:
        texts = [str(one.get(key, "-")) for one in flat]
        if len(set(texts)) > 1 and key.split(".")[-1] not in long:
            rows.append([key, *texts])
    return Sheet(("setting", *(run.label for run in labelled)), rows)


def _flat(document: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(document, dict):
        return {path.rstrip("."): document}
    found: dict[str, Any] = {}
    for key, value in document.items():
        found |= _flat(value, f"{path}{key}.")
    return found


def indicator_sheets(
    labelled: list[Labelled], tables: list[pd.DataFrame]
) -> list[tuple[str, Sheet]]:
    """Return the indicators with the market of all runs, and differences to the first."""
    by_day = len({run.days for run in labelled}) > 1
    one_money = len({run.currency for run in labelled}) == 1
    labels = [run.label for run in labelled]
    columns = ("indicator", "unit", *labels, *(f"{label} − {labels[0]}" for label in labels[1:]))
    sheets: dict[str, list[list[str]]] = {}
    for rows in zip(*(table.to_dict("records") for table in tables), strict=True):
        unit, money = rows[0]["unit"], labelled[0].currency in rows[0]["unit"]
        daily = by_day and (unit in SUMS or unit == labelled[0].currency)
        values = [
            row["market"] / (run.days if daily else 1)
            for row, run in zip(rows, labelled, strict=True)
        ]
        gap = "points" if unit == "share" else unit
        if money and not one_money:
            unit = "currency"
        known = one_money or not money
        differences = [shown(v - values[0] if known else None, gap) for v in values[1:]]
        sheets.setdefault(str(rows[0]["group"]), []).append(
            [
                rows[0]["title"],
                unit + (" a day" if daily else ""),
                *(shown(value, rows[0]["unit"]) for value in values),
                *differences,
            ]
        )
    return [(group, Sheet(columns, rows)) for group, rows in sheets.items()]


def member_sheet(labelled: list[Labelled]) -> Sheet | None:
    """Return each member's saving in every run and by how much it differs from the first.

    None where the runs have other members, or other money.
    """
    homes = [tuple(run.results.members.prosumer) for run in labelled]
    if len(set(homes)) > 1 or len({run.currency for run in labelled}) > 1:
        return None
    savings = [
        run.results.bills.groupby("prosumer", sort=False).saving.sum() / run.days
        for run in labelled
    ]
    labels = [run.label for run in labelled]
    columns = ("member", *labels, *(f"{label} − {labels[0]}" for label in labels[1:]))
    rows: list[list[Cell]] = []
    for name in homes[0]:
        each = [float(saving[name]) for saving in savings]
        gaps = [value - each[0] for value in each[1:]]
        rows.append([name, *(number(value, 2) for value in [*each, *gaps])])
    return Sheet(columns, rows)
