"""Throw-away SQLite databases: files in a temporary folder, which goes with them."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from migration_manager.engines.base import Engine, NoticeHandler, SessionSettings
from migration_manager.engines.sqlite import ONLY_POSTGRESQL, open_sqlite
from migration_manager.engines.sqlite_rows import SqliteRows
from migration_manager.errors import ConfigError
from migration_manager.model import Script


class SqliteScratch:
    """See `engines.base.Scratch`."""

    owned = True

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="migration_manager_scratch_")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    @property
    def shown(self) -> str:
        return f"SQLite {self.version}"

    @property
    def version(self) -> str:
        return sqlite3.sqlite_version

    def make(self, copy_of: str | None = None) -> str:
        name = f"{secrets.token_hex(6)}.db"
        if copy_of is not None:  # nobody has it open, so there is no journal beside it
            shutil.copyfile(self._path(copy_of), self._path(name))
        return name

    def drop(self, database: str) -> None:
        for path in self._path(database).parent.glob(f"{database}*"):
            path.unlink()

    def fill(self, database: str, script: Script) -> None:
        raise ConfigError(ONLY_POSTGRESQL)

    @contextmanager
    def open(
        self, database: str, settings: SessionSettings, on_notice: NoticeHandler | None = None
    ) -> Iterator[Engine]:
        with open_sqlite(self._path(database), settings, on_notice, read_only=False) as engine:
            yield engine

    def rows(self, database: str, settings: SessionSettings) -> SqliteRows:
        return SqliteRows(self._path(database), settings)

    def roles(self) -> frozenset[str]:
        return frozenset()

    def make_role(self, name: str) -> None:
        return None

    def drop_roles(self, names: Iterable[str]) -> None:
        return None

    def _path(self, database: str) -> Path:
        return Path(self._folder.name) / database
