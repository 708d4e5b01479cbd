"""The market section of a scenario as the market reads it, and what it says before a run."""

from __future__ import annotations

from ..market.clearing import GridTerms
from ..market.mechanism import (
    RULE_NAMES,
    ClearingRules,
    mechanism_notes,
    mechanism_problems,
    rules_problems,
)
from ..market.tariff import Tariff
from .schema import MarketSection, Scenario

_KEYS = {"fixed_price": "fixed_price_per_kwh", "grid_margin": "grid_margin_per_kwh"}


def clearing_rules(market: MarketSection) -> ClearingRules:
    """Return the clearing rules of a scenario's market section.

    Parameters
    ----------
    market : MarketSection
        Checked by itself.

    Returns
    -------
    ClearingRules
        Key by key.

    Examples
    --------
    >>> clearing_rules(MarketSection(mechanism="vcg")).mechanism
    'vcg'
    """
    return ClearingRules(**{name: getattr(market, _KEYS.get(name, name)) for name in RULE_NAMES})


def market_problems(market: MarketSection, tariff: Tariff | None) -> list[str]:
    """What a mechanism needs that the scenario does not give.

    Parameters
    ----------
    market : MarketSection
        Checked by itself.
    tariff : Tariff, optional
        Prices of the ToD frames.

    Returns
    -------
    list of str
        ``market.key: value: what is wrong: what to do``.

    Examples
    --------
    >>> market_problems(MarketSection(mechanism="vcg", network="constrained"), None)
    ["market.network: 'constrained' needs a mechanism with a search, vcg has none: use \
adaptive-capping"]
    """
    rules = clearing_rules(market)
    problems = rules_problems(rules)
    if not problems and tariff is not None:
        for name in tariff.frame_names:
            terms = GridTerms(tariff.retail_per_kwh(name), max(tariff.feed_in_per_kwh, 0.0))
            problems += mechanism_problems(rules, terms)
    return [f"market.{line}" for line in dict.fromkeys(problems)]


def market_notes(scenario: Scenario) -> tuple[str, ...]:
    """What a reader should know of the mechanism before the run.

    Parameters
    ----------
    scenario : Scenario
        Checked.

    Returns
    -------
    tuple of str
        A fallback that it begins with; empty for most mechanisms.

    Examples
    --------
    >>> from gridbazaar.scenarios.load import load_scenario
    >>> market_notes(load_scenario("kerala-village"))
    ()
    """
    return mechanism_notes(clearing_rules(scenario.market))
