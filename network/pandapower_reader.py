"""Feeders from pandapower networks (JSON): the part that a radial feeder can hold."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from .feeder import Feeder
from .pandapower_tables import PandapowerTables
from .pandapower_transformer import add_transformers
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
    if not isinstance(net, dict):
        raise FeederError(
            [f"{path}: {net!r}: not a pandapower network: write it with pandapower.to_json"]
        )
    return feeder_from_pandapower(net, path.stem, f"the user's pandapower network {path}")


def feeder_from_pandapower(net: Any, name: str, source: str) -> Feeder:
    """Convert a pandapower network in memory.

    Lines and closed bus switches are branches (line charging is neglected, `max_i_ka` becomes the
    ampacity); loads and static generators are constant powers times their scaling. One transformer
    may stand between the external grid and the feeder: its series impedance, referred to the
    feeder's level, is the first branch, and its ratio goes into the source voltage; its iron
    losses are neglected. Open switches leave ties open; elements that are out of service, or at a
    bus out of service, are left out.

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
    tables = PandapowerTables(net, name, table.problems)
    if table.problems:
        raise FeederError(table.problems)  # without usable tables anything more would be a guess
    tables.check_switches()
    for kind in FOREIGN:
        for index, row in tables.rows(kind):
            if tables.on(row):
                tables.note(
                    kind,
                    index,
                    kind,
                    "such elements are not modelled",
                    "remove it or replace it by loads and lines",
                )
    for index, row in tables.rows("ext_grid"):
        if tables.on(row) and tables.at_buses("ext_grid", index, row, "bus"):
            table.slack_buses.append(tables.bus_name(row["bus"]))
            table.source_voltage_pu = tables.number("ext_grid", index, row, "vm_pu")
    _add_lines(tables, table)
    _add_switches(tables, table)
    add_transformers(tables, table)
    _add_buses(tables, table)
    return feeder_from_table(table)


def _add_lines(tables: PandapowerTables, table: FeederTable) -> None:
    for index, row in tables.rows("line"):
        if not tables.on(row) or not tables.at_buses("line", index, row, "from_bus", "to_bus"):
            continue
        parallel = tables.positive("line", index, row, "parallel", 1.0)
        km = tables.number("line", index, row, "length_km") / parallel
        ampere = 1000.0 * tables.number("line", index, row, "max_i_ka", math.nan)
        ampere *= parallel * tables.number("line", index, row, "df", 1.0)
        table.branches.append(
            BranchRow(
                tables.place("line", index),
                tables.bus_name(row["from_bus"]),
                tables.bus_name(row["to_bus"]),
                km * tables.number("line", index, row, "r_ohm_per_km"),
                km * tables.number("line", index, row, "x_ohm_per_km"),
                not tables.is_opened("l", index),
                ampere,
            )
        )


def _add_switches(tables: PandapowerTables, table: FeederTable) -> None:
    """Switches between two buses: zero impedance, closed or open."""
    for index, row in tables.rows("switch"):
        if row["et"] != "b" or not tables.at_buses("switch", index, row, "bus", "element"):
            continue
        z_ohm = tables.number("switch", index, row, "z_ohm", 0.0)
        if z_ohm != 0.0 and not math.isnan(z_ohm):
            tables.note(
                "switch",
                index,
                f"z_ohm {z_ohm:g}",
                "a switch with an impedance is not modelled",
                "set z_ohm to 0, or put a line of that impedance in its place",
            )
        table.branches.append(
            BranchRow(
                tables.place("switch", index),
                tables.bus_name(row["bus"]),
                tables.bus_name(row["element"]),
                0.0,
                0.0,
                bool(row["closed"]),
            )
        )


def _add_buses(tables: PandapowerTables, table: FeederTable) -> None:
    """Buses in service, with what their loads draw and their static generators give."""
    power = {index: [0.0, 0.0, 0] for index in tables.level}
    for kind, sign in (("load", 1.0), ("sgen", -1.0)):
        for index, row in tables.rows(kind):
            if not tables.on(row) or not tables.at_buses(kind, index, row, "bus"):
                continue
            for key in row:
                # Columns as const_z_percent, const_i_p_percent: their names differ by version.
                if str(key).startswith(("const_z", "const_i")):
                    share = tables.number(kind, index, row, key)
                    if share != 0.0 and not math.isnan(share):
                        tables.note(
                            kind,
                            index,
                            f"{key} {share:g}",
                            "only constant power is modelled",
                            "set it to 0 if the voltage dependence does not matter",
                        )
            scale = 1000.0 * sign * tables.number(kind, index, row, "scaling", 1.0)
            power[row["bus"]][0] += scale * tables.number(kind, index, row, "p_mw")
            power[row["bus"]][1] += scale * tables.number(kind, index, row, "q_mvar")
            power[row["bus"]][2] += kind == "load"
    for index, base_kv in tables.level.items():
        p, q, loads = power[index]
        place = tables.place("bus", index)
        table.buses.append(BusRow(place, tables.bus_name(index), p, q, base_kv, int(loads)))
