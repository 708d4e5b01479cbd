"""Whatever stands in a file, it is accepted or refused with listed problems, never a crash."""

import random
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridbazaar.scenarios.load import ScenarioError, load_scenario, scenario_from_dict
from gridbazaar.scenarios.yaml_text import read_yaml_text

LIBRARY = Path(__import__("gridbazaar.scenarios").scenarios.__file__).parent / "library"
VILLAGE = (LIBRARY / "kerala-village.yaml").read_text()
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
    st.sampled_from(["../x", "x.csv", "x.yaml", "\x00", "simple", "kochi", "site", "1e400"]),
)
VALUES = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=6) | st.sampled_from(["name", "homes", "frames", "preset", "file"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def accepted_or_listed(load):
    try:
        load()
    except ScenarioError as error:
        assert error.problems
        assert all(isinstance(line, str) and "\n" not in line for line in error.problems)


def places(data, prefix=()):
    for key, value in data.items():
        yield (*prefix, key)
        if isinstance(value, dict):
            yield from places(value, (*prefix, key))


SOUND = read_yaml_text(VILLAGE, "village")
PLACES = [*places(SOUND), ("tariff", "frames"), ("members", "file"), ("settlement", "rules"),
          ("profiles", "site"), ("battery", "x"), ("feeder", "path")]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
@example([(("tariff",), {"preset": "simple", "frames": {"peak": None}})])
@example([(("tariff",), {"preset": ["simple"]})])
@example([(("start",), "2025-11-01")])
def test_mutated_values(changes):
    data = read_yaml_text(VILLAGE, "village")
    for place, value in changes:
        here = data
        for step in place[:-1]:
            if not isinstance(here.get(step), dict):
                here[step] = {}
            here = here[step]
        here[place[-1]] = value
    accepted_or_listed(lambda: scenario_from_dict(data, "fuzz.yaml", Path("/nonexistent")))


@given(st.integers(0, 2**32), st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_mutated_text(tmp_path_factory, seed, edits):
    rng = random.Random(seed)
    data = bytearray(VILLAGE.encode())
    for _ in range(edits):
        at = rng.randrange(len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.randrange(1, 30)]
        elif kind == 2:
            data[at:at] = rng.choice(
                [b"\t", b": ", b"- ", b"{", b"]", b"'", b"&a ", b"*a", b"!!int ", b"\x00", b"~"]
            )
        else:
            data[at:at] = data[at // 2 : at // 2 + rng.randrange(40)]
    path = tmp_path_factory.mktemp("fuzz") / "village.yaml"
    path.write_bytes(data)
    accepted_or_listed(lambda: load_scenario(path))


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_arbitrary_bytes(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "bytes.yaml"
    path.write_bytes(data)
    accepted_or_listed(lambda: load_scenario(path))


@given(st.lists(st.text(max_size=30) | st.builds("{}={}".format, st.sampled_from(
    [".".join(place) for place in PLACES] + ["tariff.frames.peak.multiplier", "tariff.0.x"]),
    st.text(max_size=12)), max_size=3))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_arbitrary_overrides(overrides):
    accepted_or_listed(lambda: load_scenario("kerala-village", overrides))
