"""The utility's side, counted as the members' side is."""

from __future__ import annotations


def net_after_banked(net: float, banked_value: float) -> float:
    """Net of the utility less what it came to owe in banked units.

    Formula: net - B, B = sum of the units that banks gained, at their payout price
    Unit: currency
    Source: ours
    Care: a member's saving counts the units in its bank as its own, so the utility's side of the
    same account counts them as a debt; without banking it is the net.

    Parameters
    ----------
    net, banked_value : float
        Of the utility's account over the run [currency].

    Returns
    -------
    float
        [currency]

    Examples
    --------
    >>> net_after_banked(12.0, 5.0)
    7.0
    """
    return net - banked_value
