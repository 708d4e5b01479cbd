"""Figures of a sweep: main effects, interactions, tornado, Sobol indices."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..figures.style import BLUE, ORANGE, WIDTH, plain
from ..kpis.printing import shown
from .jobs import Jobs
from .measures import measure_columns
from .summary import effects, parts_of, summarize

MOST_COLUMNS, MOST_MEASURES = 4, 6
_LETTERS_SIDE_BY_SIDE = 28
MAP = "cividis"  # the same to colour-blind eyes


def drawn_measures(jobs: Jobs, results: pd.DataFrame) -> list[str]:
    """Return the measures that figures show: those with a value, six at most."""
    known = [name for name in jobs.plan.measures if results[name].notna().any()]
    return known[:MOST_MEASURES]


def main_effects(jobs: Jobs, results: pd.DataFrame) -> Figure:
    """Draw each measure over each parameter: means over all other settings, with 95 % intervals."""
    measures, names = drawn_measures(jobs, results), strongest(jobs, results)[:MOST_COLUMNS]
    rows, columns = len(measures), len(names)
    figure = Figure(figsize=(WIDTH, 1.45 * rows + 0.7), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey="row")
    table = summarize(jobs, results, measures)
    for j, name in enumerate(names):
        labels = parts_of(results[name])[1]
        at = _positions(results[name], labels)
        for i, measure in enumerate(measures):
            ax: Axes = axes[i, j]
            here = table[(table.parameter == name) & (table.indicator == measure)]
            factor = _factor(measure)
            mean = factor * here["mean"].to_numpy()
            error = factor * np.vstack(
                [here["mean"] - here.ci95_low, here.ci95_high - here["mean"]]
            )
            ax.errorbar(at, mean, np.nan_to_num(error), color=BLUE, marker="o", ms=4, lw=1.3,
                        capsize=3, elinewidth=1.0)  # fmt: skip
            plain(ax)
            ax.margins(x=0.12, y=0.15)
            ax.set_xticks(at, labels if i == rows - 1 else [""] * len(at))
            ax.tick_params(labelsize="x-small")
            if len(labels) > 4:
                _slant(ax, 35)
            ax.locator_params(axis="y", nbins=4)
            if i == rows - 1:
                ax.set_xlabel(_wrapped(_title(jobs, name), 26), fontsize="small")
            if j == 0:
                ax.set_ylabel(_wrapped(_label(jobs, measure), 20), fontsize="x-small")
    figure.align_ylabels(list(axes[:, 0]))
    return figure


def interactions(jobs: Jobs, results: pd.DataFrame) -> Figure:
    """Draw each measure over the two strongest parameters together, means over all else."""
    measures = drawn_measures(jobs, results)
    down, across = strongest(jobs, results)[:2]
    rows = -(-len(measures) // 2)
    figure = Figure(figsize=(WIDTH, 2.15 * rows + 0.2), layout="constrained")
    axes = figure.subplots(rows, min(2, len(measures)), squeeze=False)
    done = results[results.status == "done"]
    (part_y, labels_y), (part_x, labels_x) = (parts_of(results[name]) for name in (down, across))
    for ax, measure in zip(axes.flat, measures, strict=False):
        grid = np.full((len(labels_y), len(labels_x)), np.nan)
        means = done.groupby([part_y[done.index], part_x[done.index]])[measure].mean()
        grid[means.index.get_level_values(0), means.index.get_level_values(1)] = means.to_numpy()
        ax.imshow(grid, cmap=MAP, aspect="auto", origin="lower")
        middle = 0.5 * (np.nanmin(grid) + np.nanmax(grid))
        unit = _unit(jobs, measure)
        for y, x in np.argwhere(~np.isnan(grid)):
            text = shown(float(grid[y, x]), unit)
            ax.text(x, y, text, ha="center", va="center", fontsize="x-small",
                    color="white" if grid[y, x] < middle else "black")  # fmt: skip
        ax.set_xticks(range(len(labels_x)), labels_x, fontsize="x-small")
        if sum(map(len, labels_x)) > _LETTERS_SIDE_BY_SIDE:
            _slant(ax, 20)
        ax.set_yticks(range(len(labels_y)), labels_y, fontsize="x-small")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_title(_wrapped(_label(jobs, measure), 38), fontsize="small", loc="left")
        ax.set_xlabel(_wrapped(_title(jobs, across), 40), fontsize="x-small")
        ax.set_ylabel(_wrapped(_title(jobs, down), 24), fontsize="x-small")
    for ax in list(axes.flat)[len(measures) :]:
        ax.set_visible(False)
    return figure


def tornado(jobs: Jobs, results: pd.DataFrame) -> Figure:
    """Draw how far each measure moves from a parameter's first to its last setting."""
    measures = drawn_measures(jobs, results)
    table = effects(jobs, results, measures)
    n = max(1, table.parameter.nunique())
    rows = -(-len(measures) // 2)
    moves = [_move(*pair) for pair in zip(table["first"], table["last"], strict=True)]
    long = any("\n" in move for move in moves)
    height = 0.95 + (0.42 if long else 0.3) * n
    figure = Figure(figsize=(WIDTH, rows * height), layout="constrained")
    axes = figure.subplots(rows, min(2, len(measures)), squeeze=False)
    for ax, measure in zip(axes.flat, measures, strict=False):
        here = table[table.indicator == measure].copy()
        here = here.iloc[np.argsort(here.difference.abs().to_numpy(), kind="stable")]
        factor, at = _factor(measure), np.arange(len(here))
        colours = [BLUE if value >= 0.0 else ORANGE for value in here.difference]
        ax.barh(at, factor * here.difference, color=colours, height=0.6)
        error = factor * np.vstack(
            [here.difference - here.ci95_low, here.ci95_high - here.difference]
        )
        ax.errorbar(factor * here.difference, at, xerr=np.nan_to_num(error), fmt="none",
                    ecolor="black", elinewidth=1.0, capsize=3)  # fmt: skip
        plain(ax, grid="x")
        ax.axvline(0.0, color="black", lw=0.6)
        names = [
            f"{_wrapped(_title(jobs, row['parameter']), 24)}\n{_move(row['first'], row['last'])}"
            for row in here.to_dict("records")
        ]
        ax.set_yticks(at, names, fontsize="x-small")
        ax.tick_params(axis="x", labelsize="x-small")
        ax.locator_params(axis="x", nbins=5)
        title = _wrapped(_label(jobs, measure, change=True), 32 if long else 36)
        ax.set_title(title, fontsize="small", loc="left")
    for ax in list(axes.flat)[len(measures) :]:
        ax.set_visible(False)
    return figure


def sobol_figure(jobs: Jobs, results: pd.DataFrame, indices: pd.DataFrame) -> Figure:
    """Draw first-order and total Sobol indices of each measure."""
    measures = [one for one in drawn_measures(jobs, results) if (indices.indicator == one).any()]
    names = list(jobs.plan.parameters)
    rows = max(1, -(-len(measures) // 2))
    figure = Figure(figsize=(WIDTH, rows * (0.9 + 0.3 * len(names))), layout="constrained")
    axes = figure.subplots(rows, 2, squeeze=False, sharey=True, sharex=True)
    at = np.arange(len(names))[::-1]
    for ax, measure in zip(axes.flat, measures, strict=False):
        for order, label, colour, shift in (
            ("first", "first-order index", BLUE, 0.19),
            ("total", "total index", ORANGE, -0.19),
        ):
            here = indices[(indices.indicator == measure) & (indices.order == order)]
            here = here.set_index("parameter").loc[names]
            ax.barh(at + shift, here["index"], 0.36, color=colour, label=label,
                    xerr=np.nan_to_num(here.ci95),
                    error_kw={"elinewidth": 0.8, "capsize": 2})  # fmt: skip
        plain(ax, grid="x")
        ax.axvline(0.0, color="black", lw=0.6)
        ax.set_yticks(at, [_wrapped(_title(jobs, name), 24) for name in names], fontsize="x-small")
        ax.tick_params(axis="x", labelsize="x-small")
        title = _wrapped(measure_columns()[measure].title, 44)
        ax.set_title(title, fontsize="small", loc="left")
    for ax in list(axes.flat)[len(measures) :]:
        ax.set_visible(False)
    figure.supxlabel("share of the variance; whiskers: 95 % interval", fontsize="small")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False,
                  fontsize="small")  # fmt: skip
    return figure


def strongest(jobs: Jobs, results: pd.DataFrame) -> list[str]:
    """Return the parameters by how much they move the drawn measures, the strongest first.

    How much is the spread of the means of a parameter's settings over the spread of all runs,
    added up over the measures. Equal ones stand in the order of the file.
    """
    names, measures = list(jobs.plan.parameters), drawn_measures(jobs, results)
    done = results[results.status == "done"]
    table = summarize(jobs, results, measures)
    # A setting of which all runs failed has no mean, and is left out.
    most, least = (
        table.pivot_table("mean", "parameter", "indicator", one) for one in ("max", "min")
    )
    score = ((most - least) / done[measures].std(ddof=0)).replace(np.inf, 0.0).sum(axis=1)
    return sorted(names, key=lambda name: -score.get(name, 0.0))


#: Figures of every sweep: name, heading, function, least number of parameters.
FIGURES: tuple[tuple[str, str, Callable[[Jobs, pd.DataFrame], Figure], int], ...] = (
    ("main_effects", "Main effects", main_effects, 1),
    ("tornado", "From the first to the last setting", tornado, 1),
    ("interactions", "Two parameters together", interactions, 2),
)


def _slant(ax: Axes, degrees: int) -> None:
    """Turn the names below an axis, so that each ends at its tick and none hides another."""
    for text in ax.get_xticklabels():
        text.set(rotation=degrees, ha="right", rotation_mode="anchor")


def _move(first: str, last: str) -> str:
    """Return from what to what a parameter moves, in two lines where one is too long."""
    line = f"{first} → {last}"
    return line if len(line) <= 24 else f"{first}\n→ {last}"


def _positions(settings: pd.Series, labels: list[str]) -> np.ndarray:
    """Return where settings stand: at their numbers where these are listed, else one by one."""
    numbers = pd.api.types.is_numeric_dtype(settings) and not pd.api.types.is_bool_dtype(settings)
    if numbers and settings.nunique() == len(labels):
        return np.sort(settings.unique().astype(np.float64))
    return np.arange(len(labels), dtype=np.float64)


def _factor(measure: str) -> float:
    return 100.0 if measure_columns()[measure].unit in ("share", "points") else 1.0


def _unit(jobs: Jobs, measure: str) -> str:
    return measure_columns()[measure].unit.replace("currency", jobs.currency)


def _label(jobs: Jobs, measure: str, change: bool = False) -> str:
    unit = {"share": "%", "points": "pp", "index": ""}.get(
        measure_columns()[measure].unit, _unit(jobs, measure)
    )
    unit = "pp" if change and unit == "%" else unit
    return measure_columns()[measure].title + (f", {unit}" if unit else "")


def _title(jobs: Jobs, name: str) -> str:
    return jobs.plan.parameters[name].title or re.sub("[._]", " ", jobs.plan.short_name(name))


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width))
