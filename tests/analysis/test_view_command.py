"""`gridbazaar view`: what it refuses, what it warns of, how it starts and ends its server."""

import contextlib
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest
from typer.testing import CliRunner

from gridbazaar.__main__ import app
from gridbazaar.analysis.dashboard import serve


@pytest.fixture
def started(monkeypatch):
    """Arguments with which a server would have been started."""
    calls = []

    class Server:
        returncode = 0

        def wait(self):
            return 0

    @contextlib.contextmanager
    def served(*arguments):
        calls.append(arguments)
        yield Server()

    monkeypatch.setattr(serve, "served", served)
    return calls


def view(*arguments):
    handlers = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGHUP)}
    try:
        return CliRunner().invoke(app, ["view", *arguments])
    finally:
        for name, handler in handlers.items():
            signal.signal(name, handler)


def test_a_bad_scenario_is_refused_before_anything_starts(started):
    answer = view("kerala-estates", "--set", "days=0", "--set", "market.choose=best")
    assert answer.exit_code == 2
    assert "2 problems found" in answer.output and "market.choose: best" in answer.output
    assert started == []


def test_the_extra_that_is_missing_is_named_with_the_remedy(started, monkeypatch):
    monkeypatch.setattr(serve, "NEEDED", ("solara", "no_such_package"))
    answer = view("kerala-estates")
    assert answer.exit_code == 1
    assert "no_such_package" in answer.output and "pip install 'gridbazaar[viz]'" in answer.output
    assert started == []


def test_a_new_ipyvuetify_is_named(monkeypatch):
    monkeypatch.setattr(serve.importlib.metadata, "version", lambda name: "3.0.1")
    assert serve.missing_parts() == ["ipyvuetify below 2 (here is 3.0.1)"]


def test_a_busy_port_is_told(started):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = view("kerala-estates", "--port", str(port))
    assert answer.exit_code == 1
    assert f"127.0.0.1:{port}" in answer.output and "--port" in answer.output
    assert started == []


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_an_address_that_others_reach_is_warned_of(started, host, warned):
    answer = view("kerala-estates", "--port", "0", "--host", host, "--set", "seed=4")
    assert answer.exit_code == 0
    assert ("warning" in answer.output) is warned
    ((scenario, overrides, at, port),) = started
    assert (scenario, overrides, at) == ("kerala-estates", ["seed=4"], host) and port > 0
    assert f"http://127.0.0.1:{port}" in answer.output


def test_a_host_that_is_not_this_machine_is_told(started):
    answer = view("kerala-estates", "--host", "192.0.2.1")
    assert answer.exit_code == 1 and "192.0.2.1" in answer.output
    assert started == []


def test_the_scenario_travels_in_the_environment_alone(monkeypatch):
    seen = {}

    def start(command, env, **more):
        seen.update(command=command, env=env)
        raise OSError("stop here")

    monkeypatch.setattr(serve.subprocess, "Popen", start)
    hostile = "x; touch /tmp/y $(id)"
    with pytest.raises(OSError, match="stop here"), serve.served(hostile, ["a=b"], "127.0.0.1", 1):
        pass
    assert not any(hostile in part for part in seen["command"])
    assert json.loads(seen["env"][serve.VARIABLE]) == {"scenario": hostile, "set": ["a=b"]}
    assert seen["env"]["SOLARA_TELEMETRY_MIXPANEL_ENABLE"] == "False"


def test_a_server_without_a_page_is_told():
    """Solara says that it is ready, and then fails on the page, where its assets are elsewhere."""

    class Pageless(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/readyz" else 500)
            self.end_headers()

        def log_message(self, *words):
            pass

    class Running:
        def poll(self):
            return None

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pageless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(serve.ServeError, match=r"no page to give .*500.*pip install"):
            serve._wait_until_ready(Running(), url)
        server.shutdown()


def test_the_page_answers_on_this_machine_and_ends_with_the_command():
    command = [sys.executable, "-m", "gridbazaar", "view", "kerala-estates", "--port", "0"]
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ
    )
    try:
        address = run.stdout.readline().strip()
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert answer.status == 200 and b"solara" in answer.read().lower()
        run.send_signal(signal.SIGTERM)
        assert run.wait(20) == 0
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(address, timeout=2)
    finally:
        run.kill()
        run.wait()
        run.stdout.close()
