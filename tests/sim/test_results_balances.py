"""Balances of all accounts at any time, from a run's ledger table."""

import numpy as np
import pandas as pd
import pytest

from gridbazaar.market.ledger import Ledger
from gridbazaar.market.postings import MARKET_ACCOUNTS, UTILITY, flow
from gridbazaar.sim.results import Results

MEMBERS = ("h1", "h2", "h3")
TIMES = ("2025-11-01T18:00", "2025-11-01T22:00", "2025-11-02T06:00")


@pytest.fixture
def books(tmp_path):
    """A ledger of random postings, and the same as a run keeps it."""
    rng, ledger = np.random.default_rng(5), Ledger(MEMBERS)
    for time in TIMES:
        who = rng.integers(4, 6, 8)  # the third member never deals
        ledger.post(flow(who, UTILITY, "grid_energy", rng.random(8), rng.integers(0, 900, 8)), time)
    pd.DataFrame({"prosumer": MEMBERS}).to_parquet(tmp_path / "members.parquet")
    table = pd.DataFrame(ledger.columns())
    table[["payer", "payee"]] = table[["payer", "payee"]].astype("category")
    table.to_parquet(tmp_path / "ledger.parquet")
    return ledger, Results(tmp_path)


@pytest.mark.parametrize(
    "until", [None, *TIMES, "2025-11-01", "2025-11-01T21:59", np.datetime64("2025-11-03")]
)
def test_balances_are_those_of_the_ledger(books, until):
    ledger, results = books
    balances = results.balances(until)
    assert list(balances.index) == [*MARKET_ACCOUNTS, *MEMBERS]
    assert balances.to_numpy().tolist() == ledger.balances(until).tolist()
    assert balances.dtype == np.int64
    assert balances.sum() == 0 == balances["h3"]


def test_the_last_balance_is_not_the_first(books):
    _, results = books
    assert results.balances(TIMES[0])["utility"] < results.balances()["utility"]
    assert not results.balances("2025-10-31").any()


@pytest.mark.parametrize("until", ["NaT", "tomorrow"])
def test_a_time_must_be_one(books, until):
    with pytest.raises(ValueError):
        books[1].balances(until)
