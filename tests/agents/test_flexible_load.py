"""Flexible load: its energy is the day's, its block stays in the window, its time is the best."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.agents.flexible_load import FlexibleLoad

PER_DAY = 24


def load_of(n: int = 3, earliest: int = 4, latest: int = 20, duration: int = 3, **more):
    rng = np.random.default_rng(1)
    keys = {"by": "price", "habit": rng.random(n)} | more
    return FlexibleLoad(rng.uniform(1.0, 3.0, (n, 12)), 5, earliest, latest, duration, **keys)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    earliest=st.integers(0, 20),
    length=st.integers(1, 24),
    duration=st.integers(1, 24),
    first=st.integers(0, 23),
)
def test_the_best_start_is_the_best_of_all_that_are_open(seed, earliest, length, duration, first):
    latest = min(earliest + length, PER_DAY)
    duration = min(duration, latest - earliest)
    rng = np.random.default_rng(seed)
    flexible = load_of(2, earliest, latest, duration)
    net = rng.normal(0.0, 1.0, (2, PER_DAY + 30))
    buy = rng.choice([6.0, 7.0, 8.0], (2, PER_DAY + 30))
    sell = np.full_like(buy, 3.0)
    energy = np.array([2.0, 0.5])
    ahead = slice(first, None)
    got = flexible.cheapest_start(energy, net[:, ahead], buy[:, ahead], sell[:, ahead], first)
    open_starts = range(max(earliest, first), latest - duration + 1)
    for row in range(2):
        costs = {}
        for start in open_starts:
            block = slice(start, start + duration)
            power = energy[row] / duration
            own = np.clip(net[row, block], 0.0, power)
            costs[start] = (sell[row, block] * own + buy[row, block] * (power - own)).sum()
        if not costs:
            assert got[row] == -1
        else:
            assert costs[int(got[row])] == pytest.approx(min(costs.values()), abs=1e-8)


def test_equal_times_are_taken_by_habit_from_the_first_to_the_last():
    flexible = load_of(3, 0, 10, 2, habit=np.array([0.0, 0.5, 0.999]))
    flat = np.full((1, 40), 6.0)
    got = flexible.cheapest_start(np.ones(3), np.zeros((3, 40)), flat, flat, 0)
    assert got.tolist() == [0, 4, 8]


def test_own_surplus_draws_the_load_under_prices_but_not_under_the_tariff():
    flexible = load_of(1, 0, 10, 1, habit=np.zeros(1))
    net = np.zeros((1, 40))
    net[0, 6] = 5.0
    buy, sell = np.full((1, 40), 6.0), np.full((1, 40), 3.0)
    assert flexible.cheapest_start(np.ones(1), net, buy, sell, 0).tolist() == [6]
    assert flexible.cheapest_start(np.ones(1), net, buy, buy, 0).tolist() == [0]


def test_a_block_draws_its_energy_and_no_more():
    flexible = load_of()
    start = np.array([4, 17, -1])
    drawn = np.stack([flexible.running_kwh(2, start, t) for t in range(PER_DAY)], axis=1)
    assert drawn.sum(axis=1) == pytest.approx(flexible.energy_kwh[:, 7] * [1, 1, 0])
    assert drawn == pytest.approx(flexible.blocks(flexible.energy_kwh[:, 7], start, PER_DAY))


def test_only_days_that_are_over_are_known():
    flexible = load_of()
    before = flexible.expected_kwh(2)
    flexible.energy_kwh[:, 7:] = 99.0
    assert np.array_equal(flexible.expected_kwh(2), before)
    assert flexible.expected_kwh(0) == pytest.approx(flexible.energy_kwh[:, :5].mean(axis=1))
