"""What a household asks or bids: trading at its price never costs more than not trading."""

from dataclasses import replace

import mesa
import numpy as np
import pytest

from gridbazaar.agents.battery_plan import BatteryPlan
from gridbazaar.agents.bidding import BiddingSetup, Truthful
from gridbazaar.agents.forecast import ForecastSetup
from gridbazaar.agents.frame_plan import FramePlan, FramePrices
from gridbazaar.agents.prosumer import Preferences, Prosumer
from gridbazaar.agents.registry import BATTERY_STRATEGIES, BIDDING_STRATEGIES, FORECASTS

PRICES = FramePrices(8.0, 3.0, 4.5, 0.3, 0.2)


def plan(net_kwh: float, for_sale_kwh: float = 0.0) -> FramePlan:
    zero = np.zeros((1, 1))
    surplus = max(net_kwh - for_sale_kwh, 0.0)
    return FramePlan(
        np.array([[max(-net_kwh, 0.0)]]),
        np.array([[surplus]]),
        BatteryPlan(zero, zero, np.array([[for_sale_kwh]])),
        PRICES,
    )


def home() -> Prosumer:
    return Prosumer(mesa.Model(rng=1), "home", 0, Preferences(0.5, 0.7), Truthful())


def test_a_bid_is_retail_less_charges_and_margin():
    order = home().decide(plan(-2.0))
    assert (order.side, order.quantity_kwh) == ("bid", 2.0)
    assert order.price_per_kwh == pytest.approx(8.0 - 0.3 - 0.7)


def test_an_ask_is_feed_in_plus_charges_and_margin():
    order = home().decide(plan(2.0))
    assert (order.side, order.quantity_kwh) == ("ask", 2.0)
    assert order.price_per_kwh == pytest.approx(3.0 + 0.2 + 0.5)


def test_energy_of_the_battery_asks_its_replacement_and_wear():
    order = home().decide(plan(2.0, for_sale_kwh=1.5))
    assert order.price_per_kwh == pytest.approx(4.5 + 0.2 + 0.5)


def test_nothing_to_trade_sends_no_order():
    assert home().decide(plan(0.0)) is None


def test_positive_and_negative_parts_are_netted_at_home():
    zero = np.zeros((1, 2))
    mixed = FramePlan(
        np.array([[1.0, 0.0]]), np.array([[0.0, 3.0]]), BatteryPlan(zero, zero, zero), PRICES
    )
    assert mixed.self_netted_kwh == pytest.approx([1.0])
    assert home().decide(mixed).quantity_kwh == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("registry", "methods"),
    [
        (FORECASTS, ["predict"]),
        (BATTERY_STRATEGIES, ["plan"]),
        (BIDDING_STRATEGIES, ["quote", "observe"]),
    ],
)
def test_every_registered_name_builds_what_its_protocol_asks(registry, methods):
    setups = {
        "predict": ForecastSetup(draw=lambda purpose, agent: np.random.default_rng(1)),
        "quote": BiddingSetup(lambda: np.random.default_rng(1)),
    }
    for build in registry.values():
        made = build(setups[methods[0]]) if methods[0] in setups else build()
        assert all(callable(getattr(made, method)) for method in methods)


@pytest.mark.parametrize("name", BIDDING_STRATEGIES)
def test_who_would_lose_on_energy_for_nothing_bids_below_nothing(name):
    """With 8.5 of charges on a retail price of 8 only a book without this bid is fair to it."""
    dear = replace(plan(-2.0), prices=FramePrices(8.0, 0.0, 0.5, 8.5, 0.0))
    strategy = BIDDING_STRATEGIES[name](BiddingSetup(margin_per_kwh=0.5))
    order = Prosumer(mesa.Model(rng=1), "home", 0, Preferences(0.0, 0.0), strategy).decide(dear)
    assert (order.side, order.quantity_kwh, order.price_per_kwh) == ("bid", 2.0, -0.5)


def test_a_worth_of_nothing_but_for_round_off_is_a_bid_of_nothing():
    even = replace(plan(-2.0), prices=FramePrices(8.0, 0.0, 0.5, 8.0 + 1e-13, 0.0))
    member = Prosumer(mesa.Model(rng=1), "home", 0, Preferences(0.0, 0.0), Truthful())
    assert member.decide(even).price_per_kwh == 0.0
