"""Small charts as SVG text: drawn in a millisecond, sharp at any size, light or dark.

Text and axes take the colour of the page. Everything that comes from a scenario is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

INK = "currentColor"
SMALL = 13
_DASH = {"-": "", "--": "6 4", ":": "2 3", "-.": "7 3 2 3"}
_GLYPH = 6.7  # mean width of a letter of SMALL size, in units of the picture


@dataclass
class Panel:
    """One plotting area, in units of the picture: x to the right, y downwards.

    Parameters
    ----------
    left, top, width, height : float
        The area inside the axes.
    x_range, y_range : tuple of float
        Values at its edges, low and high.
    """

    left: float
    top: float
    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    parts: list[str] = field(default_factory=list)

    def x(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the horizontal place of values."""
        low, high = self.x_range
        return self.left + (np.asarray(values, float) - low) / (high - low) * self.width

    def y(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the vertical place of values."""
        low, high = self.y_range
        return (
            self.top + self.height - (np.asarray(values, float) - low) / (high - low) * self.height
        )

    def line(
        self, x: ArrayLike, y: ArrayLike, colour: str, width: float = 1.8, dash: str = "-"
    ) -> None:
        """Join points; NaN interrupts the line."""
        px, py = self.x(x), self.y(y)
        move, path = True, []
        for a, b in zip(px.tolist(), py.tolist(), strict=True):
            if a == a and b == b:
                path.append(f"{'M' if move else 'L'}{a:.1f} {b:.1f}")
                move = False
            else:
                move = True
        if path:
            dashes = f' stroke-dasharray="{_DASH[dash]}"' if _DASH[dash] else ""
            self.parts.append(
                f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="{width}"'
                f' stroke-linejoin="round"{dashes}/>'
            )

    def area(
        self, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str, alpha: float
    ) -> None:
        """Fill between two lines."""
        px = self.x(x)
        if not px.size:
            return
        up, down = self.y(high), self.y(low)
        points = [*zip(px, up, strict=True), *zip(px[::-1], down[::-1], strict=True)]
        text = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        self.parts.append(f'<polygon points="{text}" fill="{colour}" fill-opacity="{alpha}"/>')

    def bar(self, x0: float, x1: float, y0: float, y1: float, colour: str, title: str = "") -> None:
        """Fill a rectangle given by values."""
        (a, b), (c, d) = self.x([x0, x1]), self.y([y0, y1])
        self.parts.append(
            f'<rect x="{min(a, b):.1f}" y="{min(c, d):.1f}" width="{abs(b - a):.1f}" '
            f'height="{abs(d - c):.1f}" fill="{colour}">{_title(title)}</rect>'
        )

    def mark(
        self, x: float, y: float, shape: str, colour: str, size: float = 4.0, title: str = ""
    ) -> None:
        """Set one marker at a value."""
        self.parts.append(
            marker(float(self.x(x)), float(self.y(y)), shape, colour, size, title=title)
        )

    def level(self, y: float, colour: str = INK, dash: str = "-", width: float = 1.0) -> None:
        """Draw a horizontal line from edge to edge."""
        self.line(self.x_range, (y, y), colour, width, dash)

    def y_axis(self, label: str, ticks: int = 4) -> None:
        """Write values and a faint grid at the left, and what they are above them."""
        for value, words in nice_ticks(*self.y_range, ticks):
            at = float(self.y(value))
            self.parts.insert(
                0,
                f'<line x1="{self.left}" x2="{self.left + self.width}" y1="{at:.1f}" '
                f'y2="{at:.1f}" stroke="{INK}" stroke-opacity="0.13"/>',
            )
            self.parts.append(text(self.left - 6, at + 4, words, anchor="end"))
        self.parts.append(text(self.left - 6, self.top - 12, label, anchor="start", x_shift=-34))

    def x_ticks(self, ticks: Sequence[tuple[float, str]], label: str = "") -> None:
        """Write words at values of the horizontal axis, and what it measures at its end."""
        base = self.top + self.height
        self.parts.append(
            f'<line x1="{self.left}" x2="{self.left + self.width}" y1="{base:.1f}" '
            f'y2="{base:.1f}" stroke="{INK}" stroke-opacity="0.6"/>'
        )
        for value, words in ticks:
            at = float(self.x(value))
            self.parts.append(
                f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{base:.1f}" y2="{base + 4:.1f}" '
                f'stroke="{INK}" stroke-opacity="0.6"/>'
            )
            self.parts.append(text(at, base + 16, words, anchor="middle"))
        if label:
            middle = self.left + self.width / 2
            self.parts.append(text(middle, base + 32, label, anchor="middle"))


@dataclass(frozen=True)
class Key:
    """One entry of a legend: a line with a dash, or a marker, or a box."""

    words: str
    colour: str
    dash: str = "-"
    shape: str = ""


def legend(keys: Sequence[Key], x: float, y: float, width: float) -> tuple[str, float]:
    """Write entries from left to right, in as many rows as they need.

    Returns
    -------
    tuple of str and float
        The SVG text, and the height that it takes.
    """
    parts, at, row = [], x, 0
    for key in keys:
        length = 30 + _GLYPH * len(key.words) + 12
        if at + length > x + width + 12 and at > x:
            at, row = x, row + 1
        middle = y + 17 * row
        if key.shape == "box":
            parts.append(
                f'<rect x="{at:.1f}" y="{middle - 5:.1f}" width="22" height="10" '
                f'fill="{key.colour}"/>'
            )
        elif key.shape:
            parts.append(marker(at + 11, middle, key.shape, key.colour, 5.0))
        else:
            dashes = f' stroke-dasharray="{_DASH[key.dash]}"' if _DASH[key.dash] else ""
            parts.append(
                f'<line x1="{at:.1f}" x2="{at + 22:.1f}" y1="{middle:.1f}" y2="{middle:.1f}" '
                f'stroke="{key.colour}" stroke-width="2.4"{dashes}/>'
            )
        parts.append(text(at + 27, middle + 4, key.words))
        at += length
    return "".join(parts), 17.0 * (row + 1)


def picture(width: float, height: float, parts: Sequence[str], label: str) -> str:
    """Return a whole SVG that fills the width of what holds it.

    Examples
    --------
    >>> picture(10, 5, [text(1, 2, "a < b")], "an example")[:60]
    '<svg viewBox="0 0 10 5" role="img" aria-label="an example" f'
    """
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label)}" '
        f'font-size="{SMALL}" fill="{INK}">{"".join(parts)}</svg>'
    )


def text(
    x: float,
    y: float,
    words: str,
    anchor: str = "start",
    size: float = SMALL,
    bold: bool = False,
    x_shift: float = 0.0,
) -> str:
    """Return words at a place.

    Examples
    --------
    >>> text(1, 2, "a < b")
    '<text x="1.0" y="2.0">a &lt; b</text>'
    """
    more = "" if anchor == "start" else f' text-anchor="{anchor}"'
    more += "" if size == SMALL else f' font-size="{size:g}"'
    more += ' font-weight="600"' if bold else ""
    return f'<text x="{x + x_shift:.1f}" y="{y:.1f}"{more}>{escape(words)}</text>'


def marker(
    x: float,
    y: float,
    shape: str,
    colour: str,
    size: float,
    title: str = "",
    attributes: str = "",
) -> str:
    """Return one marker; shapes are matplotlib's o, s, ^, v, D, P, *, and ring."""
    fill = f'fill="{colour}"'
    if shape == "ring":
        fill, shape = f'fill="none" stroke="{colour}" stroke-width="2"', "o"
    if shape == "o":
        body = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:g}" {fill}{attributes}'
        return f"{body}>{_title(title)}</circle>"
    edge = f' stroke="{INK}" stroke-width="0.8"' if shape in "*^v" else ""
    points = " ".join(f"{x + size * a:.1f},{y + size * b:.1f}" for a, b in _SHAPES[shape])
    return f'<polygon points="{points}" {fill}{edge}{attributes}>{_title(title)}</polygon>'


def nice_ticks(low: float, high: float, count: int = 5) -> list[tuple[float, str]]:
    """Return round values between two limits with as many digits as their step needs.

    Examples
    --------
    >>> nice_ticks(0.0, 10.0, 3)
    [(0.0, '0'), (5.0, '5'), (10.0, '10')]
    """
    values = MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    step = float(values[1] - values[0]) if len(values) > 1 else 1.0
    digits = next((n for n in range(9) if abs(round(step, n) - step) < 1e-6 * step), 9)
    room = 1e-9 * (high - low)
    inside = [float(value) for value in values if low - room <= value <= high + room]
    return [(value, f"{value + 0.0:,.{digits}f}".replace("-", "−")) for value in inside]


def span(values: ArrayLike, least: float, zero: bool = False) -> tuple[float, float]:
    """Return limits around finite values with a little room, at least `least` wide.

    Examples
    --------
    >>> span([1.0, 2.0], 0.5)
    (0.95, 2.05)
    >>> span([], 1.0)
    (0.0, 1.0)
    """
    array = np.asarray(values, float).ravel()
    array = array[np.isfinite(array)]
    if zero or not array.size:
        array = np.append(array, 0.0)
    low, high = float(array.min()), float(array.max())
    if high - low < least:
        return (low, low + least) if zero or low == 0.0 else (low - least / 2, high + least / 2)
    room = 0.05 * (high - low)
    return (low if zero and low == 0.0 else low - room), high + room


def _title(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""


def _star() -> list[tuple[float, float]]:
    angles = -np.pi / 2 + np.pi / 5 * np.arange(10)
    radius = np.where(np.arange(10) % 2 == 0, 1.6, 0.65)
    return list(
        zip((radius * np.cos(angles)).tolist(), (radius * np.sin(angles)).tolist(), strict=True)
    )


_SHAPES: dict[str, list[tuple[float, float]]] = {
    "s": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
    "^": [(0, -1.3), (1.2, 1), (-1.2, 1)],
    "v": [(0, 1.3), (1.2, -1), (-1.2, -1)],
    "D": [(0, -1.35), (1.35, 0), (0, 1.35), (-1.35, 0)],
    "P": [(-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4),
          (0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4)],
    "*": _star(),
}  # fmt: skip
