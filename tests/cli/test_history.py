"""The log: every step that failed is in it once, whatever it failed of, and `history` shows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fixtures.cli import FIVE, TASKS, USERS, Outcome, Project, backends, until
from tests.fixtures.postgres import Database

FAILED = (
    "SELECT migration_name, action, error, sqlstate, execution_ms, checksum, run_id, database_user, os_user "
    "FROM schema_migrations_log WHERE outcome = 'failed'"
)


def the_failure(project: Project, outcome: Outcome, code: int, *, name: str = TASKS, action: str = "migrate") -> str:
    """Check that exactly one failed row is in the log, and that it is complete; return its error and its code."""
    assert outcome.code == code, outcome.text
    ((failed, did, error, sqlstate, took, checksum, run, user, who),) = project.rows(FAILED)
    assert (failed, did) == (name, action)
    assert error
    assert took >= 0
    assert checksum.startswith("v1:")
    assert len(run) == 26
    assert user
    assert who
    shown = project.ok("history").out
    assert error.splitlines()[0] in shown
    (row,) = [row for row in project.ok("history", "--json").json["log"] if row["outcome"] == "failed"]
    assert (row["name"], row["error"], row["sqlstate"], row["run_id"]) == (name, error, sqlstate, run)
    assert row["execution_ms"] == took
    return f"{error} ({sqlstate})"


@pytest.fixture
def begun(project: Project) -> Project:
    """Return a project whose first migration is applied, and whose second a test writes."""
    project.write_tables(USERS)
    project.ok("migrate")
    return project


# ------------------------------------------------------------------------------- every way a step can fail


def test_a_refused_statement(begun: Project) -> None:
    begun.write(TASKS, "INSERT INTO nowhere VALUES (1);\n")
    assert "nowhere" in the_failure(begun, begun.run("migrate"), 1)


def test_a_rollback_script(begun: Project) -> None:
    begun.rollback_file(USERS).write_text("DROP TABLE nowhere;\n")
    outcome = begun.run("rollback")
    assert "nowhere" in the_failure(begun, outcome, 1, name=USERS, action="rollback")


def test_a_no_transaction_script(begun: Project) -> None:
    begun.write(TASKS, "-- migrate: no-transaction\nCREATE TABLE t (n integer);\nINSERT INTO nowhere VALUES (1);\n")
    assert "nowhere" in the_failure(begun, begun.run("migrate"), 1)


def test_one_of_several_in_one_transaction(begun: Project) -> None:
    names = FIVE[1:]
    begun.write_tables(*names)
    begun.break_file(names[2])
    assert "nowhere" in the_failure(begun, begun.run("migrate", "--atomic"), 1, name=names[2])
    assert begun.applied() == [USERS]


POSTGRESQL = {
    "a constraint that is checked at COMMIT": (
        "CREATE TABLE t (n integer REFERENCES users DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO t VALUES (7);\n",
        1,
        "(23503)",
    ),
    "a time limit": ("-- migrate: statement-timeout 50ms\nSELECT pg_sleep(60);\n", 1, "(57014)"),
    "a lost connection": ("SELECT pg_terminate_backend(pg_backend_pid());\n", 5, "(None)"),
    "a lost connection outside a transaction": (
        "-- migrate: no-transaction\nSELECT 1;\nSELECT pg_terminate_backend(pg_backend_pid());\n", 5, "(None)",
    ),
    "a hidden COMMIT": ("DO $$ BEGIN EXECUTE 'COMMIT'; END $$;\n", 1, "("),
}  # fmt: skip


@pytest.mark.postgres
@pytest.mark.parametrize(("text", "code", "said"), POSTGRESQL.values(), ids=POSTGRESQL)
def test_a_step_ended_by(postgres_project: Project, text: str, code: int, said: str) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.ok("migrate")
    postgres_project.write(TASKS, text)
    assert said in the_failure(postgres_project, postgres_project.run("migrate"), code)


@pytest.mark.postgres
def test_a_connection_that_is_lost_in_the_second_of_one_transaction(postgres_project: Project) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.write(TASKS, "SELECT pg_terminate_backend(pg_backend_pid());\n")
    outcome = postgres_project.run("migrate", "--atomic")
    the_failure(postgres_project, outcome, 5)
    assert f"nothing of {TASKS} was kept" in outcome.err


@pytest.mark.postgres
def test_a_lock_that_was_not_free(postgres_project: Project, database: Database) -> None:
    postgres_project.set("dev", lock_timeout="100ms", lock_retries=0)
    postgres_project.write_tables(USERS)
    postgres_project.ok("migrate")
    postgres_project.write(TASKS, "ALTER TABLE users ADD COLUMN name text;\n")
    with database.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE users")
        outcome = postgres_project.run("migrate")
    assert "(55P03)" in the_failure(postgres_project, outcome, outcome.code)
    assert outcome.code == 5


def test_a_file_that_is_written_to_while_it_runs(begun: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    filler = "-- " + "x" * 1000 + "\n"
    begun.write(TASKS, "CREATE TABLE t (n integer);\n" + filler * 9000 + "CREATE TABLE u (n integer);\n")
    the_failure(begun, run_while_changing(begun, lambda: append(begun), monkeypatch), 2)
    assert begun.applied() == [USERS]


def append(project: Project) -> None:
    with project.file(TASKS).open("a") as file:
        file.write("SELECT 1;\n")


def run_while_changing(project: Project, change: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Run migrate, and change something when the task begins: the file has been read and understood by then."""
    from migration_manager.cli.progress import Progress

    begin = Progress.task_started

    def changed(self: Progress, *arguments: object) -> None:
        change()
        begin(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Progress, "task_started", changed)
    return project.run("migrate")


# ------------------------------------------------------------------------------- runs that told no more


@pytest.mark.postgres
def test_a_run_that_was_killed_is_shown(postgres_project: Project) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.ok("migrate")
    postgres_project.write(TASKS, "SELECT pg_sleep(600);\n")
    with postgres_project.start("migrate") as process:
        until(lambda: backends(postgres_project, "query LIKE '%pg_sleep%'"), "the migration runs")
        process.kill()
        process.wait()
    shown = postgres_project.ok("history").out
    assert "run      started run of migrate" in shown
    assert "nothing more is known of it" in shown
    assert "environment dev" in shown, "the stamp is told from it"
    row = postgres_project.ok("history", "--json").json["log"][0]
    assert (row["action"], row["outcome"], row["name"], row["reason"]) == ("run", "started", None, "migrate")
    assert "nothing more is known" in row["note"]


def test_a_run_that_ended_well_is_not_shown_as_one_that_began(begun: Project) -> None:
    rows = begun.ok("history", "--json").json["log"]
    assert [row["action"] for row in rows] == ["migrate", "stamp"]
    assert {row["note"] for row in rows} == {None}


# ----------------------------------------------------------------------------- a log that cannot be written


@pytest.mark.postgres
def test_a_role_that_may_not_write_the_log_stops_before_the_first_file(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables(USERS)
    project.ok("migrate")
    project.write(TASKS, "CREATE TABLE tasks (id integer);\n", "DROP TABLE tasks;\n")
    role = f"app_{project.database}"
    project.rows(f"CREATE ROLE {role}")
    try:
        project.rows(f"GRANT ALL ON SCHEMA public TO {role}")
        project.rows(f"GRANT ALL ON schema_migrations, schema_migrations_text, schema_migrations_progress TO {role}")
        project.rows(f"GRANT SELECT ON schema_migrations_log TO {role}")
        project.set("dev", role=role)
        refused = project.refuses(2, "migrate")
        assert "schema_migrations_log" in refused.err
        (advice,) = [line for line in refused.err.splitlines() if line.startswith("hint:")]
        project.rows(advice.removeprefix("hint:").strip())
        project.ok("migrate")
        assert project.applied() == [USERS, TASKS]
    finally:
        project.rows(f"DROP OWNED BY {role}")
        project.rows(f"DROP ROLE {role}")
