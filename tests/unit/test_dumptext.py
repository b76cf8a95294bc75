"""What is taken out of a dump, and what is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from migration_manager.dumptext import (
    difference,
    of_definitions,
    place_of_secret,
    shortened,
    stable_dump,
    with_applied,
)
from migration_manager.model import Applied, Recorded, State

BEGIN = "--\n-- PostgreSQL database dump\n--\n\n"
END = "--\n-- PostgreSQL database dump complete\n--\n\n"
SETTINGS = "SET statement_timeout = 0;\nSET client_encoding = 'UTF8';\n\n"


def section(name: str, kind: str, text: str, schema: str = "public") -> str:
    return f"--\n-- Name: {name}; Type: {kind}; Schema: {schema}; Owner: -\n--\n\n{text}\n\n\n"


TABLE = section("users", "TABLE", "CREATE TABLE public.users (\n    id integer\n);")


def written_by(version: str, *sections: str, key: str | None = "abc", newer: bool = False) -> str:
    """Return a dump as one version writes it."""
    restrict, unrestrict = (f"\\restrict {key}\n\n", f"\\unrestrict {key}\n\n") if key else ("", "")
    versions = f"-- Dumped from database version {version}\n-- Dumped by pg_dump version {version}\n\n"
    settings = SETTINGS.replace("SET client", "SET transaction_timeout = 0;\nSET client") if newer else SETTINGS
    return f"{BEGIN}{restrict}{versions}{settings}{''.join(sections)}{END}{unrestrict}"


@pytest.mark.parametrize(
    "dump",
    [
        written_by("15.1", TABLE, key=None),
        written_by("15.18 (Debian 15.18-0+deb12u1)", TABLE, key="Zq9"),
        written_by("18.4", TABLE, newer=True),
    ],
    ids=["without a key", "with a key", "of a newer version"],
)
def test_versions_keys_and_a_setting_of_newer_servers_are_noise(dump: str) -> None:
    assert stable_dump(dump) == (f"{BEGIN}{SETTINGS}{TABLE}{END}", ())


def test_a_section_without_a_statement_is_noise() -> None:
    empty = section("public", "SCHEMA", "-- *not* creating schema, since initdb creates it", "-")
    assert stable_dump(written_by("18.4", empty, TABLE)) == stable_dump(written_by("18.4", TABLE))


def test_a_user_mapping_may_hold_a_password_and_is_left_out_and_named() -> None:
    name = "USER MAPPING app SERVER far"
    mapping = section(name, "USER MAPPING", "CREATE USER MAPPING FOR app SERVER far OPTIONS (password 'x');", "-")
    text, warnings = stable_dump(written_by("18.4", mapping, TABLE))
    assert "MAPPING" not in text
    assert warnings == (f"left out, for it may hold a password: {name}",)


def test_what_stands_inside_of_a_statement_is_left_alone() -> None:
    body = written_by("18.4", section("m", "USER MAPPING", "", "-"), newer=True)
    function = section("f()", "FUNCTION", f"CREATE FUNCTION public.f() RETURNS text\n    AS $$ SELECT '{body}' $$;")
    text, warnings = stable_dump(written_by("15.1", function))
    assert body in text
    assert warnings == ()


ALONE = section("books", "SCHEMA", "CREATE SCHEMA books;", "-")


@pytest.mark.parametrize(
    ("others", "kept"),
    [
        ([], False),
        ([section("SCHEMA books", "ACL", "GRANT USAGE ON SCHEMA books TO app;", "-")], False),
        ([section("SCHEMA books", "COMMENT", "COMMENT ON SCHEMA books IS 'history';", "-")], False),
        ([section("other", "TABLE", "CREATE TABLE books.other ();", "books")], True),
        ([section("x", "EXTENSION", "CREATE EXTENSION IF NOT EXISTS x WITH SCHEMA books;", "-")], True),
    ],
    ids=["alone", "its privileges", "its comment", "a table of others in it", "an extension in it"],
)
def test_the_historys_schema_is_left_out_where_nothing_else_is_in_it(others: list[str], kept: bool) -> None:
    text, _ = stable_dump(written_by("18.4", ALONE, *others, TABLE), history_schema="books")
    assert ("CREATE SCHEMA books" in text) is kept
    assert all((other in text) is kept for other in others)
    assert TABLE in text


def test_without_a_history_every_schema_is_kept() -> None:
    assert ALONE in stable_dump(written_by("18.4", ALONE))[0]


def test_an_empty_database_has_its_frame_only() -> None:
    assert stable_dump(written_by("18.4", newer=True)) == (f"{BEGIN}{SETTINGS}{END}", ())


# ------------------------------------------------------------------------------------------ the names at its end


def recorded(*names: str, unfinished: str | None = None) -> Recorded:
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    rows = [
        Applied(n, "v1:a", None, State.UNFINISHED if n == unfinished else State.APPLIED, moment, "a", 1, "R", number)
        for number, n in enumerate(names)
    ]
    return Recorded(exists=True, environment="dev", applied=tuple(rows))


def test_applied_names_are_comments_in_file_order_whatever_the_order_they_were_applied_in() -> None:
    text = with_applied("CREATE TABLE a ();\n", recorded("10_b", "9_a"))
    assert text.startswith("CREATE TABLE a ();\n\n-- ")
    assert text.endswith("-- migration-manager baseline --to 10_b\n--\n-- applied: 9_a\n-- applied: 10_b\n")
    assert text == with_applied("CREATE TABLE a ();\n\n\n", recorded("9_a", "10_b"))


def test_an_unfinished_one_is_not_called_applied() -> None:
    lines = with_applied("", recorded("1_a", "2_b", unfinished="2_b")).splitlines()
    assert lines[-2:] == ["-- applied: 1_a", "-- unfinished: 2_b"]


def test_without_a_history_that_is_said() -> None:
    assert with_applied("", recorded()) == "-- No migration is applied.\n"


def test_definitions_end_in_one_semicolon_each() -> None:
    assert of_definitions(["CREATE TABLE a (x) ", "CREATE VIEW b AS SELECT 1;"]) == (
        "CREATE TABLE a (x);\n\nCREATE VIEW b AS SELECT 1;\n"
    )


# ---------------------------------------------------------------------------------------------------- comparing


def test_line_ends_of_another_kind_are_no_difference() -> None:
    assert difference("a\r\nb\r\n", "a\nb\n", "schema.sql") == ()
    assert difference("a\nc\n", "a\nb\n", "schema.sql")[-2:] == ("-c", "+b")
    assert difference(None, "a\n", "schema.sql")[-1] == "+a"
    assert difference("a", "a\n", "schema.sql") == ("schema.sql differs in its last line's end",)
    assert difference(None, "", "schema.sql"), "a file that is not there is none"


def test_a_long_difference_is_shown_by_its_beginning() -> None:
    assert shortened(["x"] * 3, most=3) == ("x",) * 3
    assert shortened(["x"] * 5, most=3) == ("x", "x", "x", "… and 2 more lines")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nOPTIONS (password 'hunter2hunter2')", 2),
        ("dblink('host=h password=hunter2hunter2 user=u')", 1),
        ("postgresql://u:hunter2hunter2@h", 1),
        ("hunter2hunter2 integer", None),
        ("'hunter2hunter2345'", None),
    ],
)
def test_a_secret_is_found_where_it_is_a_value(text: str, line: int | None) -> None:
    assert place_of_secret(text, "hunter2hunter2") == line
    assert place_of_secret("'tasks'", "tasks") is None, "a short word is too common"


@pytest.mark.parametrize(
    "text", ["-- it is hunter 2'&\\2", "'hunter 2''&\\2'", "E'hunter 2\\'&\\\\2'", "u:hunter%202%27%26%5C2@h"]
)
def test_a_secret_that_is_no_word_is_found_in_every_form_anywhere(text: str) -> None:
    assert place_of_secret(text, "hunter 2'&\\2") == 1
