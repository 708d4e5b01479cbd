"""Means, confidence intervals and effects of a sweep's parameters."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

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
    n, *numbers = (one[0].item() for one in mean_intervals(np.asarray(values, float)[:, None]))
    return Mean(n, *numbers)


def mean_intervals(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return `mean_interval` of every column.

    Parameters
    ----------
    values : ndarray (n_observations, n_columns)
        nan is left out.

    Returns
    -------
    n, mean, low, high : ndarray (n_columns,)
        nan where there is none.
    """
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    mean = np.divide(sums, n, out=np.full(n.shape, np.nan), where=n > 0)
    squares = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0)
    variance = np.divide(squares, n - 1, out=np.full(n.shape, np.nan), where=n > 1)
    quantile = _students_t(n - 1)
    half = quantile * np.sqrt(variance / np.maximum(n, 1))
    return n, mean, mean - half, mean + half


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
        names = _told_apart(order, 6) if numbers else [str(value) for value in order]
        return settings.map(place).astype("int64"), names
    edges = np.quantile(distinct.to_numpy(dtype=np.float64), np.linspace(0.0, 1.0, PARTS + 1))
    part = np.clip(np.searchsorted(edges, settings.to_numpy(), side="right") - 1, 0, PARTS - 1)
    ends = _told_apart(edges.tolist(), 3)
    names = [f"{low} to {high}" for low, high in itertools.pairwise(ends)]
    return pd.Series(part, index=settings.index), names


def _told_apart(numbers: Sequence[float], digits: int) -> list[str]:
    """Return numbers as text with as many digits as it takes to tell different ones apart."""
    while True:
        names = [f"{value:.{digits}g}" for value in numbers]
        if len(set(names)) == len(set(numbers)) or digits >= 17:
            return names
        digits += 1


def observations(runs: pd.DataFrame, measures: Sequence[str], rows_per_draw: int = 1) -> np.ndarray:
    """Return independent observations of means over runs.

    All combinations run with the same seeds, so runs of one seed are not independent. With
    several seeds an observation is a seed's mean over the runs; with one seed every run is one,
    but in Saltelli's design, where the combinations of a base draw share most of their settings
    and are one observation together.

    Parameters
    ----------
    runs : DataFrame
        Rows of the results.
    measures : sequence of str
        Columns.
    rows_per_draw : int
        Combinations that belong to one draw, see `plan.Plan.rows_per_draw`.

    Returns
    -------
    ndarray (n_observations, n_measures)
    """
    if len(runs.seed.unique()) > 1:
        return np.asarray(runs.groupby("seed")[list(measures)].mean(), dtype=np.float64)
    if rows_per_draw > 1:
        draw = runs.point // rows_per_draw
        return np.asarray(runs.groupby(draw)[list(measures)].mean(), dtype=np.float64)
    return np.asarray(runs[list(measures)], dtype=np.float64)


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
    names = list(measures or measure_columns())
    per_draw = jobs.plan.rows_per_draw
    done = results[results.status == "done"]
    tables = []
    for parameter in jobs.plan.parameters:
        part, labels = parts_of(results[parameter])
        for i, label in enumerate(labels):
            here = done[part[done.index] == i]
            n, mean, low, high = mean_intervals(observations(here, names, per_draw))
            tables.append(
                pd.DataFrame(
                    {
                        "parameter": parameter,
                        "setting": label,
                        "indicator": names,
                        "unit": [_unit(jobs, name) for name in names],
                        "runs": len(here),
                        "observations": n,
                        "mean": mean,
                        "ci95_low": low,
                        "ci95_high": high,
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)


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
    names = list(measures or measure_columns())
    per_draw = jobs.plan.rows_per_draw
    done = results[results.status == "done"]
    tables = []
    for parameter in jobs.plan.parameters:
        part, labels = parts_of(results[parameter])
        first = done[part[done.index] == 0]
        last = done[part[done.index] == len(labels) - 1]
        others = [other for other in jobs.plan.parameters if other != parameter]
        n, gap, low, high = _differences(jobs, first, last, others, names)
        if len(labels) > 1:
            tables.append(
                pd.DataFrame(
                    {
                        "parameter": parameter,
                        "indicator": names,
                        "unit": [_unit(jobs, name) for name in names],
                        "first": labels[0],
                        "last": labels[-1],
                        "mean_first": mean_intervals(observations(first, names, per_draw))[1],
                        "mean_last": mean_intervals(observations(last, names, per_draw))[1],
                        "difference": gap,
                        "ci95_low": low,
                        "ci95_high": high,
                        "observations": n,
                    }
                )
            )
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(_EFFECT))


_EFFECT = ("parameter", "indicator", "unit", "first", "last", "mean_first", "mean_last",
           "difference", "ci95_low", "ci95_high", "observations")  # fmt: skip


def _differences(
    jobs: Jobs, first: pd.DataFrame, last: pd.DataFrame, others: list[str], names: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    if len(jobs.seeds) > 1:
        pair = ["seed"]
    elif jobs.plan.design.name == "grid" and others:
        pair = others
    else:
        per_draw = jobs.plan.rows_per_draw
        return _welch(*(observations(side, names, per_draw) for side in (first, last)))
    before, after = (side.groupby(pair)[names].mean() for side in (first, last))
    return mean_intervals((after - before).to_numpy(dtype=np.float64))


def _welch(
    before: np.ndarray, after: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return differences of two means with intervals by Welch's t, a column each."""
    (n_a, mean_a, low_a, _), (n_b, mean_b, low_b, _) = map(mean_intervals, (before, after))
    n, gap = n_a + n_b, mean_b - mean_a

    def squared_error(n_side: np.ndarray, mean: np.ndarray, low: np.ndarray) -> np.ndarray:
        return np.asarray(((mean - low) / _students_t(n_side - 1)) ** 2)

    a, b = squared_error(n_a, mean_a, low_a), squared_error(n_b, mean_b, low_b)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = (a + b) ** 2 / (a**2 / (n_a - 1) + b**2 / (n_b - 1))
    quantile = _students_t(np.where(a + b > 0.0, freedom, 1.0))
    half = np.where(a + b > 0.0, quantile * np.sqrt(a + b), a + b)
    return n, gap, gap - half, gap + half


def _students_t(freedom: np.ndarray) -> np.ndarray:
    """Return how many standard errors the interval reaches, at one degree of freedom or more."""
    return np.asarray(stdtrit(np.maximum(freedom, 1), 0.5 + 0.5 * LEVEL))


def _unit(jobs: Jobs, measure: str) -> str:
    return measure_columns()[measure].unit.replace("currency", jobs.currency)
