"""The protocol that runs a no-transaction script, statement by statement, each committed by itself."""

from __future__ import annotations

import time

from migration_manager.engines.base import AdvanceHandler, NoticeHandler
from migration_manager.engines.postgres_books import Books
from migration_manager.engines.postgres_failures import as_error, own_failure
from migration_manager.engines.postgres_lock import TargetLock
from migration_manager.engines.postgres_script import ScriptRun
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_transaction import timeouts
from migration_manager.engines.postgres_wire import Refused
from migration_manager.errors import FileError, SqlFailed
from migration_manager.messages import Message, one_by_one
from migration_manager.model import Change, Done, Run, Script


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

    def do(self, change: Change) -> Done:
        """Run the script; see `engines.base.Engine.run_outside_transaction`."""
        if change.script is None:
            raise ValueError("a change without a script has nothing to run outside a transaction")
        session, tables = self._session, self._session.tables
        session.read_as_ours()
        try:
            session.wire.send([*session.opening(), *tables.begin_unfinished(self._run, change), "COMMIT"])
        except Refused as error:
            session.wire.abandon()
            raise own_failure(error, tables.grant_keeping(session.identity.role)) from None
        began = time.monotonic()
        try:
            session.command(*session.for_session(), *timeouts(change.script, "SET"))
        except Refused as error:
            raise as_error(error) from None
        running, kept = ScriptRun(session.wire, change.script, self._on_notice, self._on_advance), 0
        with running.listening():
            try:
                for message in one_by_one(change.script):
                    self._run_alone(running, change.script, message, kept)
                    kept += 1
            except FileError as error:  # it is not the file any more that was to run
                raise SqlFailed(str(error), kept=kept, hint=error.hint) from None
            finally:
                session.wire.abandon()  # what a statement left open
        took = round((time.monotonic() - began) * 1000)
        try:
            Books(session).write(tables.finish_unfinished(self._run, change, took))
        except SqlFailed as error:
            error.kept = kept
            raise
        return Done(took, running.rows)

    def _run_alone(self, running: ScriptRun, script: Script, message: Message, kept: int) -> None:
        # A timed-out CREATE INDEX CONCURRENTLY leaves an invalid index behind: it must be free to wait (finding 8).
        patient = "CONCURRENTLY" in message.text.upper()
        session = self._session
        try:
            if patient:
                session.command("SET lock_timeout = 0")
            running.send((), message)
            if patient:
                session.command(f"SET lock_timeout = {self._patience(script)}")
        except SqlFailed as error:
            error.kept = kept
            error.offset = message.batch.start if error.offset is None else error.offset
            raise
        if not session.wire.is_idle:
            session.wire.abandon()
            left_open = "the statement opened a transaction and left it open"
            raise SqlFailed(left_open, offset=message.batch.start, kept=kept)
        session.command(*session.for_session()[-1:])  # DISCARD ALL has taken it away
        if self._lock is not None and not self._lock.still_held():
            raise SqlFailed(
                "the statement let go of the migration lock, and another run has taken it",
                offset=message.batch.start,
                kept=kept + 1,
                hint="DISCARD ALL and pg_advisory_unlock_all() release it: say what to discard by name",
            )

    def _patience(self, script: Script) -> int:
        asked = script.directives.lock_timeout
        return asked if asked is not None else self._session.settings.lock_timeout or 0
