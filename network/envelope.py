"""The export envelope: how much of the unsold surplus the feeder takes, by progressive filling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .feeder import Feeder
from .limits import VoltageLimits
from .power_flow import solve_power_flow
from .sensitivity import dv_dp

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MATERIAL = 0.1  # a seller moves a bus if its dV/dP is a tenth of the bus's own
HIT_PU = 1e-6  # a bus binds when its voltage is this near to the limit
SHARE_WIDTH = 1e-7  # the bracket of a share ends here at the latest
# A bus this near to its limit [p.u.] holds the sellers that move it.
NEAR_PU = 2.5e-4
REFILLS = 6  # fillings with corrected margins before the last resort
AROUND = np.array([-0.1, -0.01, 0.0, 0.01, 0.1])  # candidates about the interpolated share


def admit_exports(
    feeder: Feeder,
    base_kw: ArrayLike,
    reactive_kvar: ArrayLike,
    bus: ArrayLike,
    surplus_kw: ArrayLike,
    limits: VoltageLimits,
    material: float = MATERIAL,
) -> Floats:
    """Admit unsold surplus by progressive filling, as far as no bus rises above the limit.

    One common share of every seller's surplus is raised until some bus reaches the upper limit in
    some interval. The sellers that move that bus materially in that interval are frozen at the
    share; the others go on, until all are frozen or have exported everything. A seller moves a bus
    *materially* if its dV/dP to it (`sensitivity.dv_dp`) is at least `material` times the bus's
    own; for a bus that no seller moves so, the largest of the sellers' dV/dP takes the place of
    the bus's own.

    What the frozen sellers' bus still rises by what the others add (all share the transformer) is
    found at the end, kept free as that bus's margin, and the filling is done again, so that the
    voltages of the returned shares keep the limit.

    A bus that is above the limit already in the base stops the sellers that move it materially;
    the others are not held responsible for it. Undervoltage never stops an export, and intervals
    whose base has no solution are not judged.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    base_kw, reactive_kvar : array_like (T, n_buses)
        Injections before the surplus [kW, kvar], P2P sales included, for T intervals.
    bus : array_like (k,) of int
        Bus index of each seller.
    surplus_kw : array_like (k, T)
        Unsold surplus [kW], which is exported at share 1; not negative.
    limits : VoltageLimits
        Only the upper limit is used.
    material : float
        See above.

    Returns
    -------
    ndarray (k,)
        Share of its surplus that each seller may export, 0 to 1; 1 for a seller without surplus.

    Raises
    ------
    ValueError
        If shapes do not fit, a bus is unknown, or a surplus is negative or not finite.

    Notes
    -----
    A step looks only at the intervals in which some bus would be too high if all remaining
    surplus were exported: a voltage rises with injections, so the others cannot bind. The final
    shares are judged in all intervals, which does not rest on that.

    Examples
    --------
    >>> from gridbazaar.network import load_feeder
    >>> feeder = load_feeder("kerala_village_lv").with_source_voltage(1.043)
    >>> none = np.zeros((1, feeder.n_buses))
    >>> ends = [feeder.bus_index("70"), feeder.bus_index("4")]
    >>> admit_exports(feeder, none, none, ends, [[8.0], [8.0]], VoltageLimits()).round(3).tolist()
    [0.451, 1.0]
    """
    filling = _Filling(feeder, base_kw, reactive_kvar, bus, surplus_kw, limits, material)
    shares = filling.fill()
    for _ in range(REFILLS):
        over = filling.overshoot(shares)
        if not over.any():
            return filling.topped_up(shares)
        # A little more than was missing, so that the correction ends instead of creeping.
        filling.ceiling -= np.where(over > 0.0, 1.05 * over + HIT_PU, 0.0)
        shares = filling.fill()
    return filling.topped_up(filling.scaled_down(shares))


@dataclass
class _Step:
    """What one step of the filling raises: sellers at share x inject ``fixed + x * rising``."""

    fixed: Floats
    rising: Floats
    rows: NDArray[np.int64]  # the intervals that are looked at


class _Filling:
    """The state of one call: who exports where, and what each bus may reach."""

    def __init__(
        self,
        feeder: Feeder,
        base_kw: ArrayLike,
        reactive_kvar: ArrayLike,
        bus: ArrayLike,
        surplus_kw: ArrayLike,
        limits: VoltageLimits,
        material: float,
    ) -> None:
        self.feeder = feeder
        self.base_kw = np.asarray(base_kw, np.float64)
        self.kvar = np.asarray(reactive_kvar, np.float64)
        self.bus = np.asarray(bus, np.int64).reshape(-1)
        self.surplus_kw = np.asarray(surplus_kw, np.float64)
        self._check()
        by_bus = np.argsort(self.bus, kind="stable")
        self.used, first = np.unique(self.bus[by_bus], return_index=True)
        self.by_bus, self.first = by_bus, first

        gain = dv_dp(feeder)
        own = np.diagonal(gain).copy()
        to_sellers = gain[:, self.bus]
        exporting = self.surplus_kw.max(axis=1, initial=0.0) > 0.0
        moves = exporting & (to_sellers > 0.0) & (to_sellers >= material * own[:, None])
        # A bus far from all sellers: those that move it most take the blame.
        most = np.where(exporting, to_sellers, 0.0).max(axis=1, initial=0.0)
        far = ~moves.any(axis=1)
        moves[far] = (
            exporting & (to_sellers[far] > 0.0) & (to_sellers[far] >= material * most[far, None])
        )
        self.moves = moves  # (n_buses, k)
        self.exporting = exporting

        base = self.voltages(self.base_kw, np.arange(len(self.base_kw)))
        self.limit = np.full_like(base, limits.upper_pu)
        self.limit[np.isnan(base)] = np.inf
        self.already = base > self.limit
        # A bus above the limit in the base is not judged further; its movers are stopped below.
        self.limit[self.already] = np.inf
        self.ceiling = self.limit.copy()

    def _check(self) -> None:
        n = self.feeder.n_buses
        shape = self.base_kw.shape
        k = self.bus.size
        if self.base_kw.ndim != 2 or shape[1] != n or self.kvar.shape != shape:
            raise ValueError(
                f"base_kw {shape} and reactive_kvar {self.kvar.shape}: both must have the shape "
                f"(intervals, {n})"
            )
        if self.surplus_kw.shape != (k, shape[0]):
            raise ValueError(
                f"surplus_kw {self.surplus_kw.shape}: the shape must be (sellers, intervals) = "
                f"({k}, {shape[0]})"
            )
        if k and not (self.bus.min() >= 0 and self.bus.max() < n):
            raise ValueError(f"bus {self.bus.min()} to {self.bus.max()}: give 0 to {n - 1}")
        if not (np.isfinite(self.surplus_kw).all() and (self.surplus_kw >= 0.0).all()):
            raise ValueError("surplus_kw: every surplus must be a finite number >= 0")

    def voltages(self, kw: Floats, rows: NDArray[np.int64]) -> Floats:
        """Voltages of injections (..., len(rows), n_buses), NaN where there is no solution."""
        flat = kw.reshape(-1, self.feeder.n_buses)
        kvar = self.kvar[rows]
        copies = len(flat) // max(1, len(rows))
        flow = solve_power_flow(
            self.feeder, flat, np.tile(kvar, (copies, 1)) if copies > 1 else kvar, 1e-9
        )
        v = flow.v_pu
        v[~flow.converged] = np.nan
        return v.reshape(kw.shape)

    def exported(self, shares: Floats) -> Floats:
        """Injections (T, n_buses) of the surplus at given shares (k,)."""
        kw = np.zeros_like(self.base_kw)
        if shares.size:
            weighted = (shares[:, None] * self.surplus_kw)[self.by_bus]
            kw[:, self.used] = np.add.reduceat(weighted, self.first, axis=0).T
        return kw

    def overshoot(self, shares: Floats) -> Floats:
        """What voltages of the shares exceed the true limit by (T, n_buses), in all intervals."""
        v = self.voltages(self.base_kw + self.exported(shares), np.arange(len(self.base_kw)))
        v[np.isnan(v)] = np.inf
        excess = np.zeros_like(v)
        np.subtract(v, self.limit, out=excess, where=np.isfinite(self.limit))
        return np.where(np.isinf(excess), 0.01, np.maximum(excess, 0.0))

    def fill(self) -> Floats:
        """One progressive filling up to the present ceilings."""
        shares = np.where(self.exporting, 0.0, 1.0)
        active = self.exporting.copy()
        stopped = (self.moves & ((self.already.T @ (self.surplus_kw.T > 0.0)) > 0)).any(axis=0)
        active &= ~stopped
        settled = np.zeros_like(self.ceiling, dtype=np.bool_)
        share = 0.0
        while active.any():
            # A bus whose movers are all frozen cannot be held by freezing: its margin must do it.
            settled |= ~(self.moves & active).any(axis=1) & self.moves.any(axis=1)
            rising = self.exported(active.astype(np.float64))
            fixed = self.base_kw + self.exported(np.where(active, 0.0, shares))
            ceiling = np.where(settled, np.inf, self.ceiling)
            share, hit = self._raise(fixed, rising, ceiling, share)
            shares[active] = share
            if hit is None:
                break
            settled_pairs, frozen = self._freeze(hit, active)
            settled |= settled_pairs
            active &= ~frozen
        return shares

    def _freeze(self, hit: Bools, active: Bools) -> tuple[Bools, Bools]:
        """The sellers that stop for the bound buses (T, n_buses), and the pairs that are done."""
        interval, bus = np.nonzero(hit)
        movers = self.moves[bus] & (self.surplus_kw.T[interval] > 0.0)
        return hit, (movers & active).any(axis=0)

    def _raise(
        self, fixed: Floats, rising: Floats, ceiling: Floats, lowest: float
    ) -> tuple[float, Bools | None]:
        """The largest common share from `lowest` to 1, and the pairs (T, n_buses) that bind."""
        every = np.arange(len(fixed))
        full = self._excess(fixed + rising, ceiling, every)
        rows = np.flatnonzero((full > 0.0).any(axis=1))
        if not rows.size:
            return 1.0, None
        fixed, rising, ceiling = fixed[rows], rising[rows], ceiling[rows]
        low, high = lowest, 1.0
        below = self._excess(fixed + low * rising, ceiling, rows)
        above = full[rows]
        while below.max() < -HIT_PU and high - low > SHARE_WIDTH:
            tried = _candidates(low, high, below, above)
            excess = self._excess(fixed + tried[:, None, None] * rising, ceiling, rows)
            too_high = (excess > 0.0).any(axis=(1, 2))
            first = int(too_high.argmax()) if too_high.any() else len(tried)
            if first < len(tried):
                high, above = float(tried[first]), excess[first]
            if first > 0:
                low, below = float(tried[first - 1]), excess[first - 1]
        hit = np.zeros((len(every), fixed.shape[1]), dtype=np.bool_)
        hit[rows] = below >= min(-HIT_PU, float(below.max()))
        return low, hit

    def _excess(self, kw: Floats, ceiling: Floats, rows: NDArray[np.int64]) -> Floats:
        """Voltage above the ceiling; +inf for an interval that has no solution."""
        v = self.voltages(kw, rows)
        v[np.isnan(v)] = np.finfo(np.float64).max
        return v - ceiling

    def topped_up(self, shares: Floats) -> Floats:
        """Give back what the corrections took too much: raise whom no bus at its limit holds."""
        every = np.arange(len(self.base_kw))
        for _ in range(REFILLS):
            v = self.voltages(self.base_kw + self.exported(shares), every)
            bound = (v > self.limit - NEAR_PU).any(axis=0) | self.already.any(axis=0)
            free = self.exporting & (shares < 1.0) & ~self.moves[bound].any(axis=0)
            if not free.any():
                break
            low, high = 0.0, 1.0
            while high - low > 1e-6:
                tried = np.linspace(low, high, 9)[1:-1]
                raised = [shares + x * np.where(free, 1.0 - shares, 0.0) for x in tried]
                good = [not self.overshoot(more).any() for more in raised]
                first = good.index(False) if False in good else len(tried)
                high = float(tried[first]) if first < len(tried) else high
                low = float(tried[first - 1]) if first > 0 else low
            if low == 0.0:
                break
            shares = shares + low * np.where(free, 1.0 - shares, 0.0)
        return shares

    def scaled_down(self, shares: Floats) -> Floats:
        """The last resort: one factor on all shares, by bisection, until every limit holds."""
        low, high = 0.0, 1.0
        while high - low > 1e-6:
            tried = np.linspace(low, high, 9)[1:-1]
            good = [not self.overshoot(factor * shares).any() for factor in tried]
            first = good.index(False) if False in good else len(tried)
            high = float(tried[first]) if first < len(tried) else high
            low = float(tried[first - 1]) if first > 0 else low
        return np.where(self.exporting, low * shares, shares)


def _candidates(low: float, high: float, below: Floats, above: Floats) -> Floats:
    """Shares to try between a feasible and an infeasible one, ascending and strictly inside.

    Voltages are nearly linear in the share, so most candidates stand about the share at which the
    first bus would bind on its chord; the midpoint makes sure that the bracket halves.
    """
    width = high - low
    middle = low + 0.5 * width
    with np.errstate(invalid="ignore", divide="ignore"):
        rise = above - below
        at = np.where((above > 0.0) & (rise < 1e300), -below / rise, np.inf)
    nearest = float(at.min())
    if not np.isfinite(nearest):
        return np.linspace(low, high, 9)[1:-1]
    # Voltages are concave in the share: the chord's share is late, hence mostly tries before it.
    aim = low + nearest * width
    tried = np.append(aim + AROUND * min(width, aim - low), middle)
    return np.unique(np.clip(tried, low + 1e-3 * SHARE_WIDTH, high - 1e-3 * SHARE_WIDTH))
