"""Energy of the community as a whole, measured at its boundary interval by interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def self_consumption(generated_kwh: ArrayLike, net_export_kwh: ArrayLike) -> float | None:
    """Share of the community's own generation that it uses itself.

    Formula: 1 - sum_t max(net_t, 0) / sum_t g_t
    Unit: share of 1
    Source: Luthander et al., Applied Energy 142 (2015) 80-94, at the community's boundary
    Care: g is what PV delivered; curtailed energy is listed apart. Batteries that export what
    they held at the start can push it below 0, and the sign is kept.

    Parameters
    ----------
    generated_kwh : array_like (n_intervals,)
        PV energy delivered, curtailed energy left out [kWh].
    net_export_kwh : array_like (n_intervals,)
        What all meters together feed (+) or draw (-) [kWh].

    Returns
    -------
    float or None
        None where nothing was generated.

    Examples
    --------
    >>> self_consumption([4.0, 6.0], [-1.0, 2.0])
    0.8
    """
    generated = float(np.sum(generated_kwh))
    exported = float(np.maximum(net_export_kwh, 0.0).sum())
    return None if generated == 0.0 else 1.0 - exported / generated


def self_sufficiency(load_kwh: ArrayLike, net_export_kwh: ArrayLike) -> float | None:
    """Share of the community's load that it covers itself.

    Formula: 1 - sum_t max(-net_t, 0) / sum_t l_t
    Unit: share of 1
    Source: Luthander et al., Applied Energy 142 (2015) 80-94, at the community's boundary
    Care: line losses are left out; what batteries charge from outside counts as import.

    Parameters
    ----------
    load_kwh : array_like (n_intervals,)
        Gross load [kWh].
    net_export_kwh : array_like (n_intervals,)
        What all meters together feed (+) or draw (-) [kWh].

    Returns
    -------
    float or None
        None where there is no load.

    Examples
    --------
    >>> self_sufficiency([4.0, 4.0], [-2.0, 1.0])
    0.75
    """
    load = float(np.sum(load_kwh))
    imported = float(np.maximum(-np.asarray(net_export_kwh), 0.0).sum())
    return None if load == 0.0 else 1.0 - imported / load


def energy_balance(
    load_kwh: ArrayLike, generated_kwh: ArrayLike, net_export_kwh: ArrayLike
) -> float | None:
    """How much of load and generation meet inside the community at the same time.

    Formula: 1 - sum_t abs(net_t) / (sum_t l_t + sum_t g_t)
    Unit: share of 1
    Source: the index of this name of Zhou, Wu and Long, Applied Energy 222 (2018) 993-1022
    Care: computed per interval; the name is the paper's, the formula as stated here.

    Parameters
    ----------
    load_kwh, generated_kwh, net_export_kwh : array_like (n_intervals,)
        Gross load, PV delivered, net export of all meters together [kWh].

    Returns
    -------
    float or None
        1 if nothing crosses the boundary; None without load and generation.

    Examples
    --------
    >>> energy_balance([4.0, 4.0], [1.0, 7.0], [-3.0, 3.0])
    0.625
    """
    whole = float(np.sum(load_kwh) + np.sum(generated_kwh))
    return None if whole == 0.0 else 1.0 - float(np.abs(net_export_kwh).sum()) / whole


def exchange_peak_to_average(net_export_kwh: ArrayLike) -> float | None:
    """Peak of the exchange with the grid over its average, either direction (EPAR).

    Formula: max_t abs(net_t) / mean_t abs(net_t)
    Unit: ratio
    Source: Zhou, Wu and Long, Applied Energy 222 (2018) 993-1022
    Care: n/a where nothing is exchanged.

    Parameters
    ----------
    net_export_kwh : array_like (n_intervals,)
        Net export of all meters together [kWh].

    Returns
    -------
    float or None
        At least 1; None if the mean is 0.

    Examples
    --------
    >>> exchange_peak_to_average([-1.0, 3.0, -2.0])
    1.5
    """
    exchange = np.abs(net_export_kwh)
    mean = float(exchange.mean()) if exchange.size else 0.0
    return None if mean == 0.0 else float(exchange.max()) / mean


def power_flatness(net_export_kwh: ArrayLike, reference_kwh: ArrayLike) -> float | None:
    """How much flatter the exchange with the grid is than without the market.

    Formula: 1 - EPAR / EPAR_ref
    Unit: share of 1
    Source: the index of this name of Zhou, Wu and Long, Applied Energy 222 (2018) 993-1022
    Care: negative where the market makes the peak stand out more; the counterfactual has 0.

    Parameters
    ----------
    net_export_kwh, reference_kwh : array_like (n_intervals,)
        Net export with the market, and in the counterfactual [kWh].

    Returns
    -------
    float or None
        None where either mean exchange is 0.

    Examples
    --------
    >>> power_flatness([-1.0, 3.0, -2.0], [-1.0, 4.0, -1.0])
    0.25
    """
    ratio = exchange_peak_to_average(net_export_kwh)
    reference = exchange_peak_to_average(reference_kwh)
    return None if ratio is None or reference is None else 1.0 - ratio / reference


def carbon_kg(substation_kw: ArrayLike, hours: float, factor_kg_per_kwh: float) -> float:
    """Emissions of the energy that the substation delivers.

    Formula: sum_t P_t h x factor
    Unit: kg CO2
    Source: average of the Indian grid, 0.727 kg/kWh, CEA CO2 baseline database version 20 (2023-24)
    Care: only the difference says something about the market, because trade moves no electrons:
    it comes from other battery use, curtailment and losses. Energy fed back is credited.

    Parameters
    ----------
    substation_kw : array_like (n_intervals,)
        Power from the substation, negative when fed back [kW].
    hours : float
        Length of an interval [h].
    factor_kg_per_kwh : float
        Emission factor of the grid [kg/kWh].

    Returns
    -------
    float
        Net emissions [kg].

    Examples
    --------
    >>> carbon_kg([4.0, -2.0], 0.25, 0.8)
    0.4
    """
    return float(np.nansum(substation_kw)) * hours * factor_kg_per_kwh
