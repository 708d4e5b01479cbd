"""GridBazaar: peer-to-peer electricity markets on real distribution feeders.

>>> import gridbazaar
>>> feeder = gridbazaar.load_feeder("ieee33_mv")
>>> flow = gridbazaar.solve_power_flow(feeder, -feeder.load_kw[None], -feeder.load_kvar[None])
>>> round(float(flow.v_pu.min()), 4)
0.9131
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis.clear_orders import clear
    from .analysis.compare import compare
    from .analysis.full_run import run
    from .analysis.kpis import kpi_table
    from .analysis.sweep.full_sweep import sweep
    from .network.library import load_feeder
    from .network.power_flow import solve_power_flow
    from .scenarios.load import load_scenario
    from .sim.results import read_results

__all__ = [
    "clear",
    "compare",
    "kpi_table",
    "load_feeder",
    "load_scenario",
    "read_results",
    "run",
    "solve_power_flow",
    "sweep",
]

# Loaded when first used: numba, pandas and pvlib take seconds that `--help` need not wait for.
_FACE = {
    "clear": (".analysis.clear_orders", "clear"),
    "compare": (".analysis.compare", "compare"),
    "kpi_table": (".analysis.kpis", "kpi_table"),
    "load_feeder": (".network.library", "load_feeder"),
    "load_scenario": (".scenarios.load", "load_scenario"),
    "read_results": (".sim.results", "read_results"),
    "run": (".analysis.full_run", "run"),
    "solve_power_flow": (".network.power_flow", "solve_power_flow"),
    "sweep": (".analysis.sweep.full_sweep", "sweep"),
}


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'gridbazaar' has no attribute {name!r}")
    module, attribute = _FACE[name]
    return getattr(import_module(module, __name__), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
