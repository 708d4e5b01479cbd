"""The community's day: where energy came from, and where it went, by interval and in sum."""

from __future__ import annotations

import numpy as np

from ..figures import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, YELLOW
from .moment import Moment
from .svg import INK, Key, Panel, legend, picture, span, text

WIDTH, HEIGHT = 560.0, 430.0
Parts = list[tuple[str, float, str]]


def balance_svg(moment: Moment | None) -> str:
    """Draw the day's power by interval, and its sources and uses as two bars that are as long.

    Returns
    -------
    str
        SVG.
    """
    keys = [
        Key("load", INK),
        Key("PV available", ORANGE, "-."),
        Key("battery discharge", GREEN),
        Key("battery charge", PURPLE, "--"),
        Key("from the substation (to it: below zero)", SKY, shape="box"),
    ]
    words, used = legend(keys, 12, 12, WIDTH - 24)
    top = used + 30
    panel = Panel(52, top, WIDTH - 76, HEIGHT - top - 176, (0.0, 24.0), (0.0, 1.0))
    if moment is None:
        panel.x_ticks([(hour, str(hour)) for hour in range(0, 25, 3)])
        panel.y_axis("kW")
        return picture(WIDTH, HEIGHT, [words, *panel.parts], "energy of the day")
    n, hours = moment.filled, moment.world.calendar.interval_hours
    meters = {name: v[:, :n].sum(axis=0) for name, v in moment.record.meters.items()}
    substation = np.nan_to_num(moment.record.network["substation_kw"][:n])
    at = (np.arange(n) + 0.5) * hours
    lines = {name: meters[name] / hours for name in ("load_kwh", "pv_kwh")}
    charge, discharge = (meters[f"battery_{way}_kwh"] / hours for way in ("charge", "discharge"))
    panel.y_range = span([*lines.values(), substation, -charge, discharge], 1.0, zero=True)
    panel.area(at, 0.0 * at, substation, SKY, 0.55)
    panel.line(at, lines["load_kwh"], INK, 2.0)
    panel.line(at, lines["pv_kwh"], ORANGE, 2.0, "-.")
    panel.line(at, discharge, GREEN, 2.0)
    panel.line(at, -charge, PURPLE, 2.0, "--")
    panel.level(0.0)
    panel.y_axis("kW")
    panel.x_ticks(_hours(moment))
    panel.parts.append(_frame_mark(panel, moment))
    sums = _sums(moment, meters, substation)
    bars = _bars(*sums, top=HEIGHT - 128)
    return picture(WIDTH, HEIGHT, [words, *panel.parts, *bars], "energy balance of the day")


def day_balance(moment: Moment) -> tuple[Parts, Parts]:
    """Return where the day's energy so far came from and where it went [kWh].

    Returns
    -------
    tuple of two lists of (name, energy, colour)
        Sources and uses; their sums agree within the accuracy of the power flow. Curtailed PV is
        neither: it was never made.

    Examples
    --------
    >>> from gridbazaar.scenarios.load import load_scenario
    >>> from gridbazaar.analysis.dashboard.market_run import MarketRun
    >>> run = MarketRun(load_scenario("kerala-estates", ["days=1", "outputs.bus_voltages=true"]))
    >>> more_left = run.step()
    >>> sources, uses = day_balance(run.look())
    >>> abs(sum(part[1] for part in sources) - sum(part[1] for part in uses)) < 1e-6
    True
    """
    n = moment.filled
    meters = {name: v[:, :n].sum(axis=0) for name, v in moment.record.meters.items()}
    return _sums(moment, meters, np.nan_to_num(moment.record.network["substation_kw"][:n]))


def _sums(
    moment: Moment, meters: dict[str, np.ndarray], substation: np.ndarray
) -> tuple[Parts, Parts]:
    hours = moment.world.calendar.interval_hours
    total = {name: float(values.sum()) for name, values in meters.items()}
    loss = float(np.nansum(moment.record.network["loss_kw"][: moment.filled])) * hours
    sources = [
        ("PV used", total["pv_kwh"] - total["curtailed_kwh"], ORANGE),
        ("batteries", total["battery_discharge_kwh"], GREEN),
        ("substation", float(np.maximum(substation, 0.0).sum()) * hours, SKY),
    ]
    uses = [
        ("load", total["load_kwh"], GREY),
        ("batteries", total["battery_charge_kwh"], PURPLE),
        ("to substation", float(np.maximum(-substation, 0.0).sum()) * hours, BLUE),
        ("losses", loss, RED),
    ]
    return sources, uses


def _bars(sources: Parts, uses: Parts, top: float) -> list[str]:
    """Draw two bars of the same scale with their numbers below."""
    whole = max(sum(part[1] for part in sources), sum(part[1] for part in uses), 1e-9)
    digits = 0 if whole >= 1000.0 else 1
    out = []
    for k, (name, parts) in enumerate((("from", sources), ("to", uses))):
        y, at = top + 62 * k, 52.0
        out.append(text(46, y + 15, name, anchor="end"))
        out.append(text(46, y + 38, "kWh", anchor="end"))
        for _, energy, colour in parts:
            length = energy / whole * (WIDTH - 76)
            out.append(
                f'<rect x="{at:.1f}" y="{y}" width="{length:.1f}" height="20" fill="{colour}"/>'
            )
            at += length
        x = 52.0
        for words, energy, colour in parts:
            entry = f"{words} {energy:,.{digits}f}"
            out.append(f'<rect x="{x:.1f}" y="{y + 28}" width="10" height="10" fill="{colour}"/>')
            out.append(text(x + 14, y + 38, entry))
            x += 14 + 6.7 * len(entry) + 12
    return out


def _hours(moment: Moment) -> list[tuple[float, str]]:
    """Label every third hour of the market day by the clock."""
    start = moment.world.calendar.start.hour + moment.world.calendar.start.minute / 60.0
    return [(float(h), f"{(start + h) % 24:02.0f}:00") for h in range(0, 25, 4)]


def _frame_mark(panel: Panel, moment: Moment) -> str:
    """Mark the frame that ended last by a strip along the axis."""
    hours = moment.world.calendar.interval_hours
    a, b = panel.x([moment.first * hours, moment.filled * hours])
    base = panel.top + panel.height
    return (
        f'<rect x="{a:.1f}" y="{base - 3:.1f}" width="{b - a:.1f}" height="6" fill="{YELLOW}" '
        f'stroke="{INK}" stroke-width="0.5"><title>the frame that ended last</title></rect>'
    )
