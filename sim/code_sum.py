"""One hash of the program itself: between two releases its code changes, its version does not."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

#: Rooms of the package whose code and data make a run's numbers.
_ROOMS = ("agents", "analysis/kpis", "market", "network", "scenarios", "sim")
_LENGTH = 16  # hexadecimal digits


@cache
def code_sum() -> str:
    """Return a hash of the package's own files that runs rest on, code and shipped data.

    Returns
    -------
    str
        Hexadecimal; the same for the same files, wherever and however they are installed.

    Examples
    --------
    >>> len(code_sum())
    16
    """
    return sum_of_files(Path(__file__).parents[1], _ROOMS)


def sum_of_files(package: Path, rooms: tuple[str, ...]) -> str:
    """Return one hash of the names and contents of all files of some folders.

    Compiled code (`__pycache__`, extension modules) and hidden files do not count: they
    follow from the sources, and differ from one machine to the next.

    Parameters
    ----------
    package : Path
        The folder that holds the others.
    rooms : tuple of str
        Folders in it; one that is absent counts as empty.

    Returns
    -------
    str
        Hexadecimal.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sum_of_files(Path(folder), ("a",))
    'e3b0c44298fc1c14'
    """
    found = hashlib.sha256()
    for room in rooms:
        for path in sorted((package / room).rglob("*"), key=lambda path: path.as_posix()):
            parts = path.relative_to(package).parts
            made = path.suffix in (".pyc", ".so", ".pyd") or "__pycache__" in parts
            if made or any(part.startswith(".") for part in parts) or not path.is_file():
                continue
            found.update(f"{'/'.join(parts)}\n".encode())
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:_LENGTH]
