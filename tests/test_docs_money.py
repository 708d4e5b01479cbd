"""The page on money knows every key of a tariff file and every shipped preset."""

import importlib
import re
import sys
from pathlib import Path

import pytest

from gridbazaar.market.tariff_parts import TariffError
from gridbazaar.market.tariff_reading import rules_from_dict, tariff_from_dict

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "money.md").read_text(encoding="utf-8")


@pytest.fixture
def from_docs(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    yield importlib.import_module
    for name in ("money_tables", "doc_tables"):
        sys.modules.pop(name, None)


def test_the_tables_are_made_from_the_data_files(from_docs):
    script, writer = from_docs("money_tables"), from_docs("doc_tables")
    for name, text in script.tables().items():
        assert writer.with_table(PAGE, name, text) == PAGE, f"{name}: run docs/money_tables.py"


def known_keys(read, data) -> set[str]:
    """Keys that a reader names when it meets one that it does not know."""
    with pytest.raises(TariffError) as error:
        read(data, "x.yaml")
    listed = [p.partition("use one of ")[2] for p in error.value.problems if "unknown key" in p]
    assert listed
    return {key for line in listed for key in line.split(", ")}


def test_every_key_is_explained_and_no_other():
    odd = {"odd": 1}
    whole = {
        **{"frames": [odd], "banking": odd, "imbalance": odd, "grid_support": odd},
        **{"slabs": [odd], "fixed_charge_per_month": odd, **odd},
    }
    keys = known_keys(tariff_from_dict, whole) | known_keys(rules_from_dict, odd)
    table = PAGE.split("<!-- keys -->")[1].split("<!-- end keys -->")[0]
    first = {
        key
        for row in table.splitlines()
        for key in re.findall(r"`([a-z0-9_]+)`", row.split("|")[1] if "|" in row else "")
    }
    assert keys <= set(re.findall(r"`([a-z0-9_]+)`", table))
    assert first <= keys
