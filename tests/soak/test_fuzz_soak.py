"""Ten thousand broken files and two thousand command lines, as in `make test` a hundred."""

import collections

import pytest
from fuzz_cases import READERS, fuzz
from fuzz_commands import answered, command_line
from mutations import write_inputs

FILES = 10_000
COMMANDS = 2_000


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    sound, changed = tmp_path_factory.mktemp("sound"), tmp_path_factory.mktemp("changed")
    write_inputs(sound)
    write_inputs(changed)
    return sound, changed


@pytest.mark.parametrize("name", sorted(READERS))
def test_changed_files_are_accepted_or_refused(studies, name):
    each = -(-FILES // len(READERS))
    accepted = [any(fuzz(*studies, name, seed)) for seed in range(each)]
    assert not all(accepted)  # else nothing would be tested
    assert any(accepted) or name == "net.json"  # pandapower is an extra


def test_any_words_are_answered(tmp_path, monkeypatch):
    write_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    seen = collections.Counter(answered(command_line(seed), tmp_path) for seed in range(COMMANDS))
    assert set(seen) >= {0, 2}
