"""`resume` on SQLite: a file that stopped half-way goes on, whatever stopped it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from migration_manager.model import Dialect
from tests.fixtures.cli import USERS, Project, ended, on_sqlite, until
from tests.fixtures.targets import SLOW, SqliteTarget

HEAD = "-- migrate: no-transaction\n"
TABLE = "CREATE TABLE users (id integer PRIMARY KEY, name text);\n"
pytestmark = on_sqlite


def stopped(project: Project, *statements: str) -> None:
    """Write a file and run it; it fails."""
    project.write(USERS, HEAD + "".join(statements), HEAD + "DROP TABLE users;\n")
    assert project.run("migrate").code == 1


def mended(project: Project, *statements: str) -> None:
    project.write(USERS, HEAD + "".join(statements), HEAD + "DROP TABLE users;\n")


def test_status_says_how_far_it_came_and_resume_goes_on_there(project: Project) -> None:
    stopped(project, TABLE, "INSERT INTO nowhere VALUES (1);\n")
    shown = project.run("status").out
    assert "statement 2 of 2 failed" in shown
    assert f"{USERS}.sql:3" in shown
    mended(project, TABLE, "INSERT INTO users VALUES (1, 'a');\n")
    assert "goes on at statement 2 of 2" in project.ok("resume", "--dry-run").text
    assert project.rows("SELECT * FROM users") == []
    project.ok("resume")
    assert project.rows("SELECT * FROM users") == [(1, "a")]
    assert project.rows_of_history() == [(USERS, "applied")]


def test_a_statement_that_is_kept_must_be_the_one_in_the_file(project: Project) -> None:
    stopped(project, TABLE, "INSERT INTO nowhere VALUES (1);\n")
    mended(project, TABLE.replace("name", "title"), "SELECT 1;\n")
    outcome = project.run("resume")
    assert outcome.code != 0
    assert "statement 1" in outcome.err
    assert "another one in the file now" in outcome.err
    assert project.rows_of_history() == [(USERS, "unfinished")]


def test_a_rollback_that_stopped_goes_on(project: Project) -> None:
    project.write(USERS, TABLE, HEAD + "DROP TABLE users;\nDROP TABLE nowhere;\n")
    project.ok("migrate")
    assert project.run("rollback", "--yes").code == 1
    project.write(USERS, TABLE, HEAD + "DROP TABLE users;\nSELECT 1;\n")
    project.ok("resume")
    assert project.rows_of_history() == []


@pytest.mark.parametrize(("mark", "history"), [("--mark-applied", [(USERS, "applied")]), ("--mark-rolled-back", [])])
def test_a_person_may_end_it_by_hand(project: Project, mark: str, history: list[tuple[str, str]]) -> None:
    stopped(project, TABLE, "INSERT INTO nowhere VALUES (1);\n")
    project.ok("resume", mark, "--reason", "seen to")
    assert project.rows_of_history() == history
    assert project.rows("SELECT * FROM schema_migrations_progress") == []


def test_a_runner_killed_in_the_middle_of_a_statement_has_not_run_it(project: Project) -> None:
    slow = f"INSERT INTO users (id) {SLOW[Dialect.SQLITE]};\n"
    mended(project, TABLE, "INSERT INTO users VALUES (1, 'a');\n", slow)
    with project.start("migrate") as process:
        until(lambda: done(project) == 2, "two statements are done")
        until(lambda: is_writing(project), "the third one runs")
        process.kill()
        assert ended(process).code != 0
    assert "2 of 3 statements done" in project.run("status").out
    mended(project, TABLE, "INSERT INTO users VALUES (1, 'a');\n", "INSERT INTO users VALUES (2, 'b');\n")
    project.ok("resume")
    assert project.rows("SELECT id FROM users ORDER BY id") == [(1,), (2,)]


def test_a_vacuum_of_which_nobody_knows_is_run_again(project: Project) -> None:
    stopped(project, TABLE, "VACUUM;\n", "INSERT INTO nowhere VALUES (1);\n")
    project.rows("DELETE FROM schema_migrations_progress WHERE statement = 3")
    project.rows("UPDATE schema_migrations_progress SET state = 'started' WHERE statement = 2")
    assert "statement 2 of 3 unknown" in project.run("status").out
    mended(project, TABLE, "VACUUM;\n", "SELECT 1;\n")
    project.ok("resume")
    assert project.rows_of_history() == [(USERS, "applied")]


def done(project: Project) -> int:
    if not project.has_table("schema_migrations_progress"):
        return 0
    ((number,),) = project.rows("SELECT count(*) FROM schema_migrations_progress WHERE state = 'done'")
    return int(number)


def is_writing(project: Project) -> bool:
    """Return whether somebody else is in a transaction that writes."""
    assert isinstance(project.target, SqliteTarget)
    with closing(sqlite3.connect(project.target.path, isolation_level=None, timeout=0)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
    return False
