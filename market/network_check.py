"""The port through which the market asks the feeder, without knowing it.

The market operator agent owns both book and feeder and implements `NetworkCheck`; the market
knows only candidate seller totals and the voltages that they lead to. Voltages depend on what
sellers export: a buyer's load is there whether or not a peer serves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Voltages:
    """What k candidate schedules do to the feeder, over all intervals of the frame.

    Parameters
    ----------
    feasible : (k,) bool
        No bus and interval above its upper limit, or, where it is above that without any sale,
        materially above where it then stands; nor likewise below its lower limit. Of `base()`
        itself: no overvoltage beyond the limit.
    violation_pu : (k,) float
        Sum over buses and intervals of what is beyond [p.u.], 0 where feasible.
    v_min_pu, v_max_pu : (k,) float
        Lowest and highest voltage [p.u.]; NaN where the power flow has no solution.
    on_critical_bus : (k, m) bool
        Seller stands on a bus above its limit (an overvoltage critical node).
    sensitivity : (k, m) float
        dV/dP of each seller to the worst overvoltage bus of that candidate [p.u./kW].
    critical_buses : tuple of k tuples of str
        Names of the buses outside their limits.
    undervoltage : (k,) bool
        Some bus falls below the lower limit, or the voltage has collapsed (no solution).

    Examples
    --------
    >>> one = np.array([True])
    >>> calm = Voltages(one, np.zeros(1), np.array([0.99]), np.array([1.02]),
    ...                 np.zeros((1, 2), bool), np.zeros((1, 2)), ((),), ~one)
    >>> bool(calm.feasible[0]), float(calm.v_max_pu[0])
    (True, 1.02)
    """

    feasible: NDArray[np.bool_]
    violation_pu: NDArray[np.float64]
    v_min_pu: NDArray[np.float64]
    v_max_pu: NDArray[np.float64]
    on_critical_bus: NDArray[np.bool_]
    sensitivity: NDArray[np.float64]
    critical_buses: tuple[tuple[str, ...], ...]
    undervoltage: NDArray[np.bool_]


class LimitRows(Protocol):
    """The limits that some schedule can break, as rows V_r(s) <= limit_r over seller totals.

    Examples
    --------
    >>> class Line:  # one bus, 0.05 p.u. of room, two sellers
    ...     effect_pu_per_kwh = np.array([[0.002, 0.001]])
    ...     def room_pu(self, sold_kwh):
    ...         return 0.05 - sold_kwh @ self.effect_pu_per_kwh.T
    >>> Line().room_pu(np.array([[10.0, 20.0]])).round(3).tolist()
    [[0.01]]
    """

    @property
    def effect_pu_per_kwh(self) -> NDArray[np.float64]:
        """About dV_r/ds_i, shape (q, m) [p.u./kWh], never negative."""
        ...

    def room_pu(self, sold_kwh: NDArray[np.float64]) -> NDArray[np.float64]:
        """Solve k candidates, `sold_kwh` (k, m), and return limit - V, (k, q) [p.u.].

        Negative where a limit is broken, -inf where the power flow has no solution.
        """
        ...


class NetworkCheck(Protocol):
    """Asks the feeder what candidate seller totals would do to its voltages."""

    def check(self, sold_kwh: NDArray[np.float64]) -> Voltages:
        """Check k candidates in one batch.

        Parameters
        ----------
        sold_kwh : (k, m) float
            Energy sold by each seller [kWh], aligned with the book's sellers.

        Returns
        -------
        Voltages
            Of the k candidates.
        """
        ...

    def rows(self, most_kwh: NDArray[np.float64]) -> LimitRows:
        """Return the upper limits that totals up to `most_kwh`, (m,) [kWh], can break.

        A search asks these many times, and `check` once at its end: intervals in which even the
        greatest sales stay below every limit need no power flow.
        """
        ...

    def base(self) -> Voltages:
        """Voltages with no sale at all (k = 1), judged against the limits alone."""
        ...
