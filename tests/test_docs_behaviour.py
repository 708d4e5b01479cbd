"""The page on behaviour: what is quick to derive is what its script makes."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "behaviour.md").read_text(encoding="utf-8")


@pytest.fixture
def from_docs(monkeypatch):
    """Import a script from the docs folder."""
    monkeypatch.syspath_prepend(str(DOCS))

    def load(name):
        sys.modules.pop(name, None)
        return __import__(name)

    return load


def test_the_table_of_measured_homes_is_made_from_the_data(from_docs):
    script, writer = from_docs("behaviour_figures"), from_docs("doc_tables")
    assert writer.with_table(PAGE, "homes", script.homes_table()) == PAGE


def test_every_setting_of_the_long_table_has_its_row(from_docs):
    script = from_docs("behaviour_figures")
    table = PAGE.split("<!-- choices -->")[1].split("<!-- end choices -->")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.strip().splitlines()[2:]]
    assert rows == list(script.CHOICES)
    assert (DOCS / "images" / script.FIGURE).is_file()
