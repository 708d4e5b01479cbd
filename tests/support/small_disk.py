"""A disk that is really full, or really read-only."""

import os
import shutil
import subprocess
from pathlib import Path


class SmallDisk:
    """A folder on a file system of its own where this user may mount one; use it as a context.

    Elsewhere (`mounted` is False) the folder is an ordinary one: `limits` then holds the largest
    size of a file, which `ForkedRuns` puts on the process, and `read_only` takes away the right
    to write, which holds for everybody but root.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mounted = False
        self.limits: dict[str, int] = {}

    def __enter__(self) -> "SmallDisk":
        self.folder.mkdir()
        self.mounted = _did("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        if self.mounted:
            _did("umount", "-l", self.folder)

    @property
    def used_bytes(self) -> int:
        """Room that is taken."""
        stat = os.statvfs(self.folder)
        return (stat.f_blocks - stat.f_bfree) * stat.f_frsize

    def leave_room(self, room: int | None) -> None:
        """Leave so many bytes free; None: as much as anybody needs."""
        if self.mounted:
            size = self.used_bytes + room if room is not None else 64 << 20
            assert _did("mount", "-o", f"remount,size={max(size, 4096)}", self.folder)
        else:
            self.limits = {} if room is None else {"file_bytes": max(1500, room // 4)}

    def read_only(self, wanted: bool) -> bool:
        """Let nobody write, or everybody again; False where nothing keeps root from writing."""
        if self.mounted:
            return _did("mount", "-o", "remount," + ("ro" if wanted else "rw"), self.folder)
        self.folder.chmod(0o555 if wanted else 0o755)
        return os.geteuid() != 0


def _did(program: str, *words: object) -> bool:
    if shutil.which(program) is None:
        return False
    return subprocess.run([program, *map(str, words)], capture_output=True).returncode == 0
