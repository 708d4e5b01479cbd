"""What a run was made under, read anew: the tariff's rules, the run's frames and months.

Nothing here is shared with the market's own tariff and calendar: an error there must not repeat
itself in the audit.
"""

from __future__ import annotations

import calendar
import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .check import Unusable

DAY_MINUTES = 1440
METERINGS = ("net-billing", "net-metering", "gross-metering")
NETTINGS = ("frame", "interval", "month")


@dataclass(frozen=True)
class Steps:
    """The steps of an energy charge or a grid-support charge, lowest first.

    `edge` is each step's upper edge in a whole month (inf for the last), `rate` its price,
    `fixed` (n_steps, 2) the fixed charge of a month that ends in it, for one phase and for three,
    `all_units` whether all units of the month are then billed at its rate.
    """

    edge: np.ndarray
    rate: np.ndarray
    fixed: np.ndarray
    all_units: np.ndarray


@dataclass(frozen=True)
class Terms:
    """The rules of `tariff.yaml`; prices in major units per kWh."""

    name: str
    currency: str
    minor_per_major: int
    frames: tuple[str, ...]
    start_minute: tuple[int, ...]
    length_minutes: tuple[int, ...]
    end_minute: tuple[int, ...]
    multiplier: np.ndarray
    reference_rate: float
    feed_in: float
    bulk_price: float
    steps: Steps
    tod_above_kwh: float
    netting: str
    metering: str
    banks: bool
    year_starts_month: int
    payout: float
    bank_by_frame: bool
    net_metering_up_to_kw: float
    support: Steps | None
    support_above_kw: float
    support_frames: tuple[int, ...]
    support_from: str | None
    network_charge: float
    transaction_charge: float
    seller_share: float
    p2p_counts: bool
    single_price: bool
    penalty: float
    rules: str | None
    p2p_max_kw: float
    one_arrangement: bool
    applies: tuple[str | None, str | None]
    unconfirmed: tuple[str, ...]

    @property
    def retail(self) -> np.ndarray:
        """Retail price of each ToD frame: reference rate x multiplier."""
        return self.reference_rate * self.multiplier


def read_terms(data: Any) -> Terms:
    """Read the rules out of the document in `tariff.yaml`.

    Raises
    ------
    Unusable
        If a key is missing or has no sense.
    """
    if not isinstance(data, Mapping):
        raise Unusable("tariff.yaml: is not a mapping of keys to values")
    try:
        return _terms(data)
    except (KeyError, TypeError, ValueError) as error:
        raise Unusable(
            f"tariff.yaml: cannot be understood ({type(error).__name__}: {error})"
        ) from error


def _terms(data: Mapping[str, Any]) -> Terms:
    frames = sorted(
        (_minute(f["start"]), _minute(f["end"]), str(f["name"]), float(f.get("multiplier", 1.0)))
        for f in data["frames"]
    )
    names = tuple(name for _, _, name, _ in frames)
    lengths = tuple((end - start - 1) % DAY_MINUTES + 1 for start, end, _, _ in frames)
    reference = float(data["reference_rate_per_kwh"])
    netting = data.get("netting", "frame")
    metering = data.get("metering", "net-metering" if netting == "month" else "net-billing")
    if netting not in NETTINGS or metering not in METERINGS:
        raise ValueError(f"netting {netting!r} or metering {metering!r} is unknown")
    banking = data.get("banking") or {}
    scope = banking.get("scope", "day")
    if scope not in ("day", "frame"):
        raise ValueError(f"banking scope {scope!r} is unknown")
    support = data.get("grid_support")
    imbalance = data.get("imbalance") or {}
    price = imbalance.get("price", "dual")
    if price not in ("dual", "single"):
        raise ValueError(f"imbalance price {price!r} is unknown")
    return Terms(
        name=str(data["name"]),
        currency=str(data.get("currency", "INR")),
        minor_per_major=int(data.get("minor_per_major", 100)),
        frames=names,
        start_minute=tuple(start for start, *_ in frames),
        length_minutes=lengths,
        end_minute=tuple(end for _, end, *_ in frames),
        multiplier=np.array([multiplier for *_, multiplier in frames]),
        reference_rate=reference,
        feed_in=float(data["feed_in_per_kwh"]),
        bulk_price=float(data["bulk_price_per_kwh"]),
        steps=_energy_steps(data, reference),
        tod_above_kwh=float(data.get("tod_above_kwh") or 0.0),
        netting=netting,
        metering=metering,
        banks=netting == "month",
        year_starts_month=int(banking.get("year_starts_month", 4)),
        payout=float(banking.get("payout_per_kwh", 0.0)),
        bank_by_frame=scope == "frame",
        net_metering_up_to_kw=_or(data.get("net_metering_up_to_kw"), math.inf),
        support=None if support is None else _steps(support["blocks"], False),
        support_above_kw=0.0 if support is None else float(support["above_kw"]),
        support_frames=() if support is None else tuple(names.index(n) for n in support["frames"]),
        support_from=None if support is None else _text(support.get("valid_from")),
        network_charge=float(data.get("network_charge_per_kwh") or 0.0),
        transaction_charge=float(data.get("transaction_charge_per_kwh") or 0.0),
        seller_share=_or(data.get("seller_share"), 0.5),
        p2p_counts=bool(data.get("p2p_counts_towards_slabs", False)),
        single_price=price == "single",
        penalty=0.0 if imbalance.get("waived") else float(imbalance.get("penalty_factor", 0.0)),
        rules=_text(data.get("rules")),
        p2p_max_kw=_or(data.get("p2p_max_kw"), math.inf),
        one_arrangement=bool(data.get("one_arrangement", False)),
        applies=(_text(data.get("valid_from")), _text(data.get("valid_to"))),
        unconfirmed=tuple(str(text) for text in data.get("unconfirmed") or ()),
    )


def _energy_steps(data: Mapping[str, Any], reference: float) -> Steps:
    slabs, above = data.get("slabs") or [], data.get("all_units") or []
    if not slabs:
        fixed = data.get("fixed_charge_per_month") or {}
        slabs = [
            {"rate_per_kwh": reference}
            | {f"fixed_{phases}_per_month": fixed.get(phases) for phases in ("single", "three")}
        ]
    lower, upper = _steps(slabs, False), _steps(above, True)
    return Steps(
        *(
            np.concatenate([getattr(lower, name), getattr(upper, name)])
            for name in ("edge", "rate", "fixed", "all_units")
        )
    )


def _steps(items: list[Mapping[str, Any]], all_units: bool) -> Steps:
    return Steps(
        np.array([_or(item.get("up_to_kwh"), math.inf) for item in items], dtype=np.float64),
        np.array([float(item["rate_per_kwh"]) for item in items], dtype=np.float64),
        np.array(
            [
                [_or(item.get(f"fixed_{phases}_per_month"), 0.0) for phases in ("single", "three")]
                for item in items
            ],
            dtype=np.float64,
        ).reshape(-1, 2),
        np.full(len(items), all_units),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _or(value: Any, default: float) -> float:
    return default if value is None else float(value)


def _minute(value: Any) -> int:
    """Minutes after midnight of `HH:MM`; YAML reads an unquoted 18:00 as 1080."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    hours, minutes = str(value).split(":")
    return int(hours) * 60 + int(minutes)


@dataclass(frozen=True)
class Month:
    """A calendar month of the run: which frames begin in it, how much of it they cover."""

    year: int
    number: int
    frames: slice
    minutes: int
    ends: bool

    @property
    def name(self) -> str:
        """As `YYYY-MM`."""
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def days(self) -> int:
        """Days of the calendar month."""
        return calendar.monthrange(self.year, self.number)[1]

    @property
    def share(self) -> float:
        """Part of the month that is billed."""
        return self.minutes / (self.days * DAY_MINUTES)

    @property
    def note(self) -> str:
        """What the bill must say about a month in part."""
        if self.minutes == self.days * DAY_MINUTES:
            return ""
        return f"prorated: {self.minutes / DAY_MINUTES:.2f} of {self.days} days"


@dataclass(frozen=True)
class Timetable:
    """When what happens in a run: its frames, intervals and months.

    Attributes
    ----------
    begin : datetime64[s]
        When the run begins.
    interval : int
        Length of a metering interval [min].
    first, length : ndarray (n_frames,)
        First metering interval of each frame, counted from the run's begin, and how many.
    tod : ndarray (n_frames,)
        Which of the tariff's frames each is.
    start, end : ndarray (n_frames,) of datetime64[s]
        Local time.
    ids : tuple of str
        As `2025-11-01 normal`.
    """

    begin: np.datetime64
    days: int
    interval: int
    gate_minutes: int
    first: np.ndarray
    length: np.ndarray
    tod: np.ndarray
    start: np.ndarray
    end: np.ndarray
    ids: tuple[str, ...]

    @property
    def per_day(self) -> int:
        """Metering intervals in a day."""
        return DAY_MINUTES // self.interval

    @property
    def n_intervals(self) -> int:
        """Metering intervals in the run."""
        return self.days * self.per_day

    @property
    def hours(self) -> float:
        """Length of a metering interval [h]."""
        return self.interval / 60.0

    def interval_start(self, index: Any) -> Any:
        """Return the local start of an interval, counted from the run's begin."""
        return self.begin + np.asarray(index) * np.timedelta64(self.interval * 60, "s")

    def say(self, index: int) -> str:
        """Return an interval's start as people write it."""
        return str(self.interval_start(index))[:16]

    def months(self) -> tuple[Month, ...]:
        """Return the calendar months; a frame belongs to the one in which it begins."""
        names = self.start.astype("datetime64[M]")
        after = self.end[-1].astype("datetime64[M]")
        found = []
        for name in np.unique(names):
            at = np.flatnonzero(names == name)
            year, number = (int(part) for part in str(name).split("-"))
            minutes = int(self.length[at].sum()) * self.interval
            ends = bool(at[-1] + 1 < len(names) or after > name)
            found.append(Month(year, number, slice(int(at[0]), int(at[-1]) + 1), minutes, ends))
        return tuple(found)


def timetable(scenario: Any, terms: Terms) -> Timetable:
    """Lay out the frames of a run from its scenario and tariff.

    Raises
    ------
    Unusable
        If start, days or interval are missing or do not fit the tariff's frames.
    """
    try:
        first_day = dt.date.fromisoformat(str(scenario["start"])[:10])
        days, interval = int(scenario["days"]), int(scenario["interval_minutes"])
        gate = int(scenario["gate_closure_minutes"])
        if days < 1 or DAY_MINUTES % interval or sum(terms.length_minutes) != DAY_MINUTES:
            raise ValueError("days, interval or frames do not make whole days")
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise Unusable(f"scenario.yaml: its days cannot be laid out ({error})") from error
    boundary = terms.start_minute[0]
    offset = np.array(terms.start_minute) - boundary
    minute = (np.arange(days)[:, None] * DAY_MINUTES + offset).ravel()
    length = np.tile(terms.length_minutes, days)
    midnight = np.datetime64(first_day.isoformat(), "s")
    begin = midnight + np.timedelta64(boundary * 60, "s")
    start = begin + minute * np.timedelta64(60, "s")
    tod = np.tile(np.arange(len(terms.frames)), days)
    ids = tuple(f"{str(day)[:10]} {terms.frames[k]}" for day, k in zip(start, tod, strict=True))
    return Timetable(
        begin=begin,
        days=days,
        interval=interval,
        gate_minutes=gate,
        first=minute // interval,
        length=length // interval,
        tod=tod,
        start=start,
        end=start + length * np.timedelta64(60, "s"),
        ids=ids,
    )
