"""Load and PV of every member on the metering intervals of a run, history included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .calendar import IntervalGrid, matching_days
from .loads import run_dates, scenario_loads, series_of, too_short
from .problems import ScenarioError, problem
from .pv import clear_sky_kwh, modelled_pv_kwh, trace_pv_kwh
from .resample import take_days
from .series import Series
from .sun import SITES, Site

if TYPE_CHECKING:
    from .members import Members
    from .schema import Scenario

Floats = NDArray[np.float64]

PV_SOURCES = (*SITES, "site", "measured-trace")


@dataclass(frozen=True, eq=False)
class Profiles:
    """What members' meters would show without market, battery and curtailment.

    Attributes
    ----------
    grid : IntervalGrid
        The intervals; column `grid.run_start` is the run's first.
    load_kwh, pv_kwh : ndarray (n_members, n_intervals)
        Gross load and available PV of each interval [kWh].
    """

    grid: IntervalGrid
    load_kwh: Floats
    pv_kwh: Floats

    @property
    def run_start(self) -> int:
        """Column at which the run begins."""
        return self.grid.run_start


def build_profiles(
    scenario: Scenario, members: Members, day_start_minute: int | None = None
) -> Profiles:
    """Load and PV of all members from `history_days` before the start to two days past the end.

    Parameters
    ----------
    scenario : Scenario
        Dates, seed, interval and sources.
    members : Members
        From `members.generate_members`.
    day_start_minute : int, optional
        Minute after midnight at which the market day begins; the tariff's by default.

    Returns
    -------
    Profiles
        Arrays of (len(members), grid.n_intervals); a member's row depends on neither the other
        members nor the length of the run.

    Raises
    ------
    ScenarioError
        With every problem of the data: too short, unknown names, gaps, ...
    """
    if day_start_minute is None:
        from .tariffs import scenario_tariff

        day_start_minute = scenario_tariff(scenario).day_start_minute
    grid = IntervalGrid.of(
        scenario.start,
        scenario.days,
        scenario.history_days,
        scenario.interval_minutes,
        day_start_minute,
    )
    return Profiles(grid, _load_kwh(scenario, members, grid), _pv_kwh(scenario, members, grid))


def _load_kwh(scenario: Scenario, members: Members, grid: IntervalGrid) -> Floats:
    series = scenario_loads(scenario)
    column = {name: i for i, name in enumerate(series.names)}
    rows = np.array([column[home] for home in members.profile])
    weeks, which = np.unique(members.week_offset, return_inverse=True)
    days = np.stack(
        [matching_days(grid.dates, series.first, series.n_days, int(week)) for week in weeks]
    )
    if (days < 0).any():
        raise ScenarioError([too_short(series, grid.dates, "profiles.load")])
    load = take_days(series.kwh, rows, days[which], grid)
    return load * scenario.profiles.load_scale if scenario.profiles.load_scale != 1.0 else load


def _pv_kwh(scenario: Scenario, members: Members, grid: IntervalGrid) -> Floats:
    owner = np.flatnonzero(members.pv_kwp > 0.0)
    pv = np.zeros((len(members), grid.n_intervals))
    if not owner.size:
        return pv
    profiles = scenario.profiles
    site = scenario_site(scenario)
    if site is not None:
        per_kwp = modelled_pv_kwh(
            site,
            grid,
            [members.names[i] for i in owner],
            members.tilt_deg[owner],
            members.azimuth_deg[owner],
            scenario.seed,
            profiles.clearness_shift_days,
            profiles.pv_diversity,
        )
    elif profiles.pv == "measured-trace":
        per_kwp = trace_pv_kwh(grid)[None]
    else:
        series = scenario_pv_file(scenario)
        rows = pv_columns(series, [members.names[i] for i in owner])
        days = matching_days(grid.dates, series.first, series.n_days)
        if (days < 0).any():
            raise ScenarioError([too_short(series, grid.dates, "profiles.pv")])
        per_kwp = take_days(series.kwh, rows, np.tile(days, (len(rows), 1)), grid)
    pv[owner] = per_kwp * members.pv_kwp[owner, None]
    return pv


def clear_sky_profiles(scenario: Scenario, members: Members, grid: IntervalGrid) -> Floats | None:
    """PV output of all members under a clear sky, which anybody can know ahead.

    Parameters
    ----------
    scenario : Scenario
        Its site.
    members : Members
        Size and orientation of the systems.
    grid : IntervalGrid
        Intervals, as of `build_profiles`.

    Returns
    -------
    ndarray (len(members), grid.n_intervals) or None
        [kWh]; None where the output comes from a record, whose orientation nobody knows.
    """
    site = scenario_site(scenario)
    if site is None:
        return None
    owner = np.flatnonzero(members.pv_kwp > 0.0)
    clear = np.zeros((len(members), grid.n_intervals))
    if owner.size:
        per_kwp = clear_sky_kwh(site, grid, members.tilt_deg[owner], members.azimuth_deg[owner])
        clear[owner] = per_kwp * members.pv_kwp[owner, None]
    return clear


def scenario_site(scenario: Scenario) -> Site | None:
    """Place of modelled PV, or None where the output comes from a record."""
    own = scenario.profiles.site
    if own is not None:
        return Site(
            "site",
            own.latitude_deg,
            own.longitude_deg,
            own.altitude_m,
            own.utc_offset_hours,
            own.air_temperature_c,
        )
    return SITES.get(scenario.profiles.pv)


def scenario_pv_file(scenario: Scenario) -> Series:
    """The PV file that a scenario names [kWh per kWp].

    Raises
    ------
    ScenarioError
        With all problems of the name or file.
    """
    return series_of(
        scenario.profiles.pv,
        PV_SOURCES,
        "profiles.pv",
        scenario.folder,
        scenario.allow_outside_files,
        "pv",
        scenario.profiles.pv_resolution_minutes,
    )


def pv_columns(series: Series, names: list[str]) -> NDArray[np.int64]:
    """Column of a PV file for each owner: its own, or the only one there is.

    Raises
    ------
    ScenarioError
        If there are several columns and an owner has none.
    """
    column = {name: i for i, name in enumerate(series.names)}
    if len(column) == 1:
        return np.zeros(len(names), dtype=np.int64)
    lacking = [name for name in names if name not in column]
    if lacking:
        wrong = f"has no column for {len(lacking)} PV owners"
        remedy = "name a column after each owner, or give a single column for all"
        raise ScenarioError([problem(series.place, "columns", ", ".join(lacking), wrong, remedy)])
    return np.array([column[name] for name in names], dtype=np.int64)


def check_profiles(scenario: Scenario) -> list[str]:
    """Problems of a scenario's profile names and files, without building any profile."""
    dates = run_dates(scenario.start, scenario.days, scenario.history_days)
    found: list[str] = []
    sources = [("profiles.load", lambda: scenario_loads(scenario))]
    if scenario.profiles.pv not in PV_SOURCES:
        sources.append(("profiles.pv", lambda: scenario_pv_file(scenario)))
    for path, read in sources:
        try:
            series = read()
        except ScenarioError as error:
            found += error.problems
            continue
        if (matching_days(dates, series.first, series.n_days) < 0).any():
            found.append(too_short(series, dates, path))
    return found
