"""PostgreSQL databases as such: whether one exists, creating and dropping it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from migration_manager.engines.postgres_connect import NO_CONNECTION, unreachable
from migration_manager.engines.postgres_sql import quoted
from migration_manager.errors import ConfigError, TryLater

_ALREADY_THERE = frozenset({"42P04", "23505"})  # the latter when several create it at the same moment


class PostgresAdministration:
    """See `engines.base.Administration`. Works from another database of the same server.

    The address must name its database: what libpq would take instead is not what anybody wants dropped.
    """

    def __init__(self, conninfo: Mapping[str, str]) -> None:
        self._database = conninfo.get("dbname", "")
        if not self._database:
            raise ConfigError(
                "the URL names no database to create or drop", hint="write postgresql://host/NAME, or ?dbname=NAME"
            )
        self._conninfo = {**conninfo, "dbname": "template1" if self._database == "postgres" else "postgres"}

    @property
    def database(self) -> str:
        return self._database

    def _ask(self, query: str, **values: str) -> list[tuple[object, ...]]:
        parameters: dict[str, Any] = {"connect_timeout": "10", **self._conninfo}
        try:
            connection = psycopg.connect("", autocommit=True, **parameters)
        except NO_CONNECTION as error:
            raise unreachable(error, parameters) from None
        with connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def _do(self, query: str) -> None:
        try:
            self._ask(query)
        except psycopg.errors.ObjectInUse as error:
            raise TryLater(f"the server refused: {error.diag.message_primary}", state="nothing was changed") from None
        except psycopg.Error as error:
            if error.sqlstate in _ALREADY_THERE:
                raise
            raise ConfigError(f"the server refused: {error.diag.message_primary}") from None

    def exists(self) -> bool:
        return bool(self._ask("SELECT 1 FROM pg_catalog.pg_database WHERE datname = %(name)s", name=self._database))

    def create(self) -> bool:
        if self.exists():
            return False
        try:
            self._do(f"CREATE DATABASE {quoted(self._database)}")
        except psycopg.Error:  # somebody else created it this very moment
            return False
        return True

    def drop(self) -> bool:
        if not self.exists():
            return False
        # FORCE (13+) ends the sessions that are still there; the guard has asked before this is called.
        self._do(f"DROP DATABASE {quoted(self._database)} WITH (FORCE)")
        return True
