"""The SQLite engine: sessions, the history and what is written to it.

A script (`sqlite_script`) runs statement by statement between our own BEGIN IMMEDIATE and COMMIT, never through
`executescript`, which commits first. What would end the transaction is refused by SQLite itself, through its
authorizer and before it runs, whatever the lexer thought.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

from migration_manager.catalog import Catalog
from migration_manager.engines import sqlite_lock
from migration_manager.engines import sqlite_sql as queries
from migration_manager.engines.base import (
    FORMAT,
    KEPT_TEXT_LIMIT,
    NOTHING_RECORDED,
    AdvanceHandler,
    NoticeHandler,
    Rehearser,
    SessionSettings,
)
from migration_manager.engines.foreign import whose_table
from migration_manager.engines.sqlite_failures import ask, code_of, trouble
from migration_manager.engines.sqlite_foreign_keys import ForeignKeys, Violations
from migration_manager.engines.sqlite_outside import OutsideRun
from migration_manager.engines.sqlite_script import ScriptRun, let_ctrl_c_in
from migration_manager.engines.sqlite_waiting import patiently
from migration_manager.errors import (
    AlreadyRecorded,
    ConfigError,
    DatabaseMissing,
    ForeignHistory,
    HistoryError,
    MigrationManagerError,
    SqlFailed,
    TryLater,
)
from migration_manager.model import (
    Action,
    Activity,
    Applied,
    Attempt,
    Capabilities,
    Change,
    Dialect,
    Done,
    Identity,
    LockHolder,
    LogRow,
    Notice,
    Outcome,
    Recorded,
    Run,
    Script,
    ServerSession,
    Source,
    State,
)

DEFAULT_LOCK_TIMEOUT = 5_000  # milliseconds; SQLite's own default is not to wait at all
FOREVER = 2**31 - 1  # milliseconds; a timeout of 0 means "no limit", as it does in PostgreSQL

ONLY_POSTGRESQL = "`rehearse` is for PostgreSQL: a lock of SQLite is one on the whole file, whatever a statement does"

T = TypeVar("T")


def open_sqlite(
    path: Path,
    settings: SessionSettings,
    on_notice: NoticeHandler | None = None,
    on_advance: AdvanceHandler | None = None,
    *,
    read_only: bool = False,
    must_exist: bool = False,
) -> SqliteEngine:
    """Open a SQLite file, or stand for one that is not there yet.

    A missing file answers like an empty database, and only writing makes it. With `read_only` nothing is
    written, neither the file nor anything beside it; with `must_exist` a missing file raises
    `DatabaseMissing`. Raises `ConfigError` for a file that is no SQLite database, `DatabaseUnreachable` for
    one that cannot be opened.
    """
    engine = SqliteEngine(path, settings, on_notice, on_advance, read_only=read_only)
    if must_exist and not path.exists():
        raise DatabaseMissing(f"there is no database {path}", hint="`db create` makes it")
    try:
        engine.look()
    except BaseException:
        engine.close()
        raise
    return engine


class SqliteEngine:
    """See `engines.base.Engine`, whose promises this keeps."""

    def __init__(
        self,
        path: Path,
        settings: SessionSettings,
        on_notice: NoticeHandler | None,
        on_advance: AdvanceHandler | None,
        *,
        read_only: bool,
    ) -> None:
        for key in ("role", "history_schema"):
            if getattr(settings, key) is not None:
                raise ConfigError(f"`{key}` means nothing for SQLite", hint=f"take `{key}` out")
        self._path = path
        self._settings = settings
        self._on_notice = on_notice
        self._on_advance = on_advance
        self._read_only = read_only
        self._user = sqlite_lock.os_user()
        self._tables = queries.Tables(settings.history_table)
        self._connection: sqlite3.Connection | None = None  # None: closed, or there is no file yet
        self._leaves_files = False  # reading had to make a WAL's files: closing takes them away
        self._touched = False  # a script changed its session, so the next one gets another
        self._foreign_keys = ForeignKeys(path)

    # ------------------------------------------------------------------------------------ session

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(Dialect.SQLITE, sees_sessions=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the session; it opens again by itself when it is used."""
        connection, self._connection = self._connection, None
        self._foreign_keys.forget()
        if connection is not None:
            connection.close()
        if self._leaves_files:
            # A read-only connection cannot remove the -wal and -shm it had to make. Left behind, and owned by
            # whoever ran us, they can lock the application out. A writing connection removes them if it is
            # the last to close.
            self._leaves_files = False
            with suppress(sqlite3.Error), closing(sqlite3.connect(self._address("rw"), uri=True)) as last:
                last.execute(queries.TABLE_NAMES).fetchall()

    def look(self) -> None:
        """Open the file where there is one, and see that it is a database. Does not write."""
        connection = self._reading()
        if connection is not None:
            ask(connection, self._path, queries.TABLE_NAMES)

    def _address(self, mode: str) -> str:
        return f"file://{quote(os.fsencode(self._path.absolute()))}?mode={mode}"

    def _reading(self) -> sqlite3.Connection | None:
        if self._connection is None and self._path.exists():
            self._connection = self._open_to_read() if self._read_only else self._open("rw")
        return self._connection

    def _writing(self) -> sqlite3.Connection:
        if self._read_only:
            raise MigrationManagerError(f"{self._path} was opened for reading only", state="nothing was changed")
        if self._connection is None:
            self._connection = self._open("rwc")
        return self._connection

    def _open_to_read(self) -> sqlite3.Connection:
        """Open without the right to write.

        Two things stand in the way: the journal of a writer that was killed, which must be rolled back before
        anybody can read, and WAL mode in a directory where its two files can be neither found nor made.
        """
        had_log = self._beside("-wal").exists()
        connection = self._open("ro")
        try:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            connection.execute(queries.TABLE_NAMES).fetchall()
        except sqlite3.Error as error:
            connection.close()
            code = code_of(error)
            if code in ("SQLITE_READONLY_ROLLBACK", "SQLITE_READONLY_RECOVERY"):
                with closing(self._open("rw")) as recovering:  # as the next read of any SQLite program would
                    ask(recovering, self._path, queries.TABLE_NAMES)
                return self._open_to_read()
            if code.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")) and not had_log:
                # Nobody has it open, or the log were there. Without SQLite's locks, which need those files.
                return self._open("ro&immutable=1")
            raise trouble(error, self._path) from None
        except BaseException:
            connection.close()
            raise
        self._leaves_files = mode == "wal" and not had_log
        return connection

    def _open(self, mode: str) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self._address(mode), uri=True, isolation_level=None)
        except sqlite3.Error as error:
            raise trouble(error, self._path) from None
        try:
            connection.execute(f"PRAGMA busy_timeout = {self._patience(None)}")
            # Off, SQLite's own default, whatever this build says: where foreign keys are enforced, rebuilding
            # a table (create, copy, drop, rename) inside a transaction empties its children by ON DELETE
            # CASCADE without a word, and this pragma does nothing there. What they would refuse,
            # `_check_foreign_keys` finds in the end.
            connection.execute("PRAGMA foreign_keys = OFF")
            let_ctrl_c_in(connection)
        except BaseException:
            connection.close()
            raise
        self._touched = False
        return connection

    def _fresh_session(self) -> None:
        """Leave behind what a script made for its session: pragmas, temporary objects, attached files."""
        if self._touched:
            self.close()

    def _patience(self, script: Script | None) -> int:
        asked = script.directives.lock_timeout if script else None
        if asked is None:
            asked = self._settings.lock_timeout
        return DEFAULT_LOCK_TIMEOUT if asked is None else asked or FOREVER

    def _tell(self, text: str) -> None:
        if self._on_notice is not None:
            self._on_notice(Notice("WARNING", text))

    def _beside(self, suffix: str) -> Path:
        real = Path(os.path.realpath(self._path))
        return real.with_name(real.name + suffix)

    # ------------------------------------------------------------------------------------ reading

    def identify(self) -> Identity:
        places = [place for place in (self._path, self._path.parent) if place.exists()]
        return Identity(
            "SQLite",
            sqlite3.sqlite_version,
            str(self._path),
            self._path.name,
            self._user,
            self._user,
            read_only=not all(os.access(place, os.W_OK) for place in places),
        )

    def recorded(self) -> Recorded:
        connection = self._reading()
        if connection is None:
            return NOTHING_RECORDED
        return self._at_once(connection, self._read_history)

    def _read_history(self, connection: sqlite3.Connection) -> Recorded:
        if not self._history_exists(connection):
            return NOTHING_RECORDED
        with_log = self._has_table(connection, self._tables.log)
        with_touched = with_log and not self._log_is_older(connection)
        rows = self._ask(connection, self._tables.read_history(with_log=with_log, with_touched=with_touched))
        last_run = self._ask(connection, self._tables.read_last_run()) if with_log else []
        return Recorded(
            exists=True,
            environment=self._read_stamp(connection),
            applied=self._with_progress(connection, [queries.applied(row) for row in rows]),
            last_run=queries.past_run(last_run[0]) if last_run else None,
        )

    def _with_progress(self, connection: sqlite3.Connection, rows: Sequence[Applied]) -> tuple[Applied, ...]:
        """Return the rows of the history, the unfinished ones with how far their scripts came."""
        known = {}
        if any(row.state is State.UNFINISHED for row in rows) and self._has_table(connection, self._tables.progress):
            for row in self._ask(connection, self._tables.read_progress()):
                known[row[0]] = queries.progress(row)
        return tuple(
            replace(row, progress=known.get(row.name)) if row.state is State.UNFINISHED else row for row in rows
        )

    def _log_is_older(self, connection: sqlite3.Connection) -> bool:
        columns = self._ask(connection, f"PRAGMA table_info({self._tables.log})")
        return "touched" not in {name for _, name, *_ in columns}

    def log(self, *, name: str | None = None, limit: int | None = None) -> tuple[LogRow, ...]:
        connection = self._reading()
        if connection is None or not self._history_exists(connection):
            return ()
        if not self._has_table(connection, self._tables.log):
            return ()
        rows = self._ask(connection, self._tables.read_log(), {"name": name, "limit": limit})
        return tuple(map(queries.log_row, rows))

    def done_statements(self, name: str) -> tuple[str, ...]:
        connection = self._reading()
        if connection is None or not self._has_table(connection, self._tables.progress):
            return ()
        return tuple(checksum for (checksum,) in self._ask(connection, self._tables.read_done(), (name,)))

    def kept_texts(self, checksums: Sequence[str]) -> dict[str, str]:
        connection = self._reading()
        if connection is None or not self._has_table(connection, self._tables.text):
            return {}
        kept = {}
        for checksum in checksums:
            for (content,) in self._ask(connection, self._tables.read_text(), (checksum,)):
                kept[checksum] = content
        return kept

    def catalog(self) -> Catalog:
        from migration_manager.engines import sqlite_catalog

        connection = self._reading()
        answers = sqlite_catalog.NO_DATABASE
        if connection is not None:
            answers = self._at_once(connection, lambda open_one: sqlite_catalog.read(open_one, self._path))
        return sqlite_catalog.catalog_of(answers, hidden=self._tables.all_names)

    def history_tables(self) -> tuple[tuple[str, str], ...]:
        connection = self._reading()
        with suppress(ForeignHistory):
            if connection is not None and self._at_once(connection, self._history_exists):
                return tuple(("main", name) for name in sorted(self._tables.all_names))
        return ()

    def definitions(self, *, with_history: bool) -> tuple[str, ...]:
        ours = frozenset() if with_history else frozenset(name for _, name in self.history_tables())
        connection = self._reading()
        if connection is None:
            return ()
        rows = self._at_once(
            connection, lambda reading: self._ask(reading, queries.definitions(sqlite3.sqlite_version_info))
        )
        return tuple(text for name, table, text in rows if not {name, table} & ours)

    def _ask(self, connection: sqlite3.Connection, query: str, values: Any = ()) -> list[Any]:
        return ask(connection, self._path, query, values)

    def _at_once(self, connection: sqlite3.Connection, read: Callable[[sqlite3.Connection], T]) -> T:
        """Return what is read, by however many queries, as it was at one moment."""
        try:
            self._ask(connection, "BEGIN")
            result = read(connection)
            self._ask(connection, "ROLLBACK")
        except BaseException:
            self._abandon(connection)
            self.close()
            raise
        return result

    def _has_table(self, connection: sqlite3.Connection, table: str) -> bool:
        return bool(self._ask(connection, f"PRAGMA table_info({table})"))

    def _history_exists(self, connection: sqlite3.Connection) -> bool:
        """Return whether the history is there; raises for another tool's table, and for a newer format."""
        described = self._ask(connection, f"PRAGMA table_info({self._tables.history})")
        columns = {name.lower(): kind.upper() for _, name, kind, *_ in described}
        if not columns:
            return False
        if not columns.keys() >= set(queries.HISTORY_COLUMNS):
            tables = {name for (name,) in self._ask(connection, queries.TABLE_NAMES)}
            raise ForeignHistory(
                f"the table {self._tables.table} in {self._path} belongs to "
                f"{whose_table(columns, beside_rails='ar_internal_metadata' in tables)}; nothing was written",
                hint="set another `history_table` for this environment",
            )
        made_by = "SELECT sql FROM sqlite_master WHERE name = ? COLLATE NOCASE"
        for (sql,) in self._ask(connection, made_by, (self._tables.table,)):
            found = queries.format_of(sql)
            if found is not None and found > FORMAT:
                raise HistoryError(
                    f"the history has format {found}, written by a newer version of this tool; this one knows {FORMAT}",
                    hint="use the newer version",
                )
        return True

    def _read_stamp(self, connection: sqlite3.Connection) -> str | None:
        if not self._has_table(connection, self._tables.log):
            return None
        stamps = self._ask(connection, self._tables.read_stamp())
        return stamps[0][0] if stamps else None

    # ------------------------------------------------------------------------------------ locking

    def rehearser(self) -> Rehearser:
        raise ConfigError(ONLY_POSTGRESQL)

    @contextmanager
    def exclusive(self, wait: float, on_wait: Callable[[LockHolder | None, float], None]) -> Iterator[Recorded]:
        us = sqlite_lock.ourselves(self._settings.application_name)
        with sqlite_lock.held(sqlite_lock.lock_path(self._path), wait, on_wait, us):
            yield self.recorded()

    def lock_holder(self) -> LockHolder | None:
        return sqlite_lock.holder_of(sqlite_lock.lock_path(self._path))

    def activity(self) -> Activity:
        return Activity()

    def end_session(self, session: ServerSession) -> bool:
        raise ValueError("SQLite has no sessions to end")

    # ------------------------------------------------------------------------------------ writing

    def ensure_history(self, run: Run) -> None:
        connection = self._reading()
        if connection is not None and self._at_once(connection, self._history_is_complete):
            return

        def complete(connection: sqlite3.Connection) -> None:
            self._create_tables(connection)
            if self._read_stamp(connection) is None:
                self._write_log(connection, run, Action.STAMP, Outcome.DONE)

        self._in_one_transaction(complete)

    def _history_is_complete(self, connection: sqlite3.Connection) -> bool:
        tables = map(queries.quoted, self._tables.all_names)
        return (
            self._history_exists(connection)
            and all(self._has_table(connection, table) for table in tables)
            and not self._log_is_older(connection)
            and self._read_stamp(connection) is not None
        )

    def log_start(self, run: Run, action: Action) -> None:
        def write(connection: sqlite3.Connection) -> None:
            self._write_log(connection, run, Action.RUN, Outcome.STARTED, reason=action.value)

        self._in_one_transaction(write)

    def stamp(self, run: Run, reason: str | None) -> None:
        def write(connection: sqlite3.Connection) -> None:
            self._create_tables(connection)
            self._write_log(connection, run, Action.STAMP, Outcome.DONE, reason=reason)

        self._in_one_transaction(write)

    def _create_tables(self, connection: sqlite3.Connection) -> None:
        self._history_exists(connection)  # raises for another tool's table
        for statement in self._tables.create():
            self._ask(connection, statement)
        if self._log_is_older(connection):
            self._ask(connection, self._tables.upgrade())

    def _in_one_transaction(self, write: Callable[[sqlite3.Connection], T], patience: int | None = None) -> T:
        """Write in one transaction and return what that returned; whatever is raised inside rolls all of it back.

        A callable and no context manager: Ctrl-C may come between a generator's `yield` and
        the block it guards, and what stands after the `yield` is then run by the garbage collector, if ever.
        """
        connection = self._writing()
        patience = self._patience(None) if patience is None else patience
        try:
            self._patiently(connection, "BEGIN IMMEDIATE", patience)
            result = write(connection)
            self._patiently(connection, "COMMIT", patience)
        except MigrationManagerError:
            self._foreign_keys.forget()
            self._abandon(connection)
            raise
        except BaseException:  # Ctrl-C, at any instruction: nobody knows what was half done to the session
            self._abandon(connection)
            self.close()
            raise
        return result

    def _abandon(self, connection: sqlite3.Connection) -> None:
        # Never hides the error that brought us here; closing rolls back too, should ROLLBACK itself fail.
        if connection.in_transaction:
            try:
                connection.execute("ROLLBACK")
            except sqlite3.Error:
                self.close()

    def _patiently(self, connection: sqlite3.Connection, statement: str, patience: int) -> None:
        """Run BEGIN or COMMIT of a transaction of ours; see `patiently`."""
        try:
            patiently(connection, statement, patience)
        except sqlite3.Error as error:
            raise trouble(error, self._path) from None

    def transact(self, run: Run, changes: Sequence[Change]) -> tuple[Done, ...]:
        patience = max((self._patience(change.script) for change in changes), default=None)

        def make(connection: sqlite3.Connection) -> tuple[Done, ...]:
            done: list[Done] = []
            for index, change in enumerate(changes):
                try:
                    done.append(self._do(connection, run, change))
                except MigrationManagerError as error:
                    error.index = index
                    raise
            return tuple(done)

        try:
            return self._in_one_transaction(make, patience)
        finally:
            self._fresh_session()

    def _do(self, connection: sqlite3.Connection, run: Run, change: Change) -> Done:
        self._check_row(connection, change)
        began, rows = time.monotonic(), 0
        touched: frozenset[str] | None = None
        if change.script is not None:
            touched = frozenset()
        if change.script is not None and change.script.statement_count:
            before = self._foreign_keys.known(connection)
            rows, touched = self._run_inside(connection, change.script)
            self._calm_session(connection)
            violated = self._foreign_keys.new_since(connection, before)
            if violated is not None:
                raise SqlFailed(
                    violated,
                    code="SQLITE_CONSTRAINT_FOREIGNKEY",
                    hint="mend those rows in the same script; foreign keys are checked when it has ended",
                )
        took = _since(began)
        try:
            self._write_books(connection, run, change, took, touched)
        except TryLater:
            raise
        except MigrationManagerError as error:
            if change.script is None:
                raise
            raise SqlFailed(
                f"the script ran, and could not be recorded: {error}",
                hint="does it touch the history tables?",
            ) from None
        return Done(took, rows)

    # ------------------------------------------------------------------------------------ scripts

    def _limit(self, script: Script) -> int | None:
        asked = script.directives.statement_timeout
        return (self._settings.statement_timeout if asked is None else asked) or None

    def _run_inside(self, connection: sqlite3.Connection, script: Script) -> tuple[int, frozenset[str]]:
        """Run a script in the transaction that is open; return how many rows it selected and what it changed."""
        script_run = ScriptRun(connection, self._path, script, self._limit(script), self._on_advance)
        try:
            script_run.in_transaction()
        finally:
            self._touched = self._touched or script_run.touched
        if script_run.wants_foreign_keys:
            self._tell(
                "PRAGMA foreign_keys does nothing inside a transaction: foreign keys are checked when the script "
                "has ended, and no action such as ON DELETE CASCADE is taken"
            )
        return script_run.rows, self._not_ours(script_run.changed)

    def _not_ours(self, tables: frozenset[str]) -> frozenset[str]:
        return tables - self._tables.all_names

    def _calm_session(self, connection: sqlite3.Connection) -> None:
        """Put back what a script set for its session: our books, and maybe the next script, come after it."""
        if not self._touched:
            return
        with closing(sqlite3.connect(":memory:")) as untouched:  # knows the defaults of this build
            for pragma in queries.SESSION_PRAGMAS:
                for (value,) in untouched.execute(f"PRAGMA {pragma}"):
                    self._ask(connection, f"PRAGMA {pragma} = {value}")
        self._ask(connection, "PRAGMA case_sensitive_like = 0")  # the one that cannot be asked for
        for kind, name in self._ask(connection, queries.TEMPORARY_OBJECTS):
            self._ask(connection, f"DROP {kind} IF EXISTS temp.{queries.quoted(name)}")

    # -------------------------------------------------------------------- outside a transaction

    def run_outside_transaction(self, run: Run, change: Change) -> Done:
        script = change.script
        if script is None or change.action not in (Action.MIGRATE, Action.ROLLBACK):
            raise ValueError("only a migration or a rollback with a script runs outside a transaction")
        try:
            return self._run_outside(run, change, script)
        except MigrationManagerError as error:
            if error.kept is None and change.resumption is not None:  # what runs before this one have kept
                error.kept = change.resumption.skip
            raise

    def _run_outside(self, run: Run, change: Change, script: Script) -> Done:
        def intend(connection: sqlite3.Connection) -> Violations:
            self._check_row(connection, change)
            self._begin_unfinished(connection, run, change, script)
            self._keep_texts(connection, change.texts)
            return self._foreign_keys.known(connection)

        before = self._in_one_transaction(intend, self._patience(script))
        connection = self._writing()
        skip = 0 if change.resumption is None else change.resumption.skip
        limit, note = self._limit(script), self._tables.note_statement()
        script_run = OutsideRun(
            connection, self._path, script, limit, self._on_advance, note=note, name=change.name, skip=skip
        )
        began = time.monotonic()
        try:
            kept = script_run.run()
            violated = self._foreign_keys.new_since(connection, before)
        finally:
            self._abandon(connection)
            self.close()  # whatever the script did to its session ends with it
        took = _since(began)
        if violated is not None:
            self._tell(violated)  # what is committed is committed
        try:
            touched = self._not_ours(script_run.changed)
            self._in_one_transaction(lambda connection: self._write_books(connection, run, change, took, touched))
        except MigrationManagerError as error:
            message = f"every statement succeeded, and the history could not be written: {error}"
            raise SqlFailed(message, kept=kept) from error
        return Done(took, script_run.rows)

    def _begin_unfinished(self, connection: sqlite3.Connection, run: Run, change: Change, script: Script) -> None:
        """Write the intent of a no-transaction script; of one that goes on, the row stays that of the first run."""
        skip = None if change.resumption is None else change.resumption.skip
        reason = None if skip is None else f"at statement {skip + 1}"
        log_id = self._write_log(connection, run, change.logged_as, Outcome.STARTED, change, reason=reason)
        self._ask(connection, self._tables.forget_progress(), (change.name, skip or 0))
        now, whole = queries.written(datetime.now(UTC)), queries.whole_noted(script.statement_count)
        notes: list[tuple[object, ...]] = [(change.name, 0, None, Attempt.STARTED.value, now, whole)]
        if change.resumption is not None and change.resumption.taken is not None:
            notes += [(change.name, skip, change.resumption.taken, Attempt.DONE.value, now, None)]
        for note in notes:
            self._ask(connection, self._tables.note_statement(), note)
        if change.action is Action.MIGRATE and skip is None:
            self._write_row(connection, run, change, State.UNFINISHED, log_id)
        elif change.action is Action.MIGRATE:
            self._repair_row(connection, change)
        elif skip is None:
            values = {"migration_name": change.name, "run_id": run.id, "log_id": log_id}
            self._ask(connection, self._tables.mark_unfinished(), values)

    # -------------------------------------------------------------------------------------- books

    def _check_row(self, connection: sqlite3.Connection, change: Change) -> None:
        """Refuse a change whose history row is not as the plan saw it."""
        rows = self._ask(connection, self._tables.read_state(), (change.name,))
        state = State(rows[0][0]) if rows else None
        if change.resumption is not None or change.action is Action.RESUME:
            if state is State.UNFINISHED:
                return
            found = "is not unfinished any more"
        elif change.action in (Action.MIGRATE, Action.BASELINE):
            if state is None or (change.action is Action.BASELINE and state is State.UNFINISHED):
                return
            found = "is recorded as unfinished" if state is State.UNFINISHED else "is recorded already"
        elif change.action is Action.STAMP:
            raise ValueError("a stamp changes no row of the history")
        elif state is not None:
            return
        else:
            found = "is not recorded any more"
        raise AlreadyRecorded(
            f"{change.name} {found}: another run was here first",
            hint="run again: the plan is made anew",
        )

    def _write_books(
        self,
        connection: sqlite3.Connection,
        run: Run,
        change: Change,
        took: int,
        touched: frozenset[str] | None,
    ) -> None:
        goes_on = change.resumption is not None  # what the runs before it touched is not known
        log_id = self._write_log(
            connection, run, change.logged_as, Outcome.DONE, change, took=took, touched=None if goes_on else touched
        )
        if change.action is Action.RESUME or (change.action is Action.MIGRATE and goes_on):
            values = {
                "migration_name": change.name,
                "applied_at": queries.written(datetime.now(UTC)),
                "execution_ms": took,
                "log_id": None if goes_on else log_id,
            }
            self._ask(connection, self._tables.finish_row(), values)
        elif change.action in (Action.MIGRATE, Action.BASELINE):
            self._write_row(connection, run, change, State.APPLIED, log_id, took=took)
        elif change.action is Action.REPAIR:
            self._repair_row(connection, change)
        else:
            self._ask(connection, self._tables.delete_row(), (change.name,))
        if change.action is not Action.REPAIR:
            self._ask(connection, self._tables.forget_progress(), (change.name, -1))
        self._keep_texts(connection, change.texts)

    def _repair_row(self, connection: sqlite3.Connection, change: Change) -> None:
        values = {
            "migration_name": change.name,
            "checksum": change.checksum,
            "rollback_checksum": change.rollback_checksum,
        }
        self._ask(connection, self._tables.repair_row(), values)

    def _write_row(
        self,
        connection: sqlite3.Connection,
        run: Run,
        change: Change,
        state: State,
        log_id: int,
        *,
        took: int = 0,
    ) -> None:
        values = {
            "migration_name": change.name,
            "checksum": change.checksum,
            "rollback_checksum": change.rollback_checksum,
            "state": state.value,
            "applied_at": queries.written(datetime.now(UTC)),
            "applied_by": self._user,
            "execution_ms": took,
            "run_id": run.id,
            "log_id": log_id,
        }
        self._ask(connection, self._tables.write_row(), values)

    def _write_log(
        self,
        connection: sqlite3.Connection,
        run: Run,
        action: Action,
        outcome: Outcome,
        change: Change | None = None,
        *,
        took: int | None = None,
        error: str | None = None,
        code: str | None = None,
        reason: str | None = None,
        touched: frozenset[str] | None = None,
    ) -> int:
        values = {
            "logged_at": queries.written(datetime.now(UTC)),
            "migration_name": change.name if change else None,
            "action": action.value,
            "outcome": outcome.value,
            "environment": run.environment,
            "checksum": change.checksum if change else None,
            "run_id": run.id,
            "execution_ms": took,
            "database_user": self._user,
            "os_user": run.os_user,
            "host": run.host,
            "tool_version": run.tool_version,
            "git_commit": run.git_commit,
            "ci_run": run.ci_run,
            "sqlstate": code,
            "error": error,
            "reason": reason if reason is not None or change is None else change.reason,
            "touched": None if touched is None else json.dumps(sorted(touched)),
        }
        self._ask(connection, self._tables.write_log(), values)
        return int(self._ask(connection, "SELECT last_insert_rowid()")[0][0])

    def _keep_texts(self, connection: sqlite3.Connection, texts: Sequence[Source]) -> None:
        for source in texts:
            content = source.text if source.size <= KEPT_TEXT_LIMIT else None
            self._ask(connection, self._tables.keep_text(), (source.checksum, source.size, content))

    def log_failure(self, run: Run, change: Change, error: str, code: str | None, execution_ms: int) -> None:
        with suppress(MigrationManagerError):
            reading = self._reading()
            if reading is None or not self._has_table(reading, self._tables.log):
                return
            self._in_one_transaction(
                lambda connection: self._write_log(
                    connection,
                    run,
                    change.logged_as,
                    Outcome.FAILED,
                    change,
                    took=execution_ms,
                    error=error,
                    code=code,
                )
            )


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
