"""Golden cases of clearing: one folder each, the same test for all."""

import csv
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml

from gridbazaar.market.clearing import GridTerms
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.order import Order, OrderBook

CASES = Path(__file__).parents[1] / "cases" / "clearing"
RUNS = [
    (case.name, engine)
    for case in sorted(CASES.iterdir())
    if (case / "input.yaml").exists()
    for engine in yaml.safe_load((case / "input.yaml").read_text())["engines"]
]


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def book_of_case(folder):
    asks = [
        Order(r["seller"], "ask", float(r["capacity_kwh"]), float(r["offer_per_kwh"]))
        for r in rows(folder / "sellers.csv")
    ]
    bids = [
        Order(r["buyer"], "bid", float(r["demand_kwh"]), float(r["bid_per_kwh"]))
        for r in rows(folder / "buyers.csv")
    ]
    return OrderBook.from_orders(asks + bids)


def published_score(folder, book, price):
    """The printed matrix under the report's own objectives."""
    energy = np.zeros((book.m, book.n))
    for row in rows(folder / "published_transactions.csv"):
        i, j = book.sellers.index(row["seller"]), book.buyers.index(row["buyer"])
        energy[i, j] = float(row["energy_kwh"])
    revenue = price * energy.sum()
    return float((book.bid_per_kwh * np.log(energy + 1e-6)).sum() - revenue), float(revenue)


@pytest.mark.parametrize(("case", "engine"), RUNS)
def test_case(case, engine):
    folder = CASES / case
    given = yaml.safe_load((folder / "input.yaml").read_text())
    book = book_of_case(folder)
    mechanism = build_mechanism(ClearingRules(engine=engine, **given["rules"]))
    terms = GridTerms(given["retail_per_kwh"], given["feed_in_per_kwh"])
    clearing = mechanism.clear(book, terms, np.random.default_rng(given["seed"]))
    found = {
        "status": clearing.status,
        "mcp_per_kwh": clearing.mcp_per_kwh,
        "f1": clearing.f1,
        "f2": clearing.f2,
        "traded_kwh": clearing.traded_kwh,
        "unserved_kwh": float(np.abs(book.demand_kwh - clearing.bought_kwh).max()),
    }
    if (folder / "published_transactions.csv").exists():
        scores = published_score(folder, book, clearing.mcp_per_kwh)
        found["published_f1"], found["published_f2"] = scores
        assert clearing.f1 > scores[0] and clearing.f2 > scores[1]
    tolerance = tomllib.loads((folder / "tolerance.toml").read_text())
    for row in rows(folder / "expected.csv"):
        field, relation = row["field"], row["relation"]
        if field == "status":
            assert found[field] == row["value"]
            continue
        slack = tolerance[field]["value"]
        if relation == "equal":
            assert found[field] == pytest.approx(float(row["value"]), abs=slack), field
        else:
            assert found[field] >= float(row["value"]) - slack, field
