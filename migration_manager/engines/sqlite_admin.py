"""SQLite database files as such: whether one exists, creating and deleting it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from migration_manager.engines import sqlite_lock
from migration_manager.engines.base import SessionSettings
from migration_manager.engines.sqlite import open_sqlite
from migration_manager.errors import DatabaseUnreachable

_SIDE_FILES: Final = ("-journal", "-wal", "-shm")


class SqliteAdministration:
    """See `engines.base.Administration`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def database(self) -> str:
        return self._path.name

    def exists(self) -> bool:
        try:
            self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise DatabaseUnreachable(f"{self._path} cannot be looked at: {error.strerror}") from None
        return True

    def create(self) -> bool:
        """Make an empty database file, and its directory where that is missing."""
        if self.exists():
            return False
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            sqlite3.connect(self._path).close()
        except (OSError, sqlite3.Error) as error:
            raise DatabaseUnreachable(f"{self._path} cannot be made: {error}") from None
        return True

    def drop(self) -> bool:
        """Delete the file and what SQLite keeps beside it.

        Raises `LockNotAcquired` while a run holds its lock, and `ConfigError` for a file that is no SQLite
        database: a mistyped path must not cost somebody another file.
        """
        if not self.exists():
            return False
        open_sqlite(self._path, SessionSettings(), read_only=True).close()
        real = Path(os.path.realpath(self._path))
        us = sqlite_lock.ourselves("db drop")
        with sqlite_lock.held(sqlite_lock.lock_path(self._path), 0, lambda _holder, _waited: None, us):
            # The journal goes first: left alone, it would be rolled back into the next database of that name.
            for suffix in (*_SIDE_FILES, ""):
                real.with_name(real.name + suffix).unlink(missing_ok=True)
        if self._path.is_symlink():
            self._path.unlink()
        return True
