"""The PostgreSQL engine: what the core asks of a database, handed to the module that knows how.

`postgres_session` is the session and keeps it clean, `postgres_lock` the lock, `postgres_transaction` and
`postgres_outside` the two ways a script runs together with its books, `postgres_sql` the books' own SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from migration_manager.engines import postgres_sql as queries
from migration_manager.engines.base import (
    NOTHING_RECORDED,
    AdvanceHandler,
    NoticeHandler,
    SessionSettings,
    WaitHandler,
)
from migration_manager.engines.postgres_activity import ServerActivity
from migration_manager.engines.postgres_books import Books
from migration_manager.engines.postgres_failures import as_error
from migration_manager.engines.postgres_leftovers import found_in, with_progress
from migration_manager.engines.postgres_lock import TargetLock
from migration_manager.engines.postgres_outside import OutsideTransaction
from migration_manager.engines.postgres_pooler import Pooling
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_transaction import Transaction, is_in_progress
from migration_manager.engines.postgres_values import applied, log_row, past_run
from migration_manager.engines.postgres_watch import Watch
from migration_manager.engines.postgres_wire import Refused, Row, Told
from migration_manager.errors import ForeignHistory, LockNotAcquired, MigrationManagerError, OutcomeUnknown
from migration_manager.model import (
    Action,
    Activity,
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
    ServerSession,
    State,
)

if TYPE_CHECKING:  # few commands have a use for these
    from migration_manager.catalog import Catalog
    from migration_manager.engines.postgres_catalog_reader import CatalogReader
    from migration_manager.engines.postgres_rehearsal import PostgresRehearser

_FOR_A_LOOK: Final = 2.0  # seconds for another connection, to see or to log what became of the one that was lost
_FOR_THE_NEXT: Final = 60.0  # seconds for a server that was restarted between two changes


def open_postgres(
    conninfo: Mapping[str, str],
    settings: SessionSettings,
    on_notice: NoticeHandler | None = None,
    on_advance: AdvanceHandler | None = None,
    on_wait: WaitHandler | None = None,
    *,
    shown: str | None = None,
    writes: bool = True,
) -> PostgresEngine:
    """Connect and ask the server who it is. `shown` is the server's name for people, for example "embedded".

    Without `writes` a login that may not take the configured role goes on as itself: reading needs only SELECT. Raises
    as `Session` does.
    """
    return PostgresEngine(Session(conninfo, settings, shown=shown, writes=writes), on_notice, on_advance, on_wait)


class PostgresEngine:
    """See `engines.base.Engine`, whose promises this keeps."""

    def __init__(
        self,
        session: Session,
        on_notice: NoticeHandler | None,
        on_advance: AdvanceHandler | None,
        on_wait: WaitHandler | None,
    ) -> None:
        self._session = session
        self._on_notice = on_notice
        self._on_advance = on_advance
        self._lock: TargetLock | None = None  # the session's, while it is held
        self._watch = Watch(session, on_wait)
        self._catalog: CatalogReader | None = None
        session.wire.on_told = self._hear
        if on_wait is not None or session.settings.lock_queue_limit:
            session.wire.on_wait = self._watch

    # ------------------------------------------------------------------------------------ session

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(Dialect.POSTGRESQL, outside_transaction=self._session.pooling is not Pooling.TRANSACTION)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.close()
        if self._catalog is not None:
            self._catalog.close()
        self._session.close()

    def identify(self) -> Identity:
        return self._session.identity

    def _hear(self, told: Told) -> None:
        if self._on_notice is not None:
            self._on_notice(Notice(told.severity, told.text))

    # ------------------------------------------------------------------------------------ reading

    def _ask(self, *statements: str) -> list[list[Row]]:
        session = self._session
        try:
            return session.ask_raw(*statements)
        except Refused as error:
            grant = session.tables.grant_reading(session.identity.role) if session.schema else ""
            raise as_error(error, grant) from None

    def recorded(self) -> Recorded:
        session = self._session
        if not session.wire.is_open:
            session.reopen(_FOR_A_LOOK)
        self._refuse_to_guess()
        if not session.is_fresh:
            session.look_again()
        session.is_fresh = False
        place = session.place
        if not place.exists:
            return NOTHING_RECORDED
        history, stamp, last_run, progress = self._ask(
            *session.tables.read_history(older=place.is_older, with_progress=place.shows_progress)
        )
        rows = tuple(map(applied, history))
        if progress and any(row.state is State.UNFINISHED for row in rows):
            rows = with_progress(rows, progress, found_in(self._ask(queries.LEFTOVERS)[0]))
        return Recorded(
            exists=True,
            environment=stamp[0][0] if stamp else None,
            applied=rows,
            last_run=past_run(last_run[0]) if last_run else None,
        )

    def _refuse_to_guess(self) -> None:
        """Raise `OutcomeUnknown` while a transaction of ours, whose COMMIT was broken off, may still commit."""
        session = self._session
        if session.unsettled is None:
            return
        if is_in_progress(session, session.unsettled):
            raise OutcomeUnknown("a transaction of this run is still being committed")
        session.unsettled = None

    def log(self, *, name: str | None = None, limit: int | None = None) -> tuple[LogRow, ...]:
        self._session.look_again()
        if not self._session.place.exists:
            return ()
        return tuple(map(log_row, self._ask(self._session.tables.read_log(name, limit))[0]))

    def done_statements(self, name: str) -> tuple[str, ...]:
        if not self._session.place.exists or self._session.place.is_older:
            return ()
        return tuple(checksum or "" for (checksum,) in self._ask(self._session.tables.read_done(name))[0])

    def kept_texts(self, checksums: Sequence[str]) -> dict[str, str]:
        if not self._session.place.exists or not checksums:
            return {}
        rows = self._ask(self._session.tables.read_texts(checksums))[0]
        return {checksum: text for checksum, text in rows if checksum is not None and text is not None}

    def history_tables(self) -> tuple[tuple[str, str], ...]:
        with suppress(ForeignHistory):
            self._session.look_again()
            place = self._session.place
            if place.exists and place.schema is not None:
                return tuple((place.schema, name) for name in self._session.tables.all_names)
        return ()

    def definitions(self, *, with_history: bool) -> None:
        return None

    def catalog(self) -> Catalog:
        from migration_manager.engines.postgres_catalog_reader import CatalogReader

        self._catalog = self._catalog or CatalogReader(self._session)
        return self._catalog.read()

    def rehearser(self) -> PostgresRehearser:
        from migration_manager.engines.postgres_rehearsal import PostgresRehearser

        return PostgresRehearser(self._session)

    # ------------------------------------------------------------------------------------ locking

    @contextmanager
    def exclusive(self, wait: float, on_wait: Callable[[LockHolder | None, float], None]) -> Iterator[Recorded]:
        session = self._session
        if not session.wire.is_open:
            session.reopen(_FOR_THE_NEXT)
        session.is_fresh = False
        if session.pooling is Pooling.TRANSACTION:
            # Nothing of a session is ours here, least of all its lock: each transaction takes it for itself.
            yield self.recorded()
            return
        lock = TargetLock(session)
        lock.poll(wait, on_wait)
        self._lock = lock
        try:
            yield self.recorded()
        finally:
            self._lock = None
            lock.release()

    def lock_holder(self) -> LockHolder | None:
        return TargetLock(self._session).holder()

    def activity(self) -> Activity:
        return ServerActivity(self._session).look()

    def end_session(self, session: ServerSession) -> bool:
        return ServerActivity(self._session).end(session)

    # ------------------------------------------------------------------------------------ writing

    def ensure_history(self, run: Run) -> None:
        Books(self._session).ensure(run)

    def log_start(self, run: Run, action: Action) -> None:
        Books(self._session).write([self._session.tables.start_of(run, action)])

    def stamp(self, run: Run, reason: str | None) -> None:
        row = self._session.tables.log_row(run, Action.STAMP, Outcome.DONE, None, None, reason=reason)
        Books(self._session).write([row])

    def transact(self, run: Run, changes: Sequence[Change]) -> tuple[Done, ...]:
        session = self._session
        lock = TargetLock(session)
        return Transaction(session, lock, run, self._on_notice, self._on_advance, watch=self._watch).do(changes)

    def run_outside_transaction(self, run: Run, change: Change) -> Done:
        session = self._session
        session.need_open(change.name)
        # A session that was lost has been replaced since, perhaps, and the lock has gone with it.
        if self._lock is not None and not self._lock.still_held():
            raise LockNotAcquired(0.0, self._lock.holder())
        return OutsideTransaction(session, self._lock, run, self._on_notice, self._on_advance).do(change)

    def log_failure(self, run: Run, change: Change, error: str, code: str | None, execution_ms: int) -> None:
        session = self._session
        with suppress(MigrationManagerError):
            if not session.wire.is_open:
                session.reopen(_FOR_A_LOOK)
            row = session.tables.log_row(
                run,
                change.logged_as,
                Outcome.FAILED,
                change.name,
                execution_ms,
                checksum=change.checksum,
                error=error,
                code=code,
            )
            Books(session).write([row])
