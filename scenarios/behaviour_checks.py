"""What is wrong with flexible load and outages, seen beside the tariff and the run's days."""

from __future__ import annotations

import datetime as dt

from ..market.tariff import Tariff
from .flexible import window_minutes
from .problems import problem
from .schema import Scenario
from .schema_behaviour import OutageSection


def flexible_problems(scenario: Scenario, interval: int, place: str, tariff: Tariff) -> list[str]:
    """Problems of a flexible load's window: too short, or no whole number of intervals.

    Parameters
    ----------
    scenario : Scenario
        With a `flexible_load` section that is valid by itself.
    interval : int
        Metering interval [min].
    place : str
        The scenario file's name.
    tariff : Tariff
        Its first frame begins the market day.
    """
    section, path, found = scenario.flexible_load, "flexible_load", []
    if section.share <= 0.0:
        return []
    begin, end = window_minutes(section.earliest, section.latest, tariff.day_start_minute)
    for key, value, minutes in (
        ("earliest", section.earliest, float(begin)),
        ("latest", section.latest, float(end)),
        ("duration_hours", section.duration_hours, section.duration_hours * 60.0),
    ):
        if minutes % interval:
            wrong = f"is no whole number of intervals of {interval} min"
            remedy = "give a multiple, counted from the beginning of the market day"
            found.append(problem(place, f"{path}.{key}", value, wrong, remedy))
    day_start = f"{tariff.day_start_minute // 60:02d}:{tariff.day_start_minute % 60:02d}"
    if begin >= end:
        wrong = f"ends before it begins ({section.earliest}) in a market day from {day_start}"
        remedy = "keep earliest and latest within one market day"
        found.append(problem(place, f"{path}.latest", section.latest, wrong, remedy))
    elif section.duration_hours * 60.0 > end - begin:
        wrong = (
            f"is longer than its window of {(end - begin) / 60.0:g} h "
            f"({section.earliest} to {section.latest})"
        )
        remedy = "shorten it, or widen the window"
        found.append(
            problem(place, f"{path}.duration_hours", section.duration_hours, wrong, remedy)
        )
    return found


def outage_problems(scenario: Scenario, interval: int, place: str, tariff: Tariff) -> list[str]:
    """Problems of outages: outside the run, no whole number of intervals, one over the other.

    Parameters
    ----------
    scenario : Scenario
        With a `grid` section that is valid by itself, and the run's days.
    interval, place, tariff
        See `flexible_problems`.
    """
    found: list[str] = []
    begin = dt.datetime.combine(scenario.start, dt.time()) + dt.timedelta(
        minutes=tariff.day_start_minute
    )
    end = begin + dt.timedelta(days=scenario.days)
    earlier: list[tuple[dt.datetime, dt.datetime]] = []
    for number, outage in enumerate(scenario.grid.outages):
        path = f"grid.outages.{number}"
        if outage.start.tzinfo is not None:
            wrong, remedy = "has a time zone", "give local civil time"
            found.append(problem(place, f"{path}.start", outage.start, wrong, remedy))
            continue
        first, last = outage.start, outage.start + dt.timedelta(hours=outage.hours)
        if first < begin or last > end:
            wrong = f"lies outside the run, {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
            remedy = "move it, or change start or days"
            found.append(problem(place, path, _said(outage), wrong, remedy))
        minutes = (first - begin).total_seconds() / 60.0
        if minutes % interval or outage.hours * 60.0 % interval:
            wrong = f"is no whole number of intervals of {interval} min"
            remedy = "begin and end it with an interval"
            found.append(problem(place, path, _said(outage), wrong, remedy))
        if any(first < other[1] and other[0] < last for other in earlier):
            wrong, remedy = "overlaps another outage", "join the two"
            found.append(problem(place, path, _said(outage), wrong, remedy))
        earlier.append((first, last))
    return found


def _said(outage: OutageSection) -> str:
    return f"{outage.start:%Y-%m-%d %H:%M}, {outage.hours:g} h"
