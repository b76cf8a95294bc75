"""What an operator is told to type next, and what is shown of a run that stopped or is at work."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from tests.fixtures.cli import TAGS, TASKS, USERS, Project, backends, ended, until
from tests.fixtures.targets import PostgresTarget

pg = pytest.mark.postgres

HEADER = "-- migrate: no-transaction\n"
TABLE = "CREATE TABLE users (id integer);\n"
BROKEN = "INSERT INTO nowhere VALUES (1);\n"


@pytest.fixture
def stopped(project: Project) -> Project:
    """Return a project with a file that stopped at statement 2 of 3, in its environment uat."""
    project.write(USERS, HEADER + TABLE + BROKEN + "SELECT 1;\n")
    assert project.run("migrate", "--env", "uat").code == 1
    return project


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def test_a_suggested_command_is_for_the_environment_that_it_was_about(stopped: Project) -> None:
    refused = in_one_line(stopped.refuses(4, "migrate", "--env", "uat").err)
    assert "`resume --env uat` goes on" in refused
    assert "`resume --mark-applied --env uat`" in refused
    assert "`resume --mark-rolled-back --env uat`" in refused


def test_without_a_word_of_the_environment_the_command_has_none(project: Project) -> None:
    project.write(USERS, HEADER + TABLE + BROKEN)
    failed = in_one_line(project.run("migrate").err)
    assert "`resume` goes on there" in failed
    assert "--env" not in failed


def test_a_document_has_the_hint_as_it_is(stopped: Project) -> None:
    assert "`resume` goes on" in stopped.run("migrate", "--env", "uat", "--json").json["error"]["hint"]


def test_status_of_what_stopped_names_the_statement_and_the_next_command(stopped: Project) -> None:
    shown = stopped.ok("status", "--env", "uat").out
    lines = shown.splitlines()
    at = next(number for number, line in enumerate(lines) if USERS in line)
    assert lines[at + 1] == "    statement 2 of 3 failed"
    assert lines[at + 2] == f"    at migrations/{USERS}.sql:3: INSERT INTO nowhere VALUES (1)"
    assert lines[-1] == "1 unfinished. Next: migration-manager resume --env uat"
    (row,) = stopped.ok("status", "--env", "uat", "--json").json["migrations"]
    assert row["note"] == f"statement 2 of 3 failed; at migrations/{USERS}.sql:3: INSERT INTO nowhere VALUES (1)"


def test_a_dry_run_of_resume_shows_what_would_run(stopped: Project) -> None:
    shown = stopped.ok("resume", "--dry-run", "--env", "uat").out
    assert "statements 2 to 3, each statement by itself, no transaction" in shown
    assert "INSERT INTO nowhere" in shown
    assert "CREATE TABLE" not in shown
    (task,) = stopped.ok("resume", "--dry-run", "--env", "uat", "--json").json["would_do"]
    assert (task["statement_count"], len(task["statements"])) == (2, 2)


def test_a_dry_run_of_marking_names_no_checksum(stopped: Project) -> None:
    shown = stopped.ok("resume", "--mark-applied", "--dry-run", "--env", "uat").out
    assert "runs nothing" in shown
    assert f"would be recorded: {USERS}, one log row" in shown


@pg
def test_a_dry_run_of_resume_says_what_is_taken_away_first(postgres_project: Project) -> None:
    project = postgres_project
    project.write(
        USERS,
        HEADER + TABLE + "INSERT INTO users VALUES (1), (1);\nCREATE UNIQUE INDEX CONCURRENTLY one ON users (id);\n",
    )
    assert project.run("migrate").code == 1
    assert "before that: DROP INDEX CONCURRENTLY public.one" in project.ok("resume", "--dry-run").err


@pg
@pytest.mark.parametrize("header", ["", HEADER])
def test_status_does_not_take_a_run_at_work_for_a_wreck(postgres_project: Project, header: str) -> None:
    project = postgres_project
    project.write(USERS, f"{header}{TABLE}SELECT pg_sleep(60);\n")
    with project.start("migrate") as runner:
        until(lambda: backends(project, "wait_event = 'PgSleep'"), "it is at work")
        shown, document = project.ok("status").out, project.ok("status", "--json").json
        runner.terminate()
        ended(runner)
    assert re.search(r"a run is in progress: pid \d+ \(migration_manager dev", shown), shown
    assert "Next:" not in shown
    assert "pid" in document["running"]
    assert project.ok("status", "--json").json["running"] is None


@pg
def test_blockers_shows_the_open_transactions_between_two_tries_too(postgres_project: Project) -> None:
    project = postgres_project
    project.write(USERS, TABLE)
    project.ok("migrate")
    project.write(TASKS, "ALTER TABLE users ADD name text;\n")
    project.set("dev", lock_timeout="300ms")
    assert isinstance(project.target, PostgresTarget)
    conninfo: dict[str, Any] = {**project.target.database.conninfo, "application_name": "report"}
    with psycopg.connect("", **conninfo) as other, project.start("migrate") as runner:
        pid = other.info.backend_pid
        other.execute("SELECT * FROM users")
        until(lambda: backends(project, "state = 'idle' AND query LIKE 'ROLLBACK%'"), "it pauses")
        shown = project.ok("blockers").out
        while "waits for" in shown:  # the next try began meanwhile
            until(lambda: backends(project, "state = 'idle' AND query LIKE 'ROLLBACK%'"), "it pauses")
            shown = project.ok("blockers").out
        other.rollback()
        ended(runner)
    assert f"pid {pid} (report" in shown, shown
    assert "ROLLBACK" not in shown, "that says nothing"


@pg
def test_blockers_shows_no_words_of_our_own(postgres_project: Project) -> None:
    project = postgres_project
    project.write(TAGS, f"{TABLE}SELECT pg_sleep(60);\n")
    with project.start("migrate") as runner:
        until(lambda: backends(project, "wait_event = 'PgSleep'"), "it is at work")
        shown = project.ok("blockers").out
        runner.terminate()
        ended(runner)
    assert "  running  pid" in shown
    assert "ISOLATION LEVEL" not in shown
