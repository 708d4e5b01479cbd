"""A year of 1,000 members: every sum exact to the paisa."""

from fractions import Fraction

import numpy as np
import yaml

from gridbazaar.market.bill import bill_month, month_postings
from gridbazaar.market.billing_month import billing_months
from gridbazaar.market.ledger import Ledger
from gridbazaar.market.month_trade import MonthTrade
from gridbazaar.market.settlement import settle_frame
from gridbazaar.market.tariff_presets import preset_file
from gridbazaar.market.tariff_reading import tariff_from_dict
from gridbazaar.market.tariff_rules import lay_rules

N, DAYS = 1000, 365


def read(name):
    return yaml.safe_load(preset_file(name).read_text("utf-8"))


def test_a_year_of_a_thousand_members_is_exact_to_the_paisa():
    laid = lay_rules(read("kseb-2025"), read("delhi-2024"), "delhi-2024")
    tariff = tariff_from_dict(laid, "kseb-2025")
    rng = np.random.default_rng(2025)
    frames = len(tariff.frames)
    minutes = np.tile([frame.minutes for frame in tariff.frames], DAYS)
    starts = np.datetime64("2025-04-01T06:00") + np.r_[0, np.cumsum(minutes)[:-1]].astype(
        "timedelta64[m]"
    )
    ledger = Ledger([f"h{i}" for i in range(N)])
    pv_kw = np.where(rng.random(N) < 0.35, rng.uniform(3, 25, N), 0.0)
    shape = np.where(pv_kw > 0, 3.0, -3.0)
    owed, total, bank = np.zeros(N, dtype=np.int64), 0, None
    exact_paid, paid = Fraction(0), 0
    months = billing_months(starts, minutes)
    assert [month.name for month in months][:: len(months) - 1] == ["2025-04", "2026-03"]
    for month in months:
        settled = []
        for k in range(month.first_frame, month.first_frame + month.n_frames):
            x = shape + rng.normal(0, 4, N)
            sold, bought = np.maximum(x, 0), np.maximum(-x, 0)
            low = 0.7 * min(sold.sum(), bought.sum())
            sold, bought = sold * (low / sold.sum()), bought * (low / bought.sum())
            price = rng.uniform(3.3, 6.0)
            end = starts[k] + np.timedelta64(int(minutes[k]), "m")
            done = settle_frame(
                tariff,
                k,
                tariff.frame_names[k % frames],
                end,
                x + rng.normal(0, 0.1, N),
                sold_kwh=sold,
                bought_kwh=bought,
                paid=bought * price,
                received=sold * price,
                ordered_curtailment_kwh=np.where(x > 8, 1.0, 0.0),
            )
            ledger.post(done.postings, end, k)
            settled.append(done)
            # Each frame's money is off by half a paisa at most, whatever the number of members.
            this = int(done.contracts.paid_minor.sum())
            assert this == done.contracts.received_minor.sum()
            exact = sum(map(Fraction, (bought * price).tolist())) * 100
            assert abs(this - exact) <= Fraction(1, 2) + Fraction(1, 10**5)
            exact_paid, paid = exact_paid + exact, paid + this
        bills = bill_month(
            tariff,
            month,
            np.stack([done.billed_import_kwh for done in settled], axis=1),
            np.stack([done.grid_export_kwh for done in settled], axis=1),
            np.arange(len(settled)) % frames,
            trade=MonthTrade.of(settled),
            pv_kw=pv_kw,
            bank_kwh=bank,
        )
        bank = bills.bank_kwh
        ledger.post(month_postings(bills, 1e5), settled[-1].time)
        owed += bills.total_minor
        total += sum(int(amount) for amount in bills.lines.amount_minor)
        assert ledger.balances(settled[-1].time)[4:].tolist() == (-owed).tolist()
    assert int(owed.sum()) == total
    assert ledger.balances().sum() == 0
    assert ledger.balances()[4:].tolist() == (-owed).tolist()
    assert not bank.any()  # March has paid it out
    assert bills.amount_minor("bank_payout").any()
    assert ledger.problems() == []
