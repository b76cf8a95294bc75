"""SQL that other tools stumble over: run by psql, whole by this tool, and cut into statements, with equal results.

One hard thing per file of `tests/data/hard_sql` and `tests/data/hard_sqlite`, each a small migration that leaves
something behind which shows how it was read. A file's first line says how many statements it has.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from difflib import unified_diff
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final, LiteralString

import pytest
from psycopg import sql

from migration_manager.model import Control, Dialect, Statement
from migration_manager.sqltext import Rows, Sql, split, stream
from tests.fixtures.cli import REPOSITORY, Project, plain_environment
from tests.fixtures.postgres import Database
from tests.fixtures.programs import comparable, program
from tests.fixtures.targets import PostgresTarget, SqliteTarget

pytestmark = pytest.mark.e2e

DATA: Final = REPOSITORY / "tests" / "data"
FOLDERS: Final = {Dialect.POSTGRESQL: DATA / "hard_sql", Dialect.SQLITE: DATA / "hard_sqlite"}

# ----------------------------------------------------------------------------------------- the tables

# Where psql cannot be the judge, and why.
PSQL_DIFFERS: Final = {
    "begin_atomic_end_names": "psql takes `.end` and `AS end` for the end of a body, and sends half a function",
    "continued_escape_strings": "psql reads by lines and takes the later parts of an escape string for plain ones",
    "copy_last": "psql 18 sends a last `\\.` without a line end as a row, and the server refuses that",
}
# Where psql is given the text with its line ends folded: where all lines end alike, that is what is sent here, and psql
# would keep the carriage returns inside literals.
FOLDED_FOR_PSQL: Final = frozenset({"line_ends_of_windows", "line_ends_of_old_macs"})

# The first line of these files belongs to something else, so the number of their statements stands here.
STATEMENTS: Final = {
    "byte_order_mark": 3,
    "byte_order_mark_first": 2,
    "pg_dump_plain": 22,
    "pg_dump_inserts": 6,
}
SQLITE_STATEMENTS: Final = {"byte_order_mark": 2}

# What older servers do not know yet.
NEEDS: Final = {"merge": 15, "newer_syntax": 18}


def _long_line() -> str:
    rows = ", ".join(f"({n}, 'row {n}; it''s -- $$ /* \\')" for n in range(30_000))
    return f"CREATE TABLE long (id integer, said text); INSERT INTO long VALUES {rows}; -- {'x;' * 20_000}"


def _many_statements() -> str:
    rows = "".join(f"INSERT INTO many VALUES ({n}, 'said; {n}'); -- it's number {n};\n" for n in range(4_999))
    return f"CREATE TABLE many (id integer, said text);\n{rows}"


# Too large to be kept: by name, how the text is made and how many statements it has.
GENERATED: Final[dict[str, tuple[Callable[[], str], int]]] = {
    "long_line": (_long_line, 2),
    "many_statements": (_many_statements, 5_000),
}

POSTGRES_NAMES: Final = sorted([*(path.stem for path in FOLDERS[Dialect.POSTGRESQL].glob("*.sql")), *GENERATED])
SQLITE_NAMES: Final = sorted(path.stem for path in FOLDERS[Dialect.SQLITE].glob("*.sql"))
EVERY = [(Dialect.POSTGRESQL, name) for name in POSTGRES_NAMES] + [(Dialect.SQLITE, name) for name in SQLITE_NAMES]
every = pytest.mark.parametrize(
    ("dialect", "name"), [pytest.param(*case, id=f"{case[0].value}-{case[1]}") for case in EVERY]
)


@cache
def written(dialect: Dialect, name: str) -> bytes:
    """Return the file as it lies in the folder."""
    if dialect is Dialect.POSTGRESQL and name in GENERATED:
        return GENERATED[name][0]().encode()
    return (FOLDERS[dialect] / f"{name}.sql").read_bytes()


@cache
def text_of(dialect: Dialect, name: str) -> str:
    """Return a snippet as it is sent: no BOM, and LF where all its lines end alike."""
    text = written(dialect, name).decode("utf-8-sig")
    ends = set(re.findall("\r\n|\r|\n", text))
    return text if len(ends) > 1 else text.replace("\r\n", "\n").replace("\r", "\n")


def stated(dialect: Dialect, name: str) -> int:
    """Return how many statements there are, as counted by a person."""
    if dialect is Dialect.POSTGRESQL and name in GENERATED:
        return GENERATED[name][1]
    table = STATEMENTS if dialect is Dialect.POSTGRESQL else SQLITE_STATEMENTS
    if name in table:
        return table[name]
    found = re.match(r"-- statements: (\d+)[\r\n]", text_of(dialect, name))
    assert found, f"{name}.sql does not begin with a line `-- statements: N`"
    return int(found[1])


# ------------------------------------------------------------------------------------------- cutting


def test_there_are_many_of_them_and_they_are_hard() -> None:
    assert len(POSTGRES_NAMES) >= 75
    assert len(SQLITE_NAMES) >= 15
    semicolons = sum(text_of(*case).count(";") != stated(*case) for case in EVERY)
    assert semicolons > len(EVERY) * 0.9, "cutting at every semicolon would do"


@every
def test_it_has_as_many_statements_as_it_says(dialect: Dialect, name: str) -> None:
    text = text_of(dialect, name)
    statements = split(text, dialect)
    assert len(statements) == stated(dialect, name), [text[s.start : s.end] for s in statements]


@every
def test_the_pieces_of_the_stream_are_the_text_and_hold_the_same_statements(dialect: Dialect, name: str) -> None:
    text = text_of(dialect, name)
    alone = [text[statement.start : statement.end] for statement in split(text, dialect)]
    for width, size in ((65_536, 65_536), (1_000, 300), (7, 20)) if len(text) < 20_000 else ((65_536, 4_096),):
        chunks = [text[start : start + width] for start in range(0, len(text), width)]
        position, found = 0, []
        for piece in stream(chunks, dialect, size):
            assert piece.start == position
            assert piece.line == text.count("\n", 0, position) + 1
            position += len(piece.text)
            if isinstance(piece, Sql):
                found += [piece.text[statement.start : statement.end] for statement in piece.statements]
            else:
                assert isinstance(piece, Rows)
            assert text.startswith(piece.text, piece.start)
        assert position == len(text)
        assert found == alone


# ----------------------------------------------------------------------------------------- PostgreSQL


# Making a database copies 7 MB, and this table needs three hundred empty ones: so they are emptied, and looked at.
EMPTY: Final = """
DO $$
DECLARE
    command text;
BEGIN
    FOR command IN
        SELECT format('DROP EVENT TRIGGER %I', evtname) FROM pg_event_trigger
        UNION ALL SELECT format('DROP PUBLICATION %I', pubname) FROM pg_publication
        UNION ALL SELECT format('DROP FOREIGN DATA WRAPPER %I CASCADE', fdwname) FROM pg_foreign_data_wrapper
        UNION ALL SELECT format('SELECT lo_unlink(%s)', oid) FROM pg_largeobject_metadata
        UNION ALL SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace
            WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    LOOP
        EXECUTE command;
    END LOOP;
    CREATE SCHEMA public;
    COMMENT ON SCHEMA public IS 'standard public schema';
END
$$
"""
# Every catalog that has rows of users' objects, and the comments: how many there are, or what they say.
LEFT: Final = """
SELECT string_agg(format('SELECT %L, count(*)::text FROM %s WHERE oid >= 16384', oid::regclass, oid::regclass),
    ' UNION ALL ' ORDER BY oid)
    || $$ UNION ALL SELECT 'comments', md5(string_agg(description, '' ORDER BY description)) FROM pg_description$$
FROM pg_class
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared
    AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'oid')
"""


class Place:
    """A database of a name nobody else has, which is empty again whenever somebody asks for it."""

    def __init__(self, server: Database) -> None:
        self._server = server
        self._database = Database({**server.conninfo, "dbname": f"hard_{secrets.token_hex(6)}"})
        self._make()
        self._nothing = self._emptied()

    def empty(self) -> Database:
        """Return the database with nothing in it."""
        if self._emptied() != self._nothing:  # a file left what belongs to no schema
            self.drop()
            self._make()
            assert self._emptied() == self._nothing
        return self._database

    def drop(self) -> None:
        self._on_server("DROP DATABASE {} WITH (FORCE)")

    def _make(self) -> None:
        self._on_server("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")

    def _on_server(self, statement: LiteralString) -> None:
        with self._server.connect() as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(self._database.name)))

    def _emptied(self) -> list[tuple[str, str]]:
        with self._database.connect() as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute(EMPTY.encode())
            (question,) = connection.execute(LEFT).fetchone() or ("",)
            return connection.execute(question.encode()).fetchall()


@dataclass(frozen=True)
class Places:
    """A database for each way, and the dump of an empty one."""

    by_psql: Place
    whole: Place
    by_statement: Place
    nothing: list[str]


@pytest.fixture(scope="session")
def places(postgres_server: dict[str, str]) -> Iterator[Places]:
    server = Database(postgres_server)
    made = [Place(server) for _ in range(3)]
    try:
        yield Places(by_psql=made[0], whole=made[1], by_statement=made[2], nothing=dump(made[0].empty()))
    finally:
        for place in made:
            place.drop()


def call(*command: str) -> str:
    ended = subprocess.run(
        command, env={**plain_environment(), "PGCLIENTENCODING": "UTF8"}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


def run_by_psql(database: Database, path: Path, *, in_transaction: bool) -> None:
    """Run a file as people do by hand."""
    together = ["--single-transaction"] if in_transaction else []
    call(program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", *together, "-f", str(path), "-d", database.url)


def run_whole(database: Database, name: str, content: bytes, folder: Path) -> None:
    """Run a file as a migration, with the history in a schema of its own."""
    project = Project(folder, PostgresTarget(database), database.url)
    project.set("dev", history_schema="books")
    migration = f"20250101_000000_{name}"
    (project.migrations / f"{migration}.sql").write_bytes(content)
    project.ok("migrate")
    assert project.rows("SELECT migration_name, state FROM books.schema_migrations") == [(migration, "applied")]


def run_split(database: Database, text: str, *, in_transaction: bool) -> None:
    """Run each statement alone, as the lexer cut them."""
    with database.connect() as connection:
        if in_transaction:
            connection.execute("BEGIN")
        for statement in split(text, Dialect.POSTGRESQL):
            if statement.control in (Control.BEGIN, Control.COMMIT):
                continue  # the file's own pair
            alone = text[statement.start : statement.end].encode()
            if not statement.takes_rows:
                connection.execute(alone)
                continue
            with connection.cursor() as cursor, cursor.copy(alone) as copy:
                copy.write(rows_after(text, statement))
        if in_transaction:
            connection.execute("COMMIT")


def rows_after(text: str, statement: Statement) -> str:
    r"""Return the rows of a COPY: the lines after its own, up to the one that is `\.`."""
    rows = text.index("\n", statement.end) + 1
    for found in re.compile(r"^\\\.$", re.MULTILINE).finditer(text, rows):
        return text[rows : found.start()]
    raise AssertionError(f"no line \\. ends the rows of {text[statement.start : statement.end]}")


def dump(database: Database) -> list[str]:
    """Return all that is in a database but the tool's books, in a form that compares."""
    return comparable(call(program("pg_dump"), "--exclude-schema=books", f"--dbname={database.url}"))


def assert_same(found: list[str], expected: list[str], said: str) -> None:
    if found != expected:
        pytest.fail(said + "\n" + "\n".join(islice(unified_diff(expected, found, lineterm="", n=2), 60)))


@pytest.mark.postgres
@pytest.mark.parametrize("name", POSTGRES_NAMES)
def test_whole_and_split_leave_what_psql_leaves(
    name: str, places: Places, postgres_server: dict[str, str], tmp_path: Path
) -> None:
    content, text = written(Dialect.POSTGRESQL, name), text_of(Dialect.POSTGRESQL, name)
    in_transaction = "\n-- migrate: no-transaction\n" not in text[:100]
    with Database(postgres_server).connect() as connection:
        version = connection.info.server_version // 10_000
    if version < NEEDS.get(name, 0):  # nobody can run it there
        path = tmp_path / "by_psql.sql"
        path.write_bytes(content)
        with pytest.raises(AssertionError, match="ERROR:"):
            run_by_psql(places.by_psql.empty(), path, in_transaction=in_transaction)
        return

    whole, by_statement = places.whole.empty(), places.by_statement.empty()
    run_whole(whole, name, content, tmp_path / "project")
    run_split(by_statement, text, in_transaction=in_transaction)
    left = dump(whole)
    assert (left != places.nothing) == bool(stated(Dialect.POSTGRESQL, name)), "the file leaves nothing behind"
    assert_same(dump(by_statement), left, "split (+) differs from whole (-)")
    if name not in PSQL_DIFFERS:
        by_psql, path = places.by_psql.empty(), tmp_path / "by_psql.sql"
        path.write_bytes(text.encode() if name in FOLDED_FOR_PSQL else content)
        run_by_psql(by_psql, path, in_transaction=in_transaction)
        assert_same(left, dump(by_psql), "this tool (+) differs from psql (-)")


@pytest.mark.postgres
@pytest.mark.parametrize("name", sorted(PSQL_DIFFERS))
def test_psql_still_differs_where_the_table_says_so(name: str, places: Places, tmp_path: Path) -> None:
    path = tmp_path / "by_psql.sql"
    path.write_bytes(written(Dialect.POSTGRESQL, name))
    with pytest.raises(AssertionError, match=r"ERROR:|error: invalid command"):
        run_by_psql(places.by_psql.empty(), path, in_transaction=True)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CREATE TABLE t AS SELECT 'a;' AS x", "CREATE TABLE t AS SELECT 'a' AS x"),
        ("CREATE TABLE t (x int); INSERT INTO t VALUES (1)", "CREATE TABLE t (x int)"),
        ("CREATE FUNCTION f() RETURNS int RETURN 1", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
        ("CREATE TABLE t (x int); COMMENT ON TABLE t IS ';'", "CREATE TABLE t (x int); COMMENT ON TABLE t IS '; '"),
    ],
    ids=["a character", "a row", "a body", "a comment"],
)
def test_the_comparison_sees_a_small_difference(places: Places, one: str, other: str) -> None:
    dumps = []
    for text in (one, other):
        database = places.whole.empty()
        with database.connect() as connection:
            connection.execute(text.encode())
        dumps.append(dump(database))
    assert dumps[0] != dumps[1]


@pytest.mark.postgres
def test_an_emptied_database_is_empty_whatever_was_in_it(places: Places) -> None:
    database = places.whole.empty()
    with database.connect() as connection:
        connection.execute("CREATE CAST (text AS pg_lsn) WITH INOUT; COMMENT ON EXTENSION plpgsql IS 'another'")
    assert dump(database) != places.nothing
    assert dump(places.whole.empty()) == places.nothing


# --------------------------------------------------------------------------------------------- SQLite


def left_in(path: Path) -> list[str]:
    """Return all that is in a SQLite file but the tool's books."""
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        lines = [line for line in connection.iterdump() if "schema_migrations" not in line.split("\n")[0]]
    return [f"user_version {version}", *(line for line in lines if line != 'DELETE FROM "sqlite_sequence";')]


@pytest.mark.parametrize("name", SQLITE_NAMES)
def test_whole_and_split_leave_what_sqlite_leaves(name: str, sqlite_project: Project, tmp_path: Path) -> None:
    text = text_of(Dialect.SQLITE, name)
    reference, by_statement = tmp_path / "reference.db", tmp_path / "split.db"
    with closing(sqlite3.connect(reference)) as connection:
        connection.executescript("")
        nothing = left_in(reference)
        connection.executescript(text)
    with closing(sqlite3.connect(by_statement, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for statement in split(text, Dialect.SQLITE):
            if statement.control not in (Control.BEGIN, Control.COMMIT):
                connection.execute(text[statement.start : statement.end]).fetchall()
        connection.execute("COMMIT")
    (sqlite_project.migrations / f"20250101_000000_{name}.sql").write_bytes(written(Dialect.SQLITE, name))
    sqlite_project.ok("migrate")
    assert isinstance(sqlite_project.target, SqliteTarget)

    expected = left_in(reference)
    assert (expected != nothing) == bool(stated(Dialect.SQLITE, name)), "the file leaves nothing behind"
    assert_same(left_in(by_statement), expected, "split (+) differs from executescript (-)")
    assert_same(left_in(sqlite_project.target.path), expected, "this tool (+) differs from executescript (-)")
