"""The steps of the network loop, frame by frame, and what each seller was allowed and sold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .check import Findings, Unusable
from .inputs import Run, known_codes

ROWS = "every seller has a cap in every step of the network loop"
PHASES = {"first": 0, "cap": 1, "restore": 2, "switch": 3, "search": 4}


@dataclass(frozen=True)
class Steps:
    """All steps, sorted by frame and number.

    Attributes
    ----------
    frame, number, phase, feasible, caps, traded, v_min, v_max, critical : ndarray (n_steps,)
        The columns of `capping.parquet`; phases by their code in `PHASES`.
    is_first : ndarray (n_steps,) of bool
        Whether a step is its frame's first.
    edges : ndarray (n_frames + 1,)
        Where each frame's steps begin.
    row_edges : ndarray (n_steps + 1,)
        Where each step's rows begin in the three arrays below.
    home, cap, sold : ndarray (n_rows,)
        Each seller's cap and sale [kWh].
    """

    frame: np.ndarray
    number: np.ndarray
    phase: np.ndarray
    feasible: np.ndarray
    caps: np.ndarray
    traded: np.ndarray
    v_min: np.ndarray
    v_max: np.ndarray
    critical: np.ndarray
    is_first: np.ndarray
    edges: np.ndarray
    row_edges: np.ndarray
    home: np.ndarray
    cap: np.ndarray
    sold: np.ndarray
    run: Run

    def say(self, i: int) -> str:
        """Name a step."""
        return f"step {int(self.number[i])} of {self.run.time.ids[self.frame[i]]}"

    def of(self, frame: int) -> range:
        """Return the steps of a frame."""
        return range(int(self.edges[frame]), int(self.edges[frame + 1]))

    def caps_of(self, step: int) -> np.ndarray:
        """Return the caps of a step, (n_homes,), 0 for a home that sells nothing."""
        return self._laid(step, self.cap)

    def sold_of(self, step: int) -> np.ndarray:
        """Return the sales of a step, (n_homes,)."""
        return self._laid(step, self.sold)

    def accepted_caps(self, offered: np.ndarray) -> np.ndarray:
        """Return what each seller was left to offer at last, (n_frames, n_homes) [kWh].

        All that it offers where the first schedule passed, nothing where none did.
        """
        accepted = np.full(self.run.n_frames, -1)
        np.maximum.at(accepted, self.frame[self.feasible], np.flatnonzero(self.feasible))
        caps = offered.copy()
        for frame in np.flatnonzero(self.run.frames["iterations"] > 0).tolist():
            step = int(accepted[frame])
            caps[frame] = self.caps_of(step) if step >= 0 else 0.0
        return np.minimum(caps, offered)

    def _laid(self, step: int, values: np.ndarray) -> np.ndarray:
        rows = slice(int(self.row_edges[step]), int(self.row_edges[step + 1]))
        laid = np.zeros(self.run.n_homes)
        laid[self.home[rows]] = values[rows]
        return laid


def read_steps(run: Run, found: Findings) -> Steps:
    """Put the two tables of the loop in order.

    Raises
    ------
    Unusable
        If a cap belongs to no step, or a seller has none or two, which is noted.
    """
    table, rows = run.capping, run.caps
    order = np.lexsort((table["step"], table["frame"]))
    frame, number = table["frame"][order], table["step"][order]
    step = _step_of(frame, number, rows["frame"], rows["step"])
    found.holds(ROWS, step >= 0, lambda i: f"caps: row {i} belongs to no step")
    if not (step >= 0).all():
        raise Unusable("caps: rows that belong to no step")
    inside = np.lexsort((rows["home"], step))
    step, home = step[inside], rows["home"][inside]
    sells = np.zeros((run.n_frames, run.n_homes), dtype=np.bool_)
    asks = run.orders.is_ask
    sells[run.orders.frame[asks], run.orders.home[asks]] = True
    twice = (np.diff(step, prepend=-1) == 0) & (np.diff(home, prepend=-1) == 0)
    good = ~twice & sells[rows["frame"][inside], home]
    found.holds(
        ROWS,
        good,
        lambda i: f"caps: {run.homes[home[i]]} in step {number[step[i]]} sells nothing or twice",
    )
    count = np.bincount(step, minlength=len(frame))
    complete = count == sells.sum(axis=1)[frame]
    found.holds(ROWS, complete, lambda i: f"caps: step {number[i]} of {run.time.ids[frame[i]]}")
    if not (good.all() and complete.all()):
        raise Unusable("caps: rows are missing or stand twice")
    return Steps(
        frame=frame,
        number=number,
        phase=known_codes(found, table, "phase", PHASES)[order],
        feasible=table["feasible"][order] > 0.5,
        caps=table["caps_kwh"][order],
        traded=table["traded_kwh"][order],
        v_min=table["v_min_pu"][order],
        v_max=table["v_max_pu"][order],
        critical=table.text("critical_buses")[order],
        is_first=np.diff(frame, prepend=-1) != 0,
        edges=np.searchsorted(frame, np.arange(run.n_frames + 1)),
        row_edges=np.searchsorted(step, np.arange(len(frame) + 1)),
        home=home,
        cap=rows["cap_kwh"][inside],
        sold=rows["sold_kwh"][inside],
        run=run,
    )


def _step_of(
    frame: np.ndarray, number: np.ndarray, row_frame: np.ndarray, row_number: np.ndarray
) -> np.ndarray:
    """Return the position of each row's step among the sorted steps, -1 for none."""
    known = {pair: i for i, pair in enumerate(zip(frame.tolist(), number.tolist(), strict=True))}
    pairs = zip(row_frame.tolist(), row_number.tolist(), strict=True)
    return np.array([known.get(pair, -1) for pair in pairs], dtype=np.int64)
