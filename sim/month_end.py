"""The end of a billing month: bills from the settled frames, and their postings; bills so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    state = model.state
    closed = _close(model, month)
    is_last = month.first_frame + month.n_frames == len(model.world.calendar.frames)
    bills = closed.bills if is_last else replace(closed.bills, stored_kwh=0.0 * state.stored_kwh)
    members = member_accounts(model.world.n_members)
    transfers = flow(CLEARING, members, "market_transfer", 0.0, closed.levelled_minor)
    posted = join([month_postings(bills.market, bills.bulk_kwh), transfers])
    state.ledger.post(posted, np.datetime64(state.month[-1].frame.end))
    state.bills.append(bills)
    state.bank_kwh |= closed.bank_kwh
    state.month = []


def bills_so_far(model: MarketModel) -> list[MonthBills]:
    """Bill every month as if the run ended with the frame that ended last; nothing is posted.

    The open month is billed in part, its slab edges and fixed charges prorated by the time gone;
    what batteries could still deliver now stands in the last month.

    Parameters
    ----------
    model : MarketModel
        The market at a frame's end; it is left as it is.

    Returns
    -------
    list of MonthBills
        At the run's end these are the run's bills; empty before the first frame has ended.

    Examples
    --------
    >>> from gridbazaar.scenarios.load import load_scenario
    >>> from gridbazaar.sim.build import build_world
    >>> from gridbazaar.sim.model import MarketModel
    >>> market = MarketModel(build_world(load_scenario("kerala-estates", ["days=2"])))
    >>> market.step()
    >>> [month.market.month.note for month in bills_so_far(market)]
    ['prorated: 0.50 of 30 days']
    """
    state = model.state
    if not state.month:
        return [*state.bills[:-1], *(_with_batteries(model, one) for one in state.bills[-1:])]
    frames = [kept.frame for kept in state.month]
    month = next(m for m in run_months(model) if m.first_frame == frames[0].number)
    if len(frames) < month.n_frames:
        minutes = frames[-1].end_minute - frames[0].start_minute
        month = replace(month, n_frames=len(frames), minutes=minutes, ends=False)
    return [*state.bills, _close(model, month).bills]


@dataclass(frozen=True)
class _Closed:
    """A billed month, and what its end would change: the banks, and what the rule levels."""

    bills: MonthBills
    bank_kwh: dict[str, np.ndarray | None]
    levelled_minor: np.ndarray


def _close(model: MarketModel, month: BillingMonth) -> _Closed:
    """Bill the frames of the open month three ways; the state is left as it is."""
    world, frames = model.world, model.state.month
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
    ways = {"market": market, "same_meter": same_meter, "no_pv": no_pv}
    bills = MonthBills(
        market, same_meter, no_pv, _deliverable_kwh(model), bulk_kwh, trade.balance_minor
    )
    return _Closed(bills, {way: one.bank_kwh for way, one in ways.items()}, levelled)


def _with_batteries(model: MarketModel, bills: MonthBills) -> MonthBills:
    return replace(bills, stored_kwh=_deliverable_kwh(model))


def _deliverable_kwh(model: MarketModel) -> np.ndarray:
    """Return what the batteries could still deliver now, (n_members,)."""
    fleet = model.world.fleet
    usable = np.maximum(model.state.stored_kwh - fleet.empty_kwh, 0.0)
    return usable * fleet.one_way_efficiency


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
    return bill_month(
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
