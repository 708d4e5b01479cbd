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
# below this [p.u.] are let through: they are not the cause.
IMMATERIAL_RISE_PU = 5e-4


def bus_sum(bus: np.ndarray, values: np.ndarray, n_buses: int) -> np.ndarray:
    """Add members' values (n_members, n_intervals) up at their buses: (n_intervals, n_buses)."""
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
    are checked. A bus may not rise above the upper limit, nor, where it stands above it without
    any sale, materially above where it stands.
    """

    def __init__(self, forecast: FeederForecast, sellers: np.ndarray) -> None:
        self._forecast = forecast
        feeder = forecast.feeder
        self._seller_bus = forecast.bus[sellers]
        self._buses, column = np.unique(self._seller_bus, return_inverse=True)
        n_intervals = forecast.base_kw.shape[0]
        # (m, n_intervals, n_seller_buses): one matrix product turns sales into injections.
        spread = np.zeros((len(sellers), n_intervals, len(self._buses)))
        spread[np.arange(len(sellers)), :, column] = forecast.export_kw_per_kwh[sellers]
        self._spread = spread.reshape(len(sellers), n_intervals * len(self._buses))
        self._sensitivity = dv_dp(feeder)
        base = self._solve(np.zeros((1, len(sellers))))
        upper = forecast.limits.upper_pu
        self._base_v = base[0]
        self._upper = np.where(base[0] > upper, base[0] + IMMATERIAL_RISE_PU, upper)
        self._undervoltage = bool((base[0] < forecast.limits.lower_pu).any())

    def check(self, sold_kwh: np.ndarray) -> Voltages:
        """Return the voltages of each candidate, `sold_kwh` of shape (k, m)."""
        return self._voltages(self._solve(sold_kwh), self._upper)

    def base(self) -> Voltages:
        """Return the voltages without any sale, held against the plain limits (k = 1)."""
        return self._voltages(self._base_v[None], np.full_like(self._upper, self._plain_upper))

    @property
    def _plain_upper(self) -> float:
        return self._forecast.limits.upper_pu

    def _solve(self, sold_kwh: np.ndarray) -> np.ndarray:
        """Solve every candidate and interval in one batch: (k, n_intervals, n_buses)."""
        forecast = self._forecast
        k, (n_intervals, n_buses) = len(sold_kwh), forecast.base_kw.shape
        injection = np.repeat(forecast.base_kw[None], k, axis=0)
        added = (sold_kwh @ self._spread).reshape(k, n_intervals, len(self._buses))
        injection[:, :, self._buses] += added
        reactive = np.broadcast_to(forecast.reactive_kvar, injection.shape)
        flow = solve_power_flow(
            forecast.feeder, injection.reshape(-1, n_buses), reactive.reshape(-1, n_buses)
        )
        return flow.v_pu.reshape(k, n_intervals, n_buses)

    def _voltages(self, v_pu: np.ndarray, upper: np.ndarray) -> Voltages:
        """Describe a batch of voltages (k, n_intervals, n_buses) as the market reads them."""
        solved = ~np.isnan(v_pu).any(axis=(1, 2))
        excess = np.maximum(v_pu - upper, 0.0)
        over_bus = excess.max(axis=1)  # (k, n_buses)
        worst_bus = np.argmax(np.where(np.isnan(over_bus), -1.0, over_bus), axis=1)
        critical = over_bus > 0.0
        names = self._forecast.feeder.bus_names
        return Voltages(
            feasible=solved & (v_pu <= upper).all(axis=(1, 2)),
            overvoltage_pu=np.where(solved, excess.sum(axis=(1, 2)), np.inf),
            v_min_pu=v_pu.min(axis=(1, 2)),
            v_max_pu=v_pu.max(axis=(1, 2)),
            on_critical_bus=critical[:, self._seller_bus],
            sensitivity=self._sensitivity[worst_bus][:, self._seller_bus],
            critical_buses=tuple(
                tuple(names[bus] for bus in np.flatnonzero(row)) for row in critical
            ),
            undervoltage=np.full(len(v_pu), self._undervoltage),
        )
