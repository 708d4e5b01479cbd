"""Everything of a running market that a checkpoint must keep."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..agents.bidding import BiddingStrategy
from ..agents.market_operator import FrameResult
from ..agents.price_expectation import PriceExpectation
from ..market.bill import Bills
from ..market.ledger import Ledger
from ..market.price_history import PriceHistory
from ..market.settlement import FrameSettlement
from .calendar import Frame
from .forecast_errors import ForecastErrors


@dataclass(frozen=True)
class SettledFrame:
    """A settled frame, kept until its month is billed.

    Attributes
    ----------
    frame : Frame
        Which one.
    settled : FrameSettlement
        Energy and money of each member.
    load_kwh : ndarray (n_members,)
        Gross load.
    substation_kwh : float
        What the bulk supplier delivered, losses included.
    """

    frame: Frame
    settled: FrameSettlement
    load_kwh: np.ndarray
    substation_kwh: float


@dataclass(frozen=True)
class MonthBills:
    """One month billed three ways from one market's meters.

    `market` is what members pay; `same_meter` bills the same meters as if nothing had been traded;
    `no_pv` bills the gross load. `stored_kwh` is what the batteries could still deliver at the
    month's end if the run ends there, else 0, (n_members,). `bulk_kwh` is what the bulk supplier
    delivered, losses included, and `balance_minor` what the mechanism kept for the utility.
    """

    market: Bills
    same_meter: Bills
    no_pv: Bills
    stored_kwh: np.ndarray
    bulk_kwh: float
    balance_minor: int


@dataclass
class MarketState:
    """State at one minute of the run; arrays have shape (n_members,) or as said.

    Attributes
    ----------
    minute : int
        Minutes since the run began.
    stored_kwh : ndarray
        Energy in each battery.
    pending : dict of int to FrameResult
        Frames whose gate has closed and which have not ended, by frame number.
    strategies : list of BiddingStrategy
        Each member's, with what it has learned.
    ledger : Ledger
        All postings so far.
    month : list of SettledFrame
        The frames of the billing month so far.
    bills : list of MonthBills
        The months billed so far.
    bank_kwh : dict of str to ndarray or None
        Units banked under net metering, for each way of billing.
    over_minutes, under_minutes : ndarray (n_buses,)
        Time that each bus has spent outside its limits [min].
    unsolved_intervals : int
        Intervals whose power flow had no solution.
    past : PriceHistory
        Order prices of cleared frames, kept where the mechanism has priors.
    flexible_starts : dict of int to ndarray
        For each market day that is open, the interval at which each flexible load begins; -1
        while it is undecided.
    errors : ForecastErrors
        How far the forecasts of the frames that ended were off.
    expectation : PriceExpectation
        What members expect of the market's prices.
    """

    minute: int
    stored_kwh: np.ndarray
    strategies: list[BiddingStrategy]
    ledger: Ledger
    over_minutes: np.ndarray
    under_minutes: np.ndarray
    errors: ForecastErrors
    expectation: PriceExpectation
    pending: dict[int, FrameResult] = field(default_factory=dict)
    month: list[SettledFrame] = field(default_factory=list)
    bills: list[MonthBills] = field(default_factory=list)
    bank_kwh: dict[str, np.ndarray | None] = field(default_factory=dict)
    unsolved_intervals: int = 0
    past: PriceHistory = field(default_factory=PriceHistory)
    flexible_starts: dict[int, np.ndarray] = field(default_factory=dict)
