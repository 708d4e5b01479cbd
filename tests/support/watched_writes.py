"""Which files this process opens for writing, makes, moves or removes; and a time limit."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink"}
_watched: list[list[str]] = []
_installed = False


def _hook(event: str, arguments: tuple) -> None:
    if not _watched or event not in _CHANGES:
        return
    if event == "open" and (
        not isinstance(arguments[2], int)
        or not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    ):
        return
    for place in (
        arguments[:2] if event in ("os.rename", "os.link", "os.symlink") else arguments[:1]
    ):
        if isinstance(place, str | bytes | os.PathLike):
            path = os.path.abspath(os.fsdecode(place))
            if "__pycache__" not in path and path != os.devnull:
                for seen in _watched:
                    seen.append(path)


@contextmanager
def writes_only_below(*folders: Path) -> Iterator[None]:
    """Fail if anything is written elsewhere (compiled code aside)."""
    global _installed
    if not _installed:  # a hook stays for good
        sys.addaudithook(_hook)
        _installed = True
    seen: list[str] = []
    _watched.append(seen)
    try:
        yield
    finally:
        _watched.remove(seen)
    allowed = tuple(os.path.abspath(folder) + os.sep for folder in folders)
    elsewhere = [path for path in seen if not (path + os.sep).startswith(allowed)]
    assert not elsewhere, elsewhere


class TooLongError(Exception):
    """The time limit is over."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Fail if a case takes longer."""

    def over(number: int, frame: object) -> None:
        raise TooLongError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


TEMPORARY = Path(tempfile.gettempdir())
