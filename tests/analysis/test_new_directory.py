"""A directory that appears when it is complete, beside what others left there."""

import re

import pytest

from gridbazaar.analysis import export as export_module
from gridbazaar.analysis.export import export_run
from gridbazaar.analysis.new_directory import new_directory
from gridbazaar.sim.results import read_results


@pytest.fixture
def unfinished(tmp_path):
    """What an interrupted run named `run` leaves: its checkpoint."""
    left = tmp_path / "run.partial"
    left.mkdir()
    (left / "checkpoint.json").write_text("{}")
    return left


def test_an_export_leaves_an_unfinished_run_alone(finished, unfinished, tmp_path):
    export_run(finished, tables=["frames"], out=tmp_path / "run")
    assert [file.name for file in unfinished.iterdir()] == ["checkpoint.json"]
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["frames.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run.partial"]


def test_a_new_directory_leaves_what_stands_beside_it(unfinished, tmp_path):
    (tmp_path / "run").mkdir()  # an empty one may be given
    with new_directory(tmp_path / "run") as work:
        (work / "a").write_text("1")
    assert (tmp_path / "run" / "a").read_text() == "1"
    assert (unfinished / "checkpoint.json").exists()
    assert (tmp_path / "run").stat().st_mode == unfinished.stat().st_mode


def test_nothing_stays_of_what_failed(tmp_path):
    with pytest.raises(ZeroDivisionError), new_directory(tmp_path / "out") as work:
        (work / "a").write_text(str(1 / 0))
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_leaves_nothing(finished, tmp_path, monkeypatch):
    def fails(results, name):
        if name == "bills":
            raise OSError("disk full")
        return getattr(results, name)

    monkeypatch.setattr(export_module, "read_table", fails)
    with pytest.raises(OSError, match="disk full"):
        export_run(finished, "csv", ["frames", "bills"], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_workbook_is_whole_or_not_there(finished, tmp_path, monkeypatch):
    from openpyxl import Workbook

    def half(book, place):
        for sheet in book.worksheets:
            sheet.close()
        with open(place, "wb") as file:
            file.write(b"PK")
        raise OSError("disk full")

    monkeypatch.setattr(Workbook, "save", half)
    with pytest.raises(OSError, match=re.escape("disk full")):
        export_run(finished, "xlsx", ["frames"], tmp_path / "a.xlsx")
    assert list(tmp_path.iterdir()) == []
    assert len(read_results(finished).frames)
