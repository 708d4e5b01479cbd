"""The page of mechanisms tells what the registry claims, and names them all."""

import importlib
import re
import sys
from pathlib import Path

import pytest

from gridbazaar.market.registry import MECHANISMS

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def from_docs(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    yield importlib.import_module
    for name in ("mechanism_table", "doc_tables"):
        sys.modules.pop(name, None)


def test_the_table_is_the_registry(from_docs):
    script, writer = from_docs("mechanism_table"), from_docs("doc_tables")
    page = (DOCS / script.PAGE).read_text(encoding="utf-8")
    table = script.mechanism_table()
    assert writer.with_table(page, "mechanisms", table) == page, "run docs/mechanism_table.py"


def test_each_mechanism_has_its_equations_and_a_reference():
    page = (DOCS / "mechanisms.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([a-z-]+)`", page.split("## Rules and equations")[1], re.M))
    assert told == set(MECHANISMS)
    cited = {int(n) for n in re.findall(r"\[(\d+)\]", page.split("## References")[0])}
    listed = [int(n) for n in re.findall(r"^(\d+)\. ", page.split("## References")[1], re.M)]
    assert listed == list(range(1, len(listed) + 1)) and cited == set(listed)
