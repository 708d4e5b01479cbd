"""PV output of many systems: pvlib's clear sky on each one's plane, times measured clearness.

    P = kWp * G / 1000 * (1 + gamma (T_cell - 25)) * performance
    T_cell = T_air + G / (u0 + u1 v)

with G [W/m2] on the plane under a clear sky [1]_, [2]_; the clear-sky output is then multiplied by
the clearness of the interval. Assumed for all systems: gamma -0.4 % per kelvin, wind 1.5 m/s, air
warmest at 14:30 and 3.5 K from its mean, performance 0.86 (wiring, soiling, mismatch, reflection
and inverter). At Kochi, 10 degrees to the south, this and the shifted record give 3.65 kWh per kWp
and day from November to January; a plant of 100 kW in Kerala measured 3.4 to 4.0.

References
----------
.. [1] P. Ineichen and R. Perez, "A new airmass independent formulation for the Linke turbidity
   coefficient", Solar Energy 73(3), 2002, doi:10.1016/S0038-092X(02)00045-2.
.. [2] D. Faiman, "Assessing the outdoor operating temperature of photovoltaic modules", Progress
   in Photovoltaics 16(4), 2008, doi:10.1002/pip.813.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..agents.autoregression import autoregressive
from .calendar import IntervalGrid, minute_of_day, same_date_in
from .clearness import RECORD_YEAR, clearness_at, measured_trace
from .resample import take_days
from .streams import stream
from .sun import ClearSky, Site, SunPath, clear_sky, plane_irradiance, sun_path

Floats = NDArray[np.float64]

POWER_PER_KELVIN = -0.004
PERFORMANCE = 0.86
_WIND_M_PER_S = 1.5
_FAIMAN_U0, _FAIMAN_U1 = 25.0, 6.84
_AIR_SWING_K, _WARMEST_HOUR = 3.5, 14.5
# The sun is followed at this step [min] even where the meter is slower.
_FINEST_MINUTES = 15
_CLOUD_MINUTES = 60.0  # how long a neighbour's own cloud lasts (e-folding)
_MOST_CLEARNESS = 1.25


def clear_sky_per_kwp(
    site: Site, sun: SunPath, sky: ClearSky, tilt_deg: Floats, azimuth_deg: Floats
) -> Floats:
    """AC output under a clear sky of systems of 1 kWp.

    Parameters
    ----------
    site : Site
        Where they stand.
    sun, sky : SunPath, ClearSky
        Instants, (n_times,).
    tilt_deg, azimuth_deg : ndarray (n_systems,)
        From horizontal; clockwise from north.

    Returns
    -------
    ndarray (n_systems, n_times)
        Power [kW per kWp], never negative.

    Examples
    --------
    >>> from .sun import SITES
    >>> kochi, noon = SITES["kochi"], np.array(["2025-11-01T06:39"], "datetime64[m]")
    >>> sun = sun_path(kochi, noon)
    >>> south = np.array([10.0]), np.array([180.0])
    >>> float(clear_sky_per_kwp(kochi, sun, clear_sky(kochi, sun), *south).round(2)[0, 0])
    0.74
    """
    from pvlib import temperature

    irradiance = plane_irradiance(sun, sky, tilt_deg, azimuth_deg)
    hour = minute_of_day(sun.times_utc) / 60.0
    phase = 2.0 * np.pi * (hour + site.utc_offset_hours - _WARMEST_HOUR) / 24.0
    air = site.air_c + _AIR_SWING_K * np.cos(phase)
    cell = temperature.faiman(irradiance, air, _WIND_M_PER_S, u0=_FAIMAN_U0, u1=_FAIMAN_U1)
    factor = PERFORMANCE * (1.0 + POWER_PER_KELVIN * (np.asarray(cell) - 25.0))
    return np.asarray(irradiance / 1000.0 * factor)


def own_clouds(seed: int, systems: Sequence[str], n_times: int, step_minutes: float) -> Floats:
    """What each system's clouds have of their own: a unit-variance process that lasts an hour.

    An autoregressive process of first order, x_t = a x_{t-1} + sqrt(1 - a^2) e_t with
    a = exp(-step / 60 min), each system from its own stream, so that it depends on neither the
    other systems nor the length of the run.

    Returns
    -------
    ndarray (n_systems, n_times)
        Mean 0, standard deviation 1.
    """
    noise = np.stack([stream(seed, "pv-cloud", name).standard_normal(n_times) for name in systems])
    return autoregressive(noise, float(np.exp(-step_minutes / _CLOUD_MINUTES)))


def neighbours_clearness(clearness: Floats, own: Floats, diversity: float) -> Floats:
    """Clearness of each system: the village's, moved by its own clouds where the sky is broken.

    k_i = k + diversity * 4 k (1 - k) * x_i while 0 < k < 1, and k elsewhere: under a clear or a
    closed sky all are alike, under half cloud they differ by `diversity` (standard deviation).

    Parameters
    ----------
    clearness : ndarray (n_times,)
        The village's.
    own : ndarray (n_systems, n_times)
        From `own_clouds`.
    diversity : float
        Standard deviation under half cloud.

    Returns
    -------
    ndarray (n_systems, n_times)
        0 to 1.25.

    Examples
    --------
    >>> neighbours_clearness(np.array([0.0, 0.5, 1.0]), np.ones((1, 3)), 0.2).round(3).tolist()
    [[0.0, 0.7, 1.0]]
    """
    broken = np.clip(4.0 * clearness * (1.0 - clearness), 0.0, 1.0)
    return np.asarray(np.clip(clearness + diversity * broken * own, 0.0, _MOST_CLEARNESS))


def modelled_pv_kwh(
    site: Site,
    grid: IntervalGrid,
    systems: Sequence[str],
    tilt_deg: Floats,
    azimuth_deg: Floats,
    seed: int,
    shift_days: int,
    diversity: float,
) -> Floats:
    """Energy of systems of 1 kWp in each interval.

    Parameters
    ----------
    site : Site
        Where they stand.
    grid : IntervalGrid
        Intervals in the site's civil time.
    systems : sequence of str
        Names, the keys of their random streams.
    tilt_deg, azimuth_deg : ndarray (n_systems,)
        Orientation of each.
    seed, shift_days, diversity
        Scenario's seed, shift of the weather record [days], unlikeness of neighbours.

    Returns
    -------
    ndarray (n_systems, n_intervals)
        [kWh per kWp].
    """
    sun, sky, step = _sky_over(site, grid)
    power = clear_sky_per_kwp(site, sun, sky, tilt_deg, azimuth_deg)
    clearness = clearness_at(site, sun.times_utc, shift_days, sky.ghi)
    own = own_clouds(seed, systems, len(sun.times_utc), step)
    power *= neighbours_clearness(clearness, own, diversity)
    return _energy_kwh(power, grid, step)


def clear_sky_kwh(site: Site, grid: IntervalGrid, tilt_deg: Floats, azimuth_deg: Floats) -> Floats:
    """Energy that systems of 1 kWp would give under a clear sky in each interval.

    Parameters
    ----------
    site, grid, tilt_deg, azimuth_deg
        As for `modelled_pv_kwh`.

    Returns
    -------
    ndarray (n_systems, n_intervals)
        [kWh per kWp].
    """
    sun, sky, step = _sky_over(site, grid)
    return _energy_kwh(clear_sky_per_kwp(site, sun, sky, tilt_deg, azimuth_deg), grid, step)


@lru_cache(maxsize=2)  # a sweep's runs, and the worlds of its check, have the same sky
def _sky_over(site: Site, grid: IntervalGrid) -> tuple[SunPath, ClearSky, int]:
    """Sun and clear sky in the middle of each step of the grid, and the step's length [min]."""
    step = min(grid.interval_minutes, _FINEST_MINUTES)
    n_times = grid.n_intervals * grid.interval_minutes // step
    middle = np.timedelta64(round(step * 30 - site.utc_offset_hours * 3600), "s")
    times = (
        grid.first.astype("datetime64[s]")
        + middle
        + np.arange(n_times) * np.timedelta64(step * 60, "s")
    )
    sun = sun_path(site, times)
    return sun, clear_sky(site, sun), step


def _energy_kwh(power: Floats, grid: IntervalGrid, step: int) -> Floats:
    parts = grid.interval_minutes // step
    energy = power.reshape(len(power), grid.n_intervals, parts).sum(axis=2)
    return np.asarray(energy * (step / 60.0))


def trace_pv_kwh(grid: IntervalGrid) -> Floats:
    """Energy of the measured rooftop in each interval, by the clock, dates shifted by nothing.

    Returns
    -------
    ndarray (n_intervals,)
        [kWh per kWp]. Half-hours are split evenly; the record's clock has daylight saving, so its
        summer noon stands an hour late.
    """
    days = (
        same_date_in(grid.dates, RECORD_YEAR) - np.datetime64(f"{RECORD_YEAR}-01-01", "D")
    ).astype(np.int64)
    daily_kwh = measured_trace() / 2000.0
    return take_days(daily_kwh[None], np.zeros(1, np.int64), days[None], grid)[0]
