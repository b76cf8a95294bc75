"""The header: what it may ask, and that nothing in it is ever passed over in silence."""

from __future__ import annotations

import hashlib

import pytest

from migration_manager.directives import Header
from migration_manager.errors import DirectiveError
from migration_manager.model import Acceptance, Dialect, Directives, Finding, Source
from migration_manager.sqltext import Sql, stream


def header(text: str, *, rollback: bool = False, dialect: Dialect = Dialect.POSTGRESQL) -> Directives:
    source = Source.held("001_a.sql", text, "v1:" + hashlib.sha256(text.encode()).hexdigest())
    header = Header(source, dialect, rollback=rollback)
    for piece in stream((text,), dialect):
        if isinstance(piece, Sql):
            header.read(piece)
    return header.directives


def refusal(text: str, *, rollback: bool = False) -> DirectiveError:
    with pytest.raises(DirectiveError) as caught:
        header(text, rollback=rollback)
    return caught.value


# --------------------------------------------------------------------------------------- what it may ask


@pytest.mark.parametrize(
    ("line", "directives"),
    [
        ("-- migrate: no-transaction", Directives(no_transaction=True)),
        ("-- migrate: lock-timeout 10s", Directives(lock_timeout=10_000)),
        ("-- migrate: lock-timeout 0", Directives(lock_timeout=0)),
        ("-- migrate: statement-timeout 15min", Directives(statement_timeout=900_000)),
        ("-- migrate: environments dev", Directives(environments=("dev",))),
        ("-- migrate: environments dev, uat,eu-1", Directives(environments=("dev", "uat", "eu-1"))),
        ("-- migrate: irreversible because it's gone; really", Directives(irreversible="it's gone; really")),
        ("-- migrate: irreversible because: gone", Directives(irreversible="gone")),
    ],
)
def test_a_directive_sets_its_field(line: str, directives: Directives) -> None:
    assert header(f"{line}\nSELECT 1;") == directives


def test_findings_are_accepted_each_with_a_reason_as_often_as_there_are_any() -> None:
    text = (
        "-- migrate: accept column-order, index public.users_email_key because nobody selects *\n"
        "-- a comment\n"
        "-- migrate: accept rows because: it is a cache, accept it because we do\n"
    )
    for rollback in (False, True):
        assert header(text, rollback=rollback).accepted == (
            Acceptance("column-order", "nobody selects *", 1),
            Acceptance("index public.users_email_key", "nobody selects *", 1),
            Acceptance("rows", "it is a cache, accept it because we do", 3),
        )


def test_a_finding_is_answered_by_its_rule_or_its_subject() -> None:
    found = Finding("differs", "is missing", "001_a_rollback.sql", subject="index public.a")
    assert found.answered([Acceptance("rows", "no", 1)]).accepted is None
    assert found.answered([Acceptance("rows", "no", 1), Acceptance("differs", "yes", 2)]).accepted == "yes"
    assert found.answered([Acceptance("index public.a", "yes", 1), Acceptance("differs", "no", 2)]).accepted == "yes"


def test_a_rollback_script_may_have_nothing_to_undo() -> None:
    line = "-- migrate: nothing-to-undo because only data changed"
    assert header(line, rollback=True) == Directives(nothing_to_undo="only data changed")


@pytest.mark.parametrize(
    "line",
    [
        "--migrate:no-transaction",
        "-- MIGRATE : No-Transaction",
        "  --\tmigrate:\tno-transaction  ",
        "--- migrate: no-transaction",
        ";-- migrate: no-transaction",
    ],
)
def test_spacing_and_letter_case_do_not_matter(line: str) -> None:
    assert header(f"{line}\nSELECT 1").no_transaction


def test_a_header_holds_several_directives_between_other_comments() -> None:
    text = (
        "-- migration: 001_a\n-- created: today\n/* a block */\n\\restrict aB1\n-- migrate: no-transaction\n\n"
        "-- migrate: lock-timeout 1s\n-- see -- migrate: nothing\nSELECT 1;"
    )
    assert header(text) == Directives(no_transaction=True, lock_timeout=1000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT 1;",
        "-- Migrate the users to their own table\nSELECT 1;",
        "-- migrate environments to the new layout\nSELECT 1;",
        "-- no-transaction is not what we want here\nSELECT 1;",
        "-- migration: no\n-- description: migrate: no-transaction\nSELECT 1;",
        "/* how to migrate: see the wiki */\nSELECT 1;",
        "-- up migration tests\nSELECT 1;",
    ],
)
def test_prose_asks_for_nothing(text: str) -> None:
    assert header(text) == Directives()


# ------------------------------------------------------------------------------------ what is wrong with it


@pytest.mark.parametrize(
    ("line", "reason", "hint"),
    [
        ("-- migrate: no-transactions", "no directive 'no-transactions'", "did you mean no-transaction?"),
        ("-- migrate: no_transaction", "no directive 'no_transaction'", "did you mean no-transaction?"),
        ("-- migrate: lock_timeout=2s", "no directive", "did you mean lock-timeout?"),
        ("-- migrate: banana", "no directive 'banana'", "there are no-transaction, lock-timeout"),
        ("-- migrate:", "no directive ''", "there are"),
        ("-- migrate: no-transaction please", "takes nothing after it, and 'please' follows", "no-transaction`"),
        ("-- migrate: lock-timeout", "is not a time", "lock-timeout 10s"),
        ("-- migrate: lock-timeout 10", "has no unit", "lock-timeout 10s"),
        ("-- migrate: statement-timeout soon", "is not a time", "statement-timeout 15min"),
        ("-- migrate: environments", "write the environments' names", "dev, uat"),
        ("-- migrate: environments dev uat", "'dev uat' is no environment's name", "dev, uat"),
        ("-- migrate: environments dev,", "write the environments' names", "dev, uat"),
        ("-- migrate: environments dev, dev", "named twice", "dev, uat"),
        ("-- migrate: irreversible", "say why", "because"),
        ("-- migrate: irreversible because", "say why", "because"),
        ("-- migrate: irreversible the data is gone", "say why", "because"),
        ("-- migrate: nothing-to-undo because a", "belongs in the rollback script", ""),
        ("-- migrate: accept column-order", "and then why", "as in `-- migrate: accept column-order because"),
        ("-- migrate: accept because I say so", "the finding's rule or its subject", ""),
        ("-- migrate: accept rows, because I say so", "the finding's rule or its subject", ""),
        ("-- migrate: accept rows because", "say why", ""),
        ("-- migration: no-transaction", "reads like a directive", "-- migrate: no-transaction"),
        ("-- migrat: lock-timeout 5s", "reads like a directive", "-- migrate: lock-timeout 5s"),
        ("-- migrate no-transaction", "reads like a directive", "-- migrate: no-transaction"),
        ("-- migration_manager: environments dev", "reads like a directive", "-- migrate: environments dev"),
        ("/* migrate: no-transaction */", "block comment", "-- migrate:"),
        ("/*\n * migrate: no-transaction\n */", "block comment", "-- migrate:"),
    ],
)
def test_what_is_wrong_in_the_header_is_an_error_with_its_line(line: str, reason: str, hint: str) -> None:
    error = refusal(f"-- a\n{line}\nSELECT 1;")
    assert error.path == "001_a.sql"
    assert error.line == 2 + line.count("\n", 0, line.find("migrate"))
    assert error.excerpt is not None
    assert reason in error.reason
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    "line", ["-- migrate: irreversible because a", "-- migrate: environments dev"], ids=["irreversible", "environments"]
)
def test_what_is_about_the_migration_has_no_place_in_its_rollback(line: str) -> None:
    assert "belongs in the migration" in refusal(line, rollback=True).reason


def test_the_same_directive_twice_is_an_error_that_names_both_lines() -> None:
    error = refusal("-- migrate: lock-timeout 1s\n\n-- migrate: LOCK-timeout 2s\n")
    assert (error.line, "on line 1" in error.reason) == (3, True)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;\n-- migrate: no-transaction\nSELECT 2;",
        "SELECT 1\n--migrate:no-transaction\n;",
        "BEGIN;\n-- migrate: banana",
        "SELECT 1;\n---- migrate: no-transaction",
        "COPY t FROM stdin;\n\\.\n-- migrate: no-transaction",
    ],
)
def test_a_directive_after_the_first_statement_is_an_error(text: str) -> None:
    error = refusal(text)
    assert error.line == text[: text.index("migrate")].count("\n") + 1
    assert "after the first statement" in error.reason


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '\n-- migrate: no-transaction\n';",
        "SELECT $$\n-- migrate: no-transaction\n$$;",
        "COPY t FROM stdin;\n-- migrate: no-transaction\n\\.\n",
        "SELECT 1; /*\n-- migrate: no-transaction\n*/",
        "SELECT 1; -- was -- migrate: no-transaction",
    ],
)
def test_what_only_looks_like_a_directive_is_left_alone(text: str) -> None:
    assert header(text) == Directives()


# ------------------------------------------------------------------------------- markers of other tools


@pytest.mark.parametrize(
    ("text", "tool", "line"),
    [
        ("-- migrate:up\nSELECT 1;\n-- migrate:down\n", "dbmate", 1),
        ("SELECT 1;\n-- migrate:down\nSELECT 2;", "dbmate", 2),
        ("--migrate: UP transaction:false\nSELECT 1;", "dbmate", 1),
        ("-- +goose Up\nSELECT 1;", "goose", 1),
        ("SELECT 1;\n-- +goose Down\n", "goose", 2),
        ("-- +migrate Up notransaction\nSELECT 1;", "sql-migrate", 1),
        ("--liquibase formatted sql\n--changeset a:1\nSELECT 1;", "Liquibase", 1),
        ("SELECT 1;\n-- changeset a:1\n", "Liquibase", 2),
        ("-- !Ups\nSELECT 1;", "Play", 1),
        ("# --- !Ups\nSELECT 1;", "Play", 1),
        ("SELECT 1;\n---- create above / drop below ----\nSELECT 2;", "tern", 2),
        ("---- tern: disable-tx ----\nSELECT 1;", "tern", 1),
        ("-- Up Migration\nSELECT 1;", "node-pg-migrate", 1),
        ("-- atlas:txmode none\nSELECT 1;", "Atlas", 1),
        ("-- atlas:nolint\nSELECT 1;", "Atlas", 1),
        ("--! no-transaction\nSELECT 1;", "graphile-migrate", 1),
        ("-- no-transaction\nSELECT 1;", "sqlx", 1),
        ("-- transactional: false\nSELECT 1;", "yoyo", 1),
    ],
)
def test_a_marker_of_another_tool_is_named_and_means_nothing(text: str, tool: str, line: int) -> None:
    error = refusal(text)
    assert error.reason == f"this is a marker of {tool} and means nothing here"
    assert error.line == line
    assert any(
        advice in (error.hint or "") for advice in ("NAME_rollback.sql", "-- migrate: no-transaction", "take it out")
    )


def test_markers_in_literals_are_data() -> None:
    assert header("SELECT $$\n-- +goose Up\n-- migrate:up\n$$;") == Directives()


def test_headers_of_sqlite_files_are_read_by_its_rules() -> None:
    text = "-- migrate: no-transaction\nSELECT $a; -- it's $a\n"
    assert header(text, dialect=Dialect.SQLITE).no_transaction
