"""Who gains, who loses, and how evenly: savings and bills, one number a member."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

TOP = 0.2
ROUNDING = 1.5  # minor units; a bill of lines rounded one by one differs by as much from nothing


def gain_or_loss(saving: ArrayLike, minor: float) -> NDArray[np.int8]:
    """Tell who gains and who loses, rounding left out: what every count and colour goes by.

    Formula: sign(x_i) where abs(x_i) > 1.5 minor units, else 0
    Unit: 1 better off, 0 unaffected, -1 worse off
    Source: ours
    Care: a paisa of rounding is neither a gain nor a loss.

    Parameters
    ----------
    saving : array_like (n_members,)
        Saving of each member over the run, sign kept [currency].
    minor : float
        One minor unit [currency].

    Returns
    -------
    ndarray (n_members,)
        1, 0 or -1.

    Examples
    --------
    >>> gain_or_loss([5.0, 0.01, 0.0, -2.0], 0.01).tolist()
    [1, 0, 0, -1]
    """
    x = np.asarray(saving, dtype=float)
    return np.where(np.abs(x) > ROUNDING * minor, np.sign(x), 0.0).astype(np.int8)


def share_better_off(saving: ArrayLike, minor: float) -> float:
    """Share of members that pay less than without the market (participation willingness).

    Formula: count(x_i > 1.5 minor units) / N, x_i = C0_i - C_i
    Unit: share of 1
    Source: the index 'participation willingness' of Zhou, Wu and Long, Applied Energy 222 (2018)
    Care: against the re-operated run without trade; a paisa of rounding does not count.

    Parameters
    ----------
    saving : array_like (n_members,)
        Saving of each member, sign kept [currency].
    minor : float
        One minor unit; 1.5 of these are rounding [currency].

    Returns
    -------
    float
        Share of 1.

    Examples
    --------
    >>> share_better_off([5.0, 0.01, 0.0, -2.0], 0.01)
    0.25
    """
    return float((gain_or_loss(saving, minor) > 0).mean())


def share_worse_off(saving: ArrayLike, minor: float) -> float:
    """Share of members that pay more than without the market: the losers.

    Formula: count(x_i < -1.5 minor units) / N, x_i = C0_i - C_i
    Unit: share of 1
    Source: ours
    Care: shown beside every mean, because a mean hides them.

    Parameters
    ----------
    saving : array_like (n_members,)
        Saving of each member, sign kept [currency].
    minor : float
        One minor unit; 1.5 of these are rounding [currency].

    Returns
    -------
    float
        Share of 1.

    Examples
    --------
    >>> share_worse_off([5.0, 0.01, 0.0, -2.0], 0.01)
    0.25
    """
    return float((gain_or_loss(saving, minor) < 0).mean())


def saving_share(saving: float, bill_without: float) -> float | None:
    """Saving of all members as a share of what they pay without the market.

    Formula: (C0 - C) / C0, only if C0 > 0
    Unit: share of 1
    Source: common
    Care: n/a where the community earns money without the market.

    Parameters
    ----------
    saving, bill_without : float
        C0 - C and C0 [currency].

    Returns
    -------
    float or None
        Share of 1, sign kept.

    Examples
    --------
    >>> saving_share(20.0, 80.0), saving_share(20.0, -80.0)
    (0.25, None)
    """
    return saving / bill_without if bill_without > 0.0 else None


def gini(values: ArrayLike) -> float | None:
    """Gini index of values that may be negative.

    Formula: sum_ij abs(x_i - x_j) / (2 N sum_i abs(x_i))
    Unit: 0 (all alike) to 1
    Source: the bounded form for negative values, after Raffinetti, Siletti and Vernizzi,
    Statistical Methods & Applications 24 (2015) 507-521
    Care: with losses it measures spread around zero, not only inequality; read it beside the
    share of losers.

    Parameters
    ----------
    values : array_like (n_members,)
        Savings, sign kept [currency].

    Returns
    -------
    float or None
        None where all values are 0.

    Examples
    --------
    >>> gini([1.0, 1.0, 4.0]), gini([-1.0, 1.0])
    (0.3333333333333333, 0.5)
    """
    x = np.sort(np.asarray(values, dtype=float))
    whole = float(np.abs(x).sum())
    if whole == 0.0:
        return None
    n = x.size
    pairs = 2.0 * float(np.dot(2.0 * np.arange(1, n + 1) - n - 1.0, x))
    return pairs / (2.0 * n * whole)


def jain(values: ArrayLike) -> float | None:
    """Jain's fairness index.

    Formula: (sum x)^2 / (N sum x^2), only if all x >= 0
    Unit: 1/N (one has all) to 1 (all alike)
    Source: Jain, Chiu and Hawe, DEC research report TR-301 (1984)
    Care: n/a where a member loses: with negative values it can rise as somebody is harmed
    (Dynge and Cali, 2025, show how popular fairness indices mislead there).

    Parameters
    ----------
    values : array_like (n_members,)
        Savings [currency].

    Returns
    -------
    float or None
        None with a negative value, or where all are 0.

    Examples
    --------
    >>> jain([1.0, 1.0, 4.0]), jain([1.0, -1.0])
    (0.6666666666666666, None)
    """
    x = np.asarray(values, dtype=float)
    squares = float((x * x).sum())
    if squares == 0.0 or bool((x < 0.0).any()):
        return None
    return float(x.sum()) ** 2 / (x.size * squares)


def top_share(values: ArrayLike) -> float | None:
    """Share of all gains that goes to the fifth of the members that gain most.

    Formula: sum of the round(0.2 N) greatest x+ / sum x+, x+ = max(x, 0)
    Unit: share of 1
    Source: common (top-20 % share)
    Care: of gains alone; losses are counted elsewhere. At least one member.

    Parameters
    ----------
    values : array_like (n_members,)
        Savings, sign kept [currency].

    Returns
    -------
    float or None
        None where nobody gains.

    Examples
    --------
    >>> top_share([1.0, 1.0, 4.0, 2.0, -3.0])
    0.5
    """
    gains = np.sort(np.maximum(np.asarray(values, dtype=float), 0.0))[::-1]
    whole = float(gains.sum())
    return None if whole == 0.0 else float(gains[: max(1, round(TOP * gains.size))].sum()) / whole


def equality(bills: ArrayLike, reference_bills: ArrayLike) -> float | None:
    """One less the Gini index of members' incomes from energy.

    Formula: 1 - Gini(y - y_0), y_i = -C_i, y_0 = the least income of either case
    Unit: 0 to 1 (all alike)
    Source: the index of this name of Zhou, Wu and Long, Applied Energy 222 (2018) 993-1022
    Care: incomes are negative for whoever pays, so they are shifted until the poorest member of
    both cases has 0. Any shift is arbitrary: read the difference, not the level, and never
    compare two communities by it.

    Parameters
    ----------
    bills, reference_bills : array_like (n_members,)
        Bills of this case, and of the other [currency].

    Returns
    -------
    float or None
        None where all incomes are alike and 0 after the shift.

    Examples
    --------
    >>> equality([4.0, 0.0], [4.0, 4.0])
    0.5
    """
    income, other = -np.asarray(bills, dtype=float), -np.asarray(reference_bills, dtype=float)
    index = gini(income - min(income.min(), other.min()))
    return None if index is None else 1.0 - index
