"""The points of a design: which combinations of parameters a sweep runs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .extras import sobol_modules
from .plan import GRID, LATIN, Design, Plan

Point = dict[str, Any]


def design_points(plan: Plan) -> list[Point]:
    """Return the combinations of a plan, each as setting by parameter.

    Parameters
    ----------
    plan : Plan
        With its parameters and design.

    Returns
    -------
    list of dict
        A grid in the order of the file, the last parameter fastest; a sampled design in the order
        of its draws. The same plan gives the same points.

    Raises
    ------
    RunError
        If Saltelli's design is asked for and SALib is not installed.

    Examples
    --------
    >>> from .parameters import Parameter
    >>> two = {"a": Parameter(values=[1, 2]), "b": Parameter(values=["x", "y"])}
    >>> design_points(Plan(name="n", scenario="s", parameters=two))[1]
    {'a': 1, 'b': 'y'}
    """
    names, parameters = list(plan.parameters), list(plan.parameters.values())
    if plan.design.name == GRID:
        settings = itertools.product(*(parameter.labels() for parameter in parameters))
        return [dict(zip(names, combination, strict=True)) for combination in settings]
    return [
        {
            name: parameter.at(place)
            for name, parameter, place in zip(names, parameters, row, strict=True)
        }
        for row in unit_points(plan.design, len(names)).tolist()
    ]


def unit_points(design: Design, n_parameters: int) -> np.ndarray:
    """Return the draws of a sampled design, (n_points, n_parameters), each from 0 to 1.

    A Latin hypercube [1]_ has one draw in each of n equal parts of every parameter's interval.
    Saltelli's design [2]_ takes two blocks of N Sobol points, A and B, and blocks of A with one
    column (and of B with one column) of the other.

    References
    ----------
    .. [1] M. D. McKay, R. J. Beckman, W. J. Conover, "A comparison of three methods for selecting
       values of input variables", Technometrics 21(2), 1979, doi:10.1080/00401706.1979.10489755
    .. [2] A. Saltelli et al., "Variance based sensitivity analysis of model output", Computer
       Physics Communications 181(2), 2010, doi:10.1016/j.cpc.2009.09.018

    Examples
    --------
    >>> draws = unit_points(Design(name="latin-hypercube", points=4, seed=1), 2)
    >>> sorted((4 * draws[:, 0]).astype(int).tolist())
    [0, 1, 2, 3]
    """
    points = design.points or 0
    if design.name == LATIN:
        from scipy.stats import qmc  # half a second that grids need not wait for

        draws = qmc.LatinHypercube(d=n_parameters, rng=np.random.default_rng(design.seed))
        return np.asarray(draws.random(points))
    sampling, _ = sobol_modules()
    return np.asarray(
        sampling.sample(
            unit_problem(n_parameters),
            points,
            calc_second_order=design.second_order,
            seed=design.seed,
        )
    )


def unit_problem(n_parameters: int, names: list[str] | None = None) -> dict[str, Any]:
    """Return what SALib calls a problem: every parameter uniform from 0 to 1."""
    return {
        "num_vars": n_parameters,
        "names": names or [f"x{i}" for i in range(n_parameters)],
        "bounds": [[0.0, 1.0]] * n_parameters,
    }
