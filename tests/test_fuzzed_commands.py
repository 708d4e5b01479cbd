"""Command lines that nobody meant: an answer, a listed problem, and nothing written elsewhere."""

import os
import subprocess
import sys

import pytest
from fuzz_commands import KNOWN, answered, command_line
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mutations import write_inputs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("commands")
    write_inputs(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield place


@given(st.integers(0, 2**32).map(command_line))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(["kpis", "/"])
@example(["verify", "."])
@example(["report", "/", "x"])
@example(["run", "scenario.yaml", "--out", "/", "--days", "1"])
@example(["run", "scenario.yaml", "--out", ".", "--resume"])
@example(["check", "a\0b.yaml"])
def test_any_words_are_answered(folder, words):
    answered(words, folder)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_an_option_that_does_not_exist_is_refused(folder, name):
    assert answered([name, "--no-such-option"], folder) == 2


def test_a_name_that_is_no_text_is_answered(folder):
    words = [sys.executable, "-m", "gridbazaar", "check", os.fsdecode(b"\xff.yaml")]
    done = subprocess.run(words, cwd=folder, capture_output=True, timeout=120)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"no such file" in done.stderr
