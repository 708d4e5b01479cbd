"""Feeders from pandapower networks (JSON): the part that a radial feeder can hold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .feeder import Feeder
from .problems import FeederError
from .table import BranchRow, BusRow, FeederTable, feeder_from_table

# Elements for which the balanced constant-power feeder has no place.
FOREIGN = (
    "gen",
    "shunt",
    "impedance",
    "ward",
    "xward",
    "trafo3w",
    "dcline",
    "storage",
    "motor",
    "svc",
    "tcsc",
    "asymmetric_load",
    "asymmetric_sgen",
)


def read_pandapower_feeder(path: Path) -> Feeder:
    """Read a radial feeder from a network that pandapower wrote with ``to_json``.

    Parameters
    ----------
    path : Path
        The JSON file.

    Returns
    -------
    Feeder
        See `feeder_from_pandapower`.

    Raises
    ------
    FeederError
        If pandapower is not installed (the message names the extra), if it cannot read the file,
        or with every problem of the network.

    Examples
    --------
    >>> read_pandapower_feeder(Path("net.json"))  # doctest: +SKIP
    """
    try:
        import pandapower
    except ImportError as error:
        raise FeederError(
            [
                f"{path}: pandapower: {error}: reading a pandapower network needs the "
                "extra `pandapower`: in an environment of its own, pip install "
                "'gridbazaar[pandapower]'"
            ]
        ) from None
    try:
        net = pandapower.from_json(str(path))
    except Exception as error:  # pandapower raises whatever its decoder meets
        raise FeederError(
            [f"{path}: {error}: not a pandapower network: write it with pandapower.to_json"]
        ) from error
    return feeder_from_pandapower(net, path.stem, f"the user's pandapower network {path}")


def feeder_from_pandapower(net: Any, name: str, source: str) -> Feeder:
    """Convert a pandapower network in memory.

    Lines and closed bus switches are branches (line charging is neglected, `max_i_ka` becomes the
    ampacity); loads and static generators are constant powers times their scaling. One transformer
    may stand between the external grid and the feeder: its series impedance, referred to the
    feeder's level, is the first branch, and its ratio goes into the source voltage; its iron
    losses are neglected. Open switches leave ties open; out-of-service elements are left out.

    Parameters
    ----------
    net : pandapowerNet
        The network, or anything with its tables (``net["line"]`` with ``index`` and
        ``to_dict("records")``).
    name, source : str
        As in `Feeder`.

    Returns
    -------
    Feeder
        Buses are named by their pandapower index.

    Raises
    ------
    FeederError
        With every problem as ``name: table index: value: what is wrong: what to do``.

    Examples
    --------
    >>> import pandapower.networks as networks  # doctest: +SKIP
    >>> net = networks.create_kerber_landnetz_freileitung_1()  # doctest: +SKIP
    >>> feeder_from_pandapower(net, "kerber", "Kerber 2011").n_buses  # doctest: +SKIP
    15
    """
    table = FeederTable(name, source, name)
    for kind in FOREIGN:
        for index, row in _rows(net, kind):
            if row.get("in_service", True):
                table.problems.append(
                    f"{name}: {kind} {index}: {kind}: such elements are not modelled: remove it or "
                    "replace it by loads and lines"
                )
    level = {index: float(row["vn_kv"]) for index, row in _rows(net, "bus") if _on(row)}
    for _, row in _rows(net, "ext_grid"):
        if _on(row):
            table.slack_buses.append(str(row["bus"]))
            table.source_voltage_pu = float(row["vm_pu"])
    opened = {
        (row["et"], row["element"])
        for _, row in _rows(net, "switch")
        if not row["closed"] and row["et"] != "b"
    }
    _add_lines(net, name, level, opened, table)
    _add_switches(net, name, level, table)
    _add_transformers(net, name, level, opened, table)
    power = {index: [0.0, 0.0, 0] for index in level}
    for kind, sign in (("load", 1.0), ("sgen", -1.0)):
        for _, row in _rows(net, kind):
            if _on(row) and row["bus"] in power:
                scale = 1000.0 * sign * float(row.get("scaling", 1.0))
                power[row["bus"]][0] += scale * float(row["p_mw"])
                power[row["bus"]][1] += scale * float(row["q_mvar"])
                power[row["bus"]][2] += kind == "load"
    for index, base_kv in level.items():
        p, q, loads = power[index]
        table.buses.append(BusRow(f"{name}: bus {index}", str(index), p, q, base_kv, int(loads)))
    return feeder_from_table(table)


def _rows(net: Any, kind: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Index and row of each element of a kind; nothing where the network has no such table."""
    if kind in net:
        elements = net[kind]
        yield from zip(elements.index, elements.to_dict("records"), strict=True)


def _on(row: dict[str, Any]) -> bool:
    return bool(row.get("in_service", True))


def _add_lines(
    net: Any, name: str, level: dict[Any, float], opened: set[Any], table: FeederTable
) -> None:
    for index, row in _rows(net, "line"):
        if not _on(row) or row["from_bus"] not in level or row["to_bus"] not in level:
            continue
        km = float(row["length_km"]) / float(row.get("parallel", 1))
        ampere = 1000.0 * float(row.get("max_i_ka", math.nan))
        ampere *= float(row.get("parallel", 1)) * float(row.get("df", 1.0))
        table.branches.append(
            BranchRow(
                f"{name}: line {index}",
                str(row["from_bus"]),
                str(row["to_bus"]),
                km * float(row["r_ohm_per_km"]),
                km * float(row["x_ohm_per_km"]),
                ("l", index) not in opened,
                ampere,
            )
        )


def _add_switches(net: Any, name: str, level: dict[Any, float], table: FeederTable) -> None:
    """Switches between two buses: zero impedance, closed or open."""
    for index, row in _rows(net, "switch"):
        if row["et"] == "b" and row["bus"] in level and row["element"] in level:
            table.branches.append(
                BranchRow(
                    f"{name}: switch {index}",
                    str(row["bus"]),
                    str(row["element"]),
                    0.0,
                    0.0,
                    bool(row["closed"]),
                )
            )


def _add_transformers(
    net: Any, name: str, level: dict[Any, float], opened: set[Any], table: FeederTable
) -> None:
    """The transformer at the source, referred to its low-voltage side."""
    seen = 0
    for index, row in _rows(net, "trafo"):
        place = f"{name}: trafo {index}"
        if not _on(row) or ("t", index) in opened:
            continue
        if row["hv_bus"] not in level or row["lv_bus"] not in level:
            continue
        seen += 1
        if str(row["hv_bus"]) not in table.slack_buses or seen > 1:
            table.problems.append(
                f"{place}: bus {row['hv_bus']}-{row['lv_bus']}: only one transformer, directly at "
                "the external grid, is modelled: cut the network there and give each level on "
                "its own"
            )
            continue
        parallel = float(row.get("parallel", 1))
        ohm = float(row["vn_lv_kv"]) ** 2 / (float(row["sn_mva"]) * parallel)
        z = float(row["vk_percent"]) / 100.0 * ohm
        r = float(row["vkr_percent"]) / 100.0 * ohm
        base_kv = level[row["lv_bus"]]
        ampere = 1000.0 * float(row["sn_mva"]) * parallel / (math.sqrt(3.0) * base_kv)
        table.branches.append(
            BranchRow(
                place,
                str(row["hv_bus"]),
                str(row["lv_bus"]),
                r,
                math.sqrt(max(0.0, z * z - r * r)),
                True,
                ampere,
            )
        )
        steps = float(row.get("tap_pos") or 0.0) - float(row.get("tap_neutral") or 0.0)
        tap = 1.0 + (0.0 if math.isnan(steps) else steps) * _percent(row, "tap_step_percent")
        high = float(row["vn_hv_kv"]) * (tap if row.get("tap_side") != "lv" else 1.0)
        low = float(row["vn_lv_kv"]) * (tap if row.get("tap_side") == "lv" else 1.0)
        table.source_voltage_pu *= level[row["hv_bus"]] / high * low / base_kv
        # The source stands for the high-voltage side, seen from the feeder's level.
        level[row["hv_bus"]] = base_kv


def _percent(row: dict[str, Any], key: str) -> float:
    value = float(row.get(key) or 0.0)
    return 0.0 if math.isnan(value) else value / 100.0
