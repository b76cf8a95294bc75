"""The PostgreSQL engine: sessions, the lock, and the protocol that runs a script together with its books.

A migration is its script's batches, mostly one, and one message more. The first batch carries what opens the
transaction and writes the history row as unfinished; the last message finishes the row, writes the log row and commits.
It is never sent before all of the script succeeded.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import psycopg

from migration_manager.engines import postgres_sql as queries
from migration_manager.engines.base import FORMAT, NOTHING_RECORDED, AdvanceHandler, NoticeHandler, SessionSettings
from migration_manager.engines.foreign import whose_table
from migration_manager.engines.postgres_connect import connect
from migration_manager.engines.postgres_failures import (
    as_error,
    closing_failure,
    own_failure,
)
from migration_manager.engines.postgres_script import ScriptRun
from migration_manager.engines.postgres_wire import Refused, Row, Told, Wire
from migration_manager.errors import (
    AlreadyRecorded,
    ConfigError,
    DatabaseUnreachable,
    FileError,
    ForeignHistory,
    HistoryError,
    LockNotAcquired,
    MigrationManagerError,
    SqlFailed,
)
from migration_manager.messages import Message, one_by_one
from migration_manager.model import (
    Action,
    Applied,
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
    State,
)

OLDEST_SERVER = 140000

# What a file may leave behind in its session (RELIABILITY B6): all of DISCARD ALL but the release of advisory locks,
# which would drop our own. RESET ALL returns to the values given at connection start.
HYGIENE = (
    "RESET SESSION AUTHORIZATION",
    "RESET ROLE",
    "RESET ALL",
    "CLOSE ALL",
    "DEALLOCATE ALL",
    "UNLISTEN *",
    "DISCARD PLANS",
    "DISCARD TEMP",
    "DISCARD SEQUENCES",
)


# What to do about a script that is refused because of what it does to the tables of the history.
_ABOUT_HISTORY = {
    "55006": "the file drops the history itself: keep it elsewhere, with `history_schema`",
    "42P07": "the file makes the history's own tables; dump again with --exclude-table='schema_migrations*'",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the history is, or would be made."""

    schema: str | None
    exists: bool
    schema_exists: bool


def open_postgres(
    conninfo: Mapping[str, str],
    settings: SessionSettings,
    on_notice: NoticeHandler | None = None,
    on_advance: AdvanceHandler | None = None,
    *,
    shown: str | None = None,
    writes: bool = True,
) -> PostgresEngine:
    """Connect and ask the server who it is. `shown` is the server's name for people, for example "embedded".

    Without `writes` a login that may not take the configured role goes on as itself: reading needs only SELECT. Raises
    `DatabaseUnreachable`, `DatabaseMissing`, or `ConfigError` for a role that cannot be taken and a server that is too
    old or no PostgreSQL.
    """
    wire = connect(conninfo, settings)
    try:
        return PostgresEngine(wire, settings, on_notice, on_advance, shown=shown, writes=writes)
    except BaseException:
        wire.close()
        raise


class PostgresEngine:
    """See `engines.base.Engine`, whose promises this keeps."""

    def __init__(
        self,
        wire: Wire,
        settings: SessionSettings,
        on_notice: NoticeHandler | None,
        on_advance: AdvanceHandler | None,
        *,
        shown: str | None,
        writes: bool,
    ) -> None:
        self._wire = wire
        self._settings = settings
        self._schema = settings.history_schema
        self._take_role = queries.take_role(settings.role)
        self._lock: int | None = None  # the key of the lock that is held
        self._on_notice = on_notice
        self._on_advance = on_advance
        wire.on_told = self._hear
        self._identity, self._where = self._introduce(shown, writes=writes)
        self._fresh = True  # the place was looked up in the message just answered

    # ------------------------------------------------------------------------------------ session

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(Dialect.POSTGRESQL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.close()

    def identify(self) -> Identity:
        return self._identity

    def _introduce(self, shown: str | None, *, writes: bool) -> tuple[Identity, list[Row]]:
        questions = [queries.WHO_AM_I, self._where_is_history()]
        try:
            answers, _ = self._wire.send([*self._wire.defaults, *self._take_role, *questions])
        except Refused as error:
            if self._settings.role is None or error.code not in ("42501", "22023", "42704"):
                raise as_error(error) from None
            if writes or error.code != "42501":
                raise ConfigError(
                    f"the role {self._settings.role} cannot be taken: {error.message}",
                    hint=f'GRANT "{self._settings.role}" TO the login, or change `role`',
                ) from None
            self._take_role = []
            answers = self._ask(*self._wire.defaults, *questions)
        (who,) = answers[-2]
        version, number, database, login, role, standby, product = (value or "" for value in who)
        if not product.startswith("PostgreSQL"):
            raise ConfigError(f"this server is not PostgreSQL: {product.split(' (')[0]}")
        if int(number) < OLDEST_SERVER:
            raise ConfigError(f"PostgreSQL {version} is too old; 14 is the oldest that is supported")
        server = shown or self._wire.address
        identity = Identity(
            "PostgreSQL", version.split(" ")[0], server, database, login, role, read_only=standby == "t"
        )
        return identity, answers[-1]

    def _hear(self, told: Told) -> None:
        if self._on_notice is not None:
            self._on_notice(Notice(told.severity, told.text))

    def _ask(self, *statements: str) -> list[list[Row]]:
        try:
            return self._wire.send(statements)[0]
        except Refused as error:
            raise as_error(error, self._grant_reading()) from None

    # ------------------------------------------------------------------------------------ reading

    def _where_is_history(self) -> str:
        return queries.where_is_history(self._schema, self._settings.history_table)

    @property
    def _place(self) -> _Place:
        """Where the history is, as last looked up; raises `ForeignHistory` and `HistoryError` as `recorded` does."""
        (row,) = self._where
        schema, schema_exists, found_in, kind, columns, comment, beside_rails = row
        if columns is None:
            return _Place(schema, exists=False, schema_exists=schema_exists == "t")
        table = f"{found_in}.{self._settings.history_table}"
        found = dict(column.split("\t") for column in columns.split("\n"))
        if not found.keys() >= queries.HISTORY_COLUMNS or kind not in ("r", "p"):
            raise ForeignHistory(
                f"{table} belongs to {whose_table(found, beside_rails=beside_rails == 't')}; nothing was written",
                hint="set another `history_table` (or `history_schema`) for this environment",
            )
        if found_in != schema:
            raise HistoryError(
                f"there is a history in {table}, and tables are made in the schema {schema}: which is meant?",
                hint=f'say it in the configuration: history_schema = "{found_in}" (or "{schema}" for one of its own)',
            )
        made_by = queries.format_of(comment)
        if made_by is not None and made_by > FORMAT:
            raise HistoryError(
                f"the history has format {made_by}, written by a newer version of this tool; this one knows {FORMAT}",
                hint="use the newer version",
            )
        return _Place(schema, exists=True, schema_exists=True)

    def _grant_reading(self) -> str:
        return self._tables.grant_reading(self._identity.role) if self._schema else ""

    def _grant_making(self, place: _Place) -> str:
        if place.schema_exists:
            return self._tables.grant_making(self._identity.role)
        return self._tables.grant_schema(self._identity.database, self._identity.role)

    def _refresh_place(self) -> None:
        self._where = self._ask(self._where_is_history())[-1]

    @property
    def _tables(self) -> queries.Tables:
        if self._place.schema is None:
            raise ConfigError(
                "the search path names no schema that exists, so there is no place for the history",
                hint="set `history_schema`, or create the schema",
            )
        # From here on the place is settled: a script may change the search path, and the books stay where they are.
        self._schema = self._place.schema
        return queries.Tables(self._schema, self._settings.history_table)

    def recorded(self) -> Recorded:
        if not self._fresh:
            self._refresh_place()
        self._fresh = False
        if not self._place.exists:
            return NOTHING_RECORDED
        history, stamp = self._ask(*self._tables.read_history())[-2:]
        stamped = stamp
        return Recorded(
            exists=True,
            environment=stamped[0][0] if stamped else None,
            applied=tuple(map(_applied, history)),
        )

    def log(self, *, name: str | None = None, limit: int | None = None) -> tuple[LogRow, ...]:
        self._refresh_place()
        if not self._place.exists:
            return ()
        return tuple(map(_log_row, self._ask(self._tables.read_log(name, limit))[-1]))

    def kept_texts(self, checksums: Sequence[str]) -> dict[str, str]:
        if not self._place.exists or not checksums:
            return {}
        rows = self._ask(self._tables.read_texts(checksums))[-1]
        return {checksum: text for checksum, text in rows if checksum is not None and text is not None}

    # ------------------------------------------------------------------------------------ locking

    @contextmanager
    def exclusive(self, wait: float, on_wait: Callable[[LockHolder | None, float], None]) -> Iterator[Recorded]:
        key = _lock_key(self._tables)
        self._poll_lock(key, wait, on_wait)
        self._lock = key
        try:
            self._fresh = False
            yield self.recorded()
        finally:
            self._lock = None
            # The lock goes with the session anyway; a lost connection must not hide the first error.
            with suppress(MigrationManagerError, psycopg.Error):
                self._ask(f"SELECT pg_catalog.pg_advisory_unlock({key})")

    def _still_in_charge(self) -> bool:
        """Return whether our lock is held and the session may write, mending what a script (DISCARD ALL) undid."""
        if self._lock is None:
            return True
        ((held, writable),) = self._ask(queries.lock_is_ours(self._lock))[-1]
        if writable != "t":
            self._ask("SET default_transaction_read_only = off")
        if held == "t":
            return True
        (taken,) = self._ask(f"SELECT pg_catalog.pg_try_advisory_lock({self._lock})")[-1]
        return taken[0] == "t"

    def _poll_lock(self, key: int, wait: float, on_wait: Callable[[LockHolder | None, float], None]) -> None:
        # Polled, because a blocking lock call deadlocks with CREATE INDEX CONCURRENTLY (RELIABILITY finding 7).
        began = told = time.monotonic()
        pause = 0.02
        while True:
            (row,) = self._ask(f"SELECT pg_catalog.pg_try_advisory_lock({key})")[-1]
            if row[0] == "t":
                return
            now = time.monotonic()
            if now - began >= wait:
                raise LockNotAcquired(now - began, self._holder(key))
            if now - told >= 1:
                told = now
                on_wait(self._holder(key), now - began)
            time.sleep(min(pause * random.uniform(0.5, 1.5), max(0.01, began + wait - now)))  # noqa: S311 - jitter
            pause = min(pause * 1.5, 0.5)

    def _holder(self, key: int) -> LockHolder | None:
        rows = self._ask(queries.lock_holder(key))[-1]
        if not rows:
            return None
        pid, user, application, host, since = rows[0]
        return LockHolder(int(pid or 0), user, application or None, host, _moment(since) if since else None)

    # ------------------------------------------------------------------------------------ writing

    def ensure_history(self, run: Run) -> None:
        self._refresh_place()
        for _ in range(5):
            place = self._place
            if place.exists:
                break
            making = self._tables.create(with_schema=not place.schema_exists)
            try:
                self._wire.send([*self._opening(), *making, self._tables.first_stamp(run), "COMMIT"])
            except Refused as error:
                self._wire.abandon()
                # Somebody else is making them this very moment: 42P07, 42P06, 42710, 23505 on a catalog (C3 51).
                if error.code not in ("42P07", "42P06", "42710", "23505"):
                    raise as_error(error, self._grant_making(place)) from None
            self._refresh_place()
        if not self._place.exists:
            raise HistoryError(
                f"the history's tables could not be made: something of their names is in the way in {self._schema}",
                hint="look at what is called so, or set another `history_table`",
            )
        if not self._ask(self._tables.read_stamp())[-1]:  # tables that were made by hand
            self._book([self._tables.first_stamp(run)])

    def stamp(self, run: Run, reason: str | None) -> None:
        self._book([self._tables.log_row(run, Action.STAMP, Outcome.DONE, None, None, reason=reason)])

    def _opening(self) -> list[str]:
        # READ COMMITTED by name: a role or database may default to REPEATABLE READ.
        return ["BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", *self._clean_session()]

    def _clean_session(self) -> list[str]:
        return [*HYGIENE, *self._wire.defaults, *self._take_role]

    def _book(self, statements: Sequence[str]) -> None:
        """Write to the books alone, in a transaction of its own."""
        self._read_as_ours()
        try:
            self._wire.send([*self._opening(), *statements, "COMMIT"])
        except Refused as error:
            self._wire.abandon()
            raise as_error(error, self._tables.grant_keeping(self._identity.role)) from None

    def transact(self, run: Run, changes: Sequence[Change]) -> tuple[Done, ...]:
        done: list[Done] = []
        try:
            for index, change in enumerate(changes):
                opening = self._opening() if index == 0 else self._clean_session()
                done.append(self._one(run, change, opening, index, last=index == len(changes) - 1))
        except BaseException:
            self._wire.abandon()
            raise
        return tuple(done)

    def _one(self, run: Run, change: Change, opening: Sequence[str], index: int, *, last: bool) -> Done:
        tables = self._tables
        self._read_as_ours()
        before = [*opening, *_timeouts(change.script, "SET LOCAL"), *tables.begin_change(run, change)]
        running = None if change.script is None else self._script_run(change.script)
        with nullcontext() if running is None else running.listening():
            log_id, done = self._run_script(before, change, running, index)
            books = tables.finish_change(run, change, log_id, done.execution_ms)
            closing = [queries.KEEP_STATE, *self._take_role_again(), *books, queries.RESTORE_STATE]
            if last:
                closing.append("COMMIT")
            try:
                if running is None:
                    self._wire.send(closing)
                else:
                    running.close(closing, alone=index == 0 or not last)
            except Refused as error:
                # A constraint the script deferred fails here, at COMMIT; so does a row a hidden ROLLBACK took away.
                raise closing_failure(error, index) from None
        return done

    def _run_script(self, before: list[str], change: Change, running: ScriptRun | None, index: int) -> tuple[int, Done]:
        """Run a script behind our own statements; return the new log id and how it went."""
        began = time.monotonic()
        try:
            answers = self._wire.send(before)[0] if running is None else running.in_transaction(before)
        except Refused as error:
            failed = own_failure(error, self._tables.grant_keeping(self._identity.role))
            if isinstance(failed, SqlFailed):
                failed.index = index
            raise failed from None
        except SqlFailed as error:
            error.index = index
            if self._settings.history_table in str(error):
                error.hint = _ABOUT_HISTORY.get(error.code or "", error.hint)
            raise
        except DatabaseUnreachable as error:
            error.state = f"nothing of {change.name} was kept: its COMMIT was never sent"
            raise
        took = round((time.monotonic() - began) * 1000)
        rows = answers[len(before) - 1]
        if not rows:  # a baseline over a row that is applied already
            raise AlreadyRecorded(f"{change.name} was recorded by another run", state="nothing was changed")
        return int(rows[0][0] or 0), Done(took, running.rows if running else 0)

    def _script_run(self, script: Script) -> ScriptRun:
        return ScriptRun(self._wire, script, self._on_notice, self._on_advance)

    def _read_as_ours(self) -> None:
        """Take back what a script changed about how our own texts are read, before they are sent."""
        if self._wire.encoding != "utf-8":
            self._ask("SET client_encoding TO 'UTF8'")
        if self._wire.backslashes:
            self._ask("SET standard_conforming_strings = on")

    def _take_role_again(self) -> list[str]:
        self._read_as_ours()
        return ["RESET SESSION AUTHORIZATION", "RESET ROLE", *self._take_role, queries.SAFE_PATH]

    # ----------------------------------------------------------------------- outside a transaction

    def run_outside_transaction(self, run: Run, change: Change) -> Done:
        if change.script is None:
            raise ValueError("a change without a script has nothing to run outside a transaction")
        tables = self._tables
        self._read_as_ours()
        try:
            self._wire.send([*self._opening(), *tables.begin_unfinished(run, change), "COMMIT"])
        except Refused as error:
            self._wire.abandon()
            raise own_failure(error, self._tables.grant_keeping(self._identity.role)) from None
        began = time.monotonic()
        self._ask("SET default_transaction_read_only = off", *_timeouts(change.script, "SET"))
        running, kept = self._script_run(change.script), 0
        with running.listening():
            try:
                for message in one_by_one(change.script):
                    self._run_alone(running, change.script, message, kept)
                    kept += 1
            except FileError as error:  # it is not the file any more that was to run
                raise SqlFailed(str(error), kept=kept, hint=error.hint) from None
            finally:
                self._wire.abandon()  # what a statement left open
        took = round((time.monotonic() - began) * 1000)
        try:
            self._book(tables.finish_unfinished(run, change, took))
        except SqlFailed as error:
            error.kept = kept
            raise
        return Done(took, running.rows)

    def _run_alone(self, run: ScriptRun, script: Script, message: Message, kept: int) -> None:
        # A timed-out CREATE INDEX CONCURRENTLY leaves an invalid index behind: it must be free to wait (finding 8).
        patient = "CONCURRENTLY" in message.text.upper()
        try:
            if patient:
                self._ask("SET lock_timeout = 0")
            run.send((), message)
            if patient:
                self._ask(f"SET lock_timeout = {self._patience(script)}")
        except SqlFailed as error:
            error.kept = kept
            error.offset = message.batch.start if error.offset is None else error.offset
            raise
        if not self._wire.is_idle:
            self._wire.abandon()
            left_open = "the statement opened a transaction and left it open"
            raise SqlFailed(left_open, offset=message.batch.start, kept=kept)
        if not self._still_in_charge():
            raise SqlFailed(
                "the statement let go of the migration lock, and another run has taken it",
                offset=message.batch.start,
                kept=kept + 1,
                hint="DISCARD ALL and pg_advisory_unlock_all() release it: say what to discard by name",
            )

    def _patience(self, script: Script) -> int:
        asked = script.directives.lock_timeout
        return asked if asked is not None else self._settings.lock_timeout or 0

    def log_failure(self, run: Run, change: Change, error: str, code: str | None, execution_ms: int) -> None:
        with suppress(MigrationManagerError):
            row = self._tables.log_row(
                run,
                change.action,
                Outcome.FAILED,
                change.name,
                execution_ms,
                checksum=change.checksum,
                error=error,
                code=code,
            )
            self._book([row])


# ------------------------------------------------------------------------------------------- helpers


def _timeouts(script: Script | None, how: str) -> list[str]:
    if script is None:
        return []
    wanted = {
        "lock_timeout": script.directives.lock_timeout,
        "statement_timeout": script.directives.statement_timeout,
    }
    return [f"{how} {name} = {value:d}" for name, value in wanted.items() if value is not None]


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def _applied(row: Row) -> Applied:
    name, checksum, rollback, state, at, by, took, run_id, log_id, action = row
    return Applied(
        name or "", checksum or "", rollback, State(state), _moment(at or ""), by or "", int(took or 0), run_id or "",
        int(log_id or 0), baselined=action == Action.BASELINE.value,
    )  # fmt: skip


def _log_row(row: Row) -> LogRow:
    number, at, name, action, outcome, environment, run_id, took, *who = row
    database_user, os_user, host, version, commit, ci_run, sqlstate, error, reason = who
    return LogRow(
        int(number or 0), _moment(at or ""), name, Action(action), Outcome(outcome), environment, run_id or "",
        None if took is None else int(took), database_user or "", os_user, host, version, commit, ci_run, sqlstate,
        error, reason,
    )  # fmt: skip


def _lock_key(tables: queries.Tables) -> int:
    """Return the advisory lock's key: the same for everybody who uses this history, another for other tables."""
    digest = hashlib.sha256(f"migration_manager:{tables.shown}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
