"""Where the community's energy comes from and goes: by day, by frame, on the average day."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ...sim.results import Results
from ..wording import amount, percent
from .style import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    dates,
    day_of,
    first_days,
    frame_names,
    legend_above,
    panels,
)


def energy_by_day(results: Results) -> Figure:
    """Where the community's energy came from and went, day by day."""
    meters = results.community
    columns = ["load_kwh", "pv_kwh", "curtailed_kwh"]
    by_day = meters[columns].groupby(day_of(results, meters.start)).sum()
    power = results.network.substation_kw * results.interval_hours
    day = day_of(results, results.network.start)
    drawn = power.clip(lower=0.0).groupby(day).sum()
    fed = (-power.clip(upper=0.0)).groupby(day).sum()
    frames = results.frames
    traded = frames.traded_kwh.groupby(day_of(results, frames.start)).sum()
    when = first_days(results, by_day.index)
    figure, (top, bottom) = panels(2, 1.9)
    used = by_day.pv_kwh - by_day.curtailed_kwh
    top.bar(when, used, color=ORANGE, label="PV used or exported")
    top.bar(when, by_day.curtailed_kwh, bottom=used, color=RED, label="PV curtailed")
    top.plot(when, by_day.load_kwh, color="black", marker="o", ms=3, lw=1, label="load")
    bottom.bar(when, drawn, color=BLUE, label="drawn from the substation")
    bottom.bar(when, -fed, color=SKY, label="fed back")
    bottom.plot(when, traded, color="black", marker="s", ms=3, lw=1, label="traded")
    bottom.axhline(0.0, color="black", lw=0.6)
    for ax in (top, bottom):
        ax.set_ylabel("kWh a day", fontsize="small")
        ax.legend(
            loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, frameon=False, fontsize="small"
        )
    dates(bottom, least_days=5.0)
    return figure


def says_energy_by_day(results: Results) -> str:
    """Say how much PV met how much load."""
    meters = results.community
    load, pv = meters.load_kwh.sum(), meters.pv_kwh.sum()
    traded, curtailed = results.frames.traded_kwh.sum(), meters.curtailed_kwh.sum()
    return (
        f"PV could give {amount(pv)} kWh to a load of {amount(load)} kWh; {amount(traded)} kWh "
        f"were traded between members and {amount(curtailed)} kWh of PV curtailed."
    )


def energy_by_frame(results: Results) -> Figure:
    """What members needed and had over, day by day in each Time-of-Day frame, and where it went."""
    table, names = _by_frame(results), frame_names(results)
    figure, axes = panels(len(names), 1.4)
    for name, ax in zip(names, axes, strict=True):
        rows = table[table.name == name]
        ax.bar(rows.start, rows.traded, color=GREEN, label="bought from neighbours")
        ax.bar(rows.start, rows.drawn, bottom=rows.traded, color=BLUE, label="served by the grid")
        ax.bar(rows.start, -rows.traded, color=GREEN, alpha=0.45, label="sold to neighbours")
        ax.bar(rows.start, -rows.fed, bottom=-rows.traded, color=SKY, label="exported")
        low = -rows.traded - rows.fed
        ax.bar(rows.start, -rows.curtailed, bottom=low, color=RED, label="curtailed")
        ax.axhline(0.0, color="black", lw=0.6)
        ax.set_ylabel(f"{name}\nkWh a frame", fontsize="small")
    dates(axes[-1], least_days=5.0)
    legend_above(figure, axes[0], 5)
    return figure


def says_energy_by_frame(results: Results) -> str:
    """Say how much of what was needed, and of what was over, was traded in each frame."""
    parts = []
    sums = _by_frame(results).drop(columns=["start"]).groupby("name", sort=False).sum()
    for name, row in sums.iterrows():
        need, over = row.traded + row.drawn, row.traded + row.fed + row.curtailed
        bought, sold = "nothing needed", "nothing over"
        if need:
            bought = f"{percent(row.traded / need)} of {amount(need)} kWh needed"
        if over:
            sold = f"{percent(row.traded / over)} of {amount(over)} kWh over"
        parts.append(f"{name}: {bought} and {sold}")
    return (
        "What neighbours traded, of what members needed beyond their own and of what they had "
        "over: " + "; ".join(parts) + "."
    )


def _by_frame(results: Results) -> pd.DataFrame:
    """Return traded, drawn, fed and curtailed energy of each frame [kWh]."""
    positions, frames = results.positions, results.frames
    columns = ["sold_kwh", "grid_import_kwh", "grid_export_kwh"]
    sums = positions[columns].groupby(positions.frame_id.astype(str)).sum().reindex(frames.frame_id)
    return pd.DataFrame(
        {
            "name": frames.name,
            "start": frames.start.dt.normalize(),
            "traded": sums.sold_kwh.to_numpy(),
            "drawn": sums.grid_import_kwh.to_numpy(),
            "fed": sums.grid_export_kwh.to_numpy(),
            "curtailed": frames.curtailed_kwh,
        }
    )


def average_day(results: Results) -> Figure:
    """The community's average day: load, PV, batteries and net exchange, with and without."""
    hours = results.interval_hours
    day, without = _average(results.community, hours), _average(results.no_p2p, hours)
    figure, (ax,) = panels(1, 2.9)
    at = day.index + hours / 2
    ax.fill_between(at, day.net_export_kwh, color=SKY, alpha=0.45, lw=0, label="net export")
    ax.plot(
        at,
        without.net_export_kwh,
        color="0.25",
        lw=1.0,
        ls=":",
        label="net export without the market",
    )
    ax.plot(at, day.load_kwh, color="black", lw=1.6, label="load")
    ax.plot(at, day.pv_kwh, color=ORANGE, lw=1.6, ls="-.", label="PV available")
    ax.plot(at, day.battery_discharge_kwh, color=GREEN, lw=1.4, label="battery discharge")
    ax.plot(at, -day.battery_charge_kwh, color=PURPLE, lw=1.4, ls="--", label="battery charge")
    ax.axhline(0.0, color="black", lw=0.6)
    ax.set(xlim=(0, 24), xticks=range(0, 25, 3))
    ax.set_xlabel("hour of the day", fontsize="small")
    ax.set_ylabel("average power, kW", fontsize="small")
    legend_above(figure, ax, 3)
    return figure


def says_average_day(results: Results) -> str:
    """Say when the community draws most and least, and what its batteries did."""
    meters = results.community
    net = -meters.net_export_kwh.groupby(meters.start.dt.hour).sum()
    most, least = (int(net.index[int(i)]) for i in (net.argmax(), net.argmin()))
    draws = "draws most" if net.max() > 0.0 else "feeds in least"
    feeds = "draws least" if net.min() >= 0.0 else "feeds in most"
    charged, without = meters.battery_charge_kwh.sum(), results.no_p2p.battery_charge_kwh.sum()
    words = (
        f"its batteries took in {charged:,.0f} kWh and gave back "
        f"{meters.battery_discharge_kwh.sum():,.0f} (without the market they took in "
        f"{without:,.0f})"
        if charged or without
        else "it has no batteries at work"
    )
    return (
        f"On average the community {draws} between {most}:00 and {most + 1}:00 and {feeds} "
        f"between {least}:00 and {least + 1}:00; {words}."
    )


def _average(meters: pd.DataFrame, hours: float) -> pd.DataFrame:
    """Return the average power by time of day [kW]."""
    hour = meters.start.dt.hour + meters.start.dt.minute / 60.0
    columns = ["load_kwh", "pv_kwh", "battery_charge_kwh", "battery_discharge_kwh"]
    columns.append("net_export_kwh")
    n_days = max(1, round(len(meters) * hours / 24.0))
    return meters[columns].groupby(hour).sum() / n_days / hours + np.float64(0.0)
