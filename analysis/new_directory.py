"""Whether a new directory can be written, asked before anything is computed for it."""

from __future__ import annotations

import os
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
