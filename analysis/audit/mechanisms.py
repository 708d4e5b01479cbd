"""What other mechanisms than `pareto` may charge: prices, payments beside them, the budget.

A frame in which sales were capped was cleared as if the accepted caps had been the offers.
"""

from __future__ import annotations

import numpy as np

from .books import PRICE, Books, price_of_book
from .check import Findings
from .inputs import Run
from .meters import FrameSums
from .settlement import Settlement, shared_out, whole_minor

#: Mechanisms whose single price is that of the k-double-auction, and those that keep no money.
MIDDLE = ("optimum", "uniform", "vcg", "agv")
POOLS = ("mid-market-rate", "supply-demand-ratio", "bill-sharing")
BALANCED = (*POOLS, "pareto", "grid-only", "optimum", "uniform", "pay-as-bid", "continuous", "agv")
SURPLUS = ("mcafee", "trade-reduction", "competition-padding")
#: Those that pay beside price times energy.
BESIDE = ("vcg", "agv")

TRANSFERS = "payments beside the price of energy are such as the mechanism makes"
BUDGET = "the utility bears and keeps of a mechanism's money what it may"
OWN_PRICE = "the single price of a mechanism follows from the orders"


def check_own_prices(run: Run, found: Findings, books: Books) -> None:
    """Derive the single price of each frame, under mechanisms that have one."""
    market, frames, terms = run.scenario["market"], run.frames, run.terms
    name = market["mechanism"]
    if name not in (*MIDDLE, *POOLS):
        found.explain(OWN_PRICE, f"mechanism {name} has none, or one that is derived elsewhere")
        return
    trading = frames["traded_kwh"] > 0.0
    allowed = run.steps.accepted_caps(books.offered)
    feed_in = max(terms.feed_in, 0.0)
    derived = np.full(run.n_frames, np.nan)
    for frame in np.flatnonzero(trading).tolist():
        retail = float(terms.retail[run.time.tod[frame]])
        asks, bids = ~np.isnan(books.offer[frame]), ~np.isnan(books.bid[frame])
        offered, wanted = allowed[frame][asks], books.wanted[frame][bids]
        if name in MIDDLE:
            derived[frame] = price_of_book(
                books.offer[frame][asks],
                offered,
                books.bid[frame][bids],
                wanted,
                (retail, feed_in),
                "k-double-auction",
                float(market["k"]) if name == "uniform" else 0.5,
            )
        elif name == "mid-market-rate":
            derived[frame] = (retail + feed_in) / 2.0
        elif name == "bill-sharing":
            derived[frame] = 0.0
        else:
            ratio = min(float(offered.sum() / wanted.sum()), 1.0)
            derived[frame] = feed_in * retail / (feed_in + ratio * (retail - feed_in))
    found.close(
        OWN_PRICE,
        np.where(trading, frames["mcp_per_kwh"], np.nan),
        derived,
        PRICE,
        lambda f: run.time.ids[f],
        terms.currency,
    )


def check_transfers(run: Run, found: Findings, posted: np.ndarray) -> np.ndarray:
    """Return what each frame must pay beside price times energy, (n_frames, n_homes).

    Nothing as a rule. `vcg`: each home's pivot. `agv`: as posted, as its draws are not on file; it
    must sum to nothing.
    """
    name = run.setting("market", "mechanism")
    if name not in BESIDE:
        return np.zeros_like(posted) if name in (*BALANCED, *SURPLUS) else posted
    if name == "agv":
        found.explain(TRANSFERS, "agv: its draws are not on file, so each sum is known, no part")
        found.holds(TRANSFERS, posted.sum(axis=1) == 0, lambda f: run.time.ids[f])
        return posted
    found.holds(TRANSFERS, posted >= 0, lambda f, h: run.frame_home(f, h))
    derived, allowed = np.zeros_like(posted), run.steps.accepted_caps(run.books.offered)
    for frame in range(run.n_frames):
        pivots = _pivots(run, frame, allowed[frame])
        exact = run.kept[frame] * pivots * run.terms.minor_per_major
        total = whole_minor(np.array([exact.sum()]))
        derived[frame] = shared_out(exact[None], total)[0]
    return derived


def _pivots(run: Run, frame: int, offered: np.ndarray) -> np.ndarray:
    """Return V - V_-k less the gain at the frame's price, for each home [currency].

    The greatest surplus is the least sum over prices of what all would gain at that price.
    """
    books, retail = run.books, float(run.terms.retail[run.time.tod[frame]])
    offer, bid = books.offer[frame], np.minimum(books.bid[frame], retail)
    price = np.append(offer[~np.isnan(offer)], bid[~np.isnan(bid)])
    if not price.size or np.isnan(run.frames["mcp_per_kwh"][frame]):
        return np.zeros(run.n_homes)
    sells = np.maximum(price[:, None] - np.nan_to_num(offer, nan=np.inf), 0.0)
    buys = np.maximum(np.nan_to_num(bid, nan=-np.inf) - price[:, None], 0.0)
    gain = sells * offered + buys * books.wanted[frame]
    total = gain.sum(axis=1)
    worth = total.min() - (total[:, None] - gain).min(axis=0)
    mcp = run.frames["mcp_per_kwh"][frame]
    at_price = np.nan_to_num(mcp - offer) * run.positions["sold_kwh"][frame]
    at_price += np.nan_to_num(bid - mcp) * run.positions["bought_kwh"][frame]
    return np.maximum(worth - at_price, 0.0)


def check_budget(run: Run, found: Findings, balance: np.ndarray) -> None:
    """Demand of each frame that the utility keeps nothing, or bears nothing, where that is due."""
    name = run.setting("market", "mechanism")
    if name in BALANCED:
        found.holds(BUDGET, balance == 0, lambda f: run.time.ids[f])
    elif name == "vcg":
        found.holds(BUDGET, balance <= 0, lambda f: run.time.ids[f])
    elif name in SURPLUS and float(run.scenario["market"].get("padding", 1.0)) >= 1.0:
        found.holds(BUDGET, balance >= 0, lambda f: run.time.ids[f])
    else:
        found.explain(BUDGET, f"nothing is known of the budget of {name}")


def levelled_months(run: Run, sums: FrameSums, settled: Settlement) -> list[np.ndarray]:
    """Return what `bill-sharing` pays each home at the end of each month [minor units].

    The cost of the homes' imports from the grid, at the frames' reference prices, is shared in
    proportion to metered imports, the income from exports in proportion to metered exports.
    """
    shared = run.setting("market", "mechanism") == "bill-sharing"
    retail = run.terms.retail[run.time.tod][:, None]
    given = []
    for month in run.months:
        part = month.frames
        gets = np.zeros(run.n_homes)
        for sign, money, energy in (
            (1.0, retail[part] * settled.billed_import[part], sums.imported[part]),
            (-1.0, run.terms.feed_in * settled.grid_export[part], sums.exported[part]),
        ):
            own, weight = money.sum(axis=0), energy.sum(axis=0)
            if shared and weight.sum() > 0.0:
                gets += sign * (own - own.sum() * weight / weight.sum())
        exact = gets[None] * run.terms.minor_per_major
        given.append(shared_out(exact, np.zeros(1, dtype=np.int64))[0])
    return given


def mechanism_notes(run: Run) -> list[str]:
    """Return what the mechanism has to say before a run."""
    market = run.scenario["market"]
    if market["mechanism"] != "agv":
        return []
    return [
        "agv: the prior of a member's price is estimated from its own past orders of the run; "
        f"until there are {market['prior_orders']} on a side it is the fallback 'uniform between "
        "feed-in and retail'"
    ]
