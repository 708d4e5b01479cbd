"""The Pareto fronts of the frames, and what was chosen from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...sim.results import Results
from ..wording import counted, percent
from .style import BLUE, FRAME_COLOURS, GREY, MARKERS, ORANGE, WIDTH, frame_names, plain


def pareto_front(results: Results) -> Figure:
    """The frame whose front is widest with its chosen point, and how wide all fronts are."""
    figure = Figure(figsize=(WIDTH, 3.1), layout="constrained")
    left, right = figure.subplots(1, 2)
    for ax in (left, right):
        plain(ax, grid="both")
    width = front_widths(results)
    fronts = results.fronts
    if width.empty:
        for ax in (left, right):
            ax.set_axis_off()
        figure.text(0.5, 0.5, "no frame has a Pareto front", ha="center")
        return figure
    frame = str(width.width.idxmax())
    front = fronts[(fronts.frame_id.astype(str) == frame) & np.isfinite(fronts.f1)]
    front = front.sort_values("traded_kwh")
    left.plot(front.f1, front.f2, color=GREY, lw=1.0)
    left.plot(front.f1, front.f2, "o", color=BLUE, ms=3.5, mew=0, label="front")
    chosen = front[front.chosen]
    left.plot(chosen.f1, chosen.f2, "*", color=ORANGE, ms=14, mec="black", mew=0.7, label="chosen")
    left.set_title(f"widest front: {frame}", loc="left", fontsize="small")
    left.set_xlabel("buyer welfare f1", fontsize="small")
    currency = results.manifest["currency"]
    left.set_ylabel(f"seller welfare f2, {currency}", fontsize="small")
    left.ticklabel_format(useOffset=False)
    left.locator_params(axis="x", nbins=4)
    left.legend(frameon=False, loc="best", fontsize="small")
    for k, name in enumerate(frame_names(results)):
        values = np.sort(width.width[width.name == name].to_numpy())
        if values.size:
            right.plot(
                100.0 * values,
                np.arange(1, values.size + 1),
                color=FRAME_COLOURS[k % 6],
                marker=MARKERS[k % 6],
                ms=3.5,
                lw=1.0,
                drawstyle="steps-post",
                label=name,
            )
    right.set_title("how much the front leaves to choose", loc="left", fontsize="small")
    right.set_xlabel("spread of traded energy along the front, %", fontsize="small")
    right.set_ylabel("frames with at most that", fontsize="small")
    right.set_ylim(bottom=0.0)
    right.yaxis.set_major_locator(MaxNLocator(integer=True))
    right.legend(frameon=True, framealpha=0.8, edgecolor="white", loc="best", fontsize="small")
    return figure


def says_pareto_front(results: Results) -> str:
    """Say in how many frames there was something to choose, and what was chosen."""
    width = front_widths(results)
    if width.empty:
        name = results.scenario["market"]["mechanism"]
        if name != "pareto":
            return f"The mechanism {name} chooses from no Pareto front."
        return "Nothing was traded, so that no frame has a Pareto front."
    wide = width[width.width > 0.01]
    text = (
        f"In {len(wide)} of {counted(len(width), 'frame')} with a front the traded energy varies "
        f"by more than 1 % along it"
    )
    if len(wide):
        text += (
            f" (by {percent(wide.width.median())} at the median of these); the choice lies "
            f"{percent(wide.place.mean())} of the way from the buyers' end to the sellers' on "
            "average"
        )
    else:
        text += ": the two objectives leave next to nothing to choose"
    return text + ". f1 has no unit that holds across frames; f2 is money."


def front_widths(results: Results) -> pd.DataFrame:
    """Return, by frame, how wide its front is and where on it the choice lies.

    Returns
    -------
    pandas.DataFrame
        Indexed by frame_id: `name`; `width`, (most - least) / most of the traded energy along the
        front; `place`, the choice between the least (0) and the most (1).
    """
    fronts = results.fronts
    energy = fronts.traded_kwh.groupby(fronts.frame_id.astype(str)).agg(["min", "max"])
    chosen = fronts[fronts.chosen]
    taken = chosen.traded_kwh.groupby(chosen.frame_id.astype(str)).first()
    energy = energy[energy["max"] > 0.0]
    gap = energy["max"] - energy["min"]
    names = results.frames.set_index("frame_id").name
    return pd.DataFrame(
        {
            "name": names.reindex(energy.index),
            "width": gap / energy["max"],
            "place": ((taken.reindex(energy.index) - energy["min"]) / gap.where(gap > 0.0)),
        }
    )
