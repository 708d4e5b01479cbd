import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.market.ledger import Ledger
from gridbazaar.market.postings import CLEARING, PLATFORM, PURPOSE, UTILITY
from gridbazaar.market.rounding import to_minor
from gridbazaar.market.settlement import SettlementError, settle_frame
from gridbazaar.market.tariff import Imbalance, Slab, Tariff
from gridbazaar.market.tod import ToDFrame

FRAMES = (ToDFrame("day", 360, 1080, 0.9), ToDFrame("night", 1080, 360, 1.1))
TARIFF = Tariff(
    "t",
    FRAMES,
    6.75,
    3.15,
    3.15,
    (Slab(math.inf, 6.75),),
    network_charge_per_kwh=0.31,
    transaction_charge_per_kwh=0.42,
    seller_share=0.5,
)
END = "2025-11-01T18:00"


def settle(x, tariff=TARIFF, **given_values):
    return settle_frame(tariff, 0, "day", END, x, **given_values)


@st.composite
def frames(draw):
    """A frame of a community: meters, balanced contracts at member prices, curtailment."""
    n = draw(st.integers(2, 12))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(0, 4, n), draw(st.sampled_from([0, 2, 12])))
    selling = rng.random(n) < 0.5
    sold = np.where(selling, rng.uniform(0, 6, n), 0.0)
    bought = np.where(selling, 0.0, rng.uniform(0, 6, n))
    if sold.sum() > 0 and bought.sum() > 0 and draw(st.booleans()):
        bought *= sold.sum() / bought.sum()
    else:
        sold, bought = np.zeros(n), np.zeros(n)
    price = rng.uniform(2, 7, n) if draw(st.booleans()) else np.full(n, 5.005)
    ordered = np.where(rng.random(n) < 0.3, rng.uniform(0, 5, n), 0.0)
    tariff = replace(
        TARIFF,
        feed_in_per_kwh=draw(st.sampled_from([3.15, 0.0, -0.5])),
        seller_share=draw(st.sampled_from([0.0, 0.5, 1 / 3, 1.0])),
        imbalance=Imbalance(
            draw(st.sampled_from(["dual", "single"])),
            draw(st.sampled_from([0.0, 0.2])),
            draw(st.booleans()),
        ),
    )
    return tariff, {
        "x": x,
        "sold_kwh": sold,
        "bought_kwh": bought,
        "paid": bought * price,
        "received": sold * price,
        "ordered_curtailment_kwh": ordered,
        "scheduled_grid_export_kwh": rng.normal(0, 1, n),
    }


@settings(deadline=None, max_examples=150)
@given(frames())
def test_energy_and_money_are_conserved(frame):
    tariff, values = frame
    x = values.pop("x")
    done = settle(x, tariff, **values)
    gap, deal, charge = done.deviation, done.contracts, done.charges
    c = values["sold_kwh"] - values["bought_kwh"]
    np.testing.assert_allclose(gap.grid_export_kwh - gap.grid_import_kwh, x - c, atol=1e-9)
    assert np.all(gap.grid_import_kwh >= 0) and np.all(gap.grid_export_kwh >= 0)
    assert np.all(done.billed_import_kwh >= 0)
    assert np.all(np.minimum(gap.grid_import_kwh, gap.grid_export_kwh) <= 1e-12)
    np.testing.assert_allclose(
        gap.deviation_kwh,
        x + values["ordered_curtailment_kwh"] - c - values["scheduled_grid_export_kwh"],
    )
    # What the rule of the contract says of a seller and of a buyer, written out once more.
    short = np.where(c > 0, np.maximum(0, c - np.maximum(x, 0)), 0.0)
    unused = np.where(c < 0, np.maximum(0, -c - np.maximum(-x, 0)), 0.0)
    np.testing.assert_allclose(gap.seller_shortfall_kwh + gap.replaced_kwh, short, atol=1e-12)
    np.testing.assert_allclose(gap.buyer_shortfall_kwh, unused, atol=1e-12)
    assert np.all(gap.replaced_kwh <= values["ordered_curtailment_kwh"] + 1e-12)

    ledger = Ledger([f"h{i}" for i in range(x.size)])
    ledger.post(done.postings, END, 0)
    balance = ledger.balances()
    assert balance.sum() == 0
    assert balance[CLEARING] == 0
    assert balance[4:].tolist() == (-done.cost_minor).tolist()
    assert deal.paid_minor.sum() == deal.received_minor.sum() + deal.balance_minor
    assert deal.paid_minor.sum() == int(to_minor(values["paid"].sum()))
    traded = values["sold_kwh"].sum()
    assert charge.network_charge_minor.sum() == int(to_minor((values["bought_kwh"] * 0.31).sum()))
    assert abs(charge.transaction_charge_minor.sum() - 42 * traded) <= 1
    assert balance[PLATFORM] == charge.transaction_charge_minor.sum()
    exact = values["paid"] * 100
    assert np.all(np.abs(deal.paid_minor - exact) <= 1 + 1e-6)


@settings(deadline=None, max_examples=60)
@given(frames())
def test_without_trade_a_frame_posts_nothing(frame):
    tariff, values = frame
    done = settle(values["x"], tariff, ordered_curtailment_kwh=values["ordered_curtailment_kwh"])
    assert len(done.postings) == 0
    assert not done.cost_minor.any()
    np.testing.assert_array_equal(done.billed_import_kwh, np.maximum(-values["x"], 0))
    np.testing.assert_array_equal(done.grid_export_kwh, np.maximum(values["x"], 0))


@settings(deadline=None, max_examples=60)
@given(st.floats(0.01, 50), st.floats(0.5, 7), st.floats(0, 1))
def test_a_seller_who_obeys_pays_back_its_own_price_and_no_penalty(sold, price, part):
    tariff = replace(TARIFF, imbalance=Imbalance(penalty_factor=0.5), transaction_charge_per_kwh=0)
    cut = sold * part
    done = settle(
        [sold - cut, -sold],
        tariff,
        sold_kwh=[sold, 0],
        bought_kwh=[0, sold],
        paid=[0, sold * price],
        received=[sold * price, 0],
        ordered_curtailment_kwh=[cut, 0],
    )
    kept = -int(done.cost_minor[0])
    received = int(done.contracts.received_minor[0])
    assert abs(kept - received * (1 - part)) <= 1
    assert done.charges.imbalance_minor[0] == 0
    assert done.billed_import_kwh[0] == pytest.approx(0, abs=1e-9)
    if part == 1:
        assert kept == 0
    retail = tariff.retail_per_kwh("day")
    bears = int(done.charges.network_curtailment_minor[0])
    assert abs(bears - cut * (retail - price) * 100) <= 2


def test_curtailment_that_touches_no_sale_changes_nothing():
    base = settle([5, -5], sold_kwh=[5, 0], bought_kwh=[0, 5], paid=[0, 25], received=[25, 0])
    cut = settle(
        [5, -5],
        sold_kwh=[5, 0],
        bought_kwh=[0, 5],
        paid=[0, 25],
        received=[25, 0],
        ordered_curtailment_kwh=[2, 0],
    )
    assert cut.cost_minor.tolist() == base.cost_minor.tolist()
    assert cut.deviation.deviation_kwh.tolist() == [2, 0]


def test_the_sold_part_of_curtailment_may_be_said():
    done = settle(
        [2, -5],
        sold_kwh=[5, 0],
        bought_kwh=[0, 5],
        paid=[0, 25],
        received=[25, 0],
        ordered_curtailment_kwh=[3, 0],
        curtailed_sale_kwh=[1, 0],
    )
    assert done.deviation.replaced_kwh.tolist() == [1, 0]
    assert done.deviation.seller_shortfall_kwh.tolist() == [2, 0]


def test_a_deficit_is_borne_by_the_utility_and_a_surplus_is_its_own():
    for paid, received, balance in ((20.0, 25.0, -500), (25.0, 20.0, 500)):
        done = settle(
            [5, -5], sold_kwh=[5, 0], bought_kwh=[0, 5], paid=[0, paid], received=[received, 0]
        )
        assert done.contracts.balance_minor == balance
        rows = done.postings.purpose == PURPOSE["market_balance"]
        assert done.postings.amount_minor[rows].tolist() == [500]
        payer = CLEARING if balance > 0 else UTILITY
        assert done.postings.payer[rows].tolist() == [payer]


def test_payments_may_be_negative():
    done = settle([5, -5], sold_kwh=[5, 0], bought_kwh=[0, 5], paid=[0, -3], received=[-3, 0])
    p2p = done.postings.purpose == PURPOSE["p2p_energy"]
    assert done.postings.amount_minor[p2p].tolist() == [300, 300]
    assert done.postings.payer[p2p].tolist() == [CLEARING, 4]


def test_a_pool_need_not_balance_and_settles_with_the_utility():
    # A pool of supply 4 and demand 10 at the supply-demand ratio: its money is retail x shortage.
    r, f, ratio = 6.075, 3.15, 0.4
    p_sell = f * r / ((r - f) * ratio + f)
    p_buy = p_sell * ratio + r * (1 - ratio)
    values = {
        "sold_kwh": [4, 0],
        "bought_kwh": [0, 10],
        "paid": [0, 10 * p_buy],
        "received": [4 * p_sell, 0],
    }
    with pytest.raises(SettlementError, match="pool=True"):
        settle([4, -10], **values)
    done = settle([4, -10], pool=True, **values)
    assert abs(done.contracts.balance_minor - 6 * r * 100) <= 1
    assert not done.billed_import_kwh.any() and not done.grid_export_kwh.any()
    row = done.postings.purpose == PURPOSE["market_balance"]
    assert done.postings.energy_kwh[row].tolist() == [6.0]


SHORT = {"sold_kwh": [10, 0], "bought_kwh": [0, 10], "paid": [0, 50], "received": [50, 0]}


@pytest.mark.parametrize(
    ("x", "single", "seller", "buyer"),
    [
        ([8, -9], 6.075, 0, -(607.5 - 315)),  # 1 kWh short together: retail
        ([9, -8], 3.15, 315 - 607.5, 0),  # 1 kWh long together: feed-in
        ([9, -9], 4.6125, 461.25 - 607.5, -(461.25 - 315)),  # even: the middle
        ([10, -10], 4.6125, 0, 0),
    ],
)
def test_single_price_follows_who_is_short(x, single, seller, buyer):
    done = settle(x, replace(TARIFF, imbalance=Imbalance("single")), **SHORT)
    assert done.charges.imbalance_price_per_kwh == pytest.approx(single)
    assert done.charges.imbalance_minor.tolist() == pytest.approx(
        [int(to_minor(seller, 1)), int(to_minor(buyer, 1))]
    )


def test_a_penalty_never_rewards_where_exports_cost_money():
    tariff = replace(TARIFF, feed_in_per_kwh=-0.5, imbalance=Imbalance(penalty_factor=0.2))
    assert settle([10, -8], tariff, **SHORT).charges.imbalance_minor.tolist() == [0, 0]


def test_payments_that_differ_by_noise_are_one_total():
    values = {"sold_kwh": [5, 0], "bought_kwh": [0, 5]}
    done = settle([5, -5], paid=[0, 1.005], received=[1.00499999, 0], **values)
    assert done.contracts.paid_minor[1] == done.contracts.received_minor[0] == 101
    assert done.contracts.balance_minor == 0


def test_deviating_from_the_schedule_alone_costs_nothing():
    with_plan = settle([3, -4], scheduled_grid_export_kwh=[30, 40])
    assert not with_plan.cost_minor.any()
    assert with_plan.deviation.deviation_kwh.tolist() == [-27, -44]


def test_interval_meters_settle_gross_exports_and_imports():
    tariff = replace(TARIFF, netting="interval")
    done = settle(
        [4, -5, 1],
        tariff,
        metered_export_kwh=[7, 1, 3],
        metered_import_kwh=[3, 6, 2],
        sold_kwh=[4, 0, 0],
        bought_kwh=[0, 4, 0],
        paid=[0, 20, 0],
        received=[20, 0, 0],
    )
    assert done.deviation.grid_export_kwh.tolist() == [3, 1, 3]
    assert done.deviation.grid_import_kwh.tolist() == [3, 2, 2]


def test_all_bad_inputs_are_named_at_once():
    with pytest.raises(SettlementError) as error:
        settle_frame(
            TARIFF,
            0,
            "noon",
            END,
            [1.0, np.nan],
            sold_kwh=[-1, 0],
            bought_kwh=[1],
            metered_export_kwh=[1, 1],
            metered_import_kwh=[1, 1],
        )
    text = str(error.value)
    assert len(error.value.problems) == 5
    for word in ("net_export_kwh", "sold_kwh", "bought_kwh", "metered_export_kwh", "day, night"):
        assert word in text


def test_data_that_the_tariff_needs_is_asked_for():
    with pytest.raises(SettlementError, match="imports and exports by interval"):
        settle([1.0], replace(TARIFF, netting="interval"))
    with pytest.raises(SettlementError, match="gross load"):
        settle([1.0], replace(TARIFF, metering="gross-metering"))


def test_energy_bought_is_energy_sold():
    with pytest.raises(SettlementError, match="is not the energy sold"):
        settle([1, -1], sold_kwh=[1, 0], bought_kwh=[0, 2])
