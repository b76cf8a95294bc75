"""The command line: arguments in, exit code out. The only place that imports typer and ends the process."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line on the process's arguments."""
    from migration_manager import interrupts
    from migration_manager.cli.app import app
    from migration_manager.redact import Redactor

    interrupts.listen()
    _fill_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # A pipe in a C locale must not turn a file name into a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
    except BrokenPipeError:  # the reader of a help text has gone
        code = 0
    except Exception as error:
        # typer's own errors about usage repeat the argument, which may be an address with its password.
        if not hasattr(error, "show") or not hasattr(error, "exit_code"):
            raise
        shown = io.StringIO()
        error.show(shown)
        print(Redactor().clean(shown.getvalue()), end="", file=sys.stderr)
        code = error.exit_code
    sys.exit(code)


def _fill_closed_streams() -> None:
    """Give a stream that was closed at the start (`>&-`) somewhere to write to; a run must not depend on a listener."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for the process's life
