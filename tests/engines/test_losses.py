"""What is said to lose data does, and what is not does not: each example is run for real, and everything counted."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from migration_manager.model import Dialect, Source
from migration_manager.script import parse
from tests.fixtures.postgres import Database

Counts = dict[str, int]  # rows by table, 0 for a column that is there, the position of a sequence

POSTGRESQL = """
CREATE SCHEMA app; CREATE SCHEMA bare;
CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE DOMAIN score AS integer;
CREATE TYPE address AS (street text, zip text);
CREATE COLLATION here FROM "C";
CREATE TABLE tasks (id serial PRIMARY KEY, title text DEFAULT 'x' NOT NULL, legacy text, "Old Name" text,
    feeling mood DEFAULT 'good', points score, place address, sorted text COLLATE here,
    doubled integer GENERATED ALWAYS AS (length(title)) STORED,
    CONSTRAINT titled CHECK (title <> ''));
INSERT INTO tasks (title, legacy, place) SELECT 'task ' || n, 'old', ROW('Hill', '12')::address
    FROM generate_series(1, 5) n;
CREATE TABLE notes (task integer REFERENCES tasks (id), said text);
INSERT INTO notes SELECT id, 'note' FROM tasks;
CREATE TABLE app.files (id integer); INSERT INTO app.files VALUES (1), (2);
CREATE TABLE "Old Table" (id integer); INSERT INTO "Old Table" VALUES (1);
CREATE TABLE logs (day integer) PARTITION BY LIST (day);
CREATE TABLE logs_1 PARTITION OF logs FOR VALUES IN (1); CREATE TABLE logs_2 PARTITION OF logs FOR VALUES IN (2);
INSERT INTO logs VALUES (1), (1), (2);
CREATE VIEW titles AS SELECT title FROM tasks; CREATE MATERIALIZED VIEW kept AS SELECT title FROM tasks;
CREATE INDEX tasks_title ON tasks (title);
CREATE SEQUENCE invoices; SELECT setval('invoices', 41);
CREATE FUNCTION nothing() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE ROLE ROLE_NAME;
CREATE TABLE owned (id integer); INSERT INTO owned VALUES (1); ALTER TABLE owned OWNER TO ROLE_NAME;
"""

LOSES = [
    "DROP TABLE notes",
    "DROP TABLE IF EXISTS notes, app.files CASCADE",
    'drop /* the */ table -- old\n "Old Table"',
    "DROP TABLE logs_1",
    "DROP TABLE logs",
    "DROP TABLE tasks CASCADE",
    "DROP SCHEMA app CASCADE",
    "DROP SCHEMA IF EXISTS bare, app CASCADE",
    "DROP SEQUENCE invoices",
    "DROP TYPE mood CASCADE",
    "DROP DOMAIN score CASCADE",
    "DROP COLLATION here CASCADE",
    "DROP OWNED BY ROLE_NAME",
    "ALTER TABLE tasks DROP COLUMN legacy",
    "ALTER TABLE tasks DROP legacy",
    'ALTER TABLE IF EXISTS ONLY public.tasks ADD COLUMN n integer, DROP IF EXISTS "Old Name" CASCADE',
    "ALTER TABLE tasks DROP CONSTRAINT titled, DROP COLUMN title CASCADE",
    "ALTER TYPE address DROP ATTRIBUTE zip",
    "TRUNCATE notes",
    "TRUNCATE TABLE ONLY notes, app.files",
    "TRUNCATE tasks CASCADE",
    "TRUNCATE notes RESTART IDENTITY",
    "DELETE FROM notes",
    "DELETE FROM ONLY notes WHERE task = 1",
    "DELETE FROM notes n USING tasks t WHERE t.id = n.task",
    "WITH gone AS (DELETE FROM notes WHERE task < 3 RETURNING task) SELECT count(*) FROM gone",
    "WITH few AS (SELECT 1 AS id) DELETE FROM notes WHERE task IN (SELECT id FROM few)",
    "WITH RECURSIVE update AS (SELECT 1 AS id), b(i) AS MATERIALIZED (SELECT 1) DELETE FROM notes",
    "MERGE INTO notes n USING tasks t ON t.id = n.task WHEN MATCHED THEN DELETE",
    "CREATE TABLE IF NOT EXISTS notes (task integer); DROP TABLE notes",
    (
        "CREATE TABLE notes_old (id integer); DROP TABLE notes_old; ALTER TABLE notes RENAME TO notes_old; "
        "DROP TABLE notes_old"
    ),
    "CREATE TEMP TABLE notes (id integer); DROP TABLE notes; DROP TABLE notes",
    (
        "CREATE TABLE app.t (id integer); SET search_path = app; CREATE TABLE notes (i integer); RESET search_path; "
        "DROP TABLE notes"
    ),
    (
        "CREATE TABLE parent (id integer) PARTITION BY LIST (id); "
        "ALTER TABLE parent ATTACH PARTITION app.files DEFAULT; DROP TABLE parent"
    ),
    "CREATE TABLE parent (id integer); ALTER TABLE app.files INHERIT parent; DROP TABLE parent CASCADE",
    (
        "CREATE TABLE hub (id integer PRIMARY KEY); ALTER TABLE app.files ADD CONSTRAINT f FOREIGN KEY (id) "
        "REFERENCES hub NOT VALID; TRUNCATE hub CASCADE"
    ),
    "CREATE SCHEMA next; ALTER TABLE notes SET SCHEMA next; DROP SCHEMA next CASCADE",
    (
        "ALTER TABLE tasks ADD COLUMN spare text; ALTER TABLE tasks RENAME COLUMN spare TO other; "
        "ALTER TABLE tasks RENAME legacy TO spare; ALTER TABLE tasks DROP COLUMN spare"
    ),
    "CREATE TABLE copy AS SELECT * FROM notes WHERE task > 1; DROP TABLE notes; ALTER TABLE copy RENAME TO notes",
    "CREATE TABLE copy AS SELECT * FROM notes; DROP TABLE notes; ALTER TABLE copy RENAME TO notes; DELETE FROM notes",
    "CREATE TEMP TABLE copy AS SELECT * FROM notes; DROP TABLE notes; ALTER TABLE copy RENAME TO notes; DISCARD TEMP",
    "SAVEPOINT a; CREATE TABLE pg_temp.notes (i integer); ROLLBACK TO a; DROP TABLE notes",
]

KEEPS = [
    "DROP VIEW titles",
    "DROP MATERIALIZED VIEW kept",
    "DROP INDEX tasks_title",
    "DROP FUNCTION nothing()",
    "DROP SCHEMA bare",
    "ALTER TABLE tasks ALTER COLUMN title DROP DEFAULT, ALTER title DROP NOT NULL, DROP CONSTRAINT titled",
    "ALTER TABLE tasks ALTER doubled DROP EXPRESSION",
    "ALTER TABLE tasks ALTER COLUMN id DROP IDENTITY IF EXISTS",
    "EXPLAIN DELETE FROM notes",
    "ALTER TABLE logs DETACH PARTITION logs_1",
    "ALTER TABLE notes SET UNLOGGED",
    "ALTER TABLE notes ALTER COLUMN said TYPE varchar(20) USING said::varchar(20)",
    "ALTER TABLE app.files RENAME COLUMN id TO number; ALTER TABLE app.files RENAME COLUMN number TO id",
    "UPDATE notes SET said = NULL",
    "REFRESH MATERIALIZED VIEW kept WITH NO DATA",
    "INSERT INTO notes VALUES (1, 'DROP TABLE tasks; DELETE FROM tasks')",
    "SELECT 1 AS delete -- DROP TABLE tasks;\n/* TRUNCATE tasks; */",
    "WITH x AS (SELECT 1 AS delete) SELECT delete FROM x",
    "WITH x AS (SELECT 'b'::text AS delete, 'abc'::text AS s) SELECT trim(delete FROM s) FROM x",
    "DO $$ BEGIN IF false THEN DROP TABLE tasks CASCADE; END IF; END $$",
    "CREATE FUNCTION wipe() RETURNS void LANGUAGE sql AS 'DELETE FROM tasks'",
    "CREATE FUNCTION wipe() RETURNS void BEGIN ATOMIC DELETE FROM tasks; DELETE FROM notes; END",
    "CREATE RULE wipe AS ON INSERT TO notes DO ALSO DELETE FROM app.files",
    "COMMENT ON TABLE tasks IS 'DROP TABLE tasks'",
    'CREATE TABLE mine (id integer); INSERT INTO mine VALUES (1); DELETE FROM mine; TRUNCATE MINE; DROP TABLE "mine"',
    "CREATE TEMP TABLE seen AS SELECT * FROM tasks; DELETE FROM seen WHERE id = 1; DROP TABLE seen",
    "CREATE TABLE mine (id integer, n integer); ALTER TABLE mine RENAME TO ours; ALTER TABLE ours DROP n",
    "CREATE SCHEMA mine; CREATE TABLE mine.t (id integer); DROP SCHEMA mine CASCADE",
    "CREATE TYPE colour AS ENUM ('red'); ALTER TABLE notes ADD COLUMN c colour; DROP TYPE colour CASCADE",
    "CREATE SEQUENCE mine; DROP SEQUENCE mine",
    "ALTER TABLE notes ADD COLUMN spare text; UPDATE notes SET spare = said; ALTER TABLE notes DROP COLUMN spare",
    (
        "CREATE TABLE copy (LIKE notes); INSERT INTO copy (task, said) SELECT task, said FROM notes ORDER BY task; "
        "DROP TABLE notes; ALTER TABLE copy RENAME TO notes"
    ),
    (
        "ALTER TABLE notes RENAME TO notes_old; CREATE TABLE notes (LIKE notes_old); "
        "INSERT INTO notes SELECT * FROM notes_old; DROP TABLE notes_old"
    ),
]

SQLITE = """
CREATE TABLE tasks (id integer PRIMARY KEY, title text, legacy text);
INSERT INTO tasks (title, legacy) VALUES ('a', 'b'), ('c', 'd');
CREATE TABLE [Old Table] (id integer); INSERT INTO "Old Table" VALUES (1);
CREATE TABLE seen (id integer); INSERT INTO seen VALUES (1); CREATE VIEW things AS SELECT id FROM seen;
CREATE INDEX tasks_title ON tasks (title); CREATE TRIGGER tr AFTER INSERT ON seen BEGIN DELETE FROM [Old Table]; END;
"""
REBUILD = (
    "CREATE TABLE new_tasks (id integer PRIMARY KEY, title text NOT NULL, legacy text); "
    "INSERT INTO new_tasks (id, title, legacy) SELECT id, coalesce(title, ''), legacy FROM Tasks; "
    'DROP TABLE TASKS; ALTER TABLE new_tasks RENAME TO "tasks"; '
)
SQLITE_LOSES = [
    "DROP TABLE tasks",
    "DROP TABLE IF EXISTS main.[Old Table]",
    "DROP TABLE 'Old Table'",
    "DELETE FROM `Old Table`",
    "DELETE FROM tasks WHERE id = 1",
    "WITH x AS (SELECT 1) DELETE FROM tasks WHERE id IN x",
    "DROP INDEX tasks_title; ALTER TABLE tasks DROP title",
    "ALTER TABLE tasks DROP COLUMN 'legacy'",
    REBUILD + "DELETE FROM tasks",
    REBUILD + "DROP TABLE tasks",
    REBUILD.replace("FROM Tasks", "FROM tasks WHERE id > 1"),
    REBUILD.replace("FROM Tasks", "FROM tasks LIMIT 1"),
    "CREATE TABLE new (id integer); INSERT INTO new SELECT id FROM seen; DROP TABLE seen",
    REBUILD.replace("CREATE TABLE", "CREATE TEMP TABLE"),
]
SQLITE_KEEPS = [
    REBUILD,
    REBUILD + REBUILD,
    REBUILD.replace("FROM Tasks", "FROM tasks AS t ORDER BY id"),
    "DROP VIEW things",
    "DROP INDEX tasks_title",
    "DROP TRIGGER tr",
    "CREATE TRIGGER wipe AFTER INSERT ON tasks BEGIN DELETE FROM seen; DELETE FROM tasks; END",
    'CREATE TABLE mine (id integer); DELETE FROM Mine; DROP TABLE "MINE"',
    "REPLACE INTO tasks VALUES (1, 'x', 'y')",
    "UPDATE tasks SET legacy = NULL",
]


def losses(text: str, dialect: Dialect) -> int:
    checksum = "v1:" + hashlib.sha256(text.encode()).hexdigest()
    return parse(Source.held("a.sql", text, checksum), dialect, rollback=False).loss_count


def lost(before: Counts, after: Counts) -> set[str]:
    """Return what is not there any more, or is less."""
    return {what for what, count in before.items() if after.get(what, -1) < count}


def count_postgres(connection: psycopg.Connection) -> Counts:
    counts: Counts = {}
    user = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    for schema, table in connection.execute(
        f"SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE c.relkind IN ('r', 'S') AND {user}"
    ).fetchall():
        name = sql.SQL("{}.{}").format(sql.Identifier(schema), sql.Identifier(table))
        counts[f"{schema}.{table}"] = connection.execute(
            sql.SQL("SELECT count(*) FROM ONLY {}").format(name)
        ).fetchall()[0][0]
    for row in connection.execute(
        "SELECT n.nspname, c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN "
        f"pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'c') AND a.attnum > 0 "
        f"AND NOT a.attisdropped AND {user}"
    ):
        counts[".".join(row)] = 0
    return counts


def count_sqlite(path: Path) -> Counts:
    counts: Counts = {}
    with closing(sqlite3.connect(path)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            ((counts[table.lower()],),) = connection.execute(f'SELECT count(*) FROM "{table}"')
            for column in connection.execute(f'SELECT name FROM pragma_table_xinfo("{table}")'):
                counts[f"{table}.{column[0]}".lower()] = 0
    return counts


def run_postgres(database: Database, example: str) -> set[str]:
    """Run an example in a transaction that is rolled back, and return what it lost."""
    role = database.name  # a role is the whole server's
    with database.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute(POSTGRESQL.replace("ROLE_NAME", role).encode())
        before = count_postgres(connection)
        connection.execute(example.replace("ROLE_NAME", role).encode())
        return lost(before, count_postgres(connection))


def run_sqlite(path: Path, example: str) -> set[str]:
    """Run an example and return what it lost."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(SQLITE)
    before = count_sqlite(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(example)
    return lost(before, count_sqlite(path))


@pytest.mark.postgres
@pytest.mark.parametrize("example", LOSES)
def test_postgresql_loses_what_is_said_to_lose_data(database: Database, example: str) -> None:
    assert run_postgres(database, example)
    assert losses(example, Dialect.POSTGRESQL)


@pytest.mark.postgres
@pytest.mark.parametrize("example", KEEPS)
def test_postgresql_keeps_what_nothing_is_said_of(database: Database, example: str) -> None:
    assert not run_postgres(database, example)
    assert not losses(example, Dialect.POSTGRESQL)


@pytest.mark.parametrize("example", SQLITE_LOSES)
def test_sqlite_loses_what_is_said_to_lose_data(tmp_path: Path, example: str) -> None:
    assert run_sqlite(tmp_path / "a.db", example)
    assert losses(example, Dialect.SQLITE)


@pytest.mark.parametrize("example", SQLITE_KEEPS)
def test_sqlite_keeps_what_nothing_is_said_of(tmp_path: Path, example: str) -> None:
    assert not run_sqlite(tmp_path / "a.db", example)
    assert not losses(example, Dialect.SQLITE)
