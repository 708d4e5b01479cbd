"""How much is traded, by how many, at which price, and how well contracts are kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def share(part: float, whole: float) -> float | None:
    """Part of a whole, n/a without a whole.

    Formula: part / whole
    Unit: share of 1
    Source: common
    Care: of contracted energy it may exceed 1 where contracts were not kept.

    Parameters
    ----------
    part, whole : float
        In the same unit.

    Returns
    -------
    float or None
        None where the whole is 0.

    Examples
    --------
    >>> share(3.0, 12.0), share(3.0, 0.0)
    (0.25, None)
    """
    return None if whole == 0.0 else part / whole


def mean_price(price_per_kwh: ArrayLike, energy_kwh: ArrayLike) -> float | None:
    """Price of traded energy, weighted by energy.

    Formula: sum p E / sum E over all seller-buyer pairs
    Unit: currency/kWh
    Source: common
    Care: n/a without trade, and under `bill-sharing`, where energy has a price only by the month.

    Parameters
    ----------
    price_per_kwh, energy_kwh : array_like (n_trades,)
        Price and energy of each pair; the middle of what the seller gets and the buyer pays where
        these differ [currency/kWh, kWh].

    Returns
    -------
    float or None
        [currency/kWh]

    Examples
    --------
    >>> mean_price([4.0, 6.0], [3.0, 1.0])
    4.5
    """
    whole = float(np.sum(energy_kwh))
    return None if whole == 0.0 else float(np.dot(price_per_kwh, energy_kwh)) / whole


def concentration(energy_kwh: ArrayLike) -> float | None:
    """Herfindahl-Hirschman index of one side of the market over the whole run.

    Formula: sum_k (E_k / sum E)^2
    Unit: 1/N (all alike) to 1 (one has all); times 10,000 in competition law
    Source: Hirschman, American Economic Review 54 (1964) 761
    Care: each side apart; n/a without trade.

    Parameters
    ----------
    energy_kwh : array_like (n_members,)
        Energy sold (or bought) by each member [kWh].

    Returns
    -------
    float or None
        Index.

    Examples
    --------
    >>> concentration([3.0, 1.0, 0.0])
    0.625
    """
    energy = np.asarray(energy_kwh, dtype=float)
    whole = float(energy.sum())
    return None if whole == 0.0 else float(((energy / whole) ** 2).sum())


def coincident_kwh(
    net_export_kwh: NDArray[np.float64],
    sold_kwh: NDArray[np.float64],
    bought_kwh: NDArray[np.float64],
) -> float:
    """Contracted energy of one frame that is fed and drawn at the same time.

    Formula: sum_t min(sum_k min(s_k / X+_k, 1) x+_kt, sum_k min(b_k / X-_k, 1) x-_kt)
    Unit: kWh
    Source: ours
    Care: a contract is a volume by frame, not a flow. Each seller's sale is spread over the
    intervals as it feeds, each purchase as its buyer draws; what a member never feeds or draws
    in the frame coincides with nothing.

    Parameters
    ----------
    net_export_kwh : ndarray (n_intervals, n_members)
        Metered net export of the frame's intervals [kWh].
    sold_kwh, bought_kwh : ndarray (n_members,)
        Contracts of the frame [kWh].

    Returns
    -------
    float
        [kWh]

    Examples
    --------
    >>> coincident_kwh(np.array([[3.0, -1.0], [1.0, -3.0]]), np.array([4.0, 0]), np.array([0, 4.0]))
    2.0
    """
    feeding, drawing = np.maximum(net_export_kwh, 0.0), np.maximum(-net_export_kwh, 0.0)
    fed, drawn = feeding.sum(axis=0), drawing.sum(axis=0)
    none = np.zeros(len(sold_kwh))
    selling = np.divide(sold_kwh, fed, out=none.copy(), where=fed > 0.0)
    buying = np.divide(bought_kwh, drawn, out=none.copy(), where=drawn > 0.0)
    selling, buying = feeding @ np.minimum(selling, 1.0), drawing @ np.minimum(buying, 1.0)
    return float(np.minimum(selling, buying).sum())


def fulfilment(contract_kwh: ArrayLike, metered_kwh: ArrayLike) -> float | None:
    """Share of contracted energy that members fed, or drew, as contracted.

    Formula: sum clip(x, 0, c) / sum c for sellers, on abs(c) and -x for buyers
    Unit: share of 1
    Source: common
    Care: c = sold - bought, x the metered net export of the same frame with what the grid
    ordered to be curtailed added, because obeying is no breach.

    Parameters
    ----------
    contract_kwh, metered_kwh : array_like (n,)
        Contract and metered net export by member and frame [kWh].

    Returns
    -------
    float or None
        None without contracts.

    Examples
    --------
    >>> fulfilment([4.0, -4.0, 0.0], [3.0, -5.0, 9.0])
    0.875
    """
    c, x = np.asarray(contract_kwh, dtype=float), np.asarray(metered_kwh, dtype=float)
    whole = float(np.abs(c).sum())
    return None if whole == 0.0 else float(_kept(c, x).sum()) / whole


def deviation_cost(
    contract_kwh: ArrayLike,
    metered_kwh: ArrayLike,
    price_per_kwh: ArrayLike,
    retail_per_kwh: ArrayLike,
    feed_in_per_kwh: ArrayLike,
) -> float:
    """What broken contracts cost those who broke them, beside a contract of the right size.

    Formula: sum of short_seller (r - p) + short_buyer (p - f), short = abs(c) - kept
    Unit: currency
    Source: ours, from the settlement rules
    Care: a seller buys what is missing at retail, a buyer sells what is too much at feed-in.
    Penalties are postings of their own. Where a frame has no single price its mean price counts;
    n/a where energy has none (`bill-sharing`).

    Parameters
    ----------
    contract_kwh, metered_kwh : array_like (n,)
        Contract and metered net export by member and frame [kWh].
    price_per_kwh, retail_per_kwh, feed_in_per_kwh : array_like (n,)
        Prices of the frame of each row [currency/kWh].

    Returns
    -------
    float
        [currency]

    Examples
    --------
    >>> deviation_cost([4.0, -4.0], [3.0, -2.0], [5.0, 5.0], [6.0, 6.0], [3.0, 3.0])
    5.0
    """
    c, x = np.asarray(contract_kwh, dtype=float), np.asarray(metered_kwh, dtype=float)
    short = np.abs(c) - _kept(c, x)
    price, retail = np.asarray(price_per_kwh), np.asarray(retail_per_kwh)
    each = np.where(c > 0.0, retail - price, price - np.asarray(feed_in_per_kwh))
    return float(np.where(short > 0.0, short * each, 0.0).sum())


def _kept(c: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.clip(np.where(c >= 0.0, x, -x), 0.0, np.abs(c)))
