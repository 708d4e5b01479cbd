"""The command line; the commands themselves stand in `analysis/commands/`.

Exit status: 0 success; 1 what was asked for could not be done; 2 bad input, nothing written.
"""

from __future__ import annotations

import io
import sys

from .analysis.commands import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A file's name may hold bytes that are no text: they are shown, not stumbled over.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()


if __name__ == "__main__":
    main()
