"""Write measured tables into pages: a page's text stays, what stands between two marks changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

DOCS = Path(__file__).parent


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table: the first column to the left, the others to the right."""
    lines = [
        "| " + " | ".join(header) + " |",
        "| --- |" + " ---: |" * (len(header) - 1),
        *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows),
    ]
    return "\n".join(lines)


def replace_table(page: str, name: str, text: str) -> None:
    """Put a table between the marks `<!-- NAME -->` and `<!-- end NAME -->` of a page."""
    path = DOCS / page
    path.write_text(with_table(path.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def with_table(page: str, name: str, text: str) -> str:
    """Return a page's text with a table put between its marks."""
    start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    if page.count(start) != 1 or page.count(end) != 1:
        raise ValueError(f"the page must hold {start} and {end} once each")
    head, rest = page.split(start)
    return f"{head}{start}\n{text}\n{end}{rest.split(end)[1]}"
