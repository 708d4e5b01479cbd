"""Figure of docs/which-market.md: every mechanism in three months."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from gridbazaar.analysis.figures.style import BLUE, GREEN, ORANGE, WIDTH, plain
from gridbazaar.market.registry import MECHANISMS

PANELS = {
    "share_of_optimum": ("surplus, % of greatest", 100.0),
    "median_saving": ("median saving, INR", 1.0),
    "losers_share": ("losers, %", 100.0),
    "gini_of_savings": ("Gini of savings", 1.0),
    "budget": ("budget, INR", 1.0),
    "utility_revenue_change": ("utility's revenue,\nchange, INR", 1.0),
    "sellers_share": ("sellers' part of\nboth sides' surplus, %", 100.0),
    "schedules_cured": ("schedules brought\nbelow the limit", 1.0),
}
LOOKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"))


def by_surplus(months: pd.DataFrame) -> list[str]:
    """Return mechanisms by their mean surplus, the greatest first; equal ones as registered."""
    mean = months.groupby("mechanism").surplus.mean().round()
    return sorted(mean.index, key=lambda name: (-mean[name], list(MECHANISMS).index(name)))


def draw(numbers: pd.DataFrame, seasons: list[str]) -> Figure:
    """Draw a dot a season in eight panels that share their rows, greatest surplus on top."""
    months = numbers[numbers.seed == 1].copy()
    both = months.buyers_surplus + months.sellers_surplus
    months["sellers_share"] = months.sellers_surplus / both.where(both.abs() > 1e-9)
    order = by_surplus(months)[::-1]
    figure = Figure(figsize=(1.25 * WIDTH, 7.4), layout="constrained")
    axes = figure.subplots(2, 4, sharey=True)
    for ax, (name, (label, factor)) in zip(axes.flat, PANELS.items(), strict=True):
        for season, (colour, marker) in zip(seasons, LOOKS, strict=True):
            part = months[months.season == season].set_index("mechanism").loc[order]
            values = factor * part[name].to_numpy(dtype=float)
            ax.plot(values, range(len(order)), marker, color=colour, ms=5, label=season)
        ax.set_xlabel(label, fontsize="small")
        plain(ax, grid="x")
        ax.tick_params(axis="x", labelsize="x-small")
        ax.locator_params(axis="x", nbins=4)
        ax.set_yticks(range(len(order)), order, fontsize="small")
        for row in range(len(order)):
            ax.axhline(row, color="0.92", lw=0.8, zorder=0)
        ax.margins(x=0.08)
    share = axes[0, 0]
    share.set_xlim(88.0, 100.0)  # where all that trade stand
    share.text(88.2, order.index("grid-only"), "0", color="0.3", va="center", fontsize="small")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    return figure
