"""Tables in the documentation are the ones that its scripts make today."""

import importlib
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def from_docs(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    yield importlib.import_module
    for name in ("published_case", "doc_tables"):
        sys.modules.pop(name, None)


def test_the_page_of_the_published_case_is_what_its_script_makes(from_docs):
    script, writer = from_docs("published_case"), from_docs("doc_tables")
    page = (DOCS / script.PAGE).read_text(encoding="utf-8")
    for name, text in script.tables().items():
        assert writer.with_table(page, name, text) == page, f"{name}: run docs/published_case.py"


def test_a_page_without_its_marks_is_refused(from_docs):
    writer = from_docs("doc_tables")
    with pytest.raises(ValueError, match="once each"):
        writer.with_table("text", "prices", "| a |")
    page = writer.with_table("a\n<!-- t -->\nold\n<!-- end t -->\nb", "t", "new")
    assert page == "a\n<!-- t -->\nnew\n<!-- end t -->\nb"
