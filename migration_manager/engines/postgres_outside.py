"""The protocol that runs a no-transaction script, statement by statement, each committed by itself.

What is known of each statement is in the database before and after it. A statement that PostgreSQL takes inside a
transaction is committed in one with the note that it is done, so that after a crash it is known to have run, or not. Of
one that it refuses there (CREATE INDEX CONCURRENTLY, VACUUM, a procedure that commits) the note stands before it and
after it; a crash in between leaves it unknown.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from migration_manager.engines import postgres_sql as queries
from migration_manager.engines.base import AdvanceHandler, NoticeHandler
from migration_manager.engines.postgres_books import Books
from migration_manager.engines.postgres_failures import as_error, failed_check, own_failure, sql_failed
from migration_manager.engines.postgres_leftovers import (
    Found,
    found_in,
    index_if_missing,
    leftovers_of,
    names_in,
    whole_noted,
)
from migration_manager.engines.postgres_lock import TargetLock
from migration_manager.engines.postgres_script import ScriptRun
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_transaction import timeouts
from migration_manager.engines.postgres_wire import Refused, Row
from migration_manager.errors import DatabaseUnreachable, MigrationManagerError, SqlFailed
from migration_manager.messages import Message, digest_of, one_by_one, statements_of
from migration_manager.model import (
    Action,
    Attempt,
    Change,
    Dialect,
    Done,
    Left,
    Notice,
    Resumption,
    Run,
    Script,
    Statement,
)
from migration_manager.sqltext import Kind, Setting, refuses_transaction, setting_in, statement_tokens

# What CALL and DO run may end its transaction, which it cannot inside of one of ours.
_MAY_COMMIT: Final = frozenset({("CALL",), ("DO",)})
REFUSED_INSIDE: Final = ("25001", "2D000")
# A timed-out CREATE INDEX CONCURRENTLY leaves an invalid index behind: it must be free to wait (finding 8).
_NO_LOCK_TIMEOUT: Final = (
    "SELECT pg_catalog.set_config('migration_manager.lock_timeout', pg_catalog.current_setting('lock_timeout'), false),"
    " pg_catalog.set_config('lock_timeout', '0', false)"
)
_LOCK_TIMEOUT_AGAIN: Final = (
    "SELECT pg_catalog.set_config('lock_timeout', pg_catalog.current_setting('migration_manager.lock_timeout'), false)"
)
_MAY_WRITE: Final = "SET default_transaction_read_only = off"  # DISCARD ALL has taken it away, perhaps


class OutsideTransaction:
    """One run of one no-transaction script on a session that is ours for as long as it takes."""

    def __init__(
        self,
        session: Session,
        lock: TargetLock | None,
        run: Run,
        on_notice: NoticeHandler | None,
        on_advance: AdvanceHandler | None,
    ) -> None:
        self._session = session
        self._lock = lock
        self._run = run
        self._on_notice = on_notice
        self._on_advance = on_advance
        # What is known of the script; see `errors.MigrationManagerError`.
        self._kept: int | None = None
        self._in_doubt = False

    def do(self, change: Change) -> Done:
        """Run the script; see `engines.base.Engine.run_outside_transaction`."""
        self._kept = None if change.resumption is None else change.resumption.skip
        try:
            return self._do(change)
        except MigrationManagerError as error:
            error.kept, error.in_doubt = self._kept, self._in_doubt
            raise

    def _do(self, change: Change) -> Done:
        script = change.script
        if script is None:
            raise ValueError("a change without a script has nothing to run outside a transaction")
        self._session.read_as_ours()
        if change.resumption is not None:
            self._sweep(change, change.resumption)
        self._begin(change, script)
        began = time.monotonic()
        running = ScriptRun(self._session.wire, script, self._on_notice, self._on_advance)
        with running.listening():
            self._run_all(change, running)
        took = round((time.monotonic() - began) * 1000)
        self._finish(change, took)
        return Done(took, running.rows)

    def _begin(self, change: Change, script: Script) -> None:
        session, tables = self._session, self._session.tables
        note = whole_noted(script.statement_count, self._leftovers())
        try:
            session.wire.send([*session.opening(), *tables.begin_unfinished(self._run, change, note), "COMMIT"])
        except Refused as error:
            session.wire.abandon()
            raise own_failure(error, tables.grant_keeping(session.identity.role)) from None
        except DatabaseUnreachable as error:
            if self._kept is None:
                error.state = (
                    f"no statement of {change.name} was run; `status` tells whether it is recorded as unfinished"
                )
            raise
        except BaseException:
            session.wire.abandon()
            raise
        self._kept = self._kept or 0
        session.command(*session.for_session(), *timeouts(script, "SET"))

    def _run_all(self, change: Change, running: ScriptRun) -> None:
        statements = _Statements(self._session, self._lock, running, change)
        try:
            statements.run(self._on_notice)
        except BaseException:
            # Whoever looks now what became of it looks as we do, not as what the script made of its session.
            self._session.wire.abandon()
            self._session.forget_settings()
            raise
        finally:
            self._kept, self._in_doubt = statements.kept, statements.in_doubt

    def _finish(self, change: Change, took: int) -> None:
        tables = self._session.tables
        try:
            Books(self._session).send(tables.finish_unfinished(self._run, change, took))
        except DatabaseUnreachable as error:
            error.state = f"every statement of {change.name} is kept; `status` tells whether it is recorded as done"
            raise
        except Refused as error:
            if failed_check(error) is None:  # see `Tables.finish_unfinished`
                raise as_error(error, tables.grant_keeping(self._session.identity.role)) from None
            self._kept = None
            raise _row_taken_away(change) from None

    def _leftovers(self) -> list[Found]:
        return found_in(self._session.ask(queries.LEFTOVERS)[0])

    def _sweep(self, change: Change, resumption: Resumption) -> None:
        """Take away, or bring to its end, what the statement that did not finish left behind.

        Only what was not there before the script, and is named in that statement.
        """
        for found in leftovers_of(self._session, change.name):
            kind = found.leftover.kind
            if not resumption.ends(found.leftover):
                continue
            self._session.command(*self._session.for_session(), "SET lock_timeout = 0")
            self._session.command(found.leftover.remedy)
            if self._on_notice is not None:
                verb = "finished" if kind is Left.PENDING_DETACH else "dropped"
                self._on_notice(
                    Notice("NOTICE", f"{verb} what was left behind ({kind.value}): {found.leftover.remedy}")
                )


def _row_taken_away(change: Change) -> SqlFailed:
    forward = change.action is Action.MIGRATE
    error = SqlFailed(
        f"the history row of {change.name} was taken away while it ran",
        hint=f"`baseline --name {change.name}` records it again" if forward else None,
    )
    counts = "pending" if forward else "rolled back"
    error.state = f"every statement of {change.name} is kept, and without a row it counts as {counts}"
    return error


class _Statements:
    """The statements of a script on their way, each with its notes."""

    def __init__(
        self,
        session: Session,
        lock: TargetLock | None,
        running: ScriptRun,
        change: Change,
    ) -> None:
        self._session = session
        self._lock = lock
        self._running = running
        self._change = change
        self._resumption = change.resumption or Resumption(0)
        self.kept = self._resumption.skip
        self.in_doubt = False  # whether the one after those may be kept as well

    def run(self, on_notice: NoticeHandler | None) -> None:
        """Run those that are not kept yet."""
        script = self._change.script
        for number, message in enumerate(one_by_one(script) if script else (), start=1):
            if number <= self._resumption.skip:
                self._skip(number, message, on_notice)
                continue
            if not (runs_inside(message) and self._inside(number, message)):
                self._alone(number, message)
            self.in_doubt = False

    def _skip(self, number: int, message: Message, on_notice: NoticeHandler | None) -> None:
        """Go past a statement that is kept; what it set for its session is set again, for this is another one."""
        first = _first(message)
        setting = setting_in(message.text, first) if first else None
        if setting is Setting.PLAIN:
            self._running.send((), message)
        elif setting is Setting.COMPUTED and on_notice is not None:
            text = (
                f"what statement {number} sets for its session is not set again: its expression may do more than that"
            )
            on_notice(Notice("WARNING", text))

    # --------------------------------------------------------------------------------- two ways to run

    def _inside(self, number: int, message: Message) -> bool:
        """Run a statement in one transaction with its note; False where PostgreSQL wants it outside of one."""
        session = self._session
        fence = [] if self._lock is None else [queries.take_fence(self._lock.key)]
        before = ["BEGIN READ WRITE", *session.among([*fence, self._note(number, message, Attempt.DONE)])]
        try:
            # Apart from the statement, which is then what others see of this session while it runs.
            session.wire.send(before)
            self._running.send((), message)
            self.in_doubt = True
            session.wire.send(["COMMIT"])
        except SqlFailed as error:
            session.wire.abandon()
            if error.code in REFUSED_INSIDE:
                return False
            raise self._failed(number, message, error) from None
        except Refused as error:
            session.wire.abandon()
            if failed_check(error) is not None:
                raise self._lock_lost(message) from None
            # At COMMIT it is what the statement has deferred that fails, and not a statement of ours.
            refused = sql_failed(error, None) if self.in_doubt else as_error(error)
            raise self._failed(number, message, refused) from None
        self.kept, self.in_doubt = number, False
        self._check_index(number, message)
        return True

    def _alone(self, number: int, message: Message) -> None:
        """Run a statement by itself, with a note before it and one after it."""
        session, patient = self._session, _mentions(message, "CONCURRENTLY")
        started = session.beside([self._note(number, message, Attempt.STARTED)])
        self._between([*started, _MAY_WRITE, *([_NO_LOCK_TIMEOUT] if patient else [])])
        self.in_doubt = True
        try:
            self._running.send((), message)
        except SqlFailed as error:
            if error.code not in self._resumption.took_effect or number != self._resumption.skip + 1:
                raise self._failed(number, message, error, patient=patient) from None
        if not session.wire.is_idle:
            session.wire.abandon()
            left_open = SqlFailed("the statement opened a transaction and left it open")
            raise self._failed(number, message, left_open, patient=patient) from None
        self._check_index(number, message)
        self.kept, self.in_doubt = number, False
        self._restore([_LOCK_TIMEOUT_AGAIN] if patient else self._given_again(message))
        done = session.beside([self._note(number, message, Attempt.DONE)])
        answers = self._between([*done, *self._is_held()])
        if self._lock is not None and answers[-1][0][0] != "t" and not self._lock.still_held():
            raise self._lock_lost(message)

    def _given_again(self, message: Message) -> list[str]:
        """Return what gives the session again what it was given before the script, after a statement that took it."""
        first, script = _first(message), self._change.script
        if first is None or first.words[:2] != ("DISCARD", "ALL"):
            return []
        return [*self._session.for_session(), *timeouts(script, "SET")]

    # ---------------------------------------------------------------------------------------- notes

    def _note(self, number: int, message: Message, attempt: Attempt) -> str:
        names = None if attempt is Attempt.DONE else names_in(message)
        return self._session.tables.note_statement(self._change.name, number, digest_of(message), attempt, names)

    def _between(self, statements: Sequence[str]) -> list[list[Row]]:
        """Send statements of ours between two of the script's."""
        self._session.read_as_ours()
        try:
            return self._session.command_raw(*statements)
        except Refused as error:
            raise as_error(error, self._session.tables.grant_keeping(self._session.identity.role)) from None

    def _is_held(self) -> list[str]:
        return [] if self._lock is None else [queries.lock_is_ours(self._lock.key)]

    def _failed(
        self, number: int, message: Message, error: MigrationManagerError, *, patient: bool = False
    ) -> MigrationManagerError:
        """Return the error of a statement that is not kept, after noting that it failed, as well as that goes."""
        self.in_doubt = False
        if isinstance(error, SqlFailed):
            error.offset = message.batch.start if error.offset is None else error.offset
        failed = self._session.beside([self._note(number, message, Attempt.FAILED)])
        with suppress(MigrationManagerError):  # the statement's error is what counts
            self._restore([_LOCK_TIMEOUT_AGAIN] if patient else [])
            self._between(failed)
        return error

    def _restore(self, settings: Sequence[str]) -> None:
        """Set something for the session, in a message of its own: BEGIN may not follow a query in the same one."""
        if settings:
            self._between(settings)

    def _lock_lost(self, message: Message) -> SqlFailed:
        return SqlFailed(
            "the migration lock was let go of, and another run has taken it",
            offset=message.batch.start,
            hint="DISCARD ALL and pg_advisory_unlock_all() release it: say what to discard by name",
        )

    def _check_index(self, number: int, message: Message) -> None:
        """Refuse to take an invalid index for the one that was asked for, as IF NOT EXISTS does (finding 8)."""
        wanted = index_if_missing(message)
        if wanted is None:
            return
        # Under the script's own search path, and not under its time limits.
        look = ["BEGIN READ ONLY", "SET LOCAL statement_timeout = 0", queries.invalid_index(*wanted), "COMMIT"]
        for (found,) in self._between(look)[2]:
            self.kept = number - 1  # for it did nothing
            raise self._failed(
                number,
                message,
                SqlFailed(
                    f"the index {found} is invalid: IF NOT EXISTS took it for the one that is wanted",
                    hint=f"DROP INDEX CONCURRENTLY {found}; then `resume` builds it",
                ),
            )


def _first(message: Message) -> Statement | None:
    return next(iter(statements_of(message, Dialect.POSTGRESQL)), None)


def runs_inside(message: Message) -> bool:
    """Return whether a statement, as far as its text tells, may run in a transaction with a note of ours."""
    first = _first(message)
    if first is None or first.control is not None or first.words[:1] in _MAY_COMMIT:
        return False
    return not refuses_transaction(message.text, first, Dialect.POSTGRESQL)


def _mentions(message: Message, word: str) -> bool:
    first = _first(message)
    if first is None or word not in message.text.upper():
        return False
    found = statement_tokens(message.text, first, Dialect.POSTGRESQL)
    return any(token.kind is Kind.WORD and message.text[token.start : token.end].upper() == word for token in found)
