"""Pairing: from seller and buyer totals to energies of seller-buyer pairs.

Given totals with sum s = sum d, the published buyer welfare is greatest at the unique
E_ij = max(0, b_j / (x_i + y_j) - 1e-6), where the multipliers x, y make rows and columns fit.
Pairing in proportion, s_i d_j / T, is exact only where either side's caps are all slack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from . import pairing_kernel
from .clearing import Trades
from .water_filling import positive_weights

FloatArray = NDArray[np.float64]
PAIR_FLOOR = 1e-5  # a bid of 0 is paired like one of this share of the dearest: it is worth 0
EPSILON_KWH = 1e-6  # inside the logarithm of the published buyer welfare
EXACT_PAIRS = 10_000  # above this many pairs the search uses proportional values
SEARCH_TOLERANCE = 1e-4  # imbalance of a candidate; its value errs by the square of it
FINAL_TOLERANCE = 1e-9
LARGE_TOLERANCE = 1e-6  # of final pairings above `EXACT_PAIRS`
NEWTON_STEPS = 150


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """Exact pairing of k candidates.

    Parameters
    ----------
    log_value : (k,) float
        sum_ij b_j ln(E_ij + 1e-6) [currency].
    seller_price, buyer_price : (k, m), (k, n) float
        Multipliers x_i, y_j [currency/kWh], inf where no energy is to be paired; a constant may
        be moved from one side to the other.
    error : (k,) float
        Worst relative imbalance of a row or column.

    Examples
    --------
    >>> paired = pair_exactly(np.array([[2.0]]), np.array([[2.0]]), np.array([6.0]))
    >>> round(float(paired.log_value[0]), 4)
    4.1589
    """

    log_value: FloatArray
    seller_price: FloatArray
    buyer_price: FloatArray
    error: FloatArray

    @property
    def least_price(self) -> FloatArray:
        """c = min_i x_i + min_j y_j of each candidate, shape (k,) [currency/kWh].

        The value of one more kWh to buyers where neither its seller nor its buyer is limited.
        """
        return np.asarray(self.seller_price.min(axis=1) + self.buyer_price.min(axis=1))


def pair_exactly(
    sold_kwh: FloatArray,
    bought_kwh: FloatArray,
    bid_per_kwh: FloatArray,
    tolerance: float = FINAL_TOLERANCE,
    related: Literal["not", "loosely", "front"] = "not",
) -> Pairing:
    """Solve max sum_ij b_j ln(E_ij + eps) with given totals, for k candidates.

    The dual, min_x,y -sum_ij b_j ln(x_i + y_j) + sum_i x_i S_i + sum_j y_j D_j with totals
    S_i = s_i + n eps and D_j = d_j + m eps, is solved by a damped Newton method whose linear
    systems are solved by conjugate gradients.

    Parameters
    ----------
    sold_kwh, bought_kwh : (k, m), (k, n) float
        Totals [kWh] with equal sums.
    bid_per_kwh : (n,) float
        Bids b_j [currency/kWh].
    tolerance : float
        Greatest relative imbalance of a row or column.
    related : {"not", "loosely", "front"}
        How candidates start: each afresh; from the one before where that is nearer; or from the
        extrapolation of the two before (neighbours along a front).

    Returns
    -------
    Pairing
        Values and multipliers.

    Examples
    --------
    >>> one = pair_exactly(np.array([[1.0, 3.0]]), np.array([[2.0, 2.0]]), np.array([6.0, 6.0]))
    >>> energy_of(one, np.array([6.0, 6.0]))[0].round(6).tolist()
    [[0.5, 0.5], [1.5, 1.5]]
    """
    k, m = sold_kwh.shape
    n = bought_kwh.shape[1]
    x_rows = np.empty((k, m))
    x_cols = np.empty((k, n))
    values = np.empty(k)
    errors = np.empty(k)
    pairing_kernel.solve_many(
        np.ascontiguousarray(sold_kwh, dtype=np.float64),
        np.ascontiguousarray(bought_kwh, dtype=np.float64),
        np.ascontiguousarray(bid_per_kwh, dtype=np.float64),
        positive_weights(np.asarray(bid_per_kwh, dtype=np.float64), PAIR_FLOOR),
        EPSILON_KWH,
        tolerance,
        NEWTON_STEPS,
        ("not", "loosely", "front").index(related),
        x_rows,
        x_cols,
        values,
        errors,
    )
    return Pairing(values, x_rows, x_cols, errors)


def energy_of(pairing: Pairing, bid_per_kwh: FloatArray) -> FloatArray:
    """Return the energies E_ij of every candidate.

    Parameters
    ----------
    pairing : Pairing
        Multipliers of k candidates.
    bid_per_kwh : (n,) float
        Bids [currency/kWh].

    Returns
    -------
    (k, m, n) float
        Energies [kWh].

    Examples
    --------
    >>> one = pair_exactly(np.array([[2.0]]), np.array([[2.0]]), np.array([6.0]))
    >>> round(float(energy_of(one, np.array([6.0]))[0, 0, 0]), 6)
    2.0
    """
    prices = pairing.seller_price[:, :, None] + pairing.buyer_price[:, None, :]
    return np.maximum(positive_weights(bid_per_kwh, PAIR_FLOOR) / prices - EPSILON_KWH, 0.0)


def proportional_value(
    sold_kwh: FloatArray, bought_kwh: FloatArray, bid_per_kwh: FloatArray
) -> FloatArray:
    """Value of pairing in proportion, sum_ij b_j ln(s_i d_j / T + eps), in O(m + n).

    It is the exact pairing's value where one side's caps are all slack, and below it elsewhere.

    Parameters
    ----------
    sold_kwh, bought_kwh : (k, m), (k, n) float
        Totals [kWh] with equal sums.
    bid_per_kwh : (n,) float
        Bids [currency/kWh].

    Returns
    -------
    (k,) float
        [currency]

    Examples
    --------
    >>> v = proportional_value(np.array([[1.0, 3.0]]), np.array([[2.0, 2.0]]), np.array([6.0, 6.0]))
    >>> round(float(v[0]), 4)
    -3.4522
    """
    m = (sold_kwh > 0).sum(axis=1)
    n = (bought_kwh > 0).sum(axis=1)
    rows = np.where(sold_kwh > 0, sold_kwh + n[:, None] * EPSILON_KWH, 1.0)
    cols = np.where(bought_kwh > 0, bought_kwh + m[:, None] * EPSILON_KWH, 1.0)
    bids = np.where(bought_kwh > 0, bid_per_kwh, 0.0)
    active = bids.sum(axis=1)
    total = np.maximum(sold_kwh.sum(axis=1) + m * n * EPSILON_KWH, EPSILON_KWH)
    full = sold_kwh.shape[1] * float(bid_per_kwh.sum())
    paired = (
        active * np.log(rows).sum(axis=1)
        + m * (bids * np.log(cols)).sum(axis=1)
        - m * active * np.log(total)
    )
    return np.asarray(paired + (full - m * active) * np.log(EPSILON_KWH))


def dense_trades(
    sold_kwh: FloatArray, bought_kwh: FloatArray, bid_per_kwh: FloatArray, price_per_kwh: float
) -> Trades:
    """Write accepted totals as exactly paired energies (up to m n pairs).

    Parameters
    ----------
    sold_kwh, bought_kwh : (m,), (n,) float
        Totals [kWh] with equal sums.
    bid_per_kwh : (n,) float
        Bids [currency/kWh].
    price_per_kwh : float
        Price of every pair [currency/kWh].

    Returns
    -------
    Trades
        Row sums are `sold_kwh`, column sums `bought_kwh`, to round-off.

    Examples
    --------
    >>> t = dense_trades(np.array([1.0, 3.0]), np.array([4.0]), np.array([6.0]), 5.0)
    >>> t.energy_kwh.tolist()
    [1.0, 3.0]
    """
    total = float(sold_kwh.sum())
    if total <= 0.0:
        return Trades.none()
    paired = pair_exactly(sold_kwh[None], bought_kwh[None], bid_per_kwh)
    energy = energy_of(paired, bid_per_kwh)[0]
    floor = 1e-12 * np.outer(sold_kwh, bought_kwh) / total  # lets scaling reach every pair
    energy = np.maximum(energy, floor)
    for _ in range(200):  # a few scalings: the multipliers leave round-off, totals must not
        energy *= _ratio(sold_kwh, energy.sum(axis=1))[:, None]
        columns = energy.sum(axis=0)
        if np.all(np.abs(columns - bought_kwh) <= 1e-14 * bought_kwh):
            break
        energy *= _ratio(bought_kwh, columns)
    if not np.allclose(energy.sum(axis=1), sold_kwh, rtol=1e-9, atol=0.0):
        energy = np.outer(sold_kwh, bought_kwh) / total  # totals come first, whatever happens
    return trades_of(energy, price_per_kwh)


def trades_of(energy_kwh: FloatArray, price_per_kwh: float) -> Trades:
    """Write a matrix of energies as its pairs with energy > 0.

    Parameters
    ----------
    energy_kwh : (m, n) float
        Energies E_ij [kWh].
    price_per_kwh : float
        Price of every pair [currency/kWh].

    Returns
    -------
    Trades
        In row order.

    Examples
    --------
    >>> trades_of(np.array([[0.0, 2.0]]), 5.0).buyer.tolist()
    [1]
    """
    seller, buyer = np.nonzero(energy_kwh > 0)
    pairs = energy_kwh[seller, buyer]
    return Trades(seller, buyer, pairs, np.full(pairs.size, price_per_kwh))


def _ratio(target: FloatArray, now: FloatArray) -> FloatArray:
    return np.divide(target, now, out=np.zeros_like(now), where=now > 0)


def sparse_trades(
    sold_kwh: FloatArray,
    bought_kwh: FloatArray,
    offer_per_kwh: FloatArray,
    bid_per_kwh: FloatArray,
    price_per_kwh: float,
) -> Trades:
    """Write accepted totals as few pairs: merit order against merit order.

    Parameters
    ----------
    sold_kwh, bought_kwh : (m,), (n,) float
        Totals [kWh] with equal sums.
    offer_per_kwh, bid_per_kwh : (m,), (n,) float
        Offers ascending meet bids descending [currency/kWh].
    price_per_kwh : float
        Price of every pair [currency/kWh].

    Returns
    -------
    Trades
        At most m + n - 1 pairs.

    Examples
    --------
    >>> t = sparse_trades(np.array([1.0, 3.0]), np.array([2.0, 2.0]),
    ...                   np.array([3.0, 2.0]), np.array([5.0, 6.0]), 4.0)
    >>> list(zip(t.seller.tolist(), t.buyer.tolist(), t.energy_kwh.tolist()))
    [(1, 1, 2.0), (1, 0, 1.0), (0, 0, 1.0)]
    """
    sellers = np.argsort(offer_per_kwh, kind="stable")
    buyers = np.argsort(-bid_per_kwh, kind="stable")
    sellers, buyers = sellers[sold_kwh[sellers] > 0], buyers[bought_kwh[buyers] > 0]
    if sellers.size == 0 or buyers.size == 0:
        return Trades.none()
    sold, bought = np.cumsum(sold_kwh[sellers]), np.cumsum(bought_kwh[buyers])
    bought[-1] = sold[-1]  # equal up to round-off: one end, not two
    ends = np.union1d(sold, bought)
    ends = ends[np.diff(ends, prepend=0.0) > 1e-12 * ends[-1]]
    energy = np.diff(ends, prepend=0.0)
    middle = ends - 0.5 * energy
    seller = sellers[np.searchsorted(sold, middle)]
    buyer = buyers[np.searchsorted(bought, middle)]
    return Trades(seller, buyer, energy, np.full(energy.size, price_per_kwh))
