"""The sections of a scenario on behaviour: forecasts, batteries, bidding, flexible load, grid."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from .names import NameFrom
from .schema_base import Section, Share, iso_time


class ForecastSection(Section):
    """How members foresee load and PV at each gate."""

    name: Annotated[str, NameFrom("FORECASTS")] = "persistence"
    """Forecast method."""
    pv: Literal["metered", "clear-sky"] | None = None
    """What the method forecasts for PV: its metered output, or its clearness, which is then
    multiplied by the clear sky. Left out: `metered` for `persistence`, `clear-sky` for others."""
    weight: float = Field(default=0.1, gt=0.0, le=1.0)
    """Weight of the newest day in `average` and `ar`."""
    noise: float = Field(default=0.2, ge=0.0, le=5.0)
    """Size of the error of `noisy` [standard deviation over the actual value]."""
    noise_hours: float = Field(default=6.0, ge=0.0, le=8760.0)
    """How long an error of `noisy` lasts (e-folding) [h]; 0: each interval errs anew."""
    noise_shared: Share = 0.0
    """Share of the variance of `noisy` errors that all members have in common."""


class BatterySection(Section):
    """How batteries work and are used; sizes stand with the members."""

    strategy: Annotated[str, NameFrom("BATTERY_STRATEGIES")] = "greedy"
    """Planning strategy."""
    round_trip_efficiency: float = Field(default=0.90, gt=0.0, le=1.0)
    """Energy out over energy in of a full cycle, half of the loss on each way."""
    soc_min: Share = 0.10
    """Least state of charge [share of capacity]."""
    soc_max: Share = 0.95
    """Highest state of charge [share of capacity]."""
    initial_soc: Share = 0.50
    """State of charge at the run's start [share of capacity]."""
    wear_cost_per_kwh: float = Field(default=0.5, ge=0.0)
    """Cost of wear in planning and welfare [currency per kWh discharged]; never in the ledger."""
    absorb_deviation: bool = False
    """True: a battery also takes up its owner's deviation from schedule in real time."""

    @model_validator(mode="after")
    def _soc_order(self) -> BatterySection:
        if not self.soc_min <= self.initial_soc <= self.soc_max:
            raise PydanticCustomError(
                "contradiction",
                "soc_min <= initial_soc <= soc_max must hold between the three shares",
                {"keys": "soc_min initial_soc soc_max"},
            )
        return self


class BiddingSection(Section):
    """How members make their prices."""

    strategy: Annotated[str, NameFrom("BIDDING_STRATEGIES")] = "truthful"
    """Bidding strategy."""
    margin_per_kwh: float = Field(default=0.5, ge=0.0)
    """What `fixed-margin` adds to an ask and takes off a bid [currency per kWh]."""


class FlexibleLoadSection(Section):
    """A share of the load that may move within the market day, run once a day in one block.

    An appliance of the home (a pump, a vehicle, a washing machine) needs each market day a share
    of that day's load; the rest of the load stays where it is. A day's energy is the same whenever
    it runs. Members know what the last days needed, and choose the time at their gates.
    """

    share: Share = 0.0
    """Share of a member's load of each market day that may move; 0 is none."""
    homes_share: Share = 1.0
    """Share of homes with flexible load; met exactly, drawn by seed."""
    earliest: str = Field(default="06:00", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    """The block begins no sooner, local time `HH:MM`."""
    latest: str = Field(default="22:00", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    """The block ends no later; both belong to one market day, which begins with the tariff's first
    frame (06:00 for KSEB), so that `06:00` is the market day's end here."""
    duration_hours: float = Field(default=2.0, gt=0.0, le=24.0)
    """Length of the block [h]."""
    by: Literal["tariff", "price"] = "tariff"
    """What the time is chosen by: `tariff`, the retail price; `price`, what the member expects to
    pay and to earn, peers and its own surplus counted."""


class OutageSection(Section):
    """Hours in which the feeder has no supply."""

    start: Annotated[dt.datetime, BeforeValidator(iso_time)]
    """Local time at which the supply fails, as `2025-11-03 18:00`."""
    hours: float = Field(gt=0.0, le=8760.0)
    """How long it is gone [h]."""


class GridSection(Section):
    """What the grid agent does in real time."""

    curtailment: Annotated[str, NameFrom("CURTAILMENT_RULES")] = "proportional"
    """Who gives up how much where a voltage is too high."""
    transformer_kva: float | None = Field(default=None, gt=0.0)
    """Rating of the transformer that feeds the feeder [kVA]: in real time, power flowing back
    through it is curtailed to this (gates check voltages alone); left out, it is not watched."""
    outages: Annotated[tuple[OutageSection, ...], Field(strict=False)] = ()
    """Outages of the supply: contracts of these hours are void, load is not served."""
