from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.market.rounding import billable_kwh, split_minor, to_major, to_minor

shares = st.lists(
    st.one_of(st.just(0.0), st.floats(0.0, 1e6, allow_nan=False)), min_size=1, max_size=40
)


@settings(deadline=None, max_examples=200)
@given(st.decimals(-(10**7), 10**7, places=5))
def test_rounding_is_half_away_from_zero_in_decimal(amount):
    sign = -1 if amount < 0 else 1
    wanted = sign * int((abs(amount) * 100).to_integral_value(ROUND_HALF_UP))
    assert int(to_minor(float(amount))) == wanted


def test_binary_noise_does_not_turn_a_half():
    assert 1.005 * 100 < 100.5
    assert int(to_minor(1.005)) == 101
    assert int(to_minor(-1.005)) == -101


def test_a_currency_without_minor_units():
    assert to_minor([2.5, 3.4], 1).tolist() == [3, 3]
    assert to_major([3], 1).tolist() == [3.0]


@pytest.mark.parametrize("amount", [np.nan, np.inf])
def test_money_is_finite(amount):
    with pytest.raises(ValueError, match="NaN or infinite"):
        to_minor(amount)
    with pytest.raises(ValueError, match="NaN or infinite"):
        split_minor([amount])


@settings(deadline=None, max_examples=200)
@given(shares)
def test_a_split_sums_exactly_and_stays_within_one_of_the_exact_share(exact):
    split = split_minor(exact)
    assert split.sum() == int(to_minor(sum(exact), 1))
    assert np.all(np.abs(split - np.array(exact)) <= 1 + 1e-6)
    assert np.all(split[np.array(exact) == 0.0] == 0)
    assert np.all(split >= 0)


@settings(deadline=None, max_examples=100)
@given(shares, st.randoms())
def test_a_split_pays_the_same_amounts_whatever_the_order(exact, random):
    shuffled = list(exact)
    random.shuffle(shuffled)
    assert sorted(split_minor(exact)) == sorted(split_minor(shuffled))


@settings(deadline=None, max_examples=100)
@given(shares.filter(lambda exact: sum(exact) > 1), st.integers(-50, 50))
def test_a_given_total_is_met_even_if_it_is_not_the_sum(exact, more):
    total = int(to_minor(sum(exact), 1)) + more
    assert split_minor(exact, total).sum() == total


def test_the_largest_remainders_are_served():
    assert split_minor([10.2, 10.9, 10.3, 10.6]).tolist() == [10, 11, 10, 11]


def test_signed_shares_split_too():
    assert split_minor([-1.5, 3.5]).tolist() == [-2, 4]


def test_nobody_cannot_share_something():
    assert split_minor([0.0, 0.0]).tolist() == [0, 0]
    with pytest.raises(ValueError, match="nobody has a share"):
        split_minor([0.0], 5)


def test_billable_energy_stands_on_the_right_side_of_an_edge():
    noisy = sum([0.1] * 2500)
    assert noisy != 250.0
    assert float(billable_kwh(noisy)) == 250.0
    assert Decimal(str(float(billable_kwh(1 / 3)))) == Decimal("0.333333")


@pytest.mark.parametrize("amount", [1e300, -1e300, 9.1e13])
def test_money_beyond_exact_whole_numbers_is_refused(amount):
    with pytest.raises(ValueError, match="lower prices or energies"):
        to_minor([1.0, amount])
    with pytest.raises(ValueError, match="lower prices or energies"):
        split_minor([1.0, 100 * amount], 5)
    assert int(to_minor(9e13)) == 9 * 10**15
