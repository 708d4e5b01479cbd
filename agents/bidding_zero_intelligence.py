"""Bidding without intelligence, and with the least: ZI-C and ZIP."""

from __future__ import annotations

from .bidding import BiddingSetup, Need, Outcome, span_of


class ZeroIntelligence:
    """Any price that loses nothing, all equally likely: zero intelligence, constrained [1]_.

    A bid is uniform between the feed-in price and the reservation price, an ask between the
    reservation and the retail price. What such traders achieve shows what the market's rules alone
    achieve: in a continuous double auction nearly all gains from trade, because who does not trade
    asks again; in a single call a good part of them stays on the table (see
    `tests/agents/test_bidding.py`, which measures both).

    References
    ----------
    .. [1] D. K. Gode and S. Sunder, "Allocative efficiency of markets with zero-intelligence
       traders: market as a partial substitute for individual rationality", Journal of Political
       Economy 101(1), 1993, 119-137, doi:10.1086/261868.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> anyone = ZeroIntelligence(BiddingSetup(lambda: rng))
    >>> need = Need("bid", 2.0, 7.0, retail_per_kwh=8.0, feed_in_per_kwh=3.0)
    >>> prices = [anyone.quote(need) for _ in range(1000)]
    >>> round(min(prices), 1), round(max(prices), 1)
    (3.0, 7.0)
    """

    def __init__(self, setup: BiddingSetup | None = None) -> None:
        self._rng = (setup or BiddingSetup()).draw()

    def quote(self, need: Need) -> float:
        """Return a random price that is no worse than the reservation price."""
        away = float(self._rng.random()) * span_of(need)
        return need.reservation_per_kwh + (away if need.side == "ask" else -away)

    def observe(self, outcome: Outcome) -> None:
        """Nothing is learned."""


class ZeroIntelligencePlus:
    """A profit margin that follows the market by the Widrow-Hoff rule: ZIP [1]_.

    The margin m >= 0 stands between the reservation price L and the quote,
    p = L (1 + m) for asks, L (1 - m) for bids; after each frame the quote is moved towards a
    target tau by

        d = beta (tau - p),    g = gamma g + (1 - gamma) d,    p' = p + g,    tau = R q + A

    with q the clearing price, and R, A drawn near 1 and 0 so that the target lies a little on the
    modest side of q. Where nothing was traded at all, it lies there of the own quote. In the
    continuous auction that ZIP was made for, who traded aims beyond q, for it can come back when it
    missed; a frame is cleared in one sealed call, where who is past the price has missed the frame
    (tried: with targets beyond q half of the gains from trade are lost). A quote never passes the
    reservation price. Margins are learned apart for asks and bids and for each kind of frame.

    References
    ----------
    .. [1] D. Cliff and J. Bruten, "Minimal-intelligence agents for bargaining behaviours in
       market-based environments", HP Laboratories report HPL-97-91, Bristol, 1997.

    Examples
    --------
    A seller that starts high and does not sell comes down.

    >>> import numpy as np
    >>> seller = ZeroIntelligencePlus(BiddingSetup(lambda: np.random.default_rng(1)))
    >>> need = Need("ask", 2.0, 3.0, retail_per_kwh=8.0, feed_in_per_kwh=3.0)
    >>> for _ in range(50):
    ...     price = seller.quote(need)
    ...     sold = 2.0 if price <= 4.0 else 0.0
    ...     seller.observe(Outcome(need, price, sold, 4.0))
    >>> abs(seller.quote(need) - 4.0) < 0.2
    True
    """

    FARTHEST = 0.05  # R is drawn within this of 1, A within this [currency/kWh] of 0

    def __init__(self, setup: BiddingSetup | None = None) -> None:
        self._rng = (setup or BiddingSetup()).draw()
        self.rate = float(self._rng.uniform(0.1, 0.5))
        self.momentum = float(self._rng.uniform(0.0, 0.1))
        self.first_margin = float(self._rng.uniform(0.05, 0.35))
        self.margin: dict[tuple[str, str], float] = {}
        self._gradient: dict[tuple[str, str], float] = {}

    def quote(self, need: Need) -> float:
        """Return the reservation price moved by the margin, within the grid's prices."""
        margin = self.margin.get((need.side, need.frame), self.first_margin)
        away = min(margin * abs(need.reservation_per_kwh), span_of(need))
        return need.reservation_per_kwh + (away if need.side == "ask" else -away)

    def observe(self, outcome: Outcome) -> None:
        """Move the margin towards what the market paid."""
        need, quoted = outcome.need, outcome.quoted_per_kwh
        worth = abs(need.reservation_per_kwh)
        if worth <= 0.0:
            return
        ambition = 1.0 if need.side == "ask" else -1.0
        reference = quoted if outcome.mcp_per_kwh is None else outcome.mcp_per_kwh
        relative, absolute = self._rng.uniform(0.0, self.FARTHEST, 2)
        target = reference * (1.0 - ambition * relative) - ambition * absolute
        key = need.side, need.frame
        change = self.rate * (target - quoted)
        change = self.momentum * self._gradient.get(key, 0.0) + (1.0 - self.momentum) * change
        self._gradient[key] = float(change)
        away = (quoted + change - need.reservation_per_kwh) * ambition
        self.margin[key] = max(float(away), 0.0) / worth
