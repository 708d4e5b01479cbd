"""One member's day: load, PV, battery, schedule, meter, state of charge; its bill so far."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from ...market.statement import WORDS
from ...sim.world import World
from ..figures import BLUE, GREEN, GREY, ORANGE, PURPLE
from .balance_view import _hours
from .moment import Moment
from .svg import INK, Key, Panel, legend, picture, span

WIDTH, HEIGHT = 560.0, 290.0


def member_svg(world: World, moment: Moment | None, row: int) -> str:
    """Draw the member's power by interval of the day, and its battery's state of charge.

    Returns
    -------
    str
        SVG.
    """
    battery = float(world.members.battery_kwh[row])
    keys = [
        Key("load", INK),
        Key("PV available", ORANGE, "-."),
        Key("battery (charging below zero)", GREEN),
        Key("schedule", BLUE, "--"),
        Key("meter", PURPLE),
    ]
    words, used = legend(keys, 12, 12, WIDTH - 24)
    top = used + 30
    below = 86.0 if battery else 26.0
    panel = Panel(52, top, WIDTH - 76, HEIGHT - top - below, (0.0, 24.0), (0.0, 1.0))
    charge = Panel(52, HEIGHT - 58, WIDTH - 76, 34, (0.0, 24.0), (0.0, 100.0))
    if moment is not None:
        _draw(panel, moment, row)
        hours = moment.world.calendar.interval_hours
        stored = moment.record.meters["stored_kwh"][row, : moment.filled]
        if battery:
            at = np.arange(1, moment.filled + 1) * hours
            charge.area(at, 0.0 * at, 100.0 * stored / battery, GREEN, 0.35)
            charge.line(at, 100.0 * stored / battery, GREEN)
    panel.y_axis("kW; schedule and meter: export above zero")
    parts = [words]
    lowest = panel
    if battery:
        charge.y_axis(f"state of charge, % of {battery:.1f} kWh", 2)
        lowest = charge
    ticks = _hours(moment) if moment is not None else [(float(h), str(h)) for h in range(0, 25, 4)]
    lowest.x_ticks(ticks)
    parts += panel.parts + (charge.parts if battery else [])
    return picture(WIDTH, HEIGHT, parts, f"day of {world.members.names[row]}")


def _draw(panel: Panel, moment: Moment, row: int) -> None:
    n, hours = moment.filled, moment.world.calendar.interval_hours
    at = (np.arange(n) + 0.5) * hours
    meters = {name: v[row, :n] / hours for name, v in moment.record.meters.items()}
    plan = moment.record.plans["net_kwh"][row, :n] / hours
    battery = meters["battery_discharge_kwh"] - meters["battery_charge_kwh"]
    lines: list[tuple[Any, str, str]] = [
        (meters["load_kwh"], INK, "-"),
        (meters["pv_kwh"], ORANGE, "-."),
        (battery, GREEN, "-"),
        (plan, BLUE, "--"),
        (meters["net_export_kwh"], PURPLE, "-"),
    ]
    panel.y_range = span([values for values, _, _ in lines], 0.5, zero=True)
    for values, colour, dash in lines:
        panel.line(at, values, colour, 1.8, dash)
    panel.level(0.0, GREY)


def member_heading(world: World, row: int) -> str:
    """Say who the member is, as HTML: name, bus, devices, who else is at the bus.

    Returns
    -------
    str
        HTML; other members of the bus carry `data-pick="member:ROW"`.
    """
    members = world.members
    bus = int(members.bus[row])
    has = []
    if members.pv_kwp[row]:
        has.append(f"{members.pv_kwp[row]:.1f} kWp PV")
    if members.battery_kwh[row]:
        has.append(f"{members.battery_kwh[row]:.1f} kWh battery")
    words = f"{members.names[row]}, bus {world.feeder.bus_names[bus]}, "
    words += " and ".join(has) or "a consumer"
    others = [k for k in np.flatnonzero(members.bus == bus).tolist() if k != row]
    near = [k for k in others if k > row] + [k for k in others if k < row]
    links = " ".join(
        f'<a class="gb-pick" tabindex="0" role="button" data-pick="member:{k}">'
        f"{escape(members.names[k])}</a>"
        for k in near[:4]
    )
    more = f" and {len(near) - 4} more" if len(near) > 4 else ""
    also = f' <span class="gb-faint">same bus: {links}{more}</span>' if near else ""
    return f"<b>{escape(words)}</b>{also}"


def bill_html(moment: Moment | None, row: int, currency: str) -> str:
    """Write the member's bill as if the run ended now, line by line, with what it saved.

    Returns
    -------
    str
        HTML; amounts owed are positive.
    """
    if moment is None:
        return '<p class="gb-faint">No frame played yet: there is no bill.</p>'
    bill = moment.bills.iloc[row]
    lines = [
        (words, float(bill[name]))
        for name, words in WORDS.items()
        if name in bill.index and float(bill[name]) != 0.0
    ]
    body = "".join(
        f"<tr><td>{escape(words)}</td><td>{amount:,.2f}</td></tr>" for words, amount in lines
    )
    sums = (
        (f"Bill so far, {currency}", "total"),
        ("Without the market", "no_p2p_total"),
        ("Saving (battery's content counted)", "saving"),
    )
    foot = "".join(
        f"<tr><td>{escape(words)}</td><td>{float(bill[name]):,.2f}</td></tr>"
        for words, name in sums
    )
    tables = f'<table class="gb-bill">{body}</table><table class="gb-bill gb-sum">{foot}</table>'
    return f'<div class="gb-bills">{tables}</div>'.replace(">-", ">−")
