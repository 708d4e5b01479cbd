"""Money in whole minor units: one rounding rule, and splits that sum exactly.

The rule, used for every line of every bill and every posting: *half away from zero, after the
amount in minor units was rounded to six decimals*. The six decimals take away what binary floating
point adds (1.005 x 100 is 100.49999999999999 in float64, and an auditor's 100.5).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

#: Energy that counts for a bill is rounded to a millionth of a kWh, so that 249.99999999999997
#: and 250 stand on the same side of a slab's edge.
ENERGY_DECIMALS = 6

#: Decimals of a minor unit that are kept before the half is rounded away from zero.
NOISE_DECIMALS = 6

#: Up to this many minor units every whole number is a float64, so that no rounding loses one.
LARGEST_MINOR = 2**53


def to_minor(amount: ArrayLike, minor_per_major: int = 100) -> IntArray:
    """Round amounts of money to whole minor units, half away from zero.

    Parameters
    ----------
    amount : array_like, shape (...)
        Money in major units (INR), of either sign. [currency]
    minor_per_major : int
        Minor units in one major unit (100 paise in a rupee).

    Returns
    -------
    numpy.ndarray of int64, shape (...)
        Money in whole minor units. A scalar gives an array of shape ().

    Raises
    ------
    ValueError
        If an amount is NaN or infinite, or above 2^53 minor units.

    Examples
    --------
    >>> to_minor([0.155, -0.155, 2.004]).tolist()
    [16, -16, 200]
    """
    value = np.asarray(amount, dtype=np.float64)
    if not np.all(np.isfinite(value)):
        raise ValueError("an amount of money is NaN or infinite: pass finite numbers")
    minor = np.round(value * minor_per_major, NOISE_DECIMALS)
    _check_size(minor)
    rounded: IntArray = (np.sign(minor) * np.floor(np.abs(minor) + 0.5)).astype(np.int64)
    return rounded


def to_major(amount_minor: ArrayLike, minor_per_major: int = 100) -> FloatArray:
    """Whole minor units as major units, for display and tables.

    Parameters
    ----------
    amount_minor : array_like of int, shape (...)
        Money in whole minor units.
    minor_per_major : int
        Minor units in one major unit.

    Returns
    -------
    numpy.ndarray of float64, shape (...)
        Money in major units. [currency]

    Examples
    --------
    >>> to_major([16, -200]).tolist()
    [0.16, -2.0]
    """
    major: FloatArray = np.asarray(amount_minor, dtype=np.int64) / float(minor_per_major)
    return major


def split_minor(exact_minor: ArrayLike, total_minor: int | None = None) -> IntArray:
    """Split a total among members by the method of largest remainders.

    Each member first gets the floor of its exact share; the minor units that are left go one by
    one to the largest remainders. Of equal remainders the larger share is served first, then the
    order of the array, so the amounts do not depend on the order. A share of 0 gets 0. [1]_

    Parameters
    ----------
    exact_minor : array_like, shape (n,)
        Exact shares, in minor units with decimals, of either sign.
    total_minor : int, optional
        What the split has to sum to; by default the rounded sum of the shares.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        Whole minor units whose sum is exactly the total.

    Raises
    ------
    ValueError
        If a share is NaN or infinite or above 2^53 minor units, or if nobody has a share and the
        total is not 0.

    References
    ----------
    .. [1] M. L. Balinski, H. P. Young, *Fair Representation*, 2nd ed., Brookings, 2001
       (Hamilton's method).

    Examples
    --------
    >>> split_minor([33.4, 33.3, 33.3]).tolist()
    [34, 33, 33]
    >>> split_minor([1.5, 1.5, 0.0], 3).tolist()
    [2, 1, 0]
    """
    exact = np.asarray(exact_minor, dtype=np.float64)
    if not np.all(np.isfinite(exact)):
        raise ValueError("a share of money is NaN or infinite: pass finite numbers")
    total = int(to_minor(exact.sum(), 1)) if total_minor is None else int(total_minor)
    share = np.round(exact, NOISE_DECIMALS)
    _check_size(share)
    split: IntArray = np.floor(share).astype(np.int64)
    holders = np.flatnonzero(share)
    if holders.size == 0:
        if total != 0:
            raise ValueError(f"nobody has a share of {total} minor units: pass a share above 0")
        return split
    rounds, extra = divmod(total - int(split.sum()), holders.size)
    split[holders] += rounds
    held = share[holders]
    # Six decimals again: the difference of two equal remainders must be nothing.
    remainder = np.round(held - np.floor(held), NOISE_DECIMALS)
    split[holders[np.lexsort((-held, -remainder))[:extra]]] += 1
    return split


def billable_kwh(energy_kwh: ArrayLike) -> FloatArray:
    """Energy as a bill counts it: rounded to a millionth of a kWh (1 mWh).

    Parameters
    ----------
    energy_kwh : array_like, shape (...)
        Metered energy. [kWh]

    Returns
    -------
    numpy.ndarray of float64, shape (...)
        The energy that slabs and rates are applied to. [kWh]

    Examples
    --------
    >>> float(billable_kwh(0.1 + 0.2))
    0.3
    """
    energy = np.asarray(energy_kwh, dtype=np.float64)
    return np.asarray(np.round(energy, ENERGY_DECIMALS), dtype=np.float64)


def _check_size(minor: FloatArray) -> None:
    if not np.all(np.abs(minor) <= LARGEST_MINOR):
        raise ValueError(
            f"an amount of money is above {LARGEST_MINOR:,} minor units, where whole ones are "
            "lost: lower prices or energies"
        )
