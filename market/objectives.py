"""The two objectives of a clearing, by name: buyer side f1 and seller side f2, both maximised.

An objective set values totals, knows its exact front, and says whether the two sides conflict at
all. The published set's f1 has no invariant unit (an empty pair costs 13.8 b_j, and the number
of pairs varies): never sum it over frames or compare it across mechanisms.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .frame_market import FrameMarket, Points
from .objective_per_buyer import PerBuyer
from .objective_published import Published
from .objective_surplus import Surplus

FloatArray = NDArray[np.float64]


class Objectives(Protocol):
    """A pair of objectives on seller and buyer totals."""

    name: str
    default_choice: str
    price_in_search: bool

    def values(
        self,
        market: FrameMarket,
        sold_kwh: FloatArray,
        bought_kwh: FloatArray,
        price_per_kwh: FloatArray,
        final: bool,
    ) -> tuple[FloatArray, FloatArray]:
        """Return f1, f2 of k candidates; `final` asks for full precision at any size."""
        ...

    def by_member(self, market: FrameMarket, points: Points) -> FloatArray:
        """Return the welfare of each seller and each buyer at k points, (k, m + n)."""
        ...

    def seeds(self, market: FrameMarket, count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return sold, bought and price of about `count` good starting points of a search."""
        ...

    def bought_for(self, market: FrameMarket, totals: FloatArray) -> FloatArray:
        """Return the best buyer totals (k, n) for given traded energies (k,)."""
        ...

    def conflict(self, market: FrameMarket) -> bool:
        """Tell whether f1 and f2 want different schedules (else the front has collapsed)."""
        ...

    def exact_front(self, market: FrameMarket, points: int) -> Points:
        """Return the front from the structure of the problem."""
        ...


OBJECTIVES: dict[str, Objectives] = {
    "published": Published(),
    "per-buyer": PerBuyer(),
    "surplus": Surplus(),
}
