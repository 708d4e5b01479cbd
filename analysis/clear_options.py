"""What may be wrong with the options of `gridbazaar clear`, before anything is cleared."""

from __future__ import annotations

import math
from pathlib import Path

from ..market.mechanism import ClearingRules, rules_problems
from ..network.library import load_feeder
from ..network.problems import FeederError
from ..scenarios.problems import problem
from .new_directory import new_directory_problems
from .order_files import FrameOrders

_OPTION_OF_RULE = {"fixed_price": "mcp", "network": "method"}
_OF_FRONTS = (
    "price_rule",
    "fixed_price",
    "participation",
    "objectives",
    "engine",
    "encoding",
    "choose",
    "population",
    "generations",
)


def rule_problems(
    rules: ClearingRules, mcp: float | None, retail: float | None, feed_in: float | None
) -> list[str]:
    """List what is wrong with rules and prices, by the names of the command's options."""
    found = []
    for line in rules_problems(rules):
        name, _, rest = line.partition(":")
        found.append(f"--{_OPTION_OF_RULE.get(name, name).replace('_', '-')}:{rest}")
    for name, value in (("--retail", retail), ("--feed-in", feed_in)):
        if value is not None and not (math.isfinite(value) and value >= 0.0):
            found.append(f"{name}: {value}: give a finite number >= 0")
    if None not in (retail, feed_in) and feed_in > retail:  # type: ignore[operator]
        found.append(f"--feed-in: {feed_in}: is above the retail price {retail}: exchange them")
    if rules.mechanism != "pareto":
        found += _front_problems(rules)
        needed = {"--retail": retail, "--feed-in": feed_in}
    elif rules.objectives == "surplus":
        if mcp is not None:
            found.append(f"--mcp: {mcp}: the objectives surplus find the price: leave it out")
        needed = {"--retail": retail, "--feed-in": feed_in}
    elif mcp is not None:
        if rules.price_rule != "fixed":
            found.append(f"--mcp: {mcp}: --price-rule sets the price: give one of the two")
        needed = {}
    elif rules.price_rule == "mid-market":
        needed = {"--retail": retail, "--feed-in": feed_in}
    elif rules.price_rule != "fixed":
        needed = {"--retail": retail}
    else:
        needed = {}
    for name, value in needed.items():
        if value is None:
            rule = "surplus" if rules.objectives == "surplus" else rules.price_rule
            rule = rule if rules.mechanism == "pareto" else rules.mechanism
            by_hand = "" if rule in ("surplus", rules.mechanism) else ", or a price by --mcp"
            found.append(f"{name}: (not given): {rule} needs it: give it{by_hand}")
    return found


def _front_problems(rules: ClearingRules) -> list[str]:
    """List options that only `pareto`, which has a front, takes notice of."""
    usual = ClearingRules()
    return [
        f"--{_OPTION_OF_RULE.get(name, name).replace('_', '-')}: {getattr(rules, name)}: has no "
        f"effect on the mechanism {rules.mechanism}: leave it out"
        for name in _OF_FRONTS
        if getattr(rules, name) != getattr(usual, name)
        and not (name == "price_rule" and rules.fixed_price is not None)
    ]


def option_problems(
    feeder: str | Path | None,
    hours: float | None,
    source_voltage: float | None,
    seed: int,
    out: str | Path | None,
) -> list[str]:
    """List what is wrong with the other options."""
    found = []
    if feeder is None:
        found += [
            f"{name}: {value}: has no effect without a feeder: give --feeder"
            for name, value in (("--hours", hours), ("--source-voltage", source_voltage))
            if value is not None
        ]
    elif hours is None:
        found.append("--hours: (not given): a feeder turns energy into power: give the frame's")
    elif not (math.isfinite(hours) and 0.0 < hours <= 24.0):
        found.append(f"--hours: {hours}: give the frame's length, above 0 and at most 24")
    if source_voltage is not None and not 0.5 <= source_voltage <= 1.5:
        found.append(f"--source-voltage: {source_voltage}: give a number from 0.5 to 1.5 p.u.")
    if seed < 0:
        found.append(f"--seed: {seed}: give a whole number >= 0")
    if out is not None:
        found += new_directory_problems(Path(out))
    return found


def bus_problems(orders: FrameOrders, feeder: str | Path) -> list[str]:
    """List the members whose bus the feeder does not have."""
    try:
        known = load_feeder(feeder).bus_names
    except FeederError as error:
        return error.problems
    found = []
    for member, place in orders.place_of.items():
        bus = orders.bus_of.get(member, "")
        if bus not in known:
            wrong = f"feeder {feeder} has no such bus" if bus else "the feeder check needs a bus"
            some = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
            found.append(problem(place, "bus", bus, wrong, f"use one of {some}"))
    return found
