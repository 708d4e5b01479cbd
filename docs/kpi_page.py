"""Write docs/kpis.md, the list of all indicators, from the docstrings: python docs/kpi_page.py."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gridbazaar.analysis.kpis.registry import GROUPS, KPIS, Kpi

PAGE = Path(__file__).with_name("kpis.md")
HEADINGS = {
    "trade": "Trade",
    "welfare": "Welfare",
    "members": "Members: who gains, who loses",
    "energy": "Energy at the community's boundary",
    "grid": "Substation and feeder",
    "voltages": "Voltages, curtailment, capping",
    "utility": "The utility",
    "carbon": "Carbon",
}
INTRODUCTION = """# Indicators

`gridbazaar kpis RUN` prints every indicator of a run three times: with the market, in the
counterfactual, and as difference (market less counterfactual, sign kept). The counterfactual is
the second run that every run carries: same load, PV, seed, forecasts, batteries and export
envelope, re-operated without peer-to-peer trade (`no_p2p` in the tables). Where a formula has no
meaning the value is n/a: `null` in `kpis.json`, an empty cell in exported tables, `NaN` in pandas.

From Python: `gridbazaar.kpi_table(results)`. This page is made from the docstrings by
`python docs/kpi_page.py`; a plain sum needs no more than its title.

Symbols: *l* load, *g* generation delivered, *net* what all meters together feed in an interval
(negative: draw), *C* a member's bill with the market and *C0* without, *r* retail and *f* feed-in
price, *a* ask and *b* bid, *s* sold and *d* bought, *x* metered net export, *c* contract.
"""
LABELS = ("Formula", "Unit", "Source", "Care")


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    for group in GROUPS:
        parts.append(f"## {HEADINGS[group]}\n")
        kpis = [kpi for kpi in KPIS.values() if kpi.group == group]
        parts.append(_table(kpis))
        seen: list[Callable[..., Any]] = []
        for kpi in kpis:
            if kpi.function is not None and kpi.function not in seen:
                seen.append(kpi.function)
        parts += [_entry(function, kpis) for function in seen]
    return "\n".join(parts).rstrip() + "\n"


def _table(kpis: list[Kpi]) -> str:
    lines = ["| indicator | what it is | unit | counterfactual |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{kpi.name}` | {kpi.title} | {kpi.unit} | {'yes' if kpi.no_p2p else 'n/a'} |"
        for kpi in kpis
    ]
    return "\n".join([*lines, ""])


def _entry(function: Callable[..., Any], kpis: list[Kpi]) -> str:
    text = inspect.getdoc(function) or ""
    first = text.split("\n\n")[0].replace("\n", " ")
    names = ", ".join(f"`{kpi.name}`" for kpi in kpis if kpi.function is function)
    room = function.__module__.rpartition(".")[2]
    lines = [f"### {names}\n", f"{first} Code: `{room}.{function.__name__}`.\n"]
    for label in LABELS:
        value = labelled(text, label)
        mark = f"`{value}`" if label == "Formula" else value
        lines.append(f"- {label.lower()}: {mark}")
    lines += ["", "```pycon", _example(text), "```", ""]
    return "\n".join(lines)


def labelled(docstring: str, label: str) -> str:
    """Return what a docstring says after `LABEL:`, on one line."""
    others = "|".join(f"{other}:" for other in LABELS)
    found = re.search(rf"^{label}: (.*?)(?=^(?:{others})|^\s*$)", docstring, re.M | re.S)
    if found is None:
        raise ValueError(f"the docstring has no line '{label}: ...': add it")
    return " ".join(found.group(1).split())


def _example(text: str) -> str:
    lines = text[text.index("Examples\n") :].splitlines()[2:]
    return "\n".join(lines).strip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
