"""The feeder's answer to the market: what a schedule of sales would do to the voltages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..market.network_check import Voltages
from ..network.feeder import Feeder
from ..network.limits import VoltageLimits
from ..network.power_flow import solve_power_flow
from ..network.sensitivity import dv_dp
from .frame_plan import FramePlan

# Where the feeder breaks its limit without any sale, sales whose joint effect on that bus stays
# below this [p.u.] are let through: they are not the cause. Both network methods judge by it.
IMMATERIAL_RISE_PU = 5e-4
LARGEST_BATCH = 100_000_000  # numbers in one batch of voltages: more are solved in parts


def bus_sum(bus: np.ndarray, values: np.ndarray, n_buses: int) -> np.ndarray:
    """Add members' values (n_members, n_intervals) up at their buses: (n_intervals, n_buses).

    Examples
    --------
    >>> bus_sum(np.array([1, 1]), np.array([[2.0], [3.0]]), 3).tolist()
    [[0.0, 5.0, 0.0]]
    """
    total = np.zeros((n_buses, values.shape[1]))
    np.add.at(total, bus, values)
    return np.ascontiguousarray(total.T)


@dataclass(frozen=True)
class FeederForecast:
    """The feeder in one frame as forecast, apart from what members sell or export.

    Attributes
    ----------
    base_kw, reactive_kvar : ndarray (n_intervals, n_buses)
        Injection with everybody exporting only what it nets itself, phi = o / P+.
    export_kw_per_kwh : ndarray (n_members, n_intervals)
        Power that a member adds at its bus in each interval per kWh it sells in the frame: its
        forecast export profile n+ over its sum P+.
    """

    feeder: Feeder
    limits: VoltageLimits
    bus: np.ndarray
    base_kw: np.ndarray
    reactive_kvar: np.ndarray
    export_kw_per_kwh: np.ndarray

    @classmethod
    def of_plan(
        cls,
        plan: FramePlan,
        feeder: Feeder,
        bus: np.ndarray,
        limits: VoltageLimits,
        power_factor: float,
        interval_hours: float,
    ) -> FeederForecast:
        """Build it from what members plan: a net buyer exports all it forecasts (phi = 1)."""
        exported = plan.exported_kwh
        share = np.divide(
            plan.self_netted_kwh, exported, out=np.ones_like(exported), where=exported > 0.0
        )
        share[plan.net_kwh <= 0.0] = 1.0
        profile = np.where(plan.profile_kwh > 0.0, share[:, None], 1.0) * plan.profile_kwh
        gross_load = bus_sum(bus, plan.load_kwh, feeder.n_buses) / interval_hours
        return cls(
            feeder,
            limits,
            bus,
            bus_sum(bus, profile, feeder.n_buses) / interval_hours,
            -np.tan(np.arccos(power_factor)) * gross_load,
            np.divide(
                plan.export_kwh / interval_hours,
                exported[:, None],
                out=np.zeros_like(plan.export_kwh),
                where=exported[:, None] > 0.0,
            ),
        )

    def injection_kw(self, exported_kwh: np.ndarray) -> np.ndarray:
        """Return the injection if members export these energies beside the base.

        `exported_kwh` has shape (n_members,); the result (n_intervals, n_buses) [kW].
        """
        added = exported_kwh[:, None] * self.export_kw_per_kwh
        return self.base_kw + bus_sum(self.bus, added, self.feeder.n_buses)


class FeederCheck:
    """Answers the market's question for a batch of candidate sales, aligned with one book.

    Implements :class:`gridbazaar.market.network_check.NetworkCheck`. All intervals of the frame
    are checked. With V_0 the voltage without any sale, a candidate is within the limits if

        V <= max(upper, V_0 + IMMATERIAL_RISE_PU where V_0 > upper)
        V >= min(lower, V_0 - IMMATERIAL_RISE_PU where V_0 < lower)

    at every bus and interval.

    Parameters
    ----------
    forecast : FeederForecast
        The feeder in this frame.
    sellers : ndarray (m,) of int
        Row of each of the book's sellers among the members.

    Examples
    --------
    >>> from gridbazaar.network import load_feeder
    >>> feeder = load_feeder("kerala_village_lv")
    >>> calm = np.zeros((1, feeder.n_buses))
    >>> far = np.array([feeder.bus_index("70")])
    >>> forecast = FeederForecast(feeder, VoltageLimits(), far, calm, calm, np.array([[1.0]]))
    >>> check = FeederCheck(forecast, np.array([0]))
    >>> check.check(np.array([[5.0], [50.0]])).feasible.tolist()
    [True, False]
    """

    def __init__(self, forecast: FeederForecast, sellers: np.ndarray) -> None:
        self._forecast = forecast
        self._export = forecast.export_kw_per_kwh[sellers]
        self._seller_bus = forecast.bus[sellers]
        self._by_bus = np.argsort(self._seller_bus, kind="stable")
        self._buses, self._begins = np.unique(self._seller_bus[self._by_bus], return_index=True)
        self._sensitivity = dv_dp(forecast.feeder)
        self._base_v = self.voltages(np.zeros((1, len(sellers))))[0]
        upper, lower = forecast.limits.upper_pu, forecast.limits.lower_pu
        base = self._base_v
        self._upper = np.where(base > upper, base + IMMATERIAL_RISE_PU, upper)
        self._lower = np.where(base < lower, base - IMMATERIAL_RISE_PU, lower)
        # loads beyond what the feeder can carry leave no solution: its voltage has collapsed
        self._undervoltage = bool((np.isnan(base) | (base < lower)).any())

    def check(self, sold_kwh: np.ndarray) -> Voltages:
        """Return the voltages of each candidate, `sold_kwh` of shape (k, m) [kWh]."""
        return self._judged(self.voltages(sold_kwh), self._upper, self._lower)

    def base(self) -> Voltages:
        """Return the voltages without any sale, held against the plain upper limit (k = 1)."""
        plain = np.full_like(self._upper, self._forecast.limits.upper_pu)
        return self._judged(self._base_v[None], plain, self._lower)

    def rows(self, most_kwh: np.ndarray) -> FeederRows:
        """Return the upper limits that sales up to `most_kwh`, (m,) [kWh], can break.

        Voltages rise with every sale, so a bus and interval within its limit at the greatest sales
        is within it at all others.
        """
        most = self.voltages(most_kwh[None])[0]
        interval, bus = np.nonzero(~(most <= self._upper))
        effect = self._sensitivity[np.ix_(bus, self._seller_bus)] * self._export[:, interval].T
        # dV/dP is that of the unloaded feeder; on the way to the greatest sales a little is lost
        rise = (most - self._base_v)[interval, bus]
        forecast = effect @ most_kwh
        known = np.isfinite(rise) & (rise > 0.0) & (forecast > 0.0)
        effect *= np.divide(rise, forecast, out=np.ones_like(rise), where=known)[:, None]
        return FeederRows(self, interval, bus, self._upper[interval, bus], effect)

    def voltages(self, sold_kwh: np.ndarray, intervals: np.ndarray | None = None) -> np.ndarray:
        """Solve every candidate and interval in one batch: (k, n_intervals, n_buses) [p.u.].

        `sold_kwh` has shape (k, m); `intervals` names those to solve, all without it. A batch
        beyond `LARGEST_BATCH` is solved in parts.
        """
        forecast = self._forecast
        at = slice(None) if intervals is None else intervals
        base, export = forecast.base_kw[at], self._export[self._by_bus][:, at]
        k, (n_intervals, n_buses) = len(sold_kwh), base.shape
        widest = max(n_intervals * max(n_buses, len(self._seller_bus)), 1)
        most = max(1, LARGEST_BATCH // widest)
        if k > most:
            parts = [self.voltages(sold_kwh[i : i + most], intervals) for i in range(0, k, most)]
            return np.concatenate(parts)
        injection = np.repeat(base[None], k, axis=0)
        if self._buses.size:
            added = sold_kwh[:, self._by_bus, None] * export  # (k, m, n_intervals)
            at_buses = np.add.reduceat(added, self._begins, axis=1)
            injection[:, :, self._buses] += at_buses.transpose(0, 2, 1)
        reactive = np.broadcast_to(forecast.reactive_kvar[at], injection.shape)
        flow = solve_power_flow(
            forecast.feeder, injection.reshape(-1, n_buses), reactive.reshape(-1, n_buses)
        )
        return flow.v_pu.reshape(k, n_intervals, n_buses)

    def _judged(self, v_pu: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> Voltages:
        """Describe a batch of voltages (k, n_intervals, n_buses) as the market reads them."""
        solved = ~np.isnan(v_pu).any(axis=(1, 2))
        excess = np.maximum(v_pu - upper, 0.0)
        beyond = excess.sum(axis=(1, 2)) + np.maximum(lower - v_pu, 0.0).sum(axis=(1, 2))
        over_bus = excess.max(axis=1)  # (k, n_buses)
        worst_bus = np.argmax(np.where(np.isnan(over_bus), -1.0, over_bus), axis=1)
        critical = over_bus > 0.0
        names = self._forecast.feeder.bus_names
        return Voltages(
            feasible=solved & (beyond <= 0.0),
            violation_pu=np.where(solved, beyond, np.inf),
            v_min_pu=v_pu.min(axis=(1, 2)),
            v_max_pu=v_pu.max(axis=(1, 2)),
            on_critical_bus=critical[:, self._seller_bus],
            sensitivity=self._sensitivity[worst_bus][:, self._seller_bus],
            critical_buses=tuple(
                tuple(names[bus] for bus in np.flatnonzero(row)) for row in critical
            ),
            undervoltage=np.full(len(v_pu), self._undervoltage),
        )


@dataclass(frozen=True, eq=False)
class FeederRows:
    """The upper limits of one frame that its sales can break: (interval, bus) pairs.

    Implements :class:`gridbazaar.market.network_check.LimitRows`.

    Attributes
    ----------
    interval, bus : ndarray (q,) of int
        Place of each row.
    upper_pu : ndarray (q,)
        Its limit [p.u.].
    effect_pu_per_kwh : ndarray (q, m)
        Its rise for each kWh that a seller sells in the frame: dV/dP times the seller's export
        profile, scaled to the rise at the greatest sales.
    """

    check: FeederCheck
    interval: np.ndarray
    bus: np.ndarray
    upper_pu: np.ndarray
    effect_pu_per_kwh: np.ndarray

    def room_pu(self, sold_kwh: np.ndarray) -> np.ndarray:
        """Return limit - V of each candidate, `sold_kwh` (k, m) [kWh]: (k, q) [p.u.].

        Only the intervals in which some limit can break are solved; -inf where that fails.
        """
        intervals, column = np.unique(self.interval, return_inverse=True)
        room = self.upper_pu - self.check.voltages(sold_kwh, intervals)[:, column, self.bus]
        return np.where(np.isnan(room), -np.inf, room)
