"""Starts runners by the dozen a second: a process that has imported everything once and forks one for each.

A runner is the command line as `migration_manager.cli.main` is, with streams, variables and a folder of its own; or one
of the designs that must fail (`designs`). The launcher forks and buries, and does nothing else, so that no thread and
no connection of a test is ever forked.
"""

from __future__ import annotations

import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Self

REPOSITORY = Path(__file__).parents[2]
COMMAND_LINE = "migration-manager"
_BUSY = 60.0  # seconds the launcher itself may take to answer


@dataclass
class Runner:
    """A runner that was started. `code` is None while it runs, and minus the signal for one that was killed."""

    number: int
    pid: int
    began: float
    streams: Path
    code: int | None = None
    seconds: float = 0.0  # it ran for

    @property
    def out(self) -> str:
        return self.streams.with_suffix(".out").read_text("utf-8", "replace")

    @property
    def err(self) -> str:
        return self.streams.with_suffix(".err").read_text("utf-8", "replace")

    def kill(self, how: signal.Signals = signal.SIGKILL) -> bool:
        """Send it a signal; False when it has ended already."""
        if self.code is not None:
            return False
        try:
            os.kill(self.pid, how)
        except ProcessLookupError:
            return False
        return True


class Launcher:
    """The launcher as its users see it. Its runners are killed when it is closed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._runners: dict[int, Runner] = {}
        self._number = 0
        self._held = b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.campaign.launcher"],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for whoever started the campaign
        )
        assert self._hear(_BUSY) == {"ready": True}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(_BUSY)
        self._process.stdout.close()

    def start(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        program: str = COMMAND_LINE,
    ) -> Runner:
        """Start a runner; its process is there when this returns."""
        self._number += 1
        streams = self._folder / str(self._number % 512)
        for stream in (".out", ".err"):  # a runner that is killed before it opens them says nothing
            streams.with_suffix(stream).write_bytes(b"")
        runner = Runner(self._number, 0, time.monotonic(), streams)
        self._runners[runner.number] = runner
        asked = {
            "number": runner.number,
            "program": program,
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
            "streams": str(streams),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        end = time.monotonic() + _BUSY
        while not runner.pid:
            assert self._take_word(end), "the launcher does not answer"
        return runner

    def wait(self, runner: Runner, seconds: float) -> bool:
        """Wait until a runner has ended; False when it still runs after so many seconds."""
        end = time.monotonic() + seconds
        while runner.code is None:
            if not self._take_word(end):
                return False
        return True

    def _take_word(self, end: float) -> bool:
        """Take in one thing the launcher says; False when it says nothing until then."""
        told = self._hear(max(0.0, end - time.monotonic()))
        if told is None:
            return False
        runner = self._runners[told["number"]]
        if "pid" in told:
            runner.pid = told["pid"]
        else:
            runner.code, runner.seconds = told["code"], told["seconds"]
            del self._runners[runner.number]
        return True

    def _hear(self, seconds: float) -> Any:
        assert self._process.stdout is not None
        while b"\n" not in self._held:
            if not select.select([self._process.stdout], [], [], seconds)[0]:
                return None
            more = os.read(self._process.stdout.fileno(), 65536)
            assert more, "the launcher has ended"
            self._held += more
        line, self._held = self._held.split(b"\n", 1)
        return json.loads(line)


# ------------------------------------------------------------------------------- the launcher's own process


def _say(value: Mapping[str, object]) -> None:
    os.write(1, json.dumps(value).encode() + b"\n")


def _warm_up() -> None:
    """Import everything and do once what is the same for every runner."""
    import typer.main

    import migration_manager
    from migration_manager.cli import main

    for module in pkgutil.walk_packages(migration_manager.__path__, "migration_manager."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    importlib.import_module("tests.campaign.designs")
    # The tree of commands is built from the same functions each time, and that takes as long as a small migration.
    typer.main.get_command = functools.cache(typer.main.get_command)
    sys.argv = [COMMAND_LINE, "status", "--url", "sqlite:///nowhere.db", "--dir", "nowhere"]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), suppress(SystemExit):
        main()  # typer imports more when a command is really called


def _become(asked: Mapping[str, Any]) -> NoReturn:
    """Be the runner, in the process just forked."""
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(each, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        for stream, opened in (
            (0, os.open(os.devnull, os.O_RDONLY)),
            (1, os.open(asked["streams"] + ".out", flags, 0o600)),
            (2, os.open(asked["streams"] + ".err", flags, 0o600)),
        ):
            os.dup2(opened, stream)
            os.close(opened)
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the process's life
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
        code = _run(asked["program"], asked["arguments"])
    finally:
        _leave(code)


def _run(program: str, arguments: Sequence[str]) -> int:
    sys.argv = [program, *arguments]
    try:
        if program == COMMAND_LINE:
            from migration_manager.cli import main

            main()
        from tests.campaign import designs

        designs.DESIGNS[program](*arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - what any program ends in that lets an exception through
        import traceback

        traceback.print_exc()
        return 70
    return 0


def _leave(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _bury(running: dict[int, tuple[int, float]]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        number, began = running.pop(pid)
        seconds = time.monotonic() - began
        _say({"number": number, "code": os.waitstatus_to_exitcode(status), "seconds": round(seconds, 5)})


def _launch() -> None:
    """Fork a runner for every line on standard input, until there are no more."""
    _warm_up()
    woken, wakes = os.pipe()
    for end in (woken, wakes):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    _say({"ready": True})
    running: dict[int, tuple[int, float]] = {}
    held = b""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _bury(running)
        if 0 in ready:
            more = os.read(0, 65536)
            if not more:
                break
            held += more
            while b"\n" in held:
                line, held = held.split(b"\n", 1)
                asked = json.loads(line)
                began = time.monotonic()
                pid = os.fork()
                if not pid:
                    os.close(woken)
                    os.close(wakes)
                    _become(asked)
                running[pid] = (asked["number"], began)
                _say({"number": asked["number"], "pid": pid})
                _bury(running)
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    _launch()
