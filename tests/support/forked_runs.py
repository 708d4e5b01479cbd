"""The command line in processes of its own that begin at once and can be killed at any moment.

A server process imports everything once and forks for each command, so that a command costs its
own work and not three seconds of imports. The child is a real process: it is really killed.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

# What may change a file, told by Python's audit hooks; fsync, which has none, is wrapped.
CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}


class ForkedRuns:
    """Runs `gridbazaar` commands; use it as a context.

    A command is its words, `cwd`, and where wanted `at_change` (send itself `signal`, by default
    SIGKILL, just before the n-th change of a file below `cwd`) or `after` (sent after so many
    seconds); `figures` (how many the report draws), `file_bytes` (most that a file may hold),
    `seconds` (time limit). The answer is a dict: `status` (negative: killed by that signal),
    `changes`, `seconds`, `out`, `err`.
    """

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def __call__(self, *argv, cwd, **wanted):
        words = list(map(str, argv))
        print(json.dumps({"argv": words, "cwd": str(cwd), **wanted}), file=self.process.stdin)
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def serve():

    import gridbazaar.analysis.commands
    import gridbazaar.analysis.headline
    import gridbazaar.analysis.report
    import gridbazaar.sim.run  # noqa: F401

    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def answer(command):
    log = Path(command["cwd"]).with_suffix(".log")
    log.mkdir(exist_ok=True)
    told = {name: log / name for name in ("out", "err", "changes")}
    for path in told.values():
        path.write_text("")
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        status = 70
        try:
            status = run(command, told)
        finally:
            os._exit(status)
    deadline = begun + command.get("seconds", 120.0)
    moment = begun + command["after"] if "after" in command else None
    while True:
        done, wait_status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        now = time.monotonic()
        if moment is not None and now >= moment:
            os.kill(child, command.get("signal", signal.SIGKILL))
            moment = None
        if now > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    return {
        "status": os.waitstatus_to_exitcode(wait_status),
        "seconds": time.monotonic() - begun,
        "changes": len(told["changes"].read_bytes()),
        "out": told["out"].read_text(errors="replace"),
        "err": told["err"].read_text(errors="replace"),
    }


def run(command, told):
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(told[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), number)
    counter = os.open(told["changes"], os.O_WRONLY | os.O_APPEND)
    os.chdir(command["cwd"])
    if "file_bytes" in command:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing then fails with EFBIG
        resource.setrlimit(resource.RLIMIT_FSIZE, (command["file_bytes"], command["file_bytes"]))
    if "figures" in command:
        from gridbazaar.analysis import figures

        for name in list(figures.FIGURES)[command["figures"] :]:
            del figures.FIGURES[name]
    below = os.getcwd() + os.sep
    last, seen = command.get("at_change", -1), 0

    def change():
        nonlocal seen
        seen += 1
        if seen == last:
            os.kill(os.getpid(), command.get("signal", signal.SIGKILL))
        with suppress(OSError):
            os.write(counter, b".")

    def hook(event, arguments):
        if event not in CHANGES or not isinstance(arguments[0], str | Path):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        if os.path.abspath(arguments[0]).startswith(below):
            change()

    sync = os.fsync

    def fsync(file):
        change()
        sync(file)
        change()

    os.fsync = fsync
    sys.addaudithook(hook)
    sys.argv = ["gridbazaar", *command["argv"]]
    from gridbazaar.__main__ import main

    try:
        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 71
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    serve()
