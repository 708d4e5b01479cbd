"""Chromium without a window, and pages of `gridbazaar view` opened in it."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCREENSHOTS = Path(__file__).parents[2] / "build" / "browser"


def chromium():
    """Path of an installed Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextlib.contextmanager
def viewed(*arguments):
    """Run `gridbazaar view` on a free port; yields its address, and ends it as Ctrl-C does."""
    command = [sys.executable, "-m", "gridbazaar", "view", *arguments, "--port", "0"]
    server = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        address = server.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), address or server.stderr.read()
        yield address
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
    finally:
        if server.poll() is None:
            server.terminate()
            server.wait(20)
        server.stdout.close()
        server.stderr.close()


class Tab:
    """A browser tab with one market, and the requests of it that left the machine."""

    def __init__(self, program, address, width=1280, height=1000):
        self.page = program.new_context(viewport={"width": width, "height": height}).new_page()
        self.page.set_default_timeout(60_000)
        self.outside = []
        local = ("data:", "blob:", address, address.replace("http", "ws"))

        def note(request):
            if not request.url.startswith(local):
                self.outside.append(request.url)

        self.page.on("request", note)
        self.page.on("websocket", note)
        self.page.goto(address)
        self.page.wait_for_selector(".gb-board svg")

    @property
    def head(self):
        return self.page.locator(".gb-line").first.inner_text()

    @property
    def frame(self):
        """Frames that were played, as the page says."""
        words = self.head.split("frame ")
        return int(words[1].split(" of")[0]) if "none played" not in self.head else 0

    @property
    def pictures(self):
        return [one.inner_html() for one in self.page.locator(".gb-board .gb-picture").all()]

    @property
    def rows(self):
        return [
            row.locator("td").all_inner_texts()
            for row in self.page.locator(".gb-members tbody tr").all()
        ]

    @property
    def member(self):
        """Who is selected, as the panel of the member says."""
        return self.page.locator(".gb-board .gb-line b").inner_text().split(",")[0]

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def wait_for_frame(self, number):
        """Wait until that frame or, while the market plays, a later one is shown."""
        self.page.wait_for_function(
            """number => {
                const words = document.querySelector(".gb-line").innerText;
                if (words.includes("none played")) return number === 0;
                return number > 0 && Number(/frame ([0-9]+) of/.exec(words)[1]) >= number;
            }""",
            arg=number,
        )

    def step_to(self, number):
        for k in range(self.frame + 1, number + 1):
            self.press("Step")
            self.wait_for_frame(k)
        self.settle()

    def settle(self):
        """Wait until all of the page is drawn: the head comes before what stands below it."""
        before = None
        while before != (now := (self.pictures, self.page.locator(".gb-members").inner_text())):
            before = now
            self.page.wait_for_timeout(250)

    def slide(self, label, steps):
        slider = self.page.get_by_role("slider", name=label)
        slider.focus()
        for _ in range(steps):
            slider.press("ArrowRight")

    def choose(self, label, name):
        self.page.get_by_role("button", name=label).click()
        self.page.get_by_role("option", name=name, exact=True).click()

    def shoot(self, name):
        """Store a screenshot of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(500)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window; without one the test is skipped, and says so."""
    program = chromium()
    if program is None:
        why = (
            "THE BROWSER PAGE IS NOT TESTED: no Chromium on this machine: install it "
            "(Debian: apt-get install chromium) and run the tests again"
        )
        if os.environ.get("GRIDBAZAAR_BROWSER") == "required":
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=program, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def view():
    """The command as a context manager that yields the page's address."""
    return viewed


@pytest.fixture
def tab(browser):
    """Open tabs; at the end none of them may have asked another machine for anything."""
    tabs = []

    def open_tab(address, **size):
        tabs.append(Tab(browser, address, **size))
        return tabs[-1]

    yield open_tab
    for one in tabs:
        assert one.outside == []
        one.page.context.close()
