import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.market.bill import bill_month, month_postings
from gridbazaar.market.bill_lines import KINDS
from gridbazaar.market.billing_month import BillingMonth, billing_months, whole_month
from gridbazaar.market.ledger import Ledger
from gridbazaar.market.month_trade import MonthTrade
from gridbazaar.market.net_metering import empty_bank, net_units
from gridbazaar.market.savings import compare_bills
from gridbazaar.market.settlement import SettlementError, settle_frame
from gridbazaar.market.statement import bill_table, line_table
from gridbazaar.market.tariff import Banking, Imbalance, Slab
from gridbazaar.market.tariff_presets import preset_file, preset_names
from gridbazaar.market.tariff_reading import tariff_from_dict
from gridbazaar.market.tariff_rules import lay_rules
from gridbazaar.market.utility_account import utility_account

NOV = whole_month(2025, 11)


def read(name):
    return yaml.safe_load(preset_file(name).read_text("utf-8"))


PRESETS = {name: tariff_from_dict(read(name), name) for name in preset_names()}
SIMPLE, KERALA = PRESETS["simple"], PRESETS["kseb-2025"]
VARIANTS = {
    **PRESETS,
    "interval": replace(SIMPLE, netting="interval"),
    "gross": replace(SIMPLE, metering="gross-metering"),
    "delhi": tariff_from_dict(lay_rules(read("simple"), read("delhi-2024"), "delhi"), "simple"),
    "penalty": replace(SIMPLE, imbalance=Imbalance("single", 0.2)),
    "same-frame bank": replace(KERALA, banking=Banking(4, 3.26, "frame")),
}


def run_month(tariff, n, rng, trade=True, days=4):
    """Settle some days of random meters and contracts: (ledger, settled frames, tod index)."""
    ledger = Ledger([f"h{i}" for i in range(n)])
    start = np.datetime64("2025-11-01T00:00") + np.timedelta64(tariff.day_start_minute, "m")
    settled, starts, minutes = [], [], []
    for k in range(days * len(tariff.frames)):
        frame = tariff.frames[k % len(tariff.frames)]
        x = rng.normal(0, 8, n)
        values = {"ordered_curtailment_kwh": np.where(rng.random(n) < 0.1, 1.0, 0.0)}
        if tariff.netting == "interval" or tariff.metering == "gross-metering":
            both = rng.uniform(0, 3, n)
            values["metered_export_kwh"] = np.maximum(x, 0) + both
            values["metered_import_kwh"] = np.maximum(-x, 0) + both
        sold = np.maximum(x, 0) * rng.uniform(0.5, 1.2, n)
        bought = np.maximum(-x, 0)
        if trade and sold.sum() > 0 and bought.sum() > 0:
            bought *= sold.sum() / bought.sum()
            values |= {
                "sold_kwh": sold,
                "bought_kwh": bought,
                "paid": bought * 5.01,
                "received": sold * 5.01,
            }
        end = start + np.timedelta64(frame.minutes, "m")
        done = settle_frame(tariff, k, frame.name, end, x, **values)
        ledger.post(done.postings, end, k)
        settled.append(done), starts.append(start), minutes.append(frame.minutes)
        start = end
    (month,) = billing_months(starts, minutes)
    return ledger, settled, month, np.arange(len(settled)) % len(tariff.frames)


def bills_of(tariff, settled, month, tod, trade, **facts):
    imports = [done.billed_import_kwh if trade else done.metered.import_kwh for done in settled]
    exports = [done.grid_export_kwh if trade else done.metered.export_kwh for done in settled]
    return bill_month(
        tariff,
        month,
        np.stack(imports, axis=1),
        np.stack(exports, axis=1),
        tod,
        trade=MonthTrade.of(settled) if trade else None,
        **facts,
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_bills_equal_the_ledger_purpose_by_purpose(name):
    tariff, n = VARIANTS[name], 40
    rng = np.random.default_rng(7)
    facts = {"pv_kw": rng.uniform(0, 25, n), "three_phase": rng.random(n) < 0.5}
    ledger, settled, month, tod = run_month(tariff, n, rng)
    bills = bills_of(tariff, settled, replace(month, month=3), tod, True, **facts)
    ledger.post(month_postings(bills, 321.5), settled[-1].time)
    assert ledger.problems() == []
    assert ledger.balances()[4:].tolist() == (-bills.total_minor).tolist()
    by_purpose = ledger.by_purpose()[4:]
    from gridbazaar.market.postings import PURPOSE

    for purpose in PURPOSE:
        kinds = ("p2p_bought", "p2p_sold") if purpose == "p2p_energy" else (purpose,)
        kinds = tuple(kind for kind in kinds if kind in KINDS)
        owed = bills.amount_minor(*kinds) if kinds else np.zeros(n, dtype=int)
        assert by_purpose[:, PURPOSE[purpose]].tolist() == (-owed).tolist(), purpose
    order = np.lexsort((bills.lines.frame, bills.lines.slab, bills.lines.kind, bills.lines.member))
    assert order.tolist() == list(range(len(bills.lines)))
    account = utility_account(bills, 321.5, MonthTrade.of(settled).balance_minor)
    assert account.net == ledger.balances()[0]
    assert ledger.balances()[1] == -account.bulk_purchases
    assert account.network_income == bills.amount_minor("network_charge").sum()


@pytest.mark.parametrize("name", VARIANTS)
def test_without_trade_each_bill_is_its_no_p2p_bill_to_the_paisa(name):
    tariff, n = VARIANTS[name], 25
    rng = np.random.default_rng(3)
    facts = {"pv_kw": rng.uniform(0, 25, n)}
    ledger, settled, month, tod = run_month(tariff, n, rng, trade=False)
    market = bills_of(tariff, settled, month, tod, True, **facts)
    same_meter = bills_of(tariff, settled, month, tod, False, **facts)
    assert market.total_minor.tolist() == same_meter.total_minor.tolist()
    assert market.bank_kwh.tolist() == same_meter.bank_kwh.tolist()
    assert len(ledger) == 0
    saved = compare_bills(market, same_meter, same_meter, same_meter)
    assert not saved.saving_minor.any() and not saved.operation_effect_minor.any()


def test_trade_between_retail_and_feed_in_leaves_nobody_worse_off_who_keeps_its_contract():
    tariff = replace(SIMPLE, network_charge_per_kwh=0.0)
    x = np.array([12.0, 3.0, -9.0, -6.0])
    done = settle_frame(
        tariff,
        0,
        "peak",
        "2025-11-01T22:00",
        x,
        sold_kwh=[12, 3, 0, 0],
        bought_kwh=[0, 0, 9, 6],
        paid=[0, 0, 45, 30],
        received=[60, 15, 0, 0],
    )
    args = ([done], NOV, np.array([1]))
    market, same = bills_of(tariff, *args, True), bills_of(tariff, *args, False)
    saved = compare_bills(market, same, same, same)
    assert saved.price_effect_minor.tolist() == [
        2220,
        555,
        round(9 * (8.4375 - 5) * 100),
        round(6 * (8.4375 - 5) * 100 + 0.01),
    ]


def test_every_line_is_rounded_once_and_the_total_is_their_sum():
    rng = np.random.default_rng(0)
    energy = rng.uniform(0, 400, (50, 3))
    bills = bill_month(KERALA, NOV, energy, np.zeros_like(energy), [0, 1, 2], pv_kw=np.zeros(50))
    total = np.zeros(50, dtype=int)
    for row in range(len(bills.lines)):
        total[bills.lines.member[row]] += bills.lines.amount_minor[row]
    assert total.tolist() == bills.total_minor.tolist()
    np.testing.assert_allclose(bills.energy_kwh("grid_energy"), energy.sum(axis=1), atol=2e-6)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.floats(0, 600), min_size=3, max_size=3),
    st.lists(st.floats(0, 600), min_size=3, max_size=3),
    st.lists(st.floats(0, 200), min_size=3, max_size=3),
    st.sampled_from(["day", "frame"]),
)
def test_net_metering_loses_no_unit(imports, exports, bank, scope):
    tariff = replace(KERALA, banking=Banking(4, 3.26, scope))
    opening = np.array([bank]) if scope == "frame" else np.array([[sum(bank)]])
    net = net_units(
        tariff.banking, np.array([imports]), np.array([exports]), opening, np.array([True])
    )
    before = sum(imports) - sum(exports) - opening.sum()
    after = net.import_kwh.sum() - net.bank_kwh.sum()
    assert after == pytest.approx(before, abs=1e-5)
    assert np.all(net.import_kwh >= 0) and np.all(net.bank_kwh >= 0)
    assert not net.export_kwh.any()
    if scope == "day":  # units are left on one side only
        assert min(net.import_kwh.sum(), net.bank_kwh.sum()) <= 1e-5
    else:
        assert np.all(np.minimum(net.import_kwh, net.bank_kwh) <= 1e-5)


def test_members_outside_net_metering_keep_exports_imports_and_bank():
    energy, bank = np.array([[10.0, 0.0], [10.0, 0.0]]), np.array([[3.0], [3.0]])
    net = net_units(Banking(), energy, energy, bank, np.array([True, False]))
    assert net.import_kwh.tolist() == [[0, 0], [10, 0]]
    assert net.export_kwh.tolist() == [[0, 0], [10, 0]]
    assert net.bank_kwh.tolist() == [[3], [3]]
    more = net_units(Banking(), 0 * energy, energy, bank, np.array([True, False]))
    assert more.bank_kwh.tolist() == [[13], [3]]


def test_a_system_of_exactly_the_limit_is_still_net_metered():
    bills = bill_month(KERALA, NOV, [[0.0]] * 2, [[9.0]] * 2, [0], pv_kw=[20.0, 20.1])
    assert bills.bank_kwh[:, 0].tolist() == [9, 0]
    assert bills.amount_minor("export_credit").tolist() == [0, -2934]


def test_blocks_of_the_support_charge_are_prorated_too():
    half = BillingMonth(2026, 4, 0, 2, 15 * 1440)
    bills = bill_month(KERALA, half, [[0.0, 200.0]], [[200.0, 0.0]], [0, 1], pv_kw=[12.0])
    assert bills.amount_minor("grid_support_charge").tolist() == [150 * 50 + 50 * 100]


def test_the_support_charge_begins_with_the_month_of_its_date():
    def charged(year, month, first_day):
        support = replace(KERALA.grid_support, valid_from=first_day)
        tariff = replace(KERALA, grid_support=support)
        when = whole_month(year, month)
        bills = bill_month(tariff, when, [[0.0, 200.0]], [[200.0, 0.0]], [0, 1], pv_kw=[12.0])
        return bills.amount_minor("grid_support_charge").tolist()

    assert KERALA.grid_support.valid_from == date(2026, 1, 1)
    assert charged(2025, 12, date(2026, 1, 1)) == [0]
    assert charged(2026, 1, date(2026, 1, 1)) == [200 * 50]
    assert charged(2026, 1, date(2026, 1, 2)) == [0]
    assert charged(2025, 4, None) == [200 * 50]


def test_a_run_that_stops_inside_a_month_does_not_reach_its_end():
    starts = np.datetime64("2026-03-01T06:00") + np.arange(31) * np.timedelta64(1440, "m")
    assert billing_months(starts, [1440] * 31)[-1].ends
    assert not billing_months(starts[:30], [1440] * 30)[-1].ends


def test_a_bank_is_valued_in_the_savings_so_that_selling_units_is_no_free_lunch():
    flat, zero = np.array([[0.0]]), np.array([[100.0]])
    facts = {"pv_kw": [5.0]}
    banked = bill_month(KERALA, NOV, flat, zero, [0], **facts)
    sold = bill_month(KERALA, NOV, flat, flat, [0], **facts)
    assert banked.bank_gain_minor.tolist() == [32600]
    saved = compare_bills(sold, banked, banked, banked)
    assert saved.saving_minor.tolist() == [-32600]
    assert (saved.price_effect_minor + saved.operation_effect_minor).tolist() == [-32600]


def test_the_bank_is_paid_out_in_march_if_the_run_reaches_its_end():
    march = whole_month(2026, 3)
    for month, ends, paid in ((march, True, 8150), (march, False, 0), (NOV, True, 0)):
        bills = bill_month(
            KERALA,
            replace(month, ends=ends),
            [[0.0]],
            [[25.0]],
            [0],
            pv_kw=[5.0],
        )
        assert -bills.amount_minor("bank_payout")[0] == paid
        assert bills.bank_kwh.sum() == (0 if paid else 25)


def test_proration_is_said_and_a_fraction_of_a_month_pays_a_fraction():
    half = BillingMonth(2025, 11, 0, 1, 15 * 1440, ends=False)
    whole = bill_month(KERALA, NOV, [[200.0]], [[0.0]], [0], pv_kw=[0.0])
    part = bill_month(KERALA, half, [[100.0]], [[0.0]], [0], pv_kw=[0.0])
    assert 2 * part.total_minor[0] == whole.total_minor[0]
    assert part.month.prorated and not whole.month.prorated
    assert part.month.note == "prorated: 15.00 of 30 days"
    assert any("prorated" in text for text in line_table(part)["text"])
    assert not any("prorated" in text for text in line_table(whole)["text"])


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 364), st.integers(1, 400))
def test_any_run_is_cut_into_months_that_cover_it_once(first, days):
    start = np.datetime64("2025-01-01T06:00") + np.timedelta64(first * 1440, "m")
    lengths = np.tile([720, 240, 480], days)
    starts = start + np.r_[0, np.cumsum(lengths)[:-1]].astype("timedelta64[m]")
    months = billing_months(starts, lengths)
    assert sum(month.minutes for month in months) == days * 1440
    assert [month.first_frame for month in months[1:]] == [
        month.first_frame + month.n_frames for month in months[:-1]
    ]
    for month in months:
        inside = starts[month.frames].astype("datetime64[M]").astype(str)
        assert set(inside) == {month.name}
        assert 0 < month.share <= 1
    assert all(not month.prorated for month in months[1:-1])
    assert all(month.ends for month in months[:-1])


def test_november_of_thirty_days_is_exactly_a_month():
    starts = np.datetime64("2025-11-01T06:00") + np.arange(30) * np.timedelta64(1440, "m")
    (month,) = billing_months(starts, [1440] * 30)
    assert (month.name, month.share, month.ends, month.note) == ("2025-11", 1.0, True, "")


def test_frames_out_of_order_are_refused():
    with pytest.raises(ValueError, match="not in order"):
        billing_months(["2025-11-02", "2025-11-01"], [1440, 1440])
    with pytest.raises(ValueError, match="one start and one length"):
        billing_months([], [])


def test_all_bad_inputs_are_named():
    with pytest.raises(SettlementError) as error:
        bill_month(SIMPLE, NOV, [[1.0, -1.0]], [[1.0]], [0, 7])
    assert len(error.value.problems) == 3
    with pytest.raises(SettlementError, match="rules by system size"):
        bill_month(KERALA, NOV, [[1.0]], [[0.0]], [0])
    with pytest.raises(SettlementError) as error:
        bill_month(
            KERALA, NOV, [[1.0]], [[0.0]], [0], pv_kw=[1, 2], three_phase=[1, 0], bank_kwh=[0]
        )
    assert len(error.value.problems) == 3
    with pytest.raises(SettlementError, match="negative or NaN"):
        bill_month(KERALA, NOV, [[1.0]], [[0.0]], [0], pv_kw=[1], bank_kwh=[[-1]])
    bills = bill_month(SIMPLE, NOV, [[1.0]], [[0.0]], [0])
    with pytest.raises(SettlementError, match="not finite"):
        month_postings(bills, math.nan)
    with pytest.raises(KeyError, match="grid_energy"):
        bills.amount_minor("energy")
    other = settle_frame(SIMPLE, 0, "peak", "2025-11-01T22:00", [1.0, 2.0])
    with pytest.raises(SettlementError, match="is not of 1 members"):
        bill_month(SIMPLE, NOV, [[1.0]], [[0.0]], [0], trade=MonthTrade.of([other]))


def test_bills_of_another_month_or_tariff_are_no_counterfactual():
    one = bill_month(SIMPLE, NOV, [[1.0]], [[0.0]], [0])
    other = bill_month(replace(SIMPLE, feed_in_per_kwh=3.0), NOV, [[1.0]], [[0.0]], [0])
    later = bill_month(SIMPLE, whole_month(2025, 12), [[1.0]], [[0.0]], [0])
    for wrong in (other, later):
        with pytest.raises(ValueError, match="no_pv"):
            compare_bills(one, one, one, wrong)


def test_a_feeder_that_feeds_back_is_paid_at_the_bulk_price():
    bills = bill_month(SIMPLE, NOV, [[0.0]], [[0.0]], [0])
    rows = month_postings(bills, -10.0)
    assert rows.payer.tolist() == [1] and rows.payee.tolist() == [0]
    assert rows.amount_minor.tolist() == [3150]
    assert utility_account(bills, -10.0).bulk_purchases == 3150


def test_the_utility_with_and_without_the_market():
    rng = np.random.default_rng(5)
    _, settled, month, tod = run_month(SIMPLE, 10, rng)
    market = utility_account(bills_of(SIMPLE, settled, month, tod, True), 100.0)
    without = utility_account(bills_of(SIMPLE, settled, month, tod, False), 100.0)
    change = market.less(without)
    assert change.net == market.net - without.net
    assert change.bulk_purchases == 0
    assert change.network_income == market.network_income > 0
    assert change.energy_sales < 0 < change.export_purchases


def test_a_bill_reads_like_a_bill():
    tariff, rng = VARIANTS["delhi"], np.random.default_rng(2)
    _, settled, month, tod = run_month(tariff, 6, rng)
    bills = bills_of(tariff, settled, month, tod, True)
    table = line_table(bills)
    for member in range(6):
        own = table["member"] == member
        amount = np.rint(100 * table["amount"][own]).astype(int)
        assert amount.sum() == bills.total_minor[member]
        expected = table["energy_kwh"][own] * table["rate_per_kwh"][own]
        priced = np.isfinite(expected)
        assert np.all(np.abs(np.abs(amount[priced]) / 100 - expected[priced]) <= 0.0051)
    assert {
        "Grid energy, peak 18:00-22:00",
        "Bought from neighbours (average price)",
    } <= set(table["text"].tolist())


def test_slabs_read_as_spans_of_units():
    bills = bill_month(KERALA, NOV, [[120.0], [320.0], [600.0]], [[0.0]] * 3, [1], pv_kw=[0.0] * 3)
    table = line_table(bills)
    texts = [table["text"][table["member"] == member].tolist() for member in range(3)]
    assert texts[0][:3] == [
        "Grid energy, units 0-50",
        "Grid energy, units 50-100",
        "Grid energy, units 100-150",
    ]
    assert texts[1][0] == "Grid energy, peak 18:00-22:00, all units (month of 300-350)"
    assert texts[2][0] == "Grid energy, peak 18:00-22:00, all units (above 500)"


def test_the_table_of_all_bills_sums_line_by_line():
    rng = np.random.default_rng(4)
    _, settled, month, tod = run_month(SIMPLE, 12, rng)
    market = bills_of(SIMPLE, settled, month, tod, True)
    same = bills_of(SIMPLE, settled, month, tod, False)
    table = bill_table(market, compare_bills(market, same, same, same))
    np.testing.assert_allclose(sum(table[kind] for kind in KINDS), table["total"], atol=1e-9)
    np.testing.assert_allclose(
        table["saving"], table["saving_price_effect"] + table["saving_operation_effect"]
    )
    assert {"no_p2p_total", "no_p2p_same_meter_total", "no_pv_total"} <= set(table)
    assert all(len(column) == 12 for column in table.values())
    quiet = bill_table(bill_month(SIMPLE, NOV, [[1.0]], [[0.0]], [0]))
    assert math.isnan(quiet["p2p_bought_per_kwh"][0])


def test_the_bank_has_a_pool_a_frame_only_where_units_keep_to_their_frame():
    assert empty_bank(KERALA, 4).shape == (4, 1)
    assert empty_bank(VARIANTS["same-frame bank"], 4).shape == (4, 3)


def test_one_step_for_all_is_a_flat_rate():
    flat = replace(SIMPLE, slabs=(Slab(math.inf, 5.0, 40.0, 80.0),))
    bills = bill_month(flat, NOV, [[10.0]] * 2, [[0.0]] * 2, [2], three_phase=[False, True])
    assert bills.total_minor.tolist() == [9000, 13000]
