"""The page on which market to choose tells what its file of measured numbers says."""

import importlib
import itertools
import sys
from pathlib import Path

import pytest

from gridbazaar.market.registry import MECHANISMS

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def from_docs(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    yield importlib.import_module
    for name in ("which_market", "which_market_figure", "doc_tables"):
        sys.modules.pop(name, None)


def test_the_tables_are_those_of_the_numbers(from_docs):
    script, writer = from_docs("which_market"), from_docs("doc_tables")
    page = (DOCS / script.PAGE).read_text(encoding="utf-8")
    for name, text in script.tables(script.read_numbers()).items():
        again = writer.with_table(page, name, text)
        assert again == page, f"{name}: run docs/which_market.py --tables"


def test_every_mechanism_was_measured_in_every_season(from_docs):
    script = from_docs("which_market")
    numbers = script.read_numbers()
    months = numbers[numbers.seed == 1]
    found = set(zip(months.season, months.mechanism, strict=True))
    assert found == {(season, name) for season in script.SEASONS for name in MECHANISMS}
    assert len(months) == len(found)
    assert script.pool_cases(numbers).shape == (15, 18)


def test_the_measured_months_agree_with_theory(from_docs):
    script = from_docs("which_market")
    numbers = script.read_numbers()
    months = numbers[numbers.seed == 1].set_index(["mechanism", "season"])
    budget = months.budget.unstack()
    assert (budget.loc["vcg"] < 0.0).all()
    for name in ("agv", "uniform", "pay-as-bid", "optimum", "pareto", "continuous", *script.POOLS):
        assert (budget.loc[name].abs() < 0.005).all(), name
    for name in ("mcafee", "trade-reduction", "competition-padding"):
        assert (budget.loc[name] > 0.0).all(), name
    share = months.share_of_optimum.unstack()
    for name in ("uniform", "pay-as-bid", "vcg", "agv"):
        assert share.loc[name].to_numpy() == pytest.approx(
            share.loc["optimum"].to_numpy(), abs=0.02
        )
    for name in ("mcafee", "trade-reduction", "competition-padding", "continuous"):
        assert (share.loc[name] < share.loc["optimum"]).all(), name
    assert (months.schedules_over_limit == 0).all()
    assert months.mean_price_per_kwh.loc["bill-sharing"].isna().all()


def paired(cases, index, first, second):
    """Mean of paired differences over the 15 cases, and four of its standard errors.

    Cases share months and villages: four errors leave room for that.
    """
    gap = (cases[index][first] - cases[index][second]).to_numpy()
    return gap.mean(), 4.0 * gap.std(ddof=1) / len(gap) ** 0.5


def test_how_the_pools_rank_on_the_six_indices(from_docs):
    script = from_docs("which_market")
    cases = script.pool_cases(script.read_numbers())
    ratio, middle, bills = script.POOLS
    for index in ("energy_balance", "power_flatness", "self_sufficiency"):
        spread = cases[index].max(axis=1) - cases[index].min(axis=1)
        assert spread.max() < 1e-6, "homes do not respond to a pool's price"
    for one, other in ((ratio, middle), (middle, bills)):
        gap, error = paired(cases, "value_tapping", one, other)
        assert abs(gap) + error < 0.005, "one community bill, however it is shared"
    ranking = {"better_off": (middle, ratio, bills), "equality": (bills, ratio, middle)}
    for index, order in ranking.items():
        for better, worse in itertools.pairwise(order):
            gap, error = paired(cases, index, better, worse)
            assert gap - error > 0.0, (index, better, worse)
