"""The manifest against the files that it speaks of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import files
from .check import Findings
from .columns import NEEDED
from .inputs import Run
from .mechanisms import mechanism_notes

MANIFEST = "the manifest agrees with the files"
SUMS = "files are those whose hashes the manifest keeps"
DATES = "the manifest says if tariff or rules do not apply on the days of the run"
_RULES_NOTE = re.compile(
    r"rules (?P<name>.+) applies (until (?P<until>\S+)|from (?P<since>\S+) on"
    r"|(?P<first>\S+) to (?P<last>\S+)); the run is from (?P<begin>\S+) to (?P<end>\S+)"
)


def check_manifest(run: Run, found: Findings) -> None:
    """Derive all of the manifest but the versions of what made the run."""
    terms, time, scenario = run.terms, run.time, run.scenario
    recorded = run.manifest
    left_out = [name for name, out in zip(run.homes, run.left_out.tolist(), strict=True) if out]
    derived: Sequence[tuple[str, Any]] = (
        ("status", "complete"),
        ("scenario", scenario.get("name")),
        ("seed", scenario.get("seed")),
        ("currency", terms.currency),
        ("currency", scenario.get("currency")),
        ("minor_per_major", terms.minor_per_major),
        ("start", str(time.begin)),
        ("end", str(time.end[-1])),
        ("prosumers", run.n_homes),
        ("frames", run.n_frames),
        ("unsolved_intervals", int((np.isnan(run.network["v_max_pu"]) & ~run.dark).sum())),
        ("tariff", terms.name),
        ("rules", terms.rules),
        ("left_out_of_trade", left_out),
        ("unconfirmed", list(terms.unconfirmed)),
    )
    found.holds(
        MANIFEST,
        [recorded.get(key) == value for key, value in derived],
        lambda i: (
            f"manifest.json: {derived[i][0]}: {recorded.get(derived[i][0])!r} recorded, "
            f"{derived[i][1]!r} derived"
        ),
    )
    _check_dates(run, found)


def check_sums(run: Run, found: Findings) -> None:
    """Compare every data file with its hash, and demand a hash for each."""
    sums = run.manifest.get("sha256")
    sums = sums if isinstance(sums, Mapping) else {}
    there = {
        path.name for path in run.path.iterdir() if path.suffix in (".parquet", ".csv", ".yaml")
    }
    names = sorted({*sums, *there, *(name for name in NEEDED if name != "manifest.json")})
    found.holds(
        SUMS,
        [
            (run.path / name).is_file() and sums.get(name) == files.file_sum(run.path / name)
            for name in names
        ],
        lambda i: f"{names[i]} is not the file that the run wrote",
    )


def _check_dates(run: Run, found: Findings) -> None:
    """Compare the notes on dates; those of rules rest on a file that the run does not keep."""
    first = run.time.begin.astype("datetime64[D]")
    last = first + np.timedelta64(run.time.days - 1, "D")
    notes = list(run.manifest.get("notes") or [])
    since, until = run.terms.applies
    wanted = []
    if (since or str(first)) > str(first) or (until or str(last)) < str(last):
        days = f"{since} to {until}" if since and until else ""
        days = days or (f"from {since} on" if since else f"until {until}")
        wanted = [
            f"tariff {run.terms.name} applies {days}; the run is from {first} to {last}",
        ]
    said = [*_arrangement_notes(run), *mechanism_notes(run)]
    told = notes[len(notes) - len(said) :] if said else []
    found.holds(
        DATES,
        told == said,
        lambda: f"{notes} recorded, {said} derived of arrangement and mechanism",
    )
    rest = notes[len(wanted) : len(notes) - len(said)]
    found.holds(
        DATES, notes[: len(wanted)] == wanted, lambda: f"{notes} recorded, {wanted} derived"
    )
    found.holds(
        DATES,
        len(rest) <= int(run.setting("settlement", "rules") is not None)
        and all(_is_rules_note(note, run.terms.rules, str(first), str(last)) for note in rest),
        lambda: f"{rest} recorded",
    )


def _arrangement_notes(run: Run) -> list[str]:
    """Return the note on one arrangement at a time, which is said where all months are netted."""
    terms = run.terms
    if not (terms.one_arrangement and terms.banks):
        return []
    who = f"rules {terms.rules}" if terms.rules is not None else f"tariff {terms.name}"
    return [
        f"{who}: a member may have one arrangement at a time, net metering or P2P; this is not "
        f"enforced: the tariff {terms.name} nets every member's month, also of those who trade"
    ]


def _is_rules_note(note: str, rules: str | None, first: str, last: str) -> bool:
    """Whether a note says of these rules, and with sense, that they do not apply."""
    match = _RULES_NOTE.fullmatch(str(note))
    if match is None or match["name"] != rules or (match["begin"], match["end"]) != (first, last):
        return False
    since, until = match["since"] or match["first"], match["until"] or match["last"]
    return (since or first) > first or (until or last) < last
