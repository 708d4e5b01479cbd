"""How figures look: Okabe and Ito's colours, which colour-blind readers can tell apart; one width.

Figures are 7 inches wide, the text width of an A4 page, so that their type prints at its own size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

if TYPE_CHECKING:
    from ...sim.results import Results

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#7F7F7F"
FRAME_COLOURS = (ORANGE, RED, BLUE, GREEN, PURPLE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
WIDTH = 7.0


def panels(
    n: int, height: float, share_y: bool = False, share_x: bool = True
) -> tuple[Figure, list[Axes]]:
    """Return a figure of n panels over each other, each `height` inches high."""
    figure = Figure(figsize=(WIDTH, height * n + 0.4), layout="constrained")
    axes = figure.subplots(n, 1, sharex=share_x, sharey=share_y, squeeze=False)[:, 0]
    for ax in axes:
        plain(ax)
    return figure, list(axes)


def empty_figure(words: str) -> Figure:
    """Return a low figure that says why there is nothing to draw."""
    figure = Figure(figsize=(WIDTH, 1.0))
    figure.text(0.5, 0.5, words, ha="center", va="center")
    return figure


def plain(ax: Axes, grid: Literal["both", "x", "y"] = "y") -> None:
    """Take the box from a panel and give it a faint grid."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis=grid, color="0.9", lw=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize="small")


def legend_above(figure: Figure, ax: Axes, columns: int, more: Sequence[Artist] = ()) -> None:
    """Put one legend for all panels above them, so that no panel loses width to it.

    It names what the given panel shows, and what more the others do.
    """
    handles, labels = ax.get_legend_handles_labels()
    handles, labels = [*handles, *more], [*labels, *(str(one.get_label()) for one in more)]
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=columns,
        frameon=False,
        fontsize="small",
        columnspacing=1.4,
        handlelength=1.6,
    )


def dates(ax: Axes, least_days: float = 0.0) -> None:
    """Write dates below a panel, as briefly as the length of the run allows.

    A panel of bars spans at least some days, so that one bar does not fill it.
    """
    ax.margins(x=0.01)
    low, high = ax.get_xlim()  # ticks stand within what is drawn
    if high - low < least_days:
        room = 0.5 * (least_days - (high - low))
        ax.set_xlim(low - room, high + room)
    first, last = (num2date(x) for x in ax.get_xlim())
    days = (last - first).days
    if 3 < days <= 120:
        step = -(-days // 8)
        ax.set_xticks(np.arange(np.ceil(low), high, step))
    else:
        ax.xaxis.set_major_locator(AutoDateLocator(maxticks=7))

    def text(x: float, _: int | None = None) -> str:
        at = num2date(x)
        if days > 400:
            return f"{at:%b %Y}"
        return f"{at.day} {at:%b}" if days > 3 else f"{at.day} {at:%b}\n{at:%H:%M}"

    ax.xaxis.set_major_formatter(FuncFormatter(text))
    if days <= 400:
        ax.set_xlabel(f"{first:%Y}" if first.year == last.year else f"{first:%Y}/{last:%y}",
                      fontsize="small")  # fmt: skip


def day_of(results: Results, start: pd.Series) -> pd.Series:
    """Return the market day of each time, from 0."""
    return (start - results.frames.start.iloc[0]).dt.days


def first_days(results: Results, days: pd.Index) -> pd.DatetimeIndex:
    """Return the dates of market days."""
    return results.frames.start.iloc[0].normalize() + pd.to_timedelta(np.asarray(days), unit="D")


def frame_names(results: Results) -> list[str]:
    """Return the names of the Time-of-Day frames, in the order of the day."""
    return list(results.frames.name.drop_duplicates())
