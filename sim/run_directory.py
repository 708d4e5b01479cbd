"""The directory of a run: reserved at the start, complete or absent at the end."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import IO, Any

from .checkpoint import Checkpoint
from .run_errors import RunError, WriteError
from .whole_file import write_whole

try:
    import fcntl
except ImportError:  # Windows has no flock: there two processes are not kept apart
    fcntl = None  # type: ignore[assignment]

__all__ = ["PARTIAL", "RunDirectory", "RunError", "WriteError"]

PARTIAL = ".partial"
_CHECKPOINT = "checkpoint"
_USED = "checkpoint.used"
_LOCK = "running.lock"
_ELSEWHERE = "name a place you may write to"


class RunDirectory:
    """Where a run works (`OUT.partial`) and where it ends (`OUT`).

    Parameters
    ----------
    out : Path
        The directory that the finished run will have.

    Raises
    ------
    RunError
        If that is no name of a new directory.
    """

    def __init__(self, out: Path) -> None:
        if out.name in ("", "..") or "\0" in str(out):
            wrong = "is no name of a new directory"
            raise RunError([f"{str(out)!r}: --out: {wrong}: give one, such as runs/first"])
        self.out = out
        self.work = out.with_name(out.name + PARTIAL)
        self.checkpoint = Checkpoint(self.work / _CHECKPOINT)
        self._lock: IO[bytes] | None = None

    def lock(self) -> None:
        """Hold the working directory for this process; the system lets go when it ends.

        Raises
        ------
        RunError
            If another process works in it.
        WriteError
            If the directory cannot be written.
        """
        if fcntl is None:
            return
        try:
            lock = (self.work / _LOCK).open("ab")
        except OSError as error:
            raise WriteError.of(self.work, error, _ELSEWHERE) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                self._lock = lock  # a file system without locks: there none are kept apart
                return
            lock.close()
            raise RunError(
                [
                    f"{self.work}: --out: another process is working there: let it finish, or "
                    "name another directory"
                ]
            ) from error
        self._lock = lock

    def release(self) -> None:
        """Let the working directory go."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @classmethod
    def begin(cls, out: Path | None, scenario_name: str, root: Path) -> RunDirectory:
        """Reserve a directory: `out`, or the next free `ROOT/SCENARIO-NNN`.

        Raises
        ------
        RunError
            If `out` holds something already, or an unfinished run stands in its place.
        WriteError
            If it cannot be written.
        """
        try:
            if out is None:
                root.mkdir(parents=True, exist_ok=True)
                return cls._next_free(scenario_name.replace(" ", "-"), root)
            directory = cls(out)
            if out.exists() and (not out.is_dir() or any(out.iterdir())):
                raise RunError(
                    [f"{out}: --out: exists and is not empty: name a new directory or remove it"]
                )
            if not directory._taken():
                directory.lock()
                return directory
        except OSError as error:
            raise WriteError.of(out or root, error, _ELSEWHERE, "created") from error
        directory.lock()  # is it alive?
        directory.release()
        raise RunError(
            [
                f"{directory.work}: --out: holds an unfinished run: continue it with --resume, "
                "or remove it"
            ]
        )

    def _taken(self) -> bool:
        """Make the working directory; whether it stands there already."""
        try:
            self.work.mkdir(parents=True)
        except FileExistsError:
            if not self.work.is_dir():
                raise
            return True
        return False

    @classmethod
    def _next_free(cls, name: str, root: Path) -> RunDirectory:
        number = 1
        while True:
            directory = cls(root / f"{name}-{number:03d}")
            if not directory.out.exists() and not directory._taken():
                if not directory.out.exists():
                    directory.lock()
                    return directory
                directory.work.rmdir()  # another run finished under this name just now
            number += 1

    @classmethod
    def resume(cls, out: Path | None, scenario_name: str, root: Path) -> RunDirectory:
        """Find the unfinished run at `out`, or the newest one of the scenario.

        Raises
        ------
        RunError
            If there is none, or another process works in it.
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

    # --- the end ---------------------------------------------------------------------------

    @property
    def whole(self) -> bool:
        """Whether all files are there and only the last steps of `finish` are left."""
        return (self.work / "manifest.json").is_file() and not self.checkpoint.folder.exists()

    def finish(self) -> None:
        """Drop the checkpoint and give the directory its final name.

        A process that is killed between the steps leaves a directory that is `whole`, or one
        that has its name and a lock too many: `resume` goes on from both.

        Raises
        ------
        RunError
            If something has been put at the final name meanwhile.
        """
        if self.checkpoint.folder.exists():
            self.checkpoint.folder.rename(self.work / _USED)
        if (self.work / _USED).exists():
            shutil.rmtree(self.work / _USED)
        if self.out.exists():
            try:
                self.out.rmdir()  # an empty directory may stand there, see `begin`
            except OSError as error:
                wrong = "something has been put there while the run was going on"
                remedy = "move it away and repeat the same command with --resume"
                raise RunError([f"{self.out}: --out: {wrong}: {remedy}"]) from error
        self.work.rename(self.out)
        self.unlock_finished()

    def unlock_finished(self) -> None:
        """Take the lock out of a finished run."""
        (self.out / _LOCK).unlink(missing_ok=True)
        self.release()

    def abandon(self) -> None:
        """Remove an unfinished run that has nothing worth keeping."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.release()

    # --- files -----------------------------------------------------------------------------

    def write_text(self, name: str, text: str) -> None:
        """Write a text file whole."""
        write_whole(self.work / name, text)

    def write_json(self, name: str, document: Any) -> None:
        """Write a JSON document for people and programs."""
        self.write_text(name, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
