"""Members: what each gained, and how far each was off its schedule."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ...sim.results import Results
from ..kpis.members import gain_or_loss
from ..wording import amount, counted
from .style import (
    BLUE,
    FRAME_COLOURS,
    GREEN,
    GREY,
    ORANGE,
    RED,
    SKY,
    empty_figure,
    frame_names,
    legend_above,
    panels,
)

KINDS = (("PV and battery", BLUE), ("PV", SKY), ("battery", ORANGE), ("neither", GREEN))
MOST_BARS = 150  # more are drawn as one outline
SHOWN = 0.99  # the middle share of deviations that a panel shows; the rest is counted


def savings(results: Results) -> Figure:
    """What the market was worth to each member, sorted, losers in their own colour."""
    saving, kind, turn = _savings(results)
    currency = results.manifest["currency"]
    if not turn.any():
        return empty_figure("no member gained or lost")
    figure, (ax,) = panels(1, 2.8)
    rank = np.arange(1, len(saving) + 1)
    parts = [
        ((turn > 0) & (kind == k), colour, f"better off, {name}")
        for k, (name, colour) in enumerate(KINDS)
    ]
    for keep, colour, label in [*parts, (turn < 0, RED, "worse off")]:
        if keep.any():
            label += f": {keep.sum()}"
            if len(saving) > MOST_BARS:
                heights = np.where(keep, saving, 0.0)
                ax.fill_between(rank, heights, step="mid", color=colour, lw=0.0, label=label)
                continue
            bars = ax.bar(rank[keep], saving[keep], color=colour, width=0.8, label=label)
            if colour == RED:
                for bar in bars:
                    bar.set(hatch="//", edgecolor="white", linewidth=0.0)
    same = turn == 0
    if same.any():  # no bar of nothing can be seen
        label = f"unaffected: {same.sum()}"
        ax.plot(rank[same], 0.0 * rank[same], "o", color=GREY, ms=2.5, mew=0, label=label)
    ax.axhline(0.0, color="black", lw=0.6, zorder=1)
    ax.set_xlabel("members, from least to greatest saving", fontsize="small")
    ax.set_ylabel(f"saving, {currency}", fontsize="small")
    ax.set_xlim(0.3, len(saving) + 0.7)
    ax.legend(frameon=False, loc="upper left", fontsize="small")
    return figure


def says_savings(results: Results) -> str:
    """Say what all gained together, who lost, and by which effect."""
    bills, (saving, _, turn) = results.bills, _savings(results)
    currency = results.manifest["currency"]
    if not turn.any():
        return (
            "Against the same homes re-operated without the market no member gained or lost: "
            f"{counted(len(saving), 'member')} unaffected."
        )
    price, operation = bills.saving_price_effect.sum(), bills.saving_operation_effect.sum()
    lost = saving[turn < 0]
    words = "nobody lost"
    if len(lost):
        words = f"{len(lost)} of {counted(len(saving), 'member')} lost, {amount(-lost.sum())} "
        words += f"{currency} together and {amount(-lost.min())} at worst"
    if (turn == 0).any():
        words += f"; {int((turn == 0).sum())} unaffected"
    text = (
        f"Against the same homes re-operated without the market: {amount(saving.sum())} {currency} "
        f"for all together, of which {amount(price)} by price and {amount(operation)} by "
        f"operation; median {amount(np.median(saving))}, greatest {amount(saving.max())}; {words}."
    )
    return text.replace(" -", " −")


def _savings(results: Results) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return savings in ascending order, the kind of home of each, and whether it gained."""
    saving = results.bills.groupby("prosumer").saving.sum()
    homes = results.members.set_index("prosumer").loc[saving.index]
    kind = np.where(homes.pv_kwp > 0, 0, 2) + np.where(homes.battery_kwh > 0, 0, 1)
    order = np.argsort(saving.to_numpy(), kind="stable")
    turn = gain_or_loss(saving, 1.0 / results.manifest["minor_per_major"])
    return saving.to_numpy()[order], kind[order], turn[order]


def deviations(results: Results) -> Figure:
    """How far members' metered exchange was off their schedule, frame by frame."""
    names = frame_names(results)
    figure, axes = panels(len(names), 1.35)
    parts = [_deviations(results, name) for name in names]
    everything = np.concatenate(parts)
    most = float(np.quantile(np.abs(everything), SHOWN)) if everything.size else 0.0
    bins = np.linspace(-most, most, 61) if most > 0.0 else np.linspace(-1.0, 1.0, 3)
    for k, (name, ax, values) in enumerate(zip(names, axes, parts, strict=True)):
        inside = np.clip(values, bins[0], bins[-1])
        ax.hist(inside, bins=list(bins), color=FRAME_COLOURS[k % 6], alpha=0.8)
        if values.size:
            low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
            ax.axvspan(low, high, color="0.9", zorder=0, label="nine of ten")
            ax.axvline(middle, color="black", lw=1.2, label="median")
        ax.axvline(0.0, color="0.4", lw=0.8, ls=":", label="as scheduled")
        ax.set_ylabel(f"{name}\nmember frames", fontsize="small")
    words = "deviation in a frame, kWh (right: more fed in than scheduled; outer bars: and beyond)"
    axes[-1].set_xlabel(words, fontsize="small")
    legend_above(figure, axes[0], 3)
    return figure


def says_deviations(results: Results) -> str:
    """Say how wide deviations were, and how they lean."""
    parts = []
    for name in frame_names(results):
        values = _deviations(results, name)
        if values.size:
            # Rounded, and never "-0.0".
            low, middle, high = np.round(np.quantile(values, [0.05, 0.5, 0.95]), 1) + 0.0
            parts.append(
                f"between {low:.1f} and {high:.1f} kWh in frame {name} (median {middle:.1f})"
            )
    text = "Nine of ten of a member's deviations lay " + ", ".join(parts)
    whole = results.positions.deviation_kwh
    text += (
        f". Together members fed in {amount(whole.clip(lower=0.0).sum())} kWh more and "
        f"{amount(-whole.clip(upper=0.0).sum())} kWh less than scheduled."
    )
    return text.replace(" -", " −")


def _deviations(results: Results, name: str) -> np.ndarray:
    positions, frames = results.positions, results.frames
    ids = set(frames.frame_id[frames.name == name])
    values = positions.deviation_kwh[positions.frame_id.isin(ids)].to_numpy()
    return np.asarray(values[np.isfinite(values)])
