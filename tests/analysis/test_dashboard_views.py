"""Every picture of the page under every market rule, without supply, without trade, without PV."""

import xml.etree.ElementTree as ET

import pytest

from gridbazaar.analysis.dashboard import svg
from gridbazaar.analysis.dashboard.balance_view import balance_svg
from gridbazaar.analysis.dashboard.feeder_view import feeder_plan, feeder_svg
from gridbazaar.analysis.dashboard.front_view import front_svg
from gridbazaar.analysis.dashboard.live_market import Desk
from gridbazaar.analysis.dashboard.member_view import bill_html, member_heading, member_svg
from gridbazaar.analysis.dashboard.members_table import table_headers, table_rows
from gridbazaar.analysis.dashboard.price_view import price_svg
from gridbazaar.analysis.dashboard.summary_view import head_html
from gridbazaar.market.registry import MECHANISMS

CASES = [
    *([f"market.mechanism={name}"] for name in MECHANISMS),
    ["market.objectives=surplus"],
    ["market.objectives=per-buyer", "market.engine=exact"],
    ["market.network=constrained"],
    ["market.network=ignore"],
    ["members.generate.pv_share=0.0", "members.generate.battery_share=0.0"],
    ["grid.outages=[{start: '2025-11-01 12:00', hours: 18}]"],
    ["feeder.source_voltage_pu=0.96", "profiles.load_scale=90"],
    ["tariff=kseb-older"],
]


def pictures(run, row):
    """All that the page would draw now, as XML that must be well formed."""
    world, moment = run.simulation.world, run.look()
    plan = feeder_plan(world)
    parts = [
        head_html(run.scenario, moment, 3, "INR"),
        feeder_svg(world, plan, moment, row),
        price_svg(moment, "INR", world.tariff.frame_names),
        balance_svg(moment),
        front_svg(moment, "INR", "demand-first"),
        f"<b>{member_heading(world, row)}</b>",
        member_svg(world, moment, row),
        bill_html(moment, row, "INR"),
    ]
    for part in parts:
        ET.fromstring(f"<i>{part}</i>")
        assert "nan" not in part.replace("nant", "")
    keys = {header["value"] for header in table_headers("INR")}
    assert all(keys <= set(one) for one in table_rows(world, moment))
    return parts


@pytest.mark.parametrize("overrides", CASES, ids=lambda case: case[0])
def test_every_picture_can_be_drawn(overrides):
    run = Desk("kerala-estates", ["days=1", *overrides]).run
    seen = [pictures(run, 0)]
    while run.step():
        seen.append(pictures(run, len(seen)))
    seen.append(pictures(run, 3))
    assert run.error == ""
    assert len(seen) == 4
    run.release()


def test_a_bus_outside_its_limits_is_marked_and_counted():
    run = Desk("kerala-estates", ["days=1", "feeder.v_max_pu=1.0005"]).run
    run.step()
    world, moment = run.simulation.world, run.look()
    over = int((moment.v_pu > 1.0005).sum())
    assert over > 0
    assert f"above 1.0005 p.u. ({over})" in feeder_svg(world, feeder_plan(world), moment, 0)
    run.release()


def test_words_of_a_scenario_stay_words():
    hostile = "<script>alert(1)</script>&\"'"
    for drawn in (
        svg.text(0, 0, hostile),
        svg.marker(0, 0, "o", "red", 3, title=hostile),
        svg.picture(1, 1, [], hostile),
        svg.legend([svg.Key(hostile, "red")], 0, 0, 100)[0],
    ):
        assert "<script" not in drawn
        ET.fromstring(f"<i>{drawn}</i>")
