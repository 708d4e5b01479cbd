"""The end of a billing month: bills from the settled frames, and their postings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..market.bill import Bills, bill_month, month_postings
from ..market.bill_levelling import levelled_minor
from ..market.billing_month import BillingMonth, billing_months
from ..market.month_trade import MonthTrade
from ..market.postings import CLEARING, flow, join, member_accounts
from .state import MonthBills, SettledFrame

if TYPE_CHECKING:
    from .model import MarketModel


def run_months(model: MarketModel) -> tuple[BillingMonth, ...]:
    """Return the run's billing months, whole or in part."""
    frames = model.world.calendar.frames
    return billing_months(
        np.array([frame.start for frame in frames], dtype="datetime64[m]"),
        [frame.end_minute - frame.start_minute for frame in frames],
    )


def end_month(model: MarketModel, month: BillingMonth) -> None:
    """Bill the month three ways, post what the frames have not posted, and begin the next."""
    state, world = model.state, model.world
    frames = state.month
    settled = [kept.settled for kept in frames]
    load = np.stack([kept.load_kwh for kept in frames], axis=1)
    metered_in = np.stack([part.metered.import_kwh for part in settled], axis=1)
    metered_out = np.stack([part.metered.export_kwh for part in settled], axis=1)
    trade = MonthTrade.of(settled)
    levelled = np.zeros_like(trade.transfer_minor)
    if getattr(model.operator.mechanism, "levels_month", False):
        levelled = levelled_minor(world.tariff, settled)
        trade = replace(trade, transfer_minor=trade.transfer_minor + levelled)
    market = _bill(
        model,
        month,
        "market",
        np.stack([part.billed_import_kwh for part in settled], axis=1),
        np.stack([part.grid_export_kwh for part in settled], axis=1),
        frames,
        trade,
    )
    same_meter = _bill(model, month, "same_meter", metered_in, metered_out, frames)
    no_pv = _bill(model, month, "no_pv", load, np.zeros_like(load), frames)
    bulk_kwh = sum(kept.substation_kwh for kept in frames)
    transfers = flow(CLEARING, member_accounts(world.n_members), "market_transfer", 0.0, levelled)
    posted = join([month_postings(market, bulk_kwh), transfers])
    state.ledger.post(posted, np.datetime64(frames[-1].frame.end))
    is_last = month.first_frame + month.n_frames == len(world.calendar.frames)
    usable = np.maximum(state.stored_kwh - world.fleet.empty_kwh, 0.0)
    stored = usable * world.fleet.one_way_efficiency * is_last
    state.bills.append(MonthBills(market, same_meter, no_pv, stored, bulk_kwh, trade.balance_minor))
    state.month = []


def _bill(
    model: MarketModel,
    month: BillingMonth,
    way: str,
    import_kwh: np.ndarray,
    export_kwh: np.ndarray,
    frames: list[SettledFrame],
    trade: MonthTrade | None = None,
) -> Bills:
    tariff, banks = model.world.tariff, model.state.bank_kwh
    bills = bill_month(
        tariff,
        month,
        np.maximum(import_kwh, 0.0),
        np.maximum(export_kwh, 0.0),
        [tariff.frame_index(kept.frame.name) for kept in frames],
        trade=trade,
        three_phase=model.world.members.three_phase,
        pv_kw=model.world.members.pv_kwp,
        bank_kwh=banks.get(way),
    )
    banks[way] = bills.bank_kwh
    return bills
