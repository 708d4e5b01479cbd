"""Files that are there whole or as they were, whenever the process ends or the disk is full."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TEMPORARY = ".tmp"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a name to write to; the file takes its own name when all of it is on the disk.

    The temporary name is always the same, so that a process that goes on after a kill writes over
    what the killed one left, and nothing stays behind.

    Parameters
    ----------
    path : Path
        The file to write; one that stands there is replaced in one step.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    OSError
        If it cannot be written; what stood at `path` stands there still.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     page = Path(folder) / "page.html"
    ...     _ = page.write_text("the first")
    ...     try:
    ...         with whole_file(page) as new:
    ...             _ = new.write_text("half of the sec")
    ...             raise OSError("no room")
    ...     except OSError:
    ...         page.read_text(), [path.name for path in Path(folder).iterdir()]
    ('the first', ['page.html'])
    """
    temporary = path.with_name(path.name + _TEMPORARY)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):  # the first error is the one to tell
            temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file in one step; texts as UTF-8. See `whole_file`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "a.txt", "one")
    ...     (Path(folder) / "a.txt").read_bytes()
    b'one'
    """
    with whole_file(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
