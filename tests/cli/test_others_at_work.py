"""Others are at work on the same database: runners, people, and files that meddle with the lock (C3)."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fixtures.cli import FIVE, TAGS, TASKS, USERS, Project, backends, ended, until
from tests.fixtures.own_projects import project_on
from tests.fixtures.postgres import Database
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres

RUNNERS = 64
THREE = FIVE[:3]
ASLEEP = "state = 'active' AND wait_event = 'PgSleep'"


def second_folder(project: Project, conninfo: dict[str, str] | None = None) -> Project:
    """Return another project on the same database, reached by other words where they are given."""
    assert isinstance(project.target, PostgresTarget)
    made = project_on(project.target.database, project.root.parent / "second")
    if conninfo is not None:
        made.variables["TARGET_URL"] = Database({**project.target.database.conninfo, **conninfo}).url
    return made


def sleeping(project: Project, name: str, seconds: float) -> None:
    """Write a migration that makes its table and then sleeps."""
    table = name.rsplit("_", 1)[1]
    project.write(name, f"CREATE TABLE {table} (id integer);\nSELECT pg_sleep({seconds});\n", f"DROP TABLE {table};\n")


# Loads what a run needs, and then is that many processes, each of which is the command line.
TOGETHER = """
import os, sys
from migration_manager import prepare, runner
from migration_manager.cli import main
from migration_manager.config import examine_process
from migration_manager.engines import postgres
children = []
for number in range({runners}):
    children.append(os.fork())
    if not children[-1]:
        said = os.open(f"said-{{number}}", os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(said, 1)
        os.dup2(said, 2)
        main()
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
print([code for code in codes if code])
"""


@pytest.mark.e2e
def test_sixty_four_runners_that_start_a_history_apply_each_file_once(own_project: Project) -> None:
    project = own_project
    project.rows("CREATE TABLE ran (name text)")
    for name in project.write_tables(*THREE):
        project.file(name).write_text(f"{project.file(name).read_text()}INSERT INTO ran VALUES ('{name}');\n")
    runners = [sys.executable, "-c", TOGETHER.format(runners=RUNNERS), "migrate"]
    done = subprocess.run(
        runners, cwd=project.root, env=project.environment(), check=True, capture_output=True, text=True
    )
    said = "".join(path.read_text() for path in project.root.glob("said-*"))
    assert done.stdout == "[]\n", said
    assert project.applied() == list(THREE)
    assert project.rows("SELECT name FROM ran ORDER BY name") == [(name,) for name in THREE]
    for name in THREE:
        assert said.count(f"applied      {name}") == 1, "told by the one who did it"
    assert not project.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'")


def test_a_rollback_waits_for_a_run_that_is_at_work(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables(USERS)
    sleeping(project, TASKS, 1.5)
    with project.start("migrate") as runner:
        until(lambda: backends(project, ASLEEP), "the second file runs")
        back = project.process("rollback", "--name", USERS)
        outcome = ended(runner)
    assert outcome.code == 0, outcome.text
    assert back.code == 0, back.text
    assert project.applied() == [TASKS]
    assert [row for row in project.log("action", "migration_name") if row[0] != "stamp"] == [
        ("migrate", USERS), ("migrate", TASKS), ("rollback", USERS),
    ]  # fmt: skip


@pytest.mark.parametrize("by_another_name", [False, True], ids=["same address", "another address"])
def test_two_folders_of_one_database_share_its_lock(
    postgres_project: Project, tmp_path: Path, by_another_name: bool
) -> None:
    project = postgres_project
    other_words = None
    if by_another_name:
        assert isinstance(project.target, PostgresTarget)
        host = project.target.database.conninfo["host"]
        if not host.startswith("/"):
            pytest.skip("the server of this run is reached over TCP: there is no other name for it")
        (tmp_path / "link").symlink_to(host)
        other_words = {"host": str(tmp_path / "link")}
    second = second_folder(project, other_words)
    project.write_tables(USERS)
    project.ok("migrate")
    sleeping(project, TASKS, 300)
    second.write_tables(USERS, TAGS)
    with project.start("migrate") as runner:
        until(lambda: backends(project, ASLEEP), "the first runs")
        refused = second.process("migrate", "--lock-wait", "300ms")
        assert refused.code == 5, refused.text
        assert f"pid {backends(project, ASLEEP)[0][0]}" in refused.err
        assert "nothing was changed" in refused.err
        runner.kill()
    until(lambda: not backends(project), "its session has ended")
    second.ok("migrate")
    assert second.applied() == [USERS, TAGS]


def test_two_histories_in_one_database_do_not_wait_for_each_other(postgres_project: Project) -> None:
    project = postgres_project
    second = second_folder(project)
    second.set("dev", history_table="second_history")
    sleeping(project, USERS, 300)
    second.write_tables(TASKS)
    with project.start("migrate") as runner:
        until(lambda: backends(project, ASLEEP), "the first runs")
        second.ok("migrate", "--lock-wait", "0s")
        assert second.rows("SELECT migration_name FROM second_history") == [(TASKS,)]
        runner.kill()
    until(lambda: not backends(project), "its session has ended")
    assert project.applied() == []


def test_a_row_that_is_deleted_while_a_run_waits_is_missed_before_anything_is_done(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables(USERS, TASKS)
    project.file(USERS).write_text("CREATE TABLE IF NOT EXISTS users (id integer);\n")
    project.ok("migrate", "--steps", "1")
    with project.target.child("hold") as child, project.start("migrate") as runner:
        until(lambda: backends(project, "query LIKE '%pg_try_advisory_lock%'"), "it waits for the lock")
        project.rows(f"DELETE FROM schema_migrations WHERE migration_name = '{USERS}'")
        child.go()
        child.hears()
        outcome = ended(runner)
    assert outcome.code == 0, outcome.text
    assert "the plan was made again" in outcome.err
    assert project.applied() == [USERS, TASKS]
    assert project.log("action", "migration_name")[-2:] == [("migrate", USERS), ("migrate", TASKS)]


def test_a_row_that_is_deleted_in_the_middle_of_a_run_is_pending_after_it(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables(USERS)
    sleeping(project, TASKS, 1)
    with project.start("migrate") as runner:
        until(lambda: backends(project, ASLEEP), "the second file runs")
        project.rows(f"DELETE FROM schema_migrations WHERE migration_name = '{USERS}'")
        outcome = ended(runner)
    assert outcome.code == 0, outcome.text
    assert project.status() == {USERS: "pending", TASKS: "applied"}


# ------------------------------------------------------------------------- files that meddle with the lock


@pytest.mark.parametrize("runners", [1, 6])
def test_a_file_that_lets_go_of_every_lock_is_still_applied_once(postgres_project: Project, runners: int) -> None:
    project = postgres_project
    project.rows("CREATE TABLE ran (name text)")
    for name in project.write_tables():
        project.file(name).write_text(
            f"SELECT pg_advisory_unlock_all();\n{project.file(name).read_text()}INSERT INTO ran VALUES ('{name}');\n"
        )
    with ExitStack() as stack:
        started = [stack.enter_context(project.start("migrate")) for _ in range(runners)]
        outcomes = [ended(runner) for runner in started]
    assert [outcome.code for outcome in outcomes] == [0] * runners, [o.err for o in outcomes if o.code]
    assert project.applied() == list(FIVE)
    assert project.rows("SELECT name FROM ran ORDER BY name") == [(name,) for name in FIVE]


@pytest.mark.parametrize("function", ["pg_advisory_lock", "pg_advisory_xact_lock", "pg_advisory_unlock"])
@pytest.mark.parametrize("header", ["", "-- migrate: no-transaction\n"], ids=["transaction", "no-transaction"])
def test_a_file_may_take_the_runners_own_key_and_nobody_waits_for_ever(
    postgres_project: Project, function: str, header: str
) -> None:
    project = postgres_project
    ours = (
        "SELECT DISTINCT (classid::bigint << 32) | objid::bigint AS key FROM pg_locks"
        " WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objsubid = 1"
    )
    project.write(USERS, f"{header}CREATE TABLE users AS SELECT {function}(key) IS NULL FROM ({ours}) of_ours;\n")
    project.write_tables(TASKS)
    project.ok("migrate")
    assert project.applied() == [USERS, TASKS]
    assert project.rows("SELECT count(*) FROM users") == [(1,)]
    assert not project.rows(
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    project.write_tables(TAGS)
    project.ok("migrate", "--lock-wait", "0s")


# --------------------------------------------------------------------------------- rows of other versions


def test_a_state_this_version_does_not_know_is_refused_and_named(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables(USERS, TASKS)
    project.ok("migrate", "--steps", "1")
    for (name,) in project.rows(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'schema_migrations'::regclass AND contype = 'c'"
    ):
        project.rows(f"ALTER TABLE schema_migrations DROP CONSTRAINT {name}")
    project.rows("UPDATE schema_migrations SET state = 'running'")
    refused = project.refuses(4, "migrate")
    assert "running" in refused.err
    assert USERS in refused.err
    assert "Traceback" not in refused.err


# -------------------------------------------------------------------------------- an index beside others' work


def test_an_index_that_is_built_concurrently_waits_longer_than_lock_timeout(postgres_project: Project) -> None:
    """A build that is timed out leaves an invalid index behind."""
    project = postgres_project
    project.set("dev", lock_timeout="200ms")
    project.write_tables(USERS)
    project.ok("migrate")
    project.write(TASKS, "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY users_id ON users (id);\n")
    assert isinstance(project.target, PostgresTarget)
    with project.target.database.connect() as writer:
        writer.execute("BEGIN")
        writer.execute("INSERT INTO users VALUES (1)")
        with project.start("migrate") as runner:
            waiting = "wait_event_type = 'Lock' AND query_start < clock_timestamp() - interval '1 s'"
            until(lambda: backends(project, waiting), "it waits for the writer, past lock_timeout")
            writer.execute("COMMIT")
            outcome = ended(runner)
    assert outcome.code == 0, outcome.text
    assert project.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_id'::regclass") == [(True,)]
