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
from .mechanisms.agv import AGV
from .mechanisms.bill_sharing import BillSharing
from .mechanisms.competition_padding import CompetitionPadding
from .mechanisms.continuous import Continuous
from .mechanisms.mcafee import McAfee
from .mechanisms.mid_market_rate import MidMarketRate
from .mechanisms.optimum import Optimum
from .mechanisms.pay_as_bid import PayAsBid
from .mechanisms.supply_demand_ratio import SupplyDemandRatio
from .mechanisms.trade_reduction import TradeReduction
from .mechanisms.uniform import Uniform
from .mechanisms.vcg import VCG
from .objectives import OBJECTIVES
from .pareto import WHOSE, Pareto
from .participation import PARTICIPATION
from .price import PRICE_RULES

MECHANISMS: dict[str, Callable[[ClearingRules], Mechanism]] = {
    "pareto": Pareto,
    "optimum": lambda rules: Optimum(),
    "mid-market-rate": lambda rules: MidMarketRate(),
    "supply-demand-ratio": lambda rules: SupplyDemandRatio(),
    "bill-sharing": lambda rules: BillSharing(),
    "uniform": Uniform,
    "pay-as-bid": PayAsBid,
    "mcafee": lambda rules: McAfee(),
    "trade-reduction": lambda rules: TradeReduction(),
    "continuous": lambda rules: Continuous(),
    "vcg": lambda rules: VCG(),
    "agv": AGV,
    "competition-padding": CompetitionPadding,
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
