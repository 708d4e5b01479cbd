"""Bidding that learns from its own profits: reinforcement by Roth and Erev."""

from __future__ import annotations

import numpy as np

from .bidding import BiddingSetup, Need, Outcome, span_of


class Adaptive:
    """Reinforcement learning over a grid of margins, from the member's own profits alone [1]_.

    A quote stands a share of the way from the reservation price to the grid's other price. Each
    share k has a propensity q_k, is chosen with probability q_k / sum q, and after a frame

        q_k <- (1 - phi) q_k + (1 - eps) R            for the share that was tried
        q_j <- (1 - phi) q_j + eps q_j / (K - 1)      for the others

    with R the profit over the greatest thinkable one (all sold at the grid's other price). This is
    the modified form of [2]_, in which what was not tried still moves when nothing is earned.
    Propensities are kept apart for asks and bids and for each kind of frame.

    References
    ----------
    .. [1] A. E. Roth and I. Erev, "Learning in extensive-form games: experimental data and simple
       dynamic models in the intermediate term", Games and Economic Behavior 8(1), 1995, 164-212,
       doi:10.1016/S0899-8256(05)80020-X.
    .. [2] J. Nicolaisen, V. Petrov and L. Tesfatsion, "Market power and efficiency in a
       computational electricity market with discriminatory double-auction pricing", IEEE
       Transactions on Evolutionary Computation 5(5), 2001, 504-523, doi:10.1109/4235.956714.

    Examples
    --------
    A buyer in a market at 4, with a value of 7: what bids below 4 never trades, and is unlearned.

    >>> buyer = Adaptive(BiddingSetup(lambda: np.random.default_rng(1)))
    >>> need = Need("bid", 1.0, 7.0, retail_per_kwh=8.0, feed_in_per_kwh=3.0)
    >>> for _ in range(300):
    ...     price = buyer.quote(need)
    ...     buyer.observe(Outcome(need, price, 1.0 if price >= 4.0 else 0.0, 4.0))
    >>> too_low = buyer.chances(need)[buyer.SHARES > 0.75].sum()
    >>> bool(too_low < 0.05)
    True
    """

    SHARES = np.linspace(0.0, 1.0, 11)
    RECENCY = 0.1
    EXPERIMENT = 0.2
    FIRST = 0.2  # about what a share earns: a market's profit is a few tenths of the span

    def __init__(self, setup: BiddingSetup | None = None) -> None:
        self._rng = (setup or BiddingSetup()).draw()
        self._propensity: dict[tuple[str, str], np.ndarray] = {}
        self._tried: int | None = None

    def chances(self, need: Need) -> np.ndarray:
        """Return the probability of each share for an order like this, (n_shares,)."""
        q = self._propensity.get((need.side, need.frame))
        if q is None:
            return np.full(len(self.SHARES), 1.0 / len(self.SHARES))
        return np.asarray(q / q.sum())

    def quote(self, need: Need) -> float:
        """Choose a share by its propensity, and return the price that it stands for."""
        reach = np.cumsum(self.chances(need))
        self._tried = min(
            int(np.searchsorted(reach, self._rng.random(), side="right")), len(reach) - 1
        )
        away = float(self.SHARES[self._tried]) * span_of(need)
        return need.reservation_per_kwh + (away if need.side == "ask" else -away)

    def observe(self, outcome: Outcome) -> None:
        """Reinforce the share that was tried by what it earned."""
        need, span = outcome.need, span_of(outcome.need)
        if self._tried is None or span <= 0.0 or need.quantity_kwh <= 0.0:
            return
        earned = 0.0
        if outcome.mcp_per_kwh is not None:
            gain = outcome.mcp_per_kwh - need.reservation_per_kwh
            gain = gain if need.side == "ask" else -gain
            earned = min(max(gain, 0.0) / span, 1.0) * outcome.traded_kwh / need.quantity_kwh
        key = need.side, need.frame
        q = self._propensity.get(key)
        q = np.full(len(self.SHARES), self.FIRST) if q is None else q
        others = self.EXPERIMENT * q / (len(q) - 1)
        new = (1.0 - self.RECENCY) * q + others
        new[self._tried] += (1.0 - self.EXPERIMENT) * earned - others[self._tried]
        self._propensity[key] = np.maximum(new, 1e-12)
        self._tried = None
