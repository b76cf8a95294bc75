"""The same statements as psql cuts out of a file, which is what people have run until now.

A real psql runs each text as a file on a real server, and what it sends is read off the wire. Where psql and the server
differ, the server is right: those texts are named here, and run.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from migration_manager.model import Dialect
from migration_manager.sqltext import Rows, Sql, SqlTextError, split, stream
from tests.differential.psql import powerless, run_files, server_version
from tests.differential.reference import bare, parsed
from tests.fixtures.postgres import Database
from tests.fuzz.hostile_sql import HostileSql, as_in_a_file, corpus

pytestmark = pytest.mark.postgres

PG = Dialect.POSTGRESQL
GENERATED = 600  # texts of each kind
MISREAD = ("continued_strings.sql", "miscounted_by_psql.sql")  # psql cuts them elsewhere than the server
BACKSLASHES = "SET standard_conforming_strings = off;\n"


def ours(text: str) -> list[str]:
    """Return the statements of a text without their semicolons and, as psql sends them, without empty lines."""
    return [flat(text[statement.start : statement.end]) for statement in split(text, PG)]


def flat(statement: str) -> str:
    # psql drops empty lines outside of literals; here they go everywhere, on both sides.
    return re.sub("\n+", "\n", statement.rstrip(" \t\n\r\f\v;"))


def in_queries(queries: list[str], before: str = "") -> list[str]:
    """Return the statements in what psql sent: one in each query at most, with what stands around it in the file."""
    found: list[str] = []
    for query in queries:
        try:
            statements = ours(before + query)[1 if before else 0 :]
        except SqlTextError as error:
            return [*found, f"{query!r}: {error.message}"]
        found += statements if len(statements) <= 1 else [f"{query!r} at once"]
    return found


# ---------------------------------------------------------------------------------------------- exceptions


def not_comparable(text: str) -> str | None:
    """Return why psql would do something else with a text, or must not see it; None where it can be asked."""
    if re.search(r"\\[^'\"\\;.\s0-9xn$]", text):
        return "might be one of psql's commands, which can do anything"
    if re.search(r":['\"]?[A-Z_]|:\{", text):
        return "might be one of psql's variables, which mean nothing to us"
    if re.search(r":\w+['$&]", text):
        return "it takes the a of :a$$ and the e of :e'' for a variable's name, and what follows for another token"
    if re.search(r"[0-9.][eE](?:'|--)", text):
        return "it takes the E of 1E'' and 1E-- for an exponent; the server refuses the text either way"
    if re.search(r"[eE]'", text) and re.search(r"'\s*(?:--[^\n]*)?\n(?:\s|--[^\n]*\n)*'", text):
        return "it lexes line by line, so that E'a' and '\\'' in the next line are two literals to it"
    if "standard_conforming_strings" in text.casefold():
        return "it follows what the server has set, and the role here may set nothing for others: tested below"
    try:
        pieces = list(stream((text,), PG))
    except SqlTextError:
        return "we refuse it"
    if any(isinstance(piece, Rows) for piece in pieces):
        return "it takes rows where the server does, which has no tables here: tested below"
    return None


_MAY_BE_MISCOUNTED = re.compile(r"create\W.*(function|procedure)\W.*\b(begin|end)\b", re.IGNORECASE | re.DOTALL)


def is_miscounted(text: str) -> bool:
    """Return whether psql may see a body where none is, or its end where it is not. The grammar has the last word."""
    if _MAY_BE_MISCOUNTED.search(text) is None:
        return False
    truth = parsed(text)
    return truth is None or [flat(bare(piece)) for piece in truth] == [bare(piece) for piece in ours(text)]


# --------------------------------------------------------------------------------------------------- corpus


def test_the_corpus_is_cut_as_psql_cuts_it(database: Database) -> None:
    texts = corpus()
    with powerless(database) as weak:
        sent = run_files(weak, list(texts.values()))
    for (name, text), file in zip(texts.items(), sent, strict=True):
        if name in MISREAD:
            assert [query.rstrip(";") for query in file.queries] != ours(text), "psql has learnt it: no exception then"
        else:
            assert in_queries(file.queries) == ours(text), name


# --------------------------------------------------------------------------------------------- generated text


@pytest.mark.parametrize("kind", ["composed", "mutated", "glued", "noise"])
def test_generated_text_is_cut_as_psql_cuts_it(kind: str, database: Database, generator: HostileSql) -> None:
    seen: Counter[str] = Counter()
    texts: list[str] = []
    for _ in range(GENERATED):
        text = as_in_a_file(getattr(generator, kind)())
        reason = not_comparable(text)
        seen[reason or "compared"] += 1
        if reason is None:
            texts.append(text)
    with powerless(database) as weak:
        sent = run_files(weak, texts)
    for text, file in zip(texts, sent, strict=True):
        if is_miscounted(text):
            seen["miscounted by psql"] += 1
        else:
            assert in_queries(file.queries) == ours(text), repr(text)
    print(seen)
    assert seen["compared"] - seen["miscounted by psql"] > GENERATED * 0.04


# ----------------------------------------------------------------------------------- where the server is right

SERVER_IS_RIGHT = {
    "an escape string goes on in the next line": "SELECT E'a'\n'b\\';c'; SELECT 2",
    "an escape string goes on after a comment": "SELECT E'a' -- x\n -- it's; y\n  '\\';'; SELECT 2",
    "a string goes on after a comment": "SELECT 'a\\' -- x '\n ';b'; SELECT ';'",
}


@pytest.mark.parametrize("text", [*SERVER_IS_RIGHT.values(), *(corpus()[name] for name in MISREAD)])
def test_the_server_cuts_as_we_do_where_psql_does_not(text: str, database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE SCHEMA whole; SET search_path = whole, public; DROP SCHEMA public")
    results = []
    for statements in ([text], [text[piece.start : piece.end] for piece in split(text, PG)]):
        found: list[object] = []
        with database.connect() as connection:
            connection.execute("BEGIN; CREATE SCHEMA public; SET LOCAL check_function_bodies = on")
            for statement in statements:
                cursor = connection.execute(statement.encode())
                found += [
                    (result.statusmessage, result.fetchall() if result.description else None)
                    for result in cursor.results()
                ]
            connection.execute("ROLLBACK")
        results.append(found)
    assert results[0] == results[1]
    assert len(results[0]) == len(split(text, PG))


def test_psql_still_cuts_escape_strings_that_go_on(database: Database) -> None:
    """When this fails, psql has learnt it, and the exceptions above may go."""
    (sent,) = run_files(database, [SERVER_IS_RIGHT["an escape string goes on in the next line"]])
    assert sent.queries != ["SELECT E'a'\n'b\\';c';", "SELECT 2"]


# ----------------------------------------------------------------------------------------------------- COPY

COPIES = {
    "text": "COPY {} FROM stdin;\n1\t2\n\\\\.\t\\N\n\\.\n",
    "data that looks like SQL": "COPY {} FROM stdin;\nit's; $$ /* -- \n\");\n\\.\nSELECT 1;",
    "no row": "COPY {} FROM stdin;\n\\.\n",
    "empty lines": "COPY {} FROM stdin;\n\n\n\\.\n",
    "lines that are not quite the end": "COPY {} FROM stdin;\n \\.\n\\. \n\\..\nx\\.\n\\\\.\n\\.\n",
    "csv": 'COPY {} FROM stdin WITH (FORMAT csv, HEADER);\na\n"x;\n y"\n\'\n\\.\n',
    "both words": "COPY {} FROM stdout;\n1\n\\.\n",
    "columns and a condition": "copy {} (a) from STDIN (format 'text', null ';') where a <> ';' ;\n1\n\\.\n",
    "comments around": "/* ; */ COPY /* ; */ {} -- ;\nFROM /* ; */ stdin /* ; */; -- rows; really\n1\n\\.\n-- x\n",
    "blanks after the semicolon": "COPY {} FROM stdin; \t \n1\n\\.\n",
    "two in a row": "COPY {0} FROM stdin;\n1\n\\.\nCOPY {0} FROM stdin;\n2\n\\.\nSELECT 1; SELECT 2",
    "rows with accents": "SELECT 'é'; COPY {} FROM stdin;\né😀\n\\.\n\n\nSELECT 1;",
    "no rows in the file": "COPY {} TO stdout; COPY (SELECT ';') TO STDIN; SELECT 1;",
}


def assert_cut_alike(text: str, queries: list[str], rows: str) -> None:
    assert rows == rows_in(text), repr(text)
    assert in_queries_with_copy(queries) == ours(text), repr(text)


def rows_in(text: str) -> str:
    return "".join(piece.text[: piece.data_end] for piece in stream((text,), PG) if isinstance(piece, Rows))


def in_queries_with_copy(queries: list[str]) -> list[str]:
    # Alone, a COPY wants rows; the end of some gives it none.
    return in_queries([f"{query}\n\\." if re.search(r"(?i)from\W.*std", query) else query for query in queries])


def test_rows_are_what_psql_takes_for_rows(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE sink (a text)")
    texts = [text.format("sink") for text in COPIES.values()]
    for text, sent in zip(texts, run_files(database, texts), strict=True):
        assert_cut_alike(text, sent.queries, sent.rows)


def test_an_end_of_rows_without_a_line_end_is_one_to_us_alone(database: Database) -> None:
    """To psql it is data, which the server refuses as a corrupt end; in CSV it becomes a row nobody meant."""
    with database.connect() as connection:
        connection.execute("CREATE TABLE sink (a text)")
    text = "COPY sink FROM stdin;\na\n\\."
    (sent,) = run_files(database, [text])
    assert sent.rows == "a\n\\."
    assert rows_in(text) == "a\n"
    with database.connect() as connection:
        assert connection.execute("SELECT a FROM sink").fetchall() == []


def test_generated_rows_are_what_psql_takes_for_rows(database: Database, generator: HostileSql) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE sink (a text)")
    texts = []
    for _ in range(GENERATED // 2):
        noise = [as_in_a_file(generator.noise()) for _ in range(generator.random.randint(0, 4))]
        rows = "".join(f"{line}\n" for line in noise if not re.search(r"^\\\.$", line, re.MULTILINE))
        texts.append(f"SELECT 1; COPY sink FROM stdin;\n{rows}\\.\nSELECT ';';\nCOPY sink FROM stdin;\n\\.\n")
    for text, sent in zip(texts, run_files(database, texts), strict=True):
        assert_cut_alike(text, sent.queries, sent.rows)


# ------------------------------------------------------------------------------- standard_conforming_strings

SETTINGS = {
    "set": "SET standard_conforming_strings = off;",
    "set to": "set Standard_Conforming_Strings to OFF;",
    "set with a string": "SET standard_conforming_strings TO 'off';",
    "set for the session": "SET SESSION standard_conforming_strings = false;",
    "set by number": "SET standard_conforming_strings = 0;",
    "set by another word": "SET standard_conforming_strings = no;",
    "set with a quoted name": 'SET "standard_conforming_strings" = off;',
    "set with comments": "/* ; */ SET /* ; */ standard_conforming_strings -- ;\n = /* ; */ off -- ;\n;",
    "set for the transaction": "BEGIN; SET LOCAL standard_conforming_strings = off;",
    "set by a function": "SELECT set_config('standard_conforming_strings', 'off', false);",
    "set by a function with its schema": "SELECT pg_catalog.set_config('standard_conforming_strings', 'off', false);",
    "set and set back": "SET standard_conforming_strings = off; SET standard_conforming_strings = on;",
    "set to the default": "SET standard_conforming_strings = off; SET standard_conforming_strings TO DEFAULT;",
    "reset": "SET standard_conforming_strings = off; RESET standard_conforming_strings;",
    "reset with all others": "SET standard_conforming_strings = off; RESET ALL;",
    "reset of another": "SET standard_conforming_strings = off; RESET work_mem;",
    "another setting": "SET escape_string_warning = off;",
    "only shown": "SHOW standard_conforming_strings;",
    "in a string": "SELECT 'SET standard_conforming_strings = off;';",
}


@pytest.fixture
def database_with_the_setting(database: Database) -> Database:
    if server_version(database) >= 190000:
        pytest.skip("this server's strings always conform")
    return database


def test_how_strings_are_read_follows_the_settings_that_psql_follows(database_with_the_setting: Database) -> None:
    telltale = "SELECT 'a\\'; {}\nSELECT 'b\\', ';'; SELECT 2;'; SELECT 3; -- '"
    texts = {name: telltale.format(setting) for name, setting in SETTINGS.items()}
    sent = run_files(database_with_the_setting, list(texts.values()))
    for (name, text), file in zip(texts.items(), sent, strict=True):
        assert [query.rstrip(" ;") for query in file.queries] == whole_queries(text), name


def whole_queries(text: str) -> list[str]:
    """Return the statements with the comments before them, as psql sends them."""
    ends = [statement.end for statement in split(text, PG)]
    return [text[start:end].strip().rstrip(" ;") for start, end in zip([0, *ends[:-1]], ends, strict=True)]


@pytest.mark.parametrize("kind", ["composed", "mutated", "noise"])
def test_generated_text_is_cut_as_psql_cuts_it_where_backslashes_escape(
    kind: str, database_with_the_setting: Database, generator: HostileSql
) -> None:
    texts = []
    for _ in range(GENERATED):
        text = BACKSLASHES + as_in_a_file(getattr(generator, kind)())
        # Two more that psql does for itself: strings go on line by line, and a body's words are counted.
        if comparable_with_backslashes(text):
            texts.append(text)
    with powerless(database_with_the_setting) as weak:
        sent = run_files(weak, texts)
    for text, file in zip(texts, sent, strict=True):
        assert in_queries(file.queries, BACKSLASHES) == ours(text), repr(text)
    print(len(texts))
    assert len(texts) > GENERATED * 0.03


def comparable_with_backslashes(text: str) -> bool:
    rest = text.removeprefix(BACKSLASHES)
    if _MAY_BE_MISCOUNTED.search(rest):
        return False  # the grammar, which reads backslashes as they are, cannot be asked who is right
    if re.search(r"[uU]&'", rest):
        return False  # the server refuses U&'' where backslashes escape, so psql does not care where it ends
    if not_comparable(rest) not in (None, "we refuse it") or re.search(r"'\s*(--[^\n]*)?\n(\s|--[^\n]*\n)*'", rest):
        return False
    try:
        return not any(isinstance(piece, Rows) for piece in stream((text,), PG))
    except SqlTextError:
        return False


def test_every_piece_says_how_its_strings_are_read() -> None:
    pieces = list(stream((f"{BACKSLASHES}SELECT 'a\\';';RESET ALL;SELECT 'b\\'",), PG))
    assert [piece.backslashes for piece in pieces if isinstance(piece, Sql)] == [False, True, False]
