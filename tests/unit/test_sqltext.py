"""The lexer: where statements begin and end, what it refuses, and what it says about them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration_manager.model import Control, Dialect, Statement
from migration_manager.sqltext import (
    CopyDirection,
    Kind,
    Rows,
    Sql,
    SqlTextError,
    copy_direction,
    copy_format,
    refuses_transaction,
    split,
    stream,
    tokens,
    tokens_at,
    without_comments,
)

PG = Dialect.POSTGRESQL
LITE = Dialect.SQLITE


def texts(text: str, dialect: Dialect = PG) -> list[str]:
    return [text[statement.start : statement.end] for statement in split(text, dialect)]


def only(text: str, dialect: Dialect = PG) -> Statement:
    (statement,) = split(text, dialect)
    return statement


def refusal(text: str, dialect: Dialect = PG) -> SqlTextError:
    with pytest.raises(SqlTextError) as caught:
        split(text, dialect)
    return caught.value


# ------------------------------------------------------------------------------------------------ bounds

# One statement each, in spite of what it holds.
POSTGRESQL_WHOLES = {
    "semicolon in a string": "SELECT ';'",
    "doubled quote": "SELECT 'it''s; fine'",
    "backslash is plain in a string": r"SELECT 'a\', ';'",
    "escape string": r"SELECT E'it\'s; fine'",
    "escape string in small letters": r"SELECT e'it\'s; fine'",
    "escape string with a doubled quote": r"SELECT E'a''\';'",
    "escape string after an operator": r"SELECT 'a'||E'\';'",
    "escape string after a number": r"SELECT 1e'\';'",
    "escape string after a parameter": r"SELECT $1e'\';'",
    "escape string after dollar quotes": r"SELECT $$a$$e'\';'",
    "no escape string after a longer word": r"SELECT a1e'\', ';'",
    "escape string goes on in the next line": "SELECT E'a'\n  'b\\';'",
    "escape string goes on after a comment": "SELECT E'a' -- and\n 'b\\';'",
    "word that ends in e before a string": r"SELECT date'2024-01-01', type'a\', ';'",
    "unicode string": r"SELECT U&'d\0061t\', ';'",
    "unicode string with its own escape": "SELECT U&'d!0061;' UESCAPE '!'",
    "bit strings": "SELECT B'1;', X'1F;', N';'",
    "quoted identifier": 'SELECT 1 AS "a;b"',
    "quoted identifier with quotes": 'SELECT 1 AS "a"";""b"',
    "unicode identifier": r'SELECT 1 AS U&"d\0061;"',
    "dollar quotes": "SELECT $$;$$",
    "tagged dollar quotes": "SELECT $a$;$$;$b$;$a$",
    "dollar tag with letters of any script": "SELECT $été_1$;$été_1$",
    "dollar quotes after a parenthesis": "SELECT ($$;$$)",
    "dollar quotes after a number": "SELECT 1$$;$$",
    "dollar quotes after a parameter": "SELECT $1$$;$$",
    "dollar quotes after dollar quotes": "SELECT $$;$$$$;$$",
    "dollar quotes with a dollar in them": "SELECT $a$;$;$a$",
    "line comment": "SELECT 1 -- ; it's\n+ 1",
    "block comment": "SELECT 1 /* ; it's */ + 1",
    "nested comment": "SELECT 1 /* a /* b; */ c; */ + 1",
    "comment of slashes and stars": "SELECT 1 /*/ ; /**/ ; */ + 1",
    "comment right after an operator": "SELECT 1 @-- ;'\n 2",
    "block comment right after an operator": "SELECT 1 +/* ; ' */ 2",
    "stars and a comment": "SELECT 1 */* ; ' */ 2",
    "minus and slash are operators": "SELECT 1 - - 2 / 3 - -4",
    "rule with several actions": "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); DELETE FROM b)",
    "function in dollar quotes": "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$",
    "body": "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END",
    "body of a procedure": "create or replace procedure p() begin atomic insert into t values (1); end",
    "empty body": "CREATE FUNCTION f() RETURNS void BEGIN ATOMIC END",
    "body after comments": "CREATE /* x */ OR -- y\n REPLACE FUNCTION f() BEGIN /* z */ ATOMIC SELECT 1; /**/ END",
    "body with CASE": "CREATE FUNCTION f(a int) BEGIN ATOMIC SELECT CASE WHEN a > 0 THEN 1 END; SELECT 2; END",
    "body with names like end": "CREATE FUNCTION f() BEGIN ATOMIC SELECT t.end, 1 AS end, 2 end FROM t; END",
    "nested CASE": "CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE CASE 1 WHEN 1 THEN 2 END WHEN 2 THEN 3 END; END",
    "function in a schema element": "CREATE SCHEMA s CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
    "function named atomic": "CREATE FUNCTION atomic(begin int) RETURNS int LANGUAGE sql RETURN 1",
    "do block": "DO $do$ BEGIN COMMIT; END $do$",
    "psql variables and templates": "SELECT :'a', :b, ${c}, {{ d }}, %s, %(e)s",
    "no-break space is no blank": "SELECT 1 AS a\u00a0b",
    "brackets and backticks are operators": "SELECT a[1], b[2:3], `c`",
    "jsonb operators": "SELECT a #>> '{b}', c ?| array['d'], e @> '{}'",
}
SQLITE_WHOLES = {
    "semicolon in a string": "SELECT ';'",
    "doubled quote": "SELECT 'it''s; fine'",
    "no escape strings": r"SELECT e'\', ';'",
    "quoted identifiers": 'SELECT 1 AS "a;b", 2 AS `c;d`, 3 AS [e;f]',
    "doubled backtick": "SELECT 1 AS `a``;b`",
    "no dollar quotes": "SELECT $a, $a$",
    "comments do not nest": "SELECT 1 /* a /* b; */ + 1",
    "blob": "SELECT x'00;'",
    "trigger": "CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO b VALUES (1); DELETE FROM c; END",
    "temporary trigger": "CREATE TEMP TRIGGER IF NOT EXISTS t AFTER INSERT ON a BEGIN SELECT 1; END",
    "trigger with CASE": "CREATE TRIGGER t AFTER UPDATE ON a BEGIN SELECT CASE WHEN new.x THEN 1 END; SELECT 2; END",
    "trigger with comments": "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; -- end;\n /* END */ END",
    "trigger named begin": "CREATE TRIGGER begin AFTER INSERT ON a BEGIN SELECT 1; END",
}
WHOLES = [
    *(pytest.param(text, PG, id=f"postgresql {name}") for name, text in POSTGRESQL_WHOLES.items()),
    *(pytest.param(text, LITE, id=f"sqlite {name}") for name, text in SQLITE_WHOLES.items()),
]


@pytest.mark.parametrize(("text", "dialect"), WHOLES)
def test_a_statement_is_not_cut_inside(text: str, dialect: Dialect) -> None:
    assert texts(text, dialect) == [text]
    assert texts(f" \n{text};", dialect) == [f"{text};"]
    assert texts(f"SELECT 1;{text};\nSELECT 2", dialect) == ["SELECT 1;", f"{text};", "SELECT 2"]


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        (" \n-- nothing\n/* at all */ ;;; ", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1 -- the end", ["SELECT 1"]),
        ("SELECT 1 /* the end */ ; -- done", ["SELECT 1 /* the end */ ;"]),
        ("SELECT 1\n-- the\n/* end */\n", ["SELECT 1"]),
        ("SELECT 'a' -- the end", ["SELECT 'a'"]),
        (";SELECT 1;;SELECT 2;", ["SELECT 1;", "SELECT 2;"]),
        ('(SELECT 1);"a";$$b$$', ["(SELECT 1);", '"a";', "$$b$$"]),
        ("SELECT a$b$;SELECT c$;", ["SELECT a$b$;", "SELECT c$;"]),
        ("SELECT a1$1$;$1$", ["SELECT a1$1$;", "$1$"]),
        ("SELECT ')'; SELECT 2", ["SELECT ')';", "SELECT 2"]),
        ("SELECT 1); SELECT 2", ["SELECT 1);", "SELECT 2"]),
        ("CREATE FUNCTION s.begin() AS 'x'; SELECT 1", ["CREATE FUNCTION s.begin() AS 'x';", "SELECT 1"]),
        ("CREATE TABLE begin (atomic int); END", ["CREATE TABLE begin (atomic int);", "END"]),
        ("SELECT 1 AS é;SELECT '😀;'", ["SELECT 1 AS é;", "SELECT '😀;'"]),
    ],
)
def test_statements_are_found_where_they_are(text: str, statements: list[str]) -> None:
    assert texts(text) == statements


def test_a_create_table_named_trigger_has_no_body_in_sqlite() -> None:
    assert len(split("CREATE TABLE trigger (begin int); SELECT 1;", LITE)) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("create /* a */ unique\n-- b\nINDEX concurrently i on t (a)", "CREATE UNIQUE INDEX CONCURRENTLY I ON"),
        ("SELECT E'a'", "SELECT"),
        ("PREPARE TRANSACTION 'a'", "PREPARE TRANSACTION"),
        ("ALTER TABLE public.t ADD a int", "ALTER TABLE PUBLIC"),
        ('ALTER TABLE "T" ADD a int', "ALTER TABLE"),
        ("(SELECT 1)", ""),
        ("\u017favepoint a", "\u017favepoint A"),
    ],
)
def test_leading_words_are_in_upper_case_and_at_most_six(text: str, words: str) -> None:
    assert " ".join(only(text).words) == words


# -------------------------------------------------------------------------------------------- properties

PIECES = {
    PG: [*POSTGRESQL_WHOLES.values(), "COMMIT", "BEGIN", "COPY t TO STDOUT"],
    LITE: [*SQLITE_WHOLES.values(), "COMMIT", "BEGIN", "VACUUM"],
}
FILLERS = ["", " ", "\n", "-- it's; here\n", "/* it's; here */", ";", "\t--\n \n"]
SCRAPS = [
    *("'", '"', "$", "$$", "$a$", ";", "(", ")", "--", "/*", "*/", "\n", " ", "-", "/", "E", "e'", "U&'", "\\", "\\'"),
    *("a", "1", "é", "BEGIN", " ATOMIC ", "END", "CASE", "CREATE FUNCTION ", "CREATE TRIGGER ", "COPY t FROM stdin;"),
    *("\n\\.\n", "\n\\restrict a\n", "[", "]", "`", "''", "SELECT ", ".", "COMMIT"),
]


@pytest.mark.parametrize("dialect", list(Dialect))
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_as_many_statements_are_found_as_were_put_together(dialect: Dialect, data: st.DataObject) -> None:
    pieces = data.draw(st.lists(st.sampled_from(PIECES[dialect]), max_size=6))
    fillers = data.draw(st.lists(st.sampled_from(FILLERS), min_size=len(pieces) + 1, max_size=len(pieces) + 1))
    text = fillers[0] + "".join(f"{piece};{filler}" for piece, filler in zip(pieces, fillers[1:], strict=True))
    assert texts(text, dialect) == [f"{piece};" for piece in pieces]


@pytest.mark.parametrize("dialect", list(Dialect))
@given(text=st.lists(st.sampled_from(SCRAPS), max_size=25).map("".join) | st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_text_is_cut_or_refused_at_a_place_in_it(dialect: Dialect, text: str) -> None:
    refused: SqlTextError | None = None
    try:
        check_pieces(text, list(stream((text,), dialect)), dialect)
    except SqlTextError as error:
        refused = error
    assert refused is None or (0 <= refused.offset < len(text) and refused.message)


def check_pieces(text: str, pieces: list[Sql | Rows], dialect: Dialect) -> None:
    assert "".join(piece.text for piece in pieces) == text
    for piece in pieces:
        assert text.startswith(piece.text, piece.start)
        assert piece.line == text.count("\n", 0, piece.start) + 1
        if isinstance(piece, Sql):
            check_bounds(piece, dialect)


def check_bounds(piece: Sql, dialect: Dialect) -> None:
    text = piece.text
    bounds = [(statement.start, statement.end) for statement in piece.statements]
    assert all(start < end for start, end in bounds)
    assert all(before[1] <= after[0] for before, after in pairwise(bounds))
    for start, end in bounds:
        assert not text.startswith((*" \t\n\r\f\v;", "--", "/*"), start)
        assert text[end - 1] not in " \t"
    lines = set(piece.psql_lines)
    gaps = zip([0, *(end for _, end in bounds)], [*(start for start, _ in bounds), len(text)], strict=True)
    for start, end in gaps:
        inside = [line for line in lines if start <= line[0] < end]
        rest = "".join(" " if any(a <= i < b for a, b in inside) else text[i] for i in range(start, end))
        assert all(token.kind is Kind.COMMENT or rest[token.start] == ";" for token in tokens(rest, dialect))


@pytest.mark.parametrize("dialect", list(Dialect))
@given(text=st.lists(st.sampled_from(SCRAPS), max_size=20).map("".join))
@settings(max_examples=150, deadline=None)
def test_the_fast_way_and_the_tokens_agree(dialect: Dialect, text: str) -> None:
    """Cut at each semicolon token outside parentheses: what has no body and no rows must come out the same."""
    if re.search("copy|begin", text, re.IGNORECASE) or "\\" in text or "." in text:
        return
    try:
        expected, depth, start = [], 0, -1
        for token in tokens(text, dialect):
            if token.kind is Kind.COMMENT:
                continue
            piece = text[token.start : token.end]
            if piece == ";" and depth == 0:
                expected += [(start, token.end)] if start >= 0 else []
                start = -1
                continue
            start = token.start if start < 0 else start
            end = token.end
            depth = depth + 1 if piece == "(" else max(0, depth - 1) if piece == ")" else depth
        expected += [(start, end)] if start >= 0 else []
        failed = depth > 0
    except SqlTextError:
        failed = True
    try:
        found = [(statement.start, statement.end) for statement in split(text, dialect)]
    except SqlTextError:
        assert failed
    else:
        assert not failed
        assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 20_000 + ")" * 20_000,
        "SELECT " + "'a'" * 100_000,
        "SELECT " + "('a" * 50_000,
        "SELECT " + "a$b$" * 50_000,
        "SELECT 1" + "$1" * 50_000,
        "SELECT E'" + "''\\'" * 50_000,
        "SELECT E'a' " + "-- " * 50_000 + "\nx",
        "SELECT " + "E'a' -- b\n" * 20_000,
        "/*" * 100_000,
        "-" * 200_000,
        "SELECT " + "- " * 100_000,
        "COPY t FROM stdin;\n" + "\\.a\n" * 50_000,
        "\\restrict a\n" * 20_000,
        "a " * 100_000,
        "CREATE FUNCTION f() BEGIN ATOMIC " + "SELECT CASE 1 END;" * 10_000,
    ],
    ids=lambda text: text[:20],
)
def test_no_text_takes_more_than_linear_time(text: str) -> None:
    began = time.process_time()
    for dialect in Dialect:
        try:
            split(text, dialect)
        except SqlTextError:
            continue
    assert time.process_time() - began < 2  # quadratic time would be minutes


# --------------------------------------------------------------------------------- what never comes to an end


@pytest.mark.parametrize(
    ("text", "offset", "what"),
    [
        ("SELECT 1;\nSELECT 'a;\n", 17, "a string"),
        ("SELECT 'it''s;", 7, "a string"),
        ("SELECT 'a', 'b''c' || 'it''s", 22, "a string"),
        ("SELECT ('a", 8, "a string"),
        (r"SELECT E'a\'", 7, "an escape string"),
        ("SELECT E'a\\", 7, "an escape string"),
        ("SELECT E'a'\n'b", 7, "an escape string"),
        ('SELECT "a', 7, "a quoted identifier"),
        ("SELECT $a$ $b$", 7, "a dollar-quoted string"),
        ("SELECT 1 /* a /* b */", 9, "a comment"),
        ("/* a", 0, "a comment"),
        ("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;", 26, "a body"),
        ("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1 END;", 26, "a body"),
        ("CREATE TABLE t (a int; SELECT (1);", 15, "a parenthesis"),
    ],
)
def test_what_never_ends_is_refused_where_it_begins(text: str, offset: int, what: str) -> None:
    error = refusal(text)
    assert (error.offset, error.message.startswith(what)) == (offset, True)


@pytest.mark.parametrize(
    ("text", "offset", "what"),
    [
        ("SELECT [a", 7, "a quoted identifier"),
        ("SELECT `a", 7, "a quoted identifier"),
        ("SELECT 1 /* a", 9, "a comment"),
        ("CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1;", 35, "a body"),
        (".tables\n", 0, ".tables is a command of the sqlite3 shell"),
    ],
)
def test_sqlite_has_its_own_things_that_never_end(text: str, offset: int, what: str) -> None:
    error = refusal(text, LITE)
    assert (error.offset, error.message.startswith(what)) == (offset, True)


# --------------------------------------------------------------------------------------------- psql and COPY


@pytest.mark.parametrize(
    ("command", "name", "advice"),
    [
        ("\\i other.sql", "\\i", "split it into migrations"),
        ("\\copy t FROM 'a.csv'", "\\copy", "COPY … FROM stdin"),
        ("\\set a 1", "\\set", "write the value"),
        ("\\connect other", "\\connect", "environment"),
        ("\\! rm -r /", "\\!", "SQL only"),
        ("SELECT 1 \\gexec", "\\gexec", "DO block"),
        ("SELECT 1 \\; SELECT 2;", "\\;", "semicolon"),
        ("\\echo a", "\\echo", "RAISE NOTICE"),
        ("\\dt+", "\\dt", "take it out"),
        ("\\.", "\\.", "none here"),
        ("SELECT 1;\n\\restrict", "\\restrict", "with a key"),
        ("SELECT 1 \\restrict a\n;", "\\restrict", "between statements"),
        ("CREATE FUNCTION f() BEGIN ATOMIC \\i a\n END;", "\\i", "split"),
    ],
)
def test_a_psql_command_is_refused_by_name_with_the_way_to_do_it(command: str, name: str, advice: str) -> None:
    error = refusal(command)
    assert error.offset == command.index("\\")
    assert error.message == f"{name} is a command of psql, not SQL"
    assert advice in (error.hint or "")


def test_a_lone_backslash_is_refused_in_its_own_words() -> None:
    assert "backslash" in refusal("SELECT 1 \\ 2").message


def test_restrict_lines_of_pg_dump_are_between_statements_and_reported() -> None:
    text = "--\n\\restrict aB1\n\nSELECT 1;\n\\unrestrict aB1\n"
    (piece,) = stream((text,), PG)
    assert isinstance(piece, Sql)
    assert texts(text) == ["SELECT 1;"]
    assert [text[slice(*line)] for line in piece.psql_lines] == ["\\restrict aB1", "\\unrestrict aB1"]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("COPY t FROM stdin;", "1\ta;b\n2\tit's\n"),
        ("COPY t FROM stdin;", ""),
        ("copy public.t (a, b) from STDIN with (format csv, header);  -- rows", 'a,b\n1,"x\ny"\n'),
        ("COPY t FROM stdout;", "-- $$ no comment /*\n"),
        ("COPY BINARY t FROM stdin;", "\\N\n\\.x\n \\.\n"),
        ('COPY s."from" FROM /* here */ stdin;', "\\\\.\n"),
    ],
)
@pytest.mark.parametrize("after", ["\n", "", "\nSELECT 1;"])
def test_rows_of_copy_end_at_the_first_line_that_is_backslash_dot(sql: str, rows: str, after: str) -> None:
    text = f"SELECT 0;\n{sql}\n{rows}\\.{after}"
    first, *pieces = stream((text,), PG)
    found = [piece for piece in pieces if isinstance(piece, Rows)]
    assert isinstance(first, Sql)
    assert first.text.endswith(f"{sql}\n")
    assert [statement.takes_rows for statement in first.statements] == [False, True]
    assert "".join(piece.text[: piece.data_end] for piece in found) == rows
    assert found[-1].text[found[-1].data_end :].rstrip("\n") == "\\."
    assert len(split(text, PG)) == (3 if "SELECT" in after else 2)
    assert "".join(piece.text for piece in pieces[len(found) :]) == after.removeprefix("\n")


@pytest.mark.parametrize("text", ["COPY t FROM stdin;\n1\n2\n", "COPY t FROM stdin;", "COPY t FROM stdin;\n\\.1\n"])
def test_rows_without_an_end_are_refused_at_their_copy(text: str) -> None:
    error = refusal(f"SELECT 1;\n{text}")
    assert error.offset == 10
    assert "have no end" in error.message


def test_rows_begin_on_the_next_line() -> None:
    error = refusal("COPY t FROM stdin; SELECT 1;\n\\.\n")
    assert error.offset == 18
    assert "follows" in error.message


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("COPY t TO STDOUT", CopyDirection.OUT),
        ("COPY (SELECT a FROM stdin) TO stdout (FORMAT csv)", CopyDirection.OUT),
        ("COPY t TO STDIN", CopyDirection.OUT),
        ("COPY t FROM '/tmp/stdin'", None),
        ("COPY t FROM PROGRAM 'cat'", None),
        ("SELECT 1", None),
    ],
)
def test_copy_says_which_way_the_rows_go(text: str, direction: CopyDirection | None) -> None:
    assert copy_direction(text, only(text)) is direction


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("COPY t FROM stdin;", "text"),
        ("COPY t (binary) FROM stdin;", "text"),
        ("COPY csv (csv) FROM stdin;", "text"),
        ("COPY t FROM stdin WITH (FORMAT text, NULL 'csv');", "text"),
        ("COPY t FROM stdin NULL 'csv';", "text"),
        ("COPY t FROM stdin WHERE csv > 1;", "text"),
        ("COPY t FROM stdin WITH (FORMAT csv, NULL 'x');", "csv"),
        ("COPY t FROM stdin WITH (FORCE_NULL (binary), FORMAT /* so */ 'csv');", "csv"),
        (f"COPY t ({', '.join(f'c{number}' for number in range(1000))}) FROM stdin (FORMAT csv);", "csv"),
        ("COPY t FROM stdin WITH CSV HEADER;", "csv"),
        ("COPY t FROM stdin DELIMITER ',' CSV;", "csv"),
        ("COPY t FROM stdin (FORMAT binary);", "binary"),
        ("COPY t FROM stdin (FORMAT 'binary');", "binary"),
        ("COPY t FROM stdin BINARY;", "binary"),
        ("COPY BINARY t FROM stdin;", "binary"),
    ],
)
def test_the_format_of_a_copy_is_read_where_its_options_stand(sql: str, kind: str) -> None:
    text = f"{sql}\n\\.\n"
    assert copy_format(text, only(text)) == kind


def test_sqlite_knows_no_copy() -> None:
    assert not only("COPY t FROM stdin;\n", LITE).takes_rows


# --------------------------------------------------------------------------------------------------- streams

COPIES = (
    "SELECT 1;\nCOPY t FROM stdin;\n1\t;\n\\.x\n\\\n\\.\nSELECT 'it''s', E'\\'' -- c\n;\n"
    "/* a /* b */ */ COPY t FROM stdin;\n\\.\n-- end"
)


@pytest.mark.parametrize("dialect", list(Dialect))
@given(
    text=st.lists(st.sampled_from([*SCRAPS, COPIES, "\n\\restrict k\n"]), max_size=20).map("".join) | st.just(COPIES),
    chunk=st.integers(1, 9),
    size=st.integers(1, 60),
)
@settings(max_examples=150, deadline=None)
def test_chunks_and_sizes_make_no_difference_to_what_is_found(
    dialect: Dialect, text: str, chunk: int, size: int
) -> None:
    chunks = [text[start : start + chunk] for start in range(0, len(text), chunk)]
    assert bounds_or_refusal((text,), dialect, len(text) + 1, text) == bounds_or_refusal(chunks, dialect, size, text)


def bounds_or_refusal(chunks: Iterable[str], dialect: Dialect, size: int, text: str) -> object:
    try:
        pieces = list(stream(chunks, dialect, size))
    except SqlTextError as error:
        return error.offset, error.message
    check_pieces(text, pieces, dialect)
    sql = [piece for piece in pieces if isinstance(piece, Sql)]
    statements = [
        statement._replace(start=statement.start + piece.start, end=statement.end + piece.start)
        for piece in sql
        for statement in piece.statements
    ]
    lines = [(piece.start + start, piece.start + end) for piece in sql for start, end in piece.psql_lines]
    rows = "".join(piece.text[: piece.data_end] for piece in pieces if isinstance(piece, Rows))
    return statements, lines, rows


def test_a_stream_holds_little_of_a_long_text() -> None:
    read = 0

    def chunks() -> Iterator[str]:
        nonlocal read
        for number in range(2000):
            chunk = f"INSERT INTO t VALUES ({number}, 'it''s');\n" * 20
            read += len(chunk)
            yield chunk

    given = 0
    for piece in stream(chunks(), PG, 1000):
        given += len(piece.text)
        assert len(piece.text) < 2000
        assert read - given < 10_000
    assert given == read > 1_000_000


def test_rows_are_given_as_they_come() -> None:
    chunks = ["COPY t FROM stdin;\n", *["1\t2\n" * 100] * 50, "\\", ".\n"]
    pieces = list(stream(chunks, PG))
    assert len(pieces) > 5
    assert "".join(piece.text[: piece.data_end] for piece in pieces if isinstance(piece, Rows)) == "1\t2\n" * 5000


# ------------------------------------------------------------------------------------------------ backslashes


@pytest.mark.parametrize(
    "off",
    [
        "SET standard_conforming_strings = off;",
        "set session standard_conforming_strings to 'off';",
        "SET LOCAL standard_conforming_strings = 0;",
        'SET /* why */ "standard_conforming_strings" TO false;',
        "SELECT set_config('standard_conforming_strings', 'off', false);",
        "SELECT pg_catalog.set_config('standard_conforming_strings', 'no', true);",
    ],
)
@pytest.mark.parametrize(
    "on",
    [
        "SET standard_conforming_strings = on;",
        "SET standard_conforming_strings TO DEFAULT;",
        "RESET standard_conforming_strings;",
        "RESET ALL;",
    ],
)
def test_backslashes_escape_while_strings_do_not_conform(off: str, on: str) -> None:
    plain, escaped = r"SELECT 'a\';", r"SELECT 'it\'s; x', N'\';', e'\';', b'01', x'1F\', $$\$$;"
    text = f"{plain}\n{off}\n{escaped}\n{on}\n{plain}"
    assert texts(text) == [plain, off, escaped, on, plain]
    assert [statement.backslashes for statement in split(text, PG)] == [False, False, True, True, False]
    pieces = [piece for piece in stream((text,), PG) if isinstance(piece, Sql)]
    assert [piece.backslashes for piece in pieces] == [False, True, False], "a message is read by one set of rules"


@pytest.mark.parametrize(
    "text",
    [
        "SET standard_conforming_strings = on;",
        "SET search_path = standard_conforming_strings;",
        "SELECT 'standard_conforming_strings', 'off';",
        "SET escape_string_warning = off;",
    ],
)
def test_what_leaves_strings_as_they_are_makes_no_new_piece(text: str) -> None:
    assert len(list(stream((f"{text}\nSELECT 'a\\';",), PG))) == 1


def test_a_string_that_never_ends_is_refused_where_it_begins_with_backslashes_too() -> None:
    error = refusal("SET standard_conforming_strings = off;\nSELECT 'a''', 'b\\';")
    assert error.offset == 53


# ------------------------------------------------------------------------------------- transaction control

PLAIN, OPTIONS = True, False


@pytest.mark.parametrize(
    ("text", "control", "plain"),
    [
        ("BEGIN", Control.BEGIN, PLAIN),
        ("begin work", Control.BEGIN, PLAIN),
        ("BEGIN /* a */ TRANSACTION", Control.BEGIN, PLAIN),
        ("START TRANSACTION", Control.BEGIN, PLAIN),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", Control.BEGIN, OPTIONS),
        ("BEGIN READ ONLY, DEFERRABLE", Control.BEGIN, OPTIONS),
        ("START TRANSACTION READ WRITE", Control.BEGIN, OPTIONS),
        ("COMMIT", Control.COMMIT, PLAIN),
        ("COMMIT WORK", Control.COMMIT, PLAIN),
        ("COMMIT AND NO CHAIN", Control.COMMIT, PLAIN),
        ("END TRANSACTION", Control.COMMIT, PLAIN),
        ("COMMIT AND CHAIN", Control.COMMIT, OPTIONS),
        ("END AND CHAIN", Control.COMMIT, OPTIONS),
        ("ROLLBACK", Control.ROLLBACK, PLAIN),
        ("ABORT", Control.ROLLBACK, PLAIN),
        ("ROLLBACK AND CHAIN", Control.ROLLBACK, OPTIONS),
        ("ROLLBACK TO a", Control.SAVEPOINT, OPTIONS),
        ("ROLLBACK WORK TO SAVEPOINT a", Control.SAVEPOINT, OPTIONS),
        ("SAVEPOINT a", Control.SAVEPOINT, OPTIONS),
        ("RELEASE a", Control.SAVEPOINT, OPTIONS),
        ("PREPARE TRANSACTION 'a'", Control.PREPARE, OPTIONS),
        ("COMMIT PREPARED 'a'", Control.PREPARE, OPTIONS),
        ("ROLLBACK PREPARED 'a'", Control.PREPARE, OPTIONS),
        ("PREPARE a AS SELECT 1", None, OPTIONS),
        ("PREPARE transaction AS SELECT 1", None, OPTIONS),
        ("PREPARE transaction (int) AS SELECT 1", None, OPTIONS),
        ("SELECT 1", None, OPTIONS),
        ("DO $$ BEGIN COMMIT; END $$", None, OPTIONS),
    ],
)
def test_transaction_control_is_classified(text: str, control: Control | None, plain: bool) -> None:
    for form in (text, f"{text};", f"{text} -- a\n;", text.lower() + ";"):
        statement = only(form)
        assert (statement.control, statement.plain_control) == (control, plain)


@pytest.mark.parametrize(
    ("text", "control", "plain"),
    [
        ("BEGIN", Control.BEGIN, PLAIN),
        ("BEGIN IMMEDIATE TRANSACTION", Control.BEGIN, PLAIN),
        ("BEGIN EXCLUSIVE", Control.BEGIN, PLAIN),
        ("COMMIT TRANSACTION", Control.COMMIT, PLAIN),
        ("END", Control.COMMIT, PLAIN),
        ("ROLLBACK", Control.ROLLBACK, PLAIN),
        ("ROLLBACK TRANSACTION TO SAVEPOINT a", Control.SAVEPOINT, OPTIONS),
        ("RELEASE SAVEPOINT a", Control.SAVEPOINT, OPTIONS),
        ("START TRANSACTION", None, OPTIONS),
    ],
)
def test_sqlite_has_its_own_transaction_control(text: str, control: Control | None, plain: bool) -> None:
    statement = only(text, LITE)
    assert (statement.control, statement.plain_control) == (control, plain)


# --------------------------------------------------------------------- what does not go into a transaction


@pytest.mark.parametrize(
    "text",
    [
        "CREATE DATABASE a",
        "DROP DATABASE IF EXISTS a",
        "ALTER DATABASE a SET TABLESPACE b",
        "CREATE TABLESPACE a LOCATION '/b'",
        "DROP TABLESPACE a",
        "VACUUM",
        "VACUUM (FULL) a",
        "ALTER SYSTEM SET a = 1",
        "CREATE INDEX CONCURRENTLY a ON b (c)",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a ON b (c)",
        "create /* really */ index\nconcurrently on b (c)",
        "DROP INDEX CONCURRENTLY a",
        "REINDEX TABLE CONCURRENTLY a",
        "REINDEX (VERBOSE) INDEX CONCURRENTLY a",
        "REINDEX (CONCURRENTLY) TABLE a",
        "REINDEX (VERBOSE, CONCURRENTLY true) TABLE a",
        "REINDEX SCHEMA a",
        "REINDEX (VERBOSE) DATABASE a",
        "REINDEX SYSTEM",
        "CLUSTER",
        "CLUSTER VERBOSE",
        "CLUSTER (VERBOSE)",
        "ALTER TABLE IF EXISTS s.a DETACH PARTITION s.b CONCURRENTLY",
        "DISCARD ALL",
        "CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c",
        "CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c WITH (create_slot = true)",
    ],
)
def test_postgresql_refuses_these_in_a_transaction(text: str) -> None:
    for form in (text, f"{text};", f"{text} /* c */;"):
        assert refuses_transaction(form, only(form), PG)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "(SELECT 1)",
        "CREATE INDEX a ON b (c)",
        'CREATE INDEX "concurrently" ON b (c)',
        "DROP INDEX a",
        "REINDEX TABLE a",
        "REINDEX (VERBOSE) TABLE a",
        "REINDEX (CONCURRENTLY false) TABLE a",
        "CLUSTER a USING b",
        "CLUSTER VERBOSE a",
        "CLUSTER (VERBOSE) a",
        "ALTER TABLE a DETACH PARTITION b",
        "ALTER TABLE a DETACH PARTITION b FINALIZE",
        "ALTER TABLE a ADD COLUMN concurrently int",
        "ALTER DATABASE a SET work_mem = '1MB'",
        "DISCARD TEMP",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY a",
        "ANALYZE",
        "TRUNCATE a",
        "ALTER TYPE a ADD VALUE 'b'",
        "CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c WITH (create_slot = false)",
        "CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c WITH (connect = 'off', enabled = false)",
    ],
)
def test_postgresql_takes_these_in_a_transaction(text: str) -> None:
    assert not refuses_transaction(text, only(text), PG)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("VACUUM", True),
        ("PRAGMA foreign_keys = OFF", True),
        ("pragma foreign_keys(0)", True),
        ("PRAGMA main.journal_mode = WAL", True),
        ("PRAGMA foreign_keys", False),
        ("PRAGMA foreign_key_check", False),
        ("PRAGMA defer_foreign_keys = ON", False),
        ("PRAGMA", False),
        ("CREATE INDEX a ON b (c)", False),
    ],
)
def test_sqlite_refuses_or_ignores_these_in_a_transaction(text: str, refused: bool) -> None:
    assert refuses_transaction(text, only(text, LITE), LITE) is refused


# ------------------------------------------------------------------------------------------------- tokens


@pytest.mark.parametrize("dialect", list(Dialect))
@given(text=st.lists(st.sampled_from(SCRAPS), max_size=20).map("".join))
@settings(max_examples=80, deadline=None)
def test_tokens_leave_only_blanks_between_them(dialect: Dialect, text: str) -> None:
    position = 0
    try:
        for token in tokens(text, dialect):
            assert text[position : token.start].strip(" \t\n\r\f\v") == ""
            assert token.end > token.start >= position
            position = token.end
    except SqlTextError:
        return
    assert text[position:].strip(" \t\n\r\f\v") == ""


def test_the_token_at_an_offset_is_found_wherever_that_is() -> None:
    (piece,) = stream(("-- a\nSELECT 'b', \"c\" /* d */;\n-- e\nSELECT f; ;-- g\n",), PG)
    assert isinstance(piece, Sql)
    marks = [piece.text.index(character) for character in "acdefg"]
    marks = sorted([*marks, piece.text.index("'b'") + 1, piece.text.index(' "')])
    assert [token and token.kind for token in tokens_at(piece, PG, marks)] == [
        *(Kind.COMMENT, Kind.STRING, None, Kind.IDENTIFIER, Kind.COMMENT),
        *(Kind.COMMENT, Kind.WORD, Kind.COMMENT),
    ]


SAME = [
    ("SELECT 1", "select_", False),
    ("SELECT 1;", "SELECT 1", True),
    ("SELECT  1 ;", "-- a\nSELECT /* b */ 1\n;", True),
    ("SELECT f(a,b)", "SELECT f( a, b )", True),
    ("SELECT 'a  b'", "SELECT 'a b'", False),
    ("SELECT $$ -- a\n$$", "SELECT $$ $$", False),
    ("SELECT 'a'\n'b'", "SELECT 'a' 'b'", False),
    ("SELECT 'a'\n'b'", "SELECT 'a' \n\n 'b'", True),
    ("SELECT a/**/b", "SELECT ab", False),
    ("SELECT a/**/b", "SELECT a b", True),
    ("SELECT 1 - -1", "SELECT 1 --1", False),
    ("\\restrict a\nSELECT 1;", "\\restrict b\nSELECT 1;", True),
    ("COPY t FROM stdin;\n1  2\n\\.\n", "COPY t FROM stdin; -- a\n1  2\n\\.\n", True),
    ("COPY t FROM stdin;\n1  2\n\\.\n", "COPY t FROM stdin;\n1 2\n\\.\n", False),
    ("SELECT 'a", "SELECT  'a", False),
]


@pytest.mark.parametrize(("one", "other", "same"), SAME)
def test_texts_that_differ_in_comments_and_blanks_only_are_the_same_without(one: str, other: str, same: bool) -> None:
    assert (without_comments(one, PG) == without_comments(other, PG)) is same


def test_a_text_that_cannot_be_read_is_compared_as_it_is() -> None:
    assert without_comments("SELECT  'a", PG) == "SELECT  'a"


@pytest.mark.parametrize(("text", "dialect"), WHOLES)
def test_taking_comments_out_twice_changes_nothing_more(text: str, dialect: Dialect) -> None:
    once = without_comments(text, dialect)
    assert without_comments(once, dialect) == once
