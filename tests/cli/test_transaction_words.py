"""Files that speak of transactions, or lay hands on the books: what is allowed, and what keeps nothing (C6)."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import TASKS, USERS, Project

pytestmark = pytest.mark.postgres


def fails(project: Project, text: str, *words: str) -> None:
    """Say that a file after a good one fails, is told in these words, and leaves nothing."""
    project.write_tables(USERS)
    project.write(TASKS, f"CREATE TABLE tasks (id integer);\n{text}\n")
    outcome = project.run("migrate")
    assert outcome.code == 1, outcome.text
    for word in (f"{TASKS}.sql", "failed", *words):
        assert word in outcome.err
    assert "Traceback" not in outcome.err
    assert project.applied() == [USERS]
    assert not project.has_table("tasks")
    assert project.log("migration_name", "outcome")[-1] == (TASKS, "failed")


def test_a_rollback_to_a_savepoint_nobody_made(postgres_project: Project) -> None:
    fails(postgres_project, "ROLLBACK TO nowhere;", f"{TASKS}.sql:2:1", 'savepoint "nowhere" does not exist', "3B001")


def test_a_transaction_that_a_file_makes_read_only_cannot_be_recorded(postgres_project: Project) -> None:
    postgres_project.write(USERS, "CREATE TABLE users (id integer);\nSET TRANSACTION READ ONLY;\n")
    assert f"{USERS}.sql:2:1" in postgres_project.refuses(2, "migrate").err
    hidden = "SELECT set_config('transaction_read_only', 'on', true);"
    fails(postgres_project, hidden, "read-only", "take SET TRANSACTION READ ONLY out")


@pytest.mark.parametrize(
    "body", ["COMMIT", "ROLLBACK", "EXECUTE 'COMMIT'"], ids=["commit", "rollback", "executed commit"]
)
def test_a_block_that_ends_the_transaction(postgres_project: Project, body: str) -> None:
    fails(postgres_project, f"DO $$ BEGIN {body}; END $$;", f"{TASKS}.sql:2:")


def test_a_procedure_that_commits_is_told_with_the_directive_that_helps(postgres_project: Project) -> None:
    text = "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;\nCALL p();"
    fails(postgres_project, text, f"{TASKS}.sql:", "2D000", "-- migrate: no-transaction")


def test_an_error_that_a_block_catches_is_the_files_own_business(postgres_project: Project) -> None:
    postgres_project.write(
        USERS,
        "CREATE TABLE users (id integer);\n"
        "DO $$ BEGIN INSERT INTO nowhere VALUES (1); EXCEPTION WHEN undefined_table THEN NULL; END $$;\n"
        "DO $$ BEGIN EXECUTE 'COMMIT'; EXCEPTION WHEN OTHERS THEN NULL; END $$;\n"
        "INSERT INTO users VALUES (1);\n",
    )
    postgres_project.ok("migrate")
    assert postgres_project.applied() == [USERS]
    assert postgres_project.rows("SELECT id FROM users") == [(1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE schema_migrations CASCADE",
        "DROP TABLE schema_migrations_log CASCADE",
        "DROP SCHEMA public CASCADE",
        "ALTER TABLE schema_migrations ADD COLUMN mine integer",
        "ALTER TABLE schema_migrations DROP CONSTRAINT schema_migrations_is_logged",
        "ALTER TABLE schema_migrations DISABLE TRIGGER ALL",
        "TRUNCATE schema_migrations",
        "TRUNCATE schema_migrations, schema_migrations_log",
        "DELETE FROM schema_migrations",
        f"DELETE FROM schema_migrations WHERE migration_name = '{TASKS}'",
        "UPDATE schema_migrations SET migration_name = migration_name || 'x'",
        "LOCK TABLE schema_migrations; ALTER TABLE schema_migrations RENAME TO mine",
    ],
)
def test_a_file_that_lays_hands_on_the_history_keeps_nothing(postgres_project: Project, statement: str) -> None:
    fails(postgres_project, statement + ";")
    assert postgres_project.ok("status", "--json").json["counts"] == {"applied": 1, "pending": 1}


def test_a_dialogue_with_the_prepared_transactions_of_others(postgres_project: Project) -> None:
    refused = "PREPARE TRANSACTION 'mine';"
    postgres_project.write(USERS, f"CREATE TABLE users (id integer);\n{refused}\n")
    assert f"{USERS}.sql:2:1" in postgres_project.refuses(2, "migrate").err
    assert postgres_project.rows("SELECT count(*) FROM pg_prepared_xacts") == [(0,)]
