"""`agv`: everybody gets what it does to the others on average, and the money balances."""

from __future__ import annotations

import copy

import numpy as np
from numpy.typing import NDArray

from ..clearing import Clearing, GridTerms
from ..mechanism import ClearingRules, Traits
from ..order import OrderBook
from ..price import PriceSettings, k_double_auction, merit_order_margin
from ..price_history import PriceHistory
from .agv_prior import KernelPrior, KnowsAlike, Prior, uniform_prior
from .externality import expected_externality
from .merit import fill, values_per_kwh
from .outcome import outcome, pairs, priced

FloatArray = NDArray[np.float64]


class AGV:
    r"""Expected-externality mechanism of d'Aspremont and Gerard-Varet, and Arrow [1]_ [2]_.

    The merit order of the reports trades. Let h_k be the surplus of all others that member k's
    report leads to on average, over the prior of the others' prices:

    .. math:: h_k(\theta_k) = E_{\theta_{-k}} \sum_{l \ne k} v_l(x^*(\theta_k, \theta_{-k})),
        \quad t_k = h_k - \frac{1}{N - 1} \sum_{l \ne k} h_l

    [currency], v_l = b_l d_l for a buyer and -a_l s_l for a seller. Member k gets t_k for all that
    it trades: a seller ends with t_k - a_k s_k, a buyer with b_k d_k + t_k. The t_k sum to 0
    exactly; stating one's price is best on average, if the others do and the prior is right, ties
    and priors with mass at one price included (h_k shares a price step as the trade does). It is
    *not* individually rational: with two members whose prices are 0 or 1 with even odds the worst
    types together expect -1/4 (-1/6 if they are uniform on 0 to 1, the subsidy that [3]_ shows no
    mechanism can do without). All orders of the book take part, those that trade nothing too.

    The formulas are the papers'. Ours: members are orders of any size in kWh whose size is known;
    the prior of each price is a kernel density of the member's own past orders (`KernelPrior`;
    `uniform_prior` until there are `market.prior_orders` of them); the expectation is a mean over
    `market.prior_samples` draws, the same for all members; members with the same order and the same
    prior leave out the same draw of them, and so get the same to the bit (`externality`); money is
    paid as price times energy at the middle competitive price, and the rest of t_k is a posting of
    its own.

    Parameters
    ----------
    rules : ClearingRules, optional
        `prior_samples` and `prior_orders` are used.
    prior : Prior, optional
        Draws the members' prices; uniform between feed-in and retail without it.

    References
    ----------
    .. [1] C. d'Aspremont and L.-A. Gerard-Varet, "Incentives and incomplete information", Journal
       of Public Economics 11 (1979) 25-45, doi:10.1016/0047-2727(79)90043-4.
    .. [2] K. J. Arrow, "The property rights doctrine and demand revelation under incomplete
       information", in *Economics and Human Welfare*, Academic Press, 1979, 23-39.
    .. [3] R. B. Myerson and M. A. Satterthwaite, "Efficient mechanisms for bilateral trading",
       Journal of Economic Theory 29 (1983) 265-281, doi:10.1016/0022-0531(83)90048-0.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [4.0], ("b",), [6.0], [4.0])
    >>> done = AGV().clear(book, GridTerms(7.0, 2.0), np.random.default_rng(1))
    >>> abs(float(done.paid.sum() - done.received.sum())) < 1e-9
    True
    """

    traits = Traits(
        individually_rational=False, uniform_price=False, efficient=True, truthful="bayesian"
    )

    def __init__(self, rules: ClearingRules | None = None, prior: Prior = uniform_prior) -> None:
        self.rules = rules or ClearingRules()
        self.prior = prior
        self.notes = (
            f"agv: the prior of a member's price is estimated from its own past orders of the run; "
            f"until there are {self.rules.prior_orders} on a side it is the fallback 'uniform "
            "between feed-in and retail'",
        )

    def with_history(self, history: PriceHistory) -> AGV:
        """Return the mechanism with priors from past orders.

        Parameters
        ----------
        history : PriceHistory
            What the market operator has seen before this frame.

        Returns
        -------
        AGV
            A new one; this one is not changed.
        """
        return AGV(self.rules, KernelPrior(history, self.rules.prior_orders))

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Trade the merit order and pay everybody its expected externality."""
        if book.m == 0 or book.n == 0:
            return Clearing.no_trade(book)
        margin = merit_order_margin(book, terms.retail_per_kwh)
        value = values_per_kwh(book, terms)
        sold = fill(book.offer_per_kwh, book.capacity_kwh, margin.matched_kwh)
        bought = fill(-value, book.demand_kwh, margin.matched_kwh)
        price = 0.0
        if margin.matched_kwh > 0.0:
            price = k_double_auction(margin, terms, PriceSettings())
        # A copy: every round of the network loop averages over the same draws.
        offers, bids = self.prior(book, terms, self.rules.prior_samples, copy.deepcopy(rng))
        bids = np.minimum(bids, terms.retail_per_kwh)  # as the market counts them
        alike = self.prior.alike(book) if isinstance(self.prior, KnowsAlike) else None
        externality = expected_externality(book, value, offers, bids, alike)
        transfer = balanced(externality, np.concatenate([book.capacity_kwh, book.demand_kwh]) > 0)
        deals = priced(pairs(book, sold, bought), price, price)
        return outcome(
            book,
            deals,
            price,
            transfer[: book.m] - deals.received(book.m),
            transfer[book.m :] + deals.paid(book.n),
        )


def balanced(externality: FloatArray, takes_part: NDArray[np.bool_]) -> FloatArray:
    """Return t_k = h_k - sum_{l != k} h_l / (N - 1) among those that take part.

    Parameters
    ----------
    externality : (k,) float
        h_k [currency].
    takes_part : (k,) bool
        Members with an order for some energy.

    Returns
    -------
    numpy.ndarray, shape (k,)
        Transfers [currency]; they sum to 0.

    Examples
    --------
    >>> balanced(np.array([0.5, -0.25]), np.array([True, True])).tolist()
    [0.75, -0.75]
    """
    n = int(takes_part.sum())
    if n < 2:
        return np.zeros(externality.size)
    h = np.where(takes_part, externality, 0.0)
    return np.where(takes_part, h - (h.sum() - h) / (n - 1), 0.0)
