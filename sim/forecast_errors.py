"""How far forecasts were off: sums over a run, and the table `forecast_errors.csv`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

QUANTITIES = ("load", "pv", "net")
COMMUNITY = "community"
COLUMNS = (
    "prosumer",
    "quantity",
    "mean_kwh",
    "mae_over_mean",
    "bias_over_mean",
    "frame_mean_kwh",
    "frame_mae_over_mean",
)


@dataclass
class ErrorSums:
    """Sums of errors of one quantity, by member, and in the last place for the community.

    Attributes
    ----------
    actual, absolute, signed : ndarray (n_members + 1,)
        Sums over intervals of the actual energy's size, of the error's size and of the error
        (forecast less actual) [kWh].
    frame_actual, frame_absolute : ndarray (n_members + 1,)
        Sums over frames of the size of a frame's actual energy, and of its error [kWh].
    """

    actual: np.ndarray
    absolute: np.ndarray
    signed: np.ndarray
    frame_actual: np.ndarray
    frame_absolute: np.ndarray

    @classmethod
    def none(cls, n_members: int) -> ErrorSums:
        """Return sums over nothing."""
        return cls(*(np.zeros(n_members + 1) for _ in range(5)))

    def add(self, expected: np.ndarray, actual: np.ndarray) -> None:
        """Add a frame, arrays (n_members, n_intervals)."""
        expected = np.vstack([expected, expected.sum(axis=0)])
        actual = np.vstack([actual, actual.sum(axis=0)])
        error = expected - actual
        self.actual += np.abs(actual).sum(axis=1)
        self.absolute += np.abs(error).sum(axis=1)
        self.signed += error.sum(axis=1)
        self.frame_actual += np.abs(actual.sum(axis=1))
        self.frame_absolute += np.abs(error.sum(axis=1))


@dataclass
class ForecastErrors:
    """The errors of a run so far.

    Examples
    --------
    >>> errors = ForecastErrors.none(1)
    >>> errors.add(load=(np.array([[1.0, 3.0]]), np.array([[2.0, 2.0]])),
    ...            pv=(np.zeros((1, 2)), np.zeros((1, 2))))
    >>> row = errors.rows(["home"])[0]
    >>> row["mae_over_mean"], row["bias_over_mean"], row["frame_mae_over_mean"]
    (0.5, 0.0, 0.0)
    """

    of: dict[str, ErrorSums]
    intervals: int = 0
    frames: int = 0

    @classmethod
    def none(cls, n_members: int) -> ForecastErrors:
        """Return the errors of a run that has not begun."""
        return cls({name: ErrorSums.none(n_members) for name in QUANTITIES})

    def add(self, load: tuple[np.ndarray, np.ndarray], pv: tuple[np.ndarray, np.ndarray]) -> None:
        """Add a frame: (expected, actual) of load and PV, each (n_members, n_intervals)."""
        self.of["load"].add(*load)
        self.of["pv"].add(*pv)
        self.of["net"].add(pv[0] - load[0], pv[1] - load[1])
        self.intervals += load[0].shape[1]
        self.frames += 1

    def rows(self, members: Sequence[str]) -> list[dict[str, str | float | None]]:
        """Return a row per member and quantity, and the community's; None where nothing was.

        `mean_kwh` is the mean size of the actual energy of an interval, `frame_mean_kwh` that of a
        frame; errors are over these means. Net energy is PV less load, what orders are made of.
        """
        found: list[dict[str, str | float | None]] = []
        for row, member in enumerate((*members, COMMUNITY)):
            for quantity in QUANTITIES:
                sums = self.of[quantity]
                actual, in_frames = sums.actual[row], sums.frame_actual[row]
                some, some_frame = actual > 0.0, in_frames > 0.0
                found.append(
                    {
                        "prosumer": member,
                        "quantity": quantity,
                        "mean_kwh": float(actual / max(self.intervals, 1)),
                        "mae_over_mean": float(sums.absolute[row] / actual) if some else None,
                        "bias_over_mean": float(sums.signed[row] / actual) if some else None,
                        "frame_mean_kwh": float(in_frames / max(self.frames, 1)),
                        "frame_mae_over_mean": float(sums.frame_absolute[row] / in_frames)
                        if some_frame
                        else None,
                    }
                )
        return found


def write_forecast_errors(errors: ForecastErrors, members: Sequence[str], path: Path) -> None:
    """Write `forecast_errors.csv`: by member, and for the community in the last rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(errors.rows(members))
