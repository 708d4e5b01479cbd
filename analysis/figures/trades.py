"""Who trades with whom, as a matrix of sellers and buyers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from ...sim.results import Results
from ..wording import amount, counted, percent
from .style import WIDTH, empty_figure, plain

MOST_SELLERS, MOST_BUYERS = 48, 48  # names that stay readable on a printed page
OTHERS = "all others"


def trade_matrix(results: Results) -> Figure:
    """Energy of each seller-buyer pair over the run, the largest traders first.

    More members than a page can carry are taken together by the bus they hang on; on feeders with
    too many buses the rest is one row and one column of `all others`.
    """
    table = pair_energy(results)
    if table.empty:
        return empty_figure("nobody traded")
    prefix = _common_prefix([n for n in (*table.index, *table.columns) if n != OTHERS])
    energy = np.where(table.to_numpy() > 0.0, table.to_numpy(), np.nan)
    n_rows, n_columns = energy.shape
    height = float(np.clip(1.5 + 0.135 * n_rows, 2.6, 7.0))
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    ax = figure.subplots()
    named = energy[: n_rows - (OTHERS in table.index), : n_columns - (OTHERS in table.columns)]
    high, low = float(np.nanmax(named)), float(np.nanmin(named))
    low = max(low, high / 1000.0)
    image = ax.pcolormesh(
        np.arange(n_columns + 1),
        np.arange(n_rows + 1),
        energy,
        cmap=colormaps["cividis_r"],
        norm=LogNorm(low, high if high > low else 10.0 * low),
        edgecolors="white",
        linewidth=0.3,
    )
    size = 6.4 if max(n_rows, n_columns) > 30 else 7.5
    for axis, names, rotation in (
        (ax.xaxis, table.columns, 90 if prefix or len(table.columns) > 12 else 0),
        (ax.yaxis, table.index, 0),
    ):
        labels = [name.removeprefix(prefix) if name != OTHERS else OTHERS for name in names]
        axis.set_ticks(np.arange(len(names)) + 0.5, labels, rotation=rotation, fontsize=size)
        axis.set_tick_params(length=0)
    ax.invert_yaxis()
    plain(ax, grid="x")
    ax.grid(False)
    ax.tick_params(labelsize=size)
    what = " (buses)" if table.index.name == "bus" else f" (of {prefix}...)" if prefix else ""
    ax.set_xlabel(f"buyers{what}, the largest to the left", fontsize="small")
    ax.set_ylabel(f"sellers{what}, the largest on top", fontsize="small")
    bar = figure.colorbar(image, ax=ax, aspect=30, pad=0.01)
    bar.ax.set_title("kWh", fontsize="small")
    bar.ax.tick_params(labelsize="small")
    return figure


def pair_energy(results: Results) -> pd.DataFrame:
    """Return energy by seller (rows) and buyer (columns), or by bus, largest first [kWh]."""
    trades = results.trades
    names = pd.DataFrame(
        {
            "seller": trades.seller.astype(str),
            "buyer": trades.buyer.astype(str),
            "energy_kwh": trades.energy_kwh,
        }
    )
    by_bus = names.seller.nunique() > MOST_SELLERS or names.buyer.nunique() > MOST_BUYERS
    if by_bus:
        bus_of = results.members.set_index("prosumer").bus.astype(str)
        names["seller"], names["buyer"] = names.seller.map(bus_of), names.buyer.map(bus_of)
    for side, most in (("seller", MOST_SELLERS), ("buyer", MOST_BUYERS)):
        whole = names.groupby(side).energy_kwh.sum().sort_values(ascending=False, kind="stable")
        kept = set(whole.index[:most])
        if len(whole) > most:
            names[side] = names[side].where(names[side].isin(kept), OTHERS)
    table = names.pivot_table(
        "energy_kwh", "seller", "buyer", aggfunc="sum", fill_value=0.0, observed=True
    )
    rows = table.sum(axis=1).sort_values(ascending=False, kind="stable").index
    columns = table.sum(axis=0).sort_values(ascending=False, kind="stable").index
    last = [OTHERS]
    table.index.name = "bus" if by_bus else "seller"
    return table.loc[
        [*(n for n in rows if n != OTHERS), *(n for n in last if n in rows)],
        [*(n for n in columns if n != OTHERS), *(n for n in last if n in columns)],
    ]


def says_trade_matrix(results: Results) -> str:
    """Say how many pairs traded and how much the largest traders account for."""
    trades = results.trades
    if trades.empty:
        return "Nobody traded."
    energy = trades.energy_kwh
    whole = energy.sum()
    sellers = energy.groupby(trades.seller.astype(str)).sum().sort_values(ascending=False)
    buyers = energy.groupby(trades.buyer.astype(str)).sum().sort_values(ascending=False)
    pairs = energy.groupby([trades.seller.astype(str), trades.buyer.astype(str)]).sum()
    top = max(1, round(0.2 * len(sellers)))
    return (
        f"{counted(len(sellers), 'member')} sold to {len(buyers):,}, in "
        f"{counted(len(pairs), 'pair')}; the largest seller is {sellers.index[0]} "
        f"({percent(sellers.iloc[0] / whole)}), the largest buyer {buyers.index[0]} "
        f"({percent(buyers.iloc[0] / whole)}); the largest fifth of the sellers gave "
        f"{percent(sellers.iloc[:top].sum() / whole)} of {amount(whole)} kWh."
    )


def _common_prefix(names: list[str]) -> str:
    """Return what all names begin with, up to the last character that is no digit."""
    if len(names) < 2:
        return ""
    first, last = min(names), max(names)  # what these two share, all share
    length = next((i for i, c in enumerate(first) if last[i : i + 1] != c), len(first))
    return first[:length].rstrip("0123456789")
