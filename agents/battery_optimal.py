"""Optimal battery: a linear program over the next day, all members in one sparse block program."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from .battery import BatteryFleet
from .battery_plan import BatteryPlan, Outlook

HORIZON_HOURS = 24.0
# Members solved together: HiGHS's time a member grows slowly beyond this.
BLOCK = 50
# Of equally cheap plans the earlier charge and the earlier discharge is taken [currency/kWh and
# interval]: too small to change what pays, large enough for the solver to see.
EARLIER_CHARGE = 1.0e-5
EARLIER_DISCHARGE = 1.4e-5
_KINDS = 5  # columns of an interval: charge from surplus, from grid, discharge home, sold; stored


class Optimal:
    r"""The cheapest plan of the next 24 hours at the prices that the member expects [1]_.

    Each member minimises, over the intervals t of the horizon,

        sum_t  sell_t c1_t + buy_t c2_t - (buy_t - wear) d1_t - (sell_t - wear) d2_t - v s_T
        s_t = s_{t-1} + eta (c1_t + c2_t) - (d1_t + d2_t) / eta,     empty <= s_t <= full
        c1_t <= surplus_t,   d1_t <= deficit_t,   c1_t + c2_t <= P h,   d1_t + d2_t <= P h

    with c1 charged from the own surplus (which then is not sold), c2 from the grid or from peers,
    d1 for the own need (which then is not bought) and d2 for others. As c1 is never dearer than
    c2, and d1 earns no less than d2, the shared limits of power split into bounds and the program
    has one row an interval: a flow on a path. What is left at the end is worth what replacing it
    from surplus would cost, v = least sell price / eta.

    The program of each member is independent of the others; they stand side by side as blocks of
    one sparse matrix, which HiGHS solves by the dual simplex method [2]_. What is for others (d2)
    is offered, and discharged only so far as the market buys it.

    References
    ----------
    .. [1] E. Nyholm, J. Goop, M. Odenberger and F. Johnsson, "Solar photovoltaic-battery systems
       in Swedish households", Applied Energy 183, 2016, 148-159,
       doi:10.1016/j.apenergy.2016.08.172.
    .. [2] Q. Huangfu and J. A. J. Hall, "Parallelizing the dual revised simplex method",
       Mathematical Programming Computation 10, 2018, doi:10.1007/s12532-017-0130-5.

    Examples
    --------
    Six at noon, eight in the evening: one kWh is bought ahead, 0.5 of wear counted.

    >>> fleet = BatteryFleet(np.array([4.0]), np.array([4.0]), 1.0, 0.0, 1.0, 0.5)
    >>> net = np.array([[0.0, -1.0]])
    >>> day = Outlook(net, np.array([6.0, 8.0]), n_frame=1, interval_hours=1.0)
    >>> plan = Optimal().plan(fleet, np.array([0.0]), day)
    >>> plan.charge_kwh, plan.from_grid_kwh
    (array([[1.]]), array([[1.]]))
    """

    def plan(self, fleet: BatteryFleet, stored_kwh: np.ndarray, outlook: Outlook) -> BatteryPlan:
        """Plan the frame as the first part of the day's cheapest plan."""
        n, n_frame = len(stored_kwh), outlook.n_frame
        horizon = max(n_frame, round(HORIZON_HOURS / outlook.interval_hours))
        horizon = min(horizon, outlook.net_kwh.shape[1])
        flows = np.zeros((4, n, n_frame))
        owner = np.flatnonzero(fleet.capacity_kwh * fleet.power_kw > 0.0)
        for first in range(0, len(owner), BLOCK):
            rows = owner[first : first + BLOCK]
            flows[:, rows] = _solve(fleet, stored_kwh, outlook, rows, horizon)[:4, :, :n_frame]
        own, grid, home, sold = flows
        return BatteryPlan(own + grid, home, sold, grid)


def _solve(
    fleet: BatteryFleet,
    stored_kwh: np.ndarray,
    outlook: Outlook,
    rows: np.ndarray,
    horizon: int,
) -> np.ndarray:
    """Solve a block of members: (kinds, len(rows), horizon) [kWh at the terminals; inside]."""
    eta, wear = fleet.one_way_efficiency, fleet.wear_cost_per_kwh
    net = outlook.net_kwh[rows, :horizon]
    shape = net.shape
    buy = np.broadcast_to(outlook.buy_of(rows)[:, :horizon], shape)
    sell = np.broadcast_to(outlook.sell_of(rows)[:, :horizon], shape)
    energy = fleet.power_kw[rows, None] * outlook.interval_hours
    own = np.minimum(np.maximum(net, 0.0), energy)
    home = np.minimum(np.maximum(-net, 0.0), energy)
    most = np.stack(
        [own, energy - own, home, energy - home, np.broadcast_to(fleet.full_kwh[rows, None], shape)]
    )
    least = np.zeros_like(most)
    least[4] = fleet.empty_kwh[rows, None]
    later = np.arange(horizon)
    charge, discharge = EARLIER_CHARGE * (later + 1), EARLIER_DISCHARGE * later
    cost = np.stack(
        [
            sell + charge,
            buy + charge,
            wear - buy + discharge,
            wear - sell + discharge,
            np.zeros(shape),
        ]
    )
    cost[4, :, -1] = -sell.min(axis=1) / eta
    one = sp.eye_array(horizon)
    content = sp.hstack(
        [
            -eta * one,
            -eta * one,
            one / eta,
            one / eta,
            one - sp.eye_array(horizon, k=-1),
        ]
    )
    held = np.zeros(shape)
    held[:, 0] = np.clip(stored_kwh[rows], fleet.empty_kwh[rows], fleet.full_kwh[rows])

    def by_member(values: np.ndarray) -> np.ndarray:
        return values.transpose(1, 0, 2).ravel()

    found = linprog(  # type: ignore[call-overload]  # the stubs know no sparse arrays
        by_member(cost),
        A_eq=sp.kron(sp.eye_array(len(rows)), content, format="csr"),
        b_eq=held.ravel(),
        bounds=np.stack([by_member(least), by_member(most)], axis=1),
        method="highs-ds",
        options={"presolve": False},  # the blocks have nothing to presolve; it takes a third more
    )
    if found.status != 0:  # always feasible: leaving the battery alone is a solution
        raise RuntimeError(f"HiGHS found no battery plan: {found.message}")
    solved = found.x.reshape(len(rows), _KINDS, horizon).transpose(1, 0, 2)
    return np.asarray(np.clip(solved, least, most))
