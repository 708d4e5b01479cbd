"""The indicators that a report keeps in `kpis.json`, computed again from the run's tables.

What an indicator means stands in one place only, so this check computes with the report's own
functions: it finds numbers that were changed, not formulas that are wrong. The tables that the
indicators rest on are derived by the rest of the audit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...sim.results import Results
from ..kpis import kpi_table
from ..kpis.printing import kpi_document
from . import files
from .check import Findings
from .inputs import Run

FILE = "kpis.json"
INDICATORS = "the indicators of the report are those of the run's tables"
NUMBERS = ("market", "no_p2p", "difference")
#: Of a value, or of 1 in its unit where that is more: another machine's round-off.
SAME = 1e-9


def check_indicators(run: Run, found: Findings) -> None:
    """Compare `kpis.json` with the indicators as they come out of the run's tables.

    A run without the file has no report, and the check says so; where the manifest keeps the
    file's hash there was one, and the check fails.
    """
    path = run.path / FILE
    if not path.is_file():
        sums = run.manifest.get("sha256")
        reported = isinstance(sums, Mapping) and FILE in sums
        found.holds(INDICATORS, not reported, lambda: f"{FILE} is missing, but was written")
        if not reported:
            found.explain(INDICATORS, f"no report was written: there is no {FILE}")
        return
    document = files.read_text(path, found)
    compare_indicators(document, kpi_document(kpi_table(Results(run.path))), found)


def compare_indicators(document: Any, derived: Mapping[str, Any], found: Findings) -> None:
    """Compare indicators as they were read with those derived; null agrees with null only.

    Parameters
    ----------
    document : Any
        What the file holds, whatever that is.
    derived : mapping
        By name: `title`, `unit`, and the numbers `market`, `no_p2p`, `difference` or None.
    found : Findings
        Where the comparison is noted.

    Examples
    --------
    >>> right = {"loss_kwh": {"title": "losses", "unit": "kWh", "market": 2.0, "no_p2p": None,
    ...                       "difference": None}}
    >>> found = Findings()
    >>> compare_indicators({"loss_kwh": right["loss_kwh"] | {"market": 2.5}}, right, found)
    >>> found.checks()[0].detail
    '1 of 7 values wrong; worst at loss_kwh: market: 2.5 recorded, 2.0 derived'
    """
    told = document if isinstance(document, Mapping) else {}
    names = sorted({*told, *derived})
    found.holds(
        INDICATORS,
        [name in told and name in derived for name in names],
        lambda i: f"{FILE}: {names[i]}: stands there or is an indicator, but not both",
    )
    rows = [(name, told[name], derived[name]) for name in names if name in told and name in derived]
    whole = [isinstance(row, Mapping) and set(row) == set(wanted) for _, row, wanted in rows]
    found.holds(INDICATORS, whole, lambda i: f"{FILE}: {rows[i][0]}: has other keys")
    cells = [
        (name, key, row[key], wanted[key])
        for (name, row, wanted), sound in zip(rows, whole, strict=True)
        if sound
        for key in wanted
    ]
    found.holds(
        INDICATORS,
        [_agree(key, value, wanted) for _, key, value, wanted in cells],
        lambda i: "{}: {}: {!r} recorded, {!r} derived".format(*cells[i]),
    )


def _agree(key: str, value: Any, wanted: Any) -> bool:
    if key not in NUMBERS or wanted is None:
        return type(value) is type(wanted) and value == wanted
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    gap: float = abs(value - wanted)
    return gap <= SAME * max(1.0, abs(wanted))
