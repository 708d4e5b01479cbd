"""Curtailment rules: who gives up how much where real voltages rise above the limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..network.envelope import MATERIAL, admit_exports
from ..network.power_flow import solve_power_flow
from ..network.sensitivity import dv_dp
from .market_operator import Connection

_TOLERANCE_PU = 1e-9
_ROUNDS = 6
_CANDIDATES = 15


@dataclass(frozen=True)
class Excess:
    """An interval whose voltages are too high.

    Attributes
    ----------
    connection : Connection
        Feeder, members' buses and limits.
    net_kwh : ndarray (n_members,)
        Net export of each member [kWh].
    reactive_kvar : ndarray (1, n_buses)
        Reactive injection at the buses.
    able_kwh : ndarray (n_members,)
        The part of its net export that each member can hold back.
    """

    connection: Connection
    net_kwh: np.ndarray
    reactive_kvar: np.ndarray
    able_kwh: np.ndarray

    def injection(self, held_kwh: np.ndarray) -> np.ndarray:
        """Return the injection at the buses (k, n_buses) [kW] for k cases of held energy."""
        feeder, bus = self.connection.feeder, self.connection.bus
        total = np.zeros((len(held_kwh), feeder.n_buses))
        for case, held in enumerate(held_kwh):
            total[case] = np.bincount(bus, self.net_kwh - held, minlength=feeder.n_buses)
        return total / self.connection.interval_hours

    def voltages(self, held_kwh: np.ndarray) -> np.ndarray:
        """Return the voltages (k, n_buses) of k cases; inf where there is no solution."""
        kw = self.injection(held_kwh)
        kvar = np.repeat(self.reactive_kvar, len(kw), axis=0)
        v = solve_power_flow(self.connection.feeder, kw, kvar, _TOLERANCE_PU).v_pu
        return np.where(np.isnan(v), np.inf, v)


class CurtailmentRule(Protocol):
    """Anything that says who must hold back how much, (n_members,) [kWh]."""

    def __call__(self, excess: Excess) -> np.ndarray:
        """Return the least energy held back, by this rule, that keeps the limit."""
        ...


def proportional(excess: Excess) -> np.ndarray:
    """All that move a bus above its limit keep one common share of what they export.

    By progressive filling (`network.envelope.admit_exports`), so that members elsewhere on the
    feeder are left alone: fair among neighbours, whatever their place on the line.
    """
    at = excess.connection
    held = np.zeros(len(excess.able_kwh))
    able = np.flatnonzero(excess.able_kwh > 0.0)
    share = admit_exports(
        at.feeder,
        excess.injection(excess.able_kwh[None]),
        excess.reactive_kvar,
        at.bus[able],
        excess.able_kwh[able, None] / at.interval_hours,
        at.limits,
    )
    held[able] = (1.0 - share) * excess.able_kwh[able]
    return held


def by_sensitivity(excess: Excess) -> np.ndarray:
    """Who raises the worst bus more gives up more: in proportion to dV/dP, up to all it exports.

    The share that a member gives up is min(1, lambda w), with w its dV/dP to the worst bus over
    the greatest of any exporter (below a tenth: none), and lambda the least that brings the bus
    to its limit; then the next worst bus is cured, until none is above. Where a bus stays above
    with nothing exported at all, who raises it exports nothing. Little energy is lost, and the
    ends of lines bear most of it: what droop control of inverters does by itself [1]_.

    References
    ----------
    .. [1] R. Tonkoski, L. A. C. Lopes and T. H. M. El-Fouly, "Coordinated active power curtailment
       of grid connected PV inverters for overvoltage prevention", IEEE Transactions on Sustainable
       Energy 2(2), 2011, 139-147, doi:10.1109/TSTE.2010.2098483.
    """
    at, able = excess.connection, excess.able_kwh
    gain = dv_dp(at.feeder)[:, at.bus]
    upper = at.limits.upper_pu
    weights = np.where(able > 0.0, gain, 0.0)
    greatest = weights.max(axis=1, keepdims=True)
    weights = np.divide(weights, greatest, out=np.zeros_like(weights), where=greatest > 0.0)
    weights[weights < MATERIAL] = 0.0
    done = excess.voltages(able[None])[0] > upper  # what no order can cure
    shares = np.where((weights[done] > 0.0).any(axis=0), 1.0, 0.0)
    while not done.all():
        v = excess.voltages((shares * able)[None])[0]
        worst = int(np.argmax(np.where(done, -np.inf, v)))
        if v[worst] <= upper:
            break
        done[worst] = True
        weight = weights[worst]
        low, high = 0.0, 1.0 / MATERIAL
        for _ in range(_ROUNDS):
            tried = np.linspace(low, high, _CANDIDATES + 2)[1:]
            held = np.maximum(shares, np.minimum(tried[:, None] * weight, 1.0)) * able
            good = excess.voltages(held)[:, worst] <= upper
            first = int(good.argmax()) if good.any() else len(tried) - 1
            high = float(tried[first])
            low = float(tried[first - 1]) if first > 0 else low
        shares = np.maximum(shares, np.minimum(high * weight, 1.0))
    return np.asarray(shares * able)


def hold_for_transformer(excess: Excess, rating_kva: float) -> np.ndarray:
    """One common share of all exports is held back, the least that the transformer needs.

    Only power that flows back through the transformer is anybody's to hold back: an overload by
    load alone orders nothing.

    Returns
    -------
    ndarray (n_members,)
        Energy held back [kWh].
    """
    kvar = float(excess.reactive_kvar.sum())

    def overloaded(shares: np.ndarray) -> np.ndarray:
        kw = excess.injection(shares[:, None] * excess.able_kwh)
        flow = solve_power_flow(
            excess.connection.feeder, kw, np.repeat(excess.reactive_kvar, len(kw), axis=0),
            _TOLERANCE_PU,
        )  # fmt: skip
        through = flow.loss_kw - kw.sum(axis=1) + 1j * (flow.loss_kvar - kvar)
        return np.asarray((np.abs(through) > rating_kva) & (through.real < 0.0))

    if not overloaded(np.zeros(1))[0]:
        return np.zeros(len(excess.able_kwh))
    low, high = 0.0, 1.0
    for _ in range(_ROUNDS):
        tried = np.linspace(low, high, _CANDIDATES + 2)[1:]
        good = ~overloaded(tried)
        first = int(good.argmax()) if good.any() else len(tried) - 1
        high = float(tried[first])
        low = float(tried[first - 1]) if first > 0 else low
    return np.asarray(high * excess.able_kwh)
