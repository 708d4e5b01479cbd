"""What lasts and fades: a process of first order in every row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def autoregressive(noise: Floats, keep: float) -> Floats:
    """Return processes of first order with mean 0 and variance 1.

        x_0 = e_0,    x_t = a x_{t-1} + sqrt(1 - a^2) e_t

    A step of all rows at a time: SciPy's filter is twice as fast, and takes half a second to load.

    Parameters
    ----------
    noise : ndarray (n_rows, n_times)
        Independent draws e of a standard normal distribution.
    keep : float
        a, what is left of a value after one step.

    Returns
    -------
    ndarray (n_rows, n_times)
        x.

    Examples
    --------
    >>> autoregressive(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), 0.6).round(3).tolist()
    [[1.0, 0.6, 0.36], [0.0, 0.8, 0.48]]
    """
    steps = noise.T.copy()
    steps[1:] *= np.sqrt(1.0 - keep**2)
    for now, before in zip(steps[1:], steps, strict=False):
        now += keep * before
    return np.ascontiguousarray(steps.T)
