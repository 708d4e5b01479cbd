"""Read what the indicators need from a run's tables, the large ones a day at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..traded_prices import has_prices, traded_prices
from .case import Book, Figures, Floats, side
from .trade import coincident_kwh

if TYPE_CHECKING:
    import pandas as pd

    from ...sim.results import Results

Codes = NDArray[np.int64]
Rows = dict[str, int]
Sides = NDArray[np.bool_]


def figures_of(results: Results) -> Figures:
    """Return the arrays of a finished run that its indicators are computed from.

    Raises
    ------
    RunError
        If the run's tables do not belong together.
    """
    frames, trades, manifest = results.frames, results.trades, results.manifest
    n_frames, n_members = len(frames), len(results.members)
    frame_of = {name: i for i, name in enumerate(frames.frame_id)}
    member_of = {name: i for i, name in enumerate(results.members.prosumer)}
    positions = results.positions
    row, column = _codes(positions.frame_id, frame_of), _codes(positions.prosumer, member_of)

    def by_member(name: str) -> Floats:
        grid = np.zeros((n_frames, n_members))
        grid[row, column] = positions[name].to_numpy()
        return grid

    # Contracts of hours without supply are void: ledger and meters have what is left of them.
    kept = 1.0 - frames.void_share.to_numpy()
    sold, bought = kept[:, None] * by_member("sold_kwh"), kept[:, None] * by_member("bought_kwh")
    minor = 1.0 / manifest["minor_per_major"]
    paid, received = _money(
        results, _selling(results.orders, frame_of, member_of), frame_of, member_of, minor
    )
    saving = results.bills.groupby("prosumer", sort=False)[
        ["saving", "saving_price_effect", "saving_operation_effect"]
    ].sum()
    per_kwh = 0.5 * (trades.price_per_kwh + trades.buyer_price_per_kwh).to_numpy()
    feeder = results.scenario["feeder"]
    ampacity = results.feeder.i_max_a
    known = bool(np.isfinite(ampacity).any())  # else there is no loading to solve the feeder for
    return Figures(
        market=side(results, "market"),
        no_p2p=side(results, "no-p2p"),
        hours=results.interval_hours,
        lower_pu=feeder["v_min_pu"],
        upper_pu=feeder["v_max_pu"],
        minor=minor,
        saving=saving["saving"].to_numpy(),
        price_effect=saving["saving_price_effect"].to_numpy(),
        operation_effect=saving["saving_operation_effect"].to_numpy(),
        book=_book(results.orders, frame_of, member_of, sold, bought),
        paid=paid,
        received=received,
        sold_kwh=sold,
        bought_kwh=bought,
        net_kwh=by_member("metered_net_export_kwh"),
        ordered_kwh=by_member("ordered_curtailment_kwh"),
        deviation_kwh=by_member("deviation_kwh"),
        retail_per_kwh=frames.retail_per_kwh.to_numpy(),
        feed_in_per_kwh=frames.feed_in_per_kwh.to_numpy(),
        price_per_kwh=traded_prices(results).to_numpy(dtype=np.float64, na_value=np.nan),
        trade_kwh=kept[_codes(trades.frame_id, frame_of)] * trades.energy_kwh.to_numpy(),
        trade_per_kwh=per_kwh if has_prices(results) else np.full(len(trades), np.nan),
        scheduled_v_max_pu=frames.v_max_pu.to_numpy(dtype=np.float64, na_value=np.nan),
        unchecked_v_max_pu=frames.v_max_unchecked_pu.to_numpy(dtype=np.float64, na_value=np.nan),
        capped_kwh=float(frames.capped_kwh.sum()),
        withheld_kwh=float(frames.withheld_kwh.sum()),
        one_price=_one_price(results.tariff),
        coincident_kwh=_coincident(results, sold, bought),
        peak_current_a=results.feeder_state.peak_current_a if known else 0.0 * ampacity,
        ampacity_a=ampacity,
    )


def _codes(names: pd.Series, known: dict[str, int]) -> Codes:
    """Turn names into row numbers, -1 for one that is not known; categories are looked up once."""
    categories = names.astype("category").cat
    each = np.array([known.get(str(name), -1) for name in categories.categories], dtype=np.int64)
    return np.asarray(np.append(each, -1)[categories.codes.to_numpy()])


def _money(
    results: Results, selling: Sides, frame_of: Rows, member_of: Rows, minor: float
) -> tuple[float, float]:
    """Return what buyers pay into the market, and what sellers get out of it [currency].

    Both are net: a payment beside price times energy may go either way, and belongs to the side
    that its member stood on in the frame. What is levelled at a month's end (`bill-sharing`) sums
    to nothing over importers, and over exporters, and so belongs to neither.
    """
    ledger = results.ledger
    ledger = ledger[ledger.frame_id.notna()]
    amount, frame = ledger.amount_minor.to_numpy(), _codes(ledger.frame_id, frame_of)
    paid = received = 0
    for member, other, sign in (("payer", "payee", 1), ("payee", "payer", -1)):
        who = _codes(ledger[member], member_of)  # -1: an account, not a member
        rows = (ledger[other] == "clearing").to_numpy() & (who >= 0)
        sells = selling[frame[rows], who[rows]]
        paid += sign * int(amount[rows][~sells].sum())
        received -= sign * int(amount[rows][sells].sum())
    return paid * minor, received * minor


def _selling(orders: pd.DataFrame, frame_of: Rows, member_of: Rows) -> Sides:
    """Tell by frame and member whether an order sells."""
    sells = np.zeros((len(frame_of), len(member_of)), dtype=np.bool_)
    frame, member = _codes(orders.frame_id, frame_of), _codes(orders.prosumer, member_of)
    sells[frame, member] = (orders.side == "ask").to_numpy()
    return sells


def _book(
    orders: pd.DataFrame,
    frame_of: dict[str, int],
    member_of: dict[str, int],
    sold: Floats,
    bought: Floats,
) -> Book:
    frame, member = _codes(orders.frame_id, frame_of), _codes(orders.prosumer, member_of)
    ask = (orders.side == "ask").to_numpy()
    return Book(
        frame=frame,
        ask=ask,
        price_per_kwh=orders.price_per_kwh.to_numpy(),
        quantity_kwh=orders.quantity_kwh.to_numpy(),
        traded_kwh=np.where(ask, sold[frame, member], bought[frame, member]),
    )


def _one_price(tariff: dict[str, object]) -> bool:
    """Whether the same retail and feed-in price hold for every kWh of a frame."""
    return (
        tariff.get("netting", "frame") == "frame"
        and tariff.get("metering", "net-billing") != "gross-metering"
        and not any(tariff.get(key) for key in ("slabs", "all_units", "banking", "tod_above_kwh"))
    )


def _coincident(results: Results, sold: Floats, bought: Floats) -> float:
    """Sum, over all frames, what is contracted and fed and drawn at the same time."""
    begins = results.frames.start.to_numpy().astype("datetime64[m]")
    whole, frame = 0.0, 0
    for starts, days in results.meter_days(("net_export_kwh",)):
        net = days["net_export_kwh"]
        edges = np.searchsorted(starts, begins[frame:])
        edges = edges[edges < len(starts)]
        for first, last in zip(edges, [*edges[1:], len(starts)], strict=True):
            if sold[frame].any():
                whole += coincident_kwh(net[first:last], sold[frame], bought[frame])
            frame += 1
    return whole
