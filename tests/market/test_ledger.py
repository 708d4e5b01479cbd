import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.market.ledger import Ledger, LedgerError
from gridbazaar.market.postings import (
    CLEARING,
    PURPOSES,
    UTILITY,
    Postings,
    flow,
    join,
    member_accounts,
)

T0 = np.datetime64("2025-11-01T18:00")


def frame_of(amounts):
    """Member 4 buys for each amount, member 5 sells it, through the clearing account."""
    total = sum(amounts)
    return join(
        [
            flow(4, CLEARING, "p2p_energy", 1.0, [total]),
            flow(CLEARING, 5, "p2p_energy", 1.0, [total]),
        ]
    )


def filled(n=5):
    ledger = Ledger(("a", "b", "c"))
    for k in range(n):
        ledger.post(frame_of([100 + k]), T0 + np.timedelta64(60 * k, "m"), k)
    return ledger


def test_balances_and_their_sum():
    ledger = filled()
    assert ledger.balances().tolist() == [0, 0, 0, 0, -510, 510, 0]
    assert ledger.balances().sum() == 0
    assert ledger.problems() == []
    assert len(ledger) == 10


def test_balances_at_any_time_include_the_moment_itself():
    ledger = filled()
    assert ledger.balances(T0)[4] == -100
    assert ledger.balances(T0 - np.timedelta64(1, "m"))[4] == 0
    assert ledger.balances("2025-11-01T19:59")[4] == -201
    between = ledger.by_purpose(since=T0, until="2025-11-01T20:00")
    assert between[5, PURPOSES.index("p2p_energy")] == 101 + 102


def test_columns_are_what_the_table_needs():
    ledger = filled(2)
    ledger.post(flow([4], UTILITY, "fixed_charge", 0.0, [5000]), "2025-11-30T06:00")
    columns = ledger.columns()
    assert list(columns) == [
        "posting_id",
        "time",
        "frame_id",
        "payer",
        "payee",
        "purpose",
        "energy_kwh",
        "amount_minor",
    ]
    assert columns["posting_id"].tolist() == [0, 1, 2, 3, 4]
    assert columns["payer"].tolist() == ["a", "clearing", "a", "clearing", "a"]
    assert columns["payee"].tolist() == ["clearing", "b", "clearing", "b", "utility"]
    assert columns["frame_id"].tolist() == [0, 0, 1, 1, -1]
    assert str(columns["time"][-1]) == "2025-11-30T06:00"
    assert columns["purpose"][-1] == "fixed_charge"
    assert columns["amount_minor"].dtype == np.int64


def test_an_empty_ledger_has_empty_columns():
    columns = Ledger(("a",)).columns()
    assert all(len(column) == 0 for column in columns.values())
    assert Ledger(("a",)).problems() == []


def test_what_was_posted_cannot_be_changed():
    ledger, batch = filled(1), frame_of([7])
    ledger.post(batch, T0, 1)
    with pytest.raises(ValueError, match="read-only"):
        ledger._rows[0].amount_minor[0] = 5
    batch.amount_minor[0] = 99  # the caller's array is not the ledger's
    assert ledger.balances()[4] == -107
    assert ledger.problems() == []


@pytest.mark.parametrize("column", ["payer", "payee", "purpose", "energy_kwh", "amount_minor"])
@pytest.mark.parametrize("which", [0, 2, 4])
def test_a_changed_history_shows(column, which):
    ledger = filled()
    rows = ledger._rows[which]
    changed = np.array(getattr(rows, column))
    changed[0] = changed[0] + 1
    ledger._rows[which] = replace(rows, **{column: changed})
    assert any(f"batch {which}" in problem for problem in ledger.problems())


def test_a_removed_batch_or_another_frame_shows():
    ledger = filled()
    del ledger._rows[2], ledger._batches[2]
    assert ledger.problems()
    ledger = filled()
    ledger._batches[1] = replace(ledger._batches[1], frame_id=9)
    assert ledger.problems()


def test_a_full_clearing_account_shows():
    ledger = Ledger(("a", "b"))
    ledger.post(flow(4, CLEARING, "p2p_energy", 1.0, [100]), T0, 0)
    assert "clearing holds 100" in ledger.problems()[0]


def test_the_chain_depends_on_members_and_currency():
    assert Ledger(("a", "b")).genesis != Ledger(("b", "a")).genesis
    assert Ledger(("a",), "INR").genesis != Ledger(("a",), "EUR").genesis
    assert filled().head == filled().head
    assert filled().head == filled().batches[-1].sha256 != filled(4).head


def test_a_pickled_ledger_goes_on_to_the_same_hash():
    whole, half = filled(), filled(3)
    resumed = pickle.loads(pickle.dumps(half))
    for k in (3, 4):
        resumed.post(frame_of([100 + k]), T0 + np.timedelta64(60 * k, "m"), k)
    assert resumed.head == whole.head
    assert resumed.problems() == []
    assert resumed.balances().tolist() == whole.balances().tolist()


def test_a_bad_batch_is_refused_with_every_reason():
    ledger = filled()
    bad = Postings(
        np.array([4, 99], dtype=np.int32),
        np.array([4, 5], dtype=np.int32),
        np.array([0, 77], dtype=np.int16),
        np.array([-1.0, np.nan]),
        np.array([-5, 5]),
    )
    before = ledger.head
    with pytest.raises(LedgerError) as error:
        ledger.post(bad, T0, 0)
    text = str(error.value)
    assert len(error.value.problems) == 6
    for word in ("payer", "purpose", "pays itself", "amount_minor", "energy_kwh", "time"):
        assert word in text
    assert ledger.head == before and len(ledger) == 10


def test_columns_of_different_length_are_refused():
    rows = frame_of([5])
    with pytest.raises(LedgerError, match="differ in length"):
        Ledger(("a", "b")).post(replace(rows, payer=rows.payer[:1]), T0)


def test_members_need_their_own_names():
    with pytest.raises(LedgerError, match="market account"):
        Ledger(("utility",))
    with pytest.raises(LedgerError, match="repeat"):
        Ledger(("a", "a"))


def test_a_batch_without_postings_still_has_its_link():
    ledger = filled(1)
    head = ledger.head
    ledger.post(flow(4, UTILITY, "imbalance", 0.0, [0]), T0, 1)
    assert ledger.head != head
    assert len(ledger) == 2 and ledger.problems() == []


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(-(10**12), 10**12)),
        max_size=60,
    )
)
def test_any_signed_flows_leave_a_zero_sum_and_no_negative_amount(rows):
    ledger = Ledger(("a", "b", "c"))
    wanted = [0] * 7
    for payer, payee, amount in rows:
        if payer == payee:
            continue
        ledger.post(flow(payer, payee, "grid_energy", 1.0, [amount]), T0)
        wanted[payer] -= amount
        wanted[payee] += amount
    assert ledger.balances().tolist() == wanted
    assert ledger.balances().sum() == 0
    assert np.all(ledger.columns()["amount_minor"] >= 0)


def test_member_accounts_follow_the_four_of_the_market():
    assert member_accounts(2).tolist() == [4, 5]
