"""One session with one database: who it is, where its history is, and how it is kept clean.

What is asked is asked in a transaction that may only read, under the configured role; what a script leaves behind in
its session is taken away before the next one. Behind a pooler that lends a session for one transaction only, nothing is
set for longer than that.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from migration_manager.engines import postgres_sql as queries
from migration_manager.engines.base import SessionSettings
from migration_manager.engines.postgres_connect import connect, session_values
from migration_manager.engines.postgres_failures import as_error
from migration_manager.engines.postgres_place import Place, understood
from migration_manager.engines.postgres_pooler import Pooling, pooling_behind
from migration_manager.engines.postgres_wire import Refused, Row, Wire
from migration_manager.errors import (
    ConfigError,
    DatabaseMissing,
    DatabaseUnreachable,
    MigrationManagerError,
    ServerFull,
    SessionEnded,
)
from migration_manager.model import Identity

OLDEST_SERVER: Final = 140000

# What a file may leave behind in its session (RELIABILITY B6): all of DISCARD ALL but the release of advisory locks,
# which would drop our own. RESET ALL returns to the values given at connection start.
_FORGET_SETTINGS: Final = ("RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL")
_FORGET: Final = (
    *_FORGET_SETTINGS,
    "CLOSE ALL",
    "UNLISTEN *",
    "DISCARD PLANS",
    "DISCARD TEMP",
    "DISCARD SEQUENCES",
)
# A pooler keeps account of what its clients prepared on a session; taking that away would break theirs.
_FORGET_PREPARED: Final = ("DEALLOCATE ALL",)
_FOR_A_FREE_ONE: Final = 5.0  # seconds for a server that has no session free, before anything is begun
_SHORTEST: Final = 2  # seconds: libpq takes no shorter connect_timeout
_READ_ONLY: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"
# All by name: a role or database may default to REPEATABLE READ, and so may the file before until it is cleaned up.
_READ_WRITE: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE"
_FOR_OUR_TRANSACTIONS: Final = "default_transaction_read_only"


class Session:
    """A session that knows where it is.

    `pooling` says for how long it is the same one on the server, of which `pid` is the process.

    Opening it asks the server who it is, and tries for a while where that has no session free; raises
    `DatabaseUnreachable`, `DatabaseMissing`, or `ConfigError` for a role that cannot be taken, a server that is too old
    or no PostgreSQL, and a pooler that allows no transactions.
    """

    def __init__(
        self, conninfo: Mapping[str, str], settings: SessionSettings, *, shown: str | None, writes: bool
    ) -> None:
        self.conninfo = conninfo
        self._shown = shown
        self._writes = writes
        self.settings = settings
        self.schema = settings.history_schema
        self._role = settings.role
        self.pooling = Pooling.NONE
        self.on_reopen: Callable[[], None] | None = None  # hears of it before the new connection is made
        self.unsettled: str | None = None  # the id of a transaction whose COMMIT was sent, until it is answered
        self.wire = self._open_patiently(_FOR_A_FREE_ONE, ServerFull)

    def _open(self, patience: float | None = None) -> Wire:
        limit = {} if patience is None else {"connect_timeout": str(max(_SHORTEST, min(10, round(patience))))}
        self.wire, self._has_settings = connect({**limit, **self.conninfo}, self.settings)
        try:
            self._introduce()
        except BaseException:
            self.wire.close()
            raise
        return self.wire

    def close(self) -> None:
        self.wire.close()

    def reopen(self, patience: float) -> None:
        """Connect anew after the connection was lost, trying for so many seconds. Raises `DatabaseUnreachable`."""
        told, waited = self.wire.on_told, self.wire.on_wait
        self.wire.close()
        if self.on_reopen is not None:
            self.on_reopen()
        self._open_patiently(patience, DatabaseUnreachable, patience)
        self.wire.on_told, self.wire.on_wait = told, waited

    def _open_patiently(self, seconds: float, why: type[DatabaseUnreachable], limit: float | None = None) -> Wire:
        """Connect, trying again for so many seconds while that is why it fails."""
        deadline, pause = time.monotonic() + seconds, 0.05
        while True:
            try:
                return self._open(limit)
            except DatabaseMissing:
                raise
            except DatabaseUnreachable as error:
                if not isinstance(error, why) or time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            pause = min(pause * 1.5, 1.0)

    # ---------------------------------------------------------------------------------- introduction

    def _introduce(self) -> None:
        questions = [queries.WHO_AM_I, self._where_is_history()]
        try:
            who, where = self.ask_raw(*questions)
        except Refused as error:
            if self._role is None or error.code not in ("42501", "22023", "42704"):
                raise as_error(error) from None
            if self._writes or error.code != "42501":
                raise ConfigError(
                    f"the role {self._role} cannot be taken: {error.message}",
                    hint=f'GRANT "{self._role}" TO the login, or change `role`',
                ) from None
            self._role = None  # reading needs only SELECT
            who, where = self.ask(*questions)
        self.identity, self.pid = self._identify(who[0])
        self._where = where[0]
        self.is_fresh = True  # where the history is was looked up this very moment
        self.pooling = self._pooling()
        if self.pooling is Pooling.SESSION:
            self.command(*self._settings("SET"))

    def _identify(self, who: Row) -> tuple[Identity, int]:
        version, number, database, login, role, standby, product, pid = (value or "" for value in who)
        if not product.startswith("PostgreSQL"):
            raise ConfigError(f"this server is not PostgreSQL: {product.split(' (')[0]}")
        if int(number) < OLDEST_SERVER:
            raise ConfigError(f"PostgreSQL {version} is too old; 14 is the oldest that is supported")
        self.version = int(number)
        server = self._shown or self.wire.address
        short = version.split(" ")[0]
        return Identity("PostgreSQL", short, server, database, login, role, read_only=standby == "t"), int(pid)

    def _pooling(self) -> Pooling:
        if self._has_settings and self.pid == self.wire.pid:
            return Pooling.NONE
        if not self._writes:
            return Pooling.TRANSACTION  # nothing is set then, and nothing has to be for reading
        return pooling_behind(self.wire, lambda: connect(self.conninfo, self.settings)[0])

    # -------------------------------------------------------------------------------------- asking

    def ask(self, *statements: str) -> list[list[Row]]:
        """Return the rows of each statement, read in one transaction that cannot write.

        Raises `ConfigError` where a privilege is missing, `SqlFailed` for what else the server refuses.
        """
        try:
            return self.ask_raw(*statements)
        except Refused as error:
            raise as_error(error) from None

    def command(self, *statements: str) -> list[list[Row]]:
        """Run statements about the session itself, each by itself unless they begin a transaction. Raises as `ask`."""
        try:
            return self.command_raw(*statements)
        except Refused as error:
            raise as_error(error) from None

    def ask_raw(self, *statements: str) -> list[list[Row]]:
        """Do as `ask` does; raises the `Refused` itself, for who makes something of it."""
        before = [_READ_ONLY, *queries.take_role(self._role)]
        return self._send_all([*before, *statements, "COMMIT"])[len(before) : -1]

    def command_raw(self, *statements: str) -> list[list[Row]]:
        """Do as `command` does; raises the `Refused` itself, for who makes something of it."""
        return self._send_all(statements)

    def _send_all(self, statements: Sequence[str]) -> list[list[Row]]:
        """Send statements of ours; where that comes to no good end, Ctrl-C included, no transaction is left open."""
        try:
            return self.wire.send(statements).rows
        except BaseException:
            self.wire.abandon()
            raise

    # ------------------------------------------------------------------------------------- history

    def _where_is_history(self) -> str:
        return queries.where_is_history(self.schema, self.settings.history_table)

    def look_again(self) -> None:
        """Look up where the history is."""
        self._where = self.ask(self._where_is_history())[0][0]

    @property
    def place(self) -> Place:
        """Where the history is, as last looked up; raises `ForeignHistory` and `HistoryError`."""
        return understood(self._where, self.settings.history_table)

    @property
    def tables(self) -> queries.Tables:
        """The history's tables; raises `ConfigError` when there is no place for them."""
        schema = self.place.schema
        if schema is None:
            raise ConfigError(
                "the search path names no schema that exists, so there is no place for the history",
                hint="set `history_schema`, or create the schema",
            )
        # From here on the place is settled: a script may change the search path, and the books stay where they are.
        self.schema = schema
        return queries.Tables(schema, self.settings.history_table)

    # ------------------------------------------------------------------------------------- hygiene

    def opening(self) -> list[str]:
        """Return what begins a transaction of ours: clean, under our settings and the configured role."""
        return [_READ_WRITE, *self.clean()]

    def clean(self) -> list[str]:
        """Return what takes away all that a script may have left behind, inside a transaction of ours."""
        if self.pooling is Pooling.TRANSACTION:
            return [*_FORGET, *self._settings("SET LOCAL"), *queries.take_role(self._role)]
        return [*_FORGET, *_FORGET_PREPARED, *self._settings("SET"), *queries.take_role(self._role)]

    def ending(self) -> list[str]:
        """Return what ends a transaction of ours: COMMIT, and no setting of a script's outlives it.

        What a script sets may not be there when the next one begins: a ROLLBACK hidden there would bring it back, and
        with it the right to write outside of our transactions.
        """
        if self.pooling is Pooling.TRANSACTION:  # the session is somebody else's after COMMIT
            # What is deferred has to be done while the session is still as the script left it.
            return ["SET CONSTRAINTS ALL IMMEDIATE", *_FORGET, "SELECT pg_catalog.pg_advisory_unlock_all()", "COMMIT"]
        return ["COMMIT", *_FORGET_SETTINGS, *self._settings("SET")]

    def is_committed(self, error: Refused, sent: Sequence[str]) -> bool:
        """Return whether a message was committed although the server then refused, or was asked to stop, something.

        What comes after a COMMIT only takes settings away, and is done again here.
        """
        if "COMMIT" not in sent or error.done <= sent.index("COMMIT"):
            return False
        self.forget_settings()
        return True

    def forget_settings(self) -> None:
        """Take away, as well as that goes, what a script has set for the session."""
        with suppress(MigrationManagerError):
            self.command(*_FORGET_SETTINGS, *self._settings("SET"))

    def need_open(self, name: str) -> None:
        """Raise `SessionEnded` where the session has ended before a migration, whose `name` it says, was begun."""
        if not self.wire.is_open:
            raise SessionEnded(
                "the session ended: the server was restarted, or somebody ended it",
                state=f"nothing of {name} was begun",
            )

    def for_session(self) -> list[str]:
        """Return what gives the session, until the next `clean`, the configured role and the right to write."""
        return [*queries.take_role(self._role, for_session=True), f"SET {_FOR_OUR_TRANSACTIONS} = off"]

    def among(self, statements: Sequence[str]) -> list[str]:
        """Return statements of ours for inside a transaction, after which the session is as the script has it."""
        role = queries.take_role(self._role) or ["SET LOCAL ROLE NONE"]
        ours = ["SET LOCAL SESSION AUTHORIZATION DEFAULT", *role, queries.SAFE_PATH]
        return [queries.KEEP_STATE, *ours, *statements, queries.RESTORE_STATE]

    def beside(self, statements: Sequence[str]) -> list[str]:
        """Return statements of ours as a transaction between two of a script's; its session stays as it is."""
        return [_READ_WRITE, *self.among(statements), "COMMIT"]

    def take_role_again(self) -> list[str]:
        """Return what brings back our role and a search path of ours, whatever a script made of them."""
        return [
            "RESET SESSION AUTHORIZATION", "RESET ROLE", *queries.take_role(self._role), queries.SAFE_PATH,
        ]  # fmt: skip

    def read_as_ours(self) -> None:
        """Take back what a script changed about how our own texts are read, before they are sent."""
        if self.wire.encoding != "utf-8":
            self.command("SET client_encoding TO 'UTF8'")
        if self.wire.backslashes:
            self.command("SET standard_conforming_strings = on")

    def _settings(self, how: str) -> list[str]:
        """Return the statements for the settings that the start of the session could not give it."""
        if self.pooling is Pooling.NONE:
            return []
        values = session_values(self.settings)
        if self.pooling is Pooling.TRANSACTION:
            del values[_FOR_OUR_TRANSACTIONS]  # it is about the next transaction, which is somebody else's
        return [f"{how} {name} = {queries.literal(value)}" for name, value in values.items()]
