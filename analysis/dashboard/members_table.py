"""The table of members: role, order, trade, battery, bill so far, saving."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...sim.world import World
from .moment import Moment


def table_headers(currency: str) -> list[dict[str, Any]]:
    """Return the columns as Vuetify's table reads them: `text`, `value`, `align`."""
    columns = (
        ("member", "name", "start"),
        ("role", "role", "start"),
        (f"order, kWh at {currency}/kWh", "order", "end"),
        ("traded, kWh", "traded", "end"),
        ("battery, %", "soc", "end"),
        (f"bill, {currency}", "bill", "end"),
        (f"saving, {currency}", "saving", "end"),
    )
    return [{"text": text, "value": value, "align": align} for text, value, align in columns]


def table_rows(world: World, moment: Moment | None) -> list[dict[str, Any]]:
    """Return a row a member; None stands where there is no number.

    Parameters
    ----------
    world : World
        Who takes part.
    moment : Moment or None
        The frame that ended last.

    Returns
    -------
    list of dict
        Keys `row` (position), `name`, `role` (`sells`, `buys` or `-`), `order` [kWh], `price`
        [per kWh], `traded` [kWh, sold above zero], `soc` [%], `bill` and `saving` (whole run so
        far).

    Examples
    --------
    >>> from gridbazaar.scenarios.load import load_scenario
    >>> from gridbazaar.analysis.dashboard.market_run import MarketRun
    >>> run = MarketRun(load_scenario("kerala-estates", ["days=1", "outputs.bus_voltages=true"]))
    >>> more_left = run.step()
    >>> rows = table_rows(run.simulation.world, run.look())
    >>> len(rows), {row["role"] for row in rows} <= {"sells", "buys", "-"}
    (11, True)
    """
    members = world.members
    rows: list[dict[str, Any]] = [
        {"row": k, "name": name, "role": "-"}
        | dict.fromkeys(("order", "price", "traded", "soc", "bill", "saving"))
        for k, name in enumerate(members.names)
    ]
    if moment is None:
        return rows
    orders, positions = moment.record.orders[-1], moment.record.positions[-1]
    for k, side, quantity, price in zip(
        orders["prosumer"].tolist(),
        orders["side"],
        orders["quantity_kwh"].tolist(),
        orders["price_per_kwh"].tolist(),
        strict=True,
    ):
        rows[k] |= {
            "role": "sells" if side == "ask" else "buys",
            "order": round(quantity, 2),
            "price": round(price, 2),
        }
    traded = (positions["sold_kwh"] - positions["bought_kwh"]).round(2).tolist()
    stored = moment.record.meters["stored_kwh"][:, moment.filled - 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        soc = 100.0 * stored / members.battery_kwh
    bill, saving = moment.bills.total.tolist(), moment.bills.saving.tolist()
    for k, row in enumerate(rows):
        row |= {
            "traded": traded[k],
            "soc": round(float(soc[k])) if members.battery_kwh[k] > 0.0 else None,
            "bill": round(bill[k], 2),
            "saving": round(saving[k], 2),
        }
    return rows
