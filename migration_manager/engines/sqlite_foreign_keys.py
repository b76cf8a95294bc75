"""Foreign keys that point nowhere, found when a script has ended, since SQLite is not asked to enforce them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Final

from migration_manager.engines import sqlite_sql as queries
from migration_manager.engines.sqlite_failures import ask, trouble

Violations = Counter[tuple[str, str]]  # rows that point nowhere, by their table and the one they point to

_MISMATCH: Final = "foreign key mismatch"


class ForeignKeys:
    """What is known of the violations in a database whose path is for messages only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: tuple[int, Violations] | None = None  # as last seen, with SQLite's data_version

    def forget(self) -> None:
        """Take it that they may have changed: something was rolled back, or another session begins."""
        self._last = None

    def known(self, connection: sqlite3.Connection) -> Violations:
        """Return the violations there are before a script; looks again only when others have written."""
        if self._last is not None and self._last[0] == self._data_version(connection):
            return self._last[1]
        return self._find(connection)

    def new_since(self, connection: sqlite3.Connection, before: Violations) -> str | None:
        """Return a sentence about the violations there were not `before`, None when there are none."""
        # Compared by number and not by row: in a table that was rebuilt, old violations have new row ids.
        grown = self._find(connection) - before
        if not grown:
            return None
        return "the script leaves foreign keys violated: " + "; ".join(
            target
            if target.startswith(_MISMATCH)
            else f"{number} {'row' if number == 1 else 'rows'} of {table} with no row in {target}"
            for (table, target), number in sorted(grown.items())
        )

    def _data_version(self, connection: sqlite3.Connection) -> int:
        return int(ask(connection, self._path, "PRAGMA data_version")[0][0])

    def _find(self, connection: sqlite3.Connection) -> Violations:
        found: Violations = Counter()
        try:
            found += _counted(connection)
        except sqlite3.OperationalError as error:
            if _MISMATCH not in str(error):
                raise trouble(error, self._path) from None
            # A parent's key is not unique. That hides all other tables: ask one by one.
            for (name,) in ask(connection, self._path, queries.TABLE_NAMES):
                found += self._of_one_table(connection, name)
        self._last = self._data_version(connection), found
        return found

    def _of_one_table(self, connection: sqlite3.Connection, table: str) -> Violations:
        try:
            return _counted(connection, table)
        except sqlite3.OperationalError as error:
            if _MISMATCH not in str(error):
                raise trouble(error, self._path) from None
            return Counter({(table, str(error)): 1})


def _counted(connection: sqlite3.Connection, *table: str) -> Violations:
    query = queries.count_violations(of_one_table=bool(table))
    return Counter({(child, parent): number for child, parent, number in connection.execute(query, table)})
