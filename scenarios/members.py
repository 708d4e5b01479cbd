"""The members of a scenario: drawn by seed from shares and ranges, or listed in a CSV."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..network.feeder import Feeder
from .loads import home_pairs, run_dates, scenario_loads
from .problems import ScenarioError, problem
from .streams import stream

if TYPE_CHECKING:
    from .schema import GenerateSection, Scenario

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Members:
    """All prosumers of a scenario, one row each; arrays are (n_members,) and read-only.

    Attributes
    ----------
    names : tuple of str
        Names, also the keys of their random streams.
    bus : ndarray of int64
        Index of each one's bus in the feeder.
    pv_kwp : ndarray
        PV size [kWp]; 0 without PV.
    tilt_deg, azimuth_deg : ndarray
        Orientation of the modules, from horizontal and clockwise from north; nan without PV.
    battery_kwh, battery_kw : ndarray
        Energy capacity and rated power; 0 without battery.
    inverter_kw : ndarray
        Most that a member can send out [kW]: PV size plus battery power.
    ask_margin_per_kwh, bid_margin_per_kwh : ndarray
        The advantage each one wants before it trades [currency/kWh].
    profile : tuple of str
        Measured home whose load each one has.
    week_offset : ndarray of int64
        Whole weeks by which that load is moved.
    three_phase : ndarray of bool
        Whether its connection has three phases, which some fixed charges depend on. The feeder
        is balanced: the power flow makes no difference.
    """

    names: tuple[str, ...]
    bus: Ints
    pv_kwp: Floats
    tilt_deg: Floats
    azimuth_deg: Floats
    battery_kwh: Floats
    battery_kw: Floats
    inverter_kw: Floats
    ask_margin_per_kwh: Floats
    bid_margin_per_kwh: Floats
    profile: tuple[str, ...]
    week_offset: Ints
    three_phase: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    def __len__(self) -> int:
        return len(self.names)


def generate_members(scenario: Scenario, feeder: Feeder) -> Members:
    """Members of a scenario: drawn from `members.generate`, or read from `members.file`.

    Each member draws from a stream of its own, found by its number. PV goes to the
    round(share x homes) members with the lowest draw, three-phase connections likewise, batteries
    to PV owners by a second draw and then to others, so that shares are exact and a further
    member moves the ownership of one other at most. Homes are placed one at a time (see
    `member_buses`).

    Parameters
    ----------
    scenario : Scenario
        With its seed, dates and loads.
    feeder : Feeder
        Where the members live.

    Returns
    -------
    Members
        In order of their numbers.

    Raises
    ------
    ScenarioError
        With every problem: no customers on the feeder, unknown buses, too few measured homes, ...
    """
    if scenario.members.file is not None:
        from .members_file import read_members

        return read_members(scenario, feeder)
    section = scenario.members.generate
    if section is None:
        raise ScenarioError(
            [problem("scenario", "members", "", "empty", "give `generate` or `file`")]
        )
    bus = member_buses(section, feeder)
    n = len(bus)
    dates = run_dates(scenario.start, scenario.days, scenario.history_days)
    profile, week_offset = home_pairs(scenario_loads(scenario), dates, n, scenario.seed)
    draw = np.stack([stream(scenario.seed, "member", str(i + 1)).random(9) for i in range(n)])
    has_pv = _lowest(draw[:, 0], floor(section.pv_share * n + 0.5))
    # PV owners come first: their draw is below 1, the others' above.
    has_battery = _lowest(draw[:, 1] + ~has_pv, floor(section.battery_share * n + 0.5))

    def drawn(column: int, low_high: tuple[float, float], digits: int) -> Floats:
        low, high = low_high
        return np.round(low + (high - low) * draw[:, column], digits)

    pv_kwp = np.where(has_pv, drawn(2, section.pv_kwp, 2), 0.0)
    battery_kwh = np.where(has_battery, drawn(5, section.battery_kwh, 2), 0.0)
    battery_kw = battery_kwh / section.battery_hours
    return Members(
        names=tuple(f"home-{i + 1:03d}" for i in range(n)),
        bus=bus,
        pv_kwp=pv_kwp,
        tilt_deg=np.where(has_pv, drawn(3, section.tilt_deg, 1), np.nan),
        azimuth_deg=np.where(has_pv, drawn(4, section.azimuth_deg, 1), np.nan),
        battery_kwh=battery_kwh,
        battery_kw=battery_kw,
        inverter_kw=pv_kwp + battery_kw,
        ask_margin_per_kwh=drawn(6, section.ask_margin_per_kwh, 4),
        bid_margin_per_kwh=drawn(7, section.bid_margin_per_kwh, 4),
        profile=profile,
        week_offset=week_offset,
        three_phase=_lowest(draw[:, 8], floor(section.three_phase_share * n + 0.5)),
    )


def _lowest(draw: Floats, count: int) -> NDArray[np.bool_]:
    chosen = np.zeros(len(draw), dtype=np.bool_)
    chosen[np.argsort(draw, kind="stable")[:count]] = True
    return chosen


def member_buses(section: GenerateSection, feeder: Feeder) -> Ints:
    """Bus of each home, such that a further home leaves the others where they are.

    Parameters
    ----------
    section : GenerateSection
        `homes` are spread over buses in proportion to customers, or to load where the feeder
        counts none (Sainte-Lague: each next home goes to the bus with the greatest weight over
        2 x homes + 1). `homes_per_bus` stand on every bus with load. With neither, the feeder's
        customers are the homes. Both are dealt out bus by bus in rounds.
    feeder : Feeder
        The feeder.

    Returns
    -------
    ndarray of int64
        Bus index of each home.

    Raises
    ------
    ScenarioError
        If the feeder has neither customers nor load to go by.

    Examples
    --------
    >>> from ..network.library import load_feeder
    >>> from .schema import GenerateSection
    >>> bus = member_buses(GenerateSection(homes=4), load_feeder("ieee33_mv"))
    >>> [load_feeder("ieee33_mv").bus_names[i] for i in bus]
    ['24', '25', '32', '7']
    """
    path = "members.generate"
    customers = feeder.n_customers.astype(np.float64)
    load = np.maximum(feeder.load_kw, 0.0)
    if section.homes is not None:
        weight = customers if customers.any() else load.copy()
        weight[feeder.slack] = 0.0
        if not weight.any():
            wrong = f"feeder {feeder.name} has neither customers nor load to spread homes by"
            remedy = "list the members in a file"
            raise ScenarioError(
                [problem("scenario", f"{path}.homes", section.homes, wrong, remedy)]
            )
        return _sainte_lague(weight, section.homes)
    if section.homes_per_bus is not None:
        count = np.where((load > 0.0) | (customers > 0.0), section.homes_per_bus, 0)
        count[feeder.slack] = 0
        wrong = f"feeder {feeder.name} has no bus with load"
    else:
        count = feeder.n_customers
        wrong = f"feeder {feeder.name} counts no customers"
    if not count.any():
        remedy = "give `homes` or `homes_per_bus`, or list the members in a file"
        raise ScenarioError([problem("scenario", path, section.homes_per_bus, wrong, remedy)])
    rounds = [np.flatnonzero(count > done) for done in range(int(count.max()))]
    return np.concatenate(rounds).astype(np.int64)


def _sainte_lague(weight: Floats, homes: int) -> Ints:
    """Seats in order of the quotients weight / (2 k + 1), ties by bus."""
    share = weight / weight.sum()
    # No bus gets more than its quota and one seat more than half the rounding.
    most = np.minimum(np.ceil(share * homes).astype(np.int64) + len(weight), homes)
    most[weight <= 0.0] = 0
    bus = np.repeat(np.arange(len(weight)), most)
    seat = np.concatenate([np.arange(count) for count in most])
    order = np.lexsort((bus, -(weight[bus] / (2 * seat + 1))))
    return np.asarray(bus[order[:homes]], dtype=np.int64)
