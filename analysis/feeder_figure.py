"""A picture of a feeder: its tree from the source, coloured by voltage."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ..network import Feeder, VoltageLimits
from .feeder_layout import FeederLayout, lay_out

Floats = NDArray[np.float64]

# Viridis reads the same with any colour vision, and in grey; its palest end is lost on white.
COLOURS = ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.93, 256)), "viridis on white")
LABEL_ALL = 60  # up to so many buses each gets its name
APART = 0.012  # least distance of two triangles on a line of a large feeder, in widths
AXIS_LABEL = {
    "branches": "branches from the source",
    "impedance": "path impedance from the source (ohm)",
}


def draw_feeder(
    feeder: Feeder,
    v_pu: Floats,
    limits: VoltageLimits | None = None,
    title: str | None = None,
    distance: str | None = None,
    width: float = 11.0,
    zoom: bool = False,
) -> Figure:
    """Draw a feeder as a tree from its source, each bus in the colour of its voltage.

    The main line runs straight on, laterals branch off without crossings (see
    `feeder_layout.lay_out`). Buses outside the limits carry a triangle, pointing down for
    undervoltage and up for overvoltage, so that no reader depends on colours (on large feeders
    only as many as stand apart; the legend counts all); the extremes are ringed with their values,
    and both limits are marked on the colour bar.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    v_pu : ndarray (n_buses,)
        Voltage of each bus [p.u.].
    limits : VoltageLimits, optional
        The band; 0.95 to 1.05 p.u. by default.
    title : str, optional
        Heading; by default the feeder's name and size.
    distance : str, optional
        What the horizontal axis measures, ``branches`` or ``impedance``; by default branches
        where every bus is named and impedance on larger feeders, whose chains of short
        sections would else fill the picture.

    width : float
        Width of the figure [inch].
    zoom : bool
        True: the colours span the voltages that occur, not the whole band of the limits.

    Returns
    -------
    matplotlib.figure.Figure
        A figure of its own, without pyplot: save it with ``figure.savefig(path)``.

    Raises
    ------
    ValueError
        If `v_pu` has not one finite value a bus.

    Examples
    --------
    >>> from gridbazaar.network import load_feeder, solve_power_flow
    >>> feeder = load_feeder("das28_mv_india")
    >>> flow = solve_power_flow(feeder, -feeder.load_kw[None], -feeder.load_kvar[None])
    >>> len(draw_feeder(feeder, flow.v_pu[0]).axes)  # the tree and its colour bar
    2
    """
    v = np.asarray(v_pu, np.float64)
    if v.shape != (feeder.n_buses,) or not np.isfinite(v).all():
        raise ValueError(
            f"v_pu {v.shape}: give one finite voltage for each of the {feeder.n_buses} buses "
            "(a diverged power flow cannot be drawn)"
        )
    limits = limits or VoltageLimits()
    small = feeder.n_buses <= LABEL_ALL
    layout = lay_out(feeder, distance or ("branches" if small else "impedance"))
    rows = int(np.ptp(layout.row)) + 1
    per_row = 0.75 if small else 0.24
    height = float(np.clip((2.4 + per_row * rows) * min(1.0, width / 9.0), 3.2, 13.0))
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    span = [float(v.min()), float(v.max())]
    if not zoom:
        span += [limits.lower_pu, limits.upper_pu]
    scale = Normalize(min(span), max(span) if max(span) > min(span) else min(span) + 1e-4)
    lines = _draw_branches(axes, feeder, layout, v, scale, small)
    _draw_buses(axes, feeder, layout, v, limits, scale, small)
    _name_extremes(axes, feeder, layout, v)
    low, high = int(v.argmin()), int(v.argmax())
    figure.suptitle(
        title or f"{feeder.name}: {feeder.n_buses} buses, {feeder.base_kv:g} kV", fontsize=13
    )
    axes.set_title(
        f"lowest {v[low]:.4f} p.u. at bus {feeder.bus_names[low]}, "
        f"highest {v[high]:.4f} p.u. at bus {feeder.bus_names[high]}",
        fontsize=10,
        color="0.25",
    )
    axes.set_xlabel(AXIS_LABEL[layout.distance])
    if layout.distance == "branches":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.margins(x=0.03)
    axes.set_ylim(layout.row.min() - 0.9, layout.row.max() + 0.9)
    bar = figure.colorbar(lines, ax=axes, pad=0.02, aspect=30)
    bar.ax.set_title("p.u.", fontsize=10)
    for limit in _limits_within(scale, limits):
        bar.ax.axhline(limit, color="black", linewidth=2.5)
        bar.ax.axhline(limit, color="white", linewidth=1.0)
    bar.ax.set_yticks(_ticks(scale, limits), labels=_tick_labels(scale, limits))
    return figure


def _limits_within(scale: Normalize, limits: VoltageLimits) -> list[float]:
    """The limits that the colours reach."""
    low, high = float(scale.vmin or 0.0), float(scale.vmax or 0.0)
    return [u for u in (limits.lower_pu, limits.upper_pu) if low <= u <= high]


def _ticks(scale: Normalize, limits: VoltageLimits) -> list[float]:
    """Round voltages between the ends, none too near to a limit, and the limits."""
    low, high = float(scale.vmin or 0.0), float(scale.vmax or 0.0)
    marks = _limits_within(scale, limits)
    room = 0.035 * (high - low)
    plain = MaxNLocator(7).tick_values(low, high)
    return marks + [
        float(t) for t in plain if low <= t <= high and all(abs(t - mark) > room for mark in marks)
    ]


def _tick_labels(scale: Normalize, limits: VoltageLimits) -> list[str]:
    words = {limits.lower_pu: " lower limit", limits.upper_pu: " upper limit"}
    return [f"{tick:.4g}{words.get(tick, '')}" for tick in _ticks(scale, limits)]


def _draw_branches(
    axes: Any, feeder: Feeder, layout: FeederLayout, v: Floats, scale: Normalize, small: bool
) -> LineCollection:
    """Each branch in its outer bus's colour: up or down to the bus's row, then outwards."""
    child = np.delete(np.arange(feeder.n_buses), feeder.slack)
    parent = layout.parent[child]
    corner = np.stack([layout.x[parent], layout.row[child]], axis=1)
    start = np.stack([layout.x[parent], layout.row[parent]], axis=1)
    end = np.stack([layout.x[child], layout.row[child]], axis=1)
    for tie in feeder.open_ties if small else ():
        ends = [(layout.x[bus], layout.row[bus]) for bus in (tie.from_bus, tie.to_bus)]
        axes.add_patch(
            FancyArrowPatch(
                *ends,
                arrowstyle="-",
                connectionstyle="arc3,rad=0.2",
                color="0.55",
                linestyle=(0, (4, 3)),
                linewidth=1.0,
                zorder=1,
            )
        )
    if small and feeder.open_ties:
        axes.plot([], [], color="0.55", linestyle=(0, (4, 3)), linewidth=1.0, label="open tie")
    lines = LineCollection(
        list(np.stack([start, corner, end], axis=1)),
        cmap=COLOURS,
        norm=scale,
        linewidths=2.6 if small else 2.0,
        capstyle="round",
        zorder=2,
    )
    lines.set_array(v[child])
    axes.add_collection(lines)
    return lines


def _draw_buses(
    axes: Any,
    feeder: Feeder,
    layout: FeederLayout,
    v: Floats,
    limits: VoltageLimits,
    scale: Normalize,
    small: bool,
) -> None:
    """Dots, the source, triangles outside the limits, and names where there is room."""
    x, row = layout.x, layout.row
    if small:
        axes.scatter(
            x,
            row,
            c=v,
            cmap=COLOURS,
            norm=scale,
            s=42,
            edgecolors="black",
            linewidths=0.6,
            zorder=3,
        )
        for bus, name in enumerate(feeder.bus_names):
            axes.annotate(
                name,
                (x[bus], row[bus]),
                xytext=(4, -5),  # beside the connectors, which leave a bus straight up or down
                textcoords="offset points",
                ha="left",
                va="top",
                fontsize=7.5,
                color="0.25",
            )
    source = feeder.slack
    axes.scatter(x[source], row[source], marker="s", s=95, color="black", zorder=4, label="source")
    for outside, marker, word in (
        (v < limits.lower_pu, "v", f"below {limits.lower_pu:g} p.u."),
        (v > limits.upper_pu, "^", f"above {limits.upper_pu:g} p.u."),
    ):
        count = int(outside.sum())
        if count:
            if not small:
                outside = _thinned(layout, outside)
            axes.scatter(
                x[outside],
                row[outside],
                marker=marker,
                c=v[outside],
                cmap=COLOURS,
                norm=scale,
                s=80 if small else 26,
                edgecolors="black",
                linewidths=0.9 if small else 0.4,
                zorder=5,
                label=f"{word} ({count} buses)",
            )
    axes.legend(loc="best", frameon=True, framealpha=0.9, edgecolor="0.8", fontsize=8.5)


def _thinned(layout: FeederLayout, outside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """So few of the marked buses that their triangles stand apart on each line."""
    apart = APART * max(float(layout.x.max()), 1e-12)
    kept = np.zeros_like(outside)
    last: dict[int, float] = {}
    for bus in np.flatnonzero(outside)[np.argsort(-layout.x[outside], kind="stable")]:
        row = int(layout.row[bus])
        if last.get(row, np.inf) - layout.x[bus] >= apart:
            kept[bus] = True
            last[row] = float(layout.x[bus])
    return kept


def _name_extremes(axes: Any, feeder: Feeder, layout: FeederLayout, v: Floats) -> None:
    """Ring the buses of the lowest and the highest voltage and write their values beside."""
    for bus in (int(v.argmin()), int(v.argmax())):
        at = (layout.x[bus], layout.row[bus])
        axes.scatter(*at, s=210, facecolors="none", edgecolors="black", linewidths=1.4, zorder=6)
        axes.annotate(
            f"{v[bus]:.4f}",
            at,
            xytext=(0, 11),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=9,
            fontweight="bold",
            zorder=7,
            path_effects=[withStroke(linewidth=3.0, foreground="white")],
        )
