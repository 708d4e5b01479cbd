"""A run as the audit sees it: its files put in order, and everything that must be complete.

Rows are sorted into the order that scenario and tariff demand (frame by frame, home by home), so
that the checks compare arrays. What cannot be put in order is a finding, and whatever needs it is
reported as not examined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import columns, files
from .check import Findings, Unusable
from .feeder import Feeder, read_feeder
from .files import Table
from .terms import Month, Terms, Timetable, read_terms, timetable

if TYPE_CHECKING:
    from .books import Books
    from .plans import Plans
    from .steps import Steps

KNOWN = "all homes, frames and buses are known"
FRAMES_RIGHT = "the frames are the tariff's, day by day"
ONE_POSITION = "every home has one position, with and without the market, in every frame"
ONE_ROW = "the feeder has one row in every interval"
ONCE = "nobody orders twice in a frame, no pair trades twice"

MARKET_ACCOUNTS = ("utility", "bulk_supplier", "clearing", "platform")


@dataclass(frozen=True)
class Orders:
    """All orders: frame and home of each, whether it is an ask, quantity and price."""

    frame: np.ndarray
    home: np.ndarray
    is_ask: np.ndarray
    quantity: np.ndarray
    price: np.ndarray


@dataclass(frozen=True)
class Trades:
    """All traded pairs: frame, seller, buyer, energy, the price that each of the two has."""

    frame: np.ndarray
    seller: np.ndarray
    buyer: np.ndarray
    energy: np.ndarray
    price: np.ndarray
    paid: np.ndarray


class Run:
    """The parts of a run that could be read; asking for another one raises `Unusable`.

    Attributes
    ----------
    homes : tuple of str
        Names of the homes, in the order of the members' file and of all arrays.
    bus : ndarray (n_homes,)
        Where they stand, as index into `feeder.names`.
    frames, capping, caps, fronts, network, second, ledger : Table
        `frames` in the timetable's order; `network`, and the second run's sums, in that of time.
    positions, no_p2p : dict of str to ndarray (n_frames, n_homes)
        Each column of the positions, and of the second run's exchange.
    plans : Plans
        What homes planned, frame by frame.
    steps : Steps
        The network loop.
    base_excess : ndarray (n_frames,)
        How far the feeder is above its limit without any sale, as forecast; infinite where it has
        no solution [p.u.].
    """

    path: Path
    manifest: Mapping[str, Any]
    scenario: Mapping[str, Any]
    terms: Terms
    time: Timetable
    months: tuple[Month, ...]
    members: Table
    homes: tuple[str, ...]
    home_of: dict[str, int]
    frame_of: dict[str, int]
    feeder: Feeder
    bus: np.ndarray
    frames: Table
    orders: Orders
    trades: Trades
    positions: dict[str, np.ndarray]
    capping: Table
    caps: Table
    fronts: Table
    second: Table
    no_p2p: dict[str, np.ndarray]
    plans: Plans
    steps: Steps
    base_excess: np.ndarray
    network: Table
    ledger: Table
    books: Books

    def __getattr__(self, name: str) -> Any:
        raise Unusable(f"{name}: could not be read or put in order")

    @property
    def n_homes(self) -> int:
        """Number of homes."""
        return len(self.homes)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.time.ids)

    def setting(self, section: str, key: str) -> Any:
        """Return a key of the scenario, None where it is left out."""
        part = self.scenario.get(section)
        return part.get(key) if isinstance(part, Mapping) else None

    @property
    def dark(self) -> np.ndarray:
        """Intervals of the run without supply, (n_intervals,) of bool."""
        found = np.zeros(self.time.n_intervals, dtype=np.bool_)
        begins = self.time.interval_start(np.arange(self.time.n_intervals))
        for outage in self.setting("grid", "outages") or ():
            first = np.datetime64(str(outage["start"]), "s")
            last = first + np.timedelta64(round(float(outage["hours"]) * 3600), "s")
            found |= (begins >= first) & (begins < last)
        return found

    @property
    def kept(self) -> np.ndarray:
        """Share of each frame's contracts that no outage makes void, (n_frames, 1)."""
        dark = np.add.reduceat(self.dark.astype(np.float64), self.time.first)
        return np.asarray(1.0 - dark / self.time.length)[:, None]

    @property
    def left_out(self) -> np.ndarray:
        """Homes whose PV system is too large for the rules of trade, (n_homes,) of bool."""
        return np.asarray(self.members["pv_kwp"] > self.terms.p2p_max_kw)

    def frame_home(self, frame: int, home: int) -> str:
        """Name a home in a frame."""
        return f"{self.homes[home]}, {self.time.ids[frame]}"

    def column(self, table: str, column: str) -> np.ndarray:
        """Return a column of the frames or the feeder's rows."""
        part: Table = getattr(self, table)
        return part[column]


def read_run(path: Path, found: Findings) -> Run:
    """Read a run's tables and check that nothing is missing or stands twice.

    The meters and bus voltages, which are large, are read day by day elsewhere.
    """
    run = Run()
    run.path = path
    with found.section("scenario and tariff"):
        manifest = files.read_text(path / "manifest.json", found)
        scenario = files.read_text(path / "scenario.yaml", found)
        for name, document in (("manifest.json", manifest), ("scenario.yaml", scenario)):
            if not isinstance(document, Mapping):
                raise Unusable(f"{name}: is not a mapping of keys to values")
        run.manifest, run.scenario = manifest, scenario
        run.terms = read_terms(files.read_text(path / "tariff.yaml", found))
        run.time = timetable(run.scenario, run.terms)
        run.months = run.time.months()
        run.frame_of = {name: i for i, name in enumerate(run.time.ids)}
    with found.section("feeder"):
        run.feeder = read_feeder(path, found)
    with found.section("members"):
        _members(run, found)
    for name in _ORDERED:
        table = files.read_parquet(path / f"{name}.parquet", found)
        with found.section(name):
            _ORDERED[name](run, table, found)
    return run


def known_codes(
    found: Findings,
    table: Table,
    column: str,
    known: Mapping[str, int],
    empty_allowed: bool = False,
) -> np.ndarray:
    """Return the numbers of a column's texts; an unknown one is a finding and ends the section."""
    codes = table.codes(column, known)
    bad = (codes < 0) & ~((table[column] < 0) & empty_allowed)
    found.holds(
        KNOWN,
        ~bad,
        lambda i: f"{table.name}: {column}: row {i}: {table.text(column)[i]!r} is unknown",
    )
    if bad.any():
        raise Unusable(f"{table.name}: {column} holds unknown names")
    return codes


def _members(run: Run, found: Findings) -> None:
    table = files.read_parquet(run.path / "members.parquet", found)
    names = [str(name) for name in table.text("prosumer")]
    first = {name: i for i, name in reversed(list(enumerate(names)))}
    good = [bool(n) and first[n] == i and n not in MARKET_ACCOUNTS for i, n in enumerate(names)]
    found.holds(
        KNOWN,
        good,
        lambda i: f"members: row {i}: {names[i]!r} is empty, stands twice, or is an account's name",
    )
    if not names or not all(good):
        raise Unusable("members: homes without a name of their own")
    run.members, run.homes = table, tuple(names)
    run.home_of = {name: i for i, name in enumerate(names)}
    run.bus = known_codes(found, table, "bus", {n: i for i, n in enumerate(run.feeder.names)})


def _frames(run: Run, table: Table, found: Findings) -> None:
    time = run.time
    right = table.n == len(time.ids)
    found.holds(FRAMES_RIGHT, right, lambda: f"frames: {table.n} rows for {len(time.ids)} frames")
    frame = known_codes(found, table, "frame_id", run.frame_of)
    _once(found, FRAMES_RIGHT, frame, len(time.ids), lambda i: time.ids[i], "frames")
    order = np.argsort(frame)
    for column, values in table.columns.items():
        table.columns[column] = values[order]
    names = table.text("name")
    tod_name = np.array(run.terms.frames, dtype=object)[time.tod]
    for column, recorded, derived in (
        ("row", np.arange(table.n), order),
        ("name", names, tod_name),
        ("start", table["start"], time.start),
        ("end", table["end"], time.end),
    ):
        found.holds(
            FRAMES_RIGHT,
            np.asarray(recorded == derived, dtype=np.bool_),
            lambda i, c=column, r=recorded, d=derived: (
                f"{time.ids[i]}: {c}: {r[i]} recorded, {d[i]} derived"
            ),
        )
    run.frames = table


def _orders(run: Run, table: Table, found: Findings) -> None:
    frame = known_codes(found, table, "frame_id", run.frame_of)
    home = known_codes(found, table, "prosumer", run.home_of)
    side = known_codes(found, table, "side", {"bid": 0, "ask": 1})
    key = frame * run.n_homes + home
    _unique(found, key, lambda i: f"orders: {run.frame_home(int(frame[i]), int(home[i]))}")
    run.orders = Orders(frame, home, side == 1, table["quantity_kwh"], table["price_per_kwh"])


def _trades(run: Run, table: Table, found: Findings) -> None:
    frame = known_codes(found, table, "frame_id", run.frame_of)
    seller = known_codes(found, table, "seller", run.home_of)
    buyer = known_codes(found, table, "buyer", run.home_of)
    key = (frame * run.n_homes + seller) * run.n_homes + buyer
    _unique(
        found,
        key,
        lambda i: (
            f"trades: {run.frame_home(int(frame[i]), int(seller[i]))} to {run.homes[buyer[i]]}"
        ),
    )
    prices = table["price_per_kwh"], table["buyer_price_per_kwh"]
    run.trades = Trades(frame, seller, buyer, table["energy_kwh"], *prices)


def _positions(run: Run, table: Table, found: Findings) -> None:
    run.positions = _by_frame_and_home(run, table, found)


def _no_p2p(run: Run, table: Table, found: Findings) -> None:
    run.no_p2p = _by_frame_and_home(run, table, found)


def _by_frame_and_home(run: Run, table: Table, found: Findings) -> dict[str, np.ndarray]:
    """Return each column of numbers as (n_frames, n_homes)."""
    frame = known_codes(found, table, "frame_id", run.frame_of)
    home = known_codes(found, table, "prosumer", run.home_of)
    shape = run.n_frames, run.n_homes
    key = frame * run.n_homes + home
    _once(
        found,
        ONE_POSITION,
        key,
        shape[0] * shape[1],
        lambda i: run.frame_home(i // shape[1], i % shape[1]),
        table.name,
    )
    order = np.argsort(key, kind="stable")
    numbers = (c for c in columns.TABLES[table.name] if c not in ("frame_id", "prosumer"))
    return {c: table[c][order].reshape(shape) for c in numbers}


def _capping(run: Run, table: Table, found: Findings) -> None:
    table.columns["frame"] = known_codes(found, table, "frame_id", run.frame_of)
    run.capping = table


def _caps(run: Run, table: Table, found: Findings) -> None:
    table.columns["frame"] = known_codes(found, table, "frame_id", run.frame_of)
    table.columns["home"] = known_codes(found, table, "prosumer", run.home_of)
    run.caps = table


def _fronts(run: Run, table: Table, found: Findings) -> None:
    table.columns["frame"] = known_codes(found, table, "frame_id", run.frame_of)
    run.fronts = table


def _network(run: Run, table: Table, found: Findings) -> None:
    run.network = _by_interval(run, table, found)


def _second(run: Run, table: Table, found: Findings) -> None:
    run.second = _by_interval(run, table, found)


def _by_interval(run: Run, table: Table, found: Findings) -> Table:
    """Demand one row in every interval, in order of time."""
    time, name = run.time, table.name
    expected = time.interval_start(np.arange(time.n_intervals))
    same = table.n == time.n_intervals
    found.holds(ONE_ROW, same, lambda: f"{name}: {table.n} rows for {time.n_intervals} intervals")
    if same:
        found.holds(
            ONE_ROW,
            table["start"] == expected,
            lambda i: f"{name}: row {i}: {table['start'][i]} instead of {expected[i]}",
        )
    if not same or not np.array_equal(table["start"], expected):
        raise Unusable(f"{name}: its intervals are not those of the run")
    known = {bus: i for i, bus in enumerate(run.feeder.names)}
    for column in ("v_min_bus", "v_max_bus"):
        table.columns[column] = known_codes(found, table, column, known, empty_allowed=True)
    return table


def _ledger(run: Run, table: Table, found: Findings) -> None:
    table.columns["frame"] = known_codes(found, table, "frame_id", run.frame_of, empty_allowed=True)
    accounts = {name: i for i, name in enumerate((*MARKET_ACCOUNTS, *run.homes))}
    for column in ("payer", "payee"):
        table.columns[f"{column}_code"] = known_codes(found, table, column, accounts)
    run.ledger = table


_ORDERED = {
    "frames": _frames,
    "orders": _orders,
    "trades": _trades,
    "positions": _positions,
    "capping": _capping,
    "caps": _caps,
    "fronts": _fronts,
    "no_p2p_exchange": _no_p2p,
    "no_p2p": _second,
    "network": _network,
    "ledger": _ledger,
}


def _once(found: Findings, name: str, key: np.ndarray, n: int, place: Any, table: str) -> None:
    """Demand that every number from 0 to n - 1 stands once and only once."""
    count = np.bincount(key, minlength=n)
    found.holds(name, count == 1, lambda i: f"{table}: {place(i)} has {count[i]} rows")
    if not (count == 1).all():
        raise Unusable(f"{table}: rows are missing or stand twice")


def _unique(found: Findings, key: np.ndarray, place: Any) -> None:
    """Demand that no key stands twice; the place is given the later row."""
    first = np.ones(len(key), dtype=np.bool_)
    order = np.argsort(key, kind="stable")
    first[order[1:]] = key[order[1:]] != key[order[:-1]]
    found.holds(ONCE, first, lambda i: f"{place(i)} again")
