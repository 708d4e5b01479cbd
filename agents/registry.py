"""The names that a scenario may use for forecasts, strategies and curtailment.

To add one: write a small class with the methods of its protocol, enter it here, done; the scenario
schema reads its list of known names from these dicts.
"""

from __future__ import annotations

from collections.abc import Callable

from .battery_greedy import Greedy
from .battery_optimal import Optimal
from .battery_plan import BatteryStrategy
from .battery_time_of_use import TimeOfUse
from .bidding import BiddingSetup, BiddingStrategy, FixedMargin, Truthful
from .bidding_adaptive import Adaptive
from .bidding_zero_intelligence import ZeroIntelligence, ZeroIntelligencePlus
from .curtailment import CurtailmentRule, by_sensitivity, proportional
from .forecast import Forecast, ForecastSetup, Persistence, Weekly
from .forecast_average import Autoregressive, Average
from .forecast_given import Noisy, Perfect

FORECASTS: dict[str, Callable[[ForecastSetup], Forecast]] = {
    "persistence": Persistence,
    "weekly": Weekly,
    "average": Average,
    "ar": Autoregressive,
    "perfect": Perfect,
    "noisy": Noisy,
}

BATTERY_STRATEGIES: dict[str, Callable[[], BatteryStrategy]] = {
    "greedy": Greedy,
    "time-of-use": TimeOfUse,
    "optimal": Optimal,
}

BIDDING_STRATEGIES: dict[str, Callable[[BiddingSetup], BiddingStrategy]] = {
    "truthful": Truthful,
    "zero-intelligence": ZeroIntelligence,
    "zero-intelligence-plus": ZeroIntelligencePlus,
    "adaptive": Adaptive,
    "fixed-margin": FixedMargin,
}

CURTAILMENT_RULES: dict[str, CurtailmentRule] = {
    "proportional": proportional,
    "sensitivity": by_sensitivity,
}
