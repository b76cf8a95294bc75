"""A script on its way to SQLite: statement by statement, guarded, with errors that point into the file."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Final

from migration_manager.engines.base import AdvanceHandler
from migration_manager.engines.sqlite_failures import BUSY, code_of, trouble
from migration_manager.engines.sqlite_position import point_at
from migration_manager.engines.sqlite_sql import TABLES_AND_VIEWS
from migration_manager.errors import SqlFailed
from migration_manager.messages import Message, one_by_one
from migration_manager.model import Script

_INSTRUCTIONS: Final = 20_000  # of SQLite's machine between two looks at the clock: about a millisecond
_SESSION_ACTIONS: Final = frozenset(
    {
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
    }
)
# What SQLite says of a change: the first of its two names is a table's or view's, or the second is.
_TO_A_TABLE: Final = frozenset(
    {
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_CREATE_VTABLE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_DROP_TABLE,
        sqlite3.SQLITE_DROP_VIEW,
        sqlite3.SQLITE_DROP_VTABLE,
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
    }
)
_OF_A_TABLE: Final = frozenset(
    {
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_DROP_TRIGGER,
    }
)
# sqlite3 raises Warning, which is no sqlite3.Error, for two statements in one text, and ValueError for a NUL.
_REFUSALS: Final = (sqlite3.Error, sqlite3.Warning, ValueError)


def let_ctrl_c_in(connection: sqlite3.Connection) -> None:
    """Have SQLite call Python now and then in the middle of a statement: there Ctrl-C is raised."""
    connection.set_progress_handler(lambda: 0, _INSTRUCTIONS)


class ScriptRun:
    """One run of one script on a session. The path is for messages only; a statement may take `limit` milliseconds.

    `rows` counts what it selected so far, `changed` names the tables and views it changed, `touched` says whether it
    changed its session, `wants_foreign_keys` what its first PRAGMA foreign_keys asked for.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        script: Script,
        limit: int | None,
        on_advance: AdvanceHandler | None,
    ) -> None:
        self._connection = connection
        self._path = path
        self._script = script
        self._limit = limit
        self._on_advance = on_advance
        self._bytes = 0  # of the script that are done
        self._kept: int | None = None  # statements that are committed, None where all of them will be at once
        self._deadline: float | None = None  # of the running statement
        self._timed_out = False
        self._denied: str | None = None  # why the authorizer refused a statement, and what to do
        self._advice: str | None = None
        self._before: frozenset[tuple[str]] = frozenset()  # the tables and views there were
        self._alters = False
        self.changed: frozenset[str] = frozenset()
        self.rows = 0
        self.touched = False
        self.wants_foreign_keys: bool | None = None

    def in_transaction(self) -> None:
        """Run it in the transaction that is open; raises `SqlFailed` for a statement that fails or would end that."""
        try:
            self._guard()
            for message in one_by_one(self._script):
                self._run(message)
                if not self._connection.in_transaction:  # by a way the authorizer does not see
                    raise SqlFailed(
                        "the statement ended the transaction it runs in: what the script did up to here may "
                        "be kept, and was not recorded",
                        offset=message.batch.start,
                        hint="look at the database, then take out of the file what ends the transaction",
                    )
        finally:
            self._leave()
        self._add_new_names()

    def _tables(self) -> frozenset[tuple[str]]:
        return frozenset(self._connection.execute(TABLES_AND_VIEWS).fetchall())

    @property
    def _inside(self) -> bool:
        return self._kept is None

    def _guard(self) -> None:
        if not self._before:
            self._before = self._tables()
        self._connection.set_authorizer(self._authorize)
        self._connection.set_progress_handler(self._look_at_the_clock, _INSTRUCTIONS)
        self._connection.text_factory = bytes  # a SELECT may return text that is not UTF-8; nobody looks at it

    def _leave(self) -> None:
        self._connection.set_authorizer(None)
        let_ctrl_c_in(self._connection)
        self._connection.text_factory = str

    def _look_at_the_clock(self) -> int:
        # Called by SQLite in the middle of a statement. It also lets Ctrl-C in: Python raises it here.
        self._timed_out = self._deadline is not None and time.monotonic() > self._deadline
        return int(self._timed_out)

    def _authorize(
        self, action: int, first: str | None, second: str | None, database: str | None, _trigger: str | None
    ) -> int:
        """Refuse what would break a script's transaction; SQLite asks when it compiles a statement."""
        self._note_change(action, first, second, database)
        sets_pragma = action == sqlite3.SQLITE_PRAGMA and second is not None
        self.touched = self.touched or sets_pragma or action in _SESSION_ACTIONS
        if not self._inside:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_TRANSACTION:
            self._denied = f"{first} was refused: the script runs in a transaction of the runner's"
            self._advice = f"take the {first} out of the file"
            return sqlite3.SQLITE_DENY
        pragma = (first or "").lower() if sets_pragma else ""
        if pragma == "journal_mode":
            self._denied = "PRAGMA journal_mode was refused: it does nothing inside a transaction"
            self._advice = "put `-- migrate: no-transaction` at the top of the file"
            return sqlite3.SQLITE_DENY
        if pragma == "foreign_keys":
            # OFF is what they are, and ON after OFF is the end of SQLite's own recipe for rebuilding a table.
            asked = (second or "").lower() in ("1", "on", "yes", "true")
            self.wants_foreign_keys = asked if self.wants_foreign_keys is None else self.wants_foreign_keys
        return sqlite3.SQLITE_OK

    def _note_change(self, action: int, first: str | None, second: str | None, database: str | None) -> None:
        """Remember the table or view that a statement is about to change, where it is one of the main file's."""
        if action == sqlite3.SQLITE_ALTER_TABLE:
            self._alters = True
            first, database = second, first
        elif action in _OF_A_TABLE:
            first = second
        elif action not in _TO_A_TABLE:
            return
        if database == "main" and first is not None and not first.startswith("sqlite_"):
            self.changed |= {first}

    def _add_new_names(self) -> None:
        """Count what was renamed as changed under its new name too, which SQLite does not tell."""
        if self._alters:
            self.changed |= {name for (name,) in self._before ^ self._tables()}

    def _run(self, message: Message) -> None:
        if self._limit is not None:
            self._deadline = time.monotonic() + self._limit / 1000
        try:
            # All rows are taken: a SELECT that is left standing locks its tables against the next statement.
            self.rows += sum(1 for _ in self._connection.execute(message.text))
        except _REFUSALS as error:
            self._leave()  # what follows is not the script's
            raise self._refusal(error, message.text, message.batch.start) from error
        self._deadline = None
        self._advance(message)

    def _advance(self, message: Message) -> None:
        if self._on_advance is not None:
            self._bytes += len(message.text.encode())
            self._on_advance(self._script.source.path, self._bytes, self._script.source.size)

    def _refusal(self, error: Exception, text: str, start: int) -> BaseException:
        code = code_of(error)
        if self._denied is not None:
            return SqlFailed(self._denied, code=code, offset=start, hint=self._advice, kept=self._kept)
        if self._timed_out and code == "SQLITE_INTERRUPT":
            message = f"the statement took longer than {self._limit} ms"
            return SqlFailed(message, code=code, offset=start, kept=self._kept)
        # Python raises Ctrl-C inside our callbacks, and sqlite3 makes an error of that: INTERRUPT out of the progress
        # handler, a refusal without a reason of ours out of the authorizer.
        if code in ("SQLITE_INTERRUPT", "SQLITE_AUTH") or str(error).startswith("not authorized to use function"):
            return KeyboardInterrupt()
        if self._inside and code.startswith(BUSY) and isinstance(error, sqlite3.Error):
            return trouble(error, self._path)
        offset = start + point_at(text, str(error), self._refusal_to_compile)
        advice = None
        if self._inside and "transaction" in str(error):  # "cannot VACUUM from within a transaction"
            advice = "put `-- migrate: no-transaction` at the top of the file"
        return SqlFailed(str(error), code=code or None, offset=offset, kept=self._kept, hint=advice)

    def _refusal_to_compile(self, text: str) -> str | None:
        """Return what SQLite says to a statement it is only asked to compile; does not run it."""
        try:
            self._connection.execute(f"EXPLAIN {text}").close()
        except _REFUSALS as error:
            return str(error)
        return None
