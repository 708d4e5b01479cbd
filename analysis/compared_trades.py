"""A transaction matrix made elsewhere, read from a table and valued beside the outcome."""

from __future__ import annotations

import numpy as np

from ..market.pairing import EPSILON_KWH
from ..market.participation import PARTICIPATION
from ..scenarios.problems import problem
from .clear_money import PRICES
from .cleared_orders import ClearedOrders, ComparedTrades
from .order_files import FrameOrders, Table, number, read_rows


def read_matrix(
    published: Table, orders: FrameOrders | None, problems: list[str]
) -> np.ndarray | None:
    """Read a matrix of energies (m, n) [kWh] of a frame from a table of transactions.

    Parameters
    ----------
    published : path or rows
        Columns `seller`, `buyer`, `energy_kwh`, and perhaps `frame`.
    orders : FrameOrders or None
        The frame; None where its own tables could not be read.
    problems : list of str
        What is wrong is added here.
    """
    file, header, rows, lines = read_rows(
        published, "published", ("seller", "buyer", "energy_kwh"), ("frame", *PRICES), problems
    )
    if orders is None:
        return None
    book = orders.book
    energy = np.zeros((book.m, book.n))
    for row, line in zip(rows, lines, strict=True):
        if "frame" in header and orders.frame is not None and row["frame"] != orders.frame:
            continue
        amount = number(row["energy_kwh"], file, f"{line} energy_kwh", problems)
        unknown = False
        for key, names in (("seller", book.sellers), ("buyer", book.buyers)):
            if row[key] not in names:
                wrong = f"no {key} of the frame has this name"
                remedy = f"use one of {', '.join(names[:8])}"
                problems.append(problem(file, f"{line} {key}", row[key], wrong, remedy))
                unknown = True
        if not unknown:
            energy[book.sellers.index(row["seller"]), book.buyers.index(row["buyer"])] += amount
    return energy


def compared(cleared: ClearedOrders, energy: np.ndarray) -> ComparedTrades | None:
    """Value a matrix, and the outcome over the same pairs, at the price of the outcome.

    Parameters
    ----------
    cleared : ClearedOrders
        The outcome.
    energy : (m, n) float
        The matrix [kWh].

    Returns
    -------
    ComparedTrades or None
        None where either trades nothing.
    """
    clearing, book = cleared.clearing, cleared.orders.book
    price, bid = clearing.mcp_per_kwh, book.bid_per_kwh
    if price is None or clearing.f1 is None or clearing.f2 is None or not energy.any():
        return None
    bought, traded = energy.sum(axis=0), float(energy.sum())
    f2 = price * traded
    absent = 0.0
    if cleared.rules.objectives == "published":
        f1 = float((bid * np.log(energy + EPSILON_KWH)).sum()) - f2
        selling, buying = PARTICIPATION[cleared.rules.participation](book, price)
        pairs_bid = book.m * bid.sum() - selling.sum() * bid[buying].sum()
        absent = float(np.log(EPSILON_KWH) * pairs_bid)  # pairs of those who do not take part
    elif cleared.rules.objectives == "per-buyer":
        demand = book.demand_kwh
        share = np.divide(bought, demand, out=np.zeros_like(bought), where=demand > 0.0)
        f1 = float((bid * demand * np.log1p(share)).sum()) - f2
    else:
        f1 = float(bid @ bought) - f2
        f2 -= float(book.offer_per_kwh @ energy.sum(axis=1))
    return ComparedTrades(f1, f2, traded, clearing.f1 + absent, clearing.f2)
