"""The directory of a run: reserved at the start, complete or absent at the end."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from .recording import DayRecord

try:
    import fcntl
except ImportError:  # Windows has no flock: there two processes are not kept apart
    fcntl = None  # type: ignore[assignment]

PARTIAL = ".partial"
_CHECKPOINT = "checkpoint"
_LOCK = "running.lock"


class RunError(Exception):
    """A run that cannot be begun, resumed or read; `problems` lists every reason and remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RunDirectory:
    """Where a run works (`OUT.partial`) and where it ends (`OUT`).

    Parameters
    ----------
    out : Path
        The directory that the finished run will have.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.work = out.with_name(out.name + PARTIAL)
        self._lock: IO[bytes] | None = None

    def lock(self) -> None:
        """Hold the working directory for this process; the system lets go when it ends.

        Raises
        ------
        RunError
            If another process works in it.
        """
        if fcntl is None:
            return
        lock = (self.work / _LOCK).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise RunError(
                [f"{self.work}: --resume: another process is working there: let it finish"]
            ) from error
        self._lock = lock

    @classmethod
    def begin(cls, out: Path | None, scenario_name: str, root: Path) -> RunDirectory:
        """Reserve a directory: `out`, or the next free `ROOT/SCENARIO-NNN`.

        Raises
        ------
        RunError
            If `out` holds something already, or an unfinished run stands in its place.
        """
        if out is None:
            try:
                root.mkdir(parents=True, exist_ok=True)
                return cls._next_free(scenario_name.replace(" ", "-"), root)
            except OSError as error:
                raise _not_writable(root, error) from error
        directory = cls(out)
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise RunError(
                [f"{out}: --out: exists and is not empty: name a new directory or remove it"]
            )
        if directory.work.exists():
            raise RunError(
                [
                    f"{directory.work}: --out: holds an unfinished run: continue it with --resume, "
                    "or remove it"
                ]
            )
        try:
            directory.work.mkdir(parents=True)
        except OSError as error:
            raise _not_writable(out, error) from error
        directory.lock()
        return directory

    @classmethod
    def _next_free(cls, name: str, root: Path) -> RunDirectory:
        number = 1
        while True:
            directory = cls(root / f"{name}-{number:03d}")
            if not directory.out.exists():
                try:
                    directory.work.mkdir()
                    directory.lock()
                    return directory
                except FileExistsError:
                    pass  # another run took this number: try the next
            number += 1

    @classmethod
    def resume(cls, out: Path | None, scenario_name: str, root: Path) -> RunDirectory:
        """Find the unfinished run at `out`, or the newest one of the scenario.

        Raises
        ------
        RunError
            If there is none.
        """
        if out is not None:
            directory = cls(out)
        else:
            name = scenario_name.replace(" ", "-")
            found = sorted(root.glob(f"{name}-[0-9]*{PARTIAL}"))
            if not found:
                raise RunError(
                    [
                        f"{root}: --resume: no unfinished run of {scenario_name}: "
                        "run without --resume"
                    ]
                )
            directory = cls(found[-1].with_name(found[-1].name.removesuffix(PARTIAL)))
        if not directory.work.is_dir():
            raise RunError(
                [f"{directory.work}: --resume: no unfinished run there: run without --resume"]
            )
        directory.lock()
        return directory

    def finish(self) -> None:
        """Drop the checkpoint and give the directory its final name."""
        shutil.rmtree(self.work / _CHECKPOINT, ignore_errors=True)
        (self.work / _LOCK).unlink(missing_ok=True)
        if self.out.exists():
            self.out.rmdir()  # only ever an empty directory, see `begin`
        self.work.rename(self.out)

    def abandon(self) -> None:
        """Remove an unfinished run that has nothing worth keeping."""
        shutil.rmtree(self.work, ignore_errors=True)

    # --- checkpoints -----------------------------------------------------------------------

    def save_day(self, record: DayRecord) -> None:
        """Keep a finished day."""
        _write_atomically(
            self.work / _CHECKPOINT / f"day-{record.day:04d}.pickle", pickle.dumps(record)
        )

    def days(self, n_days: int) -> Iterator[DayRecord]:
        """Read the first `n_days` kept days, one at a time."""
        for day in range(n_days):
            with (self.work / _CHECKPOINT / f"day-{day:04d}.pickle").open("rb") as file:
                yield pickle.load(file)

    def save_state(self, state: Any) -> None:
        """Keep the state at a day's end; what it needs must have been saved before."""
        _write_atomically(self.work / _CHECKPOINT / "state.pickle", pickle.dumps(state))

    def load_state(self) -> Any:
        """Return the last state kept, or None where no day was finished."""
        path = self.work / _CHECKPOINT / "state.pickle"
        if not path.exists():
            return None
        with path.open("rb") as file:
            return pickle.load(file)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file whole."""
        _write_atomically(self.work / name, text.encode())

    def write_json(self, name: str, document: Any) -> None:
        """Write a JSON document for people and programs."""
        self.write_text(name, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _not_writable(path: Path, error: OSError) -> RunError:
    return RunError(
        [f"{path}: --out: cannot be created ({error.strerror}): name a place you may write to"]
    )


def _write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, whenever the process is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(path.suffix + ".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
