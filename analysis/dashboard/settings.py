"""What a reader may change on the page, and how a change becomes a checked scenario.

A choice never reaches a path or a shell: names must stand in the list that the page shows, numbers
are read as numbers, and the scenario's loader checks the whole like a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...market.tariff_presets import preset_names
from ...scenarios.load import load_scenario
from ...scenarios.names import known_names
from ...scenarios.problems import ScenarioError, problem
from ...scenarios.schema import Scenario

AS_GIVEN = "as in the scenario"
OWN_RULE = "the objectives' own"
MOST_DAYS = 120
SEED_LIMIT = 2**63 - 1


@dataclass(frozen=True)
class Setting:
    """One control.

    Attributes
    ----------
    name, label, path : str
        Keyword of the model, words on the page, key of the scenario.
    value : Any
        What the scenario has.
    names : tuple of str
        The names to choose from; empty for numbers.
    low, high, step : float
        Range of a slider; `high` 0 is a number that is typed.
    """

    name: str
    label: str
    path: str
    value: Any
    names: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float = 1.0

    def problem(self, value: Any) -> str | None:
        """Return what is wrong with a value that came from the browser, or None."""
        if self.names:
            known = isinstance(value, str) and value in self.names
            remedy = f"use one of {', '.join(self.names)}"
            return None if known else problem("page", self.path, value, "unknown name", remedy)
        if self.high == 0.0:
            text = str(value).strip()
            sound = text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= SEED_LIMIT
            wrong, remedy = "is not a whole number", f"give 0 to {SEED_LIMIT}"
            return None if sound else problem("page", self.path, value, wrong, remedy)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and self.low <= value <= self.high:
            return None
        wrong, remedy = "is outside the slider", f"give {self.low:g} to {self.high:g}"
        return problem("page", self.path, value, wrong, remedy)

    def override(self, value: Any) -> str | None:
        """Return a sound value as `path=value`, or None where the scenario stays as it is."""
        if self.names:
            changed = value != self.value and value != AS_GIVEN
            text = "null" if value == OWN_RULE else str(value)
        elif self.high == 0.0:
            changed, text = int(value) != int(self.value), str(int(value))
        else:
            changed, text = value != self.value, repr(value)
        return f"{self.path}={text}" if changed else None


def settings_of(scenario: Scenario) -> tuple[Setting, ...]:
    """Return the page's controls for a scenario, each at the scenario's value.

    Parameters
    ----------
    scenario : Scenario
        Checked. Where it lists its members in a file, shares of PV and batteries are no controls.

    Returns
    -------
    tuple of Setting
        In the order of the page.

    Examples
    --------
    >>> from gridbazaar.scenarios.load import load_scenario
    >>> settings = settings_of(load_scenario("kerala-village"))
    >>> settings[0].name, settings[0].value, settings[0].override(0.5)
    ('pv_share', 0.35, 'members.generate.pv_share=0.5')
    """
    market, drawn = scenario.market, scenario.members.generate
    shares: tuple[Setting, ...] = ()
    if drawn is not None:
        shares = tuple(
            Setting(name, label, f"members.generate.{name}", value, high=1.0, step=0.05)
            for name, label, value in (
                ("pv_share", "Share of homes with PV", drawn.pv_share),
                ("battery_share", "Share with battery", drawn.battery_share),
            )
        )
    tariff = scenario.tariff
    shipped = isinstance(tariff, str) and tariff in preset_names()
    tariffs = preset_names() if shipped else (AS_GIVEN, *preset_names())
    return (
        *shares,
        Setting("tariff", "Tariff", "tariff", tariff if shipped else AS_GIVEN, tariffs),
        Setting(
            "price_rule",
            "Price rule",
            "market.price_rule",
            market.price_rule,
            known_names("PRICE_RULES"),
        ),
        Setting(
            "choose",
            "Choice from the front",
            "market.choose",
            market.choose or OWN_RULE,
            (OWN_RULE, *known_names("CHOICE_RULES")),
        ),
        Setting(
            "network",
            "Network method",
            "market.network",
            market.network,
            known_names("NETWORK_METHODS"),
        ),
        Setting(
            "forecast",
            "Forecast",
            "forecast.name",
            scenario.forecast.name,
            known_names("FORECASTS"),
        ),
        Setting("seed", "Seed", "seed", str(scenario.seed)),
        Setting("days", "Days", "days", scenario.days, low=1, high=max(MOST_DAYS, scenario.days)),
    )


def chosen_scenario(
    name: str,
    overrides: Sequence[str],
    settings: Sequence[Setting],
    choices: Mapping[str, Any],
) -> Scenario:
    """Return the scenario with the page's choices laid over it.

    Parameters
    ----------
    name : str
        Scenario as the command was given it, with its `overrides`.
    settings : sequence of Setting
        The page's controls.
    choices : mapping of str to Any
        Values by name of control; a control that is missing stays as the scenario has it.

    Returns
    -------
    Scenario
        Checked as `load_scenario` does; it keeps every bus voltage for the page.

    Raises
    ------
    ScenarioError
        With every problem.

    Examples
    --------
    >>> from gridbazaar.scenarios.load import load_scenario
    >>> settings = settings_of(load_scenario("kerala-village"))
    >>> chosen_scenario("kerala-village", [], settings, {"days": 3, "seed": "7"}).days
    3
    >>> try:
    ...     chosen_scenario("kerala-village", [], settings, {"seed": "x", "tariff": "../a.yaml"})
    ... except ScenarioError as error:
    ...     print(len(error.problems), error.problems[1])
    2 page: seed: x: is not a whole number: give 0 to 9223372036854775807
    """
    problems, changes = [], []
    for setting in settings:
        value = choices.get(setting.name, setting.value)
        wrong = setting.problem(value)
        if wrong:
            problems.append(wrong)
        elif change := setting.override(value):
            changes.append(change)
    if problems:
        raise ScenarioError(problems)
    return load_scenario(name, [*overrides, *changes, "outputs.bus_voltages=true"])
