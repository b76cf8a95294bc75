"""Waiting for others in SQLite, whose own waiting hears no Ctrl-C."""

from __future__ import annotations

import sqlite3
import time
from typing import Final

from migration_manager.engines.sqlite_failures import code_of

_TICK: Final = 50  # milliseconds SQLite may sleep in one go


def patiently(connection: sqlite3.Connection, statement: str, patience: int | None = None) -> None:
    """Run BEGIN or COMMIT, waiting for others in slices short enough for Ctrl-C; raises `sqlite3.Error`.

    For as many milliseconds as the session waits, or from now on is to wait: `patience`.
    """
    if patience is None:
        (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    deadline = time.monotonic() + patience / 1000
    try:
        connection.execute(f"PRAGMA busy_timeout = {min(_TICK, patience)}")
        while True:
            try:
                connection.execute(statement)
                break
            except sqlite3.OperationalError as error:
                # A COMMIT that was refused because somebody reads has lost nothing and may be sent again.
                if not code_of(error).startswith("SQLITE_BUSY") or time.monotonic() >= deadline:
                    raise
                time.sleep(_TICK / 5000)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")
