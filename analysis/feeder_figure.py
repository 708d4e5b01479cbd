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
LEAST_SPAN = 0.005  # of the colours [p.u.]
REACH = 0.25  # of the colours' span: a limit so near stands on the scale
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
    value: str = "",
) -> Figure:
    """Draw a feeder as a tree from its source, each bus in the colour of its voltage.

    The main line runs straight on, laterals branch off without crossings (see
    `feeder_layout.lay_out`). Buses outside the limits carry a triangle, pointing down for
    undervoltage and up for overvoltage, so that no reader depends on colours (on large feeders
    only as many as stand apart; the legend counts all); the extremes are ringed with their values.
    The colours span the feeder's own voltages; both limits are marked on the colour bar, or named
    beyond its end.

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
    value : str
        What each bus's number is, where it is not one moment's voltage; stands below the heading.

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
    scale = _colour_scale(v, limits)
    lines = _draw_branches(axes, feeder, layout, v, scale, small)
    _draw_buses(axes, feeder, layout, v, limits, scale, small)
    _name_extremes(axes, feeder, layout, v, small)
    axes.legend(  # below, where it hides no lateral
        loc="upper center",
        bbox_to_anchor=(0.5, -0.7 / height),
        ncols=2 if width < 9.0 else 4,
        frameon=False,
        fontsize=8.5,
    )
    low, high = int(v.argmin()), int(v.argmax())
    figure.suptitle(
        title or f"{feeder.name}: {feeder.n_buses} buses, {feeder.base_kv:g} kV",
        fontsize=13,
        parse_math=False,  # a name may hold a dollar sign
    )
    extremes = f"lowest {v[low]:.4f} p.u. at bus {feeder.bus_names[low]}, "
    extremes += f"highest {v[high]:.4f} p.u. at bus {feeder.bus_names[high]}"
    if v[low] == v[high]:
        extremes = f"{v[low]:.4f} p.u. at every bus"
    axes.set_title(
        f"{value}\n{extremes}" if value else extremes,
        fontsize=10,
        color="0.25",
        parse_math=False,
    )
    axes.set_xlabel(AXIS_LABEL[layout.distance])
    if layout.distance == "branches":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.margins(x=0.03)
    axes.set_ylim(layout.row.min() - 0.9, layout.row.max() + 0.9)
    _draw_scale(figure.colorbar(lines, ax=axes, pad=0.02, aspect=30), scale, limits)
    return figure


def _colour_scale(v: Floats, limits: VoltageLimits) -> Normalize:
    """From the least to the highest voltage, wide enough that noise shows no colours.

    A limit within a quarter of that width belongs on the scale.
    """
    low, high = float(v.min()), float(v.max())
    spare = max(0.0, LEAST_SPAN - (high - low)) / 2.0
    low, high = low - spare, high + spare
    reach = REACH * (high - low)
    near = [u for u in (limits.lower_pu, limits.upper_pu) if low - reach <= u <= high + reach]
    return Normalize(min([low, *near]), max([high, *near]))


def _tick_labels(low: float, high: float) -> dict[float, str]:
    """Even ticks with as many digits as their step needs: none reads as another's value."""
    values = MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(low, high)
    step = float(values[1] - values[0])
    digits = next(n for n in range(12) if abs(round(step, n) - step) < 1e-3 * step)
    return {round(float(t), 9): f"{t:.{digits}f}" for t in values if low <= t <= high}


def _draw_scale(bar: Any, scale: Normalize, limits: VoltageLimits) -> None:
    """Even ticks, a mark at each limit within the scale, the other limits named at its ends."""
    low, high = float(scale.vmin or 0.0), float(scale.vmax or 0.0)
    ticks = _tick_labels(low, high)
    above, below = ["p.u."], []
    for word, limit in (("lower limit", limits.lower_pu), ("upper limit", limits.upper_pu)):
        if limit > high:
            above.insert(0, f"{word}\n{limit:g} \N{UPWARDS ARROW}")
        elif limit < low:
            below.append(f"{word}\n{limit:g} \N{DOWNWARDS ARROW}")
        else:
            bar.ax.axhline(limit, color="black", linewidth=2.5)
            bar.ax.axhline(limit, color="white", linewidth=1.0)
            # The limit's own label takes the place of one that it would cover.
            near = [tick for tick in ticks if abs(tick - limit) < 0.035 * (high - low)]
            ticks |= dict.fromkeys(near, "")
            ticks[round(limit, 9)] = f"{limit:g} {word}"
    bar.ax.set_title("\n".join(above), fontsize=9, loc="left")
    if below:
        bar.ax.set_xlabel("\n".join(below), fontsize=9, loc="left")
    bar.ax.set_yticks(list(ticks), labels=list(ticks.values()))


def _draw_branches(
    axes: Any, feeder: Feeder, layout: FeederLayout, v: Floats, scale: Normalize, small: bool
) -> LineCollection:
    """Each branch in its outer bus's colour: up or down to the bus's row, then outwards."""
    child = np.delete(np.arange(feeder.n_buses), feeder.slack)
    parent = layout.parent[child]
    corner = np.stack([layout.x[parent], layout.row[child]], axis=1)
    start = np.stack([layout.x[parent], layout.row[parent]], axis=1)
    end = np.stack([layout.x[child], layout.row[child]], axis=1)
    width = 1.0 if small else 0.6
    for tie in feeder.open_ties:
        ends = [(layout.x[bus], layout.row[bus]) for bus in (tie.from_bus, tie.to_bus)]
        axes.add_patch(
            FancyArrowPatch(
                *ends,
                arrowstyle="-",
                connectionstyle="arc3,rad=0.2",
                color="0.55",
                linestyle=(0, (4, 3)),
                linewidth=width,
                zorder=1,
            )
        )
    if feeder.open_ties:
        axes.plot([], [], color="0.55", linestyle=(0, (4, 3)), linewidth=width, label="open tie")
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
                parse_math=False,
            )
    source = feeder.slack
    axes.scatter(x[source], row[source], marker="s", s=95, color="black", zorder=4, label="source")
    for outside, marker, word in (
        (v < limits.lower_pu, "v", f"below {limits.lower_pu:g} p.u."),
        (v > limits.upper_pu, "^", f"above {limits.upper_pu:g} p.u."),
    ):
        count = int(outside.sum())
        if count:
            drawn = ""
            if not small:
                outside = _thinned(layout, outside)
                drawn = f", {int(outside.sum())} drawn" if outside.sum() < count else ""
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
                label=f"{word} ({count} bus{'es' if count > 1 else ''}{drawn})",
                # White around the edge parts them from the line of the same colour.
                path_effects=[withStroke(linewidth=3.0 if small else 2.0, foreground="white")],
            )


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


def _name_extremes(axes: Any, feeder: Feeder, layout: FeederLayout, v: Floats, small: bool) -> None:
    """Ring the buses of the lowest and the highest voltage and write their values beside."""
    extremes = [int(v.argmin()), int(v.argmax())]
    axes.scatter(
        layout.x[extremes],
        layout.row[extremes],
        s=210,
        facecolors="none",
        edgecolors="black",
        linewidths=1.4,
        zorder=6,
        label="lowest and highest voltage",
    )
    for bus in dict.fromkeys(extremes):
        # Behind the end of its line there is room; above it another lateral may run.
        end = float(layout.x[layout.row == layout.row[bus]].max())
        right = not small and end - layout.x[bus] < 0.15 * float(layout.x.max())
        axes.annotate(
            f"{v[bus]:.4f}" if small else f"{feeder.bus_names[bus]}: {v[bus]:.4f}",
            (end if right else layout.x[bus], layout.row[bus]),
            xytext=(10, 0) if right else (0, 11),
            textcoords="offset points",
            ha="left" if right else "center",
            va="center" if right else "bottom",
            fontsize=9,
            fontweight="bold",
            zorder=7,
            path_effects=[withStroke(linewidth=3.0, foreground="white")],
            parse_math=False,
        )
