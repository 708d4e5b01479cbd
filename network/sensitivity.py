"""How a bus's voltage answers to power injected elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .feeder import Feeder

Floats = NDArray[np.float64]


def dv_dp(feeder: Feeder) -> Floats:
    """Sensitivity of voltages to active power, linearised at no load.

    With R_ij the resistance that the paths from the source to i and to j share [1]_::

        dV_i / dP_j = R_ij / (V_0 base_kv^2 1000)     [p.u. per kW]

    Parameters
    ----------
    feeder : Feeder
        The feeder; V_0 is its source voltage [p.u.].

    Returns
    -------
    ndarray (n_buses, n_buses)
        Rise of bus i [p.u.] for each kW injected at bus j; symmetric, never negative. It takes
        ``8 n_buses^2`` bytes.

    References
    ----------
    .. [1] M. E. Baran, F. F. Wu, "Optimal capacitor placement on radial distribution systems",
       IEEE Trans. Power Delivery 4(1), 1989, doi:10.1109/61.19265 (the linearised DistFlow).

    Examples
    --------
    >>> from gridbazaar.network import load_feeder
    >>> feeder = load_feeder("kerala_village_lv")
    >>> far = feeder.bus_index("70")
    >>> round(1000 * float(dv_dp(feeder)[far, far]), 3)  # mV per V for each kW
    1.966
    """
    return feeder.path_resistance_ohm / _volt_ampere(feeder)


def dv_dq(feeder: Feeder) -> Floats:
    """Sensitivity of voltages to reactive power, linearised at no load.

    As `dv_dp` with the shared reactance: ``dV_i / dQ_j = X_ij / (V_0 base_kv^2 1000)``.

    Parameters
    ----------
    feeder : Feeder
        The feeder.

    Returns
    -------
    ndarray (n_buses, n_buses)
        Rise of bus i [p.u.] for each kvar injected at bus j.

    Examples
    --------
    >>> from gridbazaar.network import load_feeder
    >>> feeder = load_feeder("ieee33_mv")
    >>> float(dv_dq(feeder)[17, 17].round(8))
    5.704e-05
    """
    return feeder.path_reactance_ohm / _volt_ampere(feeder)


def sensitivity_to(feeder: Feeder, bus: NDArray[np.int64]) -> Floats:
    """Rows of `dv_dp` for the given buses, without the whole matrix being copied.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    bus : ndarray (k,) of int
        Buses whose voltage is asked for.

    Returns
    -------
    ndarray (k, n_buses)
        Rise of each asked bus [p.u.] for each kW injected at each bus.

    Examples
    --------
    >>> from gridbazaar.network import load_feeder
    >>> sensitivity_to(load_feeder("ieee33_mv"), np.array([17, 24])).shape
    (2, 33)
    """
    rows: Floats = feeder.path_resistance_ohm[bus] / _volt_ampere(feeder)
    return rows


def _volt_ampere(feeder: Feeder) -> float:
    """V_0 base_kv^2 1000: what turns ohms into p.u. per kW."""
    return feeder.source_voltage_pu * feeder.base_kv**2 * 1000.0
