"""Price of each frame between its bounds, and the energy that was traded and exchanged."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..figures import BLUE, GREEN, GREY, ORANGE
from ..figures.style import FRAME_COLOURS, MARKERS
from .moment import Moment
from .svg import INK, Key, Panel, legend, picture, span

WIDTH, HEIGHT = 560.0, 430.0
SHOWN = 45  # frames at most: two weeks of three frames a day


def price_svg(moment: Moment | None, currency: str, frame_names: tuple[str, ...]) -> str:
    """Draw the newest frames: price and bounds above, energy below.

    Parameters
    ----------
    moment : Moment or None
        The run so far; None before the first frame.
    currency : str
        Of all prices.
    frame_names : tuple of str
        Names of the ToD frames, which give the markers.

    Returns
    -------
    str
        SVG.
    """
    rows = [] if moment is None else moment.frames[: moment.number][-SHOWN:]
    first = 0 if moment is None else moment.number - len(rows)
    x_range = (first - 0.5, first + max(len(rows), 6) - 0.5)
    parts = []
    looks = {name: (FRAME_COLOURS[k % 6], MARKERS[k % 6]) for k, name in enumerate(frame_names)}
    keys = [
        Key("retail", GREY, "--"),
        Key("feed-in", GREY, ":"),
        *(Key(f"price, {name}", *_swap(looks[name])) for name in frame_names),
        Key("traded", GREEN, shape="box"),
        Key("from the grid", BLUE, shape="box"),
        Key("to the grid", ORANGE, shape="box"),
    ]
    words, used = legend(keys, 12, 12, WIDTH - 24)
    parts.append(words)
    top = used + 30
    half = (HEIGHT - top - 40 - 30) / 2
    bounds = [row[name] for row in rows for name in ("retail_per_kwh", "feed_in_per_kwh")]
    prices = Panel(52, top, WIDTH - 66, half, x_range, span(bounds, 1.0))
    prices.y_axis(f"{currency}/kWh")
    _draw_prices(prices, rows, first, looks)
    energy = [sum(_energy(row)[k] for k in part) for row in rows for part in ((0, 1), (2,))]
    below = Panel(52, top + half + 36, WIDTH - 66, half, x_range, _energy_range(rows, energy))
    _draw_energy(below, rows, first)
    below.y_axis("kWh a frame; energy to the grid below zero", 5)
    below.x_ticks(_days(rows, first))
    return picture(WIDTH, HEIGHT, [*parts, *prices.parts, *below.parts], "prices and energy")


def _swap(look: tuple[str, str]) -> tuple[str, str, str]:
    colour, shape = look
    return colour, "-", shape


def _energy(row: dict[str, Any]) -> tuple[float, float, float]:
    return row["traded_kwh"], row["grid_import_kwh"], row["grid_export_kwh"]


def _energy_range(rows: list[dict[str, Any]], stacked: list[float]) -> tuple[float, float]:
    if not rows:
        return 0.0, 1.0
    top = max(stacked[::2])
    deep = max(stacked[1::2])
    return -1.05 * deep, max(1.05 * top, 1.0)


def _draw_prices(
    panel: Panel, rows: list[dict[str, Any]], first: int, looks: dict[str, tuple[str, str]]
) -> None:
    edges = np.repeat(first - 0.5 + np.arange(len(rows) + 1), 2)[1:-1]
    retail = np.repeat([row["retail_per_kwh"] for row in rows], 2)
    feed_in = np.repeat([row["feed_in_per_kwh"] for row in rows], 2)
    panel.area(edges, feed_in, retail, GREY, 0.10)
    panel.line(edges, retail, GREY, 1.6, "--")
    panel.line(edges, feed_in, GREY, 1.6, ":")
    for k, row in enumerate(rows):
        single = row["mcp_per_kwh"] is not None
        price = row["mcp_per_kwh"] if single else row["mean_price_per_kwh"]
        if price is None:
            continue
        colour, shape = looks[row["name"]]
        kind = "price" if single else "mean price paid"
        size = 6.0 if k == len(rows) - 1 else 4.4
        panel.mark(first + k, price, shape, colour, size, f"{row['frame_id']}: {kind} {price:.2f}")


def _draw_energy(panel: Panel, rows: list[dict[str, Any]], first: int) -> None:
    for k, row in enumerate(rows):
        traded, drawn, fed = _energy(row)
        left, right = first + k - 0.36, first + k + 0.36
        title = f"{row['frame_id']}: "
        panel.bar(left, right, 0.0, traded, GREEN, f"{title}traded {traded:,.1f} kWh")
        panel.bar(left, right, traded, traded + drawn, BLUE, f"{title}from grid {drawn:,.1f} kWh")
        panel.bar(left, right, -fed, 0.0, ORANGE, f"{title}to grid {fed:,.1f} kWh")
    panel.level(0.0, INK)


def _days(rows: list[dict[str, Any]], first: int) -> list[tuple[float, str]]:
    """Label the first frame of a day, as many days as there is room for."""
    starts = [
        (first + k - 0.5, f"{row['start'].day} {row['start']:%b}")
        for k, row in enumerate(rows)
        if k == 0 or row["frame_id"][:10] != rows[k - 1]["frame_id"][:10]
    ]
    every = max(1, -(-len(starts) // 8))
    return starts[::every]
