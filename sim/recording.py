"""What a market day leaves behind, in plain arrays, until it is written as tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

METER_COLUMNS = (
    "load_kwh",
    "pv_kwh",
    "battery_charge_kwh",
    "battery_discharge_kwh",
    "curtailed_kwh",
    "net_export_kwh",
    "ordered_kwh",
    "stored_kwh",
    "held_kwh",
    "unserved_kwh",
)
PLAN_COLUMNS = ("load_kwh", "pv_kwh", "net_kwh", "battery_for_sale_kwh")
NETWORK_COLUMNS = (
    "v_min_pu",
    "v_min_bus",
    "v_max_pu",
    "v_max_bus",
    "substation_kw",
    "substation_kvar",
    "loss_kw",
)


@dataclass
class DayRecord:
    """One market day of one market.

    Attributes
    ----------
    day : int
        The market day, from 0.
    meters : dict of str to ndarray (n_members, n_intervals)
        Metered energy by interval, and the battery's content at the interval's end [kWh].
    plans : dict of str to ndarray (n_members, n_intervals)
        What was forecast and planned for each interval when its frame's gate closed [kWh].
    network : dict of str to ndarray (n_intervals,)
        The feeder by interval; buses as their index.
    bus_v_pu : ndarray (n_intervals, n_buses) or None
        Voltages, where the scenario wants them.
    frames, orders, trades, positions, capping, caps, fronts : list of dict
        A dict of scalars (frames) or of columns (the others) per frame.
    exchange : list of dict
        Of each frame, as columns: what the meters counted for the bills without trade.
    no_p2p_exchange : list of dict
        The same of the second market on this day, where there is one.
    no_p2p : dict of str to ndarray (n_intervals,)
        All meters together, and the feeder, of the counterfactual's same day (`community_day`).
    curtailments, violations : list of dict
        Who held back how much and why, and which buses were outside their limits, by interval.
    flexible : dict of str to ndarray (n_members,)
        When each flexible load began, what it needed and what was expected; empty without.
    """

    day: int
    meters: dict[str, np.ndarray]
    plans: dict[str, np.ndarray]
    network: dict[str, np.ndarray]
    bus_v_pu: np.ndarray | None
    frames: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)
    positions: list[dict[str, Any]] = field(default_factory=list)
    capping: list[dict[str, Any]] = field(default_factory=list)
    caps: list[dict[str, Any]] = field(default_factory=list)
    exchange: list[dict[str, Any]] = field(default_factory=list)
    no_p2p_exchange: list[dict[str, Any]] = field(default_factory=list)
    fronts: list[dict[str, Any]] = field(default_factory=list)
    no_p2p: dict[str, np.ndarray] = field(default_factory=dict)
    curtailments: list[dict[str, Any]] = field(default_factory=list)
    violations: list[dict[str, Any]] = field(default_factory=list)
    flexible: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def empty(
        cls, day: int, n_members: int, n_intervals: int, n_buses: int, keep_bus_voltages: bool
    ) -> DayRecord:
        """Return a day with room for its intervals."""
        return cls(
            day=day,
            meters={name: np.zeros((n_members, n_intervals)) for name in METER_COLUMNS},
            plans={name: np.zeros((n_members, n_intervals)) for name in PLAN_COLUMNS},
            network={
                name: np.zeros(n_intervals, dtype=np.int64 if name.endswith("_bus") else np.float64)
                for name in NETWORK_COLUMNS
            },
            bus_v_pu=np.zeros((n_intervals, n_buses)) if keep_bus_voltages else None,
        )


def community_day(record: DayRecord) -> dict[str, np.ndarray]:
    """Sum a day's meters over all members, and set the feeder's columns beside them.

    Parameters
    ----------
    record : DayRecord
        One market day of one market.

    Returns
    -------
    dict of str to ndarray (n_intervals,)
        Every meter column summed over members; `import_kwh` and `export_kwh`, what those who draw
        and those who feed exchange in the same interval (their difference is `net_export_kwh`);
        then the network columns.

    Examples
    --------
    >>> day = DayRecord.empty(0, n_members=2, n_intervals=1, n_buses=3, keep_bus_voltages=False)
    >>> day.meters["net_export_kwh"][:, 0] = 3.0, -1.0
    >>> together = community_day(day)
    >>> [float(together[name][0]) for name in ("import_kwh", "export_kwh", "net_export_kwh")]
    [1.0, 3.0, 2.0]
    """
    net = record.meters["net_export_kwh"]
    return {
        **{name: values.sum(axis=0) for name, values in record.meters.items()},
        "import_kwh": np.maximum(-net, 0.0).sum(axis=0),
        "export_kwh": np.maximum(net, 0.0).sum(axis=0),
        **record.network,
    }
