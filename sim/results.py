"""A finished run, read from its files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import yaml

from ..market.postings import MARKET_ACCOUNTS
from ..network.csv_reader import read_csv_feeder
from ..network.feeder import Feeder
from .feeder_state import FeederState, solve_meters
from .recording import METER_COLUMNS
from .run_directory import PARTIAL, RunError

TABLES = (
    "members",
    "frames",
    "orders",
    "trades",
    "positions",
    "capping",
    "caps",
    "plans",
    "fronts",
    "no_p2p_exchange",
    "meters",
    "network",
    "no_p2p",
    "ledger",
)
MONEY = ("bills", "bill_lines", "utility")


@dataclass(frozen=True)
class Results:
    """The tables of a run as pandas frames, read when first asked for.

    Column names carry units; money is in the run's currency, `amount_minor` in whole minor units.

    Examples
    --------
    >>> results = read_results("runs/kerala-village-001")               # doctest: +SKIP
    >>> results.frames.groupby("name").traded_kwh.sum()                  # doctest: +SKIP
    """

    path: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Versions, seed, currency and status."""
        return _json(self.path / "manifest.json")

    @cached_property
    def scenario(self) -> dict[str, Any]:
        """The scenario as resolved."""
        text = (self.path / "scenario.yaml").read_text(encoding="utf-8")
        document: dict[str, Any] = yaml.safe_load(text)
        return document

    @cached_property
    def tariff(self) -> dict[str, Any]:
        """The tariff as it stands beside the results, rules included."""
        document: dict[str, Any] = yaml.safe_load(
            (self.path / "tariff.yaml").read_text(encoding="utf-8")
        )
        return document

    @property
    def interval_hours(self) -> float:
        """Length of a metering interval [h]."""
        return float(self.scenario["interval_minutes"]) / 60.0

    @cached_property
    def timing(self) -> dict[str, float]:
        """How long the run took, by part [s]."""
        return _json(self.path / "timing.json")

    @cached_property
    def members(self) -> pd.DataFrame:
        """A row per prosumer."""
        return self._table("members")

    @cached_property
    def frames(self) -> pd.DataFrame:
        """A row per ToD frame."""
        return self._table("frames")

    @cached_property
    def orders(self) -> pd.DataFrame:
        """A row per order."""
        return self._table("orders")

    @cached_property
    def trades(self) -> pd.DataFrame:
        """A row per seller-buyer pair and frame."""
        return self._table("trades")

    @cached_property
    def positions(self) -> pd.DataFrame:
        """A row per prosumer and frame."""
        return self._table("positions")

    @cached_property
    def capping(self) -> pd.DataFrame:
        """A row per clearing of the network loop."""
        return self._table("capping")

    @cached_property
    def caps(self) -> pd.DataFrame:
        """A row per seller in each clearing of the network loop."""
        return self._table("caps")

    @cached_property
    def plans(self) -> pd.DataFrame:
        """What was forecast and planned at the gates: a row per prosumer and interval."""
        return self._table("plans")

    @cached_property
    def no_p2p_exchange(self) -> pd.DataFrame:
        """What the meters of the run without P2P counted: a row per prosumer in a frame."""
        return self._table("no_p2p_exchange")

    @cached_property
    def fronts(self) -> pd.DataFrame:
        """A row per point of each frame's Pareto front, as the last clearing found it."""
        return self._table("fronts")

    @cached_property
    def meters(self) -> pd.DataFrame:
        """A row per prosumer and interval."""
        return self._table("meters")

    def meter_days(
        self, columns: Sequence[str]
    ) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
        """Read meters a part of the file (a market day) at a time, to save memory.

        Yields
        ------
        starts : ndarray (n_intervals,) of datetime64
            Begins of the part's intervals.
        energy : dict of str to ndarray (n_intervals, n_members)
            The columns asked for, members in the order of `members` [kWh].

        Raises
        ------
        RunError
            If a part does not hold one reading of each member in each interval.
        """
        row_of = {name: row for row, name in enumerate(self.members.prosumer)}
        n = len(row_of)
        with pq.ParquetFile(self.path / "meters.parquet") as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, ["prosumer", "start", *columns])
                start = table["start"].to_numpy()
                names = table["prosumer"].combine_chunks()
                known = np.array([row_of[name.as_py()] for name in names.dictionary])
                who = known[names.indices.to_numpy()]
                if len(who) % n or not (who == np.tile(np.arange(n), len(who) // n)).all():
                    order = np.lexsort((who, start))
                    if len(who) % n or not (who[order].reshape(-1, n) == np.arange(n)).all():
                        wrong = "readings are missing or stand twice: run the scenario again"
                        raise RunError([f"{self.path / 'meters.parquet'}: RUN: {wrong}"])
                    start, table = start[order], table.take(order)
                yield (
                    start[::n],
                    {name: table[name].to_numpy().reshape(-1, n) for name in columns},
                )

    @cached_property
    def community(self) -> pd.DataFrame:
        """All meters together: a row per interval, read a day at a time to save memory.

        `import_kwh` and `export_kwh` are what those who draw and those who feed exchange in the
        same interval; their difference is `net_export_kwh`.
        """
        days = []
        for starts, columns in self.meter_days(METER_COLUMNS):
            net = columns["net_export_kwh"]
            columns |= {"import_kwh": np.maximum(-net, 0.0), "export_kwh": np.maximum(net, 0.0)}
            sums = {name: values.sum(axis=1) for name, values in columns.items()}
            days.append(pd.DataFrame({"start": starts, **sums}))
        return pd.concat(days, ignore_index=True)

    @cached_property
    def network(self) -> pd.DataFrame:
        """A row per interval."""
        return self._table("network")

    @cached_property
    def no_p2p(self) -> pd.DataFrame:
        """The counterfactual, re-operated without the market: a row per interval.

        All meters together, with the columns of `community`, and the feeder's as in `network`.
        """
        return self._table("no_p2p")

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """A row per posting."""
        return self._table("ledger")

    def balances(self, until: np.datetime64 | str | None = None) -> pd.Series:
        """Return what every account has received less what it has paid, at any time of the run.

        Parameters
        ----------
        until : numpy.datetime64 or str, optional
            Count postings up to this moment, itself included; by default all.

        Returns
        -------
        pandas.Series of int64, by account
            Whole minor units: first the accounts of the market, then the members in their order;
            0 for one without a posting. All together are 0 at any time.

        Raises
        ------
        ValueError
            If `until` is no date or time.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     pd.DataFrame({"prosumer": ["h1", "h2"]}).to_parquet(f"{folder}/members.parquet")
        ...     pd.DataFrame({
        ...         "time": pd.to_datetime(["2025-11-01T18:00", "2025-11-01T22:00"]),
        ...         "payer": ["h2", "clearing"], "payee": ["clearing", "h1"],
        ...         "amount_minor": [450, 450],
        ...     }).to_parquet(f"{folder}/ledger.parquet")
        ...     results = Results(Path(folder))
        ...     early, late = results.balances("2025-11-01T18:00"), results.balances()
        >>> early[["clearing", "h1", "h2"]].to_list(), late[["clearing", "h1", "h2"]].to_list()
        ([450, 0, -450], [0, 450, -450])
        """
        ledger = self.ledger
        if until is not None:
            moment = np.datetime64(until)
            if np.isnat(moment):
                raise ValueError(f"until: {until!r} is no date or time: give e.g. 2025-11-01T18:00")
            ledger = ledger[ledger.time.to_numpy() <= moment]
        accounts = pd.Index([*MARKET_ACCOUNTS, *self.members.prosumer], name="account")
        amount = ledger.amount_minor.to_numpy()
        balance = np.zeros(len(accounts), dtype=np.int64)
        np.add.at(balance, accounts.get_indexer(pd.Index(ledger.payee.astype(str))), amount)
        np.subtract.at(balance, accounts.get_indexer(pd.Index(ledger.payer.astype(str))), amount)
        return pd.Series(balance, index=accounts, name="balance_minor")

    @cached_property
    def bills(self) -> pd.DataFrame:
        """A row per prosumer and month."""
        return pd.read_csv(self.path / "bills.csv", dtype={"prosumer": str, "month": str})

    @cached_property
    def bill_lines(self) -> pd.DataFrame:
        """A row per line of each bill, in the bill's order."""
        return pd.read_csv(
            self.path / "bill_lines.csv",
            dtype={name: str for name in ("prosumer", "month", "line", "frame", "text")},
            keep_default_na=False,
            na_values={"energy_kwh": [""], "rate_per_kwh": [""]},
        )

    @cached_property
    def utility(self) -> pd.DataFrame:
        """The utility's side: a row per month and case."""
        return pd.read_csv(self.path / "utility.csv", dtype={"month": str, "case": str})

    @cached_property
    def bus_minutes(self) -> pd.DataFrame:
        """A row per bus: minutes outside its limits, with the market and without."""
        return pd.read_csv(self.path / "bus_minutes.csv", dtype={"bus": str})

    @cached_property
    def feeder(self) -> Feeder:
        """The feeder, as it stands beside the results, its source at the scenario's voltage."""
        buses, branches = (self.path / f"feeder_{part}.csv" for part in ("buses", "branches"))
        feeder = read_csv_feeder(buses, branches, self._feeder_name, str(self.path))
        return feeder.with_source_voltage(self.scenario["feeder"]["source_voltage_pu"])

    @cached_property
    def feeder_state(self) -> FeederState:
        """Voltages of all buses in every interval, from a power flow of the meters."""
        return solve_meters(self)

    @property
    def _feeder_name(self) -> str:
        section = self.scenario["feeder"]
        return str(section.get("name") or Path(section["path"]).name)

    def _table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.path / f"{name}.parquet")


def read_results(path: str | Path) -> Results:
    """Open a run directory.

    Raises
    ------
    RunError
        If it is not one, or not finished, or lacks files.
    """
    path = Path(path)
    partial = path.parent / (path.name + PARTIAL)  # of `.` too, which has no name
    if not path.is_dir() and partial.is_dir():
        raise RunError([f"{path}: RUN: the run is not finished: continue it with --resume"])
    if path.is_file():
        wrong = "is a file: name the directory of a run"
        raise RunError([f"{path}: RUN: {wrong}"])
    if not path.is_dir():
        raise RunError([f"{path}: RUN: no such directory: name a directory that a run has written"])
    if path.name.endswith(PARTIAL) and not (path / "bills.csv").exists():
        raise RunError([f"{path}: RUN: the run is not finished: continue it with --resume"])
    wanted = ["manifest.json", "scenario.yaml", "tariff.yaml", "bus_minutes.csv"]
    wanted += ["feeder_buses.csv", "feeder_branches.csv"]
    wanted += [*(f"{table}.csv" for table in MONEY), *(f"{table}.parquet" for table in TABLES)]
    if not any((path / name).is_file() for name in wanted):
        wrong = "the directory holds no run"
        raise RunError([f"{path}: RUN: {wrong}: name a directory that a run has written"])
    missing = [name for name in wanted if not (path / name).is_file()]
    if missing:
        raise RunError(
            [f"{path / name}: RUN: the file is missing: run the scenario again" for name in missing]
        )
    return Results(path)


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
