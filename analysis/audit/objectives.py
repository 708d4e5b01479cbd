"""The two objectives of each frame's front, from the traded pairs."""

from __future__ import annotations

import numpy as np

from .books import Books
from .check import Findings
from .inputs import Run

EPSILON_KWH = 1e-6  # inside the logarithm of the published buyer welfare
EXACT_PAIRS = 10_000  # above it, accepted totals are written as few pairs
RELATIVE = 1e-7
#: So far from the price must the marginal value be for the front's collapse to be certain.
CERTAIN = 0.01

F1 = "buyer welfare f1 follows from the traded pairs"
F2 = "seller welfare f2 is price times traded energy"
COLLAPSED = "a front has collapsed where no buyer would rather have less"


def check_objectives(run: Run, found: Findings, books: Books) -> None:
    """Derive f1, f2, and whether the front has collapsed."""
    market = run.scenario["market"]
    some = run.frames["traded_kwh"] > 0.0
    if market["mechanism"] != "pareto":
        found.explain(F1, f"mechanism {market['mechanism']} has no such objectives")
        return
    offer, bid, wanted = books.offer, books.bid, books.wanted
    price = run.frames["mcp_per_kwh"]
    sold, bought = run.positions["sold_kwh"], run.positions["bought_kwh"]
    total = sold.sum(axis=1)
    selling, buying = books.eligible(price, market["participation"] == "all")
    value = np.where(buying, bid, 0.0)
    f2, scale2 = price * total, np.maximum(price * total, 1e-12)
    if market["objectives"] == "published":
        published(run, found, np.where(selling, offer, np.nan), np.where(buying, bid, np.nan))
    elif market["objectives"] in ("per-buyer", "surplus"):
        if market["objectives"] == "per-buyer":
            share = np.divide(bought, wanted, out=np.zeros_like(bought), where=wanted > 0.0)
            f1 = (value * wanted * np.log1p(share)).sum(axis=1) - f2
        else:
            f1 = np.nansum(np.where(bought > 0.0, bid, 0.0) * bought, axis=1) - f2
            f2 = f2 - np.nansum(np.where(sold > 0.0, offer, 0.0) * sold, axis=1)
        scale = np.maximum(np.nansum(value * bought, axis=1), 1e-12)
        _compare(run, found, F1, "f1", f1, scale, some)
        scale2 = np.maximum(scale2, scale)
    else:
        found.fail(F1, f"the audit does not know the objectives {market['objectives']!r}")
        return
    _compare(run, found, F2, "f2", f2, scale2, some)


def _compare(
    run: Run,
    found: Findings,
    name: str,
    column: str,
    derived: np.ndarray,
    scale: np.ndarray,
    some: np.ndarray,
) -> None:
    found.close(
        name,
        np.where(some, run.frames[column] / scale, np.nan),
        np.where(some, derived / scale, np.nan),
        RELATIVE,
        lambda f: f"{run.time.ids[f]} (relative)",
    )


def published(run: Run, found: Findings, offer: np.ndarray, bid: np.ndarray) -> None:
    """f1 = sum_ij (b_j ln(E_ij + 1e-6) - MCP E_ij) over all eligible pairs, empty ones included.

    `offer` and `bid` are NaN where a home takes no part. Frames of more than 10,000 pairs are
    written as few pairs (unless the search carried pairs), from which the exactly paired value
    does not follow: there it is bracketed from both sides, see :func:`bracket`.
    """
    sold, bought = run.positions["sold_kwh"], run.positions["bought_kwh"]
    price, recorded = run.frames["mcp_per_kwh"], run.frames["f1"]
    trades = run.trades
    order = np.argsort(trades.frame, kind="stable")
    ends = np.searchsorted(trades.frame[order], np.arange(run.n_frames + 1))
    low, high, least = (np.full(run.n_frames, np.nan) for _ in range(3))
    scale = np.ones(run.n_frames)
    market = run.scenario["market"]
    as_searched = market["engine"] == "nsga2" and market["encoding"] == "pairwise"
    for frame in np.flatnonzero(run.frames["traded_kwh"] > 0.0).tolist():
        rows = order[ends[frame] : ends[frame + 1]]
        bids = bid[frame]
        m, all_bids = int((~np.isnan(offer[frame])).sum()), float(np.nansum(bids))
        sellers, buyers = sold[frame] > 0.0, bought[frame] > 0.0
        cost = float(price[frame] * sold[frame].sum())
        scale[frame] = max(m * all_bids, 1e-12)
        if as_searched or sellers.sum() * buyers.sum() <= EXACT_PAIRS:
            worth, energy = bids[trades.buyer[rows]], trades.energy[rows] + EPSILON_KWH
            silent = m * all_bids - float(worth.sum())
            low[frame] = high[frame] = float((worth * np.log(energy)).sum())
            least[frame] = float((worth / energy).min(initial=np.inf))
        else:
            silent = m * all_bids - float(sellers.sum() * bids[buyers].sum())
            low[frame], high[frame], least[frame] = bracket(
                sold[frame][sellers], bought[frame][buyers], bids[buyers]
            )
        rest = silent * np.log(EPSILON_KWH) - cost
        low[frame] += rest
        high[frame] += rest
        if high[frame] - low[frame] > 0.1 * RELATIVE * scale[frame]:
            found.explain(
                F1, f"known to {high[frame] - low[frame]:.2g} only in {run.time.ids[frame]}"
            )
    traded = run.frames["traded_kwh"] > 0.0
    beyond = np.maximum(low - recorded, recorded - high) / scale
    found.at_most(
        F1,
        np.where(traded, beyond, 0.0),
        RELATIVE,
        lambda f: f"{run.time.ids[f]} ({recorded[f]:.10g} recorded, relative to m sum b)",
    )
    with np.errstate(divide="ignore", invalid="ignore"):  # energy may go for nothing
        ratio = least / price
    _check_collapsed(run, found, ratio)


def bracket(
    sold: np.ndarray, bought: np.ndarray, bid: np.ndarray, width: float = 1e-8
) -> tuple[float, float, float]:
    """Bracket the greatest sum_ij b_j ln(E_ij + eps) over pairs with given totals.

    Any x, y with x_i + y_j > 0 bound it from above (weak duality); the pairs
    E_ij = b_j / (x_i + y_j) - eps, scaled to the totals, are one feasible choice and bound it from
    below. The bounds are drawn together by setting x and y in turn so that rows, then columns, fit.

    Parameters
    ----------
    sold, bought : ndarray (m,), (n,)
        Positive totals with equal sums [kWh].
    bid : ndarray (n,)
        Bids [currency/kWh].
    width : float
        Stop when the bounds are this near, relative to m sum b.

    Returns
    -------
    tuple of float
        Lower bound, upper bound, and min x + min y: the marginal value of energy between a seller
        and a buyer that no limit holds.

    Examples
    --------
    >>> low, high, _ = bracket(np.array([1.0, 3.0]), np.array([2.0, 2.0]), np.array([6.0, 6.0]))
    >>> round(low, 4), round(high, 4)
    (-3.4522, -3.4522)
    """
    m, n = sold.size, bought.size
    rows, columns = sold + n * EPSILON_KWH, bought + m * EPSILON_KWH
    bid = np.maximum(bid, 1e-12)
    scale = m * float(bid.sum())
    x, y = bid.sum() / rows, np.zeros(n)
    low, high = -np.inf, np.inf
    constant = m * float((bid * (np.log(bid) - 1.0)).sum())
    for _ in range(200):
        y = _fit(y, x, np.ones(m), columns / bid)
        x = _fit(x, y, bid, rows)
        price = x[:, None] + y
        high = min(
            high, constant + float(x @ rows + y @ columns) - float(np.log(price).sum(axis=0) @ bid)
        )
        energy = bid / price
        energy *= columns / energy.sum(axis=0)
        energy *= (rows / energy.sum(axis=1))[:, None]
        short = float(np.abs(energy.sum(axis=0) / columns - 1.0).max())
        if short < 1e-9 or high - low > width * scale:
            low = max(low, float(np.log(energy).sum(axis=0) @ bid) - 2.0 * short * scale)
        if high - low <= width * scale:
            break
    return low, high, float(x.min() + y.min())


def _fit(own: np.ndarray, other: np.ndarray, weight: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Solve sum_k weight_k / (own_i + other_k) = total_i for each i.

    Newton's method on the reciprocal of the sum, which is concave and nearly linear in own_i.
    """
    floor = -other.min() + 1e-9 * weight.sum() / total.max()
    wanted = 1.0 / total
    for _ in range(3):
        parts = 1.0 / (own[:, None] + other)
        held = 1.0 / (parts @ weight)
        slope = held * held * (np.square(parts) @ weight)
        own = np.maximum(own + (wanted - held) / slope, floor)
    return own


def _check_collapsed(run: Run, found: Findings, ratio: np.ndarray) -> None:
    """Compare with the marginal value of energy over the price, at the energy that was traded."""
    market = run.scenario["market"]
    choice = market.get("choose") or "demand-first"
    paired = market["engine"] == "nsga2" and market["encoding"] == "pairwise"
    if choice != "demand-first" or market["network"] == "constrained" or paired:
        found.explain(COLLAPSED, "not derivable for this choice, encoding or network method")
        return
    switched = np.zeros(run.n_frames, dtype=np.bool_)
    switched[run.capping["frame"][run.capping.text("phase") == "switch"]] = True
    sure = ~np.isnan(ratio) & (np.abs(ratio - 1.0) > CERTAIN) & ~switched
    found.holds(
        COLLAPSED,
        ~sure | (run.frames["front_collapsed"] == (ratio > 1.0)),
        lambda f: f"{run.time.ids[f]}: marginal value is {ratio[f]:.3g} of the price",
    )
