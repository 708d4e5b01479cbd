"""Feeders by name: the shipped library, and users' own files."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .csv_reader import read_csv_feeder
from .feeder import Feeder
from .problems import FeederError

FEEDERS = Path(__file__).parent / "feeders"


@dataclass(frozen=True)
class FeederEntry:
    """A row of the library's index: sizes, published figures and the source.

    Parameters
    ----------
    name : str
        Name for `load_feeder`.
    n_buses, n_open_ties : int
        Buses, and branches left open.
    base_kv : float
        Nominal voltage [kV].
    load_kw, load_kvar : float
        Nominal load [kW, kvar].
    loss_kw, v_min_pu, v_min_bus : float, float, str
        Losses and least voltage at nominal load and 1.0 p.u. at the source.
    source : str
        Where the numbers come from.
    """

    name: str
    n_buses: int
    n_open_ties: int
    base_kv: float
    load_kw: float
    load_kvar: float
    loss_kw: float
    v_min_pu: float
    v_min_bus: str
    source: str


@cache
def feeder_index() -> dict[str, FeederEntry]:
    """The shipped feeders by name, in the index's order.

    Returns
    -------
    dict of str to FeederEntry
        Sizes, published figures and sources.

    Examples
    --------
    >>> feeder_index()["ieee33_mv"].v_min_pu
    0.9131
    """
    with (FEEDERS / "INDEX.csv").open(newline="", encoding="utf-8") as file:
        return {
            row["feeder"]: FeederEntry(
                row["feeder"],
                int(row["buses"]),
                int(row["open_ties"]),
                float(row["base_kv"]),
                float(row["p_kw"]),
                float(row["q_kvar"]),
                float(row["loss_kw_nominal"]),
                float(row["v_min_pu"]),
                row["v_min_bus"],
                row["source"],
            )
            for row in csv.DictReader(file)
        }


def feeder_names() -> tuple[str, ...]:
    """Names of the shipped feeders.

    Examples
    --------
    >>> "kerala_village_lv" in feeder_names()
    True
    """
    return tuple(feeder_index())


def load_feeder(name_or_path: str | Path) -> Feeder:
    """Load a shipped feeder by name, or a user's own from files.

    Parameters
    ----------
    name_or_path : str or Path
        A shipped name; or a prefix X of ``X_buses.csv`` and ``X_branches.csv``; or a folder with
        ``buses.csv`` and ``branches.csv``; or a MATPOWER case (``.m``); or a pandapower network
        (``.json``, needs the extra ``pandapower``).

    Returns
    -------
    Feeder
        A checked radial feeder. Shipped ones are cached: the same object comes back.

    Raises
    ------
    FeederError
        If the name is unknown (the known ones are listed), or with all the problems of the files.

    Examples
    --------
    >>> feeder = load_feeder("ieee33_mv")
    >>> feeder.n_buses, len(feeder.open_ties), feeder.base_kv
    (33, 5, 12.66)
    """
    text = str(name_or_path)
    if text in feeder_index():
        return _shipped(text)
    path = Path(name_or_path)
    if path.suffix == ".m" and path.is_file():
        from .matpower_reader import read_matpower_feeder

        return read_matpower_feeder(path)
    if path.suffix == ".json" and path.is_file():
        from .pandapower_reader import read_pandapower_feeder

        return read_pandapower_feeder(path)
    if path.is_dir():
        pair = path / "buses.csv", path / "branches.csv"
    else:
        pair = path.with_name(path.name + "_buses.csv"), path.with_name(path.name + "_branches.csv")
    if not any(file.is_file() for file in pair):
        raise FeederError(
            [
                f"{text}: feeder: {text!r}: neither a shipped feeder nor files: give one of "
                f"{', '.join(feeder_names())}; or a prefix X of X_buses.csv and X_branches.csv; or "
                "a folder with buses.csv and branches.csv; or a MATPOWER .m case; or a pandapower "
                ".json network"
            ]
        )
    return read_csv_feeder(*pair, name=path.name, source=f"the user's files {pair[0]}, {pair[1]}")


@cache
def _shipped(name: str) -> Feeder:
    pair = FEEDERS / f"{name}_buses.csv", FEEDERS / f"{name}_branches.csv"
    return read_csv_feeder(*pair, name=name, source=feeder_index()[name].source)
