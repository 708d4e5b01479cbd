"""Self-contained pages: templates, figures as inline SVG, tables that sort."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import matplotlib
from matplotlib.figure import Figure

from ..sim.whole_file import whole_file, write_whole

PNG_DPI = 300  # what journals ask for


#: A text, or a pair (text, number) that sorts by its number.
Cell = str | tuple[str, float]


@dataclass(frozen=True)
class Sheet:
    """A table of a page.

    Attributes
    ----------
    columns : tuple of str
        Headings.
    rows : sequence of sequences
        Cells.
    """

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


@cache
def _templates() -> jinja2.Environment:
    folder = files(__package__).joinpath("templates")

    def load(name: str) -> str:
        return folder.joinpath(name).read_text("utf-8")

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(load),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **content: Any) -> str:
    """Return a page from its template; whatever is not marked as safe is escaped."""
    return _templates().get_template(template).render(**content)


def figure_files(figure: Figure, folder: Path, name: str) -> str:
    """Write a figure as NAME.svg and NAME.png; return its SVG element for a page.

    Identifiers inside carry the figure's name, so that many figures can share a page.
    """
    buffer = io.StringIO()
    settings = {"svg.hashsalt": f"gridbazaar {name}", "svg.fonttype": "none"}
    with matplotlib.rc_context(settings):  # type: ignore[arg-type]
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    write_whole(folder / f"{name}.svg", svg)
    with matplotlib.rc_context(
        {"figure.autolayout": False, "figure.constrained_layout.use": False}
    ):
        figure.set_layout_engine(None)  # laid out already: once more costs as much as drawing
    packing = {"compress_level": 1}  # for speed
    with whole_file(folder / f"{name}.png") as new:
        figure.savefig(new, format="png", dpi=PNG_DPI, pil_kwargs=packing)
    return _inline(svg)


def _inline(svg: str) -> str:
    """Return the SVG element alone, with those identifiers only that something refers to."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.S)
    used = set(re.findall(r"#([A-Za-z][\w.-]*)", svg))
    return re.sub(r' id="([^"]*)"', lambda m: m.group(0) if m.group(1) in used else "", svg)
