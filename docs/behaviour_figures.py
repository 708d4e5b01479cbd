"""Make docs/behaviour.md's figure and tables again: python docs/behaviour_figures.py (15 minutes).

With the name of a part, `days`, `homes`, `errors` or `choices`, that one alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from doc_tables import DOCS, markdown_table, replace_table
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, HourLocator
from matplotlib.figure import Figure

from gridbazaar import run
from gridbazaar.agents.forecast import ForecastRequest, ForecastSetup
from gridbazaar.agents.registry import FORECASTS
from gridbazaar.analysis.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY
from gridbazaar.analysis.kpis.table import kpi_table
from gridbazaar.scenarios.loads import nsw_homes_2013
from gridbazaar.sim.results import Results

PAGE = "behaviour.md"
FIGURE = "a_day_in_the_village.png"
SCENARIO = "kerala-village"
HONEST = ("persistence", "weekly", "average", "ar")
BASE = ["market.engine=exact"]
CHOICES = {
    "**all defaults** (persistence, greedy, truthful)": [],
    "forecast `weekly`": ["forecast.name=weekly"],
    "forecast `average`": ["forecast.name=average"],
    "forecast `ar`": ["forecast.name=ar"],
    "forecast `noisy`, 20 %": ["forecast.name=noisy"],
    "forecast `perfect`": ["forecast.name=perfect"],
    "batteries follow their plan only": ["battery.absorb_deviation=false"],
    "no batteries": ["members.generate.battery_share=0"],
    "half of all homes with a battery": ["members.generate.battery_share=0.5"],
    "the same, `time-of-use`": [
        "members.generate.battery_share=0.5",
        "battery.strategy=time-of-use",
    ],
    "the same, `optimal`": ["members.generate.battery_share=0.5", "battery.strategy=optimal"],
    "battery `time-of-use`": ["battery.strategy=time-of-use"],
    "battery `optimal`": ["battery.strategy=optimal"],
    "battery `optimal`, forecast `average`": ["battery.strategy=optimal", "forecast.name=average"],
    "battery `optimal`, forecast `perfect`": ["battery.strategy=optimal", "forecast.name=perfect"],
    "bidding `fixed-margin`, 0.5": ["bidding.strategy=fixed-margin"],
    "bidding `zero-intelligence`": ["bidding.strategy=zero-intelligence"],
    "bidding `zero-intelligence-plus`": ["bidding.strategy=zero-intelligence-plus"],
    "bidding `adaptive`": ["bidding.strategy=adaptive"],
    "a fifth of the load flexible, by tariff": ["flexible_load.share=0.2"],
    "the same, by price": ["flexible_load.share=0.2", "flexible_load.by=price"],
}


def home_errors(name: str) -> list[str]:
    """Errors of a method on the 33 measured homes in November, earlier days as its history."""
    series = nsw_homes_2013()
    kwh = series.kwh.reshape(len(series.names), -1)
    first = int((np.datetime64("2013-11-01") - series.first).astype(int))
    monday = int(series.first.astype("datetime64[D]").astype(int)) + 3
    method = FORECASTS[name](ForecastSetup())
    errors, actual = [], []
    for day in range(first, first + 30):
        for slot, length in ((12, 24), (36, 8), (44, 16)):
            begin = day * 48 + slot
            minute = (monday + day) % 7 * 1440 + slot * 30 - 60
            past = kwh[:, begin - 2 - 28 * 48 : begin - 2]
            expected = method.predict(ForecastRequest(past, 2 + length, 48, minute))[:, 2:]
            actual.append(kwh[:, begin : begin + length])
            errors.append(expected - actual[-1])
    error, shown = np.concatenate(errors, axis=1), np.concatenate(actual, axis=1)
    home = np.median(np.abs(error).mean(axis=1) / shown.mean(axis=1))
    together = np.abs(error.sum(axis=0)).mean() / shown.sum(axis=0).mean()
    in_frames = np.mean([abs(part.sum()) for part in errors])
    frames = in_frames / np.mean([part.sum() for part in actual])
    bias = error.mean() / shown.mean()
    return [f"`{name}`", f"{home:.2f}", f"{together:.2f}", f"{frames:.3f}", f"{100 * bias:+.1f} %"]


def homes_table() -> str:
    """Forecast errors on measured homes."""
    header = ["method", "median home", "33 homes together", "their frame energy", "bias"]
    return markdown_table(header, (home_errors(name) for name in HONEST))


def errors_table() -> str:
    """Errors of the village's month, load and PV and what orders are made of."""
    header = ["forecast", "load, interval", "load, frame", "PV, interval", "PV, frame"]
    header += ["PV, bias", "net, frame"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in HONEST:
            results = run(SCENARIO, [*BASE, f"forecast.name={name}"], out=Path(folder) / name)
            table = pd.read_csv(results.path / "forecast_errors.csv")
            table = table[table.prosumer == "community"].set_index("quantity")
            rows.append(
                [
                    f"`{name}`",
                    f"{table.mae_over_mean['load']:.2f}",
                    f"{table.frame_mae_over_mean['load']:.2f}",
                    f"{table.mae_over_mean['pv']:.2f}",
                    f"{table.frame_mae_over_mean['pv']:.2f}",
                    f"{100 * table.bias_over_mean['pv']:+.0f} %",
                    f"{table.frame_mae_over_mean['net']:.2f}",
                ]
            )
    return markdown_table(header, rows)


def choices_table() -> str:
    """The village's month under other forecasts, batteries, strategies and flexible loads."""
    header = ["setting", "traded, kWh", "price, INR/kWh", "off schedule, kWh"]
    header += ["cost of broken contracts, INR", "curtailed, kWh", "highest metered voltage, p.u."]
    header += ["bills of all members, INR", "saving by the market, INR"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, changes in CHOICES.items():
            results = run(SCENARIO, [*BASE, *changes], out=Path(folder) / str(len(rows)))
            kpi = kpi_table(results).set_index("kpi").market
            rows.append(
                [
                    name,
                    f"{kpi['traded_kwh']:,.0f}",
                    f"{kpi['mean_price_per_kwh']:.2f}",
                    f"{kpi['deviation_kwh']:,.0f}",
                    f"{kpi['deviation_cost']:,.0f}",
                    f"{results.frames.curtailed_kwh.sum():,.0f}",
                    f"{results.network.v_max_pu.max():.4f}",
                    f"{results.bills.total.sum():,.0f}",
                    f"{results.bills.saving.sum():,.0f}",
                ]
            )
    return markdown_table(header, rows)


def days_table() -> str:
    """Draw the sunniest and the cloudiest day; return what they were in numbers."""
    with tempfile.TemporaryDirectory() as folder:
        results = run(SCENARIO, BASE, out=Path(folder) / "month")
        community = results.community
        since = (community.start - community.start.iloc[0]).dt.days
        by_day = community.pv_kwh.groupby(since).sum()
        chosen = {"sunny": int(by_day.idxmax()), "cloudy": int(by_day.idxmin())}
        draw_days(results, chosen).savefig(DOCS / "images" / FIGURE, dpi=110)
        return markdown_table(
            ["", *(f"{k}, {_date(results, d):%-d %B}" for k, d in chosen.items())],
            _facts(results, list(chosen.values())),
        )


def _date(results: Results, day: int) -> pd.Timestamp:
    return results.frames.start.iloc[0] + pd.Timedelta(days=day)


def _of_day(results: Results, table: pd.DataFrame, day: int) -> pd.DataFrame:
    begin = _date(results, day)
    return table[(table.start >= begin) & (table.start < begin + pd.Timedelta(days=1))]


def _facts(results: Results, days: list[int]) -> list[list[str]]:
    meters = [_of_day(results, results.community, day) for day in days]
    frames = [_of_day(results, results.frames, day) for day in days]
    network = [_of_day(results, results.network, day) for day in days]
    positions = results.positions
    off = []
    for part in frames:
        here = positions[positions.frame_id.isin(part.frame_id)]
        off.append(here.deviation_kwh.abs().sum())
    return [
        ["load, kWh", *(f"{m.load_kwh.sum():,.0f}" for m in meters)],
        ["PV available, kWh", *(f"{m.pv_kwh.sum():,.0f}" for m in meters)],
        ["PV curtailed, kWh", *(f"{m.curtailed_kwh.sum():,.0f}" for m in meters)],
        ["given by batteries, kWh", *(f"{m.battery_discharge_kwh.sum():,.0f}" for m in meters)],
        ["traded between members, kWh", *(f"{f.traded_kwh.sum():,.0f}" for f in frames)],
        *(
            [
                f"price of the {name} frame, INR/kWh",
                *(_price(f.set_index("name").mcp_per_kwh[name]) for f in frames),
            ]
            for name in frames[0].name
        ),
        ["energy off schedule, kWh", *(f"{kwh:,.0f}" for kwh in off)],
        ["least voltage, p.u.", *(f"{n.v_min_pu.min():.3f}" for n in network)],
        ["greatest voltage, p.u.", *(f"{n.v_max_pu.max():.3f}" for n in network)],
    ]


def _price(value: float) -> str:
    return "no trade" if np.isnan(value) else f"{value:.2f}"


def draw_days(results: Results, chosen: dict[str, int]) -> Figure:
    """Draw load and PV, batteries, schedule against meter, deviations and voltages of days."""
    figure = Figure(figsize=(11.0, 12.0), layout="constrained")
    axes = figure.subplots(5, len(chosen), sharex="col", sharey="row")
    planned = results.plans.groupby("start", observed=True)[["net_kwh"]].sum().reset_index()
    hours = (results.community.start.iloc[1] - results.community.start.iloc[0]).seconds / 3600
    members = results.members.battery_kwh.sum()
    for column, (kind, day) in enumerate(chosen.items()):
        meters = _of_day(results, results.community, day)
        net = _of_day(results, results.network, day)
        plan = _of_day(results, planned, day).net_kwh.to_numpy() / hours
        at, power = meters.start, {k: meters[k].to_numpy() / hours for k in meters if k != "start"}
        top, store, trade, off, volts = axes[:, column]
        top.set_title(f"{kind}: {_date(results, day):%A, %-d %B %Y}")
        top.plot(at, power["load_kwh"], color=BLUE, label="load")
        top.plot(at, power["pv_kwh"], color=ORANGE, label="PV available")
        used = power["pv_kwh"] - power["curtailed_kwh"]
        top.fill_between(at, used, power["pv_kwh"], color=RED, alpha=0.5, lw=0, label="curtailed")
        store.fill_between(
            at, power["battery_discharge_kwh"], color=GREEN, lw=0, step="post", label="discharge"
        )
        store.fill_between(
            at, -power["battery_charge_kwh"], color=SKY, lw=0, step="post", label="charge"
        )
        share = store.twinx()
        share.plot(at, 100 * meters.stored_kwh / members, color=GREY, lw=1.2)
        share.set(ylim=(0, 100))
        if column == len(chosen) - 1:
            share.set_ylabel("state of charge, % (grey)", color=GREY)
        else:
            share.set_yticks([])
        trade.plot(at, plan, color=PURPLE, ls="--", label="planned at the gates")
        trade.plot(at, power["net_export_kwh"], color="black", lw=1.2, label="metered")
        gap = power["net_export_kwh"] - plan
        off.fill_between(at, gap, color=RED, alpha=0.6, lw=0, label="meter less plan")
        for ax in (store, trade, off):
            ax.axhline(0.0, color="0.6", lw=0.7)
        volts.fill_between(net.start, net.v_min_pu, net.v_max_pu, color=SKY, lw=0, alpha=0.8)
        volts.axhline(1.05, color=RED, ls="--", lw=1.0)
        volts.text(net.start.iloc[2], 1.0505, "limit 1.05", color=RED, fontsize=8, va="bottom")
        volts.xaxis.set_major_locator(HourLocator(byhour=[6, 10, 14, 18, 22, 2]))
        volts.xaxis.set_major_formatter(DateFormatter("%H:%M"))
        for ax in (top, store, trade, off, volts):
            _frame_edges(ax, _of_day(results, results.frames, day))
            ax.set_xlim(_date(results, day), _date(results, day + 1))
    for ax, label in zip(
        axes[:, 0],
        (
            "kW, all homes",
            "batteries, kW",
            "net export, kW",
            "deviation, kW",
            "voltage, p.u.\n(least to greatest bus)",
        ),
        strict=True,
    ):
        ax.set_ylabel(label)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=False, fontsize=8, loc="best")
    axes[-1, 0].set_ylim(1.015, 1.056)
    return figure


def _frame_edges(ax: Axes, frames: pd.DataFrame) -> None:
    for start in frames.start[1:]:
        ax.axvline(start, color="0.8", lw=0.8, zorder=0)


PARTS = {
    "days": days_table,
    "homes": homes_table,
    "errors": errors_table,
    "choices": choices_table,
}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        replace_table(PAGE, part, PARTS[part]())
