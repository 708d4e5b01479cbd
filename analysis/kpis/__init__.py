"""Indicators of a run: with the market, without it, and the difference."""

from .registry import KPIS, Kpi
from .table import kpi_table, kpi_values

__all__ = ["KPIS", "Kpi", "kpi_table", "kpi_values"]
