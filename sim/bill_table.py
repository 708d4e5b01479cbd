"""`bills.csv`: each prosumer's month, line by line, beside its counterfactuals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..market.rounding import to_major, to_minor
from ..market.savings import compare_bills
from ..market.statement import bill_table
from .state import MonthBills
from .world import World


def bills_frame(
    world: World, with_market: list[MonthBills], without: list[MonthBills]
) -> pd.DataFrame:
    """Return a row per prosumer and month; money in major units, exact to the minor one.

    A line is what the member owes (positive) or gets (negative). `saving` is what the market was
    worth to the member: its bill re-operated without P2P less its bill with it, each after what
    its battery could still deliver at the run's end, valued at the feed-in price
    (`battery_state_value`, `no_p2p_battery_state_value`; 0 in months before the last). It splits
    into `saving_price_effect`, the same meter billed without P2P less the bill, and
    `saving_operation_effect`, the rest: batteries and envelope were operated otherwise.
    """
    months = [
        _month(world, market, counterfactual)
        for market, counterfactual in zip(with_market, without, strict=True)
    ]
    return pd.concat(months, ignore_index=True)


def _month(world: World, market: MonthBills, without: MonthBills) -> pd.DataFrame:
    savings = compare_bills(market.market, without.market, market.same_meter, market.no_pv)
    table = pd.DataFrame(bill_table(market.market, savings))
    table.insert(0, "prosumer", list(world.members.names))
    table.insert(2, "note", market.market.month.note)
    per_major = world.tariff.minor_per_major
    value, no_p2p_value = (
        to_minor(np.maximum(stored * world.tariff.feed_in_per_kwh, 0.0), per_major)
        for stored in (market.stored_kwh, without.stored_kwh)
    )
    gain = value - no_p2p_value
    at = list(table.columns).index("saving")
    table.insert(at, "battery_state_value", to_major(value, per_major))
    table.insert(at + 1, "no_p2p_battery_state_value", to_major(no_p2p_value, per_major))
    table["saving"] = to_major(savings.saving_minor + gain, per_major)
    table["saving_operation_effect"] = to_major(savings.operation_effect_minor + gain, per_major)
    return table
