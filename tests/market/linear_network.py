"""A feeder whose voltages are linear in sales: the test double of `NetworkCheck`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gridbazaar.market.network_check import Voltages


@dataclass
class LinearNetwork:
    """V = base + sold @ effect.T, one interval; seller i stands at bus `bus_of[i]`."""

    effect: np.ndarray  # (n_bus, m) p.u. per kWh sold
    base_pu: np.ndarray  # (n_bus,)
    bus_of: np.ndarray  # (m,)
    upper_pu: float = 1.05
    lower_pu: float = 0.95
    checked: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def radial(cls, m: int, rng: np.random.Generator, n_bus: int = 8, base_pu: float = 1.0):
        """A line of buses: the effect is the resistance shared with the seller's way."""
        bus_of = rng.integers(0, n_bus, m)
        shared = np.minimum.outer(np.arange(1, n_bus + 1), bus_of + 1)
        return cls(shared * 1e-4, np.full(n_bus, base_pu), bus_of)

    def check(self, sold_kwh):
        self.checked.append(sold_kwh.copy())
        return self._voltages(sold_kwh, np.maximum(self.upper_pu, self.base_pu))

    def rows(self, most_kwh):
        upper = np.maximum(self.upper_pu, self.base_pu)
        bus = np.flatnonzero(self.base_pu + self.effect @ most_kwh > upper)
        return LinearRows(self, upper[bus], bus, self.effect[bus])

    def base(self):
        return self._voltages(
            np.zeros((1, self.bus_of.size)), np.full_like(self.base_pu, self.upper_pu)
        )

    def _voltages(self, sold_kwh, upper):
        v = self.base_pu + sold_kwh @ self.effect.T
        over = np.maximum(v - upper - 1e-12, 0.0)
        critical = over > 0
        worst = over.argmax(axis=1)
        return Voltages(
            feasible=~critical.any(axis=1),
            violation_pu=over.sum(axis=1),
            v_min_pu=v.min(axis=1),
            v_max_pu=v.max(axis=1),
            on_critical_bus=critical[:, self.bus_of],
            sensitivity=self.effect[worst],
            critical_buses=tuple(
                tuple(f"bus {b}" for b in np.flatnonzero(row)) for row in critical
            ),
            undervoltage=np.full(len(v), bool((self.base_pu < self.lower_pu).any())),
        )


@dataclass
class LinearRows:
    """The buses that sales can push above their limit."""

    network: LinearNetwork
    upper_pu: np.ndarray
    bus: np.ndarray
    effect_pu_per_kwh: np.ndarray

    def room_pu(self, sold_kwh):
        v = self.network.base_pu[self.bus] + sold_kwh @ self.effect_pu_per_kwh.T
        return self.upper_pu + 1e-12 - v
