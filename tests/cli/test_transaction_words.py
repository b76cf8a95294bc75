"""Files that speak of transactions, or lay hands on the books: what is allowed, and what keeps nothing (C6)."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import TASKS, USERS, Project

pytestmark = pytest.mark.postgres


def fails(project: Project, text: str, *words: str) -> str:
    """Say that a file after a good one fails, is told in these words, and leaves nothing; returns all that was told."""
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
    return outcome.err


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


def late(body: str) -> str:
    """Return statements that have a trigger do something when the transaction commits, and not before."""
    return (
        f"CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$;\n"
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON tasks DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION late();\nINSERT INTO tasks VALUES (1);\n"
    )


def raising(code: str) -> str:
    return f"RAISE EXCEPTION 'an error of mine' USING ERRCODE = '{code}', DETAIL = 'in detail'"


# What stands for a check of ours that failed, for a transaction that may not write, for a standby, for a missing right.
MEANINGFUL = {
    "PERFORM 1 / 0": "division by zero",
    **{raising(code): "an error of mine" for code in ("22012", "25006", "0A000", "42501")},
}


@pytest.mark.parametrize(("body", "words"), MEANINGFUL.items(), ids=["1 / 0", "22012", "25006", "0A000", "42501"])
def test_what_a_trigger_raises_at_the_commit_is_told_as_it_is(postgres_project: Project, body: str, words: str) -> None:
    told = fails(postgres_project, late(body), words)
    for wrong in ("ended the transaction", "SET TRANSACTION READ ONLY", "standby"):
        assert wrong not in told
    assert ("in detail" in told) == (words == "an error of mine")


@pytest.mark.parametrize(("body", "words"), MEANINGFUL.items(), ids=["1 / 0", "22012", "25006", "0A000", "42501"])
def test_what_a_trigger_raises_at_the_commit_of_one_statement_is_told_as_it_is(
    postgres_project: Project, body: str, words: str
) -> None:
    postgres_project.write(USERS, "CREATE TABLE tasks (id integer);\n" + late(body).rsplit("INSERT", 1)[0])
    postgres_project.ok("migrate")
    postgres_project.write(TASKS, "-- migrate: no-transaction\nSELECT 1;\nINSERT INTO tasks VALUES (1);\n")
    failed = postgres_project.run("migrate")
    assert failed.code == 1, failed.text
    assert f"{TASKS}.sql:3:1 failed" in failed.err
    assert words in failed.err
    for wrong in ("standby", "the migration lock", "may not do this"):
        assert wrong not in failed.err
    assert ("in detail" in failed.err) == (words == "an error of mine")
    assert postgres_project.rows("SELECT * FROM tasks") == []


def test_what_a_deferred_foreign_key_says_in_detail_is_told_at_the_commit_of_one_statement(
    postgres_project: Project,
) -> None:
    postgres_project.write(
        USERS,
        "CREATE TABLE users (id integer PRIMARY KEY);\n"
        "CREATE TABLE tasks (id integer REFERENCES users DEFERRABLE INITIALLY DEFERRED);\n",
    )
    postgres_project.ok("migrate")
    postgres_project.write(TASKS, "-- migrate: no-transaction\nINSERT INTO tasks VALUES (1);\n")
    failed = postgres_project.run("migrate")
    assert failed.code == 1
    assert "violates foreign key constraint" in failed.err
    assert 'Key (id)=(1) is not present in table "users"' in failed.err


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
