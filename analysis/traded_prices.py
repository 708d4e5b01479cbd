"""The price of a frame's trades, under rules with one price and with many."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..market.mechanism import ClearingRules
from ..market.registry import MECHANISMS
from ..sim.results import Results


def has_prices(results: Results) -> bool:
    """Whether energy has a price when it is traded.

    It has none under a rule that levels bills at the month's end (`bill-sharing`): trades stand at
    0 in the files, and what energy costs is known only with the bill.

    Parameters
    ----------
    results : Results
        A finished run.

    Returns
    -------
    bool
        True also for a rule that is not registered here.
    """
    name = results.scenario["market"]["mechanism"]
    build = MECHANISMS.get(name)
    return build is None or not getattr(build(ClearingRules(name)), "levels_month", False)


def traded_prices(results: Results) -> pd.Series:
    """Return the mean price of traded energy by frame, NaN without trade or without a price.

    It is the market clearing price where there is a single one; else the mean over pairs, weighted
    by energy, of what sellers get and buyers pay. Payments beside price times energy are left out.

    Parameters
    ----------
    results : Results
        A finished run.

    Returns
    -------
    pandas.Series
        Aligned with `results.frames` [currency/kWh].
    """
    frames, trades = results.frames, results.trades
    if not has_prices(results):
        return frames.mcp_per_kwh * np.nan
    middle = 0.5 * (trades.price_per_kwh + trades.buyer_price_per_kwh)
    by_frame = trades.frame_id.astype(str)
    money = (middle * trades.energy_kwh).groupby(by_frame).sum()
    energy = trades.energy_kwh.groupby(by_frame).sum()
    mean: pd.Series = frames.frame_id.map(money / energy)
    return frames.mcp_per_kwh.where(frames.mcp_per_kwh.notna(), mean)
