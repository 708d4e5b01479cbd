"""What `bill-sharing` levels at a month's end: the community's cost and income by energy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .rounding import split_minor
from .settlement import FrameSettlement
from .tariff import Tariff

IntArray = NDArray[np.int64]


def levelled_minor(tariff: Tariff, frames: Sequence[FrameSettlement]) -> IntArray:
    r"""Level each member's exchange with the grid to its share of the community's.

    At the reference prices of the frames (r_t retail, f feed-in), member k bought for C_k =
    sum_t r_t y^-_kt and sold for I_k = f sum_t y^+_kt, y the exchange with the grid beyond its
    contracts [kWh]. With its metered imports M_k and exports X_k of the month [kWh] it gets

    .. math:: \left(C_k - \frac{M_k}{\sum M} \sum C\right)
        + \left(\frac{X_k}{\sum X} \sum I - I_k\right)

    [1]_; what it pays the utility is billed as ever, slabs included. Netting of imports and exports
    is the tariff's. Levelling at reference prices beside each member's own bill is ours.

    Parameters
    ----------
    tariff : Tariff
        Prices.
    frames : sequence of FrameSettlement
        The month's frames, at least one.

    Returns
    -------
    numpy.ndarray of int64, shape (N,)
        What each member gets (+) or pays (-); it sums to 0. [minor units]

    References
    ----------
    .. [1] C. Long, J. Wu, C. Zhang, L. Thomas, M. Cheng and N. Jenkins, "Peer-to-peer energy
       trading in a community microgrid", IEEE PES General Meeting, 2017,
       doi:10.1109/PESGM.2017.8274546.

    Examples
    --------
    A home imports 2 kWh at night for 6, its neighbour 2 kWh at noon for 4 INR/kWh: 10 each.

    >>> import math
    >>> from gridbazaar.market.settlement import settle_frame
    >>> from gridbazaar.market.tariff import Slab
    >>> from gridbazaar.market.tod import ToDFrame
    >>> frames = (ToDFrame("noon", 360, 1080, 1.0), ToDFrame("night", 1080, 360, 1.5))
    >>> tariff = Tariff("two", frames, 4.0, 3.0, 3.0, (Slab(math.inf, 4.0),))
    >>> month = [settle_frame(tariff, 0, "noon", "2025-11-01T18:00", [0.0, -2.0]),
    ...          settle_frame(tariff, 1, "night", "2025-11-02T06:00", [-2.0, 0.0])]
    >>> levelled_minor(tariff, month).tolist()
    [200, -200]
    """
    cost = sum(tariff.retail_per_kwh(part.frame_name) * part.billed_import_kwh for part in frames)
    income = sum(tariff.feed_in_per_kwh * part.grid_export_kwh for part in frames)
    imported = sum(part.metered.import_kwh for part in frames)
    exported = sum(part.metered.export_kwh for part in frames)
    gets = np.zeros_like(np.asarray(cost))
    for sign, money, energy in ((1.0, cost, imported), (-1.0, income, exported)):
        money, energy = np.asarray(money), np.asarray(energy)
        if energy.sum() > 0.0:
            gets += sign * (money - money.sum() * energy / energy.sum())
    return split_minor(gets * tariff.minor_per_major, 0)
