"""Random radial feeders for the power-flow tests."""

from __future__ import annotations

import numpy as np
import pytest

from gridbazaar.network import Feeder, solve_power_flow


def _random_feeder(rng: np.random.Generator, n_buses: int, base_kv: float = 11.0) -> Feeder:
    """A random tree: chains and bushes, shuffled bus numbers, branches in either direction."""
    chain = rng.uniform(0.3, 0.95)
    parent = [i - 1 if rng.random() < chain else int(rng.integers(0, i)) for i in range(1, n_buses)]
    number = rng.permutation(n_buses)
    ends = np.array([[number[p], number[i]] for i, p in enumerate(parent, start=1)])
    flip = rng.random(n_buses - 1) < 0.5
    ends[flip] = ends[flip, ::-1]
    ends = ends[rng.permutation(n_buses - 1)]
    r = np.exp(rng.normal(-2.0, 1.0, n_buses - 1)) * (base_kv / 11.0) ** 2
    return Feeder(
        f"random{n_buses}",
        "a random tree",
        tuple(f"b{i}" for i in range(n_buses)),
        int(number[0]),
        base_kv,
        ends[:, 0],
        ends[:, 1],
        r,
        r * np.exp(rng.normal(0.0, 1.0, n_buses - 1)),
        source_voltage_pu=float(rng.uniform(0.95, 1.06)),
    )


def _loadability(feeder: Feeder, kw: np.ndarray, kvar: np.ndarray) -> float:
    """The largest common factor on the injections that has a solution, to 1 %."""
    low, high = 0.0, 1.0
    while high - low > 0.01 * high:
        if low == 0.0 or high / low > 4.0:
            tried = high * 4.0 ** np.arange(-7, 9, dtype=float)
        else:
            tried = np.linspace(low, high, 16)
        flow = solve_power_flow(feeder, np.outer(tried, kw), np.outer(tried, kvar), 1e-8, 300)
        good = flow.status == 0
        last = int(np.argmin(good)) if not good.all() else len(tried)
        if last == len(tried):
            return float(tried[-1])
        high = float(tried[last])
        low = float(tried[last - 1]) if last else low
        if not last:
            high = float(tried[0])
    return low


@pytest.fixture(scope="session")
def random_feeder():
    return _random_feeder


@pytest.fixture(scope="session")
def loadability():
    return _loadability
