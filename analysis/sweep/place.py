"""The directory of a sweep: begun, gone on with, and held by one process at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from ...sim.run_errors import RunError, WriteError
from .jobs import Jobs
from .records import read_json, write_json, write_whole
from .run_id import versions

try:
    import fcntl
except ImportError:  # Windows has no flock: there two processes are not kept apart
    fcntl = None  # type: ignore[assignment]

_NAMES = {"code": "other code of gridbazaar,"}
PLAN, COPY = "plan.json", "sweep.yaml"


class Place:
    """Where a sweep keeps its results.

    Parameters
    ----------
    out : Path
        The directory: `sweep.yaml` (a copy of the file), `plan.json` (what it was begun with),
        `runs/` (a file a run), `errors/` (a file a failed run), `tables/` (what is kept of runs),
        `scratch/` (runs at work), and the tables, figures and the page of the whole.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self._lock: IO[bytes] | None = None

    @property
    def runs(self) -> Path:
        """Folder of results."""
        return self.out / "runs"

    @property
    def errors(self) -> Path:
        """Folder of what went wrong."""
        return self.out / "errors"

    @property
    def scratch(self) -> Path:
        """Folder of runs at work."""
        return self.out / "scratch"

    @property
    def figures(self) -> Path:
        """Folder of figures."""
        return self.out / "figures"

    def result(self, run_id: str) -> Path:
        """Return the file of a run's result."""
        return self.runs / f"{run_id}.json"

    def error(self, run_id: str) -> Path:
        """Return the file of a run's error."""
        return self.errors / f"{run_id}.txt"

    def tables(self, run_id: str) -> Path:
        """Return the folder of what is kept of a run."""
        return self.out / "tables" / run_id

    def is_begun(self) -> bool:
        """Whether a sweep was begun here, and can be seen from here."""
        return (self.out / PLAN).is_file() and self.scratch.is_dir()

    def done(self, run_ids: Iterable[str]) -> set[str]:
        """Return the runs whose results are here and can be read."""
        there = {path.stem for path in self.runs.glob("*.json")}
        return {
            one
            for one in run_ids
            if one in there and "indicators" in (read_json(self.result(one)) or {})
        }

    def begin(self, jobs: Jobs, file: Path) -> None:
        """Make the directory and hold it.

        Raises
        ------
        RunError
            If something is there already; `WriteError` if it cannot be written.
        """
        if self.out.exists() and (not self.out.is_dir() or not self._is_bare()):
            remedy = "name a new directory, or go on with --resume"
            raise RunError([f"{self.out}: --out: exists and is not empty: {remedy}"])
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            # First of all: whatever happens from here on, the sweep can be gone on with.
            write_json(self.out / PLAN, _begun_with(jobs))
            self._make_folders(file)
            self.hold()
        except OSError as error:
            remedy = "name a place you may write to, or make room"
            raise WriteError.of(self.out, error, remedy) from error

    def resume(self, jobs: Jobs, file: Path) -> None:
        """Go on in a directory, and hold it.

        Raises
        ------
        RunError
            If no sweep was begun there, it was begun with something else, or another process
            works there.
        """
        kept: Any = read_json(self.out / PLAN)
        if not isinstance(kept, dict):
            wrong = "holds no sweep to go on with: sweep without --resume"
            raise RunError([f"{self.out}: --resume: {wrong}"])
        wanted = _begun_with(jobs)
        if kept.get("versions") != wanted["versions"]:
            before = kept.get("versions") or {}
            differ = [
                f"{_NAMES.get(name, name)} {before.get(name)} (now {now})"
                for name, now in wanted["versions"].items()
                if before.get(name) != now
            ]
            remedy = "install these versions again, or begin anew in another directory"
            raise RunError([f"{self.out}: --resume: was begun with {', '.join(differ)}: {remedy}"])
        if kept.get("sha256") != wanted["sha256"]:
            wrong = "was begun with another sweep file, scenario or data file than there is now"
            remedy = f"restore it from {self.out / COPY}, or begin anew in another directory"
            raise RunError([f"{self.out}: --resume: {wrong}: {remedy}"])
        try:
            self._make_folders(file)
            self.hold()
        except OSError as error:
            raise WriteError.of(self.out, error, "make it writable, or make room") from error
        self.clear_scratch()

    def _is_bare(self) -> bool:
        """Whether nothing is in the directory but what a kill in its first moment left."""
        return all(path.match(f".{PLAN}.*.tmp") for path in self.out.iterdir())

    def _make_folders(self, file: Path) -> None:
        for folder in (self.runs, self.errors, self.scratch, self.out / "tables"):
            folder.mkdir(exist_ok=True)
        if not (self.out / COPY).exists():
            write_whole(self.out / COPY, file.read_bytes())

    def hold(self) -> None:
        """Keep the directory for this process; the system lets go when it ends.

        Raises
        ------
        RunError
            If another process works in it.
        """
        if fcntl is None:
            return
        lock = (self.out / "running.lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            wrong = "another process works there: let it finish, or stop it"
            raise RunError([f"{self.out}: --resume: {wrong}"]) from error
        self._lock = lock

    def let_go(self) -> None:
        """Let other processes work here."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def clear_scratch(self) -> None:
        """Remove what killed workers left."""
        folders = (self.out, self.runs, self.errors)
        halves = [path for folder in folders for path in folder.glob(".*.tmp")]
        for path in [*self.scratch.glob("*"), *halves]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def new_place(root: Path, name: str, resume: bool) -> Path:
    """Return the next free `ROOT/sweep-NAME-NNN`, or the newest one to go on with."""
    stem = f"sweep-{name}-"
    numbers = [
        int(tail)
        for path in root.glob(f"{stem}[0-9]*")
        if (tail := path.name.removeprefix(stem)).isdigit()
    ]
    newest = max(numbers, default=0)
    return root / f"{stem}{max(newest, 1) if resume else newest + 1:03d}"


def _begun_with(jobs: Jobs) -> dict[str, Any]:
    return {
        "sha256": jobs.digest,
        "name": jobs.plan.name,
        "points": len(jobs.points),
        "seeds": list(jobs.seeds),
        "runs": len(jobs.distinct),
        "versions": versions(),
    }
