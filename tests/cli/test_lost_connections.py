"""A connection that is lost: what became of the migration is looked up, never guessed (C1 17-21, C2 34-42)."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from migration_manager.engines import postgres_commit
from tests.fixtures.cli import FIVE, TASKS, USERS, Project, until
from tests.fixtures.own_projects import slowly
from tests.fixtures.postgres import Database
from tests.fixtures.proxies import Break, Fault, Proxy, Sender
from tests.fixtures.servers import OwnServer
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres


@pytest.fixture
def behind(postgres_project: Project, proxy: Proxy) -> Project:
    """Return a project that reaches its database through the proxy."""
    assert isinstance(postgres_project.target, PostgresTarget)
    postgres_project.variables["TARGET_URL"] = proxy.through(postgres_project.target.database).url
    postgres_project.write_tables()
    return postgres_project


def at_the_commit_of(number: int, kind: Break) -> Fault:
    """Break the line at the message that finishes the so many-th migration and commits it."""
    return Fault(kind, number, Sender.CLIENT, b"SET state = 'applied'")


@pytest.mark.parametrize("kind", [Break.AFTER, Break.SWALLOWED])
def test_a_commit_whose_reply_is_lost_is_looked_up_and_the_run_goes_on(
    behind: Project, proxy: Proxy, kind: Break
) -> None:
    proxy.set(at_the_commit_of(2, kind))
    done = behind.run("migrate")
    assert proxy.wait_until_fired(0)
    if done.code == 0:
        assert "it is kept, by a look at the database" in done.err
        assert behind.applied() == list(FIVE)
    else:  # the server noticed first, and rolled back
        assert done.code == 5
        assert f"nothing of {TASKS} was kept" in done.err
        assert behind.applied() == [USERS]


def test_a_line_that_lives_and_brings_no_answer_to_a_commit_is_given_up(
    behind: Project, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_commit, "BEFORE_ASKING", 0.3)
    monkeypatch.setattr(postgres_commit, "BETWEEN", 0.2)
    fault = at_the_commit_of(2, Break.SWALLOWED)
    proxy.set(replace(fault, patience=600))
    done = behind.ok("migrate")
    assert proxy.wait_until_fired(0)
    assert "it is kept, by a look at the database" in done.err
    assert behind.applied() == list(FIVE)


def test_one_who_is_asked_about_a_commit_and_says_nothing_does_not_hold_it_up(
    behind: Project, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_commit, "BEFORE_ASKING", 0.3)
    monkeypatch.setattr(postgres_commit, "BETWEEN", 0.2)
    behind.write(
        USERS,
        "CREATE TABLE users (id integer);\n"
        "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$;\n"
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION late();\nINSERT INTO users VALUES (1);\n",
    )
    proxy.set(Fault(Break.SWALLOWED, 1, Sender.CLIENT, b"pg_xact_status", patience=60))
    began = time.monotonic()
    behind.ok("migrate")
    assert time.monotonic() - began < 30
    assert proxy.wait_until_fired(0)
    assert behind.applied() == list(FIVE)


@pytest.mark.parametrize("kind", [Break.BEFORE, Break.HALF])
def test_a_commit_that_never_arrived_kept_nothing_and_is_said_so(behind: Project, proxy: Proxy, kind: Break) -> None:
    proxy.set(at_the_commit_of(2, kind))
    lost = behind.run("migrate", "--json")
    assert lost.code == 5
    error = lost.json["error"]
    assert f"nothing of {TASKS} was kept: it was looked up over another connection" in error["state"]
    assert error["done"] == [USERS]
    assert behind.applied() == [USERS]
    assert not behind.has_table("tasks")
    assert behind.log("migration_name", "outcome")[-1] == (TASKS, "failed")
    behind.ok("migrate")
    assert behind.applied() == list(FIVE)


@pytest.mark.parametrize("kind", [Break.AFTER, Break.BEFORE])
def test_a_rollback_whose_connection_is_lost_in_its_commit_is_looked_up(
    behind: Project, proxy: Proxy, kind: Break
) -> None:
    behind.ok("migrate")
    proxy.set(Fault(kind, 1, Sender.CLIENT, b"DELETE FROM"))
    done = behind.run("rollback", "--name", TASKS)
    assert (done.code == 0) == (TASKS not in behind.applied())
    assert behind.has_table("tasks") == (TASKS in behind.applied())
    assert done.code in (0, 5)


def test_a_line_that_dies_in_the_middle_of_a_file_kept_nothing(behind: Project, proxy: Proxy) -> None:
    proxy.set(Fault(Break.AFTER, 1, Sender.CLIENT, b"CREATE TABLE tasks"))
    lost = behind.run("migrate")
    assert lost.code == 5
    assert f"nothing of {TASKS} was kept: its COMMIT was never sent" in lost.err
    assert behind.applied() == [USERS]
    assert behind.log("migration_name", "outcome")[-1] == (TASKS, "failed")


def test_a_server_that_is_restarted_between_two_files(
    own_server: OwnServer, own_database: Database, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", PostgresTarget(own_database), own_database.url)
    project.write_tables()
    with slowly(project, 1.0) as process:
        until(lambda: project.has_table("users"), "the first file is applied")
        own_server.crash()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert project.applied() == list(FIVE)


def test_a_server_that_crashes_in_the_middle_of_a_file(
    own_server: OwnServer, own_database: Database, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", PostgresTarget(own_database), own_database.url)
    project.write_tables()
    project.write(TASKS, "CREATE TABLE tasks (id integer);\nSELECT pg_sleep(60);\n")
    with slowly(project, 0) as process:
        running = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()"
        until(lambda: project.rows(running), "the second file runs")
        own_server.crash()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 5
    assert f"nothing of {TASKS} was kept" in err
    assert project.applied() == [USERS]
    assert not project.has_table("tasks")
