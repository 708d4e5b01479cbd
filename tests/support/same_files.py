"""Whether two runs wrote the same files, byte for byte."""

import filecmp
from pathlib import Path

TIMES = {"timing.json"}  # seconds differ from run to run


def files_of(folder: Path) -> set[str]:
    """Every file and folder below a folder, but for what holds seconds."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.name not in TIMES}


def assert_same_tree(left: Path, right: Path) -> None:
    assert files_of(left) == files_of(right)
    files = [name for name in files_of(left) if (left / name).is_file()]
    _, differ, errors = filecmp.cmpfiles(left, right, files, shallow=False)
    assert (differ, errors) == ([], [])
