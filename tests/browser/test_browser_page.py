"""The page in headless Chromium: played, paused, reset, clicked; nothing leaves the machine."""

import time

import pytest


@pytest.fixture(scope="module")
def address(view, browser):
    with view("kerala-village", "--set", "days=3") as at:
        yield at


def test_play_pause_and_the_whole_page_moves(tab, address):
    page = tab(address)
    before, rows = page.pictures, page.rows
    assert page.frame == 0 and len(rows) == 57
    page.press("▶")
    page.wait_for_frame(2)
    page.press("❚❚")
    page.page.get_by_role("button", name="▶", exact=True).wait_for()
    time.sleep(1.0)
    paused = page.frame
    time.sleep(1.0)
    assert page.frame == paused
    assert paused < 9
    for old, new in zip(before, page.pictures, strict=True):
        assert old != new
    assert page.rows != rows
    page.press("▶")
    page.wait_for_frame(9)
    page.shoot("end")


def test_a_click_on_bus_row_or_list_selects_a_member_and_the_table_sorts(tab, address):
    page = tab(address)
    page.step_to(1)
    page.page.locator(".gb-members tbody tr").nth(6).click()
    page.page.locator(".gb-line b", has_text="home-007").wait_for()
    chart = page.pictures[-1]
    page.page.locator("[data-pick^='bus:']").nth(30).click()
    page.page.wait_for_function(
        "!document.querySelector('.gb-board .gb-line b').innerText.startsWith('home-007')"
    )
    assert page.pictures[-1] != chart
    page.page.get_by_label("Member", exact=True).click()
    page.page.get_by_role("option", name="home-003", exact=True).click()
    page.page.locator(".gb-line b", has_text="home-003").wait_for()
    assert page.page.locator(".gb-selected").inner_text().startswith("home-003")
    page.shoot("member")

    # and the table sorts by number
    header = page.page.locator(".gb-members th", has_text="saving")
    for sign in (1, -1):
        header.click()
        page.page.wait_for_timeout(300)
        savings = [float(row[-1].replace("\N{MINUS SIGN}", "-")) for row in page.rows]
        assert savings == sorted(savings, key=lambda value: sign * value)
    page.page.locator(".gb-members th", has_text="battery").click()
    page.page.wait_for_timeout(300)
    charge = [row[4] for row in page.rows]
    assert charge[0] != "–" and charge[-1] == "–"


def test_controls_act_on_reset_and_bad_ones_are_told(tab, address):
    page = tab(address)
    page.step_to(1)
    first = page.pictures
    page.slide("Share of homes with PV", 6)
    page.page.wait_for_timeout(300)
    assert page.frame == 1 and page.pictures == first
    page.press("Reset")
    page.wait_for_frame(0)
    page.page.locator(".gb-faint", has_text="Share of homes with PV: 0.65").wait_for()
    page.step_to(1)
    assert page.pictures != first
    page.shoot("more-pv")

    # a combination that cannot be is listed, and the market stays
    page.choose("Price rule", "fixed")
    page.press("Reset")
    page.page.get_by_text("fixed_price_per_kwh").first.wait_for()
    assert page.frame == 1
    page.shoot("problems")
    page.choose("Price rule", "mid-market")
    page.press("Reset")
    page.wait_for_frame(0)
    assert page.page.get_by_text("fixed_price_per_kwh").count() == 0


def test_two_tabs_do_not_disturb_each_other(tab, address):
    one, other = tab(address), tab(address)
    one.step_to(2)
    other.step_to(1)
    one.page.locator(".gb-members tbody tr").nth(3).click()
    one.page.locator(".gb-line b", has_text="home-004").wait_for()
    assert (one.frame, other.frame) == (2, 1)
    assert (one.member, other.member) == ("home-004", "home-001")


def test_nothing_is_clipped(tab, address):
    page = tab(address)
    page.step_to(4)
    page.page.locator(".gb-members tbody tr").nth(6).click()
    page.page.locator(".gb-line b", has_text="home-007").wait_for()
    for width in (1280, 1920):
        page.page.set_viewport_size({"width": width, "height": 1080})
        page.shoot(f"noon-{width}")
        _all_within(page)


def _all_within(page):
    wide = page.page.evaluate(
        """() => [...document.querySelectorAll('.gb-board *, .gb-tile')]
        .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0
                     && getComputedStyle(e).display !== 'inline'
                     && !e.closest('svg') && !e.closest('.v-icon') && !e.closest('.v-input'))
        .map(e => `${e.className}: ${e.scrollWidth} in ${e.clientWidth}`)"""
    )
    assert wide == []
    outside = page.page.evaluate(
        """() => [...document.querySelectorAll('.gb-board svg')].flatMap(svg => {
          const box = svg.getBoundingClientRect();
          return [...svg.querySelectorAll('text')].filter(t => {
            const r = t.getBoundingClientRect();
            return r.left < box.left - 1 || r.right > box.right + 1
                || r.top < box.top - 1 || r.bottom > box.bottom + 1;
          }).map(t => t.textContent);
        })"""
    )
    assert outside == []
