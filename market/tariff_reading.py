"""Build tariffs and rule presets from plain dicts, and say everything that is wrong with them.

The data files in `tariffs/` are read as text by the scenarios room; here only the dict is judged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, cast

from .plain_data import LARGEST, PlainData
from .tariff import (
    Banking,
    GridSupport,
    Imbalance,
    Metering,
    Netting,
    P2PRules,
    Slab,
    Tariff,
    TariffError,
)
from .tod import MINUTES_PER_DAY, ToDFrame, coverage_problems

METERINGS = ("net-billing", "net-metering", "gross-metering")
NETTINGS = ("frame", "interval", "month")


def tariff_from_dict(data: object, place: str) -> Tariff:
    """Build a tariff from a plain dict, as YAML text or a scenario gives it.

    Parameters
    ----------
    data : dict
        Keys as in the files of `market/tariffs/`; prices in major units per kWh, energy in kWh,
        times as `HH:MM`.
    place : str
        The file's name, for the messages.

    Returns
    -------
    Tariff
        Checked, its frames in the order of the market day, its slabs ascending.

    Raises
    ------
    TariffError
        With every problem as `file: path: value: what is wrong: what to do`: unknown or missing
        keys, wrong types, negative prices (a negative feed-in is allowed), frames with gaps or
        overlaps, slabs out of order, rules that contradict one another.

    Examples
    --------
    >>> tariff = tariff_from_dict({"name": "flat", "currency": "INR", "source": "made up",
    ...     "reference_rate_per_kwh": 6.75, "feed_in_per_kwh": 3.15, "bulk_price_per_kwh": 3.15,
    ...     "frames": [{"name": "all day", "start": "00:00", "end": "24:00"}]}, "flat.yaml")
    >>> tariff.retail_per_kwh("all day")
    6.75
    """
    problems: list[str] = []
    top = PlainData(data, place, "", problems)
    top.choice("kind", ("tariff",), "tariff")
    reference = top.number("reference_rate_per_kwh", above=True)
    fixed = _fixed(top.part("fixed_charge_per_month"))
    slabs = _slabs(top, "slabs", 0.0, unbounded=not top.has("all_units"))
    edge = slabs[-1].up_to_kwh if slabs else 0.0
    all_units = _slabs(top, "all_units", edge, unbounded=True)
    if slabs and fixed is not None:
        top.problem(
            "fixed_charge_per_month",
            top.data["fixed_charge_per_month"],
            "stands beside slabs",
            "give each slab its own fixed_single_per_month and fixed_three_per_month",
        )
    if all_units and not slabs:
        top.problem(
            "all_units", "...", "has no slabs below it", "give the telescopic steps as slabs"
        )
    netting = cast(Netting, top.choice("netting", NETTINGS, "frame"))
    usual = "net-metering" if netting == "month" else "net-billing"
    metering = cast(Metering, top.choice("metering", METERINGS, usual))
    if (netting == "month") != (metering == "net-metering"):
        top.problem(
            "metering",
            metering,
            f"does not go with netting: {netting}",
            "write metering: net-metering with netting: month, and net-billing or gross-metering "
            "with frame or interval",
        )
    frames = _frames(top)
    names = tuple(frame.name for frame in frames)
    banking = _banking(top.part("banking"))
    if banking is not None and netting != "month":
        remedy = "net by month, or write banking: null"
        top.problem("banking", "...", f"is not used with netting: {netting}", remedy)
    support = _grid_support(top.part("grid_support"), names)
    if support is not None and netting != "month":
        remedy = "net by month, or write grid_support: null"
        top.problem("grid_support", "...", f"is not used with netting: {netting}", remedy)
    rules = _rules_of(top)
    tariff = Tariff(
        name=top.text("name"),
        title=top.text("title", ""),
        source=top.text("source"),
        currency=top.text("currency", "INR"),
        minor_per_major=top.integer("minor_per_major", 100, 1, 10_000),
        frames=frames,
        reference_rate_per_kwh=reference,
        slabs=slabs or (Slab(math.inf, reference, *(fixed or (0.0, 0.0))),),
        all_units=all_units,
        tod_above_kwh=top.number("tod_above_kwh", 0.0),
        feed_in_per_kwh=top.number("feed_in_per_kwh", low=-LARGEST),
        bulk_price_per_kwh=top.number("bulk_price_per_kwh"),
        network_charge_per_kwh=rules.network_charge_per_kwh or 0.0,
        transaction_charge_per_kwh=rules.transaction_charge_per_kwh,
        seller_share=rules.seller_share,
        p2p_counts_towards_slabs=rules.p2p_counts_towards_slabs,
        imbalance=rules.imbalance,
        p2p_max_kw=rules.p2p_max_kw,
        one_arrangement=rules.one_arrangement,
        schedule_ahead_minutes=rules.schedule_ahead_minutes,
        rules=top.text("rules") if top.has("rules") else None,
        netting=netting,
        metering=metering,
        banking=banking or (Banking() if netting == "month" else None),
        net_metering_up_to_kw=top.number("net_metering_up_to_kw", math.inf, above=True),
        grid_support=support,
        valid_from=rules.valid_from,
        valid_to=rules.valid_to,
        unconfirmed=rules.unconfirmed,
        notes=rules.notes,
    )
    top.close()
    _price_order(top, tariff)
    if problems:
        raise TariffError(problems)
    return tariff


def rules_from_dict(data: object, place: str) -> P2PRules:
    """Build a regulator's rules for peer-to-peer trade from a plain dict.

    Parameters
    ----------
    data : dict
        Keys as in the files of `market/tariffs/` that say `kind: rules`.
    place : str
        The file's name, for the messages.

    Returns
    -------
    P2PRules
        Checked; `tariff_rules.lay_rules` lays them over a tariff.

    Raises
    ------
    TariffError
        With every problem as `file: path: value: what is wrong: what to do`.

    Examples
    --------
    >>> rules = rules_from_dict({"kind": "rules", "name": "half", "source": "made up",
    ...     "transaction_charge_per_kwh": 0.42}, "half.yaml")
    >>> rules.seller_share
    0.5
    """
    problems: list[str] = []
    top = PlainData(data, place, "", problems)
    top.choice("kind", ("rules",), "missing")
    rules = _rules_of(top, name=top.text("name"), title=top.text("title", ""))
    top.text("source")
    top.close()
    if problems:
        raise TariffError(problems)
    return rules


def _frames(top: PlainData) -> tuple[ToDFrame, ...]:
    frames = []
    clocks_read = True
    for part in top.parts("frames"):
        before = len(top.problems)
        start, end = part.minute("start") % MINUTES_PER_DAY, part.minute("end") or MINUTES_PER_DAY
        clocks_read &= len(top.problems) == before
        frames.append(
            ToDFrame(
                part.text("name"),
                start,
                end,
                part.number("multiplier", 1.0, high=1000.0, above=True),
            )
        )
        part.close()
    names = [frame.name for frame in frames]
    for name in sorted({name for name in names if names.count(name) > 1}):
        top.problem("frames", name, "names several frames", "give each frame its own name")
    for position, frame in enumerate(frames):
        for other in frames[:position]:
            if other.name != frame.name and other.column == frame.column:
                wrong = (
                    f"has the same column in tables as {other.name!r} (billed_{frame.column}_kwh)"
                )
                remedy = "let the names differ in more than spaces, hyphens and underscores"
                top.problem("frames", frame.name, wrong, remedy)
    if not frames:
        top.problem("frames", top.data.get("frames"), "is missing or empty", "list the frames")
    elif clocks_read:
        for sentence in coverage_problems(frames):
            remedy = "let the frames cover the day without gap or overlap"
            top.problem("frames", names, sentence, remedy)
    return tuple(sorted(frames, key=lambda frame: frame.start_minute))


def _slabs(top: PlainData, key: str, above: float, unbounded: bool) -> tuple[Slab, ...]:
    slabs: list[Slab] = []
    parts = top.parts(key)
    for position, part in enumerate(parts):
        open_end = unbounded and position == len(parts) - 1
        edge = part.number("up_to_kwh", math.inf if open_end else None, above=True)
        if not open_end and edge <= above:
            part.problem("up_to_kwh", edge, f"is not above {above:g}", "list the slabs ascending")
        elif open_end and math.isfinite(edge):
            part.problem("up_to_kwh", edge, "ends the last slab", "leave it out of the last slab")
        above = edge
        slabs.append(
            Slab(
                edge,
                part.number("rate_per_kwh"),
                part.number("fixed_single_per_month", 0.0),
                part.number("fixed_three_per_month", 0.0),
            )
        )
        part.close()
    return tuple(slabs)


def _fixed(part: PlainData | None) -> tuple[float, float] | None:
    if part is None:
        return None
    charges = part.number("single", 0.0), part.number("three", 0.0)
    part.close()
    return charges


def _banking(part: PlainData | None) -> Banking | None:
    if part is None:
        return None
    scope = cast(Literal["day", "frame"], part.choice("scope", ("day", "frame"), "day"))
    banking = Banking(
        part.integer("year_starts_month", 4, 1, 12), part.number("payout_per_kwh"), scope
    )
    part.close()
    return banking


def _grid_support(part: PlainData | None, frame_names: Sequence[str]) -> GridSupport | None:
    if part is None:
        return None
    frames = part.texts("frames")
    for name in frames:
        if name not in frame_names:
            remedy = f"use one of {', '.join(frame_names)}"
            part.problem("frames", name, "is a frame the tariff lacks", remedy)
    steps = _slabs(part, "blocks", 0.0, unbounded=True)
    blocks = tuple((step.up_to_kwh, step.rate_per_kwh) for step in steps)
    support = GridSupport(part.number("above_kw"), frames, blocks, part.day("valid_from"))
    if not steps:
        part.problem("blocks", None, "is missing or empty", "list up_to_kwh and rate_per_kwh")
    part.close()
    return support


def _imbalance(part: PlainData | None) -> Imbalance:
    if part is None:
        return Imbalance()
    price = cast(Literal["dual", "single"], part.choice("price", ("dual", "single"), "dual"))
    imbalance = Imbalance(
        price, part.number("penalty_factor", 0.0, high=1000.0), part.flag("waived")
    )
    part.close()
    return imbalance


def _rules_of(top: PlainData, name: str = "none", title: str = "") -> P2PRules:
    network = top.number("network_charge_per_kwh") if top.has("network_charge_per_kwh") else None
    rules = P2PRules(
        name=name,
        title=title,
        source=str(top.data.get("source") or ""),
        network_charge_per_kwh=network,
        transaction_charge_per_kwh=top.number("transaction_charge_per_kwh", 0.0),
        seller_share=top.number("seller_share", 0.5, high=1.0),
        p2p_counts_towards_slabs=top.flag("p2p_counts_towards_slabs"),
        imbalance=_imbalance(top.part("imbalance")),
        p2p_max_kw=top.number("p2p_max_kw", math.inf, above=True),
        one_arrangement=top.flag("one_arrangement"),
        schedule_ahead_minutes=top.integer("schedule_ahead_minutes", 0, 0, 2 * MINUTES_PER_DAY),
        valid_from=top.day("valid_from"),
        valid_to=top.day("valid_to"),
        unconfirmed=top.texts("unconfirmed"),
        notes=top.texts("notes"),
    )
    if rules.valid_from and rules.valid_to and rules.valid_from > rules.valid_to:
        top.problem("valid_to", str(rules.valid_to), "is before valid_from", "swap the two dates")
    return rules


def _price_order(top: PlainData, tariff: Tariff) -> None:
    for frame in tariff.frames:
        retail = tariff.reference_rate_per_kwh * frame.multiplier
        if retail < tariff.feed_in_per_kwh:
            top.problem(
                "feed_in_per_kwh",
                tariff.feed_in_per_kwh,
                f"is above retail in frame {frame.name} ({retail:g})",
                "pay less for exports than imports cost, or nobody would trade with a neighbour",
            )
