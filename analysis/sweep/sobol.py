"""Sobol indices of a sweep with Saltelli's design: whose variance is it?"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from .design import unit_problem
from .extras import sobol_modules
from .jobs import Jobs
from .measures import measure_columns

COLUMNS = ["indicator", "order", "parameter", "with", "index", "ci95"]
RESAMPLES = 200


def sobol_indices(jobs: Jobs, results: pd.DataFrame) -> pd.DataFrame:
    """Return first-order and total indices of every indicator that varies.

    The first-order index of a parameter is the share of an indicator's variance that it explains
    by itself, its total index the share that it has a part in, with any others [1]_ [2]_:
    S_i = V(E(Y | X_i)) / V(Y), T_i = E(V(Y | X_others)) / V(Y). An indicator of a combination is
    its mean over the seeds. Confidence intervals are SALib's, by bootstrap.

    Parameters
    ----------
    jobs : Jobs
        Runs of a plan with Saltelli's design.
    results : DataFrame
        The table of all runs, each combination done with at least one seed.

    Returns
    -------
    DataFrame
        `indicator`, `order` (`first`, `total` or `second`), `parameter`, `with` (the other one of
        a pair), `index`, `ci95` (half the interval's width).

    References
    ----------
    .. [1] I. M. Sobol, "Global sensitivity indices for nonlinear mathematical models and their
       Monte Carlo estimates", Mathematics and Computers in Simulation 55, 2001,
       doi:10.1016/S0378-4754(00)00270-6
    .. [2] A. Saltelli et al., Computer Physics Communications 181(2), 2010,
       doi:10.1016/j.cpc.2009.09.018
    """
    _, analysis = sobol_modules()
    names = list(jobs.plan.parameters)
    design = jobs.plan.design
    means = results.groupby("point")[list(measure_columns())].mean()
    means = means.reindex(range(len(jobs.points)))
    rows = []
    for measure in measure_columns():
        y = means[measure].to_numpy(dtype=np.float64)
        if not np.isfinite(y).all() or np.ptp(y) <= 1e-12 * max(1.0, float(np.abs(y).max())):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a resample without variance: its index is nan
            found = analysis.analyze(
                unit_problem(len(names), names),
                y,
                calc_second_order=design.second_order,
                num_resamples=RESAMPLES,
                seed=design.seed,
            )
        for order, key in (("first", "S1"), ("total", "ST")):
            for i, name in enumerate(names):
                rows.append((measure, order, name, "", found[key][i], found[f"{key}_conf"][i]))
        if design.second_order:
            for i, name in enumerate(names):
                for j in range(i + 1, len(names)):
                    pair = found["S2"][i, j], found["S2_conf"][i, j]
                    rows.append((measure, "second", name, names[j], *pair))
    return pd.DataFrame(rows, columns=COLUMNS)


def missing_points(jobs: Jobs, results: pd.DataFrame) -> int:
    """Return how many combinations have no finished run: then there are no indices."""
    return len(jobs.points) - results[results.status == "done"].point.nunique()
