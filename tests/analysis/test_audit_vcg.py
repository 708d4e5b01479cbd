"""Forgeries in a run of `vcg`: payments beside prices, the deficit, and frames that were capped."""

import os

import numpy as np
import pyarrow.parquet as pq
import pytest
from tampering import change_cell, failed, generator, read_rows, replaced, with_column

from gridbazaar.analysis.audit import audit_run
from gridbazaar.sim.run import run_scenario

TRANSFERS = "payments beside the price of energy are such as the mechanism makes"
OWN_PRICE = "the single price of a mechanism follows from the orders"


@pytest.fixture(scope="module")
def finished_vcg(tmp_path_factory):
    """A finished run of a day, in which sales were capped at noon."""
    out = tmp_path_factory.mktemp("vcg") / "run"
    return run_scenario("kerala-village", ["days=1", "market.mechanism=vcg"], out=out).path


@pytest.fixture
def vcg(finished_vcg, tmp_path):
    """The run's files, linked into a folder where they may be replaced."""
    for file in finished_vcg.iterdir():
        if file.is_file():
            os.link(file, tmp_path / file.name)
    return tmp_path


def capped(run):
    """The number of the frame that was capped most."""
    return int(np.argmax(pq.read_table(run / "frames.parquet").column("iterations").to_numpy()))


def rows_of(run, purpose):
    """The ledger and the numbers of its rows of one purpose in the capped frame."""
    table = pq.read_table(run / "ledger.parquet")
    frame = pq.read_table(run / "frames.parquet").column("frame_id").to_pylist()[capped(run)]
    purposes, frames = (table.column(name).to_pylist() for name in ("purpose", "frame_id"))
    pairs = enumerate(zip(purposes, frames, strict=True))
    return table, [i for i, pair in pairs if pair == (purpose, frame)]


def test_the_run_as_it_is_passes_and_was_capped(vcg):
    assert failed(vcg) == []
    assert pq.read_table(vcg / "frames.parquet").column("iterations").to_numpy().max() > 0
    checks = {check.name: check for check in audit_run(vcg).checks}
    assert "values" in checks[TRANSFERS].detail and "values" in checks[OWN_PRICE].detail


@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("frames.parquet", "mcp_per_kwh"),
        ("trades.parquet", "price_per_kwh"),
        ("trades.parquet", "buyer_price_per_kwh"),
        ("trades.parquet", "energy_kwh"),
        ("caps.parquet", "cap_kwh"),
        ("bills.csv", "market_transfer"),
        ("utility.csv", "market_balance"),
    ],
)
def test_a_changed_value_shows(vcg, file, column):
    row = capped(vcg) if file == "frames.parquet" else 0
    change_cell(vcg / file, column, row, generator(file, column))
    assert failed(vcg)


def test_another_price_shows_in_a_capped_frame_even_where_all_pairs_have_it(vcg):
    frames = pq.read_table(vcg / "frames.parquet")
    mcp, frame = frames.column("mcp_per_kwh").to_pylist(), capped(vcg)
    mcp[frame] += 0.01
    replaced(vcg / "frames.parquet", with_column(frames, "mcp_per_kwh", mcp))
    trades = pq.read_table(vcg / "trades.parquet")
    names = trades.column("frame_id").to_pylist()
    here = frames.column("frame_id").to_pylist()[frame]
    for column in ("price_per_kwh", "buyer_price_per_kwh"):
        values = [
            price + 0.01 * (name == here)
            for price, name in zip(trades.column(column).to_pylist(), names, strict=True)
        ]
        trades = with_column(trades, column, values)
    replaced(vcg / "trades.parquet", trades)
    assert OWN_PRICE in failed(vcg)


def test_a_paisa_of_a_pivot_moved_to_a_neighbour_shows_in_a_capped_frame(vcg):
    table, rows = rows_of(vcg, "market_transfer")
    amounts, homes = table.column("amount_minor").to_pylist(), table.column("payee").to_pylist()
    first, second = rows[0], rows[1]
    amounts[first] += 1
    amounts[second] -= 1
    replaced(vcg / "ledger.parquet", with_column(table, "amount_minor", amounts))
    bills = read_rows(vcg / "bills.csv")
    for home, paisa in ((homes[first], 0.01), (homes[second], -0.01)):
        row = next(row for row in bills if row[0] == home)
        for column, sign in (
            ("market_transfer", -1),
            ("total", -1),
            ("saving", 1),
            ("saving_price_effect", 1),
        ):
            at = bills[0].index(column)
            row[at] = repr(round(float(row[at]) + sign * paisa, 2))
    replaced(vcg / "bills.csv", bills)
    assert failed(vcg)


def test_the_utility_cannot_bear_more_than_the_deficit(vcg):
    table, rows = rows_of(vcg, "market_balance")
    amounts = table.column("amount_minor").to_pylist()
    _, pivots = rows_of(vcg, "market_transfer")
    amounts[rows[0]] += 1
    amounts[pivots[0]] += 1  # so that the clearing account stays empty
    replaced(vcg / "ledger.parquet", with_column(table, "amount_minor", amounts))
    assert failed(vcg)
