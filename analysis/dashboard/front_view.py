"""The last frame's Pareto front and choice, and the capping iterations that led there."""

from __future__ import annotations

import numpy as np

from ..figures import BLUE, GREEN, GREY, ORANGE, RED
from .moment import Moment
from .svg import INK, Key, Panel, legend, nice_ticks, picture, span, text

WIDTH, HEIGHT = 560.0, 430.0


def front_svg(moment: Moment | None, currency: str, choose: str) -> str:
    """Draw the front that was found, the exact one and the choice; below, every iteration.

    Parameters
    ----------
    moment : Moment or None
        The run so far.
    currency : str
        Of seller welfare.
    choose : str
        The rule that chose.

    Returns
    -------
    str
        SVG; a frame without a front says why.
    """
    keys = [
        Key("exact front, without the network", GREY),
        Key("front that was found", BLUE, shape="o"),
        Key(f"chosen: {choose}", ORANGE, shape="*"),
    ]
    words, used = legend(keys, 12, 12, WIDTH - 24)
    parts = [words]
    top = used + 32
    left = 66.0
    panel = Panel(left, top, WIDTH - left - 14, 232 - top, (0.0, 1.0), (0.0, 1.0))
    front = None if moment is None else moment.front
    if moment is None or front is None:
        parts.append(text(WIDTH / 2, top + 70, _why_none(moment), anchor="middle"))
    else:
        _draw_front(panel, moment, currency)
        parts += panel.parts
    parts += _capping(moment, 300.0)
    return picture(WIDTH, HEIGHT, parts, "Pareto front and capping")


def _why_none(moment: Moment | None) -> str:
    if moment is None:
        return "no frame played yet"
    row = moment.frame
    if not row["sellers"] or not row["buyers"]:
        return f"{row['frame_id']}: {row['sellers']} sellers and {row['buyers']} buyers, no front"
    return f"{row['frame_id']}: {row['status']}, no front"


def _draw_front(panel: Panel, moment: Moment, currency: str) -> None:
    front = moment.front
    assert front is not None
    f1, f2 = np.asarray(front["f1"]), np.asarray(front["f2"])
    exact1, exact2 = moment.exact if moment.exact is not None else (f1[:0], f2[:0])
    row = moment.frame
    chosen = [(row["f1"], row["f2"])] if row["f1"] is not None else []
    all1 = np.concatenate([f1, exact1, [c[0] for c in chosen]])
    all2 = np.concatenate([f2, exact2, [c[1] for c in chosen]])
    panel.x_range = span(all1, 1e-3 * max(1.0, float(np.nanmax(np.abs(all1)))))
    panel.y_range = span(all2, 1e-3 * max(1.0, float(np.nanmax(np.abs(all2)))))
    order = np.argsort(exact1)
    if exact1.size == 1:
        panel.mark(float(exact1[0]), float(exact2[0]), "s", GREY, 9.0, "exact front: one point")
    panel.line(exact1[order], exact2[order], GREY, 8.0)
    for a, b in zip(f1.tolist(), f2.tolist(), strict=True):
        if np.isfinite(a) and np.isfinite(b):
            panel.mark(a, b, "o", BLUE, 3.0)
    for a, b in chosen:
        panel.mark(a, b, "*", ORANGE, 7.0, f"chosen: f1 {a:.2f}, f2 {b:.2f}")
    panel.y_axis(f"seller welfare f2, {currency}", 4)
    panel.x_ticks(nice_ticks(*panel.x_range, 5), "buyer welfare f1 (no unit across frames)")


def _capping(moment: Moment | None, top: float) -> list[str]:
    """Highest voltage and traded energy of every iteration of the network loop."""
    steps = None if moment is None else moment.record.capping[-1]
    if moment is None or steps is None or not steps["step"]:
        words = "network check: no frame played yet"
        if moment is not None:
            words = "network check: the first schedule passed, no iteration of capping"
            if moment.frame["status"] != "cleared":
                words = f"network check: {moment.frame['status']}, no iteration of capping"
        return [text(WIDTH / 2, top + 40, words, anchor="middle")]
    n = len(steps["step"])
    limit = moment.world.connection.limits.upper_pu
    v = np.asarray(steps["v_max_pu"], float)
    half = (WIDTH - 66 - 14 - 66) / 2
    x_range = (-0.5, max(n, 4) - 0.5)
    height = HEIGHT - top - 40
    left = Panel(66, top, half, height, x_range, span([*v, limit], 0.002))
    right = Panel(66 + half + 66, top, half, height, x_range, (0.0, 1.0))
    traded = np.asarray(steps["traded_kwh"], float)
    right.y_range = span(traded, 1.0)
    left.line(range(n), v, GREY, 1.0)
    right.line(range(n), traded, GREY, 1.0)
    for k in range(n):
        colour, shape = (GREEN, "o") if steps["feasible"][k] else (RED, "^")
        title = f"{steps['phase'][k]}: {v[k]:.4f} p.u., {traded[k]:,.1f} kWh"
        left.mark(k, float(v[k]), shape, colour, 3.6, title)
        right.mark(k, float(traded[k]), shape, colour, 3.6, title)
    left.level(limit, INK, "--", 1.4)
    left.y_axis(f"highest voltage, p.u. (limit {limit:g})", 4)
    right.y_axis("traded, kWh", 4)
    ticks = [(value, words) for value, words in nice_ticks(0.0, max(n - 1, 3), 4)]
    left.x_ticks([t for t in ticks if t[0] == int(t[0])])
    right.x_ticks([t for t in ticks if t[0] == int(t[0])])
    keys = [Key("iteration passes", GREEN, shape="o"), Key("breaks a limit", RED, shape="^")]
    return [*left.parts, *right.parts, legend(keys, 66, HEIGHT - 10, WIDTH - 80)[0]]
