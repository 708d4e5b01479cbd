"""One finished run for all tests of the audit, and a folder in which its files may be changed."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from gridbazaar.sim.run import run_scenario

# Makes these importable by name, whatever import mode pytest uses.
for _name in ("tampering", "sweep_cases"):
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(
            _name, Path(__file__).with_name(f"{_name}.py")
        )
        _module = importlib.util.module_from_spec(_spec)
        sys.modules[_name] = _module
        _spec.loader.exec_module(_module)

# Every kind of posting and bill line occurs: charges on both sides, fixed charges of one and three
# phases, penalties, banked units that are paid out at the month's end inside the run; and homes
# that the rules leave out of trade.
SETTINGS = [
    "days=3",
    "start=2026-03-30",
    "seed=2",
    "outputs.bus_voltages=true",
    "tariff={preset: kseb-2025, transaction_charge_per_kwh: 0.42, seller_share: 0.3, "
    "p2p_max_kw: 6.4, net_metering_up_to_kw: 5, grid_support: {above_kw: 3}}",
    "members.generate.three_phase_share=0.2",
    "settlement.penalty_factor=0.25",
]


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished run of three days."""
    out = tmp_path_factory.mktemp("audit") / "run"
    return run_scenario("kerala-village", SETTINGS, out=out).path


@pytest.fixture
def run(finished, tmp_path):
    """The run's files, linked into a folder where they may be replaced."""
    for file in finished.iterdir():
        if file.is_file():
            os.link(file, tmp_path / file.name)
    return tmp_path
