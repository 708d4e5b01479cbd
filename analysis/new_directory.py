"""A new directory: whether it can be written, and how it appears when it is complete."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def new_directory_problems(out: Path) -> list[str]:
    """What stands against writing a new directory.

    Parameters
    ----------
    out : Path
        The directory, which must not exist yet or be empty.

    Returns
    -------
    list of str
        One problem as ``--out: value: what is wrong: what to do``, or none.

    Examples
    --------
    >>> new_directory_problems(Path("a-new-one"))
    []
    >>> new_directory_problems(Path(__file__) / "flow")[0].split(": ")[2]
    'stands under a file'
    """
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            return [
                f"--out: {out}: exists and is not an empty directory: give a new one, so that "
                "nothing is overwritten"
            ]
        # It is made beside its place and moved there, so its parent is what must be writable.
        above = next(parent for parent in out.absolute().parents if os.path.lexists(parent))
        if not above.is_dir():
            return [f"--out: {out}: stands under a file: name a directory in another place"]
        if not os.access(above, os.W_OK | os.X_OK):
            return [f"--out: {out}: {above} cannot be written: name a place you may write to"]
    except OSError as error:
        return [f"--out: {out}: {error.strerror}: name a place you may write to"]
    return []


@contextmanager
def new_directory(out: Path) -> Iterator[Path]:
    """Give a folder to write into; it becomes `out` when all went well, else it is removed.

    The folder stands beside `out` under a name that nothing else has: another program's files,
    an unfinished run's among them, are never touched.

    Parameters
    ----------
    out : Path
        A directory that is new or empty; those above it are made.

    Yields
    ------
    Path
        Where to write.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with new_directory(Path(place) / "new") as work:
    ...         _ = (work / "a.txt").write_text("1")
    ...     [path.name for path in Path(place).rglob("*")]
    ['new', 'a.txt']
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    holder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        work = holder / "new"
        work.mkdir()  # with the usual rights, which the temporary one does not have
        yield work
        if out.exists():
            out.rmdir()  # only ever an empty directory
        work.rename(out)
    finally:
        shutil.rmtree(holder, ignore_errors=True)
