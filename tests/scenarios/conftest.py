from importlib.resources import files

import pytest


@pytest.fixture
def village_text():
    """The text of the shipped village."""
    return (files("gridbazaar.scenarios") / "library" / "kerala-village.yaml").read_text()
