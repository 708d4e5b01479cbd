"""Members: what each gained, and how far each was off its schedule."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ...sim.results import Results
from .style import BLUE, FRAME_COLOURS, GREEN, RED, SKY, frame_names, legend_above, panels

KINDS = (("PV and battery", BLUE), ("PV", SKY), ("battery", "#666666"), ("neither", GREEN))
MOST_BARS = 150  # more are drawn as one outline
SHOWN = 0.99  # the middle share of deviations that a panel shows; the rest is counted


def savings(results: Results) -> Figure:
    """What the market was worth to each member, sorted, losers in their own colour."""
    saving, kind = _savings(results)
    currency = results.manifest["currency"]
    figure, (ax,) = panels(1, 2.8)
    rank = np.arange(1, len(saving) + 1)
    gains = saving >= 0.0
    parts = [
        (gains & (kind == k), colour, f"better off, {name}")
        for k, (name, colour) in enumerate(KINDS)
    ]
    for keep, colour, label in [*parts, (~gains, RED, "worse off")]:
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
    ax.axhline(0.0, color="black", lw=0.6)
    ax.set_xlabel("members, from least to greatest saving", fontsize="small")
    ax.set_ylabel(f"saving, {currency}", fontsize="small")
    ax.set_xlim(0.3, len(saving) + 0.7)
    ax.legend(frameon=False, loc="upper left", fontsize="small")
    return figure


def says_savings(results: Results) -> str:
    """Say what all gained together, who lost, and by which effect."""
    bills, (saving, _) = results.bills, _savings(results)
    price, operation = bills.saving_price_effect.sum(), bills.saving_operation_effect.sum()
    currency = results.manifest["currency"]
    losers = int((saving < 0.0).sum())
    lost = (
        f"{losers} of {len(saving)} members lost, {-saving[saving < 0.0].sum():,.0f} {currency} "
        f"together and {-saving.min():,.0f} at worst"
        if losers
        else "nobody lost"
    )
    text = (
        f"Against the same homes re-operated without the market: {saving.sum():,.0f} {currency} "
        f"for all together, of which {price:,.0f} by price and {operation:,.0f} by operation; "
        f"median {np.median(saving):,.0f}, greatest {saving.max():,.0f}; {lost}."
    )
    return text.replace(" -", " −")


def _savings(results: Results) -> tuple[np.ndarray, np.ndarray]:
    """Return savings in ascending order, and the kind of home each belongs to."""
    saving = results.bills.groupby("prosumer").saving.sum()
    homes = results.members.set_index("prosumer").loc[saving.index]
    kind = np.where(homes.pv_kwp > 0, 0, 2) + np.where(homes.battery_kwh > 0, 0, 1)
    order = np.argsort(saving.to_numpy(), kind="stable")
    return saving.to_numpy()[order], kind[order]


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
            low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
            middle = round(middle, 1) + 0.0  # never "-0.0"
            parts.append(f"{name}: {low:.1f} to {high:.1f} kWh, median {middle:.1f}")
    text = "Nine of ten deviations of a member in a frame lay within " + "; ".join(parts)
    whole = results.positions.deviation_kwh
    text += (
        f". Together members fed in {whole.clip(lower=0.0).sum():,.0f} kWh more and "
        f"{-whole.clip(upper=0.0).sum():,.0f} kWh less than scheduled."
    )
    return text.replace(" -", " −")


def _deviations(results: Results, name: str) -> np.ndarray:
    positions, frames = results.positions, results.frames
    ids = set(frames.frame_id[frames.name == name])
    values = positions.deviation_kwh[positions.frame_id.isin(ids)].to_numpy()
    return np.asarray(values[np.isfinite(values)])
