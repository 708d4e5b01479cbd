"""Exported tables hold what the run holds, with units in their headings."""

import json
import re

import pandas as pd
import pytest
from typer.testing import CliRunner

from gridbazaar.__main__ import app
from gridbazaar.analysis import export as export_module
from gridbazaar.analysis.export import EXPORTED, export_run, exported_table
from gridbazaar.sim.results import read_results
from gridbazaar.sim.run_directory import RunError

UNITS = r"_(kwh|kw|kvar|kva|pu|kwp|deg|minor|minutes|inr|inr_per_kwh|share)$"
# Names, times, counts, flags, and money of the run's currency.
_PLAIN = """
frame_id start end name sellers buyers f1 f2 front_collapsed front_points evaluations iterations
status undervoltage_base step phase feasible critical_buses chosen prosumer side seller buyer
v_min_bus v_max_bus posting_id time payer payee purpose bus profile week_offset three_phase group
kpi title unit market no_p2p difference month note case line frame slab text
"""
PLAIN = frozenset(_PLAIN.split())


def test_csv_files_hold_the_tables(finished, tmp_path):
    written = export_run(finished, out=tmp_path / "csv")
    results = read_results(finished)
    assert set(written.rows) == {*EXPORTED, "bus_voltages"}
    for name in EXPORTED:
        table, kept = exported_table(results, name), pd.read_csv(tmp_path / "csv" / f"{name}.csv")
        assert list(kept.columns) == list(table.columns)
        assert len(kept) == len(table) == written.rows[name]
    kept = pd.read_csv(tmp_path / "csv" / "positions.csv")
    assert kept.sold_kwh.sum() == pytest.approx(results.positions.sold_kwh.sum(), rel=1e-12)


def test_quantities_have_units_in_their_names(finished):
    results = read_results(finished)
    for name in EXPORTED:
        for column in exported_table(results, name).columns:
            assert re.search(UNITS, column) or column in PLAIN, f"{name}.{column}"
            assert not re.search(r"(?<!inr)_per_kwh$", column), f"{name}.{column}"


def test_money_carries_the_currency_and_the_run_keeps_its_names(finished, tmp_path):
    export_run(finished, tables=["bills", "bill_lines", "utility", "frames"], out=tmp_path / "x")
    results = read_results(finished)
    bills = pd.read_csv(tmp_path / "x" / "bills.csv")
    assert bills.saving_inr.sum() == pytest.approx(results.bills.saving.sum())
    assert {"p2p_bought_inr", "p2p_bought_inr_per_kwh", "p2p_bought_kwh"} < set(bills.columns)
    lines = pd.read_csv(tmp_path / "x" / "bill_lines.csv")
    assert {"amount_inr", "rate_inr_per_kwh", "slab"} < set(lines.columns)
    assert "net_inr" in pd.read_csv(tmp_path / "x" / "utility.csv").columns
    assert "mcp_inr_per_kwh" in pd.read_csv(tmp_path / "x" / "frames.csv").columns
    assert "saving" in results.bills.columns


def test_a_workbook_holds_the_tables(finished, tmp_path):
    book = tmp_path / "run.xlsx"
    written = export_run(finished, "xlsx", ["frames", "bills", "kpis", "frames"], book)
    sheets = pd.read_excel(book, sheet_name=None)
    assert list(sheets) == list(written.rows) == ["frames", "bills", "kpis"]
    results = read_results(finished)
    assert list(sheets["frames"].traded_kwh) == pytest.approx(list(results.frames.traded_kwh))
    assert pd.api.types.is_datetime64_any_dtype(sheets["frames"].start)
    assert sheets["frames"].mcp_inr_per_kwh.isna().sum() == results.frames.mcp_per_kwh.isna().sum()


def test_what_does_not_fit_a_worksheet_is_said(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "SHEET_ROWS", 50)
    with pytest.raises(RunError, match="positions: has 513 rows"):
        export_run(finished, "xlsx", ["members", "bills", "positions"], tmp_path / "a.xlsx")
    assert not (tmp_path / "a.xlsx").exists()
    answer = CliRunner().invoke(
        app, ["export", str(finished), "--format", "xlsx", "--out", str(tmp_path / "b.xlsx")]
    )
    assert answer.exit_code == 0
    assert "positions: left out" in answer.stderr
    assert "positions" not in pd.read_excel(tmp_path / "b.xlsx", sheet_name=None)


def test_every_problem_is_told_and_nothing_is_written(finished, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("x")
    command = ["export", str(finished), "--format", "ods", "--table", "frame", "--table", "nix"]
    answer = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "taken")])
    assert answer.exit_code == 2
    assert "4 problems" in answer.stderr
    for words in ("use csv or xlsx", "no such table", "exists already"):
        assert words in answer.stderr
    assert [p.name for p in (tmp_path / "taken").iterdir()] == ["file"]


def test_without_openpyxl_the_remedy_is_named(finished, tmp_path, monkeypatch):
    import builtins

    usual = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "openpyxl":
            raise ImportError(name)
        return usual(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RunError, match=re.escape("pip install 'gridbazaar[xlsx]'")):
        export_run(finished, "xlsx", out=tmp_path / "a.xlsx")


def test_the_command_answers_as_json(finished, tmp_path):
    out = tmp_path / "some"
    answer = CliRunner().invoke(
        app, ["export", str(finished), "--table", "frames", "--out", str(out), "--json"]
    )
    assert json.loads(answer.stdout) == {"out": str(out), "rows": {"frames": 9}, "left_out": {}}
