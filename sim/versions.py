"""The versions that a run is made with: what may change a last digit."""

from __future__ import annotations

from importlib.metadata import version

_PACKAGES = (
    "gridbazaar",
    "numpy",
    "scipy",
    "numba",
    "pandas",
    "pyarrow",
    "pymoo",
    "pvlib",
    "mesa",
    "simpy",
)


def versions() -> dict[str, str]:
    """Return the version of each package that makes a run's numbers and files.

    Examples
    --------
    >>> list(versions())[:2]
    ['gridbazaar', 'numpy']
    """
    return {name: version(name) for name in _PACKAGES}
