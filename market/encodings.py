"""Encodings: what one individual of the genetic search carries, and how it is kept feasible.

Every individual is repaired to respect supply and demand limits before it is valued, so the
search never spends a generation outside them.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .encoding_marginal import Marginal
from .encoding_pairwise import Pairwise

FloatArray = NDArray[np.float64]


class Encoding(Protocol):
    """Genes of a market, and the way between them and totals.

    Examples
    --------
    >>> sorted(ENCODINGS)
    ['marginal', 'pairwise']
    """

    upper: FloatArray

    def encode(
        self, sold_kwh: FloatArray, bought_kwh: FloatArray, price_per_kwh: FloatArray
    ) -> FloatArray:
        """Write totals as genes, shape (k, n_genes)."""
        ...

    def random(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Draw genes without knowledge of the problem's structure."""
        ...

    def repair(self, genes: FloatArray) -> FloatArray:
        """Make genes respect supply, demand and balance."""
        ...

    def decode(
        self, genes: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray | None]:
        """Return sold, bought, price and, where genes are pairs, energies (k, m, n)."""
        ...

    def sell_less(self, genes: FloatArray, sold_kwh: FloatArray) -> FloatArray:
        """Lower genes to seller totals (k, m) that are nowhere above theirs; buyers follow."""
        ...

    def exchange(self, genes: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Vary genes by moving energy between members at random."""
        ...


ENCODINGS: dict[str, type[Marginal] | type[Pairwise]] = {
    "marginal": Marginal,
    "pairwise": Pairwise,
}
