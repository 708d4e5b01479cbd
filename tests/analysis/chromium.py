"""Where Chromium is, and a page of `gridbazaar view` opened in it without a window."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

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


@contextlib.contextmanager
def browser():
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        program = play.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield program
        program.close()


def opened(program, address, width, height=1000):
    """Open a tab of its own; returns it with the list of requests that left the machine."""
    tab = program.new_context(viewport={"width": width, "height": height}).new_page()
    tab.set_default_timeout(60_000)
    outside, local = [], ("data:", "blob:", address, address.replace("http", "ws"))
    tab.on("request", lambda r: None if r.url.startswith(local) else outside.append(r.url))
    tab.on("websocket", lambda w: None if w.url.startswith(local) else outside.append(w.url))
    tab.goto(address)
    tab.wait_for_selector(".gb-board svg")
    return tab, outside
