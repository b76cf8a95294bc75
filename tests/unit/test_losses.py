"""What a script loses, in which words and on which line; `tests/engines/test_losses.py` runs such for real."""

from __future__ import annotations

import hashlib

import pytest

from migration_manager.model import Dialect, Loss, Script, Source
from migration_manager.script import losses_in_words, parse
from migration_manager.sqltext.losses import TOLD

PG = Dialect.POSTGRESQL
LITE = Dialect.SQLITE


def script(text: str, dialect: Dialect = PG, *, rollback: bool = False) -> Script:
    checksum = "v1:" + hashlib.sha256(text.encode()).hexdigest()
    return parse(Source.held("001_a.sql", text, checksum), dialect, rollback=rollback)


def told(text: str, dialect: Dialect = PG) -> list[str]:
    return [loss.what for loss in script(text, dialect).losses]


WORDS = {
    "drop table TASKS": ["DROP TABLE TASKS"],
    'DROP TABLE IF EXISTS app . "Old; Name", /* and */ b CASCADE;': ['DROP TABLE app."Old; Name"', "DROP TABLE b"],
    'DROP TABLE U&"d\\0061t", "a""b"': ['DROP TABLE U&"d\\0061t"', 'DROP TABLE "a""b"'],
    "DROP TABLE a; -- DROP TABLE b\nDROP TABLE c": ["DROP TABLE a", "DROP TABLE c"],
    "-- migrate: no-transaction\nDROP DATABASE app WITH (FORCE)": ["DROP DATABASE app"],
    "DROP SCHEMA a, b CASCADE": ["DROP SCHEMA a CASCADE", "DROP SCHEMA b CASCADE"],
    "DROP EXTENSION citext CASCADE": ["DROP EXTENSION citext CASCADE"],
    "DROP ACCESS METHOD columnar CASCADE": ["DROP ACCESS METHOD columnar CASCADE"],
    "DROP OWNED BY alice, current_user": ["DROP OWNED BY alice", "DROP OWNED BY current_user"],
    "TRUNCATE ONLY a, b * RESTART IDENTITY CASCADE": ["TRUNCATE a CASCADE", "TRUNCATE b CASCADE"],
    "DELETE FROM tasks": ["DELETE FROM tasks"],
    "DELETE FROM tasks WHERE done": ["DELETE FROM tasks WHERE …"],
    "DELETE FROM tasks\n USING (SELECT 1 WHERE true) x": ["DELETE FROM tasks"],
    "DELETE /* all */ FROM tasks -- WHERE done\n;": ["DELETE FROM tasks"],
    "DELETE FROM tasks RETURNING (SELECT 1 WHERE true)": ["DELETE FROM tasks"],
    "WITH a AS (DELETE FROM x), b AS NOT MATERIALIZED (DELETE FROM y WHERE z) DELETE FROM w": [
        "DELETE FROM x",
        "DELETE FROM y WHERE …",
        "DELETE FROM w",
    ],
    "WITH a AS (SELECT 1), m AS (MERGE INTO t USING a ON true WHEN MATCHED THEN DELETE RETURNING 1) SELECT 1": [
        "MERGE INTO t … DELETE"
    ],
    "WITH a AS (SELECT 1) MERGE INTO ONLY t USING a ON true WHEN NOT MATCHED BY SOURCE THEN DELETE": [
        "MERGE INTO t … DELETE"
    ],
    'ALTER TABLE IF EXISTS ONLY app.t * DROP a, DROP COLUMN IF EXISTS "B" CASCADE, ADD c numeric(1, 2), DROP if': [
        "DROP COLUMN app.t.a",
        'DROP COLUMN app.t."B"',
        "DROP COLUMN app.t.if",
    ],
    "ALTER TABLE t ADD COLUMN IF NOT EXISTS c int; ALTER TABLE t DROP c": ["DROP COLUMN t.c"],
    "ALTER TYPE address DROP ATTRIBUTE IF EXISTS zip CASCADE": ["DROP ATTRIBUTE address.zip"],
    "CREATE TABLE a (i int); CREATE TABLE A_2 (i int); DROP TABLE a, a_2, b": ["DROP TABLE b"],
    'CREATE TABLE "A" (i int); DROP TABLE a': ["DROP TABLE a"],
    "CREATE TABLE a (i int); DROP TABLE public.a": ["DROP TABLE public.a"],  # only maybe the same
    "INSERT INTO archive SELECT * FROM t; DROP TABLE t": ["DROP TABLE t"],
    "CREATE TABLE n AS SELECT DISTINCT a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t": ["DROP TABLE t"],
    "CREATE TABLE n AS SELECT a FROM t, u; DROP TABLE t; ALTER TABLE n RENAME TO t": ["DROP TABLE t"],
    "CREATE TABLE n AS SELECT a FROM t UNION SELECT 1; DROP TABLE t; ALTER TABLE n RENAME TO t": ["DROP TABLE t"],
    "CREATE TABLE n AS SELECT a FROM t; DROP TABLE n; DROP TABLE t": ["DROP TABLE t"],
}


@pytest.mark.parametrize("text", WORDS)
def test_what_is_lost_is_told_in_the_words_of_the_statement(text: str) -> None:
    assert told(text) == WORDS[text]


@pytest.mark.parametrize(
    "text",
    [
        "DROP FOREIGN TABLE t",
        "DROP TYPE mood",
        "DROP ROLE alice",
        "DROP TRIGGER x ON t CASCADE",
        "DROP",
        "DROP TABLE",
        "ALTER",
        "ALTER TABLE",
        "ALTER TABLE t DROP",
        "ALTER TABLE t RENAME",
        "TRUNCATE",
        "DELETE",
        "CREATE",
        "CREATE TABLE",
        "WITH",
        "WITH DELETE",
        "MERGE INTO t USING u ON true WHEN MATCHED THEN UPDATE SET deleted = true",
        "SELECT $$ DROP TABLE t; $$, E'\\'; DELETE FROM t', 'it''s; TRUNCATE t'",
        "EXECUTE wipe; EXPLAIN ANALYZE DELETE FROM t; PREPARE wipe AS DELETE FROM t",
        "LOCK TABLE t; REINDEX TABLE t",
        "CREATE SCHEMA s CREATE TABLE t (i int)",
    ],
)
def test_nothing_is_said_of_the_rest(text: str) -> None:
    assert told(text) == []


def test_rows_of_copy_and_backslash_strings_are_data() -> None:
    assert told("COPY t FROM stdin;\nDROP TABLE t;\n\\.\nDROP TABLE u;\n") == ["DROP TABLE u"]
    assert told("SET standard_conforming_strings = off;\nDROP TABLE a; SELECT '\\'; DROP TABLE b; --';") == [
        "DROP TABLE a"
    ]


@pytest.mark.parametrize("rollback", [False, True])
def test_lines_are_those_of_the_file(rollback: bool) -> None:
    text = "-- a\nBEGIN;\n\nDROP TABLE\n  a, b;\n" + "SELECT 1;\n" * 20_000 + "TRUNCATE c;\nCOMMIT;\n"
    made = script(text, rollback=rollback)
    assert made.losses == (Loss(4, "DROP TABLE a"), Loss(4, "DROP TABLE b"), Loss(20_006, "TRUNCATE c"))


def test_a_script_with_very_many_keeps_the_first_and_counts_the_rest() -> None:
    made = script("CREATE TABLE mine (i int);\n" + "DELETE FROM t WHERE i = 1;\nDELETE FROM mine WHERE i = 1;\n" * 500)
    assert len(made.losses) == TOLD
    assert made.losses[1].line == 4
    assert made.loss_count == 500


def test_deletes_that_begin_alike_are_told_apart() -> None:
    text = "DELETE FROM t;DELETE FROM t WHERE a;DELETE FROM t WHERE b;DELETE FROM ta WHERE c;DELETE FROM t;"
    assert told(text) == [
        "DELETE FROM t",
        "DELETE FROM t WHERE …",
        "DELETE FROM t WHERE …",
        "DELETE FROM ta WHERE …",
        "DELETE FROM t",
    ]


def test_a_delete_that_is_none_hides_no_other() -> None:
    assert told("DELETE tasks; DELETE FROM t;") == ["DELETE FROM t"]


def test_a_replaced_table_between_losses_keeps_their_order() -> None:
    rebuild = "CREATE TABLE n (i int); INSERT INTO n SELECT i FROM t; DROP TABLE t;"
    assert told(f"DROP TABLE a; {rebuild} DROP TABLE b; ALTER TABLE n RENAME TO t; DROP TABLE c") == [
        "DROP TABLE a",
        "DROP TABLE b",
        "DROP TABLE c",
    ]
    assert told(f"DROP TABLE a; {rebuild} DROP TABLE b") == ["DROP TABLE a", "DROP TABLE t", "DROP TABLE b"]


def test_very_many_names_are_followed_up_to_a_bound_and_none_is_taken_for_new_beyond_it() -> None:
    many = "".join(f"CREATE TABLE t{n} (i int);\n" for n in range(10_001))
    assert told(many + "DROP TABLE t1; DROP TABLE t10000;") == ["DROP TABLE t10000"]


def test_a_rebuild_is_found_among_many_other_rows() -> None:
    rows = "INSERT INTO settings VALUES (1);\n" * 20
    text = (
        f"CREATE TABLE n (i int);\n{rows}INSERT INTO n (i) SELECT i FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;"
    )
    assert told(text, LITE) == []


@pytest.mark.parametrize("verb", ["INSERT OR IGNORE", "INSERT OR REPLACE", "REPLACE"])
def test_a_copy_that_may_leave_rows_out_is_none(verb: str) -> None:
    text = f"CREATE TABLE n (i int); {verb} INTO n SELECT i FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t"
    assert told(text, LITE) == ["DROP TABLE t"]
    assert told(text.replace(verb, "INSERT OR ABORT"), LITE) == []


def test_a_long_name_is_cut() -> None:
    (what,) = told(f'DROP TABLE "{"x" * 500}"')
    assert len(what) == 120
    assert what.endswith("…")


def test_losses_on_one_line() -> None:
    made = script("DROP TABLE a;\nDROP TABLE b;\nDROP TABLE c;\nDROP TABLE d;\nDROP TABLE e;\n")
    assert losses_in_words(made) == "DROP TABLE a (line 1), DROP TABLE b (line 2), DROP TABLE c (line 3) and 2 more"
    assert losses_in_words(made, most=1, lines=False) == "DROP TABLE a and 4 more"
    assert losses_in_words(script("DROP TABLE a")) == "DROP TABLE a (line 1)"
    assert losses_in_words(script("SELECT 1")) is None
