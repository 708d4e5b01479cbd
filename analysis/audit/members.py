"""The homes against the scenario that drew them."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import columns, files
from .check import Findings
from .inputs import Run

SOUND = "sizes, margins and orientations of homes make sense"
DRAWN = "homes are those that scenario and seed draw"
SAME = 1e-9


def check_members(run: Run, found: Findings) -> None:
    """Check what members can be, and, where the scenario draws them, that they are those."""
    members = run.members
    has_pv = members["pv_kwp"] > 0.0

    def place(i: int) -> str:
        return run.homes[i]

    for column in (
        "pv_kwp",
        "battery_kwh",
        "battery_kw",
        "inverter_kw",
        "ask_margin_per_kwh",
        "bid_margin_per_kwh",
    ):
        found.holds(SOUND, members[column] >= 0.0, lambda i, c=column: f"{c} of {place(i)}")
    for column, most in (("tilt_deg", 90.0), ("azimuth_deg", 360.0)):
        values = members[column]
        with np.errstate(invalid="ignore"):
            right = np.where(has_pv, (values >= 0.0) & (values <= most), np.isnan(values))
        found.holds(SOUND, right, lambda i, c=column: f"{c} of {place(i)}")
    pairs = list(zip(members.text("profile"), members["week_offset"].tolist(), strict=True))
    section = run.scenario["members"].get("generate")
    if not isinstance(section, Mapping):
        found.explain(DRAWN, "they come from a file of the user's, which is not on file")
        return
    first = {pair: i for i, pair in reversed(list(enumerate(pairs)))}
    found.holds(
        SOUND,
        [first[pair] == i for i, pair in enumerate(pairs)],
        lambda i: f"{place(i)}: its load is another's",
    )
    _check_drawn(run, found, section)


def _check_drawn(run: Run, found: Findings, section: Mapping[str, Any]) -> None:
    n, members, seed = run.n_homes, run.members, int(run.scenario["seed"])

    def place(i: int) -> str:
        return run.homes[i]

    found.holds(DRAWN, [name == f"home-{i + 1:03d}" for i, name in enumerate(run.homes)], place)
    bus = _placed(run, section, found)
    found.holds(DRAWN, len(bus) == n, lambda: f"{n} homes recorded, {len(bus)} derived")
    if len(bus) == n:
        found.holds(DRAWN, run.bus == bus, lambda i: f"bus of {place(i)}")
    draw = np.array([_draws(seed, str(i + 1)) for i in range(n)])
    has_pv = _lowest(draw[:, 0], float(section["pv_share"]) * n)
    three_phase = _lowest(draw[:, 8], float(section["three_phase_share"]) * n)
    found.holds(
        DRAWN,
        (members["three_phase"] > 0.5) == three_phase,
        lambda i: f"three_phase of {place(i)}",
    )
    has_battery = _lowest(draw[:, 1] + ~has_pv, float(section["battery_share"]) * n)

    def drawn(column: int, key: str, digits: int) -> np.ndarray:
        low, high = (float(end) for end in section[key])
        return np.round(low + (high - low) * draw[:, column], digits)

    pv = np.where(has_pv, drawn(2, "pv_kwp", 2), 0.0)
    battery = np.where(has_battery, drawn(5, "battery_kwh", 2), 0.0)
    power = battery / float(section["battery_hours"])
    for column, derived in (
        ("pv_kwp", pv),
        ("tilt_deg", np.where(has_pv, drawn(3, "tilt_deg", 1), np.nan)),
        ("azimuth_deg", np.where(has_pv, drawn(4, "azimuth_deg", 1), np.nan)),
        ("battery_kwh", battery),
        ("battery_kw", power),
        ("inverter_kw", pv + power),
        ("ask_margin_per_kwh", drawn(6, "ask_margin_per_kwh", 4)),
        ("bid_margin_per_kwh", drawn(7, "bid_margin_per_kwh", 4)),
    ):
        found.close(
            "sizes and margins of homes are those that scenario and seed draw",
            members[column],
            derived,
            SAME,
            lambda i, c=column: f"{c} of {place(i)}",
        )


def _draws(seed: int, member: str) -> np.ndarray:
    """Return the first nine numbers of a member's own random stream."""
    key = repr((seed, "member", member, 0)).encode()
    digest = hashlib.blake2b(key, digest_size=32, person=b"gridbazaar").digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words))).random(9)


def _lowest(draw: np.ndarray, share_of_all: float) -> np.ndarray:
    """Mark those with the lowest draws, as many as the share rounds to (half up)."""
    rank = np.argsort(np.argsort(draw, kind="stable"), kind="stable")
    return np.asarray(rank < int(share_of_all + 0.5))


def _placed(run: Run, section: Mapping[str, Any], found: Findings) -> np.ndarray:
    """Return the bus of each home: dealt out by customers or load, one home at a time."""
    table = files.read_csv(
        run.path / "feeder_buses.csv",
        {"bus": columns.TEXT, "p_kw": columns.REAL, "n_customers": columns.WHOLE},
        found,
    )
    customers, load = table["n_customers"], np.maximum(table["p_kw"], 0.0)
    count: np.ndarray
    if section.get("homes") is not None:
        weight = (customers if customers.any() else load).astype(np.float64).copy()
        weight[run.feeder.slack] = 0.0
        # Highest averages: the next home goes where weight / (2 x homes + 1) is greatest.
        queue = [(-w, b, 0) for b, w in enumerate(weight.tolist()) if w > 0.0]
        heapq.heapify(queue)
        bus: list[int] = []
        while queue and len(bus) < int(section["homes"]):
            _, b, seats = heapq.heappop(queue)
            bus.append(b)
            heapq.heappush(queue, (-(weight[b] / (2 * (seats + 1) + 1)), b, seats + 1))
        return np.array(bus)
    if section.get("homes_per_bus") is not None:
        count = np.where((load > 0.0) | (customers > 0.0), int(section["homes_per_bus"]), 0)
        count[run.feeder.slack] = 0
    else:
        count = customers.astype(np.int64)
    return np.array(
        [b for round_ in range(int(count.max(initial=0))) for b in np.flatnonzero(count > round_)]
    )
