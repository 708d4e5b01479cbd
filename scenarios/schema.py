"""The scenario: every key a user may set, with its unit, its limits and its default.

These models are the contract of scenario files, of ``--set path=value`` and of sweeps, and they
make the JSON Schema that editors complete from. Units stand in the names. Unknown keys are
refused, so that a typo never passes silently.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .names import NameFrom
from .schema_base import Section, Share, iso_date
from .schema_behaviour import (
    BatterySection,
    BiddingSection,
    FlexibleLoadSection,
    ForecastSection,
    GridSection,
)


def _ascending(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise PydanticCustomError(
            "range_order", "the first number of a range must not exceed the second"
        )
    return pair


Range = Annotated[
    tuple[Annotated[float, Field(ge=0.0)], Annotated[float, Field(ge=0.0)]],
    Field(strict=False),
    AfterValidator(_ascending),
]
TiltRange = Annotated[
    tuple[Annotated[float, Field(ge=0.0, le=90.0)], Annotated[float, Field(ge=0.0, le=90.0)]],
    Field(strict=False),
    AfterValidator(_ascending),
]
AzimuthRange = Annotated[
    tuple[Annotated[float, Field(ge=0.0, le=360.0)], Annotated[float, Field(ge=0.0, le=360.0)]],
    Field(strict=False),
    AfterValidator(_ascending),
]


class FeederSection(Section):
    """The distribution feeder that all members hang on, and its voltage limits."""

    name: str | None = None
    """Shipped feeder (`gridbazaar feeders` lists them); or give `path`, not both."""
    path: str | None = None
    """Prefix of the user's own CSV pair: PREFIX_buses.csv and PREFIX_branches.csv."""
    source_voltage_pu: float = Field(default=1.0, ge=0.8, le=1.2)
    """Voltage held at the slack bus [p.u. of nominal]."""
    power_factor: float = Field(default=0.95, gt=0.0, le=1.0)
    """Power factor of every home's gross load, lagging; PV and batteries run at unity."""
    v_min_pu: float = Field(default=0.95, ge=0.5, le=1.0)
    """Least voltage allowed at any bus [p.u.]."""
    v_max_pu: float = Field(default=1.05, ge=1.0, le=1.5)
    """Highest voltage allowed at any bus [p.u.]."""

    @model_validator(mode="after")
    def _one_source(self) -> FeederSection:
        if (self.name is None) == (self.path is None):
            raise PydanticCustomError(
                "contradiction",
                "give exactly one of `name` (a shipped feeder) and `path` (your own)",
                {"keys": "name path"},
            )
        return self


class GenerateSection(Section):
    """Members drawn by seed from shares and ranges. A range is `[low, high]`, drawn uniformly."""

    homes: int | None = Field(default=None, ge=1, le=100_000)
    """Number of homes, spread over the load buses in proportion to bus load."""
    homes_per_bus: int | None = Field(default=None, ge=1, le=10_000)
    """Homes at each load bus. Without `homes` or this, the feeder's customer counts are used."""
    pv_share: Share = 0.35
    """Share of all homes with PV; met exactly, as round(share x homes)."""
    pv_kwp: Range = (3.0, 7.0)
    """Size of a PV system [kWp, DC at standard test conditions]."""
    tilt_deg: TiltRange = (5.0, 20.0)
    """Tilt of the modules [degrees from horizontal]."""
    azimuth_deg: AzimuthRange = (90.0, 270.0)
    """Direction the modules face [degrees clockwise from north; 180 is south]."""
    battery_share: Share = 0.25
    """Share of all homes with a battery; PV owners get theirs first."""
    battery_kwh: Range = (5.0, 10.0)
    """Energy capacity of a battery [kWh]."""
    battery_hours: float = Field(default=2.0, gt=0.0, le=24.0)
    """Energy capacity over rated power [h]: 2 means full in two hours at rated power."""
    ask_margin_per_kwh: Range = (0.0, 1.0)
    """What a seller wants above its least price [currency per kWh]."""
    bid_margin_per_kwh: Range = (0.0, 1.0)
    """What a buyer wants to stay below its highest price [currency per kWh]."""
    three_phase_share: Share = 0.0
    """Share of homes with a three-phase connection; met exactly. Fixed charges may depend on it."""

    @model_validator(mode="after")
    def _one_count(self) -> GenerateSection:
        if self.homes is not None and self.homes_per_bus is not None:
            raise PydanticCustomError(
                "contradiction",
                "give only one of `homes` and `homes_per_bus`",
                {"keys": "homes homes_per_bus"},
            )
        return self


class MembersSection(Section):
    """Who takes part: drawn by seed, or listed in a CSV."""

    generate: GenerateSection | None = None
    """Shares and ranges to draw members from; or give `file`, not both."""
    file: str | None = None
    """CSV with a row a member: member, bus, and optionally pv_kwp, tilt_deg, azimuth_deg,
    battery_kwh, battery_kw, ask_margin_per_kwh, bid_margin_per_kwh, profile, week_offset,
    phases (1 or 3)."""

    @model_validator(mode="after")
    def _one_source(self) -> MembersSection:
        if (self.generate is None) == (self.file is None):
            raise PydanticCustomError(
                "contradiction",
                "give exactly one of `generate` and `file`",
                {"keys": "generate file"},
            )
        return self


class SiteSection(Section):
    """A place of the user's own for modelled PV."""

    latitude_deg: float = Field(ge=-66.0, le=66.0)
    """Latitude [degrees, north positive]; within the polar circles, where every day has a sun."""
    longitude_deg: float = Field(ge=-180.0, le=180.0)
    """Longitude [degrees, east positive]."""
    altitude_m: float = Field(default=0.0, ge=-450.0, le=6000.0)
    """Height above sea level [m]."""
    utc_offset_hours: float = Field(ge=-12.0, le=14.0)
    """Civil time less UTC [h], the same all year (no daylight saving)."""
    air_temperature_c: float = Field(default=27.0, ge=-40.0, le=50.0)
    """Mean air temperature [degrees Celsius]; warm modules give less."""


class ProfilesSection(Section):
    """Where load and PV output come from."""

    load: str = "nsw-homes-2013"
    """Measured loads by name (`nsw-homes-2013`), or a CSV or Parquet file: a timestamp column
    and one column of kWh a home; the Ausgrid and CEEW layouts are read too."""
    load_resolution_minutes: int | None = Field(default=None, ge=1, le=1440)
    """Length of one row of the load file [min]; inferred from a regular file when left out."""
    load_scale: float = Field(default=1.0, ge=0.0, le=100.0)
    """Factor on every load, for studies of growth."""
    pv: str = "kochi"
    """`kochi` (pvlib clear sky times measured clearness), `site` (the same at `site` below),
    `measured-trace` (one measured rooftop times each size), or a file of kWh per kWp."""
    pv_resolution_minutes: int | None = Field(default=None, ge=1, le=1440)
    """Length of one row of the PV file [min]; inferred from a regular file when left out."""
    site: SiteSection | None = None
    """The place, for `pv: site`."""
    clearness_shift_days: int = Field(default=182, ge=0, le=364)
    """Days by which the Sydney record of cloudiness is shifted: 182 puts its autumn where the
    northern hemisphere has autumn; 0 keeps its own dates."""
    pv_diversity: Share = 0.18
    """How unlike neighbours' clouds are: standard deviation of a system's clearness about the
    village's under half cloud; 0 makes all alike."""

    @model_validator(mode="after")
    def _site_given(self) -> ProfilesSection:
        if (self.pv == "site") != (self.site is not None):
            raise PydanticCustomError(
                "contradiction",
                "`pv: site` and the `site` section go together",
                {"keys": "pv site"},
            )
        return self


class MarketSection(Section):
    """How one ToD frame is cleared."""

    mechanism: Annotated[str, NameFrom("MECHANISMS")] = "pareto"
    """Market mechanism (docs/mechanisms.md); `grid-only` is no P2P market at all."""
    engine: Annotated[str, NameFrom("ENGINES")] = "nsga2"
    """How the Pareto front is found."""
    objectives: Annotated[str, NameFrom("OBJECTIVES")] = "published"
    """The two objectives of the front."""
    encoding: Annotated[str, NameFrom("ENCODINGS")] = "marginal"
    """Genes of NSGA-II: totals of each member, or one gene a seller-buyer pair."""
    price_rule: Annotated[str, NameFrom("PRICE_RULES")] = "merit-order"
    """Rule that sets the market clearing price."""
    k: Share = 0.5
    """Where the price of `k-double-auction`, `uniform` and `pay-as-bid` stands between its
    bounds; 1 favours sellers."""
    fixed_price_per_kwh: float | None = Field(default=None, ge=0.0)
    """Price of the `fixed` rule [currency per kWh]."""
    grid_margin_per_kwh: float = Field(default=0.25, ge=0.0)
    """How far below retail the merit-order price stays under scarcity [currency per kWh]."""
    participation: Annotated[str, NameFrom("PARTICIPATION")] = "rational"
    """Whether orders that would lose at the price are left out."""
    choose: Annotated[str, NameFrom("CHOICE_RULES")] | None = None
    """Rule that picks one point of the front; left out, the objectives' own (`demand-first` for
    the published ones)."""
    whose: Annotated[str, NameFrom("WHOSE")] = "sides"
    """Whose welfare `maximin` and `min-disparity` compare."""
    weight: Share = 0.5
    """Weight of the first objective in `weighted-sum`."""
    goals: Annotated[tuple[Share, Share], Field(strict=False)] = (1.0, 1.0)
    """Aspiration levels of the two normalised objectives in `goal-programming`."""
    population: int = Field(default=100, ge=4, le=10_000)
    """Population of NSGA-II."""
    generations: int = Field(default=200, ge=1, le=100_000)
    """Most generations of NSGA-II; it stops earlier once converged."""
    front_points: int = Field(default=100, ge=2, le=100_000)
    """Points of the `exact` engine's front."""
    network: Annotated[str, NameFrom("NETWORK_METHODS")] = "adaptive-capping"
    """How trades are kept within the feeder's voltage limits."""
    switch: Annotated[str, NameFrom("SWITCHES")] = "tolerance"
    """Which feasible point of the front may replace an infeasible choice: one that serves all
    but `switch_tolerance` of its energy, or any."""
    switch_tolerance: Share = 0.0
    """Share of the chosen energy that a switch may give up."""
    cap_base: Annotated[str, NameFrom("CAP_BASES")] = "sold"
    """What a cap is a share of: the lesser of offer and sale, or the offer (literal form)."""
    cap_factor: float = Field(default=0.9, gt=0.0, lt=1.0)
    """Factor of one round of capping."""
    max_iterations: int = Field(default=25, ge=1, le=1000)
    """Most rounds of capping."""
    reprice: bool = False
    """True: `pareto` finds its price anew from the capped orders in every round of capping; the
    other mechanisms always do."""
    padding: float = Field(default=1.0, ge=0.0, le=100.0)
    """Phantom order of `competition-padding` [share of the largest orders of both sides together];
    below 1 it may run a deficit."""
    prior_samples: int = Field(default=200, ge=1, le=10_000)
    """Draws of others' prices that `agv` averages over."""
    prior_orders: int = Field(default=6, ge=1, le=90)
    """Past orders of a member on a side from which `agv` estimates its prior; with fewer, the
    prior is uniform between feed-in and retail."""

    @model_validator(mode="after")
    def _fixed_price(self) -> MarketSection:
        if (self.price_rule == "fixed") != (self.fixed_price_per_kwh is not None):
            raise PydanticCustomError(
                "contradiction",
                "`price_rule: fixed` and `fixed_price_per_kwh` go together",
                {"keys": "price_rule fixed_price_per_kwh"},
            )
        return self


class SettlementSection(Section):
    """Rules for P2P trade laid over the tariff; what is left out stays as the tariff has it."""

    rules: str | None = None
    """A regulator's rules: preset name (such as `delhi-2024`) or YAML file."""
    imbalance: Literal["dual", "single"] | None = None
    """How a broken contract is priced: `dual`, shortfall bought at retail and sold at feed-in;
    `single`, one price of the frame for both."""
    penalty_factor: float | None = Field(default=None, ge=0.0, le=10.0)
    """Penalty on a shortfall against a P2P contract [share of the price, on top]; 0 is none."""


class OutputsSection(Section):
    """What a run writes beyond its usual tables."""

    bus_voltages: bool = False
    """Write the voltage of every bus in every interval (large)."""


class Scenario(Section):
    """One study: feeder, members, profiles, tariff, rules and the days to simulate."""

    schema_version: Literal[1] = 1
    """Version of this layout of scenario files."""
    name: str = Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]*$")
    """Short name; it also names the run's directory."""
    description: str = ""
    """What the scenario is for."""
    currency: str = Field(default="INR", pattern=r"^[A-Z]{3}$")
    """ISO 4217 code of all money in the scenario."""
    start: Annotated[dt.date, BeforeValidator(iso_date)] = Field(
        ge=dt.date(1950, 1, 1), le=dt.date(2200, 12, 31)
    )
    """First market day; it begins at the first frame boundary of the day (06:00 for KSEB)."""
    days: int = Field(default=30, ge=1, le=3660)
    """Market days to simulate."""
    seed: int = Field(default=1, ge=0, le=2**63 - 1)
    """One seed makes one result."""
    interval_minutes: Literal[5, 15, 30, 60] = 15
    """Metering interval [min]."""
    gate_closure_minutes: int = Field(default=60, ge=0, le=1440)
    """Orders are final this long before their frame begins [min]."""
    history_days: int = Field(default=28, ge=1, le=366)
    """Days of meter data before the first day that members have seen."""
    allow_outside_files: bool = False
    """True: file names may lead out of the scenario's folder."""
    feeder: FeederSection
    members: MembersSection
    profiles: ProfilesSection = ProfilesSection()
    forecast: ForecastSection = ForecastSection()
    battery: BatterySection = BatterySection()
    bidding: BiddingSection = BiddingSection()
    flexible_load: FlexibleLoadSection = FlexibleLoadSection()
    grid: GridSection = GridSection()
    market: MarketSection = MarketSection()
    tariff: str | dict[str, Any] = "simple"
    """Preset name, YAML file, or the tariff's keys inline. Inline keys beside `preset` (or `file`)
    change that tariff: `{preset: simple, feed_in_per_kwh: 3.0}`."""
    settlement: SettlementSection = SettlementSection()
    outputs: OutputsSection = OutputsSection()

    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    @property
    def folder(self) -> Path:
        """Folder that file names in this scenario are relative to."""
        return self._folder

    def file(self, name: str) -> Path:
        """Path of a file that the scenario names, relative to the scenario's folder."""
        return (self._folder / name).resolve()
