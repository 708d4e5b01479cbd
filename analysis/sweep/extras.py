"""Packages that only some sweeps need, and what to install where they are missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ...sim.run_directory import RunError


def sobol_modules() -> tuple[ModuleType, ModuleType]:
    """Return SALib's modules that sample and that analyse for Sobol indices.

    Raises
    ------
    RunError
        If SALib is not installed.
    """
    sampling = _wanted("SALib.sample.sobol", "sensitivity", "design: saltelli")
    analysis = _wanted("SALib.analyze.sobol", "sensitivity", "design: saltelli")
    return sampling, analysis


def distributed_module() -> ModuleType:
    """Return Dask's distributed.

    Raises
    ------
    RunError
        If it is not installed.
    """
    return _wanted("distributed", "cluster", "--dask")


def _wanted(name: str, extra: str, what: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        remedy = f"install it with: pip install 'gridbazaar[{extra}]'"
        raise RunError([f"{what}: {package} is not installed ({error}): {remedy}"]) from error
