"""From text to a script that may run: the neutralised pair, and everything that is refused before it runs."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration_manager.errors import DirectiveError, FileError
from migration_manager.messages import messages, one_by_one
from migration_manager.model import Dialect, Script, Source
from migration_manager.script import parse

PG = Dialect.POSTGRESQL
LITE = Dialect.SQLITE
ALONE = "-- migrate: no-transaction\n"


def source(text: str) -> Source:
    return Source.held("001_a.sql", text, "v1:" + hashlib.sha256(text.encode()).hexdigest())


def script(text: str, dialect: Dialect = PG, *, rollback: bool = False) -> Script:
    return parse(source(text), dialect, rollback=rollback)


def refusal(text: str, dialect: Dialect = PG, *, rollback: bool = False) -> FileError:
    with pytest.raises(FileError) as caught:
        script(text, dialect, rollback=rollback)
    return caught.value


def texts(made: Script) -> list[str]:
    return [message.text for message in one_by_one(made)]


def sent(made: Script) -> str:
    """Return the one message a short script is sent as, in the place it has in its file."""
    (message,) = messages(made)
    return message.text


# ------------------------------------------------------------------------------------------ what passes


def test_an_ordinary_file_is_sent_as_it_is() -> None:
    text = "-- a\nCREATE TABLE t (a int);\nSELECT '%s', :b, ${c}; -- end"
    made = script(text)
    assert sent(made) == text
    assert made.source.text == text
    assert made.statement_count == 2


@pytest.mark.parametrize(
    ("begin", "commit"),
    [
        ("BEGIN;", "COMMIT;"),
        ("begin transaction ;", "end"),
        ("START TRANSACTION;", "COMMIT WORK; -- done\n"),
        ("BEGIN /* a\nb */ WORK;", "COMMIT\n;"),
    ],
)
def test_the_outermost_begin_and_commit_are_blanked_without_moving_anything(begin: str, commit: str) -> None:
    text = f"-- header\n{begin}\nSELECT 1;\nSELECT 2;\n{commit}"
    made = script(text)
    assert texts(made) == ["SELECT 1;", "SELECT 2;"]
    assert len(sent(made)) == len(text)
    assert [i for i, c in enumerate(sent(made)) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]
    assert "BEGIN" not in sent(made).upper()
    assert "COMMIT" not in sent(made).upper()
    assert made.source.text == text


def test_savepoints_are_harmless_inside_the_transaction() -> None:
    made = script("SAVEPOINT a; SELECT 1; ROLLBACK TO a; RELEASE SAVEPOINT a;")
    assert made.statement_count == 4


@pytest.mark.parametrize("mode", ["", " IMMEDIATE", " EXCLUSIVE", " DEFERRED TRANSACTION"])
def test_a_sqlite_file_may_have_its_pair_too(mode: str) -> None:
    assert texts(script(f"BEGIN{mode}; SELECT 1; COMMIT;", LITE)) == ["SELECT 1;"]


def test_the_restrict_lines_of_pg_dump_are_blanked() -> None:
    text = "--\n\\restrict aB1\nSELECT 1;\n\\unrestrict aB1\n"
    made = script(text)
    assert sent(made) == "--\n             \nSELECT 1;\n               \n"


def test_copy_with_its_rows_passes_in_both_kinds_of_file() -> None:
    for head in ("", ALONE):
        made = script(f"{head}COPY t FROM stdin WITH (FORMAT csv);\n1;2\n\\.\nSELECT 1;")
        found = [(message.text.split()[-1], "".join(message.rows)) for message in messages(made)]
        assert found == [("csv);", "1;2\n"), ("1;", "")]
        assert texts(made) == ["COPY t FROM stdin WITH (FORMAT csv);", "SELECT 1;"]


def test_a_copy_in_a_sqlite_file_is_left_to_sqlite() -> None:
    assert script("COPY a --/*\n", LITE).statement_count


@pytest.mark.parametrize(
    ("text", "any_statement"),
    [
        ("", False),
        ("-- nothing\n;;", False),
        ("BEGIN;\n-- nothing\nCOMMIT;", False),
        ("SELECT 1", True),
        ("BEGIN; SELECT 1; COMMIT;", True),
    ],
)
def test_a_script_says_whether_there_is_anything_to_run(text: str, any_statement: bool) -> None:
    assert bool(script(text).statement_count) is any_statement


@given(
    st.lists(st.sampled_from(["BEGIN;", "COMMIT;", "SELECT 1;", "\n", "-- a\n", "\\restrict a\n", "'x';"]), max_size=8)
)
@settings(max_examples=100, deadline=None)
def test_what_is_sent_is_as_long_as_the_file_and_differs_in_blanks_only(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        made = script(text)
    except FileError:
        return
    for message in messages(made):
        written = text[message.batch.start : message.batch.end]
        assert len(message.text) == len(written)
        assert all(one in (other, " ") for one, other in zip(message.text, written, strict=True))
        assert "\\" not in message.text
    assert all(text.startswith(message.text, message.batch.start) for message in one_by_one(made))


# ------------------------------------------------------------------------------------ transaction control


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        ("SELECT 1;\nCOMMIT;\nSELECT 2;", 2, "COMMIT:"),
        ("SELECT 1;\nEND;", 2, "END:"),
        ("BEGIN;\nSELECT 1;\nCOMMIT;\nCOMMIT;", 3, "COMMIT:"),
        ("BEGIN;\nSELECT 1;\nCOMMIT;\nBEGIN;\nSELECT 2;\nCOMMIT;", 3, "COMMIT:"),
        ("BEGIN;\nBEGIN;\nSELECT 1;\nCOMMIT;", 2, "BEGIN:"),
        ("SELECT 1;\nROLLBACK;", 2, "ROLLBACK:"),
        ("SELECT 1;\nABORT;", 2, "ABORT:"),
        ("SELECT 1;\nCOMMIT AND CHAIN;", 2, "COMMIT AND CHAIN:"),
        ("SELECT 1;\nROLLBACK AND CHAIN;", 2, "ROLLBACK AND CHAIN:"),
        ("BEGIN;\nSELECT 1;\nCOMMIT AND CHAIN;", 1, "BEGIN:"),
        ("SELECT 1;\nPREPARE TRANSACTION 'a';", 2, "PREPARE TRANSACTION 'a':"),
        ("SELECT 1;\nCOMMIT PREPARED 'a';", 2, "COMMIT PREPARED 'a':"),
        ("SELECT 1;\nSET TRANSACTION READ ONLY;", 2, "SET TRANSACTION READ ONLY:"),
    ],
)
def test_other_transaction_control_is_refused_by_name_and_line(text: str, line: int, shown: str) -> None:
    error = refusal(text)
    assert (error.path, error.line, error.column) == ("001_a.sql", line, 1)
    assert error.reason.startswith(shown)
    assert "^" in (error.excerpt or "")


def test_both_ways_out_are_named() -> None:
    hint = refusal("SELECT 1;\nCOMMIT;").hint or ""
    assert "delete it" in hint
    assert "-- migrate: no-transaction" in hint


def test_a_begin_without_its_commit_at_the_end_says_so() -> None:
    error = refusal("BEGIN;\nSELECT 1;")
    assert "last statement of this file is not its COMMIT" in error.reason


@pytest.mark.parametrize("begin", ["BEGIN ISOLATION LEVEL SERIALIZABLE", "START TRANSACTION READ ONLY"])
def test_modes_on_the_outer_begin_are_refused(begin: str) -> None:
    error = refusal(f"{begin};\nSELECT 1;\nCOMMIT;")
    assert error.line == 1
    assert "READ COMMITTED" in error.reason


@pytest.mark.parametrize("statement", ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT a", "PREPARE TRANSACTION 'a'"])
def test_a_no_transaction_file_has_no_transaction_control_at_all(statement: str) -> None:
    error = refusal(f"{ALONE}SELECT 1;\n{statement};")
    assert error.line == 3
    assert "committed by itself" in error.reason


def test_a_no_transaction_file_has_no_pair_either() -> None:
    assert refusal(f"{ALONE}BEGIN;\nSELECT 1;\nCOMMIT;").line == 2


@pytest.mark.parametrize(
    "text",
    [
        "-- COMMIT;\nSELECT 1;",
        "SELECT 'COMMIT;';",
        "DO $$ BEGIN COMMIT; END $$;",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;",
        "PREPARE a AS SELECT 1;",
        "SELECT 1 AS commit;",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE;",
    ],
)
def test_what_only_looks_like_transaction_control_passes(text: str) -> None:
    assert script(text).statement_count


# ----------------------------------------------------------------------------- statements in the wrong file


@pytest.mark.parametrize(
    ("text", "dialect", "reason"),
    [
        ("CREATE INDEX CONCURRENTLY a ON b (c);", PG, "CREATE INDEX CONCURRENTLY a ON b (c) cannot run inside"),
        ("VACUUM;", PG, "VACUUM cannot run inside a transaction"),
        ("VACUUM;", LITE, "VACUUM cannot run inside a transaction"),
        ("PRAGMA foreign_keys = OFF;", LITE, "PRAGMA foreign_keys = OFF has no effect inside a transaction"),
    ],
)
def test_what_refuses_a_transaction_needs_the_directive(text: str, dialect: Dialect, reason: str) -> None:
    error = refusal(f"SELECT 1;\n  {text}", dialect)
    assert (error.line, error.column) == (2, 3)
    assert error.reason.startswith(reason)
    assert "-- migrate: no-transaction" in (error.hint or "")
    assert texts(script(f"{ALONE}{text}", dialect)) == [text]


def test_a_long_statement_is_named_by_its_beginning() -> None:
    error = refusal(f"CREATE INDEX CONCURRENTLY a\n  ON b ({'c, ' * 100}d);")
    assert error.reason.startswith("CREATE INDEX CONCURRENTLY a ON b (c, c, ")
    assert len(error.reason) < 120


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("COPY t TO STDOUT;", "nobody reads"),
        ("COPY (SELECT 1) TO stdout;", "nobody reads"),
        ("COPY t FROM stdin (FORMAT binary);\n\\.\n", "cannot hold binary rows"),
    ],
)
def test_copies_that_cannot_work_are_refused(text: str, reason: str) -> None:
    for head in ("", ALONE):
        assert reason in refusal(f"{head}{text}").reason


def test_nothing_to_undo_and_a_statement_contradict_each_other() -> None:
    text = "-- migrate: nothing-to-undo because a\n\nSELECT 1;"
    error = refusal(text, rollback=True)
    assert isinstance(error, DirectiveError)
    assert "line 3" in error.reason


# --------------------------------------------------------------------------------- files that are no SQL


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("SELECT 1;\nSELECT é, 'a;\n", 2, 11, "a string is opened here"),
        ("SELECT 1;\n\\i other.sql\n", 2, 1, "\\i is a command of psql"),
        ("COPY t FROM stdin;\n1\n", 1, 1, "have no end"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(text: str, line: int, column: int, reason: str) -> None:
    error = refusal(text)
    assert (error.line, error.column) == (line, column)
    assert reason in error.reason


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("SELECT 1;\n<<<<<<< HEAD\nSELECT 2;\n=======\nSELECT 3;\n>>>>>>> branch\n", 2),
        ("<<<<<<< HEAD\nSELECT 'a\n=======\nSELECT 3;\n>>>>>>> branch\n", 1),
        ("CREATE TABLE t (\n  a int,\n<<<<<<< HEAD\n  b int\n=======\n  c int\n>>>>>>> x\n);", 3),
        ("SELECT 1;\n=======\nSELECT 2;\n>>>>>>> branch\n", 2),
    ],
)
def test_lines_of_an_unfinished_merge_are_refused(text: str, line: int) -> None:
    error = refusal(text)
    assert error.line == line
    assert "unfinished git merge" in error.reason


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '\n<<<<<<< HEAD\n=======\n>>>>>>> b\n';",
        "/*\n=======\n<<<<<<< here\n=======\n*/\nSELECT 1;",
        "COPY t FROM stdin;\n<<<<<<< HEAD\n\\.\n",
        "-- a\n-- <<<<<<< HEAD\nSELECT 1;",
    ],
)
def test_the_same_characters_as_data_or_comment_pass(text: str) -> None:
    assert script(text).statement_count


# ------------------------------------------------------------------------------------------- long files

LONG = "".join(f"INSERT INTO t VALUES ({number}, 'é;');\n" for number in range(10_000))


def places(made: Script) -> list[tuple[int, int]]:
    """Return where each message begins, and its line."""
    return [(message.batch.start, message.batch.line) for message in messages(made)]


def test_a_long_file_is_sent_in_batches_that_together_are_the_file() -> None:
    made = script(LONG)
    assert made.statement_count == 10_000
    assert len(made.batches) > 3
    assert "".join(message.text for message in messages(made)) == LONG
    assert all(LONG.count("\n", 0, start) + 1 == line for start, line in places(made))


def test_each_statement_of_a_long_file_has_its_place() -> None:
    for number, message in enumerate(one_by_one(script(LONG))):
        assert message.text == f"INSERT INTO t VALUES ({number}, 'é;');"
        assert message.batch.line == number + 1
        assert LONG.startswith(message.text, message.batch.start)


def test_the_outermost_pair_of_a_long_file_is_in_two_batches() -> None:
    made = script(f"BEGIN;\n{LONG}COMMIT;\n")
    assert made.statement_count == 10_000
    assert "BEGIN" not in next(messages(made)).text
    assert all("COMMIT" not in message.text for message in messages(made))


@pytest.mark.parametrize("text", [f"{LONG}COMMIT;\n{LONG}", f"BEGIN;\n{LONG}COMMIT;\nSELECT 1;\nCOMMIT;\n"])
def test_what_must_not_run_is_found_far_into_a_file(text: str) -> None:
    error = refusal(text)
    assert (error.line, error.column) == (text.count("\n", 0, text.index("COMMIT")) + 1, 1)
    assert "COMMIT" in (error.excerpt or "")


def test_a_literal_that_never_ends_is_found_far_into_a_file() -> None:
    error = refusal(f"{LONG}\n  SELECT 'a;\n{LONG.replace(chr(39), '')}")
    assert (error.line, error.column) == (10_002, 10)


def test_a_merge_that_is_not_finished_is_found_far_into_a_file() -> None:
    assert refusal(f"{LONG}<<<<<<< HEAD\nSELECT 1;\n").line == 10_001
    assert refusal(f"{LONG}<<<<<<< HEAD\nSELECT 'it;\n=======\n{LONG}>>>>>>> other\n").line == 10_001


def test_the_first_statement_that_counts_is_named_when_the_header_denies_any() -> None:
    filler = "-- filler\n" * 10_000
    text = f"-- migrate: nothing-to-undo because x\nBEGIN;\n{filler}SELECT 1;\n{filler}COMMIT;\n"
    with pytest.raises(DirectiveError, match="begins on line 10003"):
        script(text, rollback=True)


def test_rows_are_read_again_with_their_copy_or_passed_over() -> None:
    rows = "1\té\n" * 50_000
    made = script(f"COPY t FROM stdin;\n{rows}\\.\nSELECT 1;\nCOPY u FROM stdin;\n\\.\n")
    assert ["".join(message.rows) for message in messages(made)] == [rows, ""]
    assert [message.text.split()[0] for message in messages(made)] == ["COPY", "SELECT"]
    assert ["".join(message.rows) for message in one_by_one(made)] == [rows, "", ""]


# ------------------------------------------------------------------------------------------------- dumps

DUMP = "--\n-- PostgreSQL database dump\n--\n\nSELECT 1;\n"


def test_the_pairs_pg_dump_writes_around_large_objects_are_left_out() -> None:
    text = f"{DUMP}BEGIN;\nSELECT 2;\nCOMMIT;\nBEGIN;\n\nCOMMIT;\nSELECT 3;\n"
    made = script(text)
    assert texts(made) == ["SELECT 1;", "SELECT 2;", "SELECT 3;"]
    assert len(sent(made)) == len(text)


@pytest.mark.parametrize(
    "rest",
    ["BEGIN;\nSELECT 2;\n", "COMMIT;\n", "BEGIN;\nBEGIN;\nCOMMIT;\n", "BEGIN ISOLATION LEVEL SERIALIZABLE;\nCOMMIT;\n"],
)
def test_a_dump_may_have_no_other_transaction_control(rest: str) -> None:
    assert "the runner begins" in str(refusal(DUMP + rest))


def test_a_file_that_is_no_dump_has_one_pair_at_most() -> None:
    assert refusal("SELECT 1;\nBEGIN;\nSELECT 2;\nCOMMIT;\nSELECT 3;\n").line == 2
