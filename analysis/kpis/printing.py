"""Indicators for people and programs: numbers with their units, n/a where there is no meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from ...sim.results import Results
from .table import kpi_table

if TYPE_CHECKING:
    from rich.table import Table


def shown(value: float | None, unit: str) -> str:
    """Return a value as people read it.

    Parameters
    ----------
    value : float or None
        The number; None or NaN where there is none.
    unit : str
        Its unit, which sets the digits.

    Returns
    -------
    str
        With a true minus sign.

    Examples
    --------
    >>> shown(-0.1234, "share"), shown(1234.56, "kWh"), shown(None, "INR"), shown(-0.0001, "INR")
    ('−12.3 %', '1,235', 'n/a', '0')
    """
    if value is None or math.isnan(value):
        return "n/a"
    if unit == "share":
        text = f"{value:.1%}".replace("%", " %")
    elif unit == "points":  # the difference of two shares
        text = f"{100.0 * value:.1f} pp"
    else:
        whole = 0 if abs(value) >= 100.0 or value == round(value) else 2
        digits = {"index": 3, "p.u.": 4, "ratio": 2}.get(unit, 2 if "/kWh" in unit else whole)
        text = f"{value:,.{digits}f}"
    if not any(figure in text for figure in "123456789"):
        text = text.lstrip("-")  # never a negative zero
        text = "0" if text == "0.00" else text
    return text.replace("-", "−")


def three(row: Mapping[Any, Any]) -> list[str]:
    """Return a row's values as people read them: market, without, difference."""
    unit = row["unit"]
    gap = "points" if unit == "share" else unit
    return [shown(row["market"], unit), shown(row["no_p2p"], unit), shown(row["difference"], gap)]


def kpi_document(indicators: pd.DataFrame) -> dict[str, Any]:
    """Return indicators as plain data, by name: title, unit, market, no_p2p, difference."""
    document: dict[str, Any] = {}
    for row in indicators.to_dict("records"):
        numbers = {name: row[name] for name in ("market", "no_p2p", "difference")}
        document[row["kpi"]] = {
            "title": row["title"],
            "unit": row["unit"],
            **{name: None if math.isnan(value) else value for name, value in numbers.items()},
        }
    return document


def kpi_rich_table(results: Results) -> Table:
    """Return the indicators as a table for the terminal, a chapter after the other."""
    from rich.table import Table

    table = Table(title=f"{results.manifest['scenario']}: indicators", title_justify="left")
    table.add_column("indicator")
    table.add_column("unit")
    for name in ("with the market", "without", "difference"):
        table.add_column(name, justify="right")
    group = None
    for row in kpi_table(results).to_dict("records"):
        if group not in (None, row["group"]):
            table.add_section()
        group = row["group"]
        table.add_row(row["title"], row["unit"], *three(row))
    return table
