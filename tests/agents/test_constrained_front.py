"""The constrained search on a real feeder, against successive programs on dV/dP.

The whole table (three sizes, three kinds of caps, ten seeds) is a benchmark,
`tests/benchmarks/test_constrained_front.py`; here are its two smaller sizes and fewer seeds.
"""

import numpy as np
import pytest
from slp_reference import Measure, case_of, front, most_energy

from gridbazaar.market.engines import SearchSettings, exact
from gridbazaar.market.nsga2 import search
from gridbazaar.market.objectives import OBJECTIVES
from gridbazaar.market.voltage_rows import VoltageRows
from gridbazaar.market.voltage_seeds import seeds_within


@pytest.mark.parametrize(
    ("size", "kind"), [((6, 4), "both"), ((6, 4), "slack"), ((20, 20), "both")]
)
def test_front_within_voltages(size, kind):
    case = case_of(*size, kind)
    market = case.market
    assert not case.check.check(market.capacity_kwh[None]).feasible[0]  # voltages bind
    measure = Measure(front(case, 10))
    most = most_energy(case).sum()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        settings = SearchSettings(network=case.check, n_sellers=market.m)
        found = search(market, OBJECTIVES["published"], settings, rng)
        assert case.check.check(found.sold_kwh).feasible.all()
        assert np.all(found.sold_kwh <= market.capacity_kwh * (1 + 1e-9))
        assert found.sold_kwh.sum(axis=1).max() == pytest.approx(most, rel=2e-4)
        assert 0.98 <= measure.ratio(found.f1, found.f2) <= 1.01
        assert found.generations < 60


@pytest.mark.parametrize(
    ("size", "kind", "stress", "seed"),
    [
        ((6, 4), "both", 5.0, 2),
        ((6, 4), "tight", 8.0, 2),
        ((20, 20), "slack", 3.0, 1),
        ((20, 20), "tight", 5.0, 2),
    ],
)
def test_the_most_energy_is_not_lost_under_high_stress(size, kind, stress, seed):
    """Unchecked sales to 1.16 and 1.43 p.u.: every seed passes, the front reaches its end."""
    published = OBJECTIVES["published"]
    case = case_of(*size, kind, stress, seed)
    market, most = case.market, most_energy(case).sum()
    sold, _, _ = seeds_within(market, published, VoltageRows(market, case.check, market.m), 50)
    assert case.check.check(sold).feasible.all()
    assert 0.995 * most <= sold[-1].sum() <= 1.0001 * most
    for engine, encoding in ((exact, "marginal"), (search, "marginal"), (search, "pairwise")):
        settings = SearchSettings(encoding, 40, 8, 40, network=case.check, n_sellers=market.m)
        found = engine(market, published, settings, np.random.default_rng(1))
        assert case.check.check(found.sold_kwh).feasible.all()
        assert 0.995 * most <= found.sold_kwh.sum(axis=1).max() <= 1.0001 * most
