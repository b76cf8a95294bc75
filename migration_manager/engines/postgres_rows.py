"""Rows for the tables of a scratch database: one is planted in each, and looked for again after a rollback."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

import psycopg

from migration_manager.catalog import Catalog
from migration_manager.engines.base import SessionSettings
from migration_manager.engines.postgres_connect import NO_CONNECTION, unreachable
from migration_manager.engines.postgres_sql import literal
from migration_manager.rows import Rows, TableRows

# A value of each kind of type, by the letter of its category (pg_type, Table "typcategory Codes") or by its name.
_BY_NAME: Final = {
    "uuid": "'00000000-0000-4000-8000-000000000001'", "json": "'{}'", "jsonb": "'{}'", "bytea": "'\\x01'",
    "xml": "'<x/>'", "tsvector": "'x'", "tsquery": "'x'", "money": "1", "macaddr": "'08:00:2b:01:02:03'",
    "macaddr8": "'08:00:2b:01:02:03:04:05'", "time": "'01:00'", "timetz": "'01:00+00'", "inet": "'127.0.0.1'",
    "cidr": "'127.0.0.0/8'", "char": "'x'", "pg_lsn": "'0/1'", "int2vector": "'1'", "oidvector": "'1'",
    "point": "'(0,0)'", "line": "'{1,1,1}'", "lseg": "'[(0,0),(1,1)]'", "box": "'(1,1),(0,0)'",
    "path": "'[(0,0),(1,1)]'", "polygon": "'((0,0),(1,1))'", "circle": "'<(0,0),1>'",
}  # fmt: skip
_BY_CATEGORY: Final = {
    "A": "'{}'", "B": "false", "D": "'2001-01-01'", "I": "'127.0.0.1'", "N": "1",
    "R": "'empty'", "S": "'x'", "T": "'1 day'", "V": "B'1'",
}  # fmt: skip
# First what no script has as a value of its own, then what fits more often.
_RARE: Final = {**_BY_CATEGORY, "N": "7919", "S": "'planted by prove'", "D": "'1907-09-19'"}


# A script may have set these for the database.
_SETTINGS: Final = (
    "SET search_path = pg_catalog, pg_temp",
    "SET statement_timeout = 0",
    "SET lock_timeout = 0",
    "SET idle_in_transaction_session_timeout = 0",
    "SET default_transaction_read_only = off",
)

_PARTITIONED: Final = '"is partitioned"'


class _Choice(NamedTuple):
    """Which values are planted; `is_sparse` leaves out what may be left out."""

    by_category: Mapping[str, str]
    is_sparse: bool


_CHOICES: Final = tuple(_Choice(values, sparse) for values in (_RARE, _BY_CATEGORY) for sparse in (False, True))
_LITERAL: Final = re.compile(r"'((?:[^']|'')+)'::(?:text|character varying|bpchar|character)")

# What a table needs to be known by: each column with its type's nature, its default, its constraints, and whose value a
# foreign key has it take.
_COLUMNS: Final = """SELECT c.oid::regclass::text, quote_ident(a.attname), a.attnotnull,
 a.atthasdef AND pg_get_expr(f.adbin, f.adrelid) !~ '^nextval\\(', a.attgenerated <> '',
 coalesce(b.typname, t.typname), coalesce(b.typcategory, t.typcategory), coalesce(b.typtype, t.typtype),
 format_type(a.atttypid, a.atttypmod),
 (SELECT e.enumlabel FROM pg_enum e WHERE e.enumtypid = coalesce(b.oid, t.oid) ORDER BY e.enumsortorder LIMIT 1),
 (SELECT string_agg(pg_get_constraintdef(k.oid), ' ') FROM pg_constraint k
  WHERE k.contype = 'c' AND ((k.conrelid = c.oid AND a.attnum = ANY (k.conkey)) OR k.contypid = a.atttypid)),
 (SELECT '(SELECT ' || quote_ident(r.attname) || ' FROM ' || k.confrelid::regclass || ' ORDER BY 1 LIMIT 1)'
  FROM pg_constraint k
  JOIN pg_attribute r ON r.attrelid = k.confrelid AND r.attnum = k.confkey[array_position(k.conkey, a.attnum)]
  WHERE k.contype = 'f' AND k.conrelid = c.oid AND a.attnum = ANY (k.conkey) ORDER BY k.oid LIMIT 1)
 FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 LEFT JOIN pg_attrdef f ON a.atthasdef AND f.adrelid = a.attrelid AND f.adnum = a.attnum
 JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
 WHERE c.relkind = 'r' AND c.oid = ANY (%s::regclass[])
 ORDER BY c.oid, a.attnum"""


class _Column(NamedTuple):
    table: str
    name: str
    not_null: bool
    has_default: bool  # other than the next number of a sequence: planting leaves sequences where they stand
    is_generated: bool
    type_name: str
    category: str
    kind: str  # of the type
    shown_type: str
    label: str | None
    checks: str | None
    referenced: str | None

    def value(self, choice: _Choice) -> str:
        if choice.is_sparse and not self.not_null and not self.has_default:
            return "NULL"
        if self.has_default:
            return "DEFAULT"
        if self.referenced is not None:
            return self.referenced
        found = _LITERAL.search(self.checks or "")
        if found and self.category == "S":
            return f"'{found[1]}'"
        if self.label is not None:
            return literal(self.label)
        text = _BY_NAME.get(self.type_name) or choice.by_category.get(self.category)
        return "NULL" if text is None else f"CAST({text} AS {self.shown_type})"


class PostgresRows:
    """See `engines.base.ScratchRows`.

    A statement for each table stays prepared: to plan them all takes ten times as long as to run them.
    """

    def __init__(self, conninfo: Mapping[str, str], settings: SessionSettings) -> None:
        self._parameters: dict[str, Any] = {"connect_timeout": "10", **conninfo}
        self._connection = self._connected()
        self._tried: dict[str, str] = {}  # tables, and what their columns were when they were tried
        self._prepared: dict[str, tuple[str, tuple[str, ...]]] = {}  # tables: the statement, and for which columns

    def close(self) -> None:
        self._connection.close()

    def plant(self, catalog: Catalog) -> None:
        self._reopen()
        with suppress(psycopg.Error):  # what is checked at COMMIT only, or ends the session
            self._plant(catalog)

    def read(self, catalog: Catalog) -> Rows:
        self._reopen()
        tables = {table: tuple(columns) for table, columns in _columns_of(catalog).items()}
        try:
            return self._asked(tables)
        except psycopg.Error:
            # One of them does not let itself be read: a column that is computed now, a cast, a policy, a privilege.
            found: dict[str, TableRows] = {}
            for table, columns in tables.items():
                self._reopen()
                with suppress(psycopg.Error):
                    found |= self._asked({table: columns})
            return found

    def _connected(self) -> psycopg.Connection:
        # The driver's own prepared statements would have it forget all of them, ours too, after a rollback.
        try:
            connection = psycopg.connect("", autocommit=True, prepare_threshold=None, **self._parameters)
        except NO_CONNECTION as error:
            raise unreachable(error, self._parameters) from None
        for setting in _SETTINGS:
            connection.execute(setting.encode())
        with suppress(psycopg.errors.InsufficientPrivilege):
            # No trigger and no foreign key has a say in what is planted. Only a superuser may ask for that.
            connection.execute("SET session_replication_role = replica")
        return connection

    def _reopen(self) -> None:
        """Connect again where a script has ended the session, or has set when it ends."""
        try:
            self._connection.execute("SELECT")
        except psycopg.OperationalError:
            self._connection.close()
            self._connection, self._prepared = self._connected(), {}

    def _plant(self, catalog: Catalog) -> None:
        now = {table: "".join(map(str, columns)) for table, columns in _columns_of(catalog).items()}
        new = [table for table, columns in now.items() if self._tried.get(table) != columns]
        self._tried = now
        if not new:
            return
        waiting = list(self._described(new).values())
        with self._connection.transaction():
            while waiting:
                left = [columns for columns in waiting if not self._plant_one(columns)]
                if len(left) == len(waiting):  # those that wait for a row of another one that has none either
                    break
                waiting = left

    def _asked(self, tables: Mapping[str, tuple[str, ...]]) -> dict[str, TableRows]:
        messages = [self._question(table, columns) for table, columns in tables.items()]
        if not messages:
            return {}
        cursor = self._connection.execute("; ".join(messages).encode())
        found = {}
        for table, columns in tables.items():
            total, filled, sums = next(iter(cursor))
            found[table] = TableRows(total, dict(zip(columns, zip(filled, map(str, sums), strict=True), strict=True)))
            cursor.nextset()
        return found

    def _question(self, table: str, columns: tuple[str, ...]) -> str:
        """Return what asks for the rows of a table, after it is prepared."""
        statement, known = self._prepared.get(table, (f"r{len(self._prepared)}", None))
        if known != columns:
            filled = ", ".join(f"count({column})" for column in columns)
            sums = ", ".join(f'coalesce(sum(hashtextextended({column}::text COLLATE "C", 0)), 0)' for column in columns)
            ask = f"SELECT count(*), ARRAY[{filled}]::bigint[], ARRAY[{sums}]::numeric[] FROM ONLY {table}"
            if known is not None:
                self._connection.execute(f"DEALLOCATE {statement}".encode())
            self._connection.execute(f"PREPARE {statement} AS {ask}".encode())
            self._prepared[table] = statement, columns
        return f"EXECUTE {statement}"

    def _described(self, tables: list[str]) -> dict[str, tuple[_Column, ...]]:
        found: dict[str, list[_Column]] = {}
        for row in self._connection.execute(_COLUMNS.encode(), [tables]):
            found.setdefault(row[0], []).append(_Column(*row))
        return {table: tuple(columns) for table, columns in found.items()}

    def _plant_one(self, columns: tuple[_Column, ...]) -> bool:
        """Plant a row where there is none; return whether there is one now."""
        table = columns[0].table
        if self._has_rows(table):
            return True
        given = [column for column in columns if not column.is_generated]
        names = ", ".join(column.name for column in given)
        for choice in _CHOICES:
            values = ", ".join(column.value(choice) for column in given)
            into = f"({names}) OVERRIDING SYSTEM VALUE VALUES ({values})" if given else "DEFAULT VALUES"
            try:
                with self._connection.transaction():
                    self._connection.execute(f"INSERT INTO {table} {into}; SET CONSTRAINTS ALL IMMEDIATE".encode())
            except psycopg.Error:
                continue
            return True
        return False

    def _has_rows(self, table: str) -> bool:
        return self._connection.execute(f"SELECT EXISTS (SELECT FROM ONLY {table})".encode()).fetchone() == (True,)


def _columns_of(catalog: Catalog) -> dict[str, list[str]]:
    """Return the columns of each table that holds rows itself."""
    tables: dict[str, list[str]] = {
        item.name: [] for item, properties in catalog.items() if item.kind == "table" and _PARTITIONED not in properties
    }
    for item in catalog:
        if item.kind == "column" and item.of in tables:
            tables[item.of].append(item.name)
    return {table: columns for table, columns in tables.items() if columns}
