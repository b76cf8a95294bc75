"""A no-transaction file that stops half-way: what is known is told, and nothing goes on but by `resume` (C7)."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import TAGS, TASKS, USERS, Project, until
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres

HEADER = "-- migrate: no-transaction\n"
TWICE = "INSERT INTO users VALUES (1), (1);\n"  # so that a unique index on it cannot be built
INDEX = "CREATE UNIQUE INDEX CONCURRENTLY users_id ON users (id);\n"


@pytest.fixture
def stopped(postgres_project: Project) -> Project:
    """Return a project whose second migration stopped at statement 2 of 3, which left an invalid index behind."""
    project = postgres_project
    project.write(USERS, "CREATE TABLE users (id integer);\n" + TWICE, "DROP TABLE users;\n")
    project.write(
        TASKS,
        HEADER + "CREATE TABLE one (id integer);\n" + INDEX + "CREATE TABLE two (id integer);\n",
        "DROP TABLE one, two; DROP INDEX users_id;\n",
    )
    failed = project.run("migrate")
    assert failed.code == 1
    assert "1 of its 3 statements was kept and it is recorded as unfinished" in failed.err
    assert "resume" in failed.err
    return project


def progress(project: Project) -> list[tuple[int, str]]:
    return project.rows("SELECT statement, state FROM schema_migrations_progress WHERE statement > 0 ORDER BY 1")


def test_status_says_which_statement_and_what_it_left_behind(stopped: Project) -> None:
    shown = stopped.ok("status")
    assert "statement 2 of 3 failed" in shown.out
    assert f"{TASKS}.sql:3: CREATE UNIQUE INDEX CONCURRENTLY users_id" in shown.out
    assert "invalid index public.users_id on public.users" in shown.out
    (one,) = [row for row in stopped.ok("status", "--json").json["migrations"] if row["name"] == TASKS]
    assert one["status"] == "unfinished"
    assert one["progress"] == {
        "done": 1, "total": 3, "statement": 2, "state": "failed",
        "left_behind": [{
            "kind": "invalid index", "name": "public.users_id", "table": "public.users",
            "remedy": "DROP INDEX CONCURRENTLY public.users_id",
        }],
    }  # fmt: skip


def test_migrate_refuses_with_the_statement_and_the_ways_on(stopped: Project) -> None:
    refused = stopped.refuses(4, "migrate")
    assert "statement 2 of 3 failed" in refused.err
    assert f"{TASKS}.sql:3: CREATE UNIQUE INDEX" in refused.err
    assert "`resume`" in refused.err
    assert "--mark-applied" in refused.err


def test_resume_drops_the_invalid_index_and_goes_on_at_that_statement(stopped: Project) -> None:
    stopped.rows("DELETE FROM users")
    run = stopped.rows(f"SELECT run_id FROM schema_migrations WHERE migration_name = '{TASKS}'")
    done = stopped.ok("resume")
    assert "DROP INDEX CONCURRENTLY public.users_id" in done.err
    assert stopped.applied() == [USERS, TASKS]
    assert stopped.has_table("two")
    assert stopped.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_id'::regclass") == [(True,)]
    assert progress(stopped) == []
    assert stopped.rows(f"SELECT run_id FROM schema_migrations WHERE migration_name = '{TASKS}'") == run
    assert stopped.log("migration_name", "action", "outcome")[-2:] == [
        (TASKS, "resume", "started"), (TASKS, "resume", "done"),
    ]  # fmt: skip
    assert stopped.ok("resume").out.strip().endswith("nothing to resume: no migration is unfinished.")


def test_a_dry_run_says_where_it_would_go_on_and_writes_nothing(stopped: Project) -> None:
    before = stopped.everything()
    shown = stopped.ok("resume", "--dry-run")
    assert "goes on at statement 2 of 3" in shown.err
    assert stopped.everything() == before


def test_a_resume_that_fails_again_stays_where_it_was(stopped: Project) -> None:
    again = stopped.run("resume")
    assert again.code == 1
    assert "1 of its 3 statements was kept" in again.err
    assert progress(stopped) == [(1, "done"), (2, "failed")]
    assert stopped.log("action", "outcome")[-1] == ("resume", "failed")
    stopped.rows("DELETE FROM users")
    stopped.ok("resume")
    assert stopped.applied() == [USERS, TASKS]


def test_rollback_of_the_last_run_takes_what_was_resumed_too(stopped: Project) -> None:
    stopped.rows("DELETE FROM users")
    stopped.ok("resume")
    stopped.ok("rollback", "--last-run")
    assert stopped.applied() == []


def test_an_earlier_statement_that_was_edited_is_refused(stopped: Project) -> None:
    stopped.write(TASKS, HEADER + "CREATE TABLE one (id bigint);\n" + INDEX)
    refused = stopped.refuses(4, "resume")
    assert "statement 1 of" in refused.err
    assert "is another one in the file now" in refused.err
    assert progress(stopped) == [(1, "done"), (2, "failed")]


def test_a_later_statement_may_be_edited_and_the_new_checksum_is_recorded(stopped: Project) -> None:
    index = "CREATE INDEX CONCURRENTLY users_id ON users (id);\n"
    stopped.write(TASKS, HEADER + "CREATE TABLE one (id integer);\n" + index + "CREATE TABLE three (id integer);\n")
    stopped.ok("resume")
    assert stopped.has_table("three")
    assert stopped.status() == {USERS: "applied", TASKS: "applied"}


def test_a_file_that_lost_what_is_kept_is_refused(stopped: Project) -> None:
    stopped.write(TASKS, HEADER)
    assert "the file has only 0 now" in stopped.refuses(4, "resume").err


def test_the_kept_text_serves_where_the_file_is_gone(stopped: Project) -> None:
    stopped.rows("DELETE FROM users")
    stopped.delete(TASKS)
    stopped.ok("resume")
    assert stopped.applied() == [USERS, TASKS]
    assert stopped.has_table("two")


def test_what_a_person_did_by_hand_is_recorded_as_applied(stopped: Project) -> None:
    run = stopped.rows(f"SELECT run_id FROM schema_migrations WHERE migration_name = '{TASKS}'")
    stopped.ok("resume", "--mark-applied", "--reason", "built by hand")
    assert stopped.applied() == [USERS, TASKS]
    assert stopped.rows(f"SELECT run_id FROM schema_migrations WHERE migration_name = '{TASKS}'") == run
    assert stopped.log("action", "reason")[-1] == ("resume", "marked as applied: built by hand")
    assert progress(stopped) == []


def test_what_a_person_undid_by_hand_is_pending_again(stopped: Project) -> None:
    stopped.rows("DROP TABLE one; DROP INDEX users_id; DELETE FROM users")
    stopped.ok("resume", "--mark-rolled-back")
    assert stopped.status() == {USERS: "applied", TASKS: "pending"}
    assert progress(stopped) == []
    stopped.ok("migrate")


@pytest.mark.parametrize(
    "way", [["forget", "--name", TASKS], ["baseline", "--name", TASKS]], ids=lambda way: str(way[0])
)
def test_the_other_ways_out_leave_no_progress_behind(stopped: Project, way: list[str]) -> None:
    stopped.ok(*way)
    assert progress(stopped) == []


def test_options_that_contradict_each_other_are_refused(stopped: Project) -> None:
    assert "do not go together" in stopped.refuses(2, "resume", "--again", "--skip").err
    assert "--reason goes with" in stopped.refuses(2, "resume", "--reason", "x").err


def test_one_that_is_not_unfinished_is_refused(stopped: Project) -> None:
    assert "is not unfinished" in stopped.refuses(4, "resume", "--name", USERS).err


def test_settings_of_statements_that_are_kept_count_again(postgres_project: Project) -> None:
    project = postgres_project
    project.write(
        USERS,
        HEADER
        + "CREATE SCHEMA app;\nSET search_path = app;\nCREATE TABLE here (id integer);\nSELECT 1 / (SELECT count(*)"
        " FROM here);\nCREATE TABLE there (id integer);\n",
    )
    assert project.run("migrate").code == 1
    project.rows("INSERT INTO app.here VALUES (1)")
    project.ok("resume")
    assert project.rows("SELECT to_regclass('app.there') IS NOT NULL") == [(True,)]


def test_an_invalid_index_that_was_there_before_is_not_dropped(stopped: Project) -> None:
    stopped.ok("resume", "--mark-rolled-back")
    stopped.rows("DROP TABLE one")
    assert stopped.run("migrate").code == 1  # users_id is there, and invalid
    assert "left behind" not in stopped.ok("status").out
    assert stopped.run("resume").code == 1
    assert stopped.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_id'::regclass") == [(False,)]


def test_if_not_exists_does_not_bless_an_invalid_index(stopped: Project) -> None:
    stopped.rows("DELETE FROM users")
    stopped.write(TAGS, HEADER + "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS users_id ON users (id);\n")
    stopped.ok("resume", "--mark-applied")
    failed = stopped.run("migrate")
    assert failed.code == 1
    assert "the index public.users_id is invalid" in failed.err
    assert "DROP INDEX CONCURRENTLY public.users_id" in failed.err
    stopped.rows("DROP INDEX users_id")
    stopped.ok("resume")
    assert stopped.applied() == [USERS, TASKS, TAGS]


def test_a_no_transaction_rollback_goes_on_too(postgres_project: Project) -> None:
    project = postgres_project
    project.write(
        USERS,
        HEADER + "CREATE TABLE users (id integer);\nCREATE INDEX CONCURRENTLY users_id ON users (id);\n",
        HEADER + "DROP INDEX CONCURRENTLY users_id;\nSELECT 1 / (SELECT count(*) FROM users);\nDROP TABLE users;\n",
    )
    project.ok("migrate")
    assert project.run("rollback").code == 1
    assert "statement 2 of 3 failed" in project.ok("status").out
    project.rows("INSERT INTO users VALUES (1)")
    project.ok("resume")
    assert project.applied() == []
    assert not project.has_table("users")
    assert project.ok("status").out.count("pending")


def test_a_half_detached_partition_is_detached(postgres_project: Project) -> None:
    project = postgres_project
    project.write(
        USERS,
        "CREATE TABLE events (at date) PARTITION BY RANGE (at);\n"
        "CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');\n",
    )
    project.ok("migrate")
    project.write(
        TASKS,
        HEADER + "-- migrate: statement-timeout 500ms\n"
        "ALTER TABLE events DETACH PARTITION events_2024 CONCURRENTLY;\nCREATE TABLE after_it (id integer);\n",
    )
    assert isinstance(project.target, PostgresTarget)
    with project.target.database.connect() as reader:  # whose transaction the second half has to wait for
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM events")
        assert project.run("migrate").code == 1
        reader.execute("ROLLBACK")
    assert "partition whose detaching is not finished public.events_2024" in project.ok("status").out
    project.rows("CREATE TABLE after_it (id integer)")
    assert project.run("resume").code == 1, "what is in the way of the next statement"
    assert "statement 2 of 2 failed" in project.ok("status").out
    project.rows("DROP TABLE after_it")
    project.ok("resume")
    assert project.applied() == [USERS, TASKS]
    assert project.has_table("after_it")
    assert project.rows("SELECT count(*) FROM pg_inherits WHERE inhrelid = 'events_2024'::regclass") == [(0,)]


def test_a_constraint_that_is_not_validated_is_shown_and_then_validated(postgres_project: Project) -> None:
    project = postgres_project
    project.write(USERS, "CREATE TABLE users (id integer);\nINSERT INTO users VALUES (-1);\n")
    project.write(
        TASKS,
        HEADER + "ALTER TABLE users ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;\n"
        "ALTER TABLE users VALIDATE CONSTRAINT positive;\n",
    )
    assert project.run("migrate").code == 1
    assert "constraint that is not validated positive on public.users" in project.ok("status").out
    project.rows("DELETE FROM users")
    project.ok("resume")
    assert project.rows("SELECT convalidated FROM pg_constraint WHERE conname = 'positive'") == [(True,)]


def test_a_killed_index_build_is_unknown_and_is_built_again(postgres_project: Project) -> None:
    project = postgres_project
    project.write(USERS, "CREATE TABLE users (id integer);\n")
    project.ok("migrate")
    project.write(TASKS, HEADER + "CREATE TABLE one (id integer);\nCREATE INDEX CONCURRENTLY users_id ON users (id);\n")
    assert isinstance(project.target, PostgresTarget)
    with project.target.database.connect() as writer:  # whose transaction the build has to wait for
        writer.execute("BEGIN")
        writer.execute("INSERT INTO users VALUES (1)")
        with project.start("migrate") as process:
            waiting = (
                "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active'"
            )
            until(lambda: project.rows(f"{waiting} AND pid <> pg_backend_pid()"), "the index is being built")
            process.kill()
            process.wait()
        gone = "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'migration_manager%'"
        gone += " AND datname = current_database()"
        until(lambda: not project.rows(gone), "the session of the killed run is gone")
        writer.execute("COMMIT")
    shown = project.ok("status").out
    assert "statement 2 of 2 unknown" in shown
    assert "invalid index public.users_id" in shown
    assert "statement 2 of 2 unknown" in project.refuses(4, "migrate").err
    project.ok("resume")
    assert project.applied() == [USERS, TASKS]
    assert project.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_id'::regclass") == [(True,)]


def in_doubt(project: Project, statement: str) -> None:
    """Leave the second statement of a file unknown, as a crash after its end and before the note of it would."""
    project.write(
        USERS, HEADER + f"CREATE TABLE users (id integer);\n{statement}\nSELECT 1 / (SELECT count(*) FROM users);\n"
    )
    assert project.run("migrate").code == 1
    project.rows("INSERT INTO users VALUES (1)")
    project.rows("DELETE FROM schema_migrations_progress WHERE statement = 3")
    project.rows("UPDATE schema_migrations_progress SET state = 'started' WHERE statement = 2")


def test_an_index_that_was_built_before_the_crash_counts_as_done(postgres_project: Project) -> None:
    in_doubt(postgres_project, "CREATE INDEX CONCURRENTLY users_id ON users (id);")
    assert "statement 2 of 3 unknown" in postgres_project.ok("status").out
    postgres_project.ok("resume")
    assert postgres_project.applied() == [USERS]


def test_a_statement_in_doubt_that_was_edited_is_a_persons_matter(postgres_project: Project) -> None:
    project = postgres_project
    in_doubt(project, "CREATE INDEX CONCURRENTLY users_id ON users (id);")
    text = project.file(USERS).read_text("utf-8").replace("users (id);\nSELECT", "users ((id + 1));\nSELECT")
    project.file(USERS).write_text(text, "utf-8")
    assert "only a person can tell" in project.refuses(4, "resume").err
    project.ok("resume", "--skip")
    assert project.applied() == [USERS]


def test_a_statement_that_failed_may_be_done_by_hand_and_skipped(stopped: Project) -> None:
    stopped.rows("DROP INDEX users_id")
    stopped.rows("CREATE INDEX users_id ON users (id)")
    stopped.ok("resume", "--skip")
    assert stopped.applied() == [USERS, TASKS]
    assert stopped.has_table("two")


@pytest.mark.parametrize(("option", "runs"), [("--again", 2), ("--skip", 1)])
def test_only_a_person_can_tell_whether_a_block_has_run(postgres_project: Project, option: str, runs: int) -> None:
    project = postgres_project
    project.rows("CREATE TABLE ran (n integer)")
    in_doubt(project, "DO $$ BEGIN INSERT INTO ran VALUES (1); END $$;")
    refused = project.refuses(4, "resume")
    assert "statement 2 of" in refused.err
    assert "only a person can tell" in refused.err
    project.ok("resume", option)
    assert project.rows("SELECT count(*) FROM ran") == [(runs,)]
    assert project.applied() == [USERS]


def test_a_statement_that_may_run_in_a_transaction_is_never_unknown(postgres_project: Project) -> None:
    project = postgres_project
    project.write(USERS, HEADER + "CREATE TABLE users (id integer);\nINSERT INTO users SELECT 1 FROM pg_sleep(60);\n")
    with project.start("migrate") as process:
        sleeping = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        until(lambda: project.rows(sleeping), "the second statement runs")
        process.kill()
        process.wait()
    gone = "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'migration_manager%' AND datname = "
    until(lambda: not project.rows(f"{gone} current_database()"), "the session of the killed run is gone")
    assert "1 of 2 statements done" in project.ok("status").out
    project.write(USERS, HEADER + "CREATE TABLE users (id integer);\nINSERT INTO users VALUES (1);\n")
    project.ok("resume")
    assert project.rows("SELECT count(*) FROM users") == [(1,)]


def test_a_database_of_an_older_version_gets_the_table(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables(USERS)
    project.ok("migrate")
    project.rows("DROP TABLE schema_migrations_progress")
    project.rows("ALTER TABLE schema_migrations_log DROP COLUMN touched")
    assert project.status() == {USERS: "applied"}
    project.write(TASKS, HEADER + "CREATE INDEX CONCURRENTLY i ON users (id);\n")
    project.ok("migrate")
    assert project.applied() == [USERS, TASKS]
