"""Asks squawk, a linter for PostgreSQL's migrations that is a program of its own: the extra `lint` brings it.

It is asked offline, about texts that are written to a temporary folder, with no configuration but ours. What it says is
handed back in lines and columns of those texts; what is made of it is decided elsewhere.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from migration_manager.errors import UsageError

_PROGRAM: Final = "squawk"
_EXTRA: Final = "pip install 'migration-manager[lint]'"
_CONFIG: Final = "none.toml"  # empty: else squawk takes the .squawk.toml of any folder above
_ANSWERED: Final = (0, 1)  # exit codes: nothing found, something found


class SquawkMissing(UsageError):
    """The program is not there."""

    def __init__(self) -> None:
        super().__init__(
            "squawk, which knows the unsafe operations, is not installed here",
            hint=f"{_EXTRA}; or --own-rules for this tool's own rules alone",
        )


class Sheet(NamedTuple):
    """A text for squawk, and whether a transaction is around it."""

    text: str
    in_transaction: bool


class Remark(NamedTuple):
    """Something squawk says about a sheet; line and column are of characters, from 0."""

    sheet: int
    line: int
    column: int
    rule: str
    message: str


def find() -> Path:
    """Return the program: the one beside the interpreter, where the wheel puts it, else that of the PATH.

    Raises `SquawkMissing`.
    """
    beside = Path(sys.executable).parent / _PROGRAM
    if beside.is_file():
        return beside
    on_path = shutil.which(_PROGRAM)
    if on_path is None:
        raise SquawkMissing
    return Path(on_path)


def remarks(program: Path, sheets: Sequence[Sheet], *, server_version: str | None) -> list[Remark]:
    """Return what squawk says of some texts, in at most two processes. Raises `UsageError` where it cannot be asked."""
    found: list[Remark] = []
    with tempfile.TemporaryDirectory(prefix="migration_manager_lint_") as name:
        folder = Path(name)
        (folder / _CONFIG).touch()
        for in_transaction in (True, False):
            mine = [number for number, sheet in enumerate(sheets) if sheet.in_transaction is in_transaction]
            for number in mine:
                (folder / f"{number}.sql").write_bytes(sheets[number].text.encode())
            if mine:
                options = ["--assume-in-transaction"] if in_transaction else []
                options += ["--pg-version", server_version] if server_version else []
                found += _ask(program, folder, options, sheets, mine)
    return found


def _ask(
    program: Path, folder: Path, options: Sequence[str], sheets: Sequence[Sheet], numbers: Sequence[int]
) -> list[Remark]:
    command = [str(program), "--config", _CONFIG, "--reporter", "json", *options, *(f"{n}.sql" for n in numbers)]
    try:
        # Nothing of our environment: variables of squawk's would change what it says.
        done = subprocess.run(command, cwd=folder, env={}, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise UsageError(f"squawk cannot be run: {program}: {error.strerror}", hint=_EXTRA) from None
    try:
        said = json.loads(done.stdout) if done.returncode in _ANSWERED else None
        lines: dict[int, list[str]] = {}
        return [_remark(each, sheets, lines) for each in said or ()] if said is not None else _failed(done)
    except (ValueError, KeyError, TypeError, IndexError):
        return _failed(done)


def _failed(done: subprocess.CompletedProcess[bytes]) -> list[Remark]:
    words = (done.stderr or done.stdout).decode("utf-8", "replace").strip().split("\n")[0][:200]
    raise UsageError(
        f"squawk failed (exit code {done.returncode}): {words or 'it said nothing'}",
        hint=f"another version of it may help: {_EXTRA} --upgrade",
    )


def _remark(said: dict[str, Any], sheets: Sequence[Sheet], lines: dict[int, list[str]]) -> Remark:
    number = int(Path(said["file"]).stem)
    if number not in lines:
        lines[number] = sheets[number].text.split("\n")
    line, column = int(said["line"]), int(said["column"])
    # It counts bytes of UTF-8.
    before = lines[number][line].encode()[:column].decode("utf-8", "ignore")
    return Remark(number, line, len(before), said["rule_name"], said["message"])
