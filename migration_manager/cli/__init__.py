"""The command line: arguments in, exit code out. The only place that imports typer and ends the process."""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from migration_manager import interrupts
from migration_manager.interrupts import Stop

_LAST_WORDS: Final = 200  # milliseconds that standard error gets to take them


def main() -> NoReturn:
    """Run the command line on the process's arguments."""
    with interrupts.listening(_stop_at_once):
        try:
            code = _run()
        except KeyboardInterrupt:
            code = Stop.INTERRUPTED.exit_code
        if code == Stop.INTERRUPTED.exit_code:  # also of typer's own, where a signal came before or after a command
            code = interrupts.which().exit_code
    sys.exit(code)


def _run() -> int:
    from migration_manager.cli.app import app
    from migration_manager.redact import Redactor

    _fill_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # A pipe in a C locale must not turn a file name into a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return int(app(standalone_mode=False) or 0)
    except BrokenPipeError:  # the reader of a help text has gone
        return 0
    except Exception as error:
        # typer's own errors about usage repeat the argument, which may be an address with its password.
        if not hasattr(error, "show") or not hasattr(error, "exit_code"):
            raise
        shown = io.StringIO()
        error.show(shown)
        print(Redactor().clean(shown.getvalue()), end="", file=sys.stderr)
        return int(error.exit_code)


def _stop_at_once(stop: Stop) -> None:
    """End the process while its main thread is at anything at all, and say so where somebody reads it."""
    why = "again" if stop is Stop.INTERRUPTED else f"and not done with the clean-up in {interrupts.GRACE:.0f} s"
    text = (
        f"error: {stop.word} {why}: stopped at once; what was not committed is rolled back, by a server within about"
        " a second; `status` tells what is kept\n"
    )
    with suppress(OSError):
        writable = select.poll()  # a pipe that nobody empties must not keep us
        writable.register(2, select.POLLOUT)
        if writable.poll(_LAST_WORDS):
            # On a terminal the cursor stands behind what was drawn, or the ^C.
            os.write(2, ("\n" if os.isatty(2) else "").encode() + text.encode())
    os._exit(stop.exit_code)


def _fill_closed_streams() -> None:
    """Give a stream that was closed at the start (`>&-`) somewhere to write to; a run must not depend on a listener."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for the process's life
