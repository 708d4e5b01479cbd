"""What a mechanism may be able to do for the network loop, beyond clearing a book."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from .clearing import Clearing, GridTerms
from .network_check import NetworkCheck
from .order import OrderBook


@runtime_checkable
class ClearsAgain(Protocol):
    """It can hold its price and start from an earlier front.

    What it clears again has no pairs until it is known to be what will be carried out.
    """

    def clear_again(
        self, book: OrderBook, terms: GridTerms, rng: np.random.Generator, earlier: Clearing
    ) -> Clearing:
        """Clear a capped book from an earlier clearing."""
        ...

    def paired(self, book: OrderBook, clearing: Clearing) -> Clearing:
        """Write the pairs of a schedule."""
        ...


@runtime_checkable
class ChoosesUnsearched(Protocol):
    """Its choice may be known without its front, so that rounds of capping need no search."""

    def choice_is_known(self) -> bool:
        """Tell whether it is."""
        ...

    def clear_chosen(self, book: OrderBook, terms: GridTerms, earlier: Clearing) -> Clearing:
        """Clear a capped book for the chosen point alone."""
        ...

    def clear_anew(
        self, book: OrderBook, terms: GridTerms, rng: np.random.Generator, earlier: Clearing
    ) -> Clearing:
        """Clear a capped book at the price of an earlier clearing, with its whole front."""
        ...


@runtime_checkable
class Switches(Protocol):
    """It can write another point of its front as the clearing."""

    def switch_to(self, book: OrderBook, clearing: Clearing, point: int) -> Clearing:
        """Take another point."""
        ...


@runtime_checkable
class Searches(Protocol):
    """It can take voltages into its search."""

    def clear_constrained(
        self,
        book: OrderBook,
        terms: GridTerms,
        rng: np.random.Generator,
        network: NetworkCheck,
    ) -> Clearing:
        """Clear a book; every point of the front passes the check."""
        ...
