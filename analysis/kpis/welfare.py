"""What trade is worth: surplus over the prices that members state, and how much was possible."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def surplus(
    bid_per_kwh: ArrayLike, bought_kwh: ArrayLike, ask_per_kwh: ArrayLike, sold_kwh: ArrayLike
) -> float:
    """Total surplus: what buyers would have paid at most less what sellers wanted at least.

    Formula: sum_j b_j d_j - sum_i a_i s_i
    Unit: currency
    Source: textbook; in money, never the published f1, which has no invariant unit
    Care: over the prices that members state, by contract (before deviations). 0 without trade.

    Parameters
    ----------
    bid_per_kwh, bought_kwh : array_like (n_bids,)
        Price of each bid and what it bought [currency/kWh, kWh].
    ask_per_kwh, sold_kwh : array_like (n_asks,)
        Price of each ask and what it sold [currency/kWh, kWh].

    Returns
    -------
    float
        [currency]

    Examples
    --------
    >>> surplus([6.0, 5.0], [2.0, 1.0], [4.0], [3.0])
    5.0
    """
    return float(np.dot(bid_per_kwh, bought_kwh) - np.dot(ask_per_kwh, sold_kwh))


def greatest_surplus(
    bid_per_kwh: ArrayLike, demand_kwh: ArrayLike, ask_per_kwh: ArrayLike, capacity_kwh: ArrayLike
) -> tuple[float, float]:
    """Greatest surplus that the orders of one frame allow, and the energy that it takes.

    Formula: max sum_j b_j d_j - sum_i a_i s_i with sum d = sum s, d <= D, s <= G
    Unit: currency and kWh
    Source: textbook: dearest bids meet cheapest asks until they cross
    Care: the feeder is left out, so that what the network costs is part of the gap. Energy whose
    bid equals its ask is worth nothing and counts as volume.

    Parameters
    ----------
    bid_per_kwh, demand_kwh : array_like (n_bids,)
        Bids of one frame [currency/kWh, kWh].
    ask_per_kwh, capacity_kwh : array_like (n_asks,)
        Asks of one frame [currency/kWh, kWh].

    Returns
    -------
    tuple of float
        Surplus [currency] and volume [kWh].

    Examples
    --------
    >>> greatest_surplus([6.0, 5.0, 3.0], [2.0, 2.0, 9.0], [4.0, 2.0], [9.0, 1.0])
    (8.0, 4.0)
    """
    bid, demand = np.asarray(bid_per_kwh, float), np.asarray(demand_kwh, float)
    ask, capacity = np.asarray(ask_per_kwh, float), np.asarray(capacity_kwh, float)
    if bid.size == 0 or ask.size == 0:
        return 0.0, 0.0
    down, up = np.argsort(-bid, kind="stable"), np.argsort(ask, kind="stable")
    demanded, offered = np.cumsum(demand[down]), np.cumsum(capacity[up])
    edges = np.union1d(demanded, offered)
    edges = edges[edges <= min(demanded[-1], offered[-1])]
    step = np.diff(edges, prepend=0.0)
    middle = edges - 0.5 * step
    gain = (
        bid[down][np.minimum(np.searchsorted(demanded, middle), bid.size - 1)]
        - ask[up][np.minimum(np.searchsorted(offered, middle), ask.size - 1)]
    )
    matched = gain >= 0.0
    return float((gain * step)[matched].sum()), float(step[matched].sum())


def welfare_efficiency(realised: float, greatest: float) -> float:
    """Realised surplus as a share of the greatest one.

    Formula: V / V_max, 1 if V_max = 0
    Unit: share of 1
    Source: textbook (allocative efficiency)
    Care: below 1 by the feeder's limits, by the choice from the front, and by the mechanism.

    Parameters
    ----------
    realised, greatest : float
        Surplus [currency]; or volumes [kWh], for the share of the volume.

    Returns
    -------
    float
        Negative where trade was made against the stated prices.

    Examples
    --------
    >>> welfare_efficiency(6.0, 8.0), welfare_efficiency(0.0, 0.0)
    (0.75, 1.0)
    """
    return 1.0 if greatest == 0.0 else realised / greatest


def buyers_surplus(bid_per_kwh: ArrayLike, bought_kwh: ArrayLike, paid: float) -> float:
    """What buyers keep: what they would have paid at most less what they pay.

    Formula: sum_j b_j d_j - payments
    Unit: currency
    Source: textbook (consumer surplus)
    Care: charges are left out: the bids are already net of them. A member's side is that of its
    order in the frame; what a mechanism pays beside price times energy counts on that side. n/a
    where energy has no price (`bill-sharing`).

    Parameters
    ----------
    bid_per_kwh, bought_kwh : array_like (n_bids,)
        Price of each bid and what it bought [currency/kWh, kWh].
    paid : float
        What buyers pay into the market, net [currency].

    Returns
    -------
    float
        [currency]

    Examples
    --------
    >>> buyers_surplus([6.0, 5.0], [2.0, 1.0], 13.5)
    3.5
    """
    return float(np.dot(bid_per_kwh, bought_kwh)) - paid


def sellers_surplus(ask_per_kwh: ArrayLike, sold_kwh: ArrayLike, received: float) -> float:
    """What sellers keep: what they get less what they wanted at least.

    Formula: receipts - sum_i a_i s_i
    Unit: currency
    Source: textbook (producer surplus)
    Care: charges are left out: the asks already hold them. Payments beside price times energy
    count as in the surplus of buyers; n/a where energy has no price.

    Parameters
    ----------
    ask_per_kwh, sold_kwh : array_like (n_asks,)
        Price of each ask and what it sold [currency/kWh, kWh].
    received : float
        What sellers get out of the market, net [currency].

    Returns
    -------
    float
        [currency]

    Examples
    --------
    >>> sellers_surplus([4.0], [3.0], 13.5)
    1.5
    """
    return received - float(np.dot(ask_per_kwh, sold_kwh))


def budget_balance(paid: float, received: float) -> float:
    """What the mechanism collects and does not pay out.

    Formula: payments - receipts
    Unit: currency
    Source: textbook (budget balance)
    Care: negative is a deficit; the utility bears it.

    Parameters
    ----------
    paid, received : float
        What buyers pay into the market and sellers get out of it, net [currency].

    Returns
    -------
    float
        [currency]

    Examples
    --------
    >>> budget_balance(13.5, 15.0)
    -1.5
    """
    return paid - received


def value_tapping(
    saving: float,
    import_kwh: ArrayLike,
    export_kwh: ArrayLike,
    retail_per_kwh: ArrayLike,
    feed_in_per_kwh: ArrayLike,
) -> float | None:
    """How much of the value of sharing the market taps, on the meters as they were read.

    Formula: (V - V_ref) / (V_max - V_ref), V - V_ref the price effect of the saving,
    V_max - V_ref = sum_f max(0, r_f - f_f) min(sum_k M_kf, sum_k X_kf)
    Unit: share of 1
    Source: the index of this name of Zhou, Wu and Long, Applied Energy 222 (2018) 993-1022
    Care: V_max is a cooperative that shares all its members' energy of a frame and meets the
    grid as one customer, without charges; where feed-in is dearer than retail it shares nothing.
    Only where one retail and one feed-in price hold for all: n/a under slabs, banking, gross
    metering and netting by interval.

    Parameters
    ----------
    saving : float
        What trade saves members with the same meters, charges paid [currency].
    import_kwh, export_kwh : array_like (n_frames, n_members)
        Metered by frame, before any trade [kWh].
    retail_per_kwh, feed_in_per_kwh : array_like (n_frames,)
        Prices of the grid [currency/kWh].

    Returns
    -------
    float or None
        None where there is nothing to share.

    Examples
    --------
    >>> value_tapping(6.0, [[0.0, 5.0]], [[4.0, 0.0]], [6.0], [3.0])
    0.5
    >>> both = [[0.0, 5.0], [0.0, 5.0]], [[4.0, 0.0], [4.0, 0.0]]
    >>> value_tapping(6.0, *both, [6.0, 2.0], [3.0, 3.0])  # the second frame shares nothing
    0.5
    """
    shared = np.minimum(np.sum(import_kwh, axis=1), np.sum(export_kwh, axis=1))
    gap = np.asarray(retail_per_kwh, dtype=float) - np.asarray(feed_in_per_kwh, dtype=float)
    most = float(np.dot(np.maximum(gap, 0.0), shared))
    return None if most <= 0.0 else saving / most
