"""Voltages along the feeder and over time, against their limits."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ...network.limits import VoltageLimits
from ...sim.feeder_state import FeederState
from ...sim.results import Results
from ..feeder_figure import COLOURS, draw_feeder
from ..feeder_layout import lay_out
from ..wording import counted
from .style import BLUE, ORANGE, RED, WIDTH, dates, legend_above, plain

AT_LIMIT_PU = 5e-5  # what four digits cannot tell from the limit [p.u.]


def voltage_map(results: Results) -> Figure:
    """Voltage of every bus in every hour: the one of the hour that comes nearest to a limit."""
    state, limits = results.feeder_state, _limits(results)
    order = _along(state)
    worst = _by_hour(state, limits)[:, order].T
    hours = np.arange(worst.shape[1] + 1) / 24.0
    low, high = float(np.nanmin(worst)), float(np.nanmax(worst))
    room = 0.25 * (high - low)  # a limit that is near belongs on the scale
    low, high = (
        min([low, *(u for u in (limits.lower_pu, limits.upper_pu) if low - room < u < low)]),
        max([high, *(u for u in (limits.lower_pu, limits.upper_pu) if high < u < high + room)]),
    )
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    ax = figure.subplots()
    image = ax.pcolormesh(
        float(date2num(state.start[0])) + hours,
        np.arange(len(order) + 1),
        worst,
        cmap=COLOURS,
        vmin=low,
        vmax=high,
        rasterized=True,
    )
    outside = (worst > limits.upper_pu) | (worst < limits.lower_pu)
    if outside.any():
        ax.pcolormesh(
            float(date2num(state.start[0])) + hours,
            np.arange(len(order) + 1),
            np.where(outside, 1.0, np.nan),
            cmap=ListedColormap([RED]),
            rasterized=True,
        )
    ax.xaxis_date()
    dates(ax)
    plain(ax)
    ax.grid(False)
    step = max(1, -(-len(order) // 24))
    at = np.arange(0, len(order), step)
    ax.set_yticks(at + 0.5, [state.feeder.bus_names[bus] for bus in order[at]])
    ax.set_ylabel("bus, line by line from the source (bottom)", fontsize="small")
    bar = figure.colorbar(image, ax=ax, aspect=30, pad=0.01)
    bar.ax.set_title("p.u.", fontsize="small")
    bar.ax.tick_params(labelsize="small")
    for limit in (limits.lower_pu, limits.upper_pu):
        if low <= limit <= high:
            bar.ax.axhline(limit, color=RED, lw=2.5)
    words = f"outside {limits.lower_pu:g} to {limits.upper_pu:g} p.u.: "
    words += f"{int(outside.sum()):,} of {outside.size:,} bus-hours"
    figure.legend(
        handles=[Patch(color=RED, label=words)],
        loc="outside upper center",
        frameon=False,
        fontsize="small",
    )
    return figure


def says_voltage_map(results: Results) -> str:
    """Say how often and where voltages left the band, with and without the market."""
    network, without = results.network, results.no_p2p
    limits, minutes = _limits(results), results.bus_minutes
    outside, before = (
        int(((t.v_max_pu > limits.upper_pu) | (t.v_min_pu < limits.lower_pu)).sum())
        for t in (network, without)
    )
    unsolved = results.manifest["unsolved_intervals"]
    text = (
        f"Voltages ran from {network.v_min_pu.min():.4f} to {network.v_max_pu.max():.4f} p.u. "
        f"(without the market {without.v_min_pu.min():.4f} to {without.v_max_pu.max():.4f}); of "
        f"{len(network):,} intervals {outside:,} had a bus outside the limits (without the market "
        f"{before:,})"
    )
    worst = (minutes.over_minutes + minutes.under_minutes).to_numpy()
    if worst.any():
        at = int(worst.argmax())
        text += f", longest at bus {minutes.bus[at]}, {worst[at] / 60.0:,.1f} hours"
    return text + (f"; {unsolved:,} intervals have no solution." if unsolved else ".")


def voltage_profile(results: Results) -> Figure:
    """Voltage along the feeder: highest, median and lowest of each bus over its distance."""
    state, limits = results.feeder_state, _limits(results)
    layout = lay_out(state.feeder, "impedance")
    low, middle, high = np.nanquantile(state.v_pu, [0.0, 0.5, 1.0], axis=0)
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    ax = figure.subplots()
    plain(ax)
    child = np.delete(np.arange(state.feeder.n_buses), state.feeder.slack)
    ends = np.stack([layout.parent[child], child])
    for values, colour, marker, word in (
        (high, ORANGE, "^", "highest"),
        (middle, "black", "o", "median"),
        (low, BLUE, "v", "lowest"),
    ):
        ax.plot(layout.x[ends], values[ends], color=colour, lw=0.9)
        ax.plot(layout.x, values, marker, color=colour, ms=3.0, mew=0, label=f"{word} of the run")
    bottom, top = float(low.min()), float(high.max())
    room = max(top - bottom, 0.005)
    for limit, word in ((limits.lower_pu, "lower"), (limits.upper_pu, "upper")):
        if bottom - room < limit < top + room:
            ax.axhline(limit, color=RED, lw=1.2, ls="--", label=f"{word} limit {limit:g} p.u.")
        else:
            away = "below" if limit < bottom else "above"
            ax.plot([], [], color=RED, lw=1.2, ls="--", label=f"{word} limit {limit:g}: {away}")
    ax.set_xlabel("path impedance from the source, ohm", fontsize="small")
    ax.set_ylabel("voltage, p.u.", fontsize="small")
    ax.margins(x=0.02)
    legend_above(figure, ax, 3)
    return figure


def says_voltage_profile(results: Results) -> str:
    """Say which buses see the highest, the lowest and the most varying voltage."""
    state, limits = results.feeder_state, _limits(results)
    high, low = np.nanmax(state.v_pu, axis=0), np.nanmin(state.v_pu, axis=0)
    names = state.feeder.bus_names
    top, bottom, wide = int(high.argmax()), int(low.argmin()), int((high - low).argmax())
    gap = limits.upper_pu - high[top]
    away = f"{abs(gap):.4f} {'below' if gap > 0 else 'above'} the limit"
    if abs(gap) < AT_LIMIT_PU:
        away = "at the limit"
    extremes = f"Bus {names[top]} sees the highest voltage ({high[top]:.4f} p.u., {away})"
    extremes += " and" if top == bottom else f", bus {names[bottom]}"
    return (
        f"{extremes} the lowest ({low[bottom]:.4f}); it varies most at bus {names[wide]}, by "
        f"{high[wide] - low[wide]:.4f} p.u."
    )


def feeder_map(results: Results) -> Figure:
    """The feeder as a tree, each bus in the colour of its worst voltage of the run."""
    state, limits = results.feeder_state, _limits(results)
    return draw_feeder(
        state.feeder,
        worst_voltages(state, limits),
        limits,
        title=f"{state.feeder.name}: each bus at its worst moment",
        width=WIDTH,
        value="of each bus the voltage of the run that came nearest to a limit:",
    )


def says_feeder_map(results: Results) -> str:
    """Say how near the feeder as a whole comes to its limits."""
    state, limits = results.feeder_state, _limits(results)
    worst = worst_voltages(state, limits)
    margin = np.minimum(limits.upper_pu - worst, worst - limits.lower_pu)
    near, over = int((margin < 0.002).sum()), int((margin < 0.0).sum())
    at = int(margin.argmin())
    return (
        f"Each bus shows the voltage of the run that came nearest to a limit: {near} of "
        f"{counted(len(worst), 'bus', 'buses')} came within 0.002 p.u. of one, {over} crossed it; "
        f"nearest is bus {state.feeder.bus_names[at]} with {worst[at]:.4f} p.u."
    )


def worst_voltages(state: FeederState, limits: VoltageLimits) -> np.ndarray:
    """Return each bus's voltage that came nearest to (or went farthest beyond) a limit [p.u.].

    Parameters
    ----------
    state : FeederState
        The feeder over a run.
    limits : VoltageLimits
        The band.

    Returns
    -------
    ndarray (n_buses,)
        Finite where any interval was solved.
    """
    return _worst(np.nanmin(state.v_pu, axis=0), np.nanmax(state.v_pu, axis=0), limits)


def _worst(low: np.ndarray, high: np.ndarray, limits: VoltageLimits) -> np.ndarray:
    return np.where(limits.upper_pu - high <= low - limits.lower_pu, high, low).astype(np.float64)


def _by_hour(state: FeederState, limits: VoltageLimits) -> np.ndarray:
    """Return the worst voltage of each hour, (n_hours, n_buses)."""
    minutes = (state.start - state.start[0]).astype("timedelta64[m]").astype(np.int64)
    begins = np.flatnonzero(np.diff(minutes // 60, prepend=-1))
    low = np.fmin.reduceat(state.v_pu, begins, axis=0)
    high = np.fmax.reduceat(state.v_pu, begins, axis=0)
    return _worst(low, high, limits)


def _along(state: FeederState) -> np.ndarray:
    """Return the buses in the order of their lines, each line from the source outwards."""
    layout = lay_out(state.feeder, "branches")
    children: list[list[int]] = [[] for _ in range(state.feeder.n_buses)]
    for bus in np.argsort(layout.row, kind="stable"):
        if bus != state.feeder.slack:
            children[int(layout.parent[bus])].append(int(bus))
    row = layout.row
    order, waiting = [], [state.feeder.slack]
    while waiting:
        bus = waiting.pop()
        order.append(bus)
        # The child on the same row goes on with the line and comes first.
        away = np.abs(row[children[bus]] - row[bus])
        waiting += [children[bus][i] for i in np.argsort(-away, kind="stable")]
    return np.array(order)


def _limits(results: Results) -> VoltageLimits:
    section = results.scenario["feeder"]
    return VoltageLimits(section["v_min_pu"], section["v_max_pu"])
