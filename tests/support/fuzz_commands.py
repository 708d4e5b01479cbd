"""Command lines that nobody meant, for the tests of every command."""

import random
from pathlib import Path

import matplotlib.pyplot  # noqa: F401  (its caches are its own)
from typer.testing import CliRunner
from watched_writes import time_limit, writes_only_below

from gridbazaar.analysis.commands import app

SECONDS = 60.0
VALUES = [
    "", " ", ".", "..", "/", "-1", "0", "1", "1e400", "nan", "inf", "x", "simple", "all", "=",
    "a=b", "days=0", "days=1e9", "market.k=nan", "market.engine=exact",
    "tariff.frames.0.start=x", "../x", "/etc/passwd", "/dev/null/x", "x" * 5000, "a\0b",
    "ä", "é" * 300, "2025-13-01", "[", "{", "&a [*a]", "!!python/object:os.system {}",
    "*", "--", "-", "--json", "--help", "\n", "%s", "{0}", "kerala-village", "ieee33_mv",
    "kerala_village_lv", "scenario.yaml", "sellers.csv", "buyers.csv", "lane", "case3.m",
    "net.json", "members.csv", "loads.csv", "nsga2", "exact", "published", "per-buyer",
    "surplus", "demand-first", "rational", "day", "vcg", "agv", "merit-order", "constrained",
    "adaptive-capping", "1.0", "5", "12", "csv", "xlsx", "home-001", "2025-11", "9" * 400,
    "market.choose=all", "market.nothing=1,2", "seed=1,1",
]  # fmt: skip
# Words that keep a command that runs for long from doing so: no scenario has no days.
SHORT = {"run": ["--days", "0"], "compare": ["--days", "0"], "view": ["--days", "0"]}
SOUND = {
    "clear": ["--sellers", "sellers.csv", "--buyers", "buyers.csv", "--frame", "day",
              "--engine", "exact", "--retail", "8", "--feed-in", "3"],
    "flow": ["lane"],
    "check": ["scenario.yaml"],
    "run": ["scenario.yaml"],
    "compare": ["scenario.yaml", "--over", "market.k=0,1"],
}  # fmt: skip


def commands() -> dict[str, list[str]]:
    """Every command with the names of its options."""
    from typer.main import get_command

    group = get_command(app)
    return {
        name: [option for parameter in command.params for option in parameter.opts]
        for name, command in group.commands.items()
        if name not in ("view", "sweep")  # one serves until it is stopped, one has its own tests
    }


KNOWN = commands()


def command_line(seed: int) -> list[str]:
    """A command with options and values that may fit or not."""
    rng = random.Random(f"command {seed}")
    name = rng.choice(sorted(KNOWN))
    words = list(SOUND.get(name, [])) if rng.random() < 0.6 else []
    options = [option for option in KNOWN[name] if option.startswith("--")]
    for _ in range(rng.randrange(5)):
        kind = rng.random()
        if kind < 0.6 and options:
            words += [rng.choice(options), rng.choice(VALUES)]
        elif kind < 0.9:
            words.append(rng.choice(VALUES))
        elif words:
            words[rng.randrange(len(words))] = rng.choice(VALUES)
    return [name, *words, *SHORT.get(name, [])]


def answered(words: list[str], folder: Path) -> int:
    """Run it in a folder (the working directory); its exit status, which must be one of three."""
    with time_limit(SECONDS), writes_only_below(folder):
        result = CliRunner().invoke(app, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in (0, 1, 2), (words, result.exit_code)
    if result.exit_code == 2:
        assert result.output.strip(), words
    assert "Traceback" not in result.output
    return result.exit_code
