"""Throw-away databases on a PostgreSQL server: made, copied, opened and dropped, and the left-overs of others swept up.

Each carries the prefix and is locked, by an advisory lock in the database it is managed from, for as long as its maker
lives; whoever comes later drops those that nobody holds any more.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Final, Self

import psycopg

from migration_manager.engines.base import Engine, NoticeHandler, SessionSettings
from migration_manager.engines.postgres import open_postgres
from migration_manager.engines.postgres_connect import NO_CONNECTION, unreachable
from migration_manager.engines.postgres_failures import closing_failure
from migration_manager.engines.postgres_rows import PostgresRows
from migration_manager.engines.postgres_script import ScriptRun
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_sql import literal, quoted
from migration_manager.engines.postgres_wire import Refused
from migration_manager.errors import ConfigError, DatabaseUnreachable, MigrationManagerError, ServerFull, TryLater
from migration_manager.model import Script

PREFIX: Final = "migration_manager_scratch_"
_LOCK: Final = "hashtextextended({}, 20240613)"  # a key of its own for each name
_TURN: Final = 20240614  # the lock of who works on a server of ours: roles belong to all of its databases
_FOR_A_TURN: Final = 600.0  # seconds
_FOR_A_COPY: Final = 10.0  # seconds for sessions that are about to end to leave the database that is copied
# What a database that is lost with the process anyway has no use for.
_FAST: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}

_NOT_FILLED: Final = """SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'm' AND NOT c.relispopulated ORDER BY c.oid"""


class PostgresScratch:
    """See `engines.base.Scratch`. `owned` says that the whole server is ours, so that roles may come and go.

    `shown` is what the server is, and `at` where it is, in words that follow its version. A server of ours that is
    `kept` is met again by others: one at a time works on it, the next one waits, and `tell` hears of it. Raises
    `DatabaseUnreachable`; `ConfigError` for a kept server that holds something else; `TryLater` where the one before
    does not end.
    """

    def __init__(
        self,
        conninfo: Mapping[str, str],
        *,
        shown: str,
        owned: bool,
        at: str = "",
        kept: bool = False,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._conninfo = dict(conninfo)
        self._shown = shown
        self._at = at
        self.owned = owned
        self._parameters: dict[str, Any] = {"connect_timeout": "10", "dbname": "postgres", **self._conninfo}
        try:
            self._connection = psycopg.connect("", autocommit=True, **self._parameters)
        except NO_CONNECTION as error:
            raise _of_scratch(unreachable(error, self._parameters)) from None
        try:
            if kept:
                self._refuse_others_server()
                self._take_turn(tell)
            if owned:
                self._make_fast()
            self._sweep()
            if kept:  # nobody else is here: these were left by who was killed, and would be in the way
                self.drop_roles(self.roles() - {name for (name,) in self._ask("SELECT current_user")})
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    @property
    def shown(self) -> str:
        return f"{self._shown} {self.version}".strip() + self._at

    @property
    def version(self) -> str:
        return (self._connection.info.parameter_status("server_version") or "").split(" ")[0]

    def make(self, copy_of: str | None = None) -> str:
        name = PREFIX + secrets.token_hex(6)
        self._ask(f"SELECT pg_advisory_lock({_LOCK.format(literal(name))})")
        template = f" TEMPLATE {quoted(copy_of)}" if copy_of else ""
        deadline = time.monotonic() + _FOR_A_COPY
        while True:
            try:
                self._do(f"CREATE DATABASE {quoted(name)}{template}")
            except psycopg.errors.ObjectInUse:  # a session that was closed a moment ago
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return name

    def drop(self, database: str) -> None:
        command = f"DROP DATABASE IF EXISTS {quoted(database)} WITH (FORCE)"
        try:
            self._do(command)
        except psycopg.errors.ObjectInUse:
            self._let_go(database)
            self._do(command)
        self._ask(f"SELECT pg_advisory_unlock({_LOCK.format(literal(database))})")

    def fill(self, database: str, script: Script) -> None:
        session = Session({**self._conninfo, "dbname": database}, SessionSettings(), shown=self._shown, writes=True)
        try:
            running = ScriptRun(session.wire, script, None, None)
            with running.listening():
                running.in_transaction([*session.opening(), "SELECT pg_catalog.pg_current_xact_id()"])
                running.close(["COMMIT"], alone=True)
            # Of those a dump of the schema says that they hold nothing, and REFRESH … CONCURRENTLY refuses such a one.
            for (name,) in session.ask(_NOT_FILLED)[0]:
                with suppress(MigrationManagerError):  # a query that fails over nothing
                    session.command("BEGIN READ WRITE", f"REFRESH MATERIALIZED VIEW {name}", "COMMIT")
        except Refused as error:
            raise closing_failure(error) from None
        finally:
            session.close()

    @contextmanager
    def open(
        self, database: str, settings: SessionSettings, on_notice: NoticeHandler | None = None
    ) -> Iterator[Engine]:
        conninfo = {**self._conninfo, "dbname": database}
        with open_postgres(conninfo, settings, on_notice, shown=self._shown) as engine:
            yield engine

    def rows(self, database: str, settings: SessionSettings) -> PostgresRows:
        return PostgresRows({**self._conninfo, "dbname": database}, settings)

    def roles(self) -> frozenset[str]:
        return frozenset(name for (name,) in self._ask("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'"))

    def make_role(self, name: str) -> None:
        self._do(f"CREATE ROLE {quoted(name)}")

    def drop_roles(self, names: Iterable[str]) -> None:
        for name in names if self.owned else ():
            # It still owns something in a database that stays.
            with suppress(psycopg.Error, MigrationManagerError):
                self._do(f"DROP OWNED BY {quoted(name)}")
                self._do(f"DROP ROLE {quoted(name)}")

    def _refuse_others_server(self) -> None:
        """Refuse a server that somebody keeps data on: what is done to one of ours would lose them in a crash."""
        ours = f"datname IN ('postgres', 'template0', 'template1') OR starts_with(datname, {literal(PREFIX)})"
        others = self._ask(f"SELECT datname FROM pg_database WHERE NOT ({ours}) ORDER BY 1 LIMIT 1")
        tables = self._ask(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
            " AND c.relkind IN ('r', 'p', 'm', 'f') AND c.relpersistence <> 't' ORDER BY 1 LIMIT 1"
        )
        if found := [f"database {name}" for (name,) in others] + [f"table {name}" for (name,) in tables]:
            raise ConfigError(
                f"the scratch server ({self.shown}) is in use for something else: it holds the {found[0]}",
                hint="give `scratch_url` a folder of its own, or leave it out",
            )

    def _take_turn(self, tell: Callable[[str], None] | None) -> None:
        """Wait until nobody else works on this server: two that make the same role are in each other's way."""
        deadline = time.monotonic() + _FOR_A_TURN
        told = False
        while self._ask(f"SELECT pg_try_advisory_lock({_TURN})") != [(True,)]:
            if time.monotonic() > deadline:
                raise TryLater(
                    f"another command has worked on the scratch server ({self.shown}) for {_FOR_A_TURN:.0f} s",
                    hint="run again when it has finished",
                )
            if tell is not None and not told:
                tell("waiting for another command to finish with the scratch databases")
                told = True
            time.sleep(0.05)

    def _make_fast(self) -> None:
        for name, value in _FAST.items():
            if self._ask(f"SHOW {name}") != [(value,)]:
                self._do(f"ALTER SYSTEM SET {name} = {value}")
        self._ask("SELECT pg_reload_conf()")

    def _let_go(self, database: str) -> None:
        """Take away what keeps a database although nobody is in it: subscriptions, slots, prepared transactions."""
        with psycopg.connect("", autocommit=True, **{**self._parameters, "dbname": database}) as inside:
            for (name,) in inside.execute(
                "SELECT subname FROM pg_subscription WHERE subdbid ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())"
            ).fetchall():
                for change in ("DISABLE", "SET (slot_name = NONE)"):
                    inside.execute(f"ALTER SUBSCRIPTION {quoted(name)} {change}".encode())
                inside.execute(f"DROP SUBSCRIPTION {quoted(name)}".encode())
            inside.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                " WHERE database = current_database()"
            )
            for (gid,) in inside.execute(
                "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
            ).fetchall():
                inside.execute(f"ROLLBACK PREPARED {literal(gid)}".encode())

    def _sweep(self) -> None:
        """Drop what a process that was killed has left behind; what does not go stays for the next one."""
        for (name,) in self._ask(f"SELECT datname FROM pg_database WHERE starts_with(datname, {literal(PREFIX)})"):
            if self._ask(f"SELECT pg_try_advisory_lock({_LOCK.format(literal(name))})") == [(True,)]:
                with suppress(psycopg.Error, MigrationManagerError):
                    self.drop(name)

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        return self._run(query).fetchall()

    def _do(self, command: str) -> None:
        self._run(command)

    def _run(self, statement: str) -> psycopg.Cursor[Any]:
        try:
            return self._connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigError(
                f"the scratch server refuses: {error.diag.message_primary}",
                hint="the login of `scratch_url` has to be allowed to create databases (ALTER ROLE … CREATEDB)",
            ) from None
        except psycopg.OperationalError as error:
            if not self._connection.closed:
                raise
            raise DatabaseUnreachable(f"the scratch server ended the session: {' '.join(str(error).split())}") from None


def _of_scratch(error: DatabaseUnreachable) -> DatabaseUnreachable:
    """Return an error that says which server it is about."""
    hint = error.hint if isinstance(error, ServerFull) else "`scratch_url` names it; `config` shows what it is"
    return DatabaseUnreachable(f"the scratch server: {error.message}", hint=hint)
