"""Where an error is: file, line and column in characters, in statements, bodies and rows, wherever in the file.

In the texts here `¶` stands before the character that has to be pointed at; it is taken out before the file is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.cli import TASKS, USERS, Project
from tests.fixtures.postgres import Database, new_database
from tests.fixtures.targets import PostgresTarget

MARK = "¶"
# More than two batches of statements (64 KiB each) that are harmless: what comes after is in the third at the earliest.
FILLER = "".join(f"SELECT {number}; -- é😀 {'.' * 80}\n" for number in range(2000))
RAISE = "BEGIN\n  RAISE EXCEPTION 'no';\nEND"


@pytest.fixture(scope="module")
def shared_database(postgres_server: dict[str, str]) -> Iterator[Database]:
    """Return a database for all tests of this file, most of which leave nothing in it: that saves a minute."""
    with new_database(postgres_server) as database:
        yield database


@pytest.fixture
def postgres_project(shared_database: Database, tmp_path: Path) -> Iterator[Project]:
    """Return a project on the shared database, which is emptied afterwards."""
    project = Project(tmp_path / "project", PostgresTarget(shared_database), shared_database.url)
    yield project
    schemas = project.rows("SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema'")
    project.rows(f"DROP SCHEMA {', '.join(name for (name,) in schemas)} CASCADE; CREATE SCHEMA public")


def failure(project: Project, text: str, *, newline: str = "\n") -> dict[str, Any]:
    """Run a file and return the error, which has to be where the mark is, with the caret under that character."""
    path = project.write(USERS, text.replace(MARK, "").replace("\n", newline))
    outcome = project.run("migrate", "--json")
    assert outcome.code == 1, outcome.text
    error: dict[str, Any] = outcome.json["error"]
    assert error["kind"] == "MigrationFailed"
    if MARK not in text:
        return error
    before, after = text.split(MARK)
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    shown = f"{error['server_message']}\n{error['context']}"
    assert (error["line"], error["column"]) == (line, column), shown
    assert error["path"] == f"migrations/{path.name}"
    *_, pointed, caret = error["excerpt"].split("\n")
    assert pointed.startswith(f"{line} | ")
    assert after.split("\n")[0].replace("\t", " ").rstrip().startswith(pointed[caret.index("^") :][:100])
    assert f"{USERS}.sql:{line}:{column} failed" in outcome.err
    return error


# ------------------------------------------------------------------------------------------- statements

STATEMENTS = {
    "a name": "CREATE TABLE a (i int);\n  INSERT INTO ¶nowhere VALUES (1);\n",
    "after accents": "CREATE TABLE é (i int);\nSELECT 'größe', ¶ñ FROM é;\n",
    "after emoji": "SELECT 1;\nSELECT '😀👩‍👩‍👧', '日本', ¶x;\n",
    "after tabs": "SELECT 1;\n\tSELECT\t\t¶x;\n",
    "in the first line": "SELECT ¶x;",
    "without the last semicolon": "SELECT 1;\nSELECT ¶x",
    "after a statement of many lines": "SELECT 1,\n  2,\n  3\n;\n\n\nSELECT\n  1,\n  ¶x;\n",
    "syntax": "SELECT 1;\nSELECT 1 FROM ¶WHERE;\n",
    "at run time": "SELECT 1;\n ¶SELECT 1 / (1 - 1);\n",
    "a wrong value": "CREATE TABLE a (i int);\nINSERT INTO a VALUES (1), (¶'x');\n",
    "after comments": "/* é\n /* 😀 */ */ -- x\n/* é */ SELECT ¶x;\n",
    "in a wrapped file": "BEGIN;\nSELECT 1;\n  SELECT ¶x;\nCOMMIT;\n",
    "two statements in a line": "SELECT 1; SELECT 'é'; ¶SELECT 1 / 0; SELECT 2;\n",
}


@pytest.mark.postgres
@pytest.mark.parametrize("filler", ["", FILLER], ids=["early", "late"])
@pytest.mark.parametrize("text", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_an_error_of_a_statement_is_at_its_character(postgres_project: Project, text: str, filler: str) -> None:
    if filler and text.startswith("BEGIN"):
        text, filler = text.replace("BEGIN;\n", "BEGIN;\n" + filler), ""
    failure(postgres_project, filler + text)


@pytest.mark.postgres
@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_an_error_in_a_file_of_other_line_ends_is_at_its_character(postgres_project: Project, newline: str) -> None:
    failure(postgres_project, "-- é\nSELECT 1;\n" + FILLER + "SELECT '😀',\n\n  ¶x;\n", newline=newline)


@pytest.mark.postgres
@pytest.mark.parametrize("filler", ["", FILLER], ids=["early", "late"])
def test_an_error_in_a_file_of_mixed_line_ends_is_at_its_line_and_character(
    postgres_project: Project, filler: str
) -> None:
    text = filler.replace("\n", "\r\n", 7) + "SELECT 1;\r\nSELECT 2;\n\r\nSELECT 'é', ¶x;\n"
    error = failure(postgres_project, text)
    assert error["line"] == text.split(MARK)[0].count("\n") + 1, "as every editor counts the lines"


@pytest.mark.postgres
def test_a_byte_order_mark_is_no_character(postgres_project: Project) -> None:
    postgres_project.write(USERS, "\ufeffSELECT x;\n")
    error = postgres_project.run("migrate", "--json").json["error"]
    assert (error["line"], error["column"]) == (1, 8)


@pytest.mark.postgres
@pytest.mark.parametrize("rows", ["1\té\n2\t😀\n", "3\tx\n" * 40_000], ids=["few rows", "many rows"])
def test_an_error_after_a_copy_is_at_its_character(postgres_project: Project, rows: str) -> None:
    failure(
        postgres_project,
        f"CREATE TABLE t (i int, n text);\nCOPY t FROM stdin;\n{rows}\\.\n\nSELECT 'é',\n  ¶x;\n",
    )


@pytest.mark.postgres
def test_an_error_after_standard_strings_are_off_is_at_its_character(postgres_project: Project) -> None:
    failure(
        postgres_project,
        "SET escape_string_warning = off;\nSET standard_conforming_strings = off;\nSELECT 'it\\'s; é', ¶x;\n",
    )


@pytest.mark.postgres
def test_a_very_long_line_is_shown_around_its_character(postgres_project: Project) -> None:
    long = ", ".join(f"'é{number}'" for number in range(30_000))
    error = failure(postgres_project, f"SELECT 1;\nSELECT array[{long}, ¶x, {long}];\n")
    assert len(error["excerpt"]) < 2000


@pytest.mark.postgres
def test_the_caret_stands_under_the_character_in_the_text_for_people(postgres_project: Project) -> None:
    postgres_project.write(USERS, "SELECT 1;\n\tSELECT 'é', '日本', nix;\n")
    lines = postgres_project.run("migrate").err.splitlines()
    caret = next(number for number, line in enumerate(lines) if line.strip(" |") == "^")
    assert lines[caret - 1][lines[caret].index("^") :] == "nix;"


@pytest.mark.postgres
def test_a_prepared_statement_that_is_planned_anew_is_not_looked_for_in_the_wrong_text(
    postgres_project: Project,
) -> None:
    """The server counts in the text of the PREPARE, which is that of an earlier batch."""
    failure(
        postgres_project,
        "CREATE TABLE t (a int, b int);\nPREPARE p AS SELECT b FROM t;\n"
        f"{FILLER}ALTER TABLE t DROP COLUMN b;\n¶EXECUTE p;\nSELECT 2;\n",
    )


# ------------------------------------------------------------------------- without a position, with details


@pytest.mark.postgres
@pytest.mark.parametrize("filler", ["", FILLER], ids=["early", "late"])
@pytest.mark.parametrize(
    ("statement", "code", "words"),
    [
        ("INSERT INTO t VALUES (1);", "23505", {"detail": "Key (i)=(1) already exists."}),
        ("INSERT INTO t VALUES (-1);", "23514", {"detail": "Failing row contains (-1)."}),
        ("INSERT INTO t VALUES (NULL);", "23502", {"detail": "Failing row contains (null)."}),
        ("INSERT INTO u VALUES (7);", "23503", {"detail": 'Key (i)=(7) is not present in table "t".'}),
        ("SELECT i / (i - i) FROM t;", "22012", {"detail": None}),
        ("SELECT no_such_function(1);", "42883", {"server_hint": "No function matches"}),
        ("DROP TABLE t;", "2BP01", {"detail": "constraint u_i_fkey", "server_hint": "DROP ... CASCADE"}),
    ],
)
def test_an_error_is_told_with_the_details_of_the_server(
    postgres_project: Project, statement: str, code: str, words: dict[str, str | None], filler: str
) -> None:
    before = "CREATE TABLE t (i int PRIMARY KEY CHECK (i > 0));\nCREATE TABLE u (i int REFERENCES t);\n"
    in_statement = code == "42883"
    pointed = statement.replace("no_such", f"{MARK}no_such") if in_statement else MARK + statement
    error = failure(postgres_project, f"{before}INSERT INTO t VALUES (1);\n{filler}\n  {pointed}\nSELECT 1;\n")
    assert error["sqlstate"] == code
    for key, value in words.items():
        assert error[key] is None if value is None else value in error[key]
    shown = postgres_project.run("migrate").err
    assert all(value in shown for value in words.values() if value)


@pytest.mark.postgres
def test_a_constraint_that_fails_at_commit_is_told_and_nothing_is_kept(postgres_project: Project) -> None:
    error = failure(
        postgres_project,
        "CREATE TABLE t (i int PRIMARY KEY);\n"
        "CREATE TABLE u (i int REFERENCES t DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO u VALUES (3);\nSELECT 1;\n",
    )
    assert error["sqlstate"] == "23503"
    assert "Key (i)=(3)" in error["detail"]
    assert error["line"] is None, "no statement of the file is wrong by itself"
    assert postgres_project.applied() == []
    assert not postgres_project.has_table("u")


# ----------------------------------------------------------------------------------------------- bodies

IN_BODIES = {
    "raise in a DO": "DO $$\nBEGIN\n  -- é\n  ¶RAISE EXCEPTION 'no';\nEND $$;\n",
    "a tagged body": "DO $body$\nBEGIN\n  PERFORM $$ $$;\n\t¶RAISE EXCEPTION 'no';\nEND\n$body$;\n",
    "a body that begins on the line": "DO $$ BEGIN\n  ¶RAISE EXCEPTION 'no';\nEND $$;\n",
    "the language first": "DO LANGUAGE plpgsql $$\nBEGIN\n  ¶RAISE EXCEPTION 'no';\nEND $$;\n",
    "a body in quotes": "DO '\nBEGIN\n  ¶RAISE EXCEPTION ''no'';\nEND';\n",
    "SQL with a position": "DO $$\nDECLARE x int;\nBEGIN\n  SELECT 'é', ¶nix INTO x;\nEND $$;\n",
    "the second of two equal ones": (
        "DO $$\nBEGIN\n  IF false THEN SELECT nix; END IF;\n  NULL;\n  SELECT ¶nix;\nEND $$;\n"
    ),
    "an expression": "DO $$\nDECLARE x int;\nBEGIN\n  x := ¶nix + 1;\nEND $$;\n",
    "an expression at run time": "DO $$\nDECLARE x int := 0;\nBEGIN\n  ¶x := 1 / x;\nEND $$;\n",
    "a default": "DO $$\n¶DECLARE x int := 1 / (2 - 2); BEGIN\n  NULL;\nEND $$;\n",  # 14 says where BEGIN is
    "a nested block": (
        "DO $$\nBEGIN\n  BEGIN\n    FOR i IN 1..2 LOOP\n      IF i = 2 THEN\n        ¶RAISE EXCEPTION 'no';\n"
        "      END IF;\n    END LOOP;\n  END;\nEND $$;\n"
    ),
    "after a handled one": (
        "DO $$\nBEGIN\n  BEGIN\n    PERFORM 1 / 0;\n  EXCEPTION WHEN others THEN NULL;\n  END;\n"
        "  ¶RAISE EXCEPTION 'no';\nEND $$;\n"
    ),
    "raised again in a handler": "DO $$\nBEGIN\n  ¶PERFORM 1 / 0;\nEXCEPTION WHEN others THEN\n  RAISE;\nEND $$;\n",
    "with standard strings off": (
        "SET escape_string_warning = off;\nSET standard_conforming_strings = off;\nSELECT 'it\\'s;';\n"
        "DO $$\nBEGIN\n  ¶RAISE EXCEPTION 'no';\nEND $$;\n"
    ),
    "in quotes with standard strings off": (
        "SET escape_string_warning = off;\nSET standard_conforming_strings = off;\n"
        "DO '\nBEGIN\n  NULL;\n  ¶RAISE EXCEPTION \\'no\\';\nEND';\n"
    ),
    "a function": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n"
        "  ¶RAISE EXCEPTION 'no';\nEND $$;\nSELECT f();\n"
    ),
    "a function's expression": (
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  ¶RETURN 1 / a;\nEND $$;\nSELECT f(0);\n"
    ),
    "a function's SQL": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nDECLARE x int;\nBEGIN\n  SELECT ¶nix INTO x;\n"
        "END $$;\nSELECT f();\n"
    ),
    "a function with a default that is a string": (
        "CREATE FUNCTION f(a text DEFAULT 'BEGIN; END', b text = $$x$$) RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n"
        "  ¶RAISE EXCEPTION 'no';\nEND $$ SET work_mem = '1MB';\nSELECT f();\n"
    ),
    "a function with comments among its first words": (
        "CREATE OR REPLACE -- why\nFUNCTION/* x */f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n"
        "  ¶RAISE EXCEPTION 'no';\nEND $$;\nSELECT f();\n"
    ),
    "a function after many words of comment": (
        "CREATE /* one two three four */ FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n"
        "  ¶RAISE EXCEPTION 'no';\nEND $$;\nSELECT f();\n"
    ),
    "a procedure": (
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$\nBEGIN\n  ¶RAISE EXCEPTION 'no';\nEND $$;\nCALL p();\n"
    ),
    "a trigger function": (
        "CREATE TABLE t (i int);\nCREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n"
        "  ¶RAISE EXCEPTION 'no';\nEND $$;\nCREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g();\n"
        "INSERT INTO t VALUES (1);\n"
    ),
    "a function of a schema": (
        "CREATE SCHEMA s;\nCREATE FUNCTION s.f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  ¶RAISE EXCEPTION 'no';\n"
        "END $$;\nSELECT s.f();\n"
    ),
    "a quoted name": (
        "CREATE FUNCTION \"OddName\"() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  ¶RAISE EXCEPTION 'no';\n"
        'END $$;\nSELECT "OddName"();\n'
    ),
    "a quoted name with a blank": (
        "CREATE FUNCTION \"Odd Name\"() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  ¶RAISE EXCEPTION 'no';\n"
        'END $$;\nSELECT "Odd Name"();\n'
    ),
    "a name in capitals": (
        "CREATE FUNCTION Loud() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  ¶RAISE EXCEPTION 'no';\n"
        "END $$;\nSELECT LOUD();\n"
    ),
    "what a function was replaced with": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RAISE EXCEPTION 'first';\nEND $$;\n"
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\n\n\nBEGIN\n  ¶RAISE EXCEPTION 'no';\n"
        "END $$;\nSELECT f();\n"
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;\n"
    ),
    "a function that a DO calls": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  ¶RAISE EXCEPTION 'no';\nEND $$;\n"
        "DO $$\nBEGIN\n  PERFORM f();\nEND $$;\n"
    ),
    "a function that a function calls": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  ¶RAISE EXCEPTION 'no';\nEND $$;\n"
        "CREATE FUNCTION g() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n\n  RETURN f();\nEND $$;\nSELECT g();\n"
    ),
    "an SQL function of a schema": (
        "CREATE SCHEMA s;\nCREATE FUNCTION s.f(a int) RETURNS int LANGUAGE sql AS $$\n  SELECT 1;\n"
        "  ¶SELECT 1 / a;\n$$;\nSELECT s.f(0);\n"
    ),
    "an SQL function": (
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS $$\n  SELECT 1;\n  ¶SELECT 1 / a;\n$$;\nSELECT f(0);\n"
    ),
}


@pytest.mark.postgres
@pytest.mark.parametrize("text", IN_BODIES.values(), ids=IN_BODIES.keys())
def test_an_error_inside_a_body_is_at_its_line_in_the_file(postgres_project: Project, text: str) -> None:
    error = failure(postgres_project, text)
    assert error["context"], "what the server says about the way there is kept"


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["raise in a DO", "SQL with a position", "a trigger function", "an SQL function"])
def test_an_error_inside_a_body_is_found_in_a_later_batch(postgres_project: Project, name: str) -> None:
    *definitions, last = IN_BODIES[name].rstrip("\n").split(";\n")
    failure(postgres_project, f"{FILLER}{IN_BODIES[name]}")
    if "CREATE" in IN_BODIES[name]:  # made in one batch, called in another
        failure(postgres_project, ";\n".join(definitions) + f";\n{FILLER}{last}\n")


CREATED = {
    "plpgsql": (
        "SELECT 'é';\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n"
        "  RETURN 1; -- é\n  /* é */ IF x THEN END¶;\nEND $$;\n"
    ),
    "an expression of plpgsql": (
        "SELECT 1;\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1 +¶;\nEND $$;\n"
    ),
    "sql": "SELECT 1;\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n  SELECT 1;\n  /* é */ SELECT ¶nix;\n$$;\n",
    "sql in quotes": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS '\n  SELECT 1;\n  SELECT ¶nix;\n';\n",
    "BEGIN ATOMIC": (
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC\n  SELECT 1;\n"
        "  SELECT 'é', ¶nix;\nEND;\nSELECT 1;\n"
    ),
    "a DO": "SELECT 1;\nDO $$\nBEGIN\n  NULL;\n  IF true THEN NULL ¶END;\nEND $$;\n",
}


@pytest.mark.postgres
@pytest.mark.parametrize("filler", ["", FILLER], ids=["early", "late"])
@pytest.mark.parametrize("header", ["", "-- migrate: no-transaction\n"], ids=["transaction", "alone"])
@pytest.mark.parametrize("name", CREATED)
def test_an_error_that_is_found_when_a_function_is_made_is_at_its_character(
    postgres_project: Project, name: str, header: str, filler: str
) -> None:
    if header and filler:
        filler = FILLER[: FILLER.index("\n", 2000) + 1]  # each statement is a message there
    failure(postgres_project, header + filler + CREATED[name])


@pytest.mark.postgres
def test_of_overloaded_functions_none_is_taken_for_another(postgres_project: Project) -> None:
    one = "CREATE FUNCTION f({}) RETURNS int LANGUAGE plpgsql AS $$\n{}BEGIN\n  RAISE EXCEPTION 'no';\nEND $$;\n"
    text = one.format("int", "") + one.format("text", "\n\n") + "SELECT f(1);\n"
    postgres_project.write(USERS, text)
    error = postgres_project.run("migrate", "--json").json["error"]
    assert error["line"] in (3, text.count("\n")), "in the body of f(int), or at the call"


@pytest.mark.postgres
def test_a_frame_without_a_line_does_not_take_that_of_another(postgres_project: Project) -> None:
    """CONTEXT: `f() while casting return value to function's return type`, and then `inline_code_block line 5`."""
    text = (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nDECLARE x text := 'abc';\nBEGIN\n"
        "  RETURN x;\nEND $$;\nDO $$\nBEGIN\n  NULL;\n  NULL;\n  ¶PERFORM f();\nEND $$;\n"
    )
    assert "while casting return value" in failure(postgres_project, text)["context"]


@pytest.mark.postgres
def test_a_function_of_another_schema_is_not_taken_for_the_one_of_this_file(postgres_project: Project) -> None:
    function = f"LANGUAGE plpgsql AS $$\n{RAISE} $$;\n"
    postgres_project.write(USERS, f"CREATE SCHEMA s;\nCREATE FUNCTION s.f() RETURNS int {function}")
    postgres_project.ok("migrate")
    text = f"CREATE FUNCTION f() RETURNS int {function}\nSELECT s.f();\n"
    postgres_project.write(TASKS, text)
    error = postgres_project.run("migrate", "--json").json["error"]
    assert (error["line"], error["column"]) == (text.count("\n"), 1)


@pytest.mark.postgres
@pytest.mark.parametrize("call", ["¶SELECT f();", "DO $$\nBEGIN\n  ¶PERFORM f();\nEND $$;", "SELECT 'é'; ¶SELECT f();"])
def test_an_error_in_a_function_of_another_file_is_at_what_called_it(postgres_project: Project, call: str) -> None:
    postgres_project.rows(f"CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\n\n\n\n{RAISE} $$")
    error = failure(postgres_project, f"SELECT 1;\n\n{call}\nSELECT 2;\n")
    assert "f() line" in error["context"]


@pytest.mark.postgres
def test_an_error_in_what_a_body_executes_is_at_the_body_s_line(postgres_project: Project) -> None:
    error = failure(postgres_project, "DO $$\nBEGIN\n  NULL;\n  EXECUTE 'SELECT ¶nix';\nEND $$;\n".replace("¶", ""))
    assert error["line"] == 4


@pytest.mark.postgres
def test_a_body_that_is_a_string_with_escapes_is_pointed_at_inside_its_statement(postgres_project: Project) -> None:
    """Its lines are not lines of the file, so that only the statement is certain."""
    text = "SELECT 1;\nDO E'BEGIN\\n  NULL;\\n\\nRAISE EXCEPTION ''no'';\\nEND';\nSELECT 1;\n"
    assert failure(postgres_project, text)["line"] == 2


# ------------------------------------------------------------------------------------------------- rows

ROWS = {
    "a wrong value": "COPY t FROM stdin;\n1\ta\n2\tb\n¶x\tc\n4\td\n\\.\n",
    "a wrong value that is not the first": "COPY t (n, i) FROM stdin;\na\t1\nb\t¶é😀\nd\t4\n\\.\n",
    "a value that is there twice": "COPY t (n, i) FROM stdin;\na\t1\n¶xx\txx\nd\t4\n\\.\n",
    "a missing column": "COPY t FROM stdin;\n1\ta\n¶2\n3\tc\n\\.\n",
    "extra data": "COPY t FROM stdin;\n1\ta\n¶2\tb\tc\n3\tc\n\\.\n",
    "a unique key": "COPY t FROM stdin;\n1\ta\n2\tb\n¶1\tc\n\\.\n",
    "a check": "COPY t FROM stdin;\n1\ta\n2\tb\n¶-7\tc\n8\td\n\\.\n",
    "null where it must not be": "COPY t FROM stdin;\n1\ta\n¶\\N\tb\n\\.\n",
    "text into a table called csv": (
        'CREATE TABLE csv (csv int, n text);\nCOPY csv (csv, n) FROM stdin;\n1\t"a\n2\tb\n¶x\tc\n4\td\n\\.\n'
    ),
    "CSV with a header": "COPY t FROM stdin (FORMAT csv, HEADER);\ni,n\n1,a\n¶x,b\n\\.\n",
    "CSV after a line end in quotes": 'COPY t FROM stdin WITH CSV;\n1,"a\nb\n\nc"\n2,"é"\n¶nix,d\n\\.\n',
    "a trigger": "COPY v FROM stdin;\n1\n2\n3\n\\.\n",
    "the last row of the file": "COPY t FROM stdin;\n1\ta\n¶x\tb\n\\.",
    "an escaped row": "COPY t FROM stdin;\n1\ta\\tb\\\\\n2\ta\\\nb\n¶x\tc\n\\.\n",
    "a date": "COPY d FROM stdin;\n2020-01-01\n¶2020-02-31\n\\.\n",
}
TABLES = (
    "CREATE TABLE t (i int PRIMARY KEY CHECK (i > 0), n text);\nCREATE TABLE d (d date);\nCREATE TABLE v (i int);\n"
    "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  IF NEW.i = 2 THEN RAISE EXCEPTION 'no';\n"
    "  END IF;\n  RETURN NEW;\nEND $$;\nCREATE TRIGGER x BEFORE INSERT ON v FOR EACH ROW EXECUTE FUNCTION g();\n"
)


@pytest.mark.postgres
@pytest.mark.parametrize("header", ["", "-- migrate: no-transaction\n"], ids=["transaction", "alone"])
@pytest.mark.parametrize(
    "text", [text for text in ROWS.values() if MARK in text], ids=[k for k, v in ROWS.items() if MARK in v]
)
def test_an_error_in_rows_is_at_its_row(postgres_project: Project, text: str, header: str) -> None:
    error = failure(postgres_project, f"{header}{TABLES}SELECT 'é';\n{text}")
    assert error["context"].startswith("COPY "), error["context"]
    kept = postgres_project.has_table("t") and postgres_project.rows("SELECT count(*) FROM t") == [(0,)]
    assert kept if header else not postgres_project.has_table("t")


@pytest.mark.postgres
def test_an_error_of_a_trigger_in_rows_is_at_the_row_or_in_the_trigger(postgres_project: Project) -> None:
    text = f"{TABLES}{ROWS['a trigger']}"
    postgres_project.write(USERS, text)
    error = postgres_project.run("migrate", "--json").json["error"]
    lines = text.split("\n")
    assert "COPY v, line 2" in error["context"]
    assert error["line"] in (lines.index("2") + 1, lines.index("  IF NEW.i = 2 THEN RAISE EXCEPTION 'no';") + 1)


@pytest.mark.postgres
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_error_in_a_row_of_a_later_chunk_is_at_its_row(postgres_project: Project, newline: str) -> None:
    rows = "".join(f"{number}\té😀 {'.' * 60}\n" for number in range(1, 4000))
    failure(
        postgres_project,
        f"{TABLES}{FILLER}COPY t FROM stdin;\n{rows}{MARK}wrong\tx\n{rows}\\.\nSELECT 1;\n",
        newline=newline,
    )


@pytest.mark.postgres
def test_an_error_in_a_row_after_a_very_long_one_is_at_its_row(postgres_project: Project) -> None:
    long = "é" * 300_000
    failure(postgres_project, f"{TABLES}COPY t FROM stdin;\n1\t{long}\n2\t{long}\n¶x\t{long}\n4\tb\n\\.\n")


@pytest.mark.postgres
def test_an_error_at_the_end_of_a_very_long_row_is_at_its_value(postgres_project: Project) -> None:
    long = "é" * 200_000
    failure(postgres_project, f"{TABLES}COPY t (n, i) FROM stdin;\n{long}\t1\n{long}\t¶wrong\nx\t3\n\\.\n")


@pytest.mark.postgres
def test_an_error_in_the_second_of_two_copies_is_at_its_row(postgres_project: Project) -> None:
    failure(
        postgres_project,
        f"{TABLES}COPY t FROM stdin;\n1\ta\n2\tb\n\\.\nSELECT 1;\nCOPY d FROM stdin;\n2020-01-01\n¶x\n\\.\n",
    )


@pytest.mark.postgres
def test_a_table_s_name_is_not_read_as_a_line(postgres_project: Project) -> None:
    name = '"odd, line 1, column i"'
    failure(postgres_project, f"CREATE TABLE {name} (i int);\nCOPY {name} FROM stdin;\n1\n2\n¶x\n\\.\n")


@pytest.mark.postgres
def test_an_error_that_is_the_copy_s_own_is_at_the_copy(postgres_project: Project) -> None:
    failure(postgres_project, "SELECT 1;\n¶COPY nowhere FROM stdin;\n1\ta\n\\.\nSELECT 2;\n")


# --------------------------------------------------------------------------- files without a transaction

ALONE = "-- migrate: no-transaction\n"


def alone(project: Project, text: str, *, sqlstate: str, kept: int) -> dict[str, Any]:
    error = failure(project, ALONE + text)
    assert error["sqlstate"] == sqlstate
    assert error["state"].startswith(f"{kept} of its "), error["state"]
    return error


@pytest.mark.postgres
def test_a_file_without_a_transaction_points_at_its_statement_and_says_what_was_kept(postgres_project: Project) -> None:
    alone(
        postgres_project,
        "CREATE TABLE a (i int);\nSELECT 'é'; INSERT INTO a VALUES (1); INSERT INTO a\n  VALUES (¶'x');\nSELECT 1;\n",
        sqlstate="22P02",
        kept=3,
    )
    assert postgres_project.rows("SELECT i FROM a") == [(1,)]


@pytest.mark.postgres
def test_a_file_without_a_transaction_points_into_a_body_and_into_rows(postgres_project: Project) -> None:
    alone(
        postgres_project,
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n"
        "  ¶RAISE EXCEPTION 'no';\nEND $$;\nSELECT f();\n",
        sqlstate="P0001",
        kept=1,
    )
    postgres_project.ok("forget", "--name", USERS)
    postgres_project.rows("DROP FUNCTION f")
    alone(
        postgres_project,
        "CREATE TABLE t (i int);\nCOPY t FROM stdin;\n1\n\\.\nCOPY t FROM stdin;\n2\n¶x\n\\.\nSELECT 1;\n",
        sqlstate="22P02",
        kept=2,
    )
    assert postgres_project.rows("SELECT i FROM t") == [(1,)]


# ---------------------------------------------------------------------------------- errors with a way out

WAYS_OUT = {
    "25001": (
        "CREATE TABLE p (i int) PARTITION BY RANGE (i);\nCREATE INDEX p_i ON p (i);\nSELECT 1;\n¶REINDEX INDEX p_i;\n",
        "no-transaction",
    ),
    "2D000": (
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$\nBEGIN\n  ¶COMMIT;\nEND $$;\nCALL p();\n",
        "no-transaction",
    ),
    "55P04": (
        "ALTER TYPE mood ADD VALUE 'meh';\nCREATE TABLE t (m mood);\nINSERT INTO t VALUES (¶'meh');\n",
        "split the file",
    ),
    "55006": (
        "INSERT INTO child VALUES (1);\n¶ALTER TABLE child ADD COLUMN x int;\n",
        "SET CONSTRAINTS",
    ),
}


@pytest.mark.postgres
@pytest.mark.parametrize("code", WAYS_OUT)
def test_an_error_with_a_known_way_out_has_a_hint_of_its_own(postgres_project: Project, code: str) -> None:
    postgres_project.rows("CREATE TYPE mood AS ENUM ('ok')")
    postgres_project.rows("CREATE TABLE parent (i int PRIMARY KEY)")
    postgres_project.rows("INSERT INTO parent VALUES (1)")
    postgres_project.rows("CREATE TABLE child (i int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
    text, hint = WAYS_OUT[code]
    error = failure(postgres_project, text)
    assert error["sqlstate"] == code
    assert hint in error["hint"]
    others = [other for other, (_, words) in WAYS_OUT.items() if words != hint and words in error["hint"]]
    assert not others


@pytest.mark.postgres
@pytest.mark.parametrize(
    "statement",
    [
        "VACUUM t",
        "CREATE INDEX CONCURRENTLY x ON t (i)",
        "DROP INDEX CONCURRENTLY x",
        "REINDEX INDEX CONCURRENTLY x",
        "REINDEX DATABASE postgres",
        "CREATE DATABASE other",
        "DROP DATABASE other",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "CREATE TABLESPACE ts LOCATION '/x'",
        "ALTER TABLE p DETACH PARTITION q CONCURRENTLY",
    ],
)
def test_a_statement_that_needs_no_transaction_is_refused_before_anything_runs(
    postgres_project: Project, statement: str
) -> None:
    postgres_project.write(TASKS, f"SELECT 1;\n  {statement};\n")
    postgres_project.write(USERS, "CREATE TABLE t (i int);\n")
    outcome = postgres_project.refuses(2, "migrate")
    assert f"{TASKS}.sql:2:3" in outcome.err
    assert "no-transaction" in outcome.err
