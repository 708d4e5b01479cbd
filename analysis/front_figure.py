"""The figure of one cleared frame: the front, the exact front, the chosen and published point."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..market.clearing import Front
from ..market.mechanism import ClearingRules, build_mechanism
from .clear_orders import ClearedOrders
from .figures import BLUE, GREY, ORANGE, RED

_RULE_FIELDS = ("price_rule", "fixed_price", "participation", "objectives")


def exact_front(cleared: ClearedOrders) -> Front | None:
    """Return the exact front of the submitted book, which knows no network."""
    rules = ClearingRules(
        engine="exact", **{name: getattr(cleared.rules, name) for name in _RULE_FIELDS}
    )
    mechanism = build_mechanism(rules)
    return mechanism.clear(cleared.orders.book, cleared.terms, np.random.default_rng(1)).front


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
    ax.set(xlabel="buyer welfare f1", ylabel="seller welfare f2")
    ax.ticklabel_format(useOffset=False)
    ax.margins(0.08)
    ax.legend(frameon=False, loc="best", fontsize="small")
    return figure


def _draw(ax: Axes, cleared: ClearedOrders, front: Front) -> None:
    exact = exact_front(cleared)
    network = cleared.clearing.v_max_pu is not None
    if exact is not None:
        name = "exact front, without the network" if network else "exact front"
        order = np.argsort(exact.f1)
        one = exact.f1.size == 1
        ax.plot(
            exact.f1[order],
            exact.f2[order],
            color=GREY,
            lw=2.5,
            marker="s" if one else "",
            ms=11,
            mfc="none",
            label=name,
        )
    ax.plot(front.f1, front.f2, "o", color=BLUE, ms=4, mew=0, label="front that was found")
    f1, f2 = cleared.clearing.f1, cleared.clearing.f2
    if f1 is not None and f2 is not None:
        rule = cleared.as_dict()["choose"]
        label = f"chosen: {rule}"
        ax.plot([f1], [f2], "*", color=ORANGE, ms=15, mec="black", mew=0.8, label=label)
    if cleared.compared is not None:
        ax.plot(
            [cleared.compared.f1],
            [cleared.compared.f2],
            "X",
            color=RED,
            ms=10,
            mec="black",
            mew=0.6,
            label="published matrix",
        )
