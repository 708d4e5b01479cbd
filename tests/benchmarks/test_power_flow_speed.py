"""Speed of single flows, of the first flow of a process, and of the export envelope.

Batches are compared with the peers in `test_power_flow_peers.py`. Run with ``make bench``.
"""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from gridbazaar.network import admit_exports, load_feeder, solve_power_flow
from gridbazaar.network.limits import VoltageLimits
from gridbazaar.network.simd import SCALAR
from gridbazaar.network.sweep import sweep_range


def _seconds(solve):
    """Seconds of the processor, which other programs do not add to."""
    start = time.process_time()
    solve()
    return time.process_time() - start


def test_a_single_33_bus_flow(benchmark):
    feeder = load_feeder("ieee33_mv")
    kw, kvar = -feeder.load_kw[None].copy(), -feeder.load_kvar[None].copy()
    arrays = feeder.sweep_arrays
    out = np.empty((1, 33)), np.empty(1, np.int8), np.empty(1, np.int32), np.empty((4, 1))

    def kernel():
        sweep_range(
            SCALAR,
            arrays.columns,
            kw,
            kvar,
            0,
            1,
            1.0,
            1e-8,
            1000,
            *out,
        )

    def call():
        solve_power_flow(feeder, kw, kvar)

    took, best = {}, {}
    for name, run in (("kernel", kernel), ("call", call)):
        run()
        rounds = []
        for _ in range(20):
            start = time.perf_counter()
            for _ in range(500):
                run()
            rounds.append((time.perf_counter() - start) / 500)
        took[name] = 1e6 * float(np.median(rounds))
        best[name] = 1e6 * min(rounds)
    benchmark.extra_info.update(took)
    benchmark.pedantic(call, rounds=200, iterations=10)
    print(f"\none 33-bus flow: kernel {took['kernel']:.2f} us, whole call {took['call']:.2f} us")
    # The quickest round: other programs of the machine can only add to it.
    assert best["call"] <= 5.0


def test_cold_compile(benchmark, tmp_path):
    """First flow and first batch of a process that finds an empty cache, then a filled one."""
    code = (
        "import time\n"
        "from gridbazaar.network import load_feeder, solve_power_flow\n"
        "f = load_feeder('ieee33_mv')\n"
        "start = time.process_time()\n"
        "for n in (1, 16):\n"
        "    solve_power_flow(f, [-f.load_kw] * n, [-f.load_kvar] * n)\n"
        "print(time.process_time() - start)\n"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def first_flows():
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return float(done.stdout)

    cold = first_flows()
    cached = benchmark.pedantic(first_flows, rounds=1, iterations=1)
    benchmark.extra_info.update({"cold_s": cold, "cached_s": cached})
    print(f"\nfirst flow and first batch: {cold:.2f} s cold, {cached:.2f} s cached")
    assert cold < 5.0
    assert cached < cold


@pytest.mark.parametrize(
    ("name", "source_voltage", "sellers", "kw", "bar_ms"),
    [("kerala_village_lv", 1.043, 20, 6.0, 10.0), ("ieee33_mv", 1.03, 350, 40.0, 30.0)],
)
def test_export_envelope(benchmark, name, source_voltage, sellers, kw, bar_ms):
    rng = np.random.default_rng(1)
    feeder = load_feeder(name).with_source_voltage(source_voltage)
    bus = rng.choice(np.flatnonzero(feeder.load_kw > 0.0), sellers)
    base = -feeder.load_kw * 0.05 * rng.uniform(0.5, 1.5, (48, feeder.n_buses))
    surplus = kw * rng.uniform(0.3, 1.0, (sellers, 1)) * np.sin(np.linspace(0.0, np.pi, 48))

    def fill():
        return admit_exports(feeder, base, 0.3 * base, bus, surplus, VoltageLimits())

    assert fill().min() < 1.0  # it has something to do
    took = 1e3 * float(np.median([_seconds(fill) for _ in range(11)]))
    benchmark.extra_info["ms"] = took
    benchmark.pedantic(fill, rounds=5, iterations=1)
    print(f"\nexport envelope, {name}, {sellers} sellers, 48 intervals: {took:.1f} ms")
    assert took < bar_ms
