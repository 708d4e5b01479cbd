"""The tariff: what energy, the grid and the market cost, frozen and dated.

A tariff is data. It is read by `tariff_reading.tariff_from_dict`, and every rule here is applied
by `settlement` (frame by frame) and `bill` (month by month); nothing about one utility is code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .tariff_parts import (
    Banking,
    GridSupport,
    Imbalance,
    P2PRules,
    Slab,
    TariffError,
    days_in_words,
)
from .tod import ToDFrame

__all__ = [
    "Banking",
    "GridSupport",
    "Imbalance",
    "Metering",
    "Netting",
    "P2PRules",
    "Slab",
    "Tariff",
    "TariffError",
]

Netting = Literal["frame", "interval", "month"]
Metering = Literal["net-billing", "net-metering", "gross-metering"]


@dataclass(frozen=True)
class Tariff:
    """A retail tariff with its export, network and market rules.

    Attributes
    ----------
    name, title, source, currency : str
        Preset name, what it is, where its facts stand, currency code.
    frames : tuple of ToDFrame
        The frames in the order of the market day; they cover the day once.
    reference_rate_per_kwh : float
        The rate from which the market's price bounds are made; bills use `slabs`. [currency/kWh]
    slabs : tuple of Slab
        Telescopic steps: each unit is billed at the rate of the step it falls in.
    all_units : tuple of Slab
        Above the last telescopic edge *all* units of the month are billed at one step's rate.
    tod_above_kwh : float
        The multipliers apply to bills of more than this in a whole month. [kWh]
    feed_in_per_kwh : float
        What the utility pays for exports; may be negative. [currency/kWh]
    bulk_price_per_kwh : float
        What the utility pays its bulk supplier, losses included. [currency/kWh]
    netting : {"frame", "interval", "month"}
        Over what exports are set against imports before either is priced.
    metering : {"net-billing", "net-metering", "gross-metering"}
        Exports earn money; exports earn units (`banking`); all generation is sold, all load bought.
    net_metering_up_to_kw : float
        Larger systems are billed by net billing. [kW]
    p2p rules
        `network_charge_per_kwh`, `transaction_charge_per_kwh`, `seller_share`,
        `p2p_counts_towards_slabs`, `imbalance`, `p2p_max_kw`, `one_arrangement`,
        `schedule_ahead_minutes`: see `P2PRules`; `rules` names the preset that was laid over it,
        None where none was.
    minor_per_major : int
        Minor units (paise) in a major one (rupee).
    valid_from, valid_to : date, optional
        Days on which it applies, both included.
    unconfirmed, notes : tuple of str
        Facts nobody confirmed; what a reader should know.
    """

    name: str
    frames: tuple[ToDFrame, ...]
    reference_rate_per_kwh: float
    feed_in_per_kwh: float
    bulk_price_per_kwh: float
    slabs: tuple[Slab, ...]
    all_units: tuple[Slab, ...] = ()
    tod_above_kwh: float = 0.0
    title: str = ""
    source: str = ""
    currency: str = "INR"
    minor_per_major: int = 100
    netting: Netting = "frame"
    metering: Metering = "net-billing"
    banking: Banking | None = None
    net_metering_up_to_kw: float = math.inf
    grid_support: GridSupport | None = None
    network_charge_per_kwh: float = 0.0
    transaction_charge_per_kwh: float = 0.0
    seller_share: float = 0.5
    p2p_counts_towards_slabs: bool = False
    imbalance: Imbalance = field(default_factory=Imbalance)
    p2p_max_kw: float = math.inf
    one_arrangement: bool = False
    schedule_ahead_minutes: int = 0
    rules: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    unconfirmed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def frame_names(self) -> tuple[str, ...]:
        """Names of the frames in the order of the market day."""
        return tuple(frame.name for frame in self.frames)

    @property
    def day_start_minute(self) -> int:
        """Minute after midnight at which the market day begins: the day's first boundary. [min]"""
        return self.frames[0].start_minute

    @property
    def multipliers(self) -> NDArray[np.float64]:
        """Multipliers of the frames, shape (n_tod,)."""
        return np.array([frame.multiplier for frame in self.frames], dtype=np.float64)

    @property
    def dated(self) -> str:
        """The days on which the tariff applies, as people read them."""
        return days_in_words(self.valid_from, self.valid_to)

    @property
    def needs(self) -> tuple[str, ...]:
        """Data that a scenario must have for this tariff, beyond metered net energy by frame."""
        wanted = []
        if self.metering == "gross-metering":
            wanted.append("gross load and gross generation by frame")
        elif self.netting == "interval":
            wanted.append("metered imports and exports by interval")
        if self.needs_pv_size:
            wanted.append("size of each member's PV system in kW")
        return tuple(wanted)

    @property
    def needs_pv_size(self) -> bool:
        """Whether a bill depends on the size of the member's PV system."""
        return self.grid_support is not None or math.isfinite(self.net_metering_up_to_kw)

    def frame_index(self, frame_name: str) -> int:
        """Position of a frame in `frames`; an unknown name raises KeyError with the known ones."""
        try:
            return self.frame_names.index(frame_name)
        except ValueError:
            known = ", ".join(self.frame_names)
            raise KeyError(
                f"tariff {self.name} has no frame {frame_name!r}: use one of {known}"
            ) from None

    def retail_per_kwh(self, frame_name: str) -> float:
        """The market's upper price bound in a frame: reference rate x multiplier.

        Parameters
        ----------
        frame_name : str
            A frame of this tariff.

        Returns
        -------
        float
            [currency/kWh]

        Raises
        ------
        KeyError
            If the tariff has no such frame; the message lists those it has.

        Examples
        --------
        >>> day = ToDFrame("day", 360, 1080, 0.9)
        >>> night = ToDFrame("night", 1080, 360, 1.2)
        >>> tariff = Tariff("two", (day, night), 6.75, 3.15, 3.15, (Slab(math.inf, 6.75),))
        >>> round(tariff.retail_per_kwh("day"), 4)
        6.075
        """
        return self.reference_rate_per_kwh * self.frames[self.frame_index(frame_name)].multiplier

    def interval_problems(self, interval_minutes: int) -> list[str]:
        """Say which frames do not hold a whole number of metering intervals.

        Parameters
        ----------
        interval_minutes : int
            Length of a metering interval. [min]

        Returns
        -------
        list of str
            One sentence a frame; empty if all fit.

        Examples
        --------
        >>> odd = (ToDFrame("a", 370, 720), ToDFrame("b", 720, 370))
        >>> tariff = Tariff("odd", odd, 6.75, 3.15, 3.15, (Slab(math.inf, 6.75),))
        >>> tariff.interval_problems(10)
        []
        >>> len(tariff.interval_problems(60))
        2
        """
        return [
            f"frame {frame.name} ({frame.clock}) does not begin and end on intervals of "
            f"{interval_minutes} min"
            for frame in self.frames
            if frame.start_minute % interval_minutes or frame.minutes % interval_minutes
        ]
