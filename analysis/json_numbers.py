"""Numbers as the JSON documents of `clear` hold them: without round-off."""

from __future__ import annotations

import math

DECIMALS = 6  # of kWh, money, objectives and prices
VOLTAGE_DECIMALS = 9  # of p.u.


def rounded(value: float | None, decimals: int = DECIMALS) -> float | None:
    """Round to some decimals; None where there is no number.

    Examples
    --------
    >>> rounded(12.299999999), rounded(-1e-17), rounded(float("nan"))
    (12.3, 0.0, None)
    """
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), decimals) + 0.0
