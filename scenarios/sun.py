"""The sun over a site, by pvlib: its path, the clear sky, and what falls on tilted planes.

Everything here is computed once a site and instant; only `plane_irradiance` has a member axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .calendar import Times

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Site:
    """A place on Earth with the civil time of its feeder.

    Attributes
    ----------
    name : str
        What it is called.
    latitude_deg, longitude_deg, altitude_m : float
        Degrees north and east; metres above the sea.
    utc_offset_hours : float
        Civil time less UTC [h], the same all year.
    air_c : float
        Mean air temperature [C].
    """

    name: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    utc_offset_hours: float
    air_c: float = 27.0


# Asia/Kolkata has had no daylight saving since 1945.
SITES: dict[str, Site] = {"kochi": Site("Kochi", 9.97, 76.28, 5.0, 5.5)}


@dataclass(frozen=True)
class SunPath:
    """Position of the sun at instants, arrays of shape (n_times,).

    Attributes
    ----------
    times_utc : ndarray of datetime64[m]
        The instants.
    zenith_deg, azimuth_deg : ndarray
        Apparent zenith (refraction included) and azimuth clockwise from north.
    extra_w_per_m2 : ndarray
        Irradiance outside the atmosphere on a plane that faces the sun.
    """

    times_utc: Times
    zenith_deg: Floats
    azimuth_deg: Floats
    extra_w_per_m2: Floats


@dataclass(frozen=True)
class ClearSky:
    """Irradiance under a clear sky, (n_times,) [W/m2]: global and diffuse on the level, direct."""

    ghi: Floats
    dni: Floats
    dhi: Floats


def _index(times_utc: Times) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(times_utc.astype("datetime64[s]"), tz="UTC")


def sun_path(site: Site, times_utc: Times) -> SunPath:
    """Position of the sun by NREL's algorithm.

    Parameters
    ----------
    site : Site
        Where.
    times_utc : ndarray of datetime64[m] (n_times,)
        When.

    Returns
    -------
    SunPath
        Apparent position and extraterrestrial irradiance.

    Examples
    --------
    >>> noon = np.array(["2025-11-01T06:39"], "datetime64[m]")
    >>> round(float(sun_path(SITES["kochi"], noon).zenith_deg[0]), 1)
    24.5
    """
    from pvlib import irradiance, solarposition

    index = _index(times_utc)
    position = solarposition.get_solarposition(
        index, site.latitude_deg, site.longitude_deg, altitude=site.altitude_m
    )
    return SunPath(
        times_utc,
        position["apparent_zenith"].to_numpy(np.float64),
        position["azimuth"].to_numpy(np.float64),
        np.asarray(irradiance.get_extra_radiation(index), dtype=np.float64),
    )


def clear_sky(site: Site, sun: SunPath) -> ClearSky:
    """Clear-sky irradiance by Ineichen and Perez, with pvlib's monthly Linke turbidity.

    Examples
    --------
    >>> noon = np.array(["2025-11-01T06:39"], "datetime64[m]")
    >>> kochi = SITES["kochi"]
    >>> round(float(clear_sky(kochi, sun_path(kochi, noon)).ghi[0]))
    927
    """
    from pvlib import atmosphere, clearsky

    turbidity = np.asarray(
        clearsky.lookup_linke_turbidity(
            _index(sun.times_utc), site.latitude_deg, site.longitude_deg
        ),
        dtype=np.float64,
    )
    airmass = atmosphere.get_relative_airmass(np.minimum(sun.zenith_deg, 89.9))
    absolute = atmosphere.get_absolute_airmass(airmass, atmosphere.alt2pres(site.altitude_m))
    with np.errstate(divide="ignore", invalid="ignore"):  # below the horizon, set to 0 after
        sky = clearsky.ineichen(
            sun.zenith_deg,
            absolute,
            turbidity,
            altitude=site.altitude_m,
            dni_extra=sun.extra_w_per_m2,
        )
    return ClearSky(*(np.nan_to_num(np.asarray(sky[key])) for key in ("ghi", "dni", "dhi")))


def plane_irradiance(
    sun: SunPath, sky: ClearSky, tilt_deg: Floats, azimuth_deg: Floats, albedo: float = 0.2
) -> Floats:
    """Clear-sky irradiance on tilted planes, sky diffuse by Hay and Davies.

    Parameters
    ----------
    sun, sky : SunPath, ClearSky
        Arrays of shape (n_times,).
    tilt_deg, azimuth_deg : ndarray (n_planes,)
        From horizontal; clockwise from north.
    albedo : float
        Share that the ground reflects.

    Returns
    -------
    ndarray (n_planes, n_times)
        Global irradiance on each plane [W/m2], never negative.
    """
    from pvlib import irradiance

    total = np.zeros((len(tilt_deg), len(sun.zenith_deg)))
    up = np.flatnonzero(sky.ghi > 0.0)  # night costs nothing
    tilt, azimuth = tilt_deg[:, None], azimuth_deg[:, None]
    zenith, sun_azimuth = sun.zenith_deg[up], sun.azimuth_deg[up]
    facing = irradiance.aoi_projection(tilt, azimuth, zenith, sun_azimuth)
    diffuse = irradiance.haydavies(
        tilt,
        azimuth,
        sky.dhi[up],
        sky.dni[up],
        sun.extra_w_per_m2[up],
        projection_ratio=np.maximum(facing, 0.0) / np.maximum(np.cos(np.radians(zenith)), 0.01745),
    )
    ground = irradiance.get_ground_diffuse(tilt, sky.ghi[up], albedo)
    total[:, up] = np.maximum(sky.dni[up] * np.maximum(facing, 0.0) + diffuse + ground, 0.0)
    return total


def daylight(site: Site, dates: Times) -> tuple[Floats, Floats]:
    """Sunrise and sunset in civil time, without refraction: when the sun's centre is level.

    Parameters
    ----------
    site : Site
        Within the polar circles.
    dates : ndarray of datetime64[D]
        Civil dates.

    Returns
    -------
    tuple of ndarray
        Minutes after midnight of sunrise and of sunset, each (n_dates,).

    Examples
    --------
    >>> rise, fall = daylight(SITES["kochi"], np.array(["2025-11-01"], "datetime64[D]"))
    >>> round(float(rise[0])), round(float(fall[0]))
    (379, 1078)
    """
    from pvlib import solarposition

    day_of_year = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(int) + 1
    declination = np.asarray(solarposition.declination_spencer71(day_of_year))
    ahead = np.asarray(solarposition.equation_of_time_spencer71(day_of_year))
    cosine = -np.tan(np.radians(site.latitude_deg)) * np.tan(declination)
    half_day = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))) * 4.0
    noon = 720.0 - 4.0 * site.longitude_deg - ahead + 60.0 * site.utc_offset_hours
    return noon - half_day, noon + half_day
