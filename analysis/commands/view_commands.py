"""The command that serves the browser page."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from .console import ScenarioName, Settings, app, bad_input_listed, say

PORT = 8765


@app.command(epilog="Example: gridbazaar view kerala-village --port 8800 --set market.choose=knee")
def view(
    scenario: ScenarioName = "kerala-village",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = PORT,
    host: Annotated[
        str, typer.Option(help="Address to listen on; by default this machine alone.")
    ] = "127.0.0.1",
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser.")
    ] = False,
    settings: Settings = None,
) -> None:
    """Watch a scenario in the browser, frame by frame; Ctrl-C ends it."""
    from ..dashboard.serve import (
        ServeError,
        address,
        free_port,
        is_loopback,
        missing_parts,
        served,
    )

    if missing := missing_parts():
        say(f"The browser page needs the extra viz; missing: {', '.join(missing)}.")
        say("Install it with: python -m pip install 'gridbazaar[viz]' (in a clone: '.[viz]')")
        raise typer.Exit(1)
    overrides = list(settings or [])
    say("Playing a first frame (compiled once on a machine; some seconds) ...")
    with bad_input_listed():
        _prepare(scenario, overrides)
    try:
        port = free_port(host, port)
    except ServeError as error:
        say(str(error))
        raise typer.Exit(1) from None
    if not is_loopback(host):
        say(
            f"warning: {host} can be reached from other machines, and the page asks for no "
            "password: whoever reaches it can play markets on this machine"
        )
    for name in ("SIGTERM", "SIGHUP"):  # however we are asked to end, the server ends with us
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        with served(scenario, overrides, host, port) as server:
            print(address(host, port), flush=True)
            say("Ctrl-C ends it.")
            if open_browser:
                import webbrowser

                webbrowser.open(address(host, port))
            if server.wait():
                say(f"The server ended with status {server.returncode}: see above.")
                raise typer.Exit(1)
    except ServeError as error:
        say(str(error))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        say("Ended.")


def _prepare(scenario: str, overrides: list[str]) -> None:
    """Refuse a bad scenario before the server starts; compile what the first frame needs."""
    from ..dashboard.live_market import Desk

    run = Desk(scenario, overrides).run
    run.step()
    run.release()
