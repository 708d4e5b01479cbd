"""The figures of a run: each a function of its results, with a computed sentence beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from ...sim.results import Results
from . import energy, fronts, members, prices, trades, voltages
from .style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, YELLOW

__all__ = [
    "BLUE",
    "FIGURES",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "RED",
    "SKY",
    "YELLOW",
    "RunFigure",
]


@dataclass(frozen=True)
class RunFigure:
    """One figure of the report.

    Attributes
    ----------
    title : str
        Its heading.
    draw : callable
        Draws it from a run's results.
    says : callable
        Says in a sentence, with numbers of this run, what it shows.
    """

    title: str
    draw: Callable[[Results], Figure]
    says: Callable[[Results], str]


FIGURES: dict[str, RunFigure] = {
    "energy_by_day": RunFigure(
        "Energy, day by day", energy.energy_by_day, energy.says_energy_by_day
    ),
    "prices": RunFigure("Prices and their bounds", prices.prices, prices.says_prices),
    "energy_by_frame": RunFigure(
        "Traded, served by the grid, exported, curtailed",
        energy.energy_by_frame,
        energy.says_energy_by_frame,
    ),
    "average_day": RunFigure("The average day", energy.average_day, energy.says_average_day),
    "savings": RunFigure("What each member gained", members.savings, members.says_savings),
    "trade_matrix": RunFigure(
        "Who trades with whom", trades.trade_matrix, trades.says_trade_matrix
    ),
    "pareto_front": RunFigure(
        "The Pareto front and the choice", fronts.pareto_front, fronts.says_pareto_front
    ),
    "deviations": RunFigure(
        "Deviations from schedule", members.deviations, members.says_deviations
    ),
    "voltage_map": RunFigure("Voltages over time", voltages.voltage_map, voltages.says_voltage_map),
    "voltage_profile": RunFigure(
        "Voltages along the feeder", voltages.voltage_profile, voltages.says_voltage_profile
    ),
    "feeder_map": RunFigure(
        "The feeder at its worst", voltages.feeder_map, voltages.says_feeder_map
    ),
}
