"""The mechanism without a market: everybody trades with the grid (the counterfactual)."""

from __future__ import annotations

import numpy as np

from .clearing import Clearing, GridTerms
from .mechanism import Traits
from .network_check import NetworkCheck
from .order import OrderBook


class GridOnly:
    """Clears nothing: what members do not net themselves they trade with the grid.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> GridOnly().clear(book, GridTerms(7.0, 3.0), np.random.default_rng(1)).traded_kwh
    0.0
    """

    traits = Traits(individually_rational=True, truthful="dominant")

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Return a clearing without trades.

        Parameters
        ----------
        book : OrderBook
            The orders.
        terms, rng
            Not used.

        Returns
        -------
        Clearing
            Status `no-trade`.
        """
        return Clearing.no_trade(book)

    def clear_constrained(
        self,
        book: OrderBook,
        terms: GridTerms,
        rng: np.random.Generator,
        network: NetworkCheck,
    ) -> Clearing:
        """Return a clearing without trades: nothing is left that a feeder could constrain.

        Without it no run with `network: constrained` would have its counterfactual.

        Parameters
        ----------
        book : OrderBook
            The orders.
        terms, rng, network
            Not used.

        Returns
        -------
        Clearing
            Status `no-trade`.
        """
        return Clearing.no_trade(book)
