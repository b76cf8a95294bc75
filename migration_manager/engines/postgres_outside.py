"""The protocol that runs a no-transaction script, statement by statement, each committed by itself.

What is known of each statement is in the database before and after it. A statement that PostgreSQL takes inside a
transaction is committed in one with the note that it is done, so that after a crash it is known to have run, or not. Of
one that it refuses there (CREATE INDEX CONCURRENTLY, VACUUM, a procedure that commits) the note stands before it and
after it; a crash in between leaves it unknown.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from migration_manager.engines import postgres_sql as queries
from migration_manager.engines.base import AdvanceHandler, NoticeHandler
from migration_manager.engines.postgres_books import Books
from migration_manager.engines.postgres_failures import as_error, own_failure
from migration_manager.engines.postgres_leftovers import Found, found_in, leftovers_of, names_in, noted, whole_noted
from migration_manager.engines.postgres_lock import TargetLock
from migration_manager.engines.postgres_script import ScriptRun
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_transaction import timeouts
from migration_manager.engines.postgres_wire import Refused, Row
from migration_manager.errors import DatabaseUnreachable, FileError, MigrationManagerError, SqlFailed
from migration_manager.messages import Message, digest_of, one_by_one, statements_of
from migration_manager.model import Attempt, Change, Dialect, Done, Left, Notice, Resumption, Run, Script, Statement
from migration_manager.sqltext import Kind, refuses_transaction, statement_tokens

# What CALL and DO run may end its transaction, which it cannot inside of one of ours.
_MAY_COMMIT: Final = frozenset({("CALL",), ("DO",)})
_REFUSED_INSIDE: Final = ("25001", "2D000")
# A timed-out CREATE INDEX CONCURRENTLY leaves an invalid index behind: it must be free to wait (finding 8).
_PATIENCE: Final = (
    "SELECT pg_catalog.set_config('migration_manager.lock_timeout', pg_catalog.current_setting('lock_timeout'), false),"
    " pg_catalog.set_config('lock_timeout', '0', false)"
)
_IMPATIENCE: Final = (
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
        self._state = ""  # what is known, should the connection be lost now

    def do(self, change: Change) -> Done:
        """Run the script; see `engines.base.Engine.run_outside_transaction`."""
        self._state = f"no statement of {change.name} was run; `status` tells whether it is recorded as unfinished"
        try:
            return self._do(change)
        except DatabaseUnreachable as error:
            error.state = self._state
            raise

    def _do(self, change: Change) -> Done:
        script = change.script
        if script is None:
            raise ValueError("a change without a script has nothing to run outside a transaction")
        resumption = change.resumption or Resumption(0)
        self._session.read_as_ours()
        if change.resumption is not None:
            finished = self._sweep(change)
            resumption = replace(resumption, skip=resumption.skip + finished)
            change = replace(change, resumption=resumption)
        self._begin(change, script)
        began = time.monotonic()
        running = ScriptRun(self._session.wire, script, self._on_notice, self._on_advance)
        with running.listening():
            statements = _Statements(self._session, self._lock, running, change, resumption)
            try:
                self._run_all(statements)
            finally:
                self._state = statements.known
                self._session.wire.abandon()  # what a statement left open
        self._state = f"every statement of {change.name} is kept; `status` tells whether it is recorded as done"
        took = round((time.monotonic() - began) * 1000)
        try:
            Books(self._session).write(self._session.tables.finish_unfinished(self._run, change, took))
        except SqlFailed as error:
            error.kept = script.statement_count
            raise
        return Done(took, running.rows)

    def _begin(self, change: Change, script: Script) -> None:
        session, tables = self._session, self._session.tables
        try:
            note = whole_noted(script.statement_count, self._leftovers())
            session.wire.send([*session.opening(), *tables.begin_unfinished(self._run, change, note), "COMMIT"])
        except Refused as error:
            session.wire.abandon()
            raise own_failure(error, tables.grant_keeping(session.identity.role)) from None
        try:
            session.command(*session.for_session(), *timeouts(script, "SET"))
        except Refused as error:
            raise as_error(error) from None

    def _run_all(self, statements: _Statements) -> None:
        try:
            statements.run()
        except FileError as error:  # it is not the file any more that was to run
            raise SqlFailed(str(error), kept=statements.kept, hint=error.hint) from None

    def _leftovers(self) -> list[Found]:
        return found_in(self._session.ask(queries.LEFTOVERS)[0])

    def _sweep(self, change: Change) -> int:
        """Take away, or bring to its end, what the statement that did not finish left behind.

        Only what was not there before the script, and is named in that statement. Returns how many statements are
        finished by it: that of a partition whose detaching was not.
        """
        left = leftovers_of(self._session, change.name)
        finished = 0
        for found in left:
            if found.leftover.kind is Left.NOT_VALID:
                continue
            try:
                self._session.command(*self._session.for_session(), "SET lock_timeout = 0")
                self._session.command(found.leftover.remedy)
            except Refused as error:
                refused = as_error(error)
                if isinstance(refused, SqlFailed):
                    refused.kept = change.resumption.skip if change.resumption else 0
                raise refused from None
            if self._on_notice is not None:
                self._on_notice(Notice("NOTICE", f"{found.leftover.kind.value}: {found.leftover.remedy}"))
            finished += found.leftover.kind is Left.PENDING_DETACH
        return finished


class _Statements:
    """The statements of a script on their way, each with its notes."""

    def __init__(
        self,
        session: Session,
        lock: TargetLock | None,
        running: ScriptRun,
        change: Change,
        resumption: Resumption,
    ) -> None:
        self._session = session
        self._lock = lock
        self._running = running
        self._change = change
        self._resumption = resumption
        self.kept = 0
        self._in_doubt = False  # whether the one after those may be kept as well

    @property
    def known(self) -> str:
        """What is known of the script, for people."""
        total = self._change.script.statement_count if self._change.script else self.kept
        what = f"{self.kept} of its {total} statements were kept"
        if self._in_doubt:
            what = f"statement {self.kept + 1} of {total} unknown: it may have run or not"
        return f"{self._change.name} is recorded as unfinished, {what}; `resume` goes on"

    def run(self) -> None:
        """Run those that are not kept yet."""
        script = self._change.script
        for number, message in enumerate(one_by_one(script) if script else (), start=1):
            if number <= self._resumption.skip:
                self._skip(message)
            elif not (_runs_inside(message) and self._inside(number, message)):
                self._alone(number, message)
            self.kept, self._in_doubt = number, False

    def _skip(self, message: Message) -> None:
        """Go past a statement that is kept; what it set for its session is set again, for this is another one."""
        first = _first(message)
        words = first.words if first else ()
        is_setting = words[:1] in (("SET",), ("RESET",)) or (
            words[:1] == ("SELECT",) and "set_config" in message.text.lower()
        )
        if is_setting:
            self._running.send((), message)

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
            self._in_doubt = True
            session.wire.send(["COMMIT"])
        except SqlFailed as error:
            session.wire.abandon()
            if error.code in _REFUSED_INSIDE:
                return False
            raise self._failed(number, message, error) from None
        except Refused as error:
            session.wire.abandon()
            if not self._in_doubt and error.code == "22012":
                raise self._lock_lost(message) from None
            raise self._failed(number, message, as_error(error)) from None
        self._in_doubt = False
        self._check_index(number, message)
        self.kept = number
        return True

    def _alone(self, number: int, message: Message) -> None:
        """Run a statement by itself, with a note before it and one after it."""
        session, patient = self._session, _mentions(message, "CONCURRENTLY")
        started = session.beside([self._note(number, message, Attempt.STARTED)])
        self._between([*started, _MAY_WRITE, *([_PATIENCE] if patient else [])])
        self._in_doubt = True
        try:
            self._running.send((), message)
        except SqlFailed as error:
            if error.code not in self._resumption.took_effect or number != self._resumption.skip + 1:
                raise self._failed(number, message, error) from None
        if not session.wire.is_idle:
            session.wire.abandon()
            raise self._failed(
                number, message, SqlFailed("the statement opened a transaction and left it open")
            ) from None
        self._check_index(number, message)
        self.kept = number
        done = session.beside([self._note(number, message, Attempt.DONE)])
        # What follows DISCARD ALL has lost what was set aside; then lock_timeout is the session's own again.
        answers = self._between([*done, *([_IMPATIENCE] if patient else []), *self._is_held()])
        if self._lock is not None and answers[-1][0][0] != "t" and not self._lock.still_held():
            raise self._lock_lost(message, number)

    # ---------------------------------------------------------------------------------------- notes

    def _note(self, number: int, message: Message, attempt: Attempt) -> str:
        names = noted(names_in(message)) if attempt is Attempt.STARTED else None
        return self._session.tables.note_statement(self._change.name, number, digest_of(message), attempt, names)

    def _between(self, statements: Sequence[str]) -> list[list[Row]]:
        """Send statements of ours between two of the script's."""
        self._session.read_as_ours()
        try:
            return self._session.command(*statements)
        except Refused as error:
            self._session.wire.abandon()
            refused = as_error(error, self._session.tables.grant_keeping(self._session.identity.role))
            self._say_what_is_kept(refused)
            raise refused from None

    def _is_held(self) -> list[str]:
        return [] if self._lock is None else [queries.lock_is_ours(self._lock.key)]

    def _failed(self, number: int, message: Message, error: MigrationManagerError) -> MigrationManagerError:
        """Return the error of a statement that is not kept, after noting that it failed."""
        self._in_doubt = False
        self._say_what_is_kept(error)
        if isinstance(error, SqlFailed):
            error.offset = message.batch.start if error.offset is None else error.offset
        tables, names = self._session.tables, noted(names_in(message))
        failed = tables.note_statement(self._change.name, number, digest_of(message), Attempt.FAILED, names)
        self._between(self._session.beside([failed]))
        return error

    def _say_what_is_kept(self, error: MigrationManagerError) -> None:
        if isinstance(error, SqlFailed):
            error.kept = self.kept
        else:
            error.state = self.known

    def _lock_lost(self, message: Message, kept: int | None = None) -> SqlFailed:
        return SqlFailed(
            "the migration lock was let go of, and another run has taken it",
            offset=message.batch.start,
            kept=self.kept if kept is None else kept,
            hint="DISCARD ALL and pg_advisory_unlock_all() release it: say what to discard by name",
        )

    def _check_index(self, number: int, message: Message) -> None:
        """Refuse to take an invalid index for the one that was asked for, as IF NOT EXISTS does (finding 8)."""
        first = _first(message)
        words = first.words if first else ()
        if words[:2] != ("CREATE", "INDEX") and words[:3] != ("CREATE", "UNIQUE", "INDEX"):
            return
        names = names_in(message)
        for found in found_in(self._session.ask(queries.LEFTOVERS)[0]):
            if found.leftover.kind is Left.INVALID_INDEX and found.name in names:
                raise self._failed(
                    number,
                    message,
                    SqlFailed(
                        f"the index {found.leftover.name} is invalid: IF NOT EXISTS took it for the one that is wanted",
                        hint=f"{found.leftover.remedy}; then `resume` builds it",
                    ),
                )


def _first(message: Message) -> Statement | None:
    return next(iter(statements_of(message, Dialect.POSTGRESQL)), None)


def _runs_inside(message: Message) -> bool:
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
