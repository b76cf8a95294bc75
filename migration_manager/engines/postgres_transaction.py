"""The protocol that runs scripts together with their books in one transaction, and settles what became of it.

A migration is its script's batches, mostly one, and one message more. The first batch carries what opens the
transaction and writes the history row as unfinished; the last message finishes the row, writes the log row and commits.
It is never sent before all of the script succeeded.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Final, NamedTuple

from migration_manager.engines import postgres_sql as queries
from migration_manager.engines.base import AdvanceHandler, NoticeHandler
from migration_manager.engines.postgres_commit import answered_in_time
from migration_manager.engines.postgres_failures import as_error, closing_failure, failed_check, own_failure
from migration_manager.engines.postgres_lock import TargetLock
from migration_manager.engines.postgres_pooler import Pooling
from migration_manager.engines.postgres_script import ScriptRun
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_watch import Watch
from migration_manager.engines.postgres_wire import Refused
from migration_manager.errors import (
    AlreadyRecorded,
    DatabaseUnreachable,
    LockNotAcquired,
    MigrationManagerError,
    OutcomeUnknown,
    SqlFailed,
)
from migration_manager.model import Change, Done, Notice, Run, Script

SETTLING: Final = 60.0  # seconds that are given to finding out what became of a COMMIT

# What to do about a script that is refused because of what it does to the tables of the history.
_ABOUT_HISTORY: Final = {
    "55006": "the file drops the history itself: keep it elsewhere, with `history_schema`",
    "42P07": "the file makes the history's own tables; dump again with --exclude-table='schema_migrations*'",
}


class _Begun(NamedTuple):
    """A change whose script has run: the log row it will have, and the transaction it is in."""

    log_id: int
    xid: str
    done: Done


class Transaction:
    """One transaction of one run on a session; made anew for each."""

    def __init__(
        self,
        session: Session,
        lock: TargetLock,
        run: Run,
        on_notice: NoticeHandler | None,
        on_advance: AdvanceHandler | None,
        *,
        watch: Watch,
    ) -> None:
        self._session = session
        self._lock = lock
        self._run = run
        self._watch = watch
        self._on_notice = on_notice
        self._on_advance = on_advance

    def do(self, changes: Sequence[Change]) -> tuple[Done, ...]:
        """Do the changes and commit; see `engines.base.Engine.transact`."""
        wire = self._session.wire
        self._session.need_open(changes[0].name)
        done: list[Done] = []
        self._watch.begin()
        try:
            for index, change in enumerate(changes):
                done.append(self._one(change, index, last=index == len(changes) - 1))
        except BaseException as error:
            if isinstance(error, SqlFailed):
                error.wait = self._watch.last
            wire.abandon()
            if isinstance(error, MigrationManagerError):
                error.index = len(done)
            raise
        return tuple(done)

    def _one(self, change: Change, index: int, *, last: bool) -> Done:
        session, tables = self._session, self._session.tables
        session.read_as_ours()
        opening = session.clean() if index else [*session.opening(), queries.take_fence(self._lock.key)]
        fence = 0 if index else len(opening) - 1
        before = [*opening, *timeouts(change.script, "SET LOCAL"), *tables.begin_change(self._run, change)]
        running = None if change.script is None else self._script_run(change.script)
        with nullcontext() if running is None else running.listening():
            begun = self._run_script(before, change, running, fence)
            books = tables.finish_change(self._run, change, begun.log_id, begun.done.execution_ms, alone=index == 0)
            session.read_as_ours()
            closing = [queries.KEEP_STATE, *session.take_role_again(), *books, queries.RESTORE_STATE]
            if last:
                closing += session.ending()
            session.unsettled = begun.xid if last else None
            try:
                with answered_in_time(session, session.unsettled):
                    if running is None:
                        session.wire.send(closing)
                    else:
                        running.close(closing, alone=index == 0 or not last)
            except Refused as error:
                session.unsettled = None
                if session.is_committed(error, closing):
                    return begun.done
                # A constraint the script deferred fails here, at COMMIT; so does a row a hidden ROLLBACK took away.
                raise closing_failure(error) from None
            except DatabaseUnreachable as error:
                if not last:
                    raise _not_kept(error, change.name) from None
                self._settle(change, begun, error)
            session.unsettled = None
        return begun.done

    def _run_script(self, before: list[str], change: Change, running: ScriptRun | None, fence: int) -> _Begun:
        """Run a script behind our own statements; return what it began and how it went."""
        began = time.monotonic()
        # Where the session is not ours, a script that ends its transaction ends its hold on it as well: each statement
        # goes alone then, and nothing follows one that did.
        alone = self._session.pooling is Pooling.TRANSACTION
        try:
            with self._watch.giving_way():  # as long as no COMMIT is under way
                if running is None:
                    answers = self._session.wire.send(before).rows
                else:
                    answers = running.in_transaction(before, one_by_one=alone)
        except Refused as error:
            if fence and failed_check(error) == fence:
                raise self._kept_out() from None
            raise own_failure(error, self._session.tables.grant_keeping(self._session.identity.role)) from None
        except SqlFailed as error:
            if self._session.settings.history_table in str(error):
                error.hint = _ABOUT_HISTORY.get(error.code or "", error.hint)
            raise
        except DatabaseUnreachable as error:
            raise _not_kept(error, change.name) from None
        took = round((time.monotonic() - began) * 1000)
        rows = answers[len(before) - 1]
        if not rows:  # a baseline over a row that is applied already
            raise AlreadyRecorded(f"{change.name} was recorded by another run")
        return _Begun(int(rows[0][0] or 0), rows[0][1] or "", Done(took, running.rows if running else 0))

    def _script_run(self, script: Script) -> ScriptRun:
        return ScriptRun(self._session.wire, script, self._on_notice, self._on_advance)

    def _kept_out(self) -> LockNotAcquired:
        self._session.wire.abandon()
        return LockNotAcquired(0.0, self._lock.holder())

    # -------------------------------------------------------------------------------- a lost COMMIT

    def _settle(self, change: Change, begun: _Begun, lost: DatabaseUnreachable) -> None:
        """Find out what became of a transaction whose COMMIT was sent and not answered; return when it was kept.

        Raises `DatabaseUnreachable` when it was not, `OutcomeUnknown` when nobody can tell in time. The log row decides
        (RELIABILITY B5): it is written by this transaction, and its number is given to nobody else.
        """
        deadline = time.monotonic() + SETTLING
        try:
            self._session.reopen(SETTLING)
            while is_in_progress(self._session, begun.xid):
                if time.monotonic() > deadline:
                    raise _unknown(change.name, "it is still being committed (a standby that does not answer?)")
                time.sleep(random.uniform(0.1, 0.3))  # noqa: S311 - jitter
            ((kept,),) = self._session.ask(self._session.tables.is_logged(self._run, begun.log_id))[0]
        except OutcomeUnknown:
            raise
        except MigrationManagerError as error:
            raise _unknown(change.name, str(error)) from None
        if kept != "t":
            lost.state = f"nothing of {change.name} was kept: it was looked up over another connection"
            raise lost
        if self._on_notice is not None:
            text = f"the connection was lost while {change.name} was committed; it is kept, by a look at the database"
            self._on_notice(Notice("WARNING", text))


def is_in_progress(session: Session, xid: str) -> bool:
    """Return whether a transaction may still commit. Raises as `Session.ask` does."""
    try:
        ((status,),) = session.ask_raw(queries.verdict_of(xid))[0]
    except Refused as error:
        if error.code == "22023":  # "in the future": a server that crashed has forgotten it
            return False
        raise as_error(error) from None
    return status == "in progress"


def timeouts(script: Script | None, how: str) -> list[str]:
    """Return the statements for what a file's header says of time; `how` is SET or SET LOCAL."""
    if script is None:
        return []
    wanted = {
        "lock_timeout": script.directives.lock_timeout,
        "statement_timeout": script.directives.statement_timeout,
    }
    return [f"{how} {name} = {value:d}" for name, value in wanted.items() if value is not None]


def _not_kept(error: DatabaseUnreachable, name: str) -> DatabaseUnreachable:
    error.state = f"nothing of {name} was kept: its COMMIT was never sent"
    return error


def _unknown(name: str, why: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"the connection was lost while {name} was committed, and what became of it could not be found out: {why}",
        state=f"what became of {name} is not known; `status` tells when the server answers",
    )
