"""The columns of a sweep's table that are indicators: their names, titles and units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ..kpis.registry import KPIS

NO_P2P, CHANGE = "no_p2p_", "change_"


@dataclass(frozen=True)
class Column:
    """One indicator's column: of the market, of the counterfactual, or their difference."""

    name: str
    kpi: str
    title: str
    unit: str


@cache
def measure_columns() -> dict[str, Column]:
    """Return every indicator's columns by name, in the order of the table.

    Examples
    --------
    >>> measure_columns()["change_losses_kwh"].title
    'line losses, change by the market'
    """
    columns = []
    for name, kpi in KPIS.items():
        columns.append(Column(name, name, kpi.title, kpi.unit))
        if kpi.no_p2p is not None:
            without = f"{kpi.title}, without the market"
            columns.append(Column(NO_P2P + name, name, without, kpi.unit))
            # The difference of two shares is in percentage points.
            unit = "points" if kpi.unit == "share" else kpi.unit
            columns.append(Column(CHANGE + name, name, f"{kpi.title}, change by the market", unit))
    return {column.name: column for column in columns}


def measure_names() -> tuple[str, ...]:
    """Return the names of all columns that are indicators."""
    return tuple(measure_columns())


def columns_of(values: dict[str, list[float | None]]) -> dict[str, float | None]:
    """Return a run's row of indicators.

    Parameters
    ----------
    values : dict of str to list
        By indicator: with the market, and without; None where it has no meaning.

    Returns
    -------
    dict of str to float or None
        By column.
    """
    row: dict[str, float | None] = {}
    for name in KPIS:
        market, without = values[name]
        row[name] = market
        if KPIS[name].no_p2p is not None:
            row[NO_P2P + name] = without
            known = market is not None and without is not None
            row[CHANGE + name] = market - without if known else None  # type: ignore[operator]
    return row
