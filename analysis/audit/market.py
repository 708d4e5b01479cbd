"""The market frame by frame: orders, the price, who traded what, and why no more."""

from __future__ import annotations

import numpy as np

from .books import PRICE, Books
from .check import Findings
from .energy import ENERGY_KWH, PAIRS_KWH
from .inputs import Run
from .mechanisms import POOLS, check_own_prices
from .plans import LEAST_ORDER_KWH, bids_of

#: So far below the limit no bus holds an export back. [p.u.]
FAR_PU = 1e-3

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
ADMITTED = "exports are held back only where a voltage is near its limit"


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
    terms, members = run.terms, run.members
    bid = np.maximum(bids_of(run)[orders.frame, orders.home], 0.0)
    battery = run.scenario["battery"]
    stored = terms.feed_in / float(battery["round_trip_efficiency"])
    stored += float(battery["wear_cost_per_kwh"])
    from_battery = run.plans.for_sale[orders.frame, orders.home]
    worth = np.where(from_battery > LEAST_ORDER_KWH, stored, terms.feed_in)
    extra = terms.transaction_charge * terms.seller_share
    ask = np.maximum(worth + extra + members["ask_margin_per_kwh"][orders.home], 0.0)
    derived = np.where(orders.is_ask, ask, bid)
    close = orders.is_ask & (np.abs(from_battery - LEAST_ORDER_KWH) < ENERGY_KWH)
    found.close(
        TRUTHFUL,
        np.where(close, 0.0, orders.price),
        np.where(close, 0.0, derived),
        PRICE,
        place,
        terms.currency,
    )


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
        check_own_prices(run, found, books)
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
    single = ~np.isnan(mcp)
    for price in (trades.price, trades.paid):
        recorded, one = np.where(single, price, 0.0), np.where(single, mcp, 0.0)
        found.close(ONE_PRICE, recorded, one, 0.0, place, run.terms.currency)
    everybody = run.setting("market", "participation") == "all"
    mechanism = run.setting("market", "mechanism")
    if mechanism in POOLS:
        found.explain(RATIONAL, f"everybody takes part in the pool {mechanism}")
    elif not (everybody and mechanism == "pareto"):
        worse = np.maximum(
            books.offer[trades.frame, trades.seller] - trades.price,
            trades.paid - books.bid[trades.frame, trades.buyer],
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


def check_schedule(run: Run, found: Findings) -> None:
    """Check what the market left to the grid, to the envelope and to the caps.

    What a home needs and no peer serves is imported. Of what it has to spare, PV surplus is sold
    before energy of the battery; what is not sold and not capped is exported as far as the
    envelope lets it, and the rest is withheld. Homes that the rules leave out of trade spare and
    need as others do.
    """
    frames, at, time, plans = run.frames, run.positions, run.time, run.plans
    found.close(
        SCHEDULED,
        at["grid_import_scheduled_kwh"],
        np.maximum(plans.need - at["bought_kwh"], 0.0),
        ENERGY_KWH,
        lambda f, h: f"import of {run.frame_home(f, h)}",
        "kWh",
    )
    capped = _capped(run)
    surplus = plans.spare - plans.for_sale
    from_battery = np.maximum(at["sold_kwh"] - surplus, 0.0)
    unsold = np.maximum(surplus - (at["sold_kwh"] - from_battery) - capped, 0.0)
    withheld = unsold - at["grid_export_scheduled_kwh"]
    found.at_most(
        SCHEDULED,
        -withheld,
        ENERGY_KWH,
        lambda f, h: f"export of {run.frame_home(f, h)}",
        "kWh",
    )
    for column, derived in (("capped_kwh", capped), ("withheld_kwh", withheld)):
        found.close(
            WITHHELD,
            frames[column],
            derived.sum(axis=1),
            PAIRS_KWH,
            lambda f, c=column: f"{c} of {time.ids[f]}",
            "kWh",
        )
    room = float(run.scenario["feeder"]["v_max_pu"]) - frames["v_max_pu"] > FAR_PU
    found.at_most(
        ADMITTED,
        np.where(room, withheld.sum(axis=1), 0.0),
        PAIRS_KWH,
        lambda f: time.ids[f],
        "kWh",
    )


def _capped(run: Run) -> np.ndarray:
    """Return what the accepted caps take from each offer, (n_frames, n_homes) [kWh]."""
    offered = np.zeros((run.n_frames, run.n_homes))
    asks = run.orders.is_ask
    offered[run.orders.frame[asks], run.orders.home[asks]] = run.orders.quantity[asks]
    return np.asarray(offered - run.steps.accepted_caps(offered))
