"""One fuzzed case: a file of a sound study is changed, and everything that reads it is asked."""

import random
import shutil
from pathlib import Path

from mutations import mutated
from watched_writes import time_limit, writes_only_below

from gridbazaar.analysis.clear_orders import clear
from gridbazaar.analysis.flow import feeder_as_asked, solve_feeder
from gridbazaar.network.library import load_feeder
from gridbazaar.sim.build import build_world, load_checked

# Homes of its own, for feeders and profiles that know none of members.csv.
DRAWN = "members={generate: {homes: 2}}"
SECONDS = 20.0  # most that a case may take, on a busy machine


def study(*settings):
    return lambda folder: build_world(load_checked(folder / "scenario.yaml", list(settings)))


def orders(folder):
    clear(
        str(folder / "sellers.csv"), str(folder / "buyers.csv"), frame="day", engine="exact",
        retail=8.0, feed_in=3.0, feeder=str(folder / "lane"), hours=12.0,
    )  # fmt: skip


def published(folder):
    clear(
        str(folder / "sellers.csv"), str(folder / "buyers.csv"), frame="day", engine="exact",
        mcp=5.0, published=str(folder / "published.csv"),
    )  # fmt: skip


def flow(folder):
    solve_feeder(feeder_as_asked(str(folder / "lane"), folder / "loads.csv", 1.0, None, None))


#: File: what reads it.
READERS = {
    "scenario.yaml": [study()],
    "members.csv": [study()],
    "tariff.yaml": [study()],
    "rules.yaml": [study()],
    "load.csv": [study()],
    "pv.csv": [study()],
    "lane_buses.csv": [study(), flow],
    "lane_branches.csv": [study(), orders],
    "loads.csv": [flow],
    "sellers.csv": [orders],
    "buyers.csv": [orders],
    "case3.m": [
        lambda folder: load_feeder(folder / "case3.m"),
        study("feeder.path=case3.m", DRAWN, "profiles.pv=kochi"),
    ],
    "net.json": [lambda folder: load_feeder(folder / "net.json")],
    "ausgrid.csv": [
        study("profiles.load=ausgrid.csv", DRAWN, "profiles.pv=kochi"),
        study("profiles.pv=ausgrid.csv", DRAWN, "members.generate.pv_share=0"),
    ],
    "ceew.csv": [study("profiles.load=ceew.csv", DRAWN, "profiles.pv=kochi")],
    "load.parquet": [study("profiles.load=load.parquet")],
}


def refused_or_accepted(reader, folder: Path) -> bool:
    """Whether it was accepted; whatever is neither that nor a listed problem fails."""
    try:
        with time_limit(SECONDS), writes_only_below(folder / "nowhere"):
            reader(folder)
    except Exception as error:
        problems = getattr(error, "problems", None)
        if problems is None:
            raise
        assert problems
        for line in problems:
            assert isinstance(line, str) and "\n" not in line and len(line) < 2000, line
            assert line.count(":") >= 2, line  # place: value: what is wrong ...
        return False
    return True


def fuzz(sound: Path, folder: Path, name: str, seed: int) -> list[bool]:
    """Change one file of the study as the seed says, and read it by all that reads it."""
    rng = random.Random(f"{name} {seed}")
    kept = (sound / name).read_bytes()
    file = folder / name
    kind = rng.randrange(40)
    file.unlink()
    try:
        if kind == 0:
            file.mkdir()
        elif kind == 1:
            file.symlink_to(rng.choice(["/etc/passwd", "/", "nothing", name, "/dev/null"]))
        else:
            file.write_bytes(mutated(kept, rng))
        return [refused_or_accepted(reader, folder) for reader in READERS[name]]
    finally:
        shutil.rmtree(file) if file.is_dir() and not file.is_symlink() else file.unlink()
        file.write_bytes(kept)
