"""Make docs/policy-study.md's tables and figures again: python docs/policy_study.py.

It runs the sweep of `policy-study.yaml` (135 runs of a week, one process a core) and keeps the
columns that the page speaks of in `policy_study.csv`, a row a run. With `--tables` only the tables
are made again from that file, in a second.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from doc_tables import DOCS, markdown_table, replace_table

from gridbazaar import sweep
from gridbazaar.analysis.kpis.printing import shown
from gridbazaar.analysis.sweep.figures import FIGURES
from gridbazaar.analysis.sweep.jobs import Jobs
from gridbazaar.analysis.sweep.measures import measure_columns
from gridbazaar.analysis.sweep.summary import mean_interval

PAGE, NUMBERS, PLAN = "policy-study.md", "policy_study.csv", "policy-study.yaml"
PARAMETERS = {
    "night_over_day": "off-peak over day rate",
    "pv_share": "share of homes with PV",
    "charge": "charge, INR/kWh",
}
MEASURES = {
    "traded_kwh": "traded, kWh",
    "saving": "saving of all, INR",
    "better_off": "better off",
    "self_sufficiency": "self-sufficiency",
    "change_utility_net_after_banked": "utility's net, change by the market, INR",
    "curtailed_kwh": "PV curtailed, kWh",
    "peak_export_kw": "peak fed back, kW",
}
KEPT = [*PARAMETERS, "seed", *MEASURES]


def measured() -> pd.DataFrame:
    """Run the study and keep its figures; return a row a run."""
    with tempfile.TemporaryDirectory() as folder:
        found = sweep(DOCS / PLAN, out=Path(folder) / "study")
        if found.failed:
            raise RuntimeError(str(found.failed))
        draw_figures(found.jobs, found.table)
    return found.table[KEPT]


def draw_figures(jobs: Jobs, table: pd.DataFrame) -> None:
    """Write the sweep's figures beside the other pages'."""
    for name, _, draw, _ in FIGURES:
        draw(jobs, table).savefig(DOCS / "images" / f"policy_{name}.png", dpi=150)


def read_numbers() -> pd.DataFrame:
    """Return what the last measurement found."""
    return pd.read_csv(DOCS / NUMBERS)


def by_point(numbers: pd.DataFrame) -> str:
    """Mean over the seeds of every combination."""
    mean = numbers.groupby(list(PARAMETERS))[list(MEASURES)].mean()
    rows = [
        [f"{night:.2f}", f"{share:.0%}".replace("%", " %"), f"{charge:.2f}"]
        + [_number(name, row[name]) for name in MEASURES]
        for (night, share, charge), row in mean.iterrows()
    ]
    return markdown_table([*PARAMETERS.values(), *MEASURES.values()], rows)


def contrasts(numbers: pd.DataFrame) -> pd.DataFrame:
    """Return step by step what each parameter changes, paired by seed, with 95 % intervals."""
    rows = []
    for parameter in PARAMETERS:
        first, middle, last = sorted(numbers[parameter].unique())
        by_seed = numbers.groupby([parameter, "seed"])[list(MEASURES)].mean()
        for low, high in ((first, middle), (middle, last), (first, last)):
            gap = by_seed.loc[high] - by_seed.loc[low]
            for name in MEASURES:
                one = mean_interval(gap[name].to_numpy())
                rows.append((parameter, low, high, name, one.mean, one.low, one.high))
    columns = ["parameter", "first", "last", "measure", "change", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def by_step(numbers: pd.DataFrame) -> str:
    """Changes with their intervals, a row a step of a parameter."""
    table, rows = contrasts(numbers), []
    for (parameter, first, last), part in table.groupby(["parameter", "first", "last"], sort=False):
        cells = part.set_index("measure")
        rows.append(
            [f"{PARAMETERS[parameter]}: {_setting(parameter, first)} → {_setting(parameter, last)}"]
            + [
                f"{_number(name, cells.change[name], True)} "
                f"({_number(name, cells.low[name], True)} to "
                f"{_number(name, cells.high[name], True)})"
                for name in MEASURES
            ]
        )
    return markdown_table(["step", *MEASURES.values()], rows)


def _setting(parameter: str, value: float) -> str:
    return f"{value:.0%}".replace("%", " %") if parameter == "pv_share" else f"{value:.2f}"


def _number(name: str, value: float, change: bool = False) -> str:
    unit = measure_columns()[name].unit.replace("currency", "INR")
    if unit == "share" and change:
        unit = "points"
    if unit in ("kWh", "INR") and np.isfinite(value):
        return shown(float(round(value)), unit)
    return shown(float(value), unit)


def tables(numbers: pd.DataFrame) -> dict[str, str]:
    """Return every table of the page by its mark."""
    return {"steps": by_step(numbers), "points": by_point(numbers)}


if __name__ == "__main__":
    if "--tables" not in sys.argv:
        kept = measured()
        kept.to_csv(DOCS / NUMBERS, index=False, float_format="%.8g", lineterminator="\n")
    for mark, text in tables(read_numbers()).items():
        replace_table(PAGE, mark, text)
