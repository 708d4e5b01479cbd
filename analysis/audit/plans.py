"""What homes planned at each gate: against meters, against orders, and in the feeder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .behaviour import ErrorAudit
from .check import Findings, Unusable
from .inputs import Run
from .meters import MeterDay, PlanDay, plan_days
from .planned_flow import PlannedFlow

FORECAST = "forecasts repeat the newest metered day"
PLANNED = "plans add to the forecast only what batteries can do"
ORDERED = "homes order what they plan, and nobody whom the rules leave out"

#: Orders below a watt-hour are not sent.
LEAST_ORDER_KWH = 1e-3
SAME_KWH = 1e-9
#: A bid so little below nothing is a bid of nothing. [currency/kWh]
ROUND_OFF = 1e-9


def bids_of(run: Run) -> np.ndarray:
    """Return what a kWh from a peer is worth to each home, charges and margin taken off.

    Returns
    -------
    ndarray (n_frames, n_homes)
        [currency/kWh]; below 0 where even energy for nothing would cost more than the grid's.
    """
    terms = run.terms
    charge = terms.transaction_charge * (1.0 - terms.seller_share) + terms.network_charge
    retail = terms.retail[run.time.tod]
    return np.asarray(retail[:, None] - charge - run.members["bid_margin_per_kwh"])


@dataclass(frozen=True)
class Plans:
    """What follows from the plans, frame by frame: arrays (n_frames, n_homes) [kWh].

    Attributes
    ----------
    surplus : ndarray
        What a home has to spare, or (below 0) needs; 0 where it is too little for an order.
    for_sale : ndarray
        The part of a surplus that would come from the battery.
    """

    surplus: np.ndarray
    for_sale: np.ndarray

    @property
    def spare(self) -> np.ndarray:
        """What a home has to spare."""
        return np.maximum(self.surplus, 0.0)

    @property
    def need(self) -> np.ndarray:
        """What a home needs."""
        return np.maximum(-self.surplus, 0.0)


class PlanAudit:
    """Looks at the plans day by day, beside the meters.

    Under the forecast `persistence` a home expects each interval of a frame to be what the newest
    metered day before the gate showed at that time. Frames whose gate closes on the first day
    rest on history that is not on file.
    """

    def __init__(self, run: Run, found: Findings) -> None:
        self._run, self._found = run, found
        self._days = plan_days(run, found)
        self._flow = PlannedFlow(run, found)
        shape = run.n_frames, run.n_homes
        run.plans = Plans(np.zeros(shape), np.zeros(shape))
        self._battery = run.members["battery_kw"] * run.time.hours
        self._shown = np.zeros((2, 0, run.n_homes))
        self._expected: dict[int, np.ndarray] = {}
        time = run.time
        minutes = np.maximum(time.first * time.interval - time.gate_minutes, 0)
        self._gate = minutes // time.interval
        self._known = run.setting("forecast", "name") == "persistence"
        if not self._known:
            name = run.setting("forecast", "name")
            found.explain(FORECAST, f"forecasts of {name!r} are not derived")
        if self._known and run.setting("flexible_load", "share"):
            found.explain(FORECAST, "what of the load was flexible is not in the meters")
            self._known = False
        if self._known and run.setting("forecast", "pv") == "clear-sky":
            found.explain(FORECAST, "the clear sky is not on file")
            self._known = False
        self._errors = ErrorAudit(run, found)

    def take(self, day: MeterDay) -> None:
        """Check a day."""
        plan = next(self._days)
        time, n_tod = self._run.time, len(self._run.terms.frames)
        self._expect(day)
        self._errors.take(plan, day)
        for frame in range(day.day * n_tod, (day.day + 1) * n_tod):
            begin = int(time.first[frame]) - day.day * time.per_day
            rows = slice(begin, begin + int(time.length[frame]))
            part = PlanDay(*(values[rows] for values in vars(plan).values()))
            self._check(frame, part)
            self._flow.check(frame, part)

    def finish(self) -> None:
        """Compare the orders with the plans; refuse days that are left over."""
        if next(self._days, None) is not None:
            raise Unusable("plans: more days than the run has")
        run, found = self._run, self._found
        ordered = np.zeros((run.n_frames, run.n_homes))
        orders = run.orders
        ordered[orders.frame, orders.home] = np.where(orders.is_ask, 1, -1) * orders.quantity
        planned = np.where(run.left_out, 0.0, run.plans.surplus)
        # Where charges and margin take more than retail, no price of a peer's would be a gain.
        planned = np.where((planned < 0.0) & (bids_of(run) < -ROUND_OFF), 0.0, planned)
        found.close(
            ORDERED,
            ordered,
            planned,
            SAME_KWH,
            lambda f, h: f"order of {run.frame_home(f, h)}",
            "kWh",
        )
        self._flow.finish()
        self._errors.finish()

    def _expect(self, day: MeterDay) -> None:
        """Forecast the frames whose gate closes within the day, or at its end."""
        time = self._run.time
        wanted = day.load + day.unserved  # an outage hides no habit
        shown = np.concatenate([self._shown, np.stack([wanted, day.pv])], axis=1)
        n = shown.shape[1]
        ends = self._gate - (day.day + 1) * time.per_day + n
        in_reach = (ends > n - time.per_day) & (ends <= n) & (ends >= time.per_day)
        for frame in np.flatnonzero(in_reach & self._known).tolist():
            newest = shown[:, ends[frame] - time.per_day : ends[frame]]
            ahead = time.first[frame] - self._gate[frame] + np.arange(time.length[frame])
            self._expected[frame] = newest[:, ahead % time.per_day]
        self._shown = shown[:, -time.per_day :]

    def _check(self, frame: int, plan: PlanDay) -> None:
        run, found = self._run, self._found
        first = int(run.time.first[frame])

        def place(interval: int, home: int) -> str:
            return f"{run.homes[home]}, {run.time.say(first + interval)}"

        expected = self._expected.pop(frame, None)
        if expected is not None:
            for name, values, wanted in (
                ("load", plan.load, expected[0]),
                ("PV", plan.pv, expected[1]),
            ):
                found.close(
                    FORECAST,
                    values,
                    wanted,
                    SAME_KWH,
                    lambda i, h, n=name: f"{n} of {place(i, h)}",
                    "kWh",
                )
        battery = plan.net - (plan.pv - plan.load)
        for excess in (
            np.abs(battery) - self._battery,
            plan.for_sale - np.maximum(battery, 0.0),
            -plan.for_sale,
            -plan.load,
            -plan.pv,
        ):
            found.at_most(PLANNED, excess, SAME_KWH, place, "kWh")
        net = np.maximum(plan.net, 0.0).sum(axis=0) - np.maximum(-plan.net, 0.0).sum(axis=0)
        # What is within rounding of the least order may be sent or not: the file tells.
        doubtful = np.abs(np.abs(net) - LEAST_ORDER_KWH) < SAME_KWH
        sent = np.zeros(run.n_homes, dtype=np.bool_)
        sent[run.orders.home[run.orders.frame == frame]] = True
        little = np.where(doubtful, ~sent, np.abs(net) < LEAST_ORDER_KWH)
        run.plans.surplus[frame] = np.where(little, 0.0, net)
        stored = np.minimum(plan.for_sale.sum(axis=0), np.maximum(net, 0.0))
        run.plans.for_sale[frame] = np.where(little, 0.0, stored)
