"""The parts of a tariff: slabs, banking, grid support, imbalance rule, rules of a regulator."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from typing import Literal


class TariffError(ValueError):
    """A tariff that cannot be used, with all its problems at once.

    Parameters
    ----------
    problems : list of str
        Each `file: path: value: what is wrong: what to do`.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


def days_in_words(first: date | None, last: date | None) -> str:
    """The days on which a tariff or rules apply, as people read them.

    Parameters
    ----------
    first, last : date, optional
        Both included; None where it is open.

    Returns
    -------
    str
        `FIRST to LAST`, `...` for an open end, `undated` without either.

    Examples
    --------
    >>> days_in_words(None, date(2027, 3, 31)), days_in_words(None, None)
    ('... to 2027-03-31', 'undated')
    """
    return "undated" if first is last is None else f"{first or '...'} to {last or '...'}"


@dataclass(frozen=True)
class Slab:
    """One step of the energy charge, and the fixed charge of a month that ends in it.

    Attributes
    ----------
    up_to_kwh : float
        The step's upper edge in a whole month, itself included; infinite for the last. [kWh]
    rate_per_kwh : float
        Energy charge before the frame's multiplier. [currency/kWh]
    fixed_single_per_month, fixed_three_per_month : float
        Fixed charge of a single- and of a three-phase connection. [currency/month]
    """

    up_to_kwh: float
    rate_per_kwh: float
    fixed_single_per_month: float = 0.0
    fixed_three_per_month: float = 0.0


@dataclass(frozen=True)
class Banking:
    """What happens to energy exported beyond the imports of a month under net metering.

    Attributes
    ----------
    year_starts_month : int
        Month (1-12) in which the settlement year begins; the bank is paid out in the month before.
    payout_per_kwh : float
        Price of the units left at the year's end, the average power purchase cost. [currency/kWh]
    scope : {"day", "frame"}
        `day`: banked units may serve any hour; `frame`: only the ToD frame they were exported in.
    """

    year_starts_month: int = 4
    payout_per_kwh: float = 0.0
    scope: Literal["day", "frame"] = "day"

    @property
    def last_month(self) -> int:
        """The month (1-12) at whose end what is left in the bank is paid out."""
        return (self.year_starts_month - 2) % 12 + 1


@dataclass(frozen=True)
class GridSupport:
    """Charge on banked or exported energy that is drawn back in non-solar hours.

    Attributes
    ----------
    above_kw : float
        Systems larger than this pay it. [kW]
    frames : tuple of str
        The non-solar frames.
    blocks : tuple of (float, float)
        Upper edge in a whole month [kWh] and charge [currency/kWh], telescopic, ascending.
    valid_from : date, optional
        Levied in months that begin on this day or later; None: always.

    Examples
    --------
    >>> charge = GridSupport(10.0, ("peak",), ((math.inf, 0.5),), date(2026, 1, 1))
    >>> charge.levied_in(2025, 12), charge.levied_in(2026, 1)
    (False, True)
    """

    above_kw: float
    frames: tuple[str, ...]
    blocks: tuple[tuple[float, float], ...]
    valid_from: date | None = None

    def levied_in(self, year: int, month: int) -> bool:
        """Whether the bill of a calendar month has it."""
        return self.valid_from is None or date(year, month, 1) >= self.valid_from


@dataclass(frozen=True)
class Imbalance:
    """What a member pays for not keeping its contract, beyond retail and feed-in.

    Attributes
    ----------
    price : {"dual", "single"}
        `dual`: a shortfall is bought at retail (seller) or sold at feed-in (buyer), nothing more.
        `single`: one price of the frame for both: retail if the members together delivered less
        than they drew short, feed-in if more, the middle of the two if exactly as much.
    penalty_factor : float
        A seller pays this share of retail on its shortfall on top, a buyer loses this share of
        the feed-in price (nothing where that is negative).
    waived : bool
        True: no penalty, whatever the factor.
    """

    price: Literal["dual", "single"] = "dual"
    penalty_factor: float = 0.0
    waived: bool = False

    @property
    def factor(self) -> float:
        """The penalty factor that applies: 0 if it is waived."""
        return 0.0 if self.waived else self.penalty_factor


@dataclass(frozen=True)
class P2PRules:
    """A regulator's rules for peer-to-peer trade, laid over any tariff by `lay_rules`.

    Attributes
    ----------
    name, title, source : str
        Its preset name, what it is, where it stands.
    network_charge_per_kwh : float, optional
        Paid by the buyer to the utility on P2P energy; None leaves the tariff's. [currency/kWh]
    transaction_charge_per_kwh : float
        Paid to the platform on P2P energy, both sides together. [currency/kWh]
    seller_share : float
        The sellers' part of the transaction charge, 0 to 1.
    p2p_counts_towards_slabs : bool
        Whether energy bought from peers moves a member up the slabs.
    imbalance : Imbalance
        What broken contracts cost.
    p2p_max_kw : float
        Largest system that may take part. [kW]
    one_arrangement : bool
        A member may have net metering or peer-to-peer trade, not both; said, and not enforced.
    schedule_ahead_minutes : int
        Least time from the schedule to the delivery. [min]
    valid_from, valid_to : date, optional
        Days on which it applies, both included.
    unconfirmed, notes : tuple of str
        Facts nobody confirmed; what a reader should know.
    """

    name: str
    title: str
    source: str
    network_charge_per_kwh: float | None = None
    transaction_charge_per_kwh: float = 0.0
    seller_share: float = 0.5
    p2p_counts_towards_slabs: bool = False
    imbalance: Imbalance = field(default_factory=Imbalance)
    p2p_max_kw: float = math.inf
    one_arrangement: bool = False
    schedule_ahead_minutes: int = 0
    valid_from: date | None = None
    valid_to: date | None = None
    unconfirmed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def dated(self) -> str:
        """The days on which the rules apply, as people read them."""
        return days_in_words(self.valid_from, self.valid_to)
