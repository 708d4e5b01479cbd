"""The accepted schedule of a frame: who sells, buys, exports and imports what, and up to where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """What the market operator publishes for a frame; rows are members.

    Attributes
    ----------
    sold_kwh, bought_kwh, paid, received : ndarray (n_members,)
        The firm P2P contracts, and their money in major units.
    transfer : ndarray (n_members,)
        What the mechanism pays (+) or takes (-) beside price times energy, in major units.
    grid_export_kwh, grid_import_kwh : ndarray (n_members,)
        Exchange with the grid as forecast; never firm.
    withheld_kwh, capped_kwh : ndarray (n_members,)
        Unsold surplus that the export envelope does not admit; offered energy that a cap removed.
    export_limit_kw : ndarray (n_members, n_intervals)
        Operating envelope: the most that each meter may export (inf: the inverter's rating).
    charge_kwh, discharge_kwh : ndarray (n_members, n_intervals)
        The battery's plan after clearing, unsold battery energy taken out.
    net_kwh : ndarray (n_members, n_intervals)
        Forecast PV less load, what deviations are measured from.
    firm_export_kwh : ndarray (n_members, n_intervals)
        The sold energy, spread as each member's forecast export.
    grid_charge_kwh : ndarray (n_members, n_intervals)
        By how much charging may exceed the surplus that a meter really shows.
    """

    sold_kwh: np.ndarray
    bought_kwh: np.ndarray
    paid: np.ndarray
    received: np.ndarray
    transfer: np.ndarray
    grid_export_kwh: np.ndarray
    grid_import_kwh: np.ndarray
    withheld_kwh: np.ndarray
    capped_kwh: np.ndarray
    export_limit_kw: np.ndarray
    charge_kwh: np.ndarray
    discharge_kwh: np.ndarray
    net_kwh: np.ndarray
    firm_export_kwh: np.ndarray
    grid_charge_kwh: np.ndarray
