"""All indicators of a run as one table."""

from __future__ import annotations

import math

import pandas as pd

from ...sim.results import Results
from .case import Figures
from .reading import figures_of
from .registry import KPIS, Value


def kpi_values(figures: Figures) -> dict[str, tuple[Value, Value]]:
    """Return each indicator's value with the market, and in the counterfactual.

    Parameters
    ----------
    figures : Figures
        Of one run.

    Returns
    -------
    dict of str to tuple
        By name, in the order of the list; None where an indicator has no meaning.
    """
    return {
        name: (_known(kpi.market(figures)), kpi.no_p2p and _known(kpi.no_p2p(figures)))
        for name, kpi in KPIS.items()
    }


def kpi_table(results: Results) -> pd.DataFrame:
    """Return the indicators of a finished run.

    Parameters
    ----------
    results : Results
        A finished run.

    Returns
    -------
    pandas.DataFrame
        A row per indicator: `group`, `kpi`, `title`, `unit`, `market`, `no_p2p`, `difference`
        (market less no_p2p, sign kept). NaN where an indicator has no meaning.

    Examples
    --------
    >>> kpi_table(read_results("runs/kerala-village-001")).head()        # doctest: +SKIP
    """
    currency = results.manifest["currency"]
    rows = []
    for name, (market, no_p2p) in kpi_values(figures_of(results)).items():
        kpi = KPIS[name]
        rows.append(
            {
                "group": kpi.group,
                "kpi": name,
                "title": kpi.title,
                "unit": kpi.unit.replace("currency", currency),
                "market": market,
                "no_p2p": no_p2p,
                "difference": None if market is None or no_p2p is None else market - no_p2p,
            }
        )
    numbers = ["market", "no_p2p", "difference"]
    return pd.DataFrame(rows).astype(dict.fromkeys(numbers, "float64"))


def _known(value: Value) -> Value:
    return value if value is not None and math.isfinite(value) else None
