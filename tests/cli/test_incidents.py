"""What a review found once and must not come back: each test is one promise, on a real PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from psycopg import sql

from tests.fixtures.cli import TASKS, USERS, Project
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres


@pytest.fixture
def login(postgres_project: Project) -> Iterator[str]:
    """Yield a role that may log in and owns nothing; the project's URL is its own."""
    assert isinstance(postgres_project.target, PostgresTarget)
    database = postgres_project.target.database
    name = f"login_{secrets.token_hex(4)}"
    postgres_project.rows(
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), sql.Literal(name)).as_string()
    )
    conninfo = {**database.conninfo, "user": name} | ({"password": name} if "password" in database.conninfo else {})
    postgres_project.variables["LOGIN_URL"] = type(database)(conninfo).url
    yield name
    with database.connect() as connection:
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_reading_needs_no_right_to_take_the_configured_role(postgres_project: Project, login: str) -> None:
    postgres_project.write_tables()
    postgres_project.ok("migrate")
    postgres_project.rows(
        "GRANT SELECT ON schema_migrations, schema_migrations_log, schema_migrations_text, schema_migrations_progress"
        f" TO {login}"
    )
    postgres_project.set("dev", role="postgres")
    url = postgres_project.variables["LOGIN_URL"]
    assert "5 applied" in postgres_project.ok("status", "--url", url).out
    postgres_project.ok("history", "--url", url)
    assert "postgres" in postgres_project.refuses(2, "rollback", "--url", url).err


def test_the_grant_that_is_advised_is_the_one_that_helps(postgres_project: Project, login: str) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.ok("migrate")
    postgres_project.rows(
        "GRANT SELECT ON schema_migrations, schema_migrations_log, schema_migrations_text, schema_migrations_progress"
        f" TO {login}"
    )
    postgres_project.rows(f"GRANT CREATE ON SCHEMA public TO {login}")
    postgres_project.write(TASKS, "CREATE TABLE tasks (id integer);\n", "DROP TABLE tasks;\n")
    url = postgres_project.variables["LOGIN_URL"]
    refused = postgres_project.refuses(2, "migrate", "--url", url)
    (advice,) = [line for line in refused.err.splitlines() if line.startswith("hint:")]
    postgres_project.rows(advice.removeprefix("hint:").strip())
    postgres_project.ok("migrate", "--url", url)
    assert postgres_project.applied() == [USERS, TASKS]


def test_set_constraints_all_is_told_from_a_commit(postgres_project: Project) -> None:
    postgres_project.write(USERS, "CREATE TABLE users (id integer);\nSET CONSTRAINTS ALL IMMEDIATE;\n")
    outcome = postgres_project.run("migrate")
    assert outcome.code == 1, outcome.text
    assert f"{USERS}.sql:2:1" in outcome.err
    assert "instead of ALL" in outcome.err
    assert "COMMIT" not in outcome.err


def test_read_write_as_a_wish_of_libpq_is_understood(postgres_project: Project) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.run("status", env={"PGTARGETSESSIONATTRS": "read-write"})
    assert postgres_project.run("migrate", env={"PGTARGETSESSIONATTRS": "read-write"}).code == 0


def test_a_history_elsewhere_on_the_search_path_is_not_taken_for_ours(postgres_project: Project) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.ok("migrate")
    postgres_project.rows("CREATE SCHEMA tenant")
    assert isinstance(postgres_project.target, PostgresTarget)
    database = postgres_project.target.database
    url = type(database)({**database.conninfo, "options": "-csearch_path=tenant,public"}).url
    outcome = postgres_project.refuses(4, "status", "--url", url)
    assert 'history_schema = "public"' in outcome.err
    postgres_project.set("dev", history_schema="tenant")
    assert "1 pending" in postgres_project.ok("status", "--url", url).out


def test_a_history_table_that_was_dropped_is_made_again_beside_its_log(postgres_project: Project) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.ok("migrate")
    postgres_project.rows("DROP TABLE schema_migrations")
    postgres_project.ok("baseline", "--all")
    assert postgres_project.applied() == [USERS]
    assert [row[0] for row in postgres_project.log("action")] == ["stamp", "migrate", "baseline"]


def test_a_no_transaction_file_that_discards_all_keeps_the_lock(postgres_project: Project) -> None:
    postgres_project.write(
        USERS,
        "-- migrate: no-transaction\nDISCARD ALL;\nCREATE TABLE held AS SELECT count(*) AS locks FROM pg_locks "
        "WHERE locktype = 'advisory' AND pid = pg_backend_pid();\n",
    )
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT locks FROM held") == [(1,)]


def test_an_encoding_that_lacks_the_files_letters_is_an_error_with_its_place(postgres_project: Project) -> None:
    postgres_project.write(USERS, "-- migrate: no-transaction\nSET client_encoding TO 'LATIN1';\nSELECT '\u20ac';\n")
    outcome = postgres_project.run("migrate")
    assert outcome.code == 1, outcome.text
    assert "Traceback" not in outcome.err
    assert f"{USERS}.sql:3:9" in outcome.err
    assert "1 of its 2 statements" in outcome.err


def test_an_inherited_idle_timeout_does_not_end_the_session(postgres_project: Project) -> None:
    postgres_project.rows(f'ALTER DATABASE "{postgres_project.database}" SET idle_session_timeout = 1')
    postgres_project.write_tables()
    postgres_project.ok("migrate")


def test_what_a_lost_session_leaves_is_told_with_what_went_in_before(postgres_project: Project) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.write(TASKS, "SELECT pg_terminate_backend(pg_backend_pid());\n")
    outcome = postgres_project.run("migrate", "--json")
    assert outcome.code == 5
    error = outcome.json["error"]
    assert error["done"] == [USERS]
    assert f"nothing of {TASKS} was kept" in error["state"]
    assert "1 before it stays applied" in error["state"]


def test_a_warning_of_the_server_is_shown_under_quiet_too(postgres_project: Project) -> None:
    postgres_project.write(USERS, "DO $$ BEGIN RAISE WARNING 'look here'; RAISE NOTICE 'not here'; END $$;\n")
    outcome = postgres_project.ok("migrate", "--quiet")
    assert "look here" in outcome.err
    assert "not here" not in outcome.err


def test_a_misspelt_environment_in_a_header_is_refused(postgres_project: Project) -> None:
    postgres_project.write(USERS, "-- migrate: environments prodction\nSELECT 1;\n")
    assert "production" in postgres_project.refuses(2, "migrate").err


def test_nothing_to_do_is_not_said_of_what_is_still_pending(postgres_project: Project) -> None:
    postgres_project.write_tables()
    postgres_project.ok("migrate", "--to", USERS)
    assert "4 migrations after it pending" in postgres_project.ok("migrate", "--to", USERS).out


def test_a_changed_rollback_script_can_be_accepted(postgres_project: Project) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.ok("migrate")
    postgres_project.rollback_file(USERS).write_text("DROP TABLE IF EXISTS users;\n")
    assert "rollback script" in postgres_project.run("verify").out
    postgres_project.ok("repair", "--name", USERS, "--reason", "safer")
    assert "agree" in postgres_project.ok("verify").out
