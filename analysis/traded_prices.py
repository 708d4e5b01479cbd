"""The price of a frame's trades, under rules with one price and with many."""

from __future__ import annotations

import pandas as pd

from ..sim.results import Results


def traded_prices(results: Results) -> pd.Series:
    """Return the mean price of traded energy by frame, NaN without trade.

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
    middle = 0.5 * (trades.price_per_kwh + trades.buyer_price_per_kwh)
    by_frame = trades.frame_id.astype(str)
    money = (middle * trades.energy_kwh).groupby(by_frame).sum()
    energy = trades.energy_kwh.groupby(by_frame).sum()
    mean: pd.Series = frames.frame_id.map(money / energy)
    return frames.mcp_per_kwh.where(frames.mcp_per_kwh.notna(), mean)
