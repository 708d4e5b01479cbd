"""Read YAML text safely: no objects, no duplicate keys, numbers as people write them.

Values are those of YAML 1.2's core schema where 1.1 surprises: ``1e-3`` is a number, ``10:00`` is
a text and not 600, and ``on``, ``off``, ``yes``, ``no`` are words. Anchors and aliases are refused:
no scenario needs them, and a few lines of them can unfold to gigabytes.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from .files import is_special
from .problems import ScenarioError, problem

LARGEST_FILE_BYTES = 10_000_000
_DEEPEST = 30


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses aliases, duplicate keys, keys that are not text, deep nesting."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(
                None, None, "an alias (*name) is not allowed", self.peek_event().start_mark
            )
        self.depth += 1
        if self.depth > _DEEPEST:
            raise yaml.constructor.ConstructorError(
                None, None, f"nested deeper than {_DEEPEST} levels", self.peek_event().start_mark
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            wrong = None
            if not isinstance(key, str):
                wrong = f"the key {key_node.value!r} is not text"
            elif key in seen:
                wrong = f"the key {key!r} stands twice"
            if wrong:
                raise yaml.constructor.ConstructorError(None, None, wrong, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if not tag.endswith((":bool", ":float", ":int"))
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^[-+]?(?:0b[0-1_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+"
        r"|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)


def read_yaml_text(text: str, place: str) -> Any:
    """Parse YAML text into plain dicts, lists, texts, numbers and dates.

    Parameters
    ----------
    text : str
        The text.
    place : str
        Its file's name, for messages.

    Returns
    -------
    object
        What the text says.

    Raises
    ------
    ScenarioError
        If it is not YAML, with line and column.

    Examples
    --------
    >>> read_yaml_text("market: {k: 1e-1}", "my.yaml")
    {'market': {'k': 0.1}}
    >>> read_yaml_text("{earliest: 10:00, days: 3}", "my.yaml")
    {'earliest': '10:00', 'days': 3}
    >>> try:
    ...     read_yaml_text("days: 1\\ndays: 2", "my.yaml")
    ... except ScenarioError as error:
    ...     print(error)
    my.yaml: line 2 column 1: days: 2: the key 'days' stands twice: correct the line
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1} column {mark.column + 1}" if mark else "top"
        line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
        wrong = error.problem or error.context or "is not YAML"
        raise ScenarioError([problem(place, where, line, wrong, "correct the line")]) from error
    except yaml.YAMLError as error:
        wrong = "holds characters that YAML does not allow"
        raise ScenarioError([problem(place, "top", str(error), wrong, "remove them")]) from error
    except (
        ValueError,
        OverflowError,
        RecursionError,
        AttributeError,
        LookupError,
        TypeError,
    ) as error:
        # Dates such as 2025-13-99, integers of thousands of digits; and what PyYAML makes of a tag
        # that its value does not fit: AttributeError of `!!timestamp x`, KeyError of `!!bool x`.
        wrong = "holds a value that cannot be read"
        raise ScenarioError(
            [problem(place, "top", str(error), wrong, "correct the date or number")]
        ) from error


def read_yaml_file(path: Path, place: str) -> Any:
    """Read a YAML file; see `read_yaml_text`.

    Raises
    ------
    ScenarioError
        If the file is missing, unreadable, larger than 10 MB, not UTF-8 or not YAML.
    """
    remedy = "give the name of a YAML file"
    try:
        if is_special(path):
            wrong = "is a pipe or a device, whose reading may never end"
            raise ScenarioError([problem(place, "top", path, wrong, remedy)])
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise ScenarioError([problem(place, "top", path, "is larger than 10 MB", remedy)])
        data = path.read_bytes()
    except FileNotFoundError:
        raise ScenarioError([problem(place, "top", path, "no such file", remedy)]) from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        wrong = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise ScenarioError([problem(place, "top", path, wrong, remedy)]) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"byte {error.start}"
        raise ScenarioError(
            [problem(place, where, data[error.start], "is not UTF-8 text", "save it as UTF-8")]
        ) from error
    return read_yaml_text(text, place)
