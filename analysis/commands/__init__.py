"""The commands, in the order of `--help`; each says what it takes, prints and returns.

Imports that cost time stand inside the commands, so that `--help` answers at once.
"""

from . import scenario_commands  # isort: skip
from . import frame_commands  # isort: skip
from . import result_commands  # isort: skip
from . import compare_commands  # isort: skip
from . import sweep_commands  # isort: skip
from . import view_commands  # isort: skip
from .console import app

__all__ = [
    "app",
    "compare_commands",
    "frame_commands",
    "result_commands",
    "scenario_commands",
    "sweep_commands",
    "view_commands",
]
