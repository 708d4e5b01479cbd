"""The files of a checkpoint: whole or absent, and refused where they are damaged or not ours."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .recording import DayRecord
from .run_errors import RunError
from .whole_file import write_whole

_FORMAT = "gridbazaar checkpoint 1"
_STATE = "state.pickle"
_REMEDY = "remove the directory and run again without --resume"


class Checkpoint:
    """What an unfinished run keeps at each market day's end.

    Each file begins with a line of JSON: the format, the SHA-256 of what follows, and, for the
    state, where it comes from. What follows is a pickle, read only when the hash is right.

    Parameters
    ----------
    folder : Path
        Where the files are; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def exists(self) -> bool:
        """Whether a day was finished."""
        return (self.folder / _STATE).is_file()

    def save_day(self, record: DayRecord) -> None:
        """Keep a finished day."""
        self._write(self._day(record.day), record, {})

    def save_state(self, state: Any, origin: dict[str, str]) -> None:
        """Keep the state at a day's end; what it needs must have been saved before.

        Parameters
        ----------
        state : object
            Anything that pickles.
        origin : dict of str to str
            Versions and inputs that it belongs to.
        """
        self._write(self.folder / _STATE, state, origin)

    def days(self, n_days: int) -> Iterator[DayRecord]:
        """Read the first `n_days` kept days, one at a time.

        Raises
        ------
        RunError
            If one is missing or damaged.
        """
        for day in range(n_days):
            yield pickle.loads(self._read(self._day(day))[1])

    def check_days(self, n_days: int) -> None:
        """See that the first `n_days` are all there and whole.

        Raises
        ------
        RunError
            With every one that is not.
        """
        problems = []
        for day in range(n_days):
            try:
                self._read(self._day(day))
            except RunError as error:
                problems += error.problems
        if problems:
            raise RunError(problems)

    def load_state(self, origin: dict[str, str]) -> Any:
        """Return the last state kept, or None where no day was finished.

        Parameters
        ----------
        origin : dict of str to str
            What the state must belong to.

        Raises
        ------
        RunError
            If it is damaged, or was kept by other versions or from other inputs.
        """
        if not self.exists:
            return None
        kept, content = self._read(self.folder / _STATE)
        differ = origin_problems(self.folder.parent, kept, origin)
        if differ:
            raise RunError(differ)
        return pickle.loads(content)

    def _day(self, day: int) -> Path:
        return self.folder / f"day-{day:04d}.pickle"

    def _write(self, path: Path, document: Any, origin: dict[str, str]) -> None:
        content = pickle.dumps(document)
        head = {"format": _FORMAT, "sha256": hashlib.sha256(content).hexdigest(), "origin": origin}
        self.folder.mkdir(exist_ok=True)
        write_whole(path, json.dumps(head).encode() + b"\n" + content)

    def _read(self, path: Path) -> tuple[dict[str, str], bytes]:
        try:
            line, _, content = path.read_bytes().partition(b"\n")
        except OSError as error:
            wrong = f"the checkpoint cannot be read ({error.strerror})"
            raise RunError([f"{path}: --resume: {wrong}: {_REMEDY}"]) from error
        try:
            head = json.loads(line)
            whole = head["format"] == _FORMAT
            whole = whole and head["sha256"] == hashlib.sha256(content).hexdigest()
            origin: dict[str, str] = dict(head["origin"])
        except (ValueError, TypeError, KeyError):
            whole = False
        if not whole:
            raise RunError([f"{path}: --resume: the checkpoint is damaged: {_REMEDY}"])
        return origin, content


def origin_problems(place: Path, kept: dict[str, str], now: dict[str, str]) -> list[str]:
    """Say where versions or inputs of an earlier process differ from this one's.

    Examples
    --------
    >>> origin_problems(Path("runs/a.partial"), {"numpy": "2.1.0"}, {"numpy": "2.4.0"})
    ['runs/a.partial: --resume: was begun with numpy 2.1.0, now it is 2.4.0: results would mix: \
go on with the versions that it was begun with, or begin anew in another directory']
    """
    problems = []
    for name in sorted(kept.keys() | now.keys()):
        before, after = kept.get(name, "unknown"), now.get(name, "unknown")
        if before == after:
            continue
        if name == "inputs":
            wrong = "a file that the scenario names has changed since it was begun"
            remedy = "bring the file back"
        elif name == "code":
            wrong = "was begun with other code of gridbazaar itself: results would mix"
            remedy = "go on with the code that it was begun with"
        else:
            wrong = f"was begun with {name} {before}, now it is {after}: results would mix"
            remedy = "go on with the versions that it was begun with"
        problems.append(f"{place}: --resume: {wrong}: {remedy}, or begin anew in another directory")
    return problems
