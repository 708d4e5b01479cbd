"""The transformer at the source of a pandapower network, as the feeder's first branch."""

from __future__ import annotations

import math
from typing import Any

from .pandapower_tables import PandapowerTables
from .table import BranchRow, FeederTable

# How pandapower 3 turns tap steps into a ratio; `Ideal` only turns the phase.
RATIO_CHANGERS = ("Ratio", "Symmetrical")


def add_transformers(tables: PandapowerTables, table: FeederTable) -> None:
    """Refer the transformer at the external grid to its low-voltage side.

    Its series impedance ``z = vk/100 vn_lv^2 / sn`` (with ``vn_lv`` after a tap on that side)
    becomes a branch, its ratio goes into the source voltage, and the source's bus takes the
    feeder's voltage level. Iron losses are neglected; a second transformer is refused.

    Parameters
    ----------
    tables : PandapowerTables
        The network; its `level` of the source's bus is changed.
    table : FeederTable
        Takes the branch, the source voltage and the problems.

    Examples
    --------
    >>> table = FeederTable("net", "an example", "net")
    >>> add_transformers(PandapowerTables({}, "net", []), table)  # nothing to add
    >>> table.branches
    []
    """
    seen = 0
    for index, row in tables.rows("trafo"):
        if not tables.on(row) or tables.is_opened("t", index):
            continue
        if not tables.at_buses("trafo", index, row, "hv_bus", "lv_bus"):
            continue
        seen += 1
        source, first = tables.bus_name(row["hv_bus"]), tables.bus_name(row["lv_bus"])
        if source not in table.slack_buses or seen > 1:
            tables.note(
                "trafo",
                index,
                f"bus {source}-{first}",
                "only one transformer, directly at the external grid, is modelled",
                "cut the network there and give each level on its own",
            )
            continue
        tap_high, tap_low = _taps(tables, index, row)
        high = tables.positive("trafo", index, row, "vn_hv_kv") * tap_high
        low = tables.positive("trafo", index, row, "vn_lv_kv") * tap_low
        rated = tables.positive("trafo", index, row, "sn_mva")
        rated *= tables.positive("trafo", index, row, "parallel", 1.0)
        z, r = (
            tables.number("trafo", index, row, key) / 100.0 * low**2 / rated
            for key in ("vk_percent", "vkr_percent")
        )
        if not 0.0 <= r <= z:
            tables.note(
                "trafo",
                index,
                f"vk_percent {row['vk_percent']}, vkr_percent {row['vkr_percent']}",
                "not an impedance",
                "give 0 <= vkr_percent <= vk_percent",
            )
            z, r = 0.0, 0.0
        base_kv = tables.level[row["lv_bus"]]
        table.branches.append(
            BranchRow(
                tables.place("trafo", index),
                source,
                first,
                r,
                math.sqrt(z * z - r * r),
                True,
                1000.0 * rated / (math.sqrt(3.0) * base_kv) if base_kv > 0.0 else math.nan,
            )
        )
        if base_kv > 0.0:
            table.source_voltage_pu *= tables.level[row["hv_bus"]] / high * low / base_kv
        # The source stands for the high-voltage side, seen from the feeder's level.
        tables.level[row["hv_bus"]] = base_kv


def _taps(tables: PandapowerTables, index: Any, row: dict[str, Any]) -> tuple[float, float]:
    """Factors of the tap changers on the high and on the low nominal voltage."""
    factor = {"hv": 1.0, "lv": 1.0}
    if _number(row, "tap_dependency_table"):
        tables.note(
            "trafo",
            index,
            "tap_dependency_table",
            "ratios from a table of taps are not modelled",
            "set vk_percent, vkr_percent and tap_step_percent for the tap in use",
        )
    for tap in ("tap", "tap2"):
        steps = _number(row, f"{tap}_pos", math.nan) - _number(row, f"{tap}_neutral", math.nan)
        side = row.get(f"{tap}_side")
        if side not in factor or math.isnan(steps) or steps == 0.0:
            continue
        kind = f"{tap}_changer_type"
        shifter = bool(_number(row, f"{tap}_phase_shifter"))  # as pandapower 2 wrote it
        if kind in row:  # since pandapower 3; it ignores a tap changer without a type
            if row[kind] not in (*RATIO_CHANGERS, "Ideal"):
                continue
            shifter = row[kind] == "Ideal"
        degree = _number(row, f"{tap}_step_degree")
        if shifter or degree:
            tables.note(
                "trafo",
                index,
                f"{tap}_pos {row[f'{tap}_pos']:g}, {tap}_step_degree {degree:g}",
                "a tap changer that turns the phase is not modelled",
                f"set {tap}_pos to {tap}_neutral and adjust the external grid's vm_pu",
            )
            continue
        factor[side] *= 1.0 + steps * _number(row, f"{tap}_step_percent") / 100.0
    return factor["hv"], factor["lv"]


def _number(row: dict[str, Any], key: str, empty: float = 0.0) -> float:
    """A cell of the tap changer; `empty` where it holds no number, as pandapower takes it."""
    try:
        value = float(row[key])
    except (KeyError, TypeError, ValueError):
        return empty
    return empty if math.isnan(value) else value
