"""Means, confidence intervals and effects of a sweep's parameters."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from .jobs import Jobs
from .measures import measure_columns

LEVEL = 0.95
#: A parameter with more settings than this (a drawn one) is summed up in as many parts.
PARTS = 5


@dataclass(frozen=True)
class Mean:
    """A mean and its confidence interval, nan where there is none."""

    n: int
    mean: float
    low: float
    high: float


def mean_interval(values: Sequence[float] | np.ndarray) -> Mean:
    """Return a mean with its 95 % confidence interval by Student's t.

    Parameters
    ----------
    values : sequence of float
        Independent observations; nan is left out.

    Returns
    -------
    Mean
        mean -+ t(0.975, n - 1) s / sqrt(n); no interval of fewer than two observations.

    Examples
    --------
    >>> found = mean_interval([1.0, 2.0, 3.0])
    >>> found.n, found.mean, round(found.low, 3), round(found.high, 3)
    (3, 2.0, -0.484, 4.484)
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    if known.size == 0:
        return Mean(0, np.nan, np.nan, np.nan)
    mean = float(known.mean())
    if known.size < 2:
        return Mean(1, mean, np.nan, np.nan)
    error = float(known.std(ddof=1)) / np.sqrt(known.size)
    half = float(stats.t.ppf(0.5 + 0.5 * LEVEL, known.size - 1) * error)
    return Mean(int(known.size), mean, mean - half, mean + half)


def parts_of(settings: pd.Series) -> tuple[pd.Series, list[str]]:
    """Return which part of a parameter's range each row belongs to, and the parts' names.

    Up to a handful of settings stand for themselves; more of them, as drawn ones are, go by
    five parts with equally many points.

    Examples
    --------
    >>> parts_of(pd.Series([3, 1, 3]))[1]
    ['1', '3']
    >>> parts_of(pd.Series(np.arange(100) / 100.0))[1][0]
    '0 to 0.198'
    """
    distinct = settings.drop_duplicates()
    numbers = pd.api.types.is_numeric_dtype(settings) and not pd.api.types.is_bool_dtype(settings)
    if not numbers or len(distinct) <= 2 * PARTS:
        order = sorted(distinct) if numbers else list(distinct)
        place = {value: i for i, value in enumerate(order)}
        names = [f"{value:.6g}" if numbers else str(value) for value in order]
        return settings.map(place).astype("int64"), names
    edges = np.quantile(distinct.to_numpy(dtype=np.float64), np.linspace(0.0, 1.0, PARTS + 1))
    part = np.clip(np.searchsorted(edges, settings.to_numpy(), side="right") - 1, 0, PARTS - 1)
    names = [f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges)]
    return pd.Series(part, index=settings.index), names


def observations(runs: pd.DataFrame, measure: str) -> np.ndarray:
    """Return independent observations of a mean over runs.

    All combinations run with the same seeds, so runs of one seed are not independent. With
    several seeds an observation is a seed's mean over the runs; with one seed every run is one.

    Parameters
    ----------
    runs : DataFrame
        Rows of the results.
    measure : str
        A column.

    Returns
    -------
    ndarray (n,)
    """
    known = runs[runs[measure].notna()]
    if len(runs.seed.unique()) > 1:
        return np.asarray(known.groupby("seed")[measure].mean())
    return np.asarray(known[measure], dtype=np.float64)


def summarize(
    jobs: Jobs, results: pd.DataFrame, measures: Iterable[str] | None = None
) -> pd.DataFrame:
    """Return mean and confidence interval of every indicator at every setting.

    Parameters
    ----------
    jobs : Jobs
        The plan's runs.
    results : DataFrame
        The table of all runs; failed ones are left out.
    measures : iterable of str, optional
        Columns; by default every indicator.

    Returns
    -------
    DataFrame
        A row per parameter, setting and indicator: `parameter`, `setting`, `indicator`, `unit`,
        `runs`, `observations`, `mean`, `ci95_low`, `ci95_high`.
    """
    done = results[results.status == "done"]
    rows = []
    for name in jobs.plan.parameters:
        part, labels = parts_of(results[name])
        for i, label in enumerate(labels):
            here = done[part[done.index] == i]
            for measure in measures or measure_columns():
                found = mean_interval(observations(here, measure))
                rows.append((name, label, measure, _unit(jobs, measure), len(here), found.n,
                             found.mean, found.low, found.high))  # fmt: skip
    columns = ["parameter", "setting", "indicator", "unit", "runs", "observations", "mean"]
    return pd.DataFrame(rows, columns=[*columns, "ci95_low", "ci95_high"])


def effects(
    jobs: Jobs, results: pd.DataFrame, measures: Iterable[str] | None = None
) -> pd.DataFrame:
    """Return what moving each parameter from its first to its last setting changes.

    Differences are paired by seed where there are several: what a seed's homes and weather do to
    both settings alike cancels out. With one seed they are paired by what the other parameters
    are set to in a grid, and unpaired (Welch) in a sampled design.

    Parameters
    ----------
    jobs, results, measures
        See `summarize`.

    Returns
    -------
    DataFrame
        A row per parameter and indicator: `parameter`, `indicator`, `unit`, `first`, `last`,
        `mean_first`, `mean_last`, `difference`, `ci95_low`, `ci95_high`, `observations`.
    """
    done = results[results.status == "done"]
    rows = []
    for name in jobs.plan.parameters:
        part, labels = parts_of(results[name])
        if len(labels) < 2:
            continue
        first = done[part[done.index] == 0]
        last = done[part[done.index] == len(labels) - 1]
        others = [other for other in jobs.plan.parameters if other != name]
        for measure in measures or measure_columns():
            found = _difference(jobs, first, last, others, measure)
            rows.append((name, measure, _unit(jobs, measure), labels[0], labels[-1],
                         _mean(first, measure), _mean(last, measure), found.mean, found.low,
                         found.high, found.n))  # fmt: skip
    columns = ["parameter", "indicator", "unit", "first", "last", "mean_first", "mean_last"]
    return pd.DataFrame(
        rows, columns=[*columns, "difference", "ci95_low", "ci95_high", "observations"]
    )


def _difference(
    jobs: Jobs, first: pd.DataFrame, last: pd.DataFrame, others: list[str], measure: str
) -> Mean:
    if len(jobs.seeds) > 1:
        pair = ["seed"]
    elif jobs.plan.design.name == "grid" and others:
        pair = others
    else:
        return _welch(first[measure].dropna().to_numpy(), last[measure].dropna().to_numpy())
    before, after = (side.groupby(pair)[measure].mean() for side in (first, last))
    return mean_interval((after - before).to_numpy(dtype=np.float64))


def _welch(before: np.ndarray, after: np.ndarray) -> Mean:
    """Return the difference of two means with its interval by Welch's t."""
    if min(before.size, after.size) < 2:
        gap = float(after.mean() - before.mean()) if min(before.size, after.size) else np.nan
        return Mean(min(before.size, after.size), gap, np.nan, np.nan)
    answer = stats.ttest_ind(after, before, equal_var=False)
    gap = float(after.mean() - before.mean())
    if not np.isfinite(answer.df):  # both are constant
        return Mean(int(before.size + after.size), gap, gap, gap)
    interval = answer.confidence_interval(LEVEL)
    return Mean(int(before.size + after.size), gap, float(interval.low), float(interval.high))


def _mean(runs: pd.DataFrame, measure: str) -> float:
    return float(runs[measure].mean())


def _unit(jobs: Jobs, measure: str) -> str:
    return measure_columns()[measure].unit.replace("currency", jobs.currency)
