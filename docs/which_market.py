"""Make docs/which-market.md's tables and figure again: python docs/which_market.py.

It runs `kerala-village` under every mechanism in three months, and the three pools in more
villages (6 minutes of processor time in two processes), and keeps what it read in
`which_market.csv`, one row a run. With `--tables` only tables and figure are made again from that
file, in seconds.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from doc_tables import DOCS, markdown_table, replace_table
from which_market_figure import by_surplus, draw

from gridbazaar import compare
from gridbazaar.analysis.compare_measures import MEASURES
from gridbazaar.analysis.kpis.printing import shown

PAGE, NUMBERS = "which-market.md", "which_market.csv"
SCENARIO = "kerala-village"
SEASONS = {
    "winter": ["start=2026-01-01", "days=31"],
    "hot": ["start=2025-04-01", "days=30"],
    "monsoon": ["start=2025-07-01", "days=31"],
}
POOLS = ("supply-demand-ratio", "mid-market-rate", "bill-sharing")
POOL_DAYS, POOL_SEEDS = 10, (2, 3, 4, 5)
TIE_DIGITS = 2  # of an index: what is alike to so many digits shares a rank
#: Zhou's six, economic then technical.
INDICES = {
    "value_tapping": "value tapping",
    "better_off": "participation willingness",
    "equality": "equality",
    "energy_balance": "energy balance",
    "power_flatness": "power flatness",
    "self_sufficiency": "self-sufficiency",
}
SECONDS = "clearing_wall_seconds"
UNIT = {one.name: one.unit for one in MEASURES}
MARKET = {
    "share_of_optimum": "of optimum",
    "surplus": "surplus, INR",
    "buyers_surplus": "buyers', INR",
    "sellers_surplus": "sellers', INR",
    "budget": "budget, INR",
    "traded_kwh": "traded, kWh",
    "mean_price_per_kwh": "mean price, INR/kWh",
    "least_price_per_kwh": "least",
    "greatest_price_per_kwh": "greatest",
    SECONDS: "clearing, s",
}
PEOPLE = {
    "saving": "saving, INR",
    "median_saving": "median, INR",
    "least_saving": "least, INR",
    "losers_share": "losers",
    "gini_of_savings": "Gini",
    "utility_revenue": "utility's revenue, INR",
    "utility_revenue_change": "change, INR",
    "schedules_cured": "schedules cured",
    "schedules_over_limit": "over limit",
    "violations_avoided_bus_minutes": "avoided, bus-min",
    "violations_caused_bus_minutes": "caused, bus-min",
}


def measured() -> pd.DataFrame:
    """Run everything; return one row a run: season, seed, mechanism, measures, indices."""
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for season, dates in SEASONS.items():
            runs = compare(SCENARIO, "market.mechanism=all", dates, out=f"{folder}/a", workers=2)
            parts.append(_rows(runs, season, 1))
            _emptied(Path(folder) / "a")
            for seed in POOL_SEEDS:
                fewer = [dates[0], f"days={POOL_DAYS}", f"seed={seed}"]
                over = f"market.mechanism={','.join(POOLS)}"
                runs = compare(SCENARIO, over, fewer, out=f"{folder}/p", workers=2)
                parts.append(_rows(runs, season, seed))
                _emptied(Path(folder) / "p")
            print(season, "done", file=sys.stderr, flush=True)
    return pd.concat(parts, ignore_index=True)


def _rows(runs, season: str, seed: int) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    if runs.failed:
        raise RuntimeError(str(runs.failed))
    by_kpi = runs.indicators.pivot_table("market", "setting", "kpi")
    table = runs.table.set_index("setting")
    extra = [name for name in INDICES if name not in table.columns]
    table = table.join(by_kpi[extra]).rename_axis("mechanism").reset_index()
    table.insert(0, "season", season)
    table.insert(1, "seed", seed)
    return table


def _emptied(folder: Path) -> None:
    """Make room for the next comparison."""
    shutil.rmtree(folder)


def read_numbers() -> pd.DataFrame:
    """Return what the last measurement found."""
    return pd.read_csv(DOCS / NUMBERS)


def by_mechanism(numbers: pd.DataFrame, columns: dict[str, str]) -> str:
    """Mean over the three months (seconds: median), by mechanism, the greatest surplus first."""
    months = numbers[numbers.seed == 1]
    mean = months.groupby("mechanism")[list(columns)].mean()
    if SECONDS in columns:  # the first month may have waited for compiled code
        mean[SECONDS] = months.groupby("mechanism")[SECONDS].median()
    order = by_surplus(months)
    return markdown_table(
        ["mechanism", *columns.values()],
        (
            [f"`{name}`", *(shown(float(mean.loc[name, key]), UNIT[key]) for key in columns)]
            for name in order
        ),
    )


def by_season(numbers: pd.DataFrame) -> str:
    """Share of the greatest surplus, and median saving, month by month."""
    months = numbers[numbers.seed == 1]
    share = months.pivot_table("share_of_optimum", "mechanism", "season")
    median = months.pivot_table("median_saving", "mechanism", "season")
    losers = months.pivot_table("losers_share", "mechanism", "season")
    order = by_surplus(months)
    header = ["mechanism"]
    for what in ("of optimum", "median saving, INR", "losers"):
        header += [f"{what}, {season}" if i == 0 else season for i, season in enumerate(SEASONS)]
    rows = []
    for name in order:
        cells = [shown(float(share.loc[name, s]), "share") for s in SEASONS]
        cells += [shown(float(median.loc[name, s]), "INR") for s in SEASONS]
        cells += [shown(float(losers.loc[name, s]), "share") for s in SEASONS]
        rows.append([f"`{name}`", *cells])
    return markdown_table(header, rows)


def pool_cases(numbers: pd.DataFrame) -> pd.DataFrame:
    """Return the pools' rows, indexed by village and season, a column level by mechanism."""
    pools = numbers[numbers.mechanism.isin(POOLS)]
    return pools.pivot_table(list(INDICES), ["season", "seed"], "mechanism")


def by_index(numbers: pd.DataFrame) -> str:
    """How the pools rank on each of Zhou's six indices, over all villages and seasons."""
    cases, rows = pool_cases(numbers), []
    for key, title in INDICES.items():
        values = cases[key][list(POOLS)]
        ranks = values.round(TIE_DIGITS).rank(axis=1, ascending=False, method="average")
        lead = (values["supply-demand-ratio"] - values["mid-market-rate"]).to_numpy()
        lag = (values["mid-market-rate"] - values["bill-sharing"]).to_numpy()
        cells = [f"{values[p].mean():.3f} ({ranks[p].mean():.1f})".replace("-", "−") for p in POOLS]
        rows.append([title, *cells, _difference(lead), _difference(lag)])
    header = ["index", *(f"`{p}` (rank)" for p in POOLS), "1st less 2nd", "2nd less 3rd"]
    return markdown_table(header, rows)


def _difference(values: np.ndarray) -> str:
    """Mean of paired differences with twice its standard error."""
    error = 2.0 * values.std(ddof=1) / np.sqrt(values.size)
    return f"{values.mean():+.4f} ± {error:.4f}".replace("-", "−")


def tables(numbers: pd.DataFrame) -> dict[str, str]:
    """Return every table of the page by its mark."""
    return {
        "market": by_mechanism(numbers, MARKET),
        "people": by_mechanism(numbers, PEOPLE),
        "seasons": by_season(numbers),
        "indices": by_index(numbers),
    }


if __name__ == "__main__":
    if "--tables" not in sys.argv:
        measured().to_csv(DOCS / NUMBERS, index=False, float_format="%.8g", lineterminator="\n")
    found = read_numbers()
    for mark, text in tables(found).items():
        replace_table(PAGE, mark, text)
    draw(found, list(SEASONS)).savefig(DOCS / "images" / "which_market.png", dpi=150)
