"""From what sqlite3 raises to an error that says what it means and what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

from migration_manager.errors import ConfigError, DatabaseUnreachable, MigrationManagerError, TryLater

BUSY: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")


def ask(connection: sqlite3.Connection, path: Path, query: str, values: Any = ()) -> list[Any]:
    """Return the rows of a query of ours; raises what `trouble` makes of a failure."""
    try:
        return connection.execute(query, values).fetchall()
    except sqlite3.Error as error:
        raise trouble(error, path) from None


def code_of(error: BaseException) -> str:
    """Return SQLite's name of what went wrong, "" where it has none."""
    return getattr(error, "sqlite_errorname", None) or ""


def trouble(error: sqlite3.Error, path: Path) -> MigrationManagerError:
    """Say what a failure outside any script means; raises KeyboardInterrupt when it was Ctrl-C."""
    code = code_of(error)
    if code == "SQLITE_INTERRUPT":  # out of the progress handler
        raise KeyboardInterrupt from error
    if code.startswith(BUSY):
        return TryLater(
            f"{path} is in use by another process and did not get free in time ({code})",
            hint="run again when its transaction has ended; `lock_timeout` says how long to wait",
        )
    if code == "SQLITE_NOTADB":
        return ConfigError(f"{path} is not a SQLite database", hint="is it the right path?")
    if path.is_dir():
        return ConfigError(f"{path} is a directory, not a SQLite database", hint="is it the right path?")
    if not path.parent.is_dir():
        return DatabaseUnreachable(
            f"{path} cannot be opened: there is no directory {path.parent}", hint="`db create` makes both"
        )
    if code.startswith("SQLITE_CANTOPEN"):
        return DatabaseUnreachable(f"{path} cannot be opened: {error}", hint="may this user read it?")
    if code.startswith(("SQLITE_READONLY", "SQLITE_PERM")):
        return MigrationManagerError(
            f"{path} may not be written: {error}",
            hint="this user must be able to write the file and its directory",
        )
    return MigrationManagerError(f"{path}: {error}" + (f" ({code})" if code else ""))
