"""`optimum`: the greatest total surplus, the bound that other rules are measured against."""

from __future__ import annotations

import numpy as np

from ..clearing import Clearing, GridTerms
from ..mechanism import Traits
from ..order import OrderBook
from .uniform import Uniform


class Optimum:
    r"""Greatest sum of buyers' worth less sellers' cost, at the middle competitive price.

    .. math:: \max \sum_j b_j d_j - \sum_i a_i s_i, \quad \sum_i s_i = \sum_j d_j,
        \quad s_i \le G_i, \; d_j \le D_j

    in currency, with prices in currency/kWh and energies in kWh [1]_. The solution is the merit
    order; any price between the last matched orders and the first left over carries it, and here
    it is the middle of them. On prices that members misreport it is an optimum of the reports.

    References
    ----------
    .. [1] L. S. Shapley and M. Shubik, "The assignment game I: the core", International Journal of
       Game Theory 1 (1971) 111-130, doi:10.1007/BF01753437.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> done = Optimum().clear(book, GridTerms(7.0, 2.0), np.random.default_rng(1))
    >>> done.traded_kwh, done.mcp_per_kwh
    (4.0, 3.0)
    """

    traits = Traits(individually_rational=True, efficient=True)

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Trade the merit order at the middle competitive price."""
        return Uniform().clear(book, terms, rng)
