"""Reading a month of 1,000 members: its indicators and its report, in processor time."""

import time

import pytest

from gridbazaar.analysis.kpis import kpi_table
from gridbazaar.analysis.report import write_report
from gridbazaar.sim.results import read_results
from gridbazaar.sim.run import run_scenario

KPIS_SECONDS, REPORT_SECONDS = 1.0, 10.0
SETTINGS = [
    "days=30",
    "members.generate.homes=1000",
    "market.mechanism=supply-demand-ratio",
]


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    """A finished run; its clearing is not what is measured here."""
    return run_scenario("kerala-village", SETTINGS, out=tmp_path_factory.mktemp("month") / "r").path


def seconds_of(work):
    begun = time.process_time()
    work()
    return time.process_time() - begun


def test_indicators_of_a_month(month, benchmark):
    seconds = benchmark.pedantic(
        lambda: seconds_of(lambda: kpi_table(read_results(month))), rounds=3, warmup_rounds=1
    )
    print(f"\nindicators of 1,000 members x 30 days: {seconds:.2f} s of processor time")
    assert seconds <= KPIS_SECONDS


def test_report_of_a_month(month, benchmark):
    seconds = benchmark.pedantic(
        lambda: seconds_of(lambda: write_report(read_results(month))), rounds=1
    )
    print(f"\nreport of 1,000 members x 30 days: {seconds:.1f} s of processor time")
    assert seconds <= REPORT_SECONDS
