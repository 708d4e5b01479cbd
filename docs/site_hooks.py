"""Pages of the documentation site that are made from the package: modules, keys, commands.

mkdocs calls `on_files`; what is listed here never goes stale, because nothing is listed by hand.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import click
import typer
from mkdocs.structure.files import File, Files
from pydantic_core import PydanticUndefined

import gridbazaar
from gridbazaar.__main__ import app
from gridbazaar.scenarios.schema import Scenario, Section

ROOMS = {
    "market": "Pure market maths: orders, prices, fronts, mechanisms, tariffs, settlement, bills.",
    "network": "Radial feeders: library, power flow, limits, sensitivities, export envelope.",
    "agents": "Prosumers, market operator and grid agent; batteries, forecasts, bidding.",
    "scenarios": "Scenario files: schema, loading with all problems at once, profiles, members.",
    "sim": "The clock, the Mesa model, runs and their directories, results.",
    "analysis": "Indicators, figures, reports, comparisons, export, audit, browser page.",
}


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made from the package."""
    pages = {f"{room}.md": room_page(room) for room in ROOMS}
    pages |= {
        "face.md": face_page(),
        "commands.md": commands_page(),
        "scenario-keys.md": keys_page(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, f"reference/{name}", content=text))
    return files


def room_page(room: str) -> str:
    """Return the reference of every module of a room."""
    package = importlib.import_module(f"gridbazaar.{room}")
    found = pkgutil.walk_packages(package.__path__, f"gridbazaar.{room}.")
    names = sorted(m.name for m in found if not m.ispkg and ".commands." not in m.name)
    parts = [f"# {room}", "", ROOMS[room], ""]
    return "\n".join([*parts, *(f"::: {name}\n" for name in names)])


def face_page() -> str:
    """Return the reference of what `import gridbazaar` gives."""
    lines = ["# Python face", "", "What stands in `gridbazaar` itself.", ""]
    for name in gridbazaar.__all__:
        one = getattr(gridbazaar, name)
        lines.append(f"- [`gridbazaar.{name}`][{one.__module__}.{one.__qualname__}]: {_first(one)}")
    lines += [
        "",
        "What `run` and `read_results` return: [`Results`][gridbazaar.sim.results.Results].",
    ]
    return "\n".join([*lines, ""])


def commands_page() -> str:
    """Return every command with its options."""
    lines = [
        "# Commands",
        "",
        "`--json` prints one document and nothing else. Exit status: 0 done,",
    ]
    lines += ["1 what was asked for could not be done, 2 bad input with every problem listed.", ""]
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        lines += [f"## gridbazaar {name}", "", inspect.cleandoc(command.help or ""), ""]
        if command.epilog:
            lines += [f"    {command.epilog.removeprefix('Example: ')}", ""]
        lines += ["| argument | default | meaning |", "| --- | --- | --- |"]
        for one in command.params:
            lines.append(f"| {_names(one)} | {_default(one.default)} | {_plain(_help(one))} |")
        lines.append("")
    return "\n".join(lines)


def _names(one: Any) -> str:
    if one.param_type_name == "argument":
        return f"`{one.metavar or one.name.upper()}`"
    return ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))


def _help(one: Any) -> str:
    return str(getattr(one, "help", None) or "")


def _default(value: Any) -> str:
    if value is None or value is False or callable(value) or value == () or value == []:
        return ""
    if isinstance(value, click.Parameter) or "Sentinel" in type(value).__name__:
        return ""
    return "" if "UNSET" in str(value) else f"`{value}`"


def _plain(text: str) -> str:
    return " ".join(text.replace("[b]", "").replace("[/b]", "").replace("|", "\\|").split())


def keys_page() -> str:
    """Return every key of a scenario: default, meaning, and the names that it knows."""
    lines = [
        "# Scenario keys",
        "",
        "Made from the schema; `gridbazaar schema` prints it for editors.",
    ]
    lines += ["Units stand in the names. An unknown key is refused.", ""]
    return "\n".join([*lines, *_section_lines(Scenario, "")])


def _section_lines(section: type[Section], path: str) -> list[str]:
    schema = section.model_json_schema()["properties"]
    doc = inspect.getdoc(section) or ""
    title = path.rstrip(".") or "top level"
    lines = [f"## {title}", "", doc, "", "| key | default | meaning |", "| --- | --- | --- |"]
    below: list[str] = []
    for name, field in section.model_fields.items():
        inner = _inner(field.annotation)
        if inner is not None:
            below += _section_lines(inner, f"{path}{name}.")
        known = next((one["enum"] for one in _alternatives(schema[name]) if "enum" in one), None)
        words = _plain(field.description or (inspect.getdoc(inner) if inner else "") or "")
        if known:
            words += " Known: " + ", ".join(f"`{value}`" for value in known) + "."
        default = "" if field.default is PydanticUndefined or inner else f"`{field.default}`"
        lines.append(f"| `{path}{name}` | {default} | {words} |")
    return [*lines, "", *below]


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [schema, *schema.get("anyOf", [])]


def _inner(annotation: Any) -> type[Section] | None:
    """Return the section that a key holds, if it holds one."""
    for one in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(one, type) and issubclass(one, Section):
            return one
    return None


def _first(one: Any) -> str:
    return (inspect.getdoc(one) or "").split("\n\n")[0].replace("\n", " ")
