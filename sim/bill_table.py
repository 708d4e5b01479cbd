"""The money tables of a run: `bills.csv`, `bill_lines.csv`, `utility.csv`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..market.rounding import to_major, to_minor
from ..market.savings import compare_bills
from ..market.statement import bill_table, line_table
from ..market.utility_account import account_table, utility_account
from .state import MonthBills
from .world import World


def bills_frame(
    world: World, with_market: list[MonthBills], without: list[MonthBills]
) -> pd.DataFrame:
    """Return a row per prosumer and month; money in major units, exact to the minor one.

    A line is what the member owes (positive) or gets (negative). `saving` is what the market was
    worth to the member: its bill re-operated without P2P less its bill with it, each after what
    the month put in its bank of net metering (`bank_value`, `no_p2p_bank_value`) and what its
    battery could still deliver at the run's end, valued at the feed-in price
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


def bill_lines_frame(world: World, with_market: list[MonthBills]) -> pd.DataFrame:
    """Return a row per line of each prosumer's bill, in the bill's order.

    `amount` is what the member owes (positive) or gets (negative), in major units; the lines of a
    bill add up to its total. `slab` counts the tariff's steps from 1, 0 where a line has none.
    """
    names = np.array(world.members.names, dtype=object)
    months = []
    for month in with_market:
        table = pd.DataFrame(line_table(month.market))
        table.insert(0, "prosumer", names[table.pop("member").to_numpy()])
        months.append(table)
    return pd.concat(months, ignore_index=True)


def utility_frame(with_market: list[MonthBills], without: list[MonthBills]) -> pd.DataFrame:
    """Return the utility's month in three cases, and what the market changed.

    Cases: `market`; `no-p2p`, the second run re-operated without peer-to-peer trade;
    `same-meter`, the market's meters and bulk purchase billed without trade; `difference`,
    `market` less `no-p2p`. Income is positive, cost negative, in major units. `bulk_purchase_kwh`
    is what the substation drew, losses included. `banked_value` is what the utility came to owe
    in units over the month, at the payout price of the bank: a debt, and not part of `net`.
    """
    months = []
    for market, counterfactual in zip(with_market, without, strict=True):
        account = utility_account(market.market, market.bulk_kwh, market.balance_minor)
        no_p2p = utility_account(counterfactual.market, counterfactual.bulk_kwh)
        same_meter = utility_account(market.same_meter, market.bulk_kwh)
        table = pd.DataFrame(
            account_table(
                [account, no_p2p, same_meter, account.less(no_p2p)],
                market.market.tariff.minor_per_major,
            )
        )
        table.insert(0, "month", market.market.month.name)
        table.insert(1, "case", ["market", "no-p2p", "same-meter", "difference"])
        banked = np.array(
            [
                bills.bank_gain_minor.sum()
                for bills in (market.market, counterfactual.market, market.same_meter)
            ],
            dtype=np.int64,
        )
        banked = np.append(banked, banked[0] - banked[1])
        table["banked_value"] = to_major(banked, market.market.tariff.minor_per_major)
        bulk = [market.bulk_kwh, counterfactual.bulk_kwh, market.bulk_kwh]
        table.insert(2, "bulk_purchase_kwh", [*bulk, market.bulk_kwh - counterfactual.bulk_kwh])
        months.append(table)
    return pd.concat(months, ignore_index=True)
