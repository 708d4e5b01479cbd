"""Prices of the market between those of the grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...sim.results import Results
from ..traded_prices import has_prices, traded_prices
from ..wording import percent
from .style import FRAME_COLOURS, MARKERS, dates, frame_names, legend_above, panels


def prices(results: Results) -> Figure:
    """Market clearing price of every frame between feed-in and retail.

    Where a mechanism has no single price, the mean price of the frame's trades stands for it.
    """
    frames, currency = results.frames, results.manifest["currency"]
    figure, axes = panels(len(frame_names(results)), 1.3, share_y=True)
    price = traded_prices(results).to_numpy()
    others: list[Line2D] = []
    for k, (name, ax) in enumerate(zip(frame_names(results), axes, strict=True)):
        rows = frames[frames.name == name]
        bound: dict[str, Any] = {"color": "0.35", "lw": 1.0}
        if len(rows) == 1:
            bound["marker"] = "_"  # a line of one point cannot be seen
        low, high = rows.feed_in_per_kwh, rows.retail_per_kwh
        look: dict[str, Any] = {"color": FRAME_COLOURS[k % 6], "marker": MARKERS[k % 6]}
        traded = price[(frames.name == name).to_numpy()]
        ax.fill_between(rows.start, low, high, color="0.93", linewidth=0)
        ax.plot(rows.start, high, ls="--", label="retail", **bound)
        (line,) = ax.plot(rows.start, traded, ms=3.5, lw=1.1, label=f"trade, {name}", **look)
        if ax is not axes[0]:
            others.append(line)
        ax.plot(rows.start, low, ls=":", label="feed-in", **bound)
        ax.set_ylabel(f"{name}\n{currency}/kWh", fontsize="small")
    dates(axes[-1])
    legend_above(figure, axes[0], 5, others)
    return figure


def says_prices(results: Results) -> str:
    """Say where the price stood between the bounds, by frame."""
    frames, parts = results.frames, []
    if not has_prices(results):
        return "Energy has no price in a frame under this rule: bills are levelled by the month."
    price, gap = traded_prices(results).to_numpy(), frames.retail_per_kwh - frames.feed_in_per_kwh
    place = ((price - frames.feed_in_per_kwh) / gap.where(gap > 0.0)).to_numpy()
    for name in frame_names(results):
        here = (frames.name == name).to_numpy()
        traded = here & (frames.traded_kwh > 0.0).to_numpy()
        if traded.any():
            mean = np.average(price[traded], weights=frames.traded_kwh[traded])
            parts.append(
                f"{name}: {mean:.2f} on average ({price[traded].min():.2f} to "
                f"{price[traded].max():.2f}), {percent(np.nanmean(place[traded]))} of the way from "
                f"feed-in to retail, in {traded.sum()} of {here.sum()} frames"
            )
        else:
            parts.append(f"{name}: no trade")
    return f"Price of trade in {results.manifest['currency']}/kWh. " + "; ".join(parts) + "."
