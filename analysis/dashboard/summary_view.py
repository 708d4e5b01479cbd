"""The head of the page: which frame ended last, its key figures, the settings in force."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ...scenarios.schema import Scenario
from .moment import Moment
from .settings import settings_of


def head_html(scenario: Scenario, moment: Moment | None, total: int, currency: str) -> str:
    """Write the line of the frame and the tiles of its figures.

    Returns
    -------
    str
        HTML.
    """
    if moment is None:
        line = f"<b>{escape(scenario.name)}</b>: {total} frames to play, none played yet"
    else:
        row = moment.frame
        line = (
            f"<b>{escape(scenario.name)}</b>: frame {moment.number} of {total}, "
            f"<b>{row['start']:%a} {row['start'].day} {row['start']:%b %Y}, "
            f"{escape(row['name'])} {row['start']:%H:%M}–{row['end']:%H:%M}</b>, "
            f"{escape(row['status'])}"
        )
    boxes = "".join(
        f'<div class="gb-tile"><span>{escape(words)}</span><b>{escape(value)}</b></div>'
        for words, value in _tiles(moment, currency)
    )
    return f'<p class="gb-line">{line}</p><div class="gb-tiles">{boxes}</div>'


def _tiles(moment: Moment | None, currency: str) -> Sequence[tuple[str, str]]:
    names = (
        f"price, {currency}/kWh",
        "bounds",
        "traded, kWh",
        "from grid, kWh",
        "to grid, kWh",
        "curtailed, kWh",
        "voltages, p.u.",
        f"all bills, {currency}",
        f"all savings, {currency}",
    )
    if moment is None:
        return [(name, "–") for name in names]
    row = moment.frame
    price = row["mcp_per_kwh"] if row["mcp_per_kwh"] is not None else row["mean_price_per_kwh"]
    low, high = row["v_min_metered_pu"], row["v_max_metered_pu"]
    values = (
        "no trade" if price is None else f"{price:.2f}",
        f"{row['feed_in_per_kwh']:.2f}–{row['retail_per_kwh']:.2f}",
        f"{row['traded_kwh']:,.1f}",
        f"{row['grid_import_kwh']:,.1f}",
        f"{row['grid_export_kwh']:,.1f}",
        f"{row['curtailed_kwh']:,.1f}",
        "–" if low is None or high is None else f"{low:.3f}–{high:.3f}",
        f"{moment.bills.total.sum():,.0f}",
        f"{moment.bills.saving.sum():,.0f}",
    )
    return list(zip(names, (value.replace("-", "−") for value in values), strict=True))


def in_force(scenario: Scenario) -> str:
    """Say in one line which settings the market on the page was built with.

    Examples
    --------
    >>> from gridbazaar.scenarios.load import load_scenario
    >>> in_force(load_scenario("kerala-village"))[:50]
    'Share of homes with PV: 0.35, Share with battery: '
    """
    return ", ".join(f"{one.label}: {one.value}" for one in settings_of(scenario))
