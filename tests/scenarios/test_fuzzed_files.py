"""A hundred broken files: each is accepted or refused with listed problems, in good time."""

import pytest
from fuzz_cases import READERS, fuzz, refused_or_accepted
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mutations import write_inputs


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """A sound study, and a copy in which files are changed."""
    sound, changed = tmp_path_factory.mktemp("sound"), tmp_path_factory.mktemp("changed")
    write_inputs(sound)
    write_inputs(changed)
    return sound, changed


@pytest.mark.parametrize("name", [name for name in READERS if name != "net.json"])
def test_the_sound_study_is_accepted(studies, name):
    """Else a fuzzed file would be refused for what is wrong elsewhere."""
    assert all(refused_or_accepted(reader, studies[0]) for reader in READERS[name])


@given(st.sampled_from(sorted(READERS)), st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
@example("case3.m", 66)  # a problem of 200,000 characters
@example("case3.m", 86)  # a line of quotes took minutes
@example("pv.csv", 49)  # a row of 200,000 cells took minutes
@example("scenario.yaml", 412)  # a file name of 200,000 characters
@example("tariff.yaml", 1012)  # 500 frames of one name
@example("tariff.yaml", 1041)  # a tag that its value does not fit
def test_a_changed_file_is_accepted_or_refused(studies, name, seed):
    fuzz(*studies, name, seed)
