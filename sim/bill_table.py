"""`bills.csv`: each prosumer's month, line by line, beside its counterfactuals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..market.bill_lines import KINDS
from .state import MonthBills
from .world import World


def bill_table(world: World, with_market: list[MonthBills], without: list[MonthBills]) -> pd.DataFrame:
    """Return a row per prosumer and month; money in major units, exact to the minor one.

    A line is what the member owes (positive) or gets (negative). `saving` is what the market was
    worth to the member: its bill re-operated without P2P less its bill with it, each after what
    its battery still holds at the run's end, valued at the feed-in price. It splits into

    - `saving_price_effect`: the same meter billed without P2P, less the bill;
    - `saving_operation_effect`: the rest, because batteries and envelope were operated otherwise.
    """
    months = [
        _month(world, market, counterfactual)
        for market, counterfactual in zip(with_market, without, strict=True)
    ]
    return pd.concat(months, ignore_index=True)


def _month(world: World, market: MonthBills, without: MonthBills) -> pd.DataFrame:
    tariff, bills = world.tariff, market.market
    per_major = tariff.minor_per_major
    columns: dict[str, object] = {
        "prosumer": list(world.members.names),
        "month": bills.month.name,
        "note": bills.month.note,
    }
    for k, frame in enumerate(tariff.frame_names):
        columns[f"grid_import_{frame.replace('-', '_').replace(' ', '_')}_kwh"] = (
            bills.grid_import_kwh[:, k]
        )
    columns["grid_export_kwh"] = bills.grid_export_kwh.sum(axis=1)
    columns["p2p_bought_kwh"] = bills.energy_kwh("p2p_bought")
    columns["p2p_sold_kwh"] = bills.energy_kwh("p2p_sold")
    for kind in KINDS:
        columns[kind] = _major(bills.amount_minor(kind), per_major)
    columns["total"] = _major(bills.total_minor, per_major)
    columns["no_p2p_total"] = _major(without.market.total_minor, per_major)
    columns["no_p2p_same_meter_total"] = _major(market.same_meter.total_minor, per_major)
    columns["no_pv_total"] = _major(market.no_pv.total_minor, per_major)
    values = {
        name: np.rint(stored * tariff.feed_in_per_kwh * per_major).astype(np.int64)
        for name, stored in (
            ("battery_state_value", market.stored_kwh),
            ("no_p2p_battery_state_value", without.stored_kwh),
        )
    }
    for name, minor in values.items():
        columns[name] = _major(minor, per_major)
    saving = (
        without.market.total_minor
        - values["no_p2p_battery_state_value"]
        - bills.total_minor
        + values["battery_state_value"]
    )
    price_effect = market.same_meter.total_minor - bills.total_minor
    columns["saving"] = _major(saving, per_major)
    columns["saving_price_effect"] = _major(price_effect, per_major)
    columns["saving_operation_effect"] = _major(saving - price_effect, per_major)
    return pd.DataFrame(columns)


def _major(minor: np.ndarray, per_major: int) -> np.ndarray:
    """Whole minor units as major ones; the nearest float prints with the exact decimals."""
    return minor / per_major
