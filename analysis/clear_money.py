"""The money of one cleared frame: prices of pairs, payments beside them, what the rule keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .json_numbers import rounded

if TYPE_CHECKING:
    from rich.table import Table

    from ..market.clearing import Clearing
    from .cleared_orders import ClearedOrders

PRICES = ("price_per_kwh", "buyer_price_per_kwh")  # of a pair, in the columns of a run's trades
ROUND_OFF = 1e-12  # of all money that changes hands
MOST_ROWS = 30  # what is longer is for the CSV


def pair_prices(clearing: Clearing) -> list[dict[str, float]]:
    """Return the prices of every pair: what its seller gets, and what its buyer pays.

    Parameters
    ----------
    clearing : Clearing
        The outcome.

    Returns
    -------
    list of dict
        `price_per_kwh` and `buyer_price_per_kwh` [currency/kWh], in the order of the pairs.

    Examples
    --------
    >>> from gridbazaar.market.clearing import Clearing
    >>> from gridbazaar.market.order import OrderBook
    >>> pair_prices(Clearing.no_trade(OrderBook((), [], [], (), [], [])))
    []
    """
    both = clearing.trades.price_per_kwh.tolist(), clearing.trades.paid_per_kwh.tolist()
    return [dict(zip(PRICES, pair, strict=True)) for pair in zip(*both, strict=True)]


def money_said(cleared: ClearedOrders) -> dict[str, Any]:
    """Return the money that is not price times energy, for the JSON document.

    Parameters
    ----------
    cleared : ClearedOrders
        The outcome.

    Returns
    -------
    dict
        `transfers`: by member, what it gets (+) or pays (-) beside price times energy, empty where
        the rule makes no such payments; `budget`: what all pay less what all get, which the
        utility keeps (+) or bears (-) [currency].

    Examples
    --------
    >>> from gridbazaar import clear
    >>> done = clear([{"seller": "s", "capacity_kwh": 4, "offer_per_kwh": 3}],
    ...              [{"buyer": "b", "demand_kwh": 4, "bid_per_kwh": 6}],
    ...              mechanism="vcg", retail=7, feed_in=2)
    >>> money_said(done)
    {'transfers': {'s': 6.0, 'b': 6.0}, 'budget': -12.0}
    """
    clearing, book = cleared.clearing, cleared.orders.book
    transfers: dict[str, float | None] = {}
    if clearing.seller_transfer is not None and clearing.buyer_transfer is not None:
        money = np.concatenate([clearing.seller_transfer, clearing.buyer_transfer]).tolist()
        of_member = dict(zip((*book.sellers, *book.buyers), money, strict=True))
        transfers = {
            name: rounded(of_member[name]) for name in sorted(of_member, key=_rank(cleared))
        }
    return {"transfers": transfers, "budget": rounded(_budget(clearing))}


def money_rows(cleared: ClearedOrders) -> list[tuple[str, str]]:
    """Return what a table for people says of the money, as rows of a name and a value.

    Parameters
    ----------
    cleared : ClearedOrders
        The outcome, of another rule than `pareto`.

    Returns
    -------
    list of tuple of str
        Prices of pairs where there is no single one, both sides' money, payments beside prices,
        budget.
    """
    clearing, budget = cleared.clearing, _budget(cleared.clearing)
    rows = []
    for who, prices in (
        ("sellers get", clearing.trades.price_per_kwh),
        ("buyers pay", clearing.trades.paid_per_kwh),
    ):
        if clearing.mcp_per_kwh is None and prices.size:
            low, high = f"{prices.min():.4g}", f"{prices.max():.4g}"
            rows.append((f"{who}, per kWh", low if low == high else f"{low} to {high}"))
    rows += [
        ("buyers pay", f"{clearing.paid.sum():,.2f}"),
        ("sellers receive", f"{clearing.received.sum():,.2f}"),
    ]
    if clearing.seller_transfer is not None and clearing.buyer_transfer is not None:
        beside = (clearing.seller_transfer.sum(), clearing.buyer_transfer.sum())
        sides = f"{beside[0]:+,.2f} and {beside[1]:+,.2f}"
        rows.append(("of it beside prices, to sellers and buyers", sides))
    keeps = "utility bears" if budget < 0.0 else "utility keeps"
    rows.append((f"budget: the {keeps}", f"{abs(budget):,.2f}"))
    return rows


def transfers_table(cleared: ClearedOrders) -> Table | None:
    """Return what members get beside price times energy; None where nobody does."""
    transfers = money_said(cleared)["transfers"]
    if not any(transfers.values()):
        return None
    from rich.table import Table

    shown = list(transfers.items())[:MOST_ROWS]
    more = f", first {MOST_ROWS} of {len(transfers)}" if len(transfers) > MOST_ROWS else ""
    table = Table(title=f"Paid beside the price of energy{more}", title_justify="left")
    table.add_column("member")
    table.add_column("gets (+) or pays (-)", justify="right")
    for name, money in shown:
        table.add_row(name, f"{money:+,.2f}")
    return table


def prices_table(cleared: ClearedOrders) -> Table | None:
    """Return the pairs with their prices; None where one price says it all, or nobody trades."""
    pairs = cleared.transactions()
    if not pairs or cleared.clearing.mcp_per_kwh is not None:
        return None
    from rich.table import Table

    more = f", first {MOST_ROWS} of {len(pairs)}" if len(pairs) > MOST_ROWS else ""
    table = Table(title=f"Pairs and their prices{more}", title_justify="left")
    for name in ("seller", "buyer"):
        table.add_column(name)
    for name in ("kWh", "seller gets, per kWh", "buyer pays, per kWh"):
        table.add_column(name, justify="right")
    for row in pairs[:MOST_ROWS]:
        numbers = f"{row['energy_kwh']:.2f}", *(f"{row[price]:.4g}" for price in PRICES)
        table.add_row(row["seller"], row["buyer"], *numbers)
    return table


def _budget(clearing: Clearing) -> float:
    paid, received = float(clearing.paid.sum()), float(clearing.received.sum())
    scale = float(np.abs(clearing.paid).sum() + np.abs(clearing.received).sum())
    return 0.0 if abs(paid - received) <= ROUND_OFF * scale else paid - received


def _rank(cleared: ClearedOrders) -> Any:
    return cleared.orders.rank.__getitem__
