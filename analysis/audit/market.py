"""The market frame by frame: orders, the price, who traded what, and why no more."""

from __future__ import annotations

import numpy as np

from .books import PRICE, Books
from .check import Findings
from .energy import ENERGY_KWH, PAIRS_KWH
from .inputs import Run

#: Orders below a watt-hour are not sent.
LEAST_ORDER_KWH = 1e-3

ORDERS = "orders are for some energy, at a price of nothing or more"
TRUTHFUL = "truthful orders ask and bid what the energy is worth to the home"
TARIFF = "retail and feed-in prices of the frames are the tariff's"
THERE = "prices and fronts stand only where there was trade"
BOUNDS = "the clearing price lies between nothing and retail"
MERIT = "the clearing price follows from the orders"
POSITIVE = "every pair trades some energy"
ONE_PRICE = "all pairs of a frame trade at its one price"
RATIONAL = "nobody trades at a worse price than its own order"
WITHIN = "nobody sells or buys more than it ordered"
MOST = "a frame that needed no cap trades all that both sides can"
SCHEDULED = "the scheduled exchange with the grid is what the market left over"
WITHHELD = "capped and withheld energy is what was neither sold nor exported"


def check_orders(run: Run, found: Findings) -> None:
    """Check what can be known of orders: signs, and prices where members say the truth."""
    orders = run.orders

    def place(i: int) -> str:
        return f"order of {run.frame_home(int(orders.frame[i]), int(orders.home[i]))}"

    found.holds(ORDERS, (orders.quantity > 0.0) & (orders.price >= 0.0), place)
    strategy = run.setting("bidding", "strategy")
    if strategy != "truthful":
        found.explain(TRUTHFUL, f"prices of the strategy {strategy!r} cannot be derived")
        return
    terms = run.terms
    charge = terms.transaction_charge * (1.0 - terms.seller_share) + terms.network_charge
    retail = terms.retail[run.time.tod][orders.frame]
    bid = np.maximum(retail - charge - run.members["bid_margin_per_kwh"][orders.home], 0.0)
    surplus, stored = (asked[orders.home] for asked in truthful_asks(run))
    has_battery = run.members["battery_kwh"][orders.home] > 0.0
    nearer = np.abs(orders.price - stored) < np.abs(orders.price - surplus)
    ask = np.where(has_battery & nearer, stored, surplus)
    derived = np.where(orders.is_ask, ask, bid)
    found.close(TRUTHFUL, orders.price, derived, PRICE, place, terms.currency)


def truthful_asks(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return what each home truthfully asks for PV surplus, and for energy from its battery.

    Feed-in (or, from a battery, feed-in over round-trip efficiency plus wear), charges, margin.
    """
    terms, battery = run.terms, run.scenario["battery"]
    extra = terms.transaction_charge * terms.seller_share + run.members["ask_margin_per_kwh"]
    stored = terms.feed_in / float(battery["round_trip_efficiency"])
    stored += float(battery["wear_cost_per_kwh"])
    return np.maximum(terms.feed_in + extra, 0.0), np.maximum(stored + extra, 0.0)


def check_prices(run: Run, found: Findings, books: Books) -> None:
    """Check the frames' prices against tariff, orders and the price rule."""
    frames, time, terms = run.frames, run.time, run.terms
    mcp, retail = frames["mcp_per_kwh"], terms.retail[run.time.tod]
    for column, derived in (
        ("retail_per_kwh", retail),
        ("feed_in_per_kwh", np.full(run.n_frames, terms.feed_in)),
    ):
        found.close(
            TARIFF,
            frames[column],
            derived,
            PRICE,
            lambda f, c=column: f"{c} of {time.ids[f]}",
            terms.currency,
        )
    some = frames["traded_kwh"] > 0.0
    columns = ["mcp_per_kwh", "f1", "f2", "front_collapsed", "front_points", "evaluations"]
    if run.setting("market", "mechanism") not in ("pareto", "grid-only"):
        columns = []
        found.explain(THERE, "this mechanism need not have one price, nor a front")
    for column in columns:
        there = ~np.isnan(frames[column])
        found.holds(THERE, there == some, lambda f, c=column: f"{c} of {time.ids[f]}")
    if run.setting("market", "price_rule") == "fixed":
        found.explain(BOUNDS, "a price by hand need not lie there")
    else:
        beyond = np.where(some & ~np.isnan(mcp), np.maximum(-mcp, mcp - retail), 0.0)
        found.at_most(BOUNDS, beyond, PRICE, lambda f: time.ids[f], terms.currency)
    if not books.priced:
        found.explain(MERIT, "not under this mechanism, or with prices found anew after capping")
        return
    found.close(
        MERIT,
        np.where(some, mcp, np.nan),
        np.where(some, books.price, np.nan),
        PRICE,
        lambda f: time.ids[f],
        terms.currency,
    )


def check_trades(run: Run, found: Findings, books: Books) -> None:
    """Check that trades stand within orders, at the frame's price, and serve what they can."""
    trades, at, time = run.trades, run.positions, run.time

    def place(i: int) -> str:
        home = run.frame_home(int(trades.frame[i]), int(trades.seller[i]))
        return f"{home} to {run.homes[trades.buyer[i]]}"

    found.holds(POSITIVE, trades.energy > 0.0, place)
    mcp = run.frames["mcp_per_kwh"][trades.frame]
    found.close(ONE_PRICE, trades.price, mcp, 0.0, place, run.terms.currency)
    if run.setting("market", "participation") == "rational":
        worse = np.maximum(
            books.offer[trades.frame, trades.seller] - trades.price,
            trades.price - books.bid[trades.frame, trades.buyer],
        )
        found.at_most(RATIONAL, worse, PRICE, place, run.terms.currency)
    for column, ordered in (("sold_kwh", books.offered), ("bought_kwh", books.wanted)):
        found.at_most(
            WITHIN,
            at[column] - ordered,
            PAIRS_KWH,
            lambda f, h, c=column: f"{c} of {run.frame_home(f, h)}",
            "kWh",
        )
    if books.takes_most:
        free = run.frames["iterations"] == 0
        found.close(
            MOST,
            np.where(free, run.frames["traded_kwh"], 0.0),
            np.where(free, books.most, 0.0),
            PAIRS_KWH,
            lambda f: time.ids[f],
            "kWh",
        )
    else:
        found.explain(MOST, "not known for this mechanism, choice or network method")


def check_schedule(run: Run, found: Findings, books: Books) -> None:
    """Check what the market left to the grid, to the envelope and to the caps.

    A buyer's demand that no peer serves is imported; of a seller's offer at most the rest is
    exported. What is left even so was capped, withheld by the export envelope, or stays in a
    battery. How much of an offer comes from a battery is not on file; but an ask at the price of
    PV surplus tells that nothing does: there, capped and withheld energy must make up the rest.
    """
    frames, at, time = run.frames, run.positions, run.time
    found.close(
        SCHEDULED,
        at["grid_import_scheduled_kwh"],
        np.maximum(books.wanted - at["bought_kwh"], 0.0),
        ENERGY_KWH,
        lambda f, h: f"import of {run.frame_home(f, h)}",
        "kWh",
    )
    left = np.maximum(books.offered - at["sold_kwh"], 0.0)
    found.at_most(
        SCHEDULED,
        at["grid_export_scheduled_kwh"] - left,
        ENERGY_KWH,
        lambda f, h: f"export of {run.frame_home(f, h)}",
        "kWh",
    )
    idle = np.maximum(left - at["grid_export_scheduled_kwh"], 0.0)
    has_battery = np.broadcast_to(run.members["battery_kwh"] > 0.0, idle.shape)
    maybe_stored = has_battery
    if run.setting("bidding", "strategy") == "truthful":
        surplus, stored = truthful_asks(run)
        maybe_stored = has_battery & (
            (np.abs(books.offer - surplus) > PRICE) | (np.abs(surplus - stored) < PRICE)
        )
    certain = np.where(maybe_stored, 0.0, idle).sum(axis=1)
    # A battery's share below the least order does not change the price of the ask.
    unseen = has_battery & ~maybe_stored & (books.offered > 0.0)
    certain -= LEAST_ORDER_KWH * unseen.sum(axis=1)
    accounted = frames["capped_kwh"] + frames["withheld_kwh"]
    for excess in (
        certain - accounted,
        accounted - idle.sum(axis=1),
        -frames["capped_kwh"],
        -frames["withheld_kwh"],
    ):
        found.at_most(WITHHELD, excess, PAIRS_KWH, lambda f: time.ids[f], "kWh")
