"""The end of a frame: settle it, and put everything that it was into the day's record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..agents.frame_plan import FramePlan
from ..agents.market_operator import FrameResult
from ..market.clearing import Clearing, Front
from ..market.settlement import FrameSettlement, settle_frame
from .calendar import Frame
from .state import SettledFrame

if TYPE_CHECKING:
    from .model import MarketModel


def end_frame(model: MarketModel, frame: Frame, result: FrameResult) -> None:
    """Settle a frame into the ledger, record it, and keep what the month's bills need."""
    world, day = model.world, model.day
    per_day = world.calendar.intervals_per_day
    first = world.calendar.index(frame.start_minute) % per_day
    columns = slice(first, first + world.calendar.index(frame.end_minute - frame.start_minute))
    metered = {name: values[:, columns] for name, values in day.meters.items()}
    model.state.errors.add(
        load=(result.plan.load_kwh, metered["load_kwh"] + metered["unserved_kwh"]),
        pv=(result.plan.pv_kwh, metered["pv_kwh"]),
    )
    settled = _settle(model, frame, result, metered)
    model.state.ledger.post(settled.postings, settled.time, frame.number)
    model.state.month.append(
        SettledFrame(
            frame=frame,
            settled=settled,
            load_kwh=metered["load_kwh"].sum(axis=1),
            # An interval whose power flow has no solution leaves no number to buy by.
            substation_kwh=float(np.nansum(day.network["substation_kw"][columns]))
            * world.calendar.interval_hours,
        )
    )
    network = {name: values[columns] for name, values in day.network.items()}
    day.frames.append(_frame_row(model, frame, result, metered, network))
    day.orders.append(_orders(frame, result, model))
    day.trades.append(_trades(frame, result, model))
    day.capping.append(_capping(frame, result))
    day.caps.append(_caps(frame, result, model))
    day.exchange.append(_exchange(frame, settled, metered))
    _keep_plan(day.plans, result.plan, columns)
    if result.clearing.front is not None:
        day.fronts.append(_front(frame, result.clearing.front))
    ordered = metered["ordered_kwh"].sum(axis=1)
    day.positions.append(_positions(frame, result, settled, ordered))


def void_share(model: MarketModel, frame: Frame) -> float:
    """Return the share of a frame's contracts that an outage makes void.

    A contract is a volume over the frame, not a flow: the hours without supply take their share of
    it by time, alike for seller and buyer, so that what is left still balances.
    """
    calendar = model.world.calendar
    columns = slice(calendar.index(frame.start_minute), calendar.index(frame.end_minute))
    return float(model.world.outage[columns].mean())


def _settle(
    model: MarketModel, frame: Frame, result: FrameResult, metered: dict[str, np.ndarray]
) -> FrameSettlement:
    tariff, schedule = model.world.tariff, result.schedule
    kept = 1.0 - void_share(model, frame)
    net = metered["net_export_kwh"]
    gross: dict[str, Any] = {}
    if tariff.metering == "gross-metering":
        delivered = metered["pv_kwh"] - metered["curtailed_kwh"]
        stored = metered["battery_discharge_kwh"] - metered["battery_charge_kwh"]
        gross = {
            "metered_export_kwh": (delivered + np.maximum(stored, 0.0)).sum(axis=1),
            "metered_import_kwh": (metered["load_kwh"] + np.maximum(-stored, 0.0)).sum(axis=1),
        }
    elif tariff.netting == "interval":
        gross = {
            "metered_export_kwh": np.maximum(net, 0.0).sum(axis=1),
            "metered_import_kwh": np.maximum(-net, 0.0).sum(axis=1),
        }
    return settle_frame(
        tariff,
        frame.number,
        frame.name,
        np.datetime64(frame.end),
        net.sum(axis=1),
        sold_kwh=kept * schedule.sold_kwh,
        bought_kwh=kept * schedule.bought_kwh,
        paid=kept * schedule.paid,
        received=kept * schedule.received,
        transfer=kept * schedule.transfer,
        ordered_curtailment_kwh=metered["ordered_kwh"].sum(axis=1),
        scheduled_grid_export_kwh=kept * (schedule.grid_export_kwh - schedule.grid_import_kwh),
        **gross,
    )


def _frame_row(
    model: MarketModel,
    frame: Frame,
    result: FrameResult,
    metered: dict[str, np.ndarray],
    network: dict[str, np.ndarray],
) -> dict[str, Any]:
    clearing, book, schedule = result.clearing, result.book, result.schedule
    front = clearing.front
    return {
        "frame_id": frame.frame_id,
        "start": frame.start,
        "end": frame.end,
        "name": frame.name,
        "mcp_per_kwh": clearing.mcp_per_kwh,
        "retail_per_kwh": model.world.tariff.retail_per_kwh(frame.name),
        "feed_in_per_kwh": model.world.tariff.feed_in_per_kwh,
        "sellers": book.m,
        "buyers": book.n,
        "offered_kwh": float(book.capacity_kwh.sum()),
        "demanded_kwh": float(book.demand_kwh.sum()),
        "traded_kwh": float(clearing.sold_kwh.sum()),
        "f1": clearing.f1,
        "f2": clearing.f2,
        "front_collapsed": front.collapsed if front else None,
        "front_points": len(front.f1) if front else None,
        "evaluations": front.evaluations if front else None,
        "iterations": len(clearing.capping),
        "status": clearing.status,
        "undervoltage_base": clearing.undervoltage_base,
        "v_max_unchecked_pu": _number(_first_v_max(clearing)),
        "v_min_pu": _number(result.v_min_pu),
        "v_max_pu": _number(result.v_max_pu),
        "capped_kwh": float(schedule.capped_kwh.sum()),
        "withheld_kwh": float(schedule.withheld_kwh.sum()),
        "curtailed_kwh": float(metered["curtailed_kwh"].sum()),
        "ordered_curtailment_kwh": float(metered["ordered_kwh"].sum()),
        "unserved_kwh": float(metered["unserved_kwh"].sum()),
        "void_share": void_share(model, frame),
        "v_min_metered_pu": _number(np.min(network["v_min_pu"])),
        "v_max_metered_pu": _number(np.max(network["v_max_pu"])),
    }


def _first_v_max(clearing: Clearing) -> float:
    """Return the greatest voltage of the first schedule, before the network loop acted."""
    if clearing.capping:
        return clearing.capping[0].v_max_pu
    return np.nan if clearing.v_max_pu is None else clearing.v_max_pu


def _number(value: float) -> float | None:
    """Return a float, or None where a power flow without solution left no number."""
    return None if np.isnan(value) else float(value)


def _orders(frame: Frame, result: FrameResult, model: MarketModel) -> dict[str, Any]:
    book, rows = result.book, model.operator.rows
    return {
        "frame_id": frame.frame_id,
        "prosumer": np.array([rows[name] for name in (*book.sellers, *book.buyers)], dtype=int),
        "side": ["ask"] * book.m + ["bid"] * book.n,
        "quantity_kwh": np.concatenate([book.capacity_kwh, book.demand_kwh]),
        "price_per_kwh": np.concatenate([book.offer_per_kwh, book.bid_per_kwh]),
    }


def _trades(frame: Frame, result: FrameResult, model: MarketModel) -> dict[str, Any]:
    book, trades, rows = result.book, result.clearing.trades, model.operator.rows
    return {
        "frame_id": frame.frame_id,
        "seller": np.array([rows[book.sellers[i]] for i in trades.seller], dtype=int),
        "buyer": np.array([rows[book.buyers[j]] for j in trades.buyer], dtype=int),
        "energy_kwh": trades.energy_kwh,
        "price_per_kwh": trades.price_per_kwh,
        "buyer_price_per_kwh": trades.paid_per_kwh,
    }


def _capping(frame: Frame, result: FrameResult) -> dict[str, Any]:
    steps = result.clearing.capping
    return {
        "frame_id": frame.frame_id,
        "step": list(range(len(steps))),
        "phase": [step.phase for step in steps],
        "feasible": [bool(step.feasible) for step in steps],
        "caps_kwh": np.array([step.caps_kwh.sum() for step in steps]),
        "traded_kwh": np.array([step.traded_kwh for step in steps]),
        "v_min_pu": np.array([step.v_min_pu for step in steps]),
        "v_max_pu": np.array([step.v_max_pu for step in steps]),
        "critical_buses": [" ".join(step.critical_buses) for step in steps],
    }


def _caps(frame: Frame, result: FrameResult, model: MarketModel) -> dict[str, Any]:
    """Each seller's cap and sale in each step of the network loop."""
    book, steps = result.book, result.clearing.capping
    rows = np.array([model.operator.rows[name] for name in book.sellers], dtype=int)
    empty = np.zeros(0)
    return {
        "frame_id": frame.frame_id,
        "step": np.repeat(np.arange(len(steps)), book.m),
        "prosumer": np.tile(rows, len(steps)),
        "cap_kwh": np.concatenate([empty, *(step.caps_kwh for step in steps)]),
        "sold_kwh": np.concatenate([empty, *(step.sold_kwh for step in steps)]),
    }


def _exchange(
    frame: Frame, settled: FrameSettlement, metered: dict[str, np.ndarray]
) -> dict[str, Any]:
    return {
        "frame_id": frame.frame_id,
        "prosumer": np.arange(len(metered["net_export_kwh"])),
        "net_export_kwh": settled.metered.net_export_kwh,
        "import_kwh": settled.metered.import_kwh,
        "export_kwh": settled.metered.export_kwh,
        "battery_charge_kwh": metered["battery_charge_kwh"].sum(axis=1),
        "battery_discharge_kwh": metered["battery_discharge_kwh"].sum(axis=1),
        "curtailed_kwh": metered["curtailed_kwh"].sum(axis=1),
        "stored_kwh": metered["stored_kwh"][:, -1],
        "load_kwh": metered["load_kwh"].sum(axis=1),
    }


def _keep_plan(plans: dict[str, np.ndarray], plan: FramePlan, columns: slice) -> None:
    plans["load_kwh"][:, columns] = plan.load_kwh
    plans["pv_kwh"][:, columns] = plan.pv_kwh
    plans["net_kwh"][:, columns] = plan.profile_kwh
    plans["battery_for_sale_kwh"][:, columns] = plan.battery.for_sale_kwh


def _front(frame: Frame, front: Front) -> dict[str, Any]:
    return {
        "frame_id": frame.frame_id,
        "f1": front.f1,
        "f2": front.f2,
        "traded_kwh": front.traded_kwh,
        "chosen": (np.arange(front.f1.size) == front.chosen).tolist(),
    }


def _positions(
    frame: Frame, result: FrameResult, settled: FrameSettlement, ordered: np.ndarray
) -> dict[str, Any]:
    schedule, gap = result.schedule, settled.deviation
    return {
        "frame_id": frame.frame_id,
        "prosumer": np.arange(len(schedule.sold_kwh)),
        "sold_kwh": schedule.sold_kwh,
        "bought_kwh": schedule.bought_kwh,
        "grid_export_scheduled_kwh": schedule.grid_export_kwh,
        "grid_import_scheduled_kwh": schedule.grid_import_kwh,
        "metered_net_export_kwh": settled.metered.net_export_kwh,
        "ordered_curtailment_kwh": ordered,
        "deviation_kwh": gap.deviation_kwh,
        "grid_import_kwh": gap.grid_import_kwh,
        "grid_export_kwh": gap.grid_export_kwh,
    }
