"""`resume` where something changed meanwhile: no statement runs twice or is left out, and what is said is so."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.fixtures.cli import TAGS, TASKS, USERS, Project, backends, ended, until
from tests.fixtures.own_projects import slowly
from tests.fixtures.postgres import Database
from tests.fixtures.targets import PostgresTarget

pg = pytest.mark.postgres

HEADER = "-- migrate: no-transaction\n"
COUNTER = "CREATE TABLE counter (n integer);\n"
COUNT = "INSERT INTO counter VALUES (1);\n"
BROKEN = "INSERT INTO nowhere VALUES (1);\n"
SLOW_ON_POSTGRES = "INSERT INTO counter SELECT 1 FROM pg_sleep(3);\n"
SLOW_ON_SQLITE = """INSERT INTO counter
WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 9000000) SELECT 1 FROM r WHERE n = 9000000;
"""


def database_of(project: Project) -> psycopg.Connection:
    assert isinstance(project.target, PostgresTarget)
    return project.target.database.connect()


def stopped_at(project: Project, *statements: str) -> None:
    """Have a file of these statements stop at the last of them."""
    project.write(USERS, HEADER + "".join(statements), HEADER + "DROP TABLE counter;\n")
    assert project.run("migrate").code == 1


def counted(project: Project) -> int:
    ((count,),) = project.rows("SELECT count(*) FROM counter")
    return int(count)


# ------------------------------------------------------------------------------- twice, or not at all


def test_two_that_resume_at_once_run_no_statement_twice(project: Project) -> None:
    """The second one has made its plan before the first one is done, and waits for the lock meanwhile."""
    stopped_at(project, COUNTER, BROKEN)
    project.write(USERS, HEADER + COUNTER + (SLOW_ON_POSTGRES if project.on_postgres else SLOW_ON_SQLITE) + BROKEN)
    with project.start("resume") as first:
        until(lambda: project.log("action", "outcome")[-1] == ("resume", "started"), "it is at it")
        with project.start("resume") as second:
            first_ended, second_ended = ended(first), ended(second)
    assert (first_ended.code, second_ended.code) == (1, 1), first_ended.text + second_ended.text
    assert counted(project) == 1


def test_a_file_that_lost_its_header_is_not_run_again_from_the_start(project: Project) -> None:
    stopped_at(project, COUNTER, COUNT, BROKEN)
    project.write(USERS, COUNTER.replace("TABLE", "TABLE IF NOT EXISTS") + COUNT)
    refused = project.refuses(4, "resume")
    assert "began outside a transaction" in refused.err
    assert "`-- migrate: no-transaction`" in refused.err
    assert counted(project) == 1
    assert project.rows_of_history() == [(USERS, "unfinished")]


def test_a_row_that_a_person_deleted_makes_it_pending_and_it_begins_anew(project: Project) -> None:
    stopped_at(project, COUNTER, COUNT, BROKEN)
    project.rows("DELETE FROM schema_migrations")
    project.rows("DROP TABLE counter")
    project.write(USERS, HEADER + COUNTER + COUNT)
    project.ok("migrate")
    assert counted(project) == 1
    assert project.rows_of_history() == [(USERS, "applied")]


def test_what_a_person_skipped_is_skipped_for_good(project: Project) -> None:
    stopped_at(project, COUNTER, "INSERT INTO nowhere VALUES (2);\n", BROKEN)
    project.write(USERS, HEADER + COUNTER + COUNT + BROKEN)  # mended, and done by hand
    project.rows("INSERT INTO counter VALUES (1)")
    assert project.run("resume", "--skip").code == 1
    assert "statement 3 of 3 failed" in project.ok("status").out
    project.write(USERS, HEADER + COUNTER + COUNT + "SELECT 1;\n")
    project.ok("resume")
    assert counted(project) == 1


def test_one_that_was_not_begun_may_be_skipped_too(project: Project) -> None:
    stopped_at(project, COUNTER, BROKEN)
    project.rows("DELETE FROM schema_migrations_progress WHERE statement = 2")  # as after a kill between two statements
    project.write(USERS, HEADER + COUNTER + COUNT + BROKEN)
    assert project.run("resume", "--skip").code == 1
    project.write(USERS, HEADER + COUNTER + COUNT + "SELECT 1;\n")
    project.ok("resume")
    assert counted(project) == 0


@pytest.fixture
def half_detached(postgres_project: Project) -> Project:
    """Return a project whose second migration stopped while it detached a partition."""
    project = postgres_project
    project.write(
        USERS,
        "CREATE TABLE events (at date) PARTITION BY RANGE (at);\n"
        "CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');\n",
    )
    project.ok("migrate")
    project.write(TASKS, DETACHING + "CREATE TABLE must_exist (id integer);\n")
    with database_of(project) as reader:  # whose transaction the second half has to wait for
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM events")
        assert project.run("migrate").code == 1
        reader.execute("ROLLBACK")
    return project


TIMED = HEADER + "-- migrate: statement-timeout 500ms\n"
DETACHING = TIMED + "ALTER TABLE events DETACH PARTITION events_2024 CONCURRENTLY;\n"


def is_pending(project: Project) -> bool:
    return bool(project.rows("SELECT 1 FROM pg_inherits WHERE inhdetachpending"))


@pg
def test_detaching_that_is_finished_counts_for_the_statement_that_began_it(half_detached: Project) -> None:
    assert is_pending(half_detached)
    done = half_detached.ok("resume")
    assert "finished what was left behind" in done.err
    assert half_detached.has_table("must_exist")
    assert not is_pending(half_detached)


@pg
def test_detaching_that_is_left_counts_for_no_other_statement(half_detached: Project) -> None:
    half_detached.write(TASKS, TIMED + "CREATE TABLE must_exist (id integer);\n")
    half_detached.ok("resume")
    assert half_detached.has_table("must_exist")
    assert is_pending(half_detached), "the file does not say any more that it is to be detached"


@pg
def test_what_is_half_done_is_not_taken_for_done(half_detached: Project) -> None:
    refused = half_detached.refuses(4, "resume", "--skip")
    assert "half done: partition whose detaching is not finished public.events_2024" in refused.err
    half_detached.rows("ALTER TABLE events DETACH PARTITION events_2024 FINALIZE")
    half_detached.ok("resume", "--skip")
    assert half_detached.has_table("must_exist")


@pg
def test_an_invalid_index_is_not_taken_for_done_and_a_person_who_says_how_it_ended_is_told(
    postgres_project: Project,
) -> None:
    project = postgres_project
    stopped_at(project, COUNTER, COUNT, COUNT, "CREATE UNIQUE INDEX CONCURRENTLY ti ON counter (n);\n")
    refused = project.refuses(4, "resume", "--skip")
    assert "half done: invalid index public.ti on public.counter" in refused.err
    told = project.ok("resume", "--mark-applied").err
    assert "statement 4 of 4 failed; nothing is run" in told
    assert "not taken away: invalid index public.ti on public.counter" in told


def test_what_is_undone_by_resume_is_the_run_that_it_belongs_to(project: Project) -> None:
    stopped_at(project, COUNTER, BROKEN)
    project.write(USERS, HEADER + COUNTER + COUNT, "DROP TABLE counter;\n")
    shown = project.ok("resume").out
    (undo,) = re.findall(r"undo with: migration-manager (.*)", shown)
    project.ok(*undo.split())
    assert project.applied() == []


def test_a_rollback_of_what_is_unfinished_leaves_it_unfinished(project: Project) -> None:
    project.write(USERS, HEADER + COUNTER + BROKEN, "DROP TABLE nowhere;\n")
    assert project.run("migrate").code == 1
    failed = project.run("rollback", "--json")
    assert failed.code == 1
    assert failed.json["error"]["state"] == "nothing of it was kept; it is still unfinished"


def test_a_rollback_that_stopped_says_so_and_how_to_end_it(project: Project) -> None:
    project.write(USERS, COUNTER, HEADER + "DROP TABLE counter;\nDROP TABLE nowhere;\n")
    project.ok("migrate")
    failed = project.run("rollback", "--json")
    assert "`resume --mark-rolled-back`" in failed.json["error"]["hint"]
    assert "rolling back: statement 2 of 2 failed" in project.ok("status").out
    assert "rolling back: statement 2 of 2 failed" in project.refuses(4, "migrate").err


def in_doubt(project: Project, statement: str) -> None:
    """Leave the second statement of a file unknown, as a crash in the middle of it would."""
    project.write(USERS, f"{HEADER}{COUNTER}{statement}SELECT 1 / (SELECT count(*) FROM counter);\n")
    assert project.run("migrate").code == 1
    project.rows("INSERT INTO counter VALUES (1)")
    project.rows("DELETE FROM schema_migrations_progress WHERE statement > 2")
    project.rows("UPDATE schema_migrations_progress SET state = 'started' WHERE statement = 2")


@pg
def test_what_was_there_before_is_not_taken_for_what_a_statement_in_doubt_makes(postgres_project: Project) -> None:
    project = postgres_project
    project.rows("CREATE TABLE other (j integer)")
    project.rows("CREATE INDEX ti ON other (j)")
    project.write(USERS, f"{HEADER}{COUNTER}CREATE INDEX CONCURRENTLY ti ON counter (n);\n")
    assert project.run("migrate").code == 1
    project.rows("UPDATE schema_migrations_progress SET state = 'started' WHERE statement = 2")
    failed = project.run("resume")
    assert failed.code == 1
    assert "already exists" in failed.err
    assert project.rows_of_history() == [(USERS, "unfinished")]


@pg
def test_an_index_without_a_name_may_not_be_built_a_second_time(postgres_project: Project) -> None:
    project = postgres_project
    in_doubt(project, "CREATE INDEX CONCURRENTLY ON counter (n);\n")
    assert "only a person can tell" in project.refuses(4, "resume").err
    project.ok("resume", "--skip")
    assert project.rows("SELECT count(*) FROM pg_index WHERE indrelid = 'counter'::regclass") == [(1,)]


@pg
@pytest.mark.parametrize(
    "setting", ["set_config('my.x', add_one(), false)", "set_config('my.x', '1', false), add_one()"]
)
def test_an_expression_is_not_run_again_for_what_it_sets(postgres_project: Project, setting: str) -> None:
    project = postgres_project
    stopped_at(
        project,
        COUNTER,
        "CREATE FUNCTION add_one() RETURNS text LANGUAGE sql AS 'INSERT INTO counter VALUES (1) RETURNING n::text';\n",
        f"SELECT {setting};\n",
        BROKEN,
    )
    text = project.file(USERS).read_text("utf-8").replace(BROKEN, "SELECT 1;\n")
    project.file(USERS).write_text(text, "utf-8")
    assert "what statement 3 sets for its session is not set again" in project.ok("resume").err
    assert counted(project) == 1


@pg
def test_a_plain_setting_is_made_again(postgres_project: Project) -> None:
    project = postgres_project
    project.rows("CREATE SCHEMA elsewhere")
    stopped_at(
        project,
        "SELECT pg_catalog.set_config('search_path', 'elsewhere', false);\n",
        BROKEN,
    )
    text = project.file(USERS).read_text("utf-8").replace(BROKEN, COUNTER)
    project.file(USERS).write_text(text, "utf-8")
    project.ok("resume")
    assert project.rows("SELECT to_regclass('elsewhere.counter') IS NOT NULL") == [(True,)]


# ---------------------------------------------------------------------------------------- what is said


@pg
def test_a_resume_that_could_not_begin_says_what_is_kept(postgres_project: Project) -> None:
    project = postgres_project
    stopped_at(project, COUNTER, COUNT, BROKEN)
    project.variables["MIGRATION_MANAGER_LOCK_TIMEOUT"] = "300ms"
    with database_of(project) as other, other.transaction():
        other.execute("LOCK TABLE schema_migrations_progress IN SHARE MODE")
        failed = project.run("resume", "--json")
    assert failed.code != 0
    assert failed.json["error"]["state"] == "2 of its 3 statements were kept and it is recorded as unfinished"
    assert "`resume`" in failed.json["error"]["hint"]


@pg
def test_a_row_that_was_taken_away_meanwhile_is_missed_by_its_name(postgres_project: Project) -> None:
    project = postgres_project
    project.write(USERS, HEADER + COUNTER.replace("TABLE", "TABLE IF NOT EXISTS") + "DELETE FROM schema_migrations;\n")
    failed = project.run("migrate")
    assert f"the history row of {USERS} was taken away while it ran" in failed.err
    error = project.run("migrate", "--json").json["error"]
    assert "without a row it counts as pending" in error["state"]
    assert "`baseline --name" in error["hint"]
    assert project.status() == {USERS: "pending"}


@pg
def test_the_statements_error_is_told_even_if_it_could_not_be_noted(postgres_project: Project) -> None:
    project = postgres_project
    project.variables["MIGRATION_MANAGER_LOCK_TIMEOUT"] = "500ms"
    project.write(
        USERS,
        HEADER + COUNTER + "DO $$BEGIN PERFORM pg_sleep(2); RAISE EXCEPTION 'the real reason'; END$$;\n",
    )
    with project.start("migrate") as runner, database_of(project) as other:
        until(lambda: backends(project, "wait_event = 'PgSleep'"), "it is at it")
        with other.transaction():
            other.execute("LOCK TABLE schema_migrations_progress IN SHARE MODE")
            until(lambda: not backends(project, "wait_event = 'PgSleep'"), "it has failed")
            outcome = ended(runner)
    assert "the real reason" in outcome.err, outcome.err
    assert "1 of its 2 statements was kept" in " ".join(outcome.err.split())


@pg
@pytest.mark.parametrize("statement", ["CREATE INDEX CONCURRENTLY ti ON public.counter (n)"])
def test_an_invalid_index_of_another_schema_is_nobodys_matter(postgres_project: Project, statement: str) -> None:
    project = postgres_project
    project.rows("CREATE SCHEMA other")
    project.rows("CREATE TABLE other.counter (n integer)")
    project.rows("INSERT INTO other.counter VALUES (1), (1)")
    with database_of(project) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY ti ON other.counter (n)")
    project.write(USERS, f"{HEADER}{COUNTER}{statement};\n")
    project.write(TASKS, f"{HEADER}{statement.replace('ti', 'IF NOT EXISTS ti')};\n")
    project.ok("migrate")
    assert project.applied() == [USERS, TASKS]


@pg
def test_a_statement_timeout_of_the_file_does_not_hold_for_our_look_at_its_index(postgres_project: Project) -> None:
    project = postgres_project
    project.write(
        USERS,
        HEADER + COUNTER + "SET statement_timeout = '1s';\nCREATE INDEX IF NOT EXISTS ti ON counter (n);\n"
        "SET statement_timeout = 0;\n",
    )
    project.ok("migrate")


@pg
def test_discard_all_leaves_the_role_of_the_environment(postgres_project: Project, owner: str) -> None:
    project = postgres_project
    project.set("dev", role=owner)
    project.write(USERS, f"{HEADER}DISCARD ALL;\n{COUNTER}")
    project.ok("migrate")
    assert project.rows("SELECT tableowner FROM pg_tables WHERE tablename = 'counter'") == [(owner,)]


@pg
def test_after_a_lock_timeout_it_points_to_resume_and_not_to_migrate(postgres_project: Project) -> None:
    project = postgres_project
    project.write(USERS, COUNTER)
    project.ok("migrate")
    project.variables["MIGRATION_MANAGER_LOCK_TIMEOUT"] = "300ms"
    project.write(TASKS, f"{HEADER}SELECT 1;\nALTER TABLE counter ADD m integer;\n")
    with database_of(project) as other, other.transaction():
        other.execute("SELECT * FROM counter")
        failed = project.run("migrate")
    assert failed.code == 1
    assert "`resume` goes on there" in " ".join(failed.err.split())
    assert "run again later" not in " ".join(failed.err.split())


@pg
def test_ctrl_c_in_a_file_that_took_another_role_knows_what_became_of_it(postgres_project: Project, owner: str) -> None:
    project = postgres_project
    project.write(USERS, f'{HEADER}{COUNTER}SET ROLE "{owner}";\nSELECT pg_sleep(60);\n')
    with project.start("migrate") as runner:
        until(lambda: backends(project, "wait_event = 'PgSleep'"), "it is at it")
        runner.send_signal(signal.SIGINT)
        outcome = ended(runner)
    assert outcome.code == 130
    assert "recorded as unfinished: 2 of 3 statements done" in outcome.err, outcome.err
    assert "`resume` goes on there" in " ".join(outcome.err.split())


# ------------------------------------------------------------------------ after others were finished


LOCK_KEY = """SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted
 AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
APPLIED = "SELECT 1 FROM schema_migrations WHERE state = 'applied'"


def end_its_session_after_the_first(project: Project) -> None:
    """End the session of a run that is started `slowly`, in the pause between its first file and its second."""
    until(lambda: project.has_table("schema_migrations") and project.rows(APPLIED), "the first file is applied")
    ours = "application_name LIKE 'migration_manager%' AND datname = current_database()"
    assert project.rows(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {ours}") == [(True,)]


@pg
def test_when_the_lock_is_lost_to_another_run_what_was_applied_is_told(postgres_project: Project) -> None:
    project = postgres_project
    project.variables["MIGRATION_MANAGER_LOCK_WAIT"] = "1s"
    project.write(USERS, COUNTER)
    project.write(TASKS, "SELECT 1;\n")
    project.write(TAGS, "SELECT 1;\n")
    with slowly(project, 1.5) as runner, database_of(project) as other:
        until(lambda: project.rows(LOCK_KEY), "it has the lock")
        ((key,),) = project.rows(LOCK_KEY)
        end_its_session_after_the_first(project)
        assert other.execute(f"SELECT pg_try_advisory_lock({key})").fetchone() == (True,)
        outcome = ended(runner)
    assert outcome.code == 5, outcome.text
    assert "the migration lock was not obtained" in outcome.err
    assert re.search(r"1 stays applied \(run \w+\); 2 more not begun", " ".join(outcome.err.split())), outcome.err
    assert project.applied() == [USERS]


@pg
@pytest.mark.parametrize("header", ["", HEADER])
def test_a_session_that_ended_between_two_files_is_taken_up_anew(postgres_project: Project, header: str) -> None:
    project = postgres_project
    project.write(USERS, COUNTER)
    project.write(TASKS, f"{header}{COUNT}CREATE INDEX {'CONCURRENTLY' if header else ''} ti ON counter (n);\n")
    with slowly(project, 1.5) as runner:
        end_its_session_after_the_first(project)
        outcome = ended(runner)
    assert outcome.code == 0, outcome.text
    assert project.applied() == [USERS, TASKS]
    assert counted(project) == 1


@pg
def test_one_that_is_said_to_be_recorded_and_is_not_is_given_up(postgres_project: Project) -> None:
    """A trigger of somebody's that raises what our own insert would where another run was first."""
    project = postgres_project
    project.write(USERS, COUNTER)
    project.ok("migrate")
    project.write(TASKS, "SELECT 1;\n")
    project.rows("CREATE UNIQUE INDEX only_one ON schema_migrations ((true))")
    outcome = project.run("migrate")
    assert outcome.code == 5, outcome.text
    assert "another run was here first" in outcome.err
    assert project.applied() == [USERS]


def test_marking_that_was_interrupted_after_its_commit_is_told_as_done(project: Project) -> None:
    stopped_at(project, COUNTER, BROKEN)
    interrupted = """
import os, signal
from migration_manager import runner
one = runner._Work._transact
def hook(self, group):
    done = one(self, group)
    os.kill(os.getpid(), signal.SIGINT)
    return done
runner._Work._transact = hook
from migration_manager.cli import main
main()
"""
    process = subprocess.run(
        [sys.executable, "-c", interrupted, "resume", "--mark-applied"],
        check=False,
        cwd=project.root,
        env=project.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 130, process.stderr
    assert "was finished and is recorded" in process.stderr, process.stderr
    assert project.log("action", "outcome")[-1] == ("resume", "done")


@pg
def test_an_index_that_somebody_else_is_building_is_no_leftover(postgres_project: Project) -> None:
    """Who builds it is a superuser, of whom a login without pg_read_all_stats is not told on which table."""
    project = postgres_project
    assert isinstance(project.target, PostgresTarget)
    index = "CREATE UNIQUE INDEX CONCURRENTLY users_id ON users (id);\n"
    login = f"humble_{project.database}"
    project.rows(f"CREATE ROLE {login} LOGIN PASSWORD 'x'")
    project.rows(f"GRANT ALL ON DATABASE {project.database} TO {login}")
    project.rows(f"GRANT ALL ON SCHEMA public TO {login}")
    project.variables["TARGET_URL"] = Database({**project.target.database.conninfo, "user": login, "password": "x"}).url
    try:
        project.write(USERS, "CREATE TABLE users (id integer);\nINSERT INTO users VALUES (1), (1);\n")
        project.write(TASKS, HEADER + index)
        assert project.run("migrate").code == 1
        assert "invalid index public.users_id" in project.ok("status").out
        project.rows("DROP INDEX users_id; DELETE FROM users")
        with database_of(project) as writer, ThreadPoolExecutor() as pool:
            writer.execute("BEGIN")  # the build has to wait for its end
            writer.execute("INSERT INTO users VALUES (1)")
            building = pool.submit(project.rows, index)
            is_there = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('users_id') AND NOT indisvalid"
            try:
                until(lambda: project.rows(is_there), "it is being built")
                assert "left behind" not in project.ok("status").out
                assert "invalid index" not in project.ok("resume", "--dry-run").text
            finally:
                writer.execute("COMMIT")
            building.result(60)
        assert project.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_id'::regclass") == [(True,)]
    finally:
        project.rows(f"DROP OWNED BY {login}")
        project.rows(f"DROP ROLE {login}")
