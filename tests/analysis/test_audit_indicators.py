"""Indicators beside a report are those of the run's tables, and their absence is told."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tampering import (
    SUMS,
    change_cell,
    failed,
    failed_as_it_is,
    generator,
    replaced,
    write_manifest,
)

from gridbazaar.analysis.audit import audit_run
from gridbazaar.analysis.audit.check import Findings
from gridbazaar.analysis.audit.indicators import INDICATORS, NUMBERS, compare_indicators
from gridbazaar.analysis.kpis import kpi_table
from gridbazaar.analysis.kpis.printing import kpi_document
from gridbazaar.analysis.report import write_indicators
from gridbazaar.sim.results import read_results


@pytest.fixture
def reported(run):
    """A run's files, with the indicators of a report."""
    (run / "kpis.json").unlink(missing_ok=True)
    write_indicators(read_results(run))
    return run


@pytest.fixture(scope="module")
def indicators(finished):
    return kpi_document(kpi_table(read_results(finished)))


def test_a_run_passes_with_and_without_a_report(reported):
    assert failed_as_it_is(reported) == []
    (reported / "kpis.json").unlink()
    assert set(failed_as_it_is(reported)) == {SUMS, INDICATORS}
    write_manifest(reported, sha256=lambda sums: without(sums, "kpis.json"))
    assert failed_as_it_is(reported) == []
    check = next(check for check in audit_run(reported).checks if check.name == INDICATORS)
    assert "no report was written" in check.detail


def without(mapping, key):
    return {name: value for name, value in mapping.items() if name != key}


def test_writing_again_changes_nothing(reported):
    before = [(reported / name).read_bytes() for name in ("kpis.json", "manifest.json")]
    write_indicators(read_results(reported))
    assert [(reported / name).read_bytes() for name in ("kpis.json", "manifest.json")] == before


def test_a_changed_indicator_shows_even_with_fitting_hashes(reported):
    document = json.loads((reported / "kpis.json").read_text("utf-8"))
    document["traded_kwh"]["market"] += 0.001
    replaced(reported / "kpis.json", json.dumps(document))
    assert failed(reported) == [INDICATORS]


def test_indicators_of_other_tables_show(reported):
    change_cell(reported / "bills.csv", "saving", 4, generator("indicators"))
    assert INDICATORS in failed(reported)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "3", '{"traded_kwh": 1.0}'])
def test_a_broken_file_is_a_failed_check(reported, text):
    replaced(reported / "kpis.json", text)
    assert INDICATORS in failed(reported)


def test_every_number_counts(indicators):
    assert passes(indicators, indicators)
    for name, row in indicators.items():
        for key, value in row.items():
            others = ["x"] if key not in NUMBERS else [0.5, True, "1.0", math.nan, math.inf]
            if isinstance(value, float):
                others = [value + 1e-6 * max(1.0, abs(value)), None, *others[1:]]
            for other in others:
                assert not passes(indicators | {name: row | {key: other}}, indicators), (name, key)
        assert not passes(without(indicators, name), indicators)
        assert not passes(indicators | {name: without(row, "unit")}, indicators)
    assert not passes(indicators | {"bliss": indicators["traded_kwh"]}, indicators)


@settings(max_examples=50, deadline=None)
@given(st.floats(-1e9, 1e9), st.floats(1e-8, 10.0), st.sampled_from([-1.0, 1.0]))
def test_round_off_passes_and_more_does_not(value, share, sign):
    row = {"title": "t", "unit": "kWh", "market": value, "no_p2p": None, "difference": None}
    scale = max(1.0, abs(value))
    assert passes({"a": row | {"market": value + sign * 1e-12 * scale}}, {"a": row})
    assert not passes({"a": row | {"market": value + sign * share * scale}}, {"a": row})


def passes(document, derived):
    found = Findings()
    compare_indicators(document, derived, found)
    return all(check.ok for check in found.checks())
