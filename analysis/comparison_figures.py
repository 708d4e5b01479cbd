"""Figures that lay several runs over each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..sim.results import Results
from .figures.style import BLUE, GREEN, ORANGE, PURPLE, RED, SKY, frame_names, legend_above, panels
from .kpis.members import gain_or_loss
from .traded_prices import has_prices, traded_prices

Runs = Sequence[tuple[str, Results]]
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY, "black", "#7F7F7F")
STYLES = ("-", "--", "-.", ":")


def _look(k: int) -> dict[str, Any]:
    """Tell run k apart by colour and by line, so that grey prints can be read too."""
    return {"color": COLOURS[k % len(COLOURS)], "ls": STYLES[k % len(STYLES)], "lw": 1.5}


def savings_of_runs(runs: Runs) -> Figure:
    """Savings of members a day, sorted within each run."""
    figure, (ax,) = panels(1, 2.8)
    for k, (label, results) in enumerate(runs):
        saving = np.sort(_daily_saving(results))
        share = 100.0 * (np.arange(saving.size) + 0.5) / saving.size
        ax.plot(share, saving, label=label, **_look(k))
    ax.axhline(0.0, color="black", lw=0.6)
    ax.set_xlim(0.0, 100.0)
    ax.set_xlabel("members, from least to greatest saving, %", fontsize="small")
    ax.set_ylabel(f"saving, {_money(runs)} a day", fontsize="small")
    legend_above(figure, ax, min(3, len(runs)))
    return figure


def says_savings_of_runs(runs: Runs) -> str:
    """Say how many lost in each run, and the median."""
    parts = []
    for label, results in runs:
        saving, manifest = _daily_saving(results), results.manifest
        whole = saving * results.scenario["days"]
        turn = gain_or_loss(whole, 1.0 / manifest["minor_per_major"])
        parts.append(
            f"{label}: median {np.median(saving):.2f} {manifest['currency']} a day, "
            f"{int((turn < 0).sum())} of {saving.size} lost, {int((turn == 0).sum())} unaffected"
        )
    return ("; ".join(parts) + ".").replace(" -", " −")


def exchange_of_runs(runs: Runs) -> Figure:
    """The average day of the exchange with the grid."""
    figure, (ax,) = panels(1, 2.6)
    for k, (label, results) in enumerate(runs):
        net = _average_exchange(results)
        ax.plot(net.index + results.interval_hours / 2.0, -net, label=label, **_look(k))
    ax.axhline(0.0, color="black", lw=0.6)
    ax.set(xlim=(0, 24), xticks=range(0, 25, 3))
    ax.set_xlabel("hour of the day", fontsize="small")
    ax.set_ylabel("average power from\nthe grid, kW", fontsize="small")
    legend_above(figure, ax, min(3, len(runs)))
    return figure


def says_exchange_of_runs(runs: Runs) -> str:
    """Say how high the average day's peak is in each run."""
    parts = []
    for label, results in runs:
        drawn = -_average_exchange(results)
        hour = float(drawn.index[int(drawn.argmax())])
        parts.append(
            f"{label}: peak {drawn.max():,.1f} kW at {int(hour)}:{round(hour % 1 * 60):02d}, "
            + (
                f"least {drawn.min():,.1f} kW"
                if drawn.min() >= 0.0
                else f"feeding in up to {-drawn.min():,.1f} kW"
            )
        )
    return ("On the average day, " + "; ".join(parts) + ".").replace(" -", " −")


def trade_of_runs(runs: Runs) -> Figure:
    """Energy traded a day and the mean price, by Time-of-Day frame."""
    names = list(dict.fromkeys(name for _, results in runs for name in frame_names(results)))
    figure, (top, bottom) = panels(2, 1.9)
    width = 0.8 / len(runs)
    for k, (label, results) in enumerate(runs):
        at = np.arange(len(names)) + (k - (len(runs) - 1) / 2) * width
        traded, price = _by_frame(results, names)
        colour = COLOURS[k % len(COLOURS)]
        top.bar(at, traded, width=0.92 * width, color=colour, label=label)
        bottom.bar(at, price, width=0.92 * width, color=colour)
    top.set_ylabel("traded, kWh a day", fontsize="small")
    bottom.set_ylabel(f"mean price,\n{_money(runs)}/kWh", fontsize="small")
    bottom.set_xticks(np.arange(len(names)), names)
    legend_above(figure, top, min(3, len(runs)))
    return figure


def says_trade_of_runs(runs: Runs) -> str:
    """Say how much each run traded, and at which price."""
    parts = []
    for label, results in runs:
        trades, days = results.trades, results.scenario["days"]
        energy = trades.energy_kwh.sum()
        words = ""
        if energy and has_prices(results):
            value = (results.frames.traded_kwh * traded_prices(results)).sum()
            words = f" at {value / energy:.2f} {results.manifest['currency']}/kWh"
        parts.append(f"{label}: {energy / days:,.1f} kWh a day{words}")
    return "; ".join(parts) + "."


def _daily_saving(results: Results) -> np.ndarray:
    saving = results.bills.groupby("prosumer").saving.sum() / results.scenario["days"]
    return np.asarray(saving.to_numpy())


def _average_exchange(results: Results) -> pd.Series:
    meters, hours = results.community, results.interval_hours
    hour = meters.start.dt.hour + meters.start.dt.minute / 60.0
    return meters.net_export_kwh.groupby(hour).mean() / hours


def _by_frame(results: Results, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    frames, price = results.frames, traded_prices(results).to_numpy()
    value = frames.traded_kwh * price if has_prices(results) else np.nan * frames.traded_kwh
    energy = frames.traded_kwh.groupby(frames.name).sum().reindex(names, fill_value=0.0)
    worth = value.groupby(frames.name).sum().reindex(names, fill_value=0.0)
    mean = worth / energy.where(energy > 0.0)  # no bar without trade or price
    return np.asarray(energy / results.scenario["days"]), np.asarray(mean)


def _money(runs: Runs) -> str:
    names = dict.fromkeys(results.manifest["currency"] for _, results in runs)
    return " or ".join(names)


@dataclass(frozen=True)
class ComparisonFigure:
    """A figure of several runs, and the sentence that goes with it."""

    title: str
    draw: Callable[[Runs], Figure]
    says: Callable[[Runs], str]


COMPARISON_FIGURES: dict[str, ComparisonFigure] = {
    "savings_of_runs": ComparisonFigure(
        "What members gained", savings_of_runs, says_savings_of_runs
    ),
    "trade_of_runs": ComparisonFigure("Trade", trade_of_runs, says_trade_of_runs),
    "exchange_of_runs": ComparisonFigure(
        "Exchange with the grid on the average day", exchange_of_runs, says_exchange_of_runs
    ),
}
