"""One cleared frame: what `clear` returns, and its JSON document."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..market.clearing import Clearing, GridTerms
from ..market.mechanism import ClearingRules
from ..market.objectives import OBJECTIVES
from .clear_money import money_said, pair_prices
from .json_numbers import VOLTAGE_DECIMALS, rounded
from .order_files import FrameOrders


@dataclass(frozen=True)
class ComparedTrades:
    """A transaction matrix made elsewhere, valued with the objectives of this clearing.

    Attributes
    ----------
    f1, f2, traded_kwh : float
        Of the matrix, over all pairs of the book.
    ours_f1, ours_f2 : float
        Of this clearing over the same pairs. The published f1 counts every empty pair: where only
        those who gain take part, the clearing's own f1 has fewer of them.
    """

    f1: float
    f2: float
    traded_kwh: float
    ours_f1: float
    ours_f2: float


@dataclass(frozen=True)
class ClearedOrders:
    """One cleared frame.

    Attributes
    ----------
    orders : FrameOrders
        The book and what the files say beside it.
    rules : ClearingRules
        The whole configuration.
    terms : GridTerms
        Retail and feed-in price.
    clearing : Clearing
        The outcome.
    seconds : float
        Time that clearing took, capping rounds included; not loading and compiling, which a frame
        of two by two does before the clock starts.
    compared : ComparedTrades or None
        A transaction matrix made elsewhere, where one was given.
    """

    orders: FrameOrders
    rules: ClearingRules
    terms: GridTerms
    clearing: Clearing
    seconds: float
    compared: ComparedTrades | None = None

    @property
    def feasible(self) -> bool:
        """Whether the outcome is one that the feeder carries."""
        return self.clearing.status in ("cleared", "no-trade")

    def transactions(self) -> list[dict[str, Any]]:
        """Return the pairs with energy, in the order of the files."""
        book, trades, rank = self.orders.book, self.clearing.trades, self.orders.rank
        columns = trades.seller, trades.buyer, trades.energy_kwh, pair_prices(self.clearing)
        rows: list[dict[str, Any]] = [
            {"seller": book.sellers[i], "buyer": book.buyers[j], "energy_kwh": rounded(kwh)}
            | {name: rounded(price) for name, price in prices.items()}
            for i, j, kwh, prices in zip(*columns, strict=True)
        ]
        rows = [row for row in rows if row["energy_kwh"] > 0.0]
        return sorted(rows, key=lambda row: (rank[row["seller"]], rank[row["buyer"]]))

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as one JSON document.

        Energies, money, objectives and prices are rounded to `DECIMALS`, voltages to
        `VOLTAGE_DECIMALS`: what stands behind is round-off. `clearing` holds the numbers as they
        were computed.
        """
        book, clearing = self.orders.book, self.clearing
        front = clearing.front
        has_front = self.rules.mechanism == "pareto"
        choose = self.rules.choose or OBJECTIVES[self.rules.objectives].default_choice
        pairs = [] if front is None else np.stack([front.f1, front.f2], axis=1).tolist()
        return {
            "status": clearing.status,
            "frame": self.orders.frame,
            "mechanism": self.rules.mechanism,
            "mcp_per_kwh": rounded(clearing.mcp_per_kwh),
            "engine": self.rules.engine if has_front else None,
            "objectives": self.rules.objectives if has_front else None,
            "choose": choose if has_front else None,
            "f1": rounded(clearing.f1),
            "f2": rounded(clearing.f2),
            "traded_kwh": rounded(clearing.traded_kwh),
            "unserved_kwh": rounded(np.maximum(book.demand_kwh - clearing.bought_kwh, 0.0).sum()),
            "lost_kwh": rounded(clearing.lost_kwh),
            "front": [[rounded(value) for value in pair] for pair in pairs],
            "front_collapsed": front is not None and front.collapsed,
            "front_chosen": None if front is None else front.chosen,
            "evaluations": None if front is None else front.evaluations,
            "generations": None if front is None else front.generations,
            "energy_value": self._at_choice("energy_value"),
            "transactions": self.transactions(),
            **money_said(self),
            "sellers": self._sellers(),
            "buyers": self._buyers(),
            "capping": [
                {
                    "caps": dict(
                        zip(book.sellers, map(rounded, step.caps_kwh.tolist()), strict=True)
                    ),
                    "critical_buses": list(step.critical_buses),
                    "v_min_pu": rounded(step.v_min_pu, VOLTAGE_DECIMALS),
                    "v_max_pu": rounded(step.v_max_pu, VOLTAGE_DECIMALS),
                    "traded_kwh": rounded(step.traded_kwh),
                    "phase": step.phase,
                    "feasible": step.feasible,
                }
                for step in clearing.capping
            ],
            "v_min_pu": rounded(clearing.v_min_pu, VOLTAGE_DECIMALS),
            "v_max_pu": rounded(clearing.v_max_pu, VOLTAGE_DECIMALS),
            "undervoltage_base": clearing.undervoltage_base,
            "published": None
            if self.compared is None
            else {name: rounded(value) for name, value in asdict(self.compared).items()},
            "notes": list(clearing.notes),
            "seconds": self.seconds,
        }

    def _sellers(self) -> list[dict[str, Any]]:
        """Every seller's outcome, in the order of the files."""
        book, clearing = self.orders.book, self.clearing
        value = self._at_choice("capacity_value")
        rows = [
            {
                "seller": name,
                "capacity_kwh": rounded(book.capacity_kwh[i]),
                "sold_kwh": rounded(clearing.sold_kwh[i]),
                "received": rounded(clearing.received[i]),
                "capacity_value": None if value is None else value[i],
            }
            for i, name in enumerate(book.sellers)
        ]
        return sorted(rows, key=lambda row: self.orders.rank[row["seller"]])

    def _buyers(self) -> list[dict[str, Any]]:
        """Every buyer's outcome, in the order of the files."""
        book, clearing = self.orders.book, self.clearing
        value = self._at_choice("demand_value")
        rows = [
            {
                "buyer": name,
                "demand_kwh": rounded(book.demand_kwh[j]),
                "bought_kwh": rounded(clearing.bought_kwh[j]),
                "paid": rounded(clearing.paid[j]),
                "demand_value": None if value is None else value[j],
            }
            for j, name in enumerate(book.buyers)
        ]
        return sorted(rows, key=lambda row: self.orders.rank[row["buyer"]])

    def _at_choice(self, name: str) -> Any:
        """Multipliers of the front at the chosen point; None where the front has none."""
        front = self.clearing.front
        values = None if front is None else getattr(front, name)
        if front is None or values is None:
            return None
        value = values[front.chosen]
        return rounded(value) if np.ndim(value) == 0 else [rounded(one) for one in value]
