"""The figures of a run. Colours are Okabe and Ito's, which colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure

from ..sim.results import Results
from .traded_prices import traded_prices

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#7F7F7F"
_FRAME_COLOURS = (ORANGE, RED, BLUE, GREEN, PURPLE, SKY)
_MARKERS = ("o", "s", "^", "D", "v", "P")


def prices(results: Results) -> Figure:
    """Price of every frame between feed-in and retail; the pairs' mean where it is not single."""
    frames, currency = results.frames, results.manifest["currency"]
    price = traded_prices(results)
    single = frames.mcp_per_kwh.notna().sum() == price.notna().sum()
    names = list(frames.name.drop_duplicates())
    figure, axes = _panels(len(names), 2.0, share_y=True)
    for k, (name, ax) in enumerate(zip(names, axes, strict=True)):
        rows = frames[frames.name == name]
        ax.fill_between(
            rows.start, rows.feed_in_per_kwh, rows.retail_per_kwh, color="0.92", linewidth=0
        )
        ax.plot(rows.start, rows.retail_per_kwh, color="0.35", lw=1.0, ls="--", label="retail")
        ax.plot(rows.start, rows.feed_in_per_kwh, color="0.35", lw=1.0, ls=":", label="feed-in")
        ax.plot(
            rows.start,
            price[rows.index],
            color=_FRAME_COLOURS[k % 6],
            marker=_MARKERS[k % 6],
            ms=4,
            lw=1.2,
            label="market clearing price" if single else "mean price of trades",
        )
        ax.set_ylabel(f"{name}\n{currency}/kWh")
    _dates(axes[-1])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    return figure


def energy_by_day(results: Results) -> Figure:
    """Where the community's energy came from and went, day by day."""
    meters = results.community
    day = (meters.start - meters.start.iloc[0]).dt.days
    by_day = meters[["load_kwh", "pv_kwh", "curtailed_kwh"]].groupby(day).sum()
    hours = _hours(results)
    power = results.network.substation_kw * hours
    net_day = (results.network.start - results.network.start.iloc[0]).dt.days
    drawn = power.clip(lower=0.0).groupby(net_day).sum()
    fed = (-power.clip(upper=0.0)).groupby(net_day).sum()
    frames = results.frames
    traded = frames.traded_kwh.groupby((frames.start - frames.start.iloc[0]).dt.days).sum()
    dates = meters.start.iloc[0].normalize() + pd.to_timedelta(by_day.index, unit="D")
    figure, (top, bottom) = _panels(2, 2.4)
    top.bar(dates, by_day.pv_kwh - by_day.curtailed_kwh, color=ORANGE, label="PV used or exported")
    top.bar(
        dates,
        by_day.curtailed_kwh,
        bottom=by_day.pv_kwh - by_day.curtailed_kwh,
        color=RED,
        label="PV curtailed",
    )
    top.plot(dates, by_day.load_kwh, color="black", marker="o", ms=3, lw=1, label="load")
    bottom.bar(dates, drawn, color=BLUE, label="drawn from the substation")
    bottom.bar(dates, -fed, color=SKY, label="fed back")
    bottom.plot(
        dates, traded, color="black", marker="s", ms=3, lw=1, label="traded between members"
    )
    bottom.axhline(0.0, color="black", lw=0.6)
    for ax in (top, bottom):
        ax.set_ylabel("kWh a day")
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    _dates(bottom)
    return figure


def average_day(results: Results) -> Figure:
    """The community's average day: load, PV, batteries and net exchange."""
    meters, hours = results.community, _hours(results)
    hour = meters.start.dt.hour + meters.start.dt.minute / 60.0
    n_days = int((meters.start.iloc[-1] - meters.start.iloc[0]) / pd.Timedelta(days=1)) + 1
    columns = [
        "load_kwh",
        "pv_kwh",
        "battery_charge_kwh",
        "battery_discharge_kwh",
        "net_export_kwh",
    ]
    day = meters[columns].groupby(hour).sum() / n_days / hours
    figure, (ax,) = _panels(1, 3.2)
    at = day.index + hours / 2
    ax.plot(at, day.load_kwh, color="black", lw=1.6, label="load")
    ax.plot(at, day.pv_kwh, color=ORANGE, lw=1.6, label="PV available")
    ax.plot(at, day.battery_discharge_kwh, color=GREEN, lw=1.4, label="battery discharge")
    ax.plot(at, -day.battery_charge_kwh, color=PURPLE, lw=1.4, ls="--", label="battery charge")
    ax.fill_between(at, day.net_export_kwh, color=SKY, alpha=0.45, lw=0, label="net export")
    ax.axhline(0.0, color="black", lw=0.6)
    ax.set(xlim=(0, 24), xticks=range(0, 25, 3), xlabel="hour of the day", ylabel="kW")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure


def voltages(results: Results) -> Figure:
    """Least and greatest bus voltage of every interval against the limits."""
    network, feeder = results.network, results.scenario["feeder"]
    figure, (ax,) = _panels(1, 2.6)
    ax.fill_between(network.start, network.v_min_pu, network.v_max_pu, color=SKY, lw=0)
    for limit in (feeder["v_min_pu"], feeder["v_max_pu"]):
        ax.axhline(limit, color=RED, lw=1.2, ls="--")
    ax.set_ylabel("voltage, p.u.")
    ax.set_title(
        "all buses lie within the band; dashed: limits", loc="left", fontsize="medium", color="0.3"
    )
    _dates(ax)
    return figure


def savings(results: Results) -> Figure:
    """What the market was worth to each member, sorted, losers in their own colour."""
    saving = np.sort(results.bills.groupby("prosumer").saving.sum().to_numpy())
    currency = results.manifest["currency"]
    figure, (ax,) = _panels(1, 2.8)
    rank = np.arange(1, len(saving) + 1)
    for keep, colour, label in (
        (saving >= 0.0, BLUE, "better off"),
        (saving < 0.0, RED, "worse off"),
    ):
        ax.bar(
            rank[keep],
            saving[keep],
            color=colour,
            width=1.0 if len(saving) > 200 else 0.8,
            label=f"{label}: {keep.sum()}",
        )
    ax.axhline(0.0, color="black", lw=0.6)
    ax.set(
        xlabel="members, from least to greatest saving",
        ylabel=f"saving, {currency}",
        xlim=(0.0, len(saving) + 1.0),
    )
    ax.legend(frameon=False, loc="upper left")
    return figure


FIGURES: dict[str, Callable[[Results], Figure]] = {
    "prices": prices,
    "energy_by_day": energy_by_day,
    "average_day": average_day,
    "voltages": voltages,
    "savings": savings,
}


def _panels(n: int, height: float, share_y: bool = False) -> tuple[Figure, list[Axes]]:
    """Return a figure of n panels over each other, 8 inches wide."""
    figure = Figure(figsize=(8.0, height * n + 0.5), layout="constrained")
    axes = figure.subplots(n, 1, sharex=True, sharey=share_y, squeeze=False)[:, 0]
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="y", color="0.9", lw=0.6)
        ax.set_axisbelow(True)
    return figure, list(axes)


def _dates(ax: Axes) -> None:
    locator = ax.xaxis.get_major_locator()
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    ax.margins(x=0.01)


def _hours(results: Results) -> float:
    starts = results.network.start
    return float((starts.iloc[1] - starts.iloc[0]) / pd.Timedelta(hours=1))
