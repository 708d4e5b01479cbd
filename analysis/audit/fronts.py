"""`fronts.parquet`: the front that each frame's outcome was chosen from."""

from __future__ import annotations

import numpy as np

from .check import Findings
from .energy import PAIRS_KWH
from .inputs import Run

CHOSEN = "every front has one chosen point, and that is what the frame did"
POINTS = "fronts have as many points as their frames say, and none where there was no trade"
SHAPE = "points of a front are in order, and none is better than another in both objectives"
F2 = "f2 of a front's points is price times energy"
RELATIVE = 1e-9


def check_fronts(run: Run, found: Findings) -> None:
    """Check the points of each front against each other and against the frame.

    f1 of points that were not chosen would need their sales, which are not on file: it is bounded
    by its neighbours.
    """
    table, frames = run.fronts, run.frames
    frame, chosen = table["frame"], table["chosen"] > 0.5
    count = np.bincount(frame, minlength=run.n_frames)
    points = np.nan_to_num(frames["front_points"])
    found.close(POINTS, points, count, 0.0, lambda f: f"front_points of {run.time.ids[f]}")
    one = np.bincount(frame[chosen], minlength=run.n_frames)
    found.holds(CHOSEN, one == (count > 0), lambda f: f"{run.time.ids[f]}: {one[f]} points chosen")

    def place(i: int) -> str:
        return f"row {i}, {run.time.ids[frame[i]]}"

    there = frame[chosen]
    for column, tolerance in (("f1", RELATIVE), ("f2", RELATIVE), ("traded_kwh", PAIRS_KWH)):
        recorded, wanted = table[column][chosen], frames[column][there]
        scale = np.maximum(np.abs(wanted), 1.0) if column != "traded_kwh" else 1.0
        found.close(
            CHOSEN,
            recorded / scale,
            wanted / scale,
            tolerance,
            lambda i, c=column: f"{c} of {run.time.ids[there[i]]} (relative)",
        )
    same = np.diff(frame, prepend=-1) == 0
    found.holds(SHAPE, np.diff(frame, prepend=0) >= 0, place)
    price = frames["mcp_per_kwh"][frame]
    energy = table["traded_kwh"]
    f1, f2 = table["f1"], table["f2"]
    if run.setting("market", "objectives") != "surplus":
        scale = np.maximum(np.abs(f2), 1.0)
        found.close(F2, f2 / scale, price * energy / scale, RELATIVE, place)
    # The front is given by rising energy (or price, where it is part of the search); what one side
    # gains from point to point, the other loses.
    rising = np.diff(energy, prepend=0.0) >= -PAIRS_KWH
    if run.setting("market", "objectives") == "surplus":
        rising = np.ones_like(rising)
    gains = np.diff(f1, prepend=0.0), np.diff(f2, prepend=0.0)
    size = np.maximum(np.abs(f1), np.abs(f2)) * RELATIVE
    apart = (gains[0] <= size) | (gains[1] <= size)
    apart &= (gains[0] >= -size) | (gains[1] >= -size)
    found.holds(SHAPE, ~same | (rising & apart), place)
