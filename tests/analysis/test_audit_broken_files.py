"""Files that are cut short, of another kind, or not there: findings or refusals, never a crash."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tampering import COLUMNS, failed, replaced

from gridbazaar.analysis.audit import audit_run
from gridbazaar.sim.run_directory import RunError

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
DATA = [*COLUMNS, "manifest.json", "scenario.yaml", "tariff.yaml"]


@pytest.mark.parametrize("file", DATA)
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.97])
def test_a_file_cut_short_is_a_finding_and_no_crash(run, file, kept):
    content = (run / file).read_bytes()
    (run / file).unlink()
    (run / file).write_bytes(content[: int(kept * len(content))])
    assert failed(run)


@pytest.mark.parametrize("file", DATA)
@pytest.mark.parametrize("content", [b"[]", b"{}", b"\xff\xfe\x00", b"a,b\n1\n"])
def test_a_file_of_something_else_is_a_finding_and_no_crash(run, file, content):
    (run / file).unlink()
    (run / file).write_bytes(content)
    assert failed(run)


def test_numbers_that_are_text_are_a_finding(run):
    table = pq.read_table(run / "positions.parquet")
    at = table.schema.get_field_index("sold_kwh")
    text = pa.array(["much"] * table.num_rows)
    replaced(run / "positions.parquet", table.set_column(at, "sold_kwh", text))
    assert "every file can be read and has its columns" in failed(run)


def test_what_is_no_run_is_refused_with_every_missing_file(run):
    (run / "meters.parquet").unlink()
    (run / "tariff.yaml").unlink()
    with pytest.raises(RunError) as refused:
        audit_run(run)
    assert len(refused.value.problems) == 2
    assert "meters.parquet" in str(refused.value) and "tariff.yaml" in str(refused.value)


def test_a_run_that_is_not_there_or_not_finished_is_refused(tmp_path):
    with pytest.raises(RunError, match="no such directory"):
        audit_run(tmp_path / "nothing")
    (tmp_path / "results.csv").touch()
    with pytest.raises(RunError, match="a file, not a directory"):
        audit_run(tmp_path / "results.csv")
    (tmp_path / "half.partial").mkdir()
    for name in ("half", "half.partial"):
        with pytest.raises(RunError, match="--resume"):
            audit_run(tmp_path / name)


def test_a_file_of_bus_voltages_that_nobody_asked_for_is_a_finding(run):
    (run / "bus_voltages.parquet").unlink()
    assert failed(run)


def test_the_audit_shares_no_code_with_what_it_audits():
    folder = Path(__file__).parents[2] / "analysis/audit"
    files = list(folder.glob("*.py"))
    assert len(files) > 15
    for path in files:
        text = path.read_text(encoding="utf-8")
        for room in ("market", "network", "agents", "scenarios"):
            assert f"from ...{room}" not in text and f"gridbazaar.{room}" not in text, path.name
