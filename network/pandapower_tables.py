"""A pandapower network's tables, read cell by cell so that every fault has its place."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

# Columns without which a table cannot be read; the others have a default.
REQUIRED = {
    "bus": ("vn_kv",),
    "ext_grid": ("bus", "vm_pu"),
    "line": ("from_bus", "to_bus", "length_km", "r_ohm_per_km", "x_ohm_per_km"),
    "switch": ("bus", "element", "et", "closed"),
    "trafo": ("hv_bus", "lv_bus", "sn_mva", "vn_hv_kv", "vn_lv_kv", "vk_percent", "vkr_percent"),
    "load": ("bus", "p_mw", "q_mvar"),
    "sgen": ("bus", "p_mw", "q_mvar"),
}


class PandapowerTables:
    """The tables of a network, with the problems met so far.

    Parameters
    ----------
    net : pandapowerNet
        The network, or anything with its tables (``net["line"]`` with ``index`` and
        ``to_dict("records")``).
    name : str
        What the problems call it.
    problems : list of str
        Where problems are noted, as ``name: table index: value: what is wrong: what to do``.

    Attributes
    ----------
    level : dict
        Nominal voltage [kV] by bus index, of the buses in service.

    Examples
    --------
    >>> problems = []
    >>> _ = PandapowerTables({"bus": 5}, "net", problems)
    >>> problems
    ['net: bus: 5: not a table of elements: write the network with pandapower.to_json']
    """

    def __init__(self, net: Any, name: str, problems: list[str]) -> None:
        self.net = net
        self.name = name
        self.problems = problems
        if "bus" not in net:
            problems.append(
                f"{name}: bus: no such table: not a pandapower network: write it with "
                "pandapower.to_json"
            )
        for kind, columns in REQUIRED.items():
            if kind not in net:
                continue
            elements = net[kind]
            if not (hasattr(elements, "to_dict") and hasattr(elements, "index")):
                problems.append(
                    f"{name}: {kind}: {elements!r}: not a table of elements: write the network "
                    "with pandapower.to_json"
                )
                continue
            first = next((row for _, row in self.rows(kind)), {key: None for key in columns})
            missing = [key for key in columns if key not in first]
            if missing:
                problems.append(
                    f"{name}: {kind}: {', '.join(missing)}: missing column(s): write the network "
                    "with pandapower.to_json"
                )
        self._known: set[Any] = set()
        self.level: dict[Any, float] = {}
        self._opened: set[tuple[Any, Any]] = set()
        if not problems:
            self._known = {index for index, _ in self.rows("bus")}
            self.level = {
                index: self.number("bus", index, row, "vn_kv")
                for index, row in self.rows("bus")
                if self.on(row)
            }
            self._opened = {
                (row["et"], row["element"])
                for _, row in self.rows("switch")
                if not row["closed"] and row["et"] != "b"
            }

    def rows(self, kind: str) -> list[tuple[Any, dict[str, Any]]]:
        """Index and row of each element of a kind; none where the network has no such table."""
        if kind not in self.net:
            return []
        elements = self.net[kind]
        if not hasattr(elements, "to_dict"):
            return []
        return list(zip(elements.index, elements.to_dict("records"), strict=True))

    def check_switches(self) -> None:
        """Note switches whose line or transformer does not exist."""
        kinds = {"l": "line", "t": "trafo", "t3": "trafo3w"}
        known = {et: {index for index, _ in self.rows(kind)} for et, kind in kinds.items()}
        for index, row in self.rows("switch"):
            if row["et"] in kinds and row["element"] not in known[row["et"]]:
                self.note(
                    "switch",
                    index,
                    f"element {row['element']}",
                    f"no such {kinds[row['et']]}",
                    "correct it or remove the switch",
                )

    def place(self, kind: str, index: Any) -> str:
        """Where an element stands, for problems."""
        return f"{self.name}: {kind} {index}"

    def note(self, kind: str, index: Any, value: str, wrong: str, remedy: str) -> None:
        """Note a problem of an element."""
        self.problems.append(f"{self.place(kind, index)}: {value}: {wrong}: {remedy}")

    def on(self, row: dict[str, Any]) -> bool:
        """Whether the element is in service."""
        return bool(row.get("in_service", True))

    def is_opened(self, et: str, index: Any) -> bool:
        """Whether an open switch cuts the line (`l`) or transformer (`t`) off."""
        return (et, index) in self._opened

    def at_buses(self, kind: str, index: Any, row: dict[str, Any], *keys: str) -> bool:
        """Whether the element stands at buses in service; an unknown bus is noted."""
        for key in keys:
            if not isinstance(row[key], Hashable) or row[key] not in self._known:
                self.note(
                    kind, index, f"{key} {row[key]}", "no such bus", "correct it or add the bus"
                )
        return all(isinstance(row[key], Hashable) and row[key] in self.level for key in keys)

    def bus_name(self, index: Any) -> str:
        """A bus's name: its index as a whole number, however the table holds it."""
        try:
            return str(int(index))
        except (TypeError, ValueError):
            return str(index)

    def number(
        self, kind: str, index: Any, row: dict[str, Any], key: str, default: float | None = None
    ) -> float:
        """A cell as a number; NaN, with a problem noted, where it holds something else."""
        value = row.get(key, default) if default is not None else row[key]
        try:
            return float(math.nan if value is None else value)
        except (TypeError, ValueError):
            self.note(kind, index, f"{key} {value!r}", "not a number", "give a number")
            return math.nan

    def positive(
        self, kind: str, index: Any, row: dict[str, Any], key: str, default: float | None = None
    ) -> float:
        """A cell that must be positive and finite; 1, with a problem noted, where it is not."""
        value = self.number(kind, index, row, key, default)
        if math.isfinite(value) and value > 0.0:
            return value
        self.note(kind, index, f"{key} {value:g}", "not a positive number", f"give {key} > 0")
        return 1.0
