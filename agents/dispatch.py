"""What every meter does in one interval: real load and PV, the battery, the export limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .battery import BatteryFleet


@dataclass(frozen=True)
class Dispatch:
    """One interval of all members, arrays of shape (n_members,) [kWh]."""

    charge_kwh: np.ndarray
    discharge_kwh: np.ndarray
    curtailed_kwh: np.ndarray
    net_export_kwh: np.ndarray
    stored_kwh: np.ndarray


def dispatch(
    load_kwh: np.ndarray,
    pv_kwh: np.ndarray,
    battery_target_kwh: np.ndarray,
    stored_kwh: np.ndarray,
    fleet: BatteryFleet,
    export_limit_kwh: np.ndarray,
    interval_hours: float,
    grid_charge_kwh: np.ndarray,
) -> Dispatch:
    """Carry out one interval.

    The battery follows its target as far as power, energy and the real surplus (with what it may
    charge from the grid) allow. Export above the limit is then avoided in this order: discharge
    less, charge more, curtail PV.

    Parameters
    ----------
    load_kwh, pv_kwh : ndarray (n_members,)
        Actual gross load and available PV of the interval.
    battery_target_kwh : ndarray (n_members,)
        Wanted discharge (positive) or charge (negative) at the terminals.
    stored_kwh : ndarray (n_members,)
        Energy inside the batteries at the interval's start.
    fleet : BatteryFleet
        The batteries.
    export_limit_kwh : ndarray (n_members,)
        Most energy that each meter may export; inf where nothing binds.
    interval_hours : float
        Length of the interval [h].
    grid_charge_kwh : ndarray (n_members,)
        By how much charging may exceed the surplus of the interval.

    Examples
    --------
    A home with 1 kWh of surplus may export 0.2 kWh; its battery takes 0.5, 0.3 are curtailed.

    >>> fleet = BatteryFleet(np.array([5.0]), np.array([2.0]), 1.0, 0.0, 1.0, 0.0)
    >>> one = np.ones(1)
    >>> d = dispatch(0.5 * one, 1.5 * one, 0 * one, one, fleet, 0.2 * one, 0.25, 0 * one)
    >>> d.charge_kwh, d.curtailed_kwh.round(6), d.net_export_kwh.round(6)
    (array([0.5]), array([0.3]), array([0.2]))
    """
    most_in = fleet.most_charge_kwh(stored_kwh, interval_hours)
    most_out = fleet.most_discharge_kwh(stored_kwh, interval_hours)
    surplus = pv_kwh - load_kwh
    allowed_in = np.minimum(most_in, np.maximum(surplus, 0.0) + grid_charge_kwh)
    battery = np.clip(battery_target_kwh, -allowed_in, most_out)

    excess = np.maximum(surplus + battery - export_limit_kwh, 0.0)
    battery = np.maximum(battery - excess, -most_in)
    excess = np.maximum(surplus + battery - export_limit_kwh, 0.0)
    curtailed = np.minimum(excess, pv_kwh)

    charge, discharge = np.maximum(-battery, 0.0), np.maximum(battery, 0.0)
    return Dispatch(
        charge,
        discharge,
        curtailed,
        surplus + battery - curtailed,
        fleet.after(stored_kwh, charge, discharge),
    )
