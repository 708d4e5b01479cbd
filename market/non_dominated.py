"""The non-dominated part of a cloud of points with two objectives, by one sort."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def non_dominated(f1: FloatArray, f2: FloatArray) -> NDArray[np.int64]:
    """Return the indices of points that no other point beats, equal points once.

    Parameters
    ----------
    f1, f2 : (k,) float
        Objectives, both maximised.

    Returns
    -------
    (q,) int
        In decreasing order of f1, so in increasing order of f2.

    Examples
    --------
    >>> non_dominated(np.array([1.0, 3.0, 2.0, 0.5]), np.array([3.0, 1.0, 2.0, 2.5])).tolist()
    [1, 2, 0]
    """
    order = np.lexsort((-f2, -f1))
    ahead = np.concatenate([[-np.inf], np.maximum.accumulate(f2[order])[:-1]])
    return order[f2[order] > ahead]
