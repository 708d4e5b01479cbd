"""A member's bill as a page: what it says, that it adds up, and what it refuses."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gridbazaar.__main__ import app
from gridbazaar.analysis.bill_page import _page_path, write_bill
from gridbazaar.analysis.bill_words import GROUPS, formats
from gridbazaar.sim.run import run_scenario
from gridbazaar.sim.run_directory import RunError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three days over a month's end, under slabs, net metering and a transaction charge."""
    out = tmp_path_factory.mktemp("bill") / "run"
    overrides = ["start=2025-11-29", "days=3", "market.engine=exact", "tariff=kseb-2025"]
    overrides += ["settlement.rules=delhi-2024", "gate_closure_minutes=120"]
    return run_scenario("kerala-village", overrides, out=out)


class Text(HTMLParser):
    """The words of a page, and its tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        assert not [v for k, v in attrs if k in ("src", "href")]


def read(path: Path) -> str:
    return " ".join(Text(path.read_text(encoding="utf-8")).words)


def a_seller(run) -> str:
    bills = run.bills
    return bills[(bills.p2p_sold_kwh > 1.0) & (bills.grid_energy > 0.0)].prosumer.iloc[0]


def test_every_member_has_bills_that_add_up(run):
    for member in run.members.prosumer[:20]:
        bill = write_bill(run.path, member)
        assert [month.month for month in bill.months] == ["2025-11", "2025-12"]
        for month in bill.months:
            of_groups = sum(group.amount for group in month.groups)
            assert of_groups == pytest.approx(month.total, abs=1e-6)
            parts = month.no_p2p_total - month.total + month.battery_gain + month.bank_gain
            assert month.saving == pytest.approx(parts, abs=1e-6)
            assert month.saving == pytest.approx(
                month.price_effect + month.operation_effect, abs=1e-6
            )
            for _, _, left, width in month.bars:
                assert left >= -1e-9 and left + width <= 100 + 1e-9
        assert bill.months[1].opening_bank_kwh == bill.months[0].bank_kwh


def test_the_page_says_what_a_householder_asks(run):
    member = a_seller(run)
    bill = write_bill(run.path, member)
    said = read(bill.out)
    money = formats(100)["money"]
    for month, title in zip(bill.months, ("November 2025", "December 2025"), strict=True):
        assert f"Electricity bill, {title}" in said
        assert money(abs(month.total)) + " INR" in said
        for amount in (month.no_p2p_total, month.same_meter_total, month.no_pv_total):
            assert money(amount) + " INR" in said
        for effect in (month.price_effect, month.operation_effect):
            assert money(effect) in said
    for words in (
        "Sold to neighbours (average price)",
        "Transaction charge of the platform",
        "Grid energy",
        "prorated: 2.00 of 30 days",
        "prorated: 1.00 of 31 days",
        "In your bank before this month",
        "offset by what you fed in this month",
        "nobody is asked to pay it",
        "Facts of the tariff that nobody has confirmed",
        "court stay",
        "delhi-2024",
    ):
        assert words in said


def test_slabs_and_frames_stand_on_the_lines(run):
    """Below 250 units by slab, above by frame: the prorated edges of two days and of one."""
    texts = set(run.bill_lines.query("line == 'grid_energy'").text)
    assert {"Grid energy, units 0-3.3", "Grid energy, units 0-1.6"} <= texts
    assert "Grid energy, peak 18:00-22:00, all units (above 33.3)" in texts
    member = run.bill_lines[run.bill_lines.text.str.startswith("Grid energy, units 0-3.3")]
    said = read(write_bill(run.path, member.prosumer.iloc[0]).out)
    assert "Grid energy, units 0-3.3" in said


def test_units_on_the_page_let_a_householder_check_each_line(run):
    """Energy of three decimals times the price printed is the amount, but for what is averaged."""
    written = formats(100)
    for member in run.members.prosumer[:20]:
        bill = write_bill(run.path, member)
        said = read(bill.out)
        for month in bill.months:
            for line in (line for group in month.groups for line in group.lines):
                if line.energy_kwh is None:
                    continue
                units = written["units"](line.energy_kwh)
                assert units in said
                if not line.average and not line.nominal:
                    price = float(written["price"](line.rate_per_kwh))
                    exact = float(units.replace(",", "")) * price
                    assert abs(abs(line.amount) - exact) <= 0.005 + 0.0005 * price + 1e-9


def test_charges_on_trade_show_the_rate_of_the_rules(run):
    bills = [write_bill(run.path, member) for member in run.members.prosumer[:20]]
    lines = [
        line
        for bill in bills
        for month in bill.months
        for group in month.groups
        for line in group.lines
        if line.line == "transaction_charge"
    ]
    assert lines
    assert {(line.rate_per_kwh, line.nominal) for line in lines} == {(0.21, True)}


def test_curtailed_energy_is_no_charge_on_trade():
    titles = {kind: title for title, kinds in GROUPS for kind in kinds}
    assert titles["curtailed_energy"] == titles["network_curtailment"]
    assert titles["curtailed_energy"] != titles["network_charge"] == titles["imbalance"]


def test_net_metering_is_booked_on_the_page_unit_by_unit(run):
    drawn = banked = 0
    for member in run.members.prosumer:
        bill = write_bill(run.path, member)
        for month in bill.months:
            net = month.netting
            offset = net.own_kwh + net.from_bank_kwh
            assert net.import_kwh - offset == pytest.approx(net.billed_kwh, abs=1e-5)
            kept = net.opening_kwh + net.banked_kwh - net.from_bank_kwh - net.paid_out_kwh
            assert kept == pytest.approx(net.bank_kwh, abs=1e-5)
            assert net.banked_kwh >= 0.0 and net.from_bank_kwh >= 0.0
            drawn, banked = drawn + (net.from_bank_kwh > 0.1), banked + (net.banked_kwh > 0.1)
    assert drawn and banked
    assert "In your bank after this month" in read(bill.out)


def test_the_page_needs_nothing_from_outside(run):
    html = write_bill(run.path, "home-001").out.read_text(encoding="utf-8")
    tags = Text(html).tags
    assert not {"script", "link", "img", "iframe"} & set(tags)
    assert "url(" not in html and "@import" not in html
    assert tags.count("section") == 2


def test_energy_of_the_months_is_that_of_the_meters(run):
    member = a_seller(run)
    meters = run.meters[run.meters.prosumer == member]
    months = write_bill(run.path, member).months
    # The night that begins on 30 November is November's, though it ends in December.
    november = meters[meters.start < pd.Timestamp("2025-12-01T06:00")]
    assert months[0].load_kwh == pytest.approx(november.load_kwh.sum())
    assert sum(month.load_kwh for month in months) == pytest.approx(meters.load_kwh.sum())
    assert sum(month.pv_kwh for month in months) == pytest.approx(meters.pv_kwh.sum())


def test_one_month_alone_and_as_json(run, tmp_path):
    member, runner = a_seller(run), CliRunner()
    out = tmp_path / "page.html"
    words = ["bill", str(run.path), member, "--month", "2025-12", "--out", str(out), "--json"]
    done = runner.invoke(app, words)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["out"], said["prosumer"], said["currency"]) == (str(out), member, "INR")
    (month,) = said["months"]
    recorded = run.bills.set_index(["prosumer", "month"]).loc[(member, "2025-12")]
    assert (month["month"], month["total"], month["saving"]) == (
        "2025-12",
        recorded.total,
        recorded.saving,
    )
    assert round(sum(line["amount"] for line in month["lines"]), 2) == recorded.total
    assert "November" not in read(out)


def test_people_get_the_sum_and_the_path(run):
    done = CliRunner().invoke(app, ["bill", str(run.path), "home-001"])
    assert done.exit_code == 0
    assert re.search(r"home-001 2025-11: [\d,.]+ INR to (pay|receive), saving", done.stdout)
    assert (run.path / "bills" / "home-001.html").is_file()


def test_every_problem_is_told_at_once_and_nothing_is_written(run, tmp_path):
    words = ["bill", str(run.path), "hom-05", "--month", "2025-13"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "no" / "page.html")])
    assert done.exit_code == 2
    assert "3 problems found" in done.stderr
    assert "hom-05: the run has no such member: perhaps home-005" in done.stderr
    assert "2025-13: the run has no such billing month: use 2025-11 or 2025-12" in done.stderr
    assert "does not exist: name a file in one that exists" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_name_unlike_any_gets_the_first_ones(run):
    with pytest.raises(RunError, match=r"use one of home-001, home-002.*\.\.\."):
        write_bill(run.path, "zz")
    with pytest.raises(RunError, match="has no such member"):
        write_bill(run.path, "")


def test_what_is_no_run_is_refused(tmp_path):
    done = CliRunner().invoke(app, ["bill", str(tmp_path / "none"), "home-001"])
    assert done.exit_code == 2
    assert "no such directory" in done.stderr
    done = CliRunner().invoke(app, ["bill", str(tmp_path), "home-001"])
    assert done.exit_code == 2
    assert "the directory holds no run" in done.stderr


@pytest.fixture
def changed(run, tmp_path):
    ignored = shutil.ignore_patterns("bills")
    return Path(shutil.copytree(run.path, tmp_path / "copy", ignore=ignored))


def test_lines_that_do_not_add_up_are_refused(changed):
    lines = pd.read_csv(changed / "bill_lines.csv", keep_default_na=False)
    lines.loc[lines.index[0], "amount"] = float(lines.amount[0]) + 0.01
    lines.to_csv(changed / "bill_lines.csv", index=False)
    with pytest.raises(RunError, match=r"home-001, 2025-11: the lines do not add up"):
        write_bill(changed, "home-001")
    assert not (changed / "bills" / "home-001.html").exists()


def test_a_tariff_that_cannot_be_read_is_refused(changed):
    (changed / "tariff.yaml").write_text("frames: [")
    with pytest.raises(RunError, match=r"tariff\.yaml: RUN: cannot be read"):
        write_bill(changed, "home-001")


def test_a_member_left_out_of_trade_is_told(changed):
    manifest = json.loads((changed / "manifest.json").read_text())
    manifest["left_out_of_trade"] = ["home-003"]
    (changed / "manifest.json").write_text(json.dumps(manifest))
    assert "may not trade with neighbours" in read(write_bill(changed, "home-003").out)
    assert "may not trade with neighbours" not in read(write_bill(changed, "home-001").out)


def test_names_are_text_and_never_markup_or_places(changed):
    evil = "<b>../anna</b>"
    for name in ("bills.csv", "bill_lines.csv"):
        text = (changed / name).read_text().replace("home-001,", f"{evil},")
        (changed / name).write_text(text)
    members = pd.read_parquet(changed / "members.parquet")
    members["prosumer"] = members.prosumer.astype(str).replace("home-001", evil)
    members.to_parquet(changed / "members.parquet")
    page = write_bill(changed, evil).out
    assert page.parent == changed / "bills"
    assert evil in read(page) and evil not in page.read_text()


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
@settings(max_examples=200, deadline=None)
def test_each_name_has_a_page_of_its_own_within_the_run(one, other):
    folder = Path("run")
    path = _page_path(folder, one, None)
    assert path.parent == folder / "bills" and path.name not in (".", "..", ".html")
    assert re.fullmatch(r"[A-Za-z0-9._-]+\.html", path.name)
    if one != other:
        assert path != _page_path(folder, other, None)


def test_numbers_as_people_read_them():
    written = formats(100)
    assert written["money"](1234567.891) == "1,234,567.89"
    assert written["money"](-0.001) == "0.00"
    assert written["price"](6.075) == "6.075"
    assert written["price"](6.0) == "6.00"
    assert formats(1)["money"](12.0) == "12"
    assert np.isclose(float(written["average"](4.666)), 4.67)
