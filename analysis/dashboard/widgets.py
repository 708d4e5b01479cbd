"""The two pieces of the page that live in the browser: a picture to click, a table to sort."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import solara


@solara.component_vue("picture.vue")
def Picture(html: str, event_pick: Callable[[Any], None]) -> None:
    """Show HTML; a click on what carries `data-pick` calls `event_pick` with its value."""


@solara.component_vue("members_table.vue")
def MembersTable(
    headers: list[dict[str, Any]],
    rows: list[dict[str, Any]],
    selected: int,
    height: int,
    event_pick: Callable[[Any], None],
) -> None:
    """Show members; a click on a header sorts, on a row calls `event_pick` with its `row`."""
