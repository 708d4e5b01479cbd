"""Makes this folder's plain modules importable by name, whatever import mode pytest uses."""

import importlib.util
import sys
from pathlib import Path

_name = "slp_reference"
if _name not in sys.modules:
    _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
    _module = importlib.util.module_from_spec(_spec)
    sys.modules[_name] = _module
    _spec.loader.exec_module(_module)
