"""The figure and the printed tables of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .compare_measures import MEASURES
from .figures.style import BLUE, GREEN, GREY, ORANGE, RED, SKY, WIDTH, plain
from .kpis.printing import shown

if TYPE_CHECKING:
    from rich.table import Table

    from .compare import Comparison


def compare_figure(comparison: Comparison) -> Figure:
    """Draw the measures of every setting in eight small panels that share their rows."""
    table, currency = comparison.table, comparison.currency
    n = len(table)
    figure = Figure(figsize=(WIDTH, 1.6 + 2 * max(0.9, 0.24 * n)), layout="constrained")
    axes = figure.subplots(2, 4, sharey=True)
    at = np.arange(n)

    def values(name: str) -> np.ndarray:
        return np.asarray(table[name].astype(float).to_numpy())

    def bars(ax: Axes, name: str, label: str, colour: str, factor: float = 1.0) -> None:
        ax.barh(at, np.nan_to_num(factor * values(name)), color=colour, height=0.7)
        ax.set_xlabel(label, fontsize="x-small")

    surplus, traded, price, saving = axes[0]
    both = (values("buyers_surplus"), values("sellers_surplus"))
    surplus.barh(at, both[0], color=BLUE, height=0.7, label="buyers")
    left = np.where(both[0] * both[1] > 0.0, both[0], 0.0)  # opposite signs start at zero each
    surplus.barh(at, both[1], left=left, color=SKY, height=0.7, label="sellers")
    surplus.plot(values("surplus"), at, "|", color="black", ms=9, mew=1.5, label="both")
    surplus.set_xlabel(f"surplus, {currency}", fontsize="x-small")
    bars(traded, "traded_kwh", "traded, kWh", GREEN)
    mean = values("mean_price_per_kwh")
    spread = values("least_price_per_kwh"), values("greatest_price_per_kwh")
    price.hlines(at, *spread, color=GREY, lw=3.0)
    price.plot(mean, at, "o", color="black", ms=4)
    price.set_xlabel(f"price: mean and range,\n{currency}/kWh", fontsize="x-small")
    bars(saving, "saving", f"saving of all, {currency}", BLUE)
    median, losers, net, volts = axes[1]
    bars(median, "median_saving", f"median saving, {currency}", BLUE)
    bars(losers, "losers_share", "losers, % (bar)\nGini of savings, % (dot)", RED, 100.0)
    losers.plot(100.0 * values("gini_of_savings"), at, "o", color="black", ms=4)
    bars(net, "utility_net_after_banked_change", f"utility's net,\nchange, {currency}", ORANGE)
    cured, over = values("schedules_cured"), values("schedules_over_limit")
    volts.barh(at, cured, color=GREEN, height=0.7)
    volts.barh(at, over, left=cured, color=RED, height=0.7, hatch="//", edgecolor="white", lw=0.0)
    volts.set_xlabel("frames over voltage limit:\ncured, accepted (hatched)", fontsize="x-small")
    if not cured.any() and not over.any():
        volts.set_xlim(0.0, 1.0)
    for ax in axes.flat:
        plain(ax, grid="x")
        ax.axvline(0.0, color="black", lw=0.6)
        ax.tick_params(axis="x", labelsize="x-small")
        ax.locator_params(axis="x", nbins=4)
    price.autoscale(axis="x")
    for row in axes:
        row[0].set_yticks(at, list(table.setting), fontsize="small")
    axes[0, 0].invert_yaxis()
    handles, labels = surplus.get_legend_handles_labels()
    figure.legend(
        handles,
        [f"surplus of {label}" for label in labels],
        loc="outside upper center",
        ncols=3,
        frameon=False,
        fontsize="x-small",
    )
    figure.suptitle(comparison.key, fontsize="medium", x=0.01, ha="left")
    return figure


def compare_tables(comparison: Comparison) -> list[Table]:
    """Return the printed tables: a row a setting, one table a subject, all narrow enough."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    tables = []
    for group in dict.fromkeys(measure.group for measure in MEASURES):
        measures = [measure for measure in MEASURES if measure.group == group]
        title = f"{comparison.key}: {group}"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        table.add_column(comparison.key.rpartition(".")[2], no_wrap=True)
        for measure in measures:
            unit = measure.unit.replace("currency", comparison.currency)
            unit = unit.replace("minutes", "min")
            unit = "" if unit in ("share", "index") else f"\n{unit}"
            table.add_column(f"{measure.title}{unit}", justify="right")
        for row in comparison.table.to_dict("records"):
            cells = [shown(row[measure.name], measure.unit) for measure in measures]
            table.add_row(str(row["setting"]), *cells)
        tables.append(table)
    return tables
