"""Rows for the tables of a scratch SQLite database; see `postgres_rows`."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from migration_manager.catalog import Catalog
from migration_manager.engines.base import SessionSettings
from migration_manager.engines.sqlite_sql import Tables, quoted
from migration_manager.rows import Rows, TableRows

_LITERAL: Final = re.compile(r"'((?:[^']|'')+)'")


class _Column(NamedTuple):
    name: str
    type: str
    not_null: bool
    default: str | None
    is_key: bool

    def value(self, checks: str) -> str:
        # The rules of affinity (Datatypes In SQLite, section 3.1).
        kind = self.type.upper()
        if "INT" in kind or any(word in kind for word in ("REAL", "FLOA", "DOUB", "NUM", "DEC", "BOOL")):
            return "1"
        found = _LITERAL.search(checks)
        return f"'{found[1]}'" if found else "'2001-01-01'" if "DATE" in kind or "TIME" in kind else "'x'"


class SqliteRows:
    """See `engines.base.ScratchRows`."""

    def __init__(self, path: Path, settings: SessionSettings) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._books = Tables(settings.history_table).all_names
        self._tried: set[tuple[str, str]] = set()

    def close(self) -> None:
        self._connection.close()

    def plant(self, catalog: Catalog) -> None:
        for table, made_by in self._tables().items():
            if (table, made_by) not in self._tried:
                self._tried.add((table, made_by))
                self._plant_one(table, made_by)

    def read(self, catalog: Catalog) -> Rows:
        found = {}
        for table in self._tables():
            rows = self._connection.execute(f"SELECT * FROM {quoted(table)}")
            names = [column[0] for column in rows.description]
            values = rows.fetchall()
            held = {
                name: sorted(map(repr, column)) for name, column in zip(names, zip(*values, strict=True), strict=False)
            }
            found[table] = TableRows(
                len(values),
                {
                    name: (
                        sum(value != "None" for value in column),
                        hashlib.sha256("\0".join(column).encode()).hexdigest(),
                    )
                    for name, column in held.items()
                },
            )
        return found

    def _tables(self) -> dict[str, str]:
        return {
            name: made_by
            for name, made_by in self._connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
            if not name.startswith("sqlite_")
            and name not in self._books
            and not made_by.upper().startswith("CREATE VIRTUAL")
        }

    def _plant_one(self, table: str, made_by: str) -> None:
        if self._connection.execute(f"SELECT EXISTS (SELECT 1 FROM {quoted(table)})").fetchone() == (1,):
            return
        columns = [
            _Column(name, kind, bool(not_null), default, bool(key))
            for _, name, kind, not_null, default, key, hidden in self._connection.execute(
                f"PRAGMA table_xinfo({quoted(table)})"
            )
            if not hidden
        ]
        wanted = [column for column in columns if column.default is None]
        checks = "".join(re.findall(r"CHECK\s*\(.*", made_by, re.IGNORECASE | re.DOTALL))
        sparse = [column for column in wanted if column.not_null or column.is_key]
        for chosen in (wanted, sparse):
            names = ", ".join(quoted(column.name) for column in chosen)
            values = ", ".join(column.value(checks) for column in chosen)
            into = f"({names}) VALUES ({values})" if chosen else "DEFAULT VALUES"
            with suppress(sqlite3.Error):
                self._connection.execute(f"INSERT INTO {quoted(table)} {into}")
                return
