"""Make the figure of docs/clearing.md again: python docs/clearing_figures.py."""

from __future__ import annotations

import numpy as np
from doc_tables import DOCS
from matplotlib.figure import Figure

from gridbazaar.analysis.figures import BLUE, GREEN, ORANGE, RED
from gridbazaar.market.frame_market import FrameMarket
from gridbazaar.market.objectives import OBJECTIVES
from gridbazaar.market.order import OrderBook

SIZES = np.array([1, 2, 3, 4, 6, 8, 12, 18, 25, 35, 50, 70])
ORDERS_KWH = {6.0: (BLUE, "o"), 20.0: (ORANGE, "s"), 60.0: (GREEN, "^"), 200.0: (RED, "D")}
MARKETS = 12
PRICE, LOW_BID, HIGH_BID = 5.0, 5.0, 8.0


def share_at_optimum(size: int, order_kwh: float, seed: int) -> float:
    """Energy at the buyers' optimum over the most that can be traded, in one random market."""
    rng = np.random.default_rng(seed)
    capacity, demand = order_kwh * rng.lognormal(0.0, 0.5, (2, size))
    book = OrderBook(
        tuple(f"s{i}" for i in range(size)),
        np.full(size, 4.0),
        capacity,
        tuple(f"b{j}" for j in range(size)),
        rng.uniform(LOW_BID, HIGH_BID, size),
        demand,
    )
    everybody = np.ones(size, dtype=np.bool_)
    market = FrameMarket.of(book, everybody, everybody, PRICE)
    front = OBJECTIVES["published"].exact_front(market, 2)
    traded = front.sold_kwh.sum(axis=1)
    return float(traded[0] / market.most_kwh)


def conflict_figure() -> Figure:
    """Where the published objectives stop conflicting, by market size and size of orders."""
    figure = Figure(figsize=(8.2, 4.4), layout="constrained")
    ax = figure.subplots()
    for order, (colour, marker) in ORDERS_KWH.items():
        share = np.array(
            [[share_at_optimum(int(m), order, seed) for seed in range(MARKETS)] for m in SIZES]
        )
        low, middle, high = np.quantile(share, [0.1, 0.5, 0.9], axis=1)
        ax.fill_between(SIZES, low, high, color=colour, alpha=0.18, lw=0)
        label = f"orders of {order:.0f} kWh"
        ax.plot(SIZES, middle, marker=marker, ms=5, lw=1.6, color=colour, label=label)
    ax.axhline(1.0, color="black", lw=0.8, ls="--")
    ax.set(
        xscale="log",
        xticks=[1, 2, 4, 8, 18, 35, 70],
        xticklabels=["1", "2", "4", "8", "18", "35", "70"],
        ylim=(0.0, 1.05),
        xlabel="sellers, and as many buyers",
        ylabel="energy at the buyers' optimum / most energy",
    )
    ax.minorticks_off()
    ax.set_title("at 1 the front is one point", loc="left", fontsize="medium", color="0.3")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="0.92", lw=0.6)
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 0.95))
    return figure


if __name__ == "__main__":
    conflict_figure().savefig(DOCS / "images" / "clearing_conflict.png", dpi=110)
