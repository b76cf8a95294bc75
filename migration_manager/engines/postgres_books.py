"""Writing to the books alone: making the tables, stamps, the log."""

from __future__ import annotations

from collections.abc import Sequence

from migration_manager.engines.postgres_failures import as_error
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_wire import Refused
from migration_manager.errors import HistoryError
from migration_manager.model import Run

# Somebody else is making the same this very moment: 42P07, 42P06, 42710, 23505 on a catalog, 42701 (C3 51).
_MADE_AT_ONCE = frozenset({"42P07", "42P06", "42710", "23505", "42701"})


class Books:
    """The books of one history, over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def write(self, statements: Sequence[str]) -> None:
        """Write to the books in a transaction of their own. Raises `ConfigError`, `SqlFailed`."""
        session = self._session
        try:
            self.send(statements)
        except Refused as error:
            raise as_error(error, session.tables.grant_keeping(session.identity.role)) from None

    def send(self, statements: Sequence[str]) -> None:
        """Do as `write` does; raises the `Refused` itself where nothing of it was kept.

        Whatever comes out of here, Ctrl-C included, leaves no transaction open: somebody may look with this session.
        """
        session = self._session
        session.read_as_ours()
        message = [*session.opening(), *statements, *session.ending()]
        try:
            session.wire.send(message)
        except BaseException as error:
            if isinstance(error, Refused) and session.is_committed(error, message):
                return
            session.wire.abandon()
            raise

    def ensure(self, run: Run) -> None:
        """Make what is missing, tables and columns, and stamp; see `Engine.ensure_history`."""
        session = self._session
        session.look_again()
        for _ in range(5):
            if self._are_complete():
                break
            self._make(run)
            session.look_again()
        if not self._are_complete():
            raise HistoryError(
                f"the history's tables could not be made: something of their names is in the way in {session.schema}",
                hint="look at what is called so, or set another `history_table`",
            )
        if not session.ask(session.tables.read_stamp())[-1]:  # tables that were made by hand
            self.write([session.tables.first_stamp(run)])

    def _are_complete(self) -> bool:
        place = self._session.place
        return place.exists and not place.is_older

    def _make(self, run: Run) -> None:
        session, place = self._session, self._session.place
        tables = session.tables
        making = tables.upgrade() if place.exists else tables.create(with_schema=not place.schema_exists)
        stamping = [] if place.exists else [tables.first_stamp(run)]
        try:
            self.send([*making, *stamping])
        except Refused as error:
            if error.code not in _MADE_AT_ONCE:
                raise as_error(error, self._grant_making()) from None

    def _grant_making(self) -> str:
        session = self._session
        if session.place.schema_exists:
            return session.tables.grant_making(session.identity.role)
        return session.tables.grant_schema(session.identity.database, session.identity.role)
