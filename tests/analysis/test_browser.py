"""The page in headless Chromium: played, paused, reset, clicked; nothing leaves the machine."""

import re

import pytest

import chromium as program_file
from chromium import SCREENSHOTS, browser, chromium, opened, viewed

pytestmark = pytest.mark.skipif(
    chromium() is None,
    reason="THE BROWSER PAGE IS NOT TESTED: no Chromium on this machine; install it "
    "(Debian: apt-get install chromium) and run again",
)
