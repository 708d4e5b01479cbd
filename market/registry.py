"""The lists of names: each family of rules is one dict, and the list exists once, here.

A new rule is a function or class in one file of its family, entered in that family's dict.
"""

from __future__ import annotations

from collections.abc import Callable

from .capping_options import CAP_BASES, NETWORK_METHODS, SWITCHES
from .choice import CHOICE_RULES
from .encodings import ENCODINGS
from .engines import ENGINES
from .grid_only import GridOnly
from .mechanism import ClearingRules, Mechanism
from .objectives import OBJECTIVES
from .pareto import WHOSE, Pareto
from .participation import PARTICIPATION
from .price import PRICE_RULES

MECHANISMS: dict[str, Callable[[ClearingRules], Mechanism]] = {
    "pareto": Pareto,
    "grid-only": lambda rules: GridOnly(),
}

__all__ = [
    "CAP_BASES",
    "CHOICE_RULES",
    "ENCODINGS",
    "ENGINES",
    "MECHANISMS",
    "NETWORK_METHODS",
    "OBJECTIVES",
    "PARTICIPATION",
    "PRICE_RULES",
    "SWITCHES",
    "WHOSE",
]
