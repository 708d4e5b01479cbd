"""The figure of one cleared frame: the front, the exact front, the chosen and published point."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..market.clearing import Front
from ..market.mechanism import ClearingRules, build_mechanism
from .cleared_orders import ClearedOrders
from .figures import BLUE, GREY, ORANGE, RED

_MONEY = ", in the currency of the prices"
_UNITS = {  # of f1 and f2; the published f1 is logarithms of kWh
    "published": (" (no money: it counts pairs)", _MONEY),
    "per-buyer": (_MONEY, _MONEY),
    "surplus": (_MONEY, _MONEY),
}
_RULE_FIELDS = ("price_rule", "fixed_price", "participation", "objectives")


def exact_front(cleared: ClearedOrders) -> Front | None:
    """Return the exact front of the submitted book, which knows no network."""
    rules = ClearingRules(
        engine="exact", **{name: getattr(cleared.rules, name) for name in _RULE_FIELDS}
    )
    mechanism = build_mechanism(rules)
    return mechanism.clear(cleared.orders.book, cleared.terms, np.random.default_rng(1)).front


def broken_line(front: Front, gaps: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return a front's line, interrupted where it jumps.

    Parameters
    ----------
    front : Front
        In increasing order of f2.
    gaps : bool
        Whether it may jump: under `surplus` it consists of lines on which f1 + f2 stays, and
        nothing lies between two of them.

    Returns
    -------
    (q,), (q,) float
        f1 and f2, NaN in each gap.

    Examples
    --------
    >>> sold = np.ones((3, 1))
    >>> front = Front(np.array([5.0, 4.0, 2.0]), np.array([1.0, 2.0, 2.5]), sold, sold, 0, False,
    ...               3, 0)
    >>> broken_line(front, gaps=True)[0].tolist()
    [5.0, 4.0, nan, 2.0]
    """
    if not gaps:
        return front.f1, front.f2
    welfare = front.f1 + front.f2
    apart = np.abs(np.diff(welfare)) > 1e-9 * max(float(np.abs(welfare).max(initial=0.0)), 1e-300)
    at = np.flatnonzero(apart) + 1
    return np.insert(front.f1, at, np.nan), np.insert(front.f2, at, np.nan)


def front_figure(cleared: ClearedOrders) -> Figure:
    """Draw the front that was found against the exact one.

    Parameters
    ----------
    cleared : ClearedOrders
        The outcome.

    Returns
    -------
    Figure
        Told apart by marker and colour alike; a frame without trade says so.
    """
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    ax = figure.subplots()
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="0.92", lw=0.6)
    ax.set_axisbelow(True)
    front = cleared.clearing.front
    frame = cleared.orders.frame
    head = f"frame {frame}: " if frame else ""
    if front is None:
        ax.set_axis_off()
        ax.text(0.5, 0.5, f"{head}{cleared.clearing.status}", ha="center", transform=ax.transAxes)
        return figure
    _draw(ax, cleared, front)
    words = "the objectives do not conflict" if front.collapsed else f"{front.f1.size} points"
    ax.set_title(f"{head}{cleared.rules.engine}, {words}", loc="left", fontsize="medium")
    f1_unit, f2_unit = _UNITS[cleared.rules.objectives]
    ax.set(xlabel=f"buyer welfare f1{f1_unit}", ylabel=f"seller welfare f2{f2_unit}")
    ax.ticklabel_format(useOffset=False)
    ax.margins(0.08)
    ax.legend(frameon=False, loc="best", fontsize="small")
    return figure


def _draw(ax: Axes, cleared: ClearedOrders, front: Front) -> None:
    exact = exact_front(cleared)
    network = cleared.clearing.v_max_pu is not None
    if exact is not None:
        name = "exact front, without the network" if network else "exact front"
        one = exact.f1.size == 1
        ax.plot(
            *broken_line(exact, gaps=cleared.rules.objectives == "surplus"),
            color=GREY,
            lw=2.5,
            marker="s" if one else ".",
            ms=11 if one else 4,
            mfc="none" if one else GREY,
            label=name,
        )
    ax.plot(front.f1, front.f2, "o", color=BLUE, ms=4, mew=0, label="front that was found")
    f1, f2 = cleared.clearing.f1, cleared.clearing.f2
    if f1 is not None and f2 is not None:
        rule = cleared.as_dict()["choose"]
        label = f"chosen: {rule}"
        ax.plot([f1], [f2], "*", color=ORANGE, ms=15, mec="black", mew=0.8, label=label)
    other = cleared.compared
    if other is not None:
        fewer = abs(other.ours_f1 - (f1 or 0.0)) > 1e-9
        ax.plot(
            # both over all pairs of the book: where fewer take part the axis starts elsewhere
            [other.f1 - other.ours_f1 + (f1 or 0.0)],
            [other.f2],
            "X",
            color=RED,
            ms=10,
            mec="black",
            mew=0.6,
            label="published matrix" + (", where all take part" if fewer else ""),
        )
