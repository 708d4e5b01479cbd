"""Start Solara's server for the page as a process of its own, and end it with us.

The scenario travels in an environment variable; nothing of it stands on a command line.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import ipaddress
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence

VARIABLE = "GRIDBAZAAR_VIEW"
APP = "gridbazaar.analysis.dashboard.page"
NEEDED = ("solara", "ipyvuetify", "altair", "networkx")
READY_SECONDS = 90.0
# Nothing leaves the machine: no telemetry, and a file that the installed assets lack is looked for
# at a port where nobody listens, not at a CDN. A closed tab's market is forgotten after a while.
QUIET = {
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False",
    "SOLARA_ASSETS_PROXY": "True",
    "SOLARA_ASSETS_CDN": "http://127.0.0.1:9/",
    "SOLARA_ASSETS_FONTAWESOME_ENABLED": "False",
    "SOLARA_THEME_SHOW_BANNER": "False",  # it would lie over the page's last lines
    "SOLARA_CHECK_HOOKS": "off",  # of Mesa's components, which are not ours to change
    "SOLARA_KERNEL_CULL_TIMEOUT": "10m",
    "MPLBACKEND": "agg",
    # Models that Reset left behind are then given back: 540 homes stood at 1.0 GB from the seventh
    # reset on; with an arena for every thread memory still rose at the tenth (1.2 GB).
    "MALLOC_ARENA_MAX": "2",
    "PYTHONWARNINGS": "ignore:Cookies with samesite=none require https",  # there is no https here
}


class ServeError(RuntimeError):
    """The page cannot be served; the message says why and what to do."""


def given_scenario() -> tuple[str, list[str]]:
    """Return scenario and overrides as the command gave them; the default village without.

    Examples
    --------
    >>> given_scenario()
    ('kerala-village', [])
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return "kerala-village", []
    given = json.loads(text)
    return str(given["scenario"]), [str(one) for one in given["set"]]


def missing_parts() -> list[str]:
    """Return what the page needs and this Python lacks; versions that do not work are named."""
    lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if "ipyvuetify" not in lacking:
        version = importlib.metadata.version("ipyvuetify")
        lacking += [f"ipyvuetify below 2 (here is {version})"] * (not version.startswith("1."))
    return lacking


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def free_port(host: str, port: int) -> int:
    """Return the port if nobody listens there, else say so; 0 finds a free one.

    Raises
    ------
    ServeError
        If the address is taken, or not one of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise ServeError(
                f"{host}:{port}: {reason}: give another --port (0 takes a free one), or --host"
            ) from error
        return int(probe.getsockname()[1])


def address(host: str, port: int) -> str:
    """Return what to type into a browser.

    Examples
    --------
    >>> address("0.0.0.0", 8765), address("::1", 80)
    ('http://127.0.0.1:8765', 'http://[::1]:80')
    """
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


@contextlib.contextmanager
def served(
    scenario: str, overrides: Sequence[str], host: str, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the server until the block ends; inside it the page answers.

    Parameters
    ----------
    scenario, overrides : str, sequence of str
        What the page plays, checked before.
    host, port : str, int
        Where it listens.

    Yields
    ------
    subprocess.Popen
        The server.

    Raises
    ------
    ServeError
        If it ends, or does not answer in time.
    """
    environment = os.environ | {
        VARIABLE: json.dumps({"scenario": scenario, "set": list(overrides)}),
        **QUIET,
    }
    command = [sys.executable, "-m", "solara", "run", APP, "--host", host, "--port", str(port)]
    command += ["--no-open", "--no-check-version", "--production", "--log-level", "warning"]
    command += ["--log-level-uvicorn", "warning"]
    # Ctrl-C is ours: a session of its own keeps the terminal's signal from reaching it twice.
    server = subprocess.Popen(command, env=environment, stdout=sys.stderr, start_new_session=True)
    try:
        _wait_until_ready(server, address(host, port))
        yield server
    finally:
        server.terminate()
        try:
            server.wait(5.0)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], url: str) -> None:
    """Wait for the server, then ask for the page: a server may be up and have no page to give."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            raise ServeError(f"the server ended with status {server.returncode}: see above")
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2.0) as answer:
                ready = answer.status == 200
        except (urllib.error.URLError, OSError):
            ready = False
        if ready:
            _ask_for_page(url)
            return
        time.sleep(0.1)
    raise ServeError(f"{url}: no answer within {READY_SECONDS:.0f} s: is the machine very busy?")


def _ask_for_page(url: str) -> None:
    try:
        with urllib.request.urlopen(url, timeout=READY_SECONDS):
            return
    except (urllib.error.URLError, OSError) as error:
        raise ServeError(
            f"{url}: the server runs, but has no page to give ({error}): parts of the extra viz "
            "lie outside this Python's environment; install it into this one: "
            "python -m pip install --force-reinstall 'gridbazaar[viz]'"
        ) from error
