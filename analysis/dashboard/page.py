"""The page that Solara serves: Mesa's `SolaraViz` with one laid-out component of our own.

Everything of a page is built inside it, so that two tabs play two markets.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import solara
from mesa.visualization import Slider, SolaraViz
from mesa.visualization.utils import update_counter
from solara.server import kernel_context

from ...market.objectives import OBJECTIVES
from ...scenarios.problems import ScenarioError
from .balance_view import balance_svg
from .feeder_view import FeederPlan, feeder_plan, feeder_svg
from .front_view import front_svg
from .live_market import Desk, LiveMarket
from .member_view import bill_html, member_heading, member_svg
from .members_table import table_headers, table_rows
from .price_view import price_svg
from .serve import given_scenario
from .settings import Setting
from .summary_view import head_html, in_force
from .widgets import MembersTable, Picture

PLAY_INTERVAL_MS = 100  # below about 50 the page starves
TABLE_HEIGHT = 390
ON_RESET = "\N{ANTICLOCKWISE OPEN CIRCLE ARROW}"
NOTE = (
    "A step is one Time-of-Day frame; the render interval is the number of frames for each "
    f"redraw. <b>What is marked {ON_RESET} acts on Reset.</b>"
)


@solara.component
def Page() -> None:
    """Build one market for one browser tab and show it."""
    desk, problems = solara.use_memo(_open_desk, [])
    solara.Style(Path(__file__).with_name("style.css"))
    if desk is None:
        _problem_list("The scenario cannot be played", problems)
    else:
        Playable(desk)


@solara.component
def Playable(desk: Desk) -> None:
    """Put Mesa's controls beside the market of a desk."""
    solara.use_effect(lambda: desk.close, [])
    model = solara.use_memo(lambda: solara.Reactive(LiveMarket(desk)), [])
    with solara.Sidebar():
        solara.HTML(tag="p", classes=["gb-note"], unsafe_innerHTML=NOTE)
    with solara.Div():
        with solara.Div(style={"display": "none"}):  # its bar and its sidebar stand elsewhere
            SolaraViz(
                model,
                components=[],
                model_params={"desk": desk, **{one.name: _control(one) for one in desk.settings}},
                play_interval=PLAY_INTERVAL_MS,
                name="GridBazaar",
            )
        Market(model.value)


@solara.component
def Market(model: LiveMarket) -> None:
    """Lay out the market of a model: head, feeder, prices, day, front, members, one member."""
    update_counter.get()  # Mesa counts here when a frame is to be drawn
    run = model.run
    world = run.simulation.world
    selected, select = solara.use_state(0)
    row = selected if selected < world.n_members else 0
    plan: FeederPlan = solara.use_memo(lambda: feeder_plan(world), [world])
    with run.lock:
        moment = run.look()
        error = run.error
    currency = world.tariff.currency

    def pick(value: Any) -> None:
        found = picked_row(value, world.members.bus.tolist(), row)
        if found is not None:
            select(found)

    if model.problems:
        _problem_list("These settings were not taken, the market before goes on", model.problems)
    if error:
        solara.Error(f"The market stopped. {error} – Reset begins anew.")
    total = len(world.calendar.frames)
    with solara.Div(classes=["gb-top"]):
        Picture(html=head_html(run.scenario, moment, total, currency), event_pick=pick)
    market = run.scenario.market
    choose = market.choose or OBJECTIVES[market.objectives].default_choice
    with solara.Div(classes=["gb-board"]):
        _panel("Feeder", feeder_svg(world, plan, moment, row), pick)
        _panel(
            "Price and energy of each frame",
            price_svg(moment, currency, world.tariff.frame_names),
            pick,
        )
        _panel("Energy of the market day", balance_svg(moment), pick)
        _panel(
            "Pareto front of the frame, and how it was capped",
            front_svg(moment, currency, choose),
            pick,
        )
        with solara.Div(classes=["gb-panel"]):
            solara.HTML(tag="h3", unsafe_innerHTML="Members")
            MembersTable(
                headers=table_headers(currency),
                rows=table_rows(world, moment),
                selected=row,
                height=TABLE_HEIGHT,
                event_pick=pick,
            )
        with solara.Div(classes=["gb-panel"]):
            solara.v.Autocomplete(
                label="Member",
                class_="gb-choose",
                items=[{"text": name, "value": k} for k, name in enumerate(world.members.names)],
                v_model=row,
                on_v_model=pick,
                dense=True,
                hide_details=True,
            )
            html = f'<p class="gb-line">{member_heading(world, row)}</p>'
            html += member_svg(world, moment, row) + bill_html(moment, row, currency)
            Picture(html=html, event_pick=pick)
    solara.HTML(
        tag="p",
        classes=["gb-faint"],
        unsafe_innerHTML=escape(f"In force: {in_force(run.scenario)}"),
    )


def picked_row(value: Any, bus_of: list[int], now: int) -> int | None:
    """Return the member that a click means; None for anything else that a browser may send.

    A bus stands for its members in turn: the next click on it takes the next of them.

    Parameters
    ----------
    value : Any
        A row, `member:ROW` or `bus:INDEX`.
    bus_of : list of int
        Bus of each member.
    now : int
        The member that is selected.

    Returns
    -------
    int or None
        The member's row.

    Examples
    --------
    >>> picked_row("bus:7", [3, 7, 7], 1), picked_row(0, [3, 7, 7], 1), picked_row("x", [3], 0)
    (2, 0, None)
    """
    kind, _, number = str(value).rpartition(":")
    if not (number.isascii() and number.isdigit()) or len(number) > 9:
        return None
    k = int(number)
    if kind == "bus":
        homes = [row for row, bus in enumerate(bus_of) if bus == k]
        return next((row for row in homes if row > now), homes[0] if homes else None)
    return k if kind in ("", "member") and k < len(bus_of) else None


def _open_desk() -> tuple[Desk | None, list[str]]:
    try:
        return Desk(*given_scenario(), watched=_watcher()), []
    except ScenarioError as error:
        return None, error.problems


def _watcher() -> Callable[[], bool]:
    """Return a function that tells whether a browser is connected to this page."""
    if not kernel_context.has_current_context():
        return lambda: True  # rendered without a server
    pages = kernel_context.get_current_context().page_status

    def watched() -> bool:
        states = list(pages.values())
        return not states or kernel_context.PageStatus.CONNECTED in states

    return watched


def _control(setting: Setting) -> Any:
    """Return a control as Mesa's page reads it."""
    label = f"{setting.label} {ON_RESET}"
    if setting.names:
        names = list(setting.names)
        return {"type": "Select", "label": label, "value": setting.value, "values": names}
    if setting.high == 0.0:
        return {"type": "InputText", "label": label, "value": setting.value}
    kind = type(setting.value)  # else Mesa makes a slider of fractions for whole days
    return Slider(label, setting.value, setting.low, setting.high, kind(setting.step), kind)


def _panel(title: str, html: str, pick: Callable[[Any], None]) -> None:
    with solara.Div(classes=["gb-panel"]):
        solara.HTML(tag="h3", unsafe_innerHTML=title)
        Picture(html=html, event_pick=pick)


def _problem_list(title: str, problems: list[str]) -> None:
    with solara.Error(f"{title}:"):
        for problem in problems:
            solara.Text(problem, style="display: block")
