"""A page about a sweep: what was varied, what came out, figures and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ..kpis.printing import shown
from ..page import Cell, Sheet, figure_files, render
from ..wording import counted
from .figures import FIGURES, MOST_COLUMNS, drawn_measures, sobol_figure, strongest
from .jobs import Jobs
from .measures import measure_columns
from .parameters import text_of
from .place import Place
from .records import write_whole
from .run_id import versions

if TYPE_CHECKING:
    from .run_sweep import Sweep

_SAYS = {
    "main_effects": "Means over all other settings; bars are 95 % confidence intervals.",
    "tornado": "Change of the mean from a parameter's first to its last setting, with its 95 % "
    "confidence interval; blue rises, orange falls. Several seeds are compared seed by seed.",
    "interactions": "Means over all else, of the two parameters that move these measures most.",
    "sobol": "Shares of variance: of a parameter by itself (first), and with all others (total); "
    "whiskers are 95 % bootstrap intervals.",
}


def write_page(jobs: Jobs, place: Place, found: Sweep) -> None:
    """Write the figures and `summary.html` of a sweep that has at least one finished run.

    Parameters
    ----------
    jobs : Jobs
        The plan's runs.
    place : Place
        The sweep's directory.
    found : Sweep
        Its tables.
    """
    place.figures.mkdir(exist_ok=True)
    measures = drawn_measures(jobs, found.table)
    figures = []
    for name, title, draw, least in FIGURES:
        if measures and len(jobs.plan.parameters) >= least:
            svg = figure_files(draw(jobs, found.table), place.figures, name)
            figures.append({"title": title, "svg": svg, "says": _SAYS[name]})
    if found.sobol is not None and found.sobol.indicator.isin(measures).any():
        svg = figure_files(sobol_figure(jobs, found.table, found.sobol), place.figures, "sobol")
        figures.append({"title": "Sobol indices", "svg": svg, "says": _SAYS["sobol"]})
    html = render(
        "sweep.html.j2",
        title=jobs.plan.name,
        description=" ".join(jobs.plan.description.split()),
        lead=in_words(jobs),
        notes=[*found.notes, *_drawn_notes(jobs, found.table)],
        parameters=_parameter_sheet(jobs),
        figures=figures,
        effects=_effect_sheet(jobs, found.effects, measures),
        means=[(name, _mean_sheet(jobs, found.summary, name, measures))
               for name in jobs.plan.parameters],
        failed=Sheet(("run", "what went wrong"), [list(row) for row in found.failed.items()]),
        colophon=", ".join(f"{name} {version}" for name, version in versions().items()),
    )  # fmt: skip
    write_whole(place.out / "summary.html", html.encode())


def in_words(jobs: Jobs) -> str:
    """Return a sentence about the size of a sweep."""
    plan = jobs.plan
    of = {"grid": "a grid", "latin-hypercube": "a Latin hypercube", "saltelli": "Saltelli's design"}
    days = jobs.every[0].scenario().days
    return (
        f"{of[plan.design.name].capitalize()} of {counted(len(jobs.points), 'combination')} with "
        f"{counted(len(jobs.seeds), 'seed')} each: {counted(len(jobs.every), 'run')} of "
        f"{counted(days, 'day')}, from {plan.scenario}."
    )


def _drawn_notes(jobs: Jobs, table: pd.DataFrame) -> list[str]:
    if len(jobs.plan.parameters) <= MOST_COLUMNS:
        return []
    names = ", ".join(strongest(jobs, table)[:MOST_COLUMNS])
    return [f"main effects are drawn of the parameters that move most: {names}"]


def _title(jobs: Jobs, name: str) -> str:
    return jobs.plan.parameters[name].title or name


def _parameter_sheet(jobs: Jobs) -> Sheet:
    rows: list[list[Cell]] = []
    for name, parameter in jobs.plan.parameters.items():
        if parameter.listed:
            words = ", ".join(
                one if isinstance(one, str) else text_of(one) for one in parameter.labels()
            )
        else:
            given: dict[str, Any] = parameter.model_dump(
                exclude={"key", "title"}, exclude_none=True, mode="json"
            )
            words = ", ".join(f"{form} {value}" for form, value in given.items())
        rows.append([_title(jobs, name), ", ".join(parameter.keys(name)), words])
    return Sheet(("parameter", "keys", "settings"), rows)


def _effect_sheet(jobs: Jobs, effects: pd.DataFrame, measures: list[str]) -> Sheet:
    rows: list[list[Cell]] = []
    for row in effects[effects.indicator.isin(measures)].to_dict("records"):
        unit = row["unit"]
        gap = "points" if unit == "share" else unit
        rows.append(
            [
                measure_columns()[row["indicator"]].title,
                _readable(unit),
                _title(jobs, row["parameter"]),
                f"{row['first']} → {row['last']}",
                (shown(row["difference"], gap), row["difference"]),
                _interval(row["ci95_low"], row["ci95_high"], gap),
            ]
        )
    columns = ("indicator", "unit", "parameter", "from → to", "change", "95 % interval")
    return Sheet(columns, rows)


def _mean_sheet(jobs: Jobs, summary: pd.DataFrame, name: str, measures: list[str]) -> Sheet:
    here = summary[(summary.parameter == name) & summary.indicator.isin(measures)]
    settings = list(dict.fromkeys(here.setting))
    rows: list[list[Cell]] = []
    for measure in measures:
        part = here[here.indicator == measure].set_index("setting")
        unit = str(part.unit.iloc[0])
        cells: list[Cell] = [measure_columns()[measure].title, _readable(unit)]
        for setting in settings:
            one = part.loc[setting]
            interval = _interval(one.ci95_low, one.ci95_high, unit)
            cells.append((f"{shown(one['mean'], unit)} ({interval})", float(one["mean"])))
        rows.append(cells)
    return Sheet(("indicator", "unit", *settings), rows)


def _interval(low: float, high: float, unit: str) -> str:
    if low != low:
        return "n/a"
    return f"{shown(low, unit)} to {shown(high, unit)}"


def _readable(unit: str) -> str:
    return {"points": "pp", "share": "%"}.get(unit, unit)
