"""The feeder as a tree: buses coloured by voltage, critical nodes marked, members selectable."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from html import escape

import numpy as np
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from ...network import Feeder
from ...sim.world import World
from ..feeder_figure import COLOURS, LABEL_ALL
from ..feeder_layout import FeederLayout, lay_out
from ..figures import ORANGE, RED
from .moment import Moment
from .svg import INK, Key, legend, nice_ticks, picture, text

WIDTH, HEIGHT = 560.0, 430.0
LEFT, RIGHT, TOP, BOTTOM = 18.0, 96.0, 26.0, 66.0
LEAST_SPAN = 0.01  # of the colours [p.u.]


@dataclass(frozen=True, eq=False)
class FeederPlan:
    """What does not change while a market is played: places on the picture, members by bus."""

    layout: FeederLayout
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    members: tuple[tuple[str, ...], ...]


def feeder_plan(world: World) -> FeederPlan:
    """Lay the feeder out once for a run."""
    feeder = world.feeder
    layout = lay_out(feeder, "branches" if feeder.n_buses <= LABEL_ALL else "impedance")
    rows = layout.row.max() - layout.row  # the first row on top
    x = LEFT + layout.x / max(float(layout.x.max()), 1e-12) * (WIDTH - LEFT - RIGHT)
    y = TOP + (rows + 0.5) / (float(rows.max()) + 1.0) * (HEIGHT - TOP - BOTTOM)
    names: list[list[str]] = [[] for _ in range(feeder.n_buses)]
    for name, bus in zip(world.members.names, world.members.bus.tolist(), strict=True):
        names[bus].append(name)
    return FeederPlan(layout, x, y, tuple(tuple(one) for one in names))


def feeder_svg(world: World, plan: FeederPlan, moment: Moment | None, selected: int) -> str:
    """Draw the feeder at the frame's most strained interval.

    Parameters
    ----------
    world : World
        What the scenario fixes.
    plan : FeederPlan
        Its layout.
    moment : Moment or None
        What happened; None before the first frame, when no voltage is known.
    selected : int
        The member whose bus is ringed.

    Returns
    -------
    str
        SVG; each bus carries `data-pick="bus:INDEX"`.
    """
    feeder, limits = world.feeder, world.connection.limits
    v = np.full(feeder.n_buses, np.nan) if moment is None else moment.v_pu
    known = v[np.isfinite(v)]
    low = min(limits.lower_pu, *known.tolist()) if known.size else limits.lower_pu
    high = max(limits.upper_pu, *known.tolist()) if known.size else limits.upper_pu
    if known.size and high - low > 0.0:  # the colours span what there is, the limits if near
        low, high = _colour_range(known, limits.lower_pu, limits.upper_pu)
    colours = [_colour((value - low) / (high - low)) for value in v.tolist()]
    parts = [*_branches(feeder, plan, colours), *_buses(feeder, plan, v, colours, moment)]
    here = int(world.members.bus[selected])
    parts.append(
        f'<circle cx="{plan.x[here]:.1f}" cy="{plan.y[here]:.1f}" r="10" fill="none" '
        f'stroke="{INK}" stroke-width="2.2"><title>selected: '
        f"{escape(world.members.names[selected])}</title></circle>"
    )
    parts += _scale(low, high, limits.lower_pu, limits.upper_pu)
    n_over, n_under = int((v > limits.upper_pu).sum()), int((v < limits.lower_pu).sum())
    keys = [
        Key("source", INK, shape="s"),
        Key(f"critical before capping ({len(moment.critical) if moment else 0})", RED, shape="D"),
        Key("selected member's bus", INK, shape="ring"),
        Key(f"above {limits.upper_pu:g} p.u. ({n_over})", ORANGE, shape="^"),
        Key(f"below {limits.lower_pu:g} p.u. ({n_under})", ORANGE, shape="v"),
    ]
    parts.append(legend(keys, LEFT, HEIGHT - 42, WIDTH - 2 * LEFT)[0])
    parts.append(text(LEFT - 8, 13, _heading(moment, v, feeder)))
    return picture(WIDTH, HEIGHT, parts, f"feeder {feeder.name} coloured by voltage")


def _heading(moment: Moment | None, v: NDArray[np.float64], feeder: Feeder) -> str:
    if moment is None:
        return "no frame played yet: voltages are not known"
    if not np.isfinite(v).all():
        return f"{moment.clock(moment.strained)}: no supply, or no power flow"
    low, high = int(v.argmin()), int(v.argmax())
    names = feeder.bus_names
    extremes = f"{v[low]:.3f} (bus {names[low]}) to {v[high]:.3f} (bus {names[high]})"
    return f"{moment.clock(moment.strained)}, the frame's most strained interval: {extremes}"


def _colour_range(v: NDArray[np.float64], lower: float, upper: float) -> tuple[float, float]:
    low, high = float(v.min()), float(v.max())
    spare = max(0.0, LEAST_SPAN - (high - low)) / 2.0
    low, high = low - spare, high + spare
    reach = 0.3 * (high - low)
    near = [u for u in (lower, upper) if low - reach <= u <= high + reach]
    return min([low, *near]), max([high, *near])


@lru_cache(maxsize=512)
def _step_colour(step: int) -> str:
    return str(to_hex(COLOURS(step)))


def _colour(share: float) -> str:
    return "#9a9a9a" if share != share else _step_colour(int(np.clip(share, 0.0, 1.0) * 255))


def _branches(feeder: Feeder, plan: FeederPlan, colours: list[str]) -> list[str]:
    """Draw each branch in its outer bus's colour: along the parent's column, then outwards."""
    parts = []
    for tie in feeder.open_ties:
        a, b = tie.from_bus, tie.to_bus
        parts.append(
            f'<line x1="{plan.x[a]:.1f}" y1="{plan.y[a]:.1f}" x2="{plan.x[b]:.1f}" '
            f'y2="{plan.y[b]:.1f}" stroke="{INK}" stroke-opacity="0.25" stroke-dasharray="4 4"/>'
        )
    for bus in range(feeder.n_buses):
        up = int(plan.layout.parent[bus])
        if up != bus:
            parts.append(
                f'<path d="M{plan.x[up]:.1f} {plan.y[up]:.1f}V{plan.y[bus]:.1f}'
                f'H{plan.x[bus]:.1f}" fill="none" stroke="{colours[bus]}" stroke-width="3"/>'
            )
    return parts


def _buses(
    feeder: Feeder,
    plan: FeederPlan,
    v: NDArray[np.float64],
    colours: list[str],
    moment: Moment | None,
) -> list[str]:
    """Draw the source, homes as dots with a rim, joints small, and what is outside the limits."""
    limits = None if moment is None else moment.world.connection.limits
    critical = set() if moment is None else set(moment.critical)
    parts = []
    for bus, name in enumerate(feeder.bus_names):
        x, y, homes = float(plan.x[bus]), float(plan.y[bus]), plan.members[bus]
        if name in critical:
            parts.append(
                f'<rect x="{x - 6:.1f}" y="{y - 6:.1f}" width="12" height="12" fill="{RED}" '
                f'transform="rotate(45 {x:.1f} {y:.1f})"/>'
            )
        volts = f", {v[bus]:.4f} p.u." if np.isfinite(v[bus]) else ""
        who = ", ".join(homes[:6]) + (f" and {len(homes) - 6} more" if len(homes) > 6 else "")
        title = f"<title>bus {escape(name)}{volts}{escape(': ' + who if who else '')}</title>"
        if bus == feeder.slack:
            parts.append(
                f'<rect x="{x - 6:.1f}" y="{y - 6:.1f}" width="12" height="12" fill="{INK}">'
                f"{title}</rect>"
            )
        elif homes:
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.6" fill="{colours[bus]}" '
                f'stroke="{INK}" stroke-width="1.1" class="gb-pick" tabindex="0" role="button" '
                f'data-pick="bus:{bus}">{title}</circle>'
            )
        else:
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{colours[bus]}">{title}</circle>'
            )
        if limits is not None and (v[bus] > limits.upper_pu or v[bus] < limits.lower_pu):
            tip = -1 if v[bus] > limits.upper_pu else 1
            points = f"{x:.1f},{y + 15 * tip:.1f} {x - 5:.1f},{y + 7 * tip:.1f} "
            points += f"{x + 5:.1f},{y + 7 * tip:.1f}"
            parts.append(
                f'<polygon points="{points}" fill="{ORANGE}" stroke="{INK}" stroke-width="0.7"/>'
            )
    return parts


def _scale(low: float, high: float, lower: float, upper: float) -> list[str]:
    """Draw the colour bar at the right with its limits."""
    left, top, height = WIDTH - 74.0, TOP + 24.0, HEIGHT - TOP - BOTTOM - 36.0
    n = 48
    parts = [
        f'<rect x="{left}" y="{top + height * (1 - (k + 1) / n):.2f}" width="13" '
        f'height="{height / n + 0.6:.2f}" fill="{_colour((k + 0.5) / n)}"/>'
        for k in range(n)
    ]
    parts.append(text(left, top - 10, "p.u."))

    def place(value: float) -> float:
        return top + height * (1.0 - (value - low) / (high - low))

    marked = [u for u in (lower, upper) if low - 1e-12 <= u <= high + 1e-12]
    for value, words in nice_ticks(low, high, 6):
        if all(abs(place(value) - place(u)) > 13.0 for u in marked):
            parts.append(text(left + 17, place(value) + 4, words))
    for limit in marked:
        at = place(limit)
        parts.append(
            f'<line x1="{left - 4}" x2="{left + 17}" y1="{at:.1f}" y2="{at:.1f}" '
            f'stroke="{INK}" stroke-width="2.4"/>'
        )
        parts.append(text(left + 19, at + 4, f"{limit:g} limit"))
    return parts
