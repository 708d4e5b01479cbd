"""The browser page without a browser: rendered, stepped, reset, broken and mended."""

import threading

import ipyvue
import ipyvuetify as v
import pytest
import solara

from gridbazaar.analysis.dashboard import live_market
from gridbazaar.analysis.dashboard.page import Page, picked_row
from gridbazaar.analysis.dashboard.serve import VARIABLE
from gridbazaar.sim.simulation import Simulation


class Rendered:
    """A page as a reader meets it: what it says, and its buttons."""

    def __init__(self):
        self.box, self.rc = solara.render(solara.AppLayout(children=[Page()]), handle_error=False)

    def click(self, label):
        next(b for b in self.rc.find(v.Btn).widgets if b.children == [label]).click()

    def control(self, kind, label):
        return next(w for w in self.rc.find(kind).widgets if (w.label or "").startswith(label))

    def type_seed(self, text):
        field = self.control(v.TextField, "Seed")
        field.v_model = text
        field.fire_event("focusout", None)

    @property
    def vue(self):
        return self.rc.find(ipyvue.VueTemplate).widgets

    @property
    def pictures(self):
        return [w.html for w in self.vue if hasattr(w, "html")]

    @property
    def table(self):
        return next(w for w in self.vue if hasattr(w, "rows"))

    @property
    def errors(self):
        words = []
        for alert in self.rc.find(v.Alert).widgets:
            words += [str(child) for child in _leaves(alert)]
        return words

    def close(self):
        self.rc.close()


def _leaves(widget):
    for child in getattr(widget, "children", ()):
        if isinstance(child, str):
            yield child
        else:
            yield from _leaves(child)


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setenv(VARIABLE, '{"scenario": "kerala-estates", "set": ["days=2"]}')
    rendered = Rendered()
    yield rendered
    rendered.close()


def test_a_step_changes_every_picture_and_the_table(page):
    before, rows = page.pictures, page.table.rows
    assert "none played yet" in before[0]
    page.click("Step")
    after = page.pictures
    assert "frame 1 of 6" in after[0]
    for old, new in zip(before, after, strict=True):
        assert old != new
    assert rows != page.table.rows
    assert {row["role"] for row in page.table.rows} <= {"sells", "buys", "-"}
    page.click("Step")
    assert "frame 2 of 6" in page.pictures[0]


def test_a_bus_a_row_and_the_list_select_members(page):
    page.click("Step")
    table = page.table
    table.vue_pick(4)
    name = table.rows[4]["name"]
    assert name in page.pictures[-1]
    assert page.table.selected == 4
    page.vue[-1].vue_pick("member:2")
    assert page.table.selected == 2
    page.control(v.Autocomplete, "Member").v_model = 5
    assert page.table.selected == 5


def test_reset_takes_the_controls(page):
    page.click("Step")
    page.control(v.Slider, "Share of homes with PV").v_model = 0.9
    assert "frame 1 of 6" in page.pictures[0]  # not before Reset
    page.control(v.Slider, "Days").v_model = 1
    page.click("Reset")
    assert page.errors == []
    assert "3 frames to play, none played yet" in page.pictures[0]


def test_a_bad_combination_is_told_and_the_market_goes_on(page):
    page.click("Step")
    page.control(v.Select, "Price rule").v_model = "fixed"
    page.type_seed("many")
    page.click("Reset")
    assert any("seed: many: is not a whole number" in words for words in page.errors)
    page.type_seed("2")
    page.click("Reset")
    assert any("fixed_price_per_kwh" in words for words in page.errors)
    assert "frame 1 of 6" in page.pictures[0]
    page.click("Step")
    assert "frame 2 of 6" in page.pictures[0]
    page.control(v.Select, "Price rule").v_model = "mid-market"
    page.click("Reset")
    assert page.errors == []
    assert "none played yet" in page.pictures[0]


def test_an_error_in_a_step_is_shown_and_reset_mends_it(page, monkeypatch):
    page.click("Step")

    def broken(self):
        raise ArithmeticError("the sun went out")

    with monkeypatch.context() as patch:
        patch.setattr(Simulation, "step", broken)
        page.click("Step")
    assert any("ArithmeticError: the sun went out" in words for words in page.errors)
    page.click("Reset")
    assert page.errors == []
    page.click("Step")
    assert "frame 1 of 6" in page.pictures[0]


def test_two_pages_play_two_markets(page):
    other = Rendered()
    page.click("Step")
    page.click("Step")
    other.click("Step")
    assert "frame 2 of 6" in page.pictures[0]
    assert "frame 1 of 6" in other.pictures[0]
    other.close()


def test_a_scenario_that_cannot_be_played_is_told(monkeypatch):
    monkeypatch.setenv(VARIABLE, '{"scenario": "kerala-estates", "set": ["days=0", "seed=-1"]}')
    rendered = Rendered()
    assert sum("kerala-estates.yaml" in words for words in rendered.errors) == 2
    rendered.close()


def test_a_late_step_of_the_old_player_leaves_the_new_market_alone():
    """Mesa's player sleeps before each step: Reset may come while it does."""
    desk = live_market.Desk("kerala-estates", ["days=2"])
    model = live_market.LiveMarket(desk)

    barrier = threading.Barrier(2)
    later = []

    def player():
        model.step()
        barrier.wait()
        barrier.wait()
        later[0].step()

    thread = threading.Thread(target=player)
    thread.start()
    barrier.wait()
    later.append(live_market.LiveMarket(desk, days=1))
    barrier.wait()
    thread.join()
    assert later[0].run.frames == []
    later[0].step()
    assert len(later[0].run.frames) == 1


def test_nothing_is_played_for_nobody(monkeypatch):
    """A tab that was closed while it played leaves Mesa's player behind."""
    monkeypatch.setattr(live_market, "_UNWATCHED", 0.0)
    seen = [True, False, True]
    desk = live_market.Desk("kerala-estates", ["days=2"], watched=lambda: seen.pop(0))
    model = live_market.LiveMarket(desk)
    played = []
    for _ in range(3):
        model.step()
        played.append(len(model.run.frames))
    assert played == [1, 1, 2] and model.running
    desk.close()
    model.step()
    assert len(desk.run.frames) == 2 and not model.running


def test_a_page_that_ends_ends_its_player(page, monkeypatch):
    opened = []
    monkeypatch.setattr(live_market.Desk, "close", lambda desk: opened.append(desk))
    other = Rendered()
    other.close()
    assert len(opened) == 1


@pytest.mark.parametrize(
    "value", ["bus:99", "member:99", "99", "../x", "", None, "bus:-1", {"a": 1}, "²"]
)
def test_other_picks_mean_nobody(value):
    assert picked_row(value, [0, 1, 1], 0) is None
